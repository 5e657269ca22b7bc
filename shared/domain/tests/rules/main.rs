//! Rules, one example at a time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod access;
mod case;
mod export;
mod generation;
mod payment;
mod plan_change;
mod prices;
mod share;
mod strikes;
mod submission;
mod ticket;
mod upload;

use domain::{
    AccountId, Credits, GenerationId, LedgerEntryId,
    accounts::{
        account::Account,
        plan::{Plan, Retention},
    },
    catalogue::{self, Catalogue},
    generations::{
        generation::Generation,
        output::Media,
        settings::{self, RequestedSettings},
        submission::{CreditTransaction, GenerationOutcome, SubmissionIds, finish, reserve},
    },
};
use jiff::Timestamp;
use uuid::Uuid;

const RETENTION: Retention = Retention { free_days: 30, plus_days: 90, pro_days: 365 };
const NEW: SubmissionIds = SubmissionIds { generation: GenerationId(Uuid::nil()), entry: LedgerEntryId(Uuid::nil()) };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn account(credits: i64) -> Account {
    Account::open(AccountId(Uuid::nil()), String::new(), Credits(credits), NEW.entry, at(0)).0
}

/// The catalogue of the providers that offer FLUX, and of the sketches.
fn enabled() -> Catalogue {
    catalogue::compiled().offered_by(&["sketch", "replicate", "fal"])
}

/// Submitted at second 0.
fn submitted(account: &Account, model: &str, count: u32) -> CreditTransaction {
    let asked = RequestedSettings {
        model: model.into(),
        prompt: "a lighthouse".into(),
        count: Some(count),
        ..RequestedSettings::default()
    };
    let (settings, quote) = settings::validate(asked, &Plan::Pro.limits(), &enabled()).unwrap();
    reserve(account, settings, quote, None, NEW, at(0)).unwrap()
}

fn queued() -> Generation {
    submitted(&account(100), "flux-schnell", 1).generation
}

/// Ended at second 60.
fn ended(how: GenerationOutcome) -> Generation {
    let CreditTransaction { account, generation, .. } = submitted(&account(100), "flux-schnell", 1);
    finish(&account, &generation, how, RETENTION, NEW.entry, at(60)).unwrap().generation
}

fn succeeded() -> Generation {
    ended(GenerationOutcome::Succeeded(media(1)))
}

/// A generation of two images.
fn two() -> Generation {
    ended(GenerationOutcome::Succeeded(media(2)))
}

fn media(count: usize) -> Vec<Media> {
    let file = |number| Media {
        key: format!("{number}.png"),
        content_type: "image/png".to_owned(),
        bytes: 1,
        width: 1,
        height: 1,
        duration_ms: None,
        thumbnail_key: None,
        thumbhash: None,
        fingerprints: None,
    };
    (0..count).map(file).collect()
}
