//! Changes of the plan: how the expiry of files follows them.

use domain::{
    UploadId,
    accounts::{
        account::Account,
        plan::Plan,
        plan_change::{DOWNLOAD_DAYS, PlanChange},
    },
    generations::{
        generation::Generation,
        upload::{Upload, UploadDeclaration, UploadState, declare},
    },
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{PLANS, account, at, queued, succeeded};

/// This many days after the file was stored.
fn day(days: i64) -> Timestamp {
    at(60) + SignedDuration::from_hours(24 * days)
}

fn change(plan: Plan, on: i64) -> PlanChange {
    let shortens_to = Some(day(on + i64::from(DOWNLOAD_DAYS)));
    PlanChange { account: account(0).id, plan, at: day(on), shortens_to, after: None, version: 2 }
}

fn while_disputed(plan: Plan, on: i64) -> PlanChange {
    PlanChange { shortens_to: None, ..change(plan, on) }
}

/// Checks when a file expires that would expire on a day, after a change. A repeat of the change moves nothing.
fn check(expires: i64, change: &PlanChange, moved_to: Option<i64>) {
    let generation = Generation { expires_at: Some(day(expires)), ..succeeded() };
    let moved = generation.after_plan_change(change, &PLANS);
    assert_eq!(moved.as_ref().map(|moved| moved.expires_at), moved_to.map(|to| Some(day(to))), "{change:?}");
    if let Some(moved) = moved {
        assert_eq!(moved.version, generation.version + 1);
        assert_eq!(moved.after_plan_change(change, &PLANS), None, "a repeat of {change:?}");
    }
}

#[test]
fn larger_plan_extends_what_has_not_expired() {
    check(30, &change(Plan::Plus, 1), Some(90));
    check(30, &change(Plan::Pro, 29), Some(365));
    check(90, &change(Plan::Pro, 50), Some(365));
    check(30, &change(Plan::Plus, 30), None);
    check(30, &while_disputed(Plan::Plus, 1), Some(90));
}

#[test]
fn smaller_plan_shortens_but_leaves_a_week_to_download() {
    check(365, &change(Plan::Free, 1), Some(30));
    check(365, &change(Plan::Plus, 50), Some(90));
    check(365, &change(Plan::Free, 29), Some(36));
    check(365, &change(Plan::Free, 200), Some(207));
    // What expires within the week anyway is not extended, even if the plan falls again.
    check(365, &change(Plan::Free, 360), None);
    check(36, &change(Plan::Free, 31), None);
    check(365, &while_disputed(Plan::Free, 1), None);
}

#[test]
fn plan_that_returns_restores_the_expiry() {
    let fell = Generation { expires_at: Some(day(365)), ..succeeded() }
        .after_plan_change(&change(Plan::Free, 1), &PLANS)
        .unwrap();
    let returned = fell.after_plan_change(&change(Plan::Pro, 2), &PLANS).unwrap();
    assert_eq!(returned.expires_at, Some(day(365)));
}

#[test]
fn deleted_generation_does_not_come_back_and_a_running_one_has_no_expiry() {
    let deleted = succeeded().deleted(day(2)).unwrap();
    for plan in [Plan::Free, Plan::Pro] {
        assert_eq!(deleted.after_plan_change(&change(plan, 1), &PLANS), None);
        assert_eq!(queued().after_plan_change(&change(plan, 1), &PLANS), None);
    }
}

#[test]
fn only_a_ready_upload_follows_the_plan() {
    let declared =
        UploadDeclaration { content_type: "image/png".to_owned(), bytes: 10, sha256: "0a".repeat(32), file_name: None };
    let (owner, pending): (Account, Upload) =
        declare(&account(0), &PLANS, declared, UploadId(Uuid::nil()), day(0)).unwrap();
    let state = UploadState::Ready { width: 1, height: 1, duration_ms: None, stored_bytes: 9 };
    let ready = pending.inspected(state, None, &owner, &PLANS).unwrap();
    let moved =
        |upload: &Upload, change: &PlanChange| upload.after_plan_change(change, &PLANS).map(|upload| upload.expires_at);
    assert_eq!(moved(&ready, &change(Plan::Pro, 1)), Some(day(365)));
    assert_eq!(moved(&ready, &change(Plan::Free, 1)), None);
    let paid = Upload { expires_at: day(365), ..ready.clone() };
    assert_eq!(moved(&paid, &change(Plan::Free, 200)), Some(day(207)));
    assert_eq!(moved(&pending, &PlanChange { at: at(0), ..change(Plan::Pro, 0) }), None);
    let (_, deleted) = ready.deleted(&owner, day(2)).unwrap();
    assert_eq!(moved(&deleted, &change(Plan::Pro, 1)), None);
}
