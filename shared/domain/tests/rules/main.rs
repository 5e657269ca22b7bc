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

use std::sync::LazyLock;

use domain::{
    AccountId, Credits, GenerationId, LedgerEntryId,
    accounts::{account::Account, plan::Plans},
    catalogue::{self, Catalogue},
    generations::{
        generation::Generation,
        output::Media,
        settings::{self, RequestedSettings},
        submission::{CreditTransaction, GenerationOutcome, SubmissionIds, finish, reserve},
    },
    service_settings,
};
use jiff::Timestamp;
use uuid::Uuid;

/// The plans of the tests, which keep files for 30, 90 and 365 days.
static PLANS: LazyLock<Plans> = LazyLock::new(|| {
    let mut plans = service_settings::compiled().plans;
    plans.plus.retention_days = 90;
    plans.pro.retention_days = 365;
    plans
});
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
    let (settings, quote) = settings::validate(asked, &PLANS.pro, &enabled()).unwrap();
    reserve(account, &PLANS, settings, quote, None, NEW, at(0)).unwrap()
}

fn queued() -> Generation {
    submitted(&account(100), "flux-schnell", 1).generation
}

/// Ended at second 60.
fn ended(how: GenerationOutcome) -> Generation {
    let CreditTransaction { account, generation, .. } = submitted(&account(100), "flux-schnell", 1);
    finish(&account, &generation, how, &PLANS, NEW.entry, at(60)).unwrap().generation
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
