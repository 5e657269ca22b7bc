//! Exports.

use domain::{
    ExportId, ReceiptId,
    accounts::account::Account,
    privacy::{
        deletion::DeletionReason,
        export::{Export, ExportClaim, ExportProgress, request},
    },
};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::{account, at};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Asked for at second 0.
fn requested() -> Export {
    request(&account(0), &[], ExportId(Uuid::nil()), at(0)).unwrap().1
}

fn claimed(export: &Export, second: i64) -> Option<Export> {
    match export.claim(100, at(second)) {
        ExportClaim::Work(export) => Some(*export),
        ExportClaim::Skip => None,
    }
}

fn check(account: &Account, existing: &[Export], refused: Option<&str>) {
    let found = request(account, existing, ExportId(Uuid::nil()), at(0));
    assert_eq!(found.err().map(|refusal| refusal.to_string()).as_deref(), refused);
}

#[test]
fn request_is_refused_while_one_export_is_built_or_three_are_ready() {
    let (made, failed) = (requested().ready(1, at(1)), requested().failed(at(1)));
    let two = vec![made.clone(), failed.clone(), made.clone(), failed];
    check(&account(0), &two, None);
    check(&account(0), &[two.clone(), vec![made]].concat(), Some("the plan allows 3 archives kept at once"));
    check(&account(0), &[two, vec![requested()]].concat(), Some("an export is being built already"));
}

#[test]
fn frozen_account_can_export_and_deleted_account_cannot() {
    check(&account(0).frozen("many cards".to_owned(), at(0)), &[], None);
    let deleted = account(0)
        .request_deletion(ReceiptId(Uuid::nil()), DeletionReason::Requested, SignedDuration::ZERO, at(0))
        .unwrap();
    check(&deleted, &[], Some("the account is being deleted"));
}

#[test]
fn concurrent_requests_conflict_on_the_version_of_the_account() {
    let before = account(0);
    assert_eq!(request(&before, &[], ExportId(Uuid::nil()), at(0)).unwrap().0.version, before.version + 1);
}

#[test]
fn lease_excludes_other_workers_until_it_ends_or_is_handed_over() {
    let first = claimed(&requested(), 1).unwrap();
    assert_eq!(first.lease_until, Some(at(101)));
    assert_eq!(claimed(&first, 100), None);
    assert!(claimed(&first, 101).is_some());
    let stepped = first.progressed(Some("here".to_owned()), ExportProgress::default(), 100, at(60));
    assert_eq!(claimed(&stepped, 159), None);
    let second = claimed(&stepped, 160).unwrap();
    assert_eq!(second.checkpoint.as_deref(), Some("here"));
    let handed_on = second.handed_over(0, at(161));
    assert_eq!(claimed(&handed_on, 161).unwrap().checkpoint.as_deref(), Some("here"));
}

#[test]
fn lost_message_and_expired_lease_are_due() {
    assert_eq!(requested().due_at(), at(60));
    assert!(!requested().awaits_message(at(59)) && requested().awaits_message(at(60)));
    assert_eq!(requested().message_resent(at(60)).due_at(), at(120));
    assert_eq!(claimed(&requested(), 1).unwrap().due_at(), at(161));
    assert_eq!(requested().handed_over(10, at(0)).due_at(), at(70));
}

#[test]
fn export_that_is_not_ready_in_a_day_fails() {
    let late = claimed(&requested(), DAY - 10).unwrap();
    assert_eq!(late.due_at(), at(DAY));
    assert!(!late.is_overdue(at(DAY - 1)) && late.is_overdue(at(DAY)));
    assert_eq!(claimed(&requested(), DAY), None);
    let failed = late.failed(at(DAY));
    assert!(!failed.is_overdue(at(DAY)) && !failed.awaits_message(at(DAY)));
    assert_eq!((claimed(&failed, DAY), failed.download_until()), (None, None));
    assert_eq!(failed.due_at(), at(8 * DAY));
}

#[test]
fn ready_export_is_downloadable_for_a_day_and_deleted_after_seven() {
    let ready = claimed(&requested(), 1).unwrap().ready(7, at(10));
    assert_eq!((ready.lease_until, ready.checkpoint.as_deref()), (None, None));
    assert_eq!(ready.download_until(), Some(at(10 + DAY)));
    assert_eq!(ready.due_at(), at(10 + 7 * DAY));
    assert!(!ready.is_expired(at(9 + 7 * DAY)) && ready.is_expired(at(10 + 7 * DAY)));
    assert!(!ready.is_overdue(at(2 * DAY)) && !ready.awaits_message(at(2 * DAY)));
    assert_eq!(claimed(&ready, 200), None);
}
