//! Exports.

use domain::{
    ExportId, ReceiptId,
    accounts::account::Account,
    privacy::deletion::DeletionReason,
    privacy::export::{Export, ExportClaim, ExportProgress, request},
};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::{account, at};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Asked for at second 0.
fn asked() -> Export {
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
fn one_archive_is_made_at_a_time_and_a_few_are_kept() {
    let (made, failed) = (asked().ready(1, at(1)), asked().failed(at(1)));
    let two = vec![made.clone(), failed.clone(), made.clone(), failed];
    check(&account(0), &two, None);
    check(&account(0), &[two.clone(), vec![made]].concat(), Some("the plan allows 3 archives kept at once"));
    check(&account(0), &[two, vec![asked()]].concat(), Some("an archive is being made already"));
}

#[test]
fn whoever_is_frozen_may_take_everything_out_and_whoever_leaves_may_not() {
    check(&account(0).frozen("many cards".to_owned(), at(0)), &[], None);
    let closing = account(0)
        .request_deletion(ReceiptId(Uuid::nil()), DeletionReason::Requested, SignedDuration::ZERO, at(0))
        .unwrap();
    check(&closing, &[], Some("the account is being deleted"));
}

#[test]
fn of_two_asked_for_at_once_one_is_decided_anew() {
    let before = account(0);
    assert_eq!(request(&before, &[], ExportId(Uuid::nil()), at(0)).unwrap().0.version, before.version + 1);
}

#[test]
fn a_worker_has_it_for_itself_until_its_lease_ends_or_it_hands_it_on() {
    let first = claimed(&asked(), 1).unwrap();
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
fn a_message_that_was_not_handled_is_due_and_so_is_the_end_of_a_lease_that_nobody_renewed() {
    assert_eq!(asked().due_at(), at(60));
    assert!(!asked().awaits_message(at(59)) && asked().awaits_message(at(60)));
    assert_eq!(asked().message_resent(at(60)).due_at(), at(120));
    assert_eq!(claimed(&asked(), 1).unwrap().due_at(), at(161));
    assert_eq!(asked().handed_over(10, at(0)).due_at(), at(70));
}

#[test]
fn what_is_not_ready_in_a_day_has_failed() {
    let late = claimed(&asked(), DAY - 10).unwrap();
    assert_eq!(late.due_at(), at(DAY));
    assert!(!late.is_overdue(at(DAY - 1)) && late.is_overdue(at(DAY)));
    assert_eq!(claimed(&asked(), DAY), None);
    let failed = late.failed(at(DAY));
    assert!(!failed.is_overdue(at(DAY)) && !failed.awaits_message(at(DAY)));
    assert_eq!((claimed(&failed, DAY), failed.download_until()), (None, None));
    assert_eq!(failed.due_at(), at(8 * DAY));
}

#[test]
fn what_is_ready_can_be_downloaded_for_a_day_and_goes_after_seven() {
    let ready = claimed(&asked(), 1).unwrap().ready(7, at(10));
    assert_eq!((ready.lease_until, ready.checkpoint.as_deref()), (None, None));
    assert_eq!(ready.download_until(), Some(at(10 + DAY)));
    assert_eq!(ready.due_at(), at(10 + 7 * DAY));
    assert!(!ready.is_expired(at(9 + 7 * DAY)) && ready.is_expired(at(10 + 7 * DAY)));
    assert!(!ready.is_overdue(at(2 * DAY)) && !ready.awaits_message(at(2 * DAY)));
    assert_eq!(claimed(&ready, 200), None);
}
