//! Access of staff, holds and disclosures.

use domain::{
    HoldId, ReceiptId, Refusal,
    accounts::account::Account,
    privacy::{
        deletion::DeletionReason,
        disclosure::{Disclosure, DisclosureScope},
        hold::Hold,
    },
    staff::{
        approval::Approval,
        audit::{AuditAction, AuditEntry, AuditedResource, access_duration},
        justification::Justification,
    },
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::at;

const DAY_S: i64 = 24 * 3_600;

fn account() -> Account {
    crate::account(0)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn why() -> Justification {
    Justification::new(("T-1".to_owned(), "she asked".to_owned()), (None, None), at(0)).unwrap()
}

fn undisclosed() -> Justification {
    let told = ("T-1".to_owned(), "an order".to_owned());
    Justification::new(told, (Some(at(900)), Some("section 7".to_owned())), at(0)).unwrap()
}

fn hold(covers: &[&str]) -> Hold {
    let covers = covers.iter().map(|&kind| kind.to_owned()).collect();
    Hold::new(HoldId(id(9)), covers, why(), at(0)).unwrap()
}

fn deleted(account: &Account) -> Account {
    account.request_deletion(ReceiptId(id(8)), DeletionReason::Requested, SignedDuration::ZERO, at(0)).unwrap()
}

fn opened(account: &Account) -> Result<AuditEntry, Refusal> {
    AuditEntry::open(account, (id(1).into(), "grace".to_owned()), at(600), why(), at(0))
}

fn check_fields(undisclosed: (Option<Timestamp>, Option<&str>), expected: &[&str]) {
    let (until, under) = undisclosed;
    let told = ("T-1".to_owned(), "she asked".to_owned());
    let fields = match Justification::new(told, (until, under.map(str::to_owned)), at(0)) {
        Ok(_) => Vec::new(),
        Err(Refusal::Invalid(errors)) => errors.iter().map(|error| error.field.to_string()).collect(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(fields, expected, "{undisclosed:?}");
}

#[test]
fn p16_undisclosed_action_needs_a_legal_basis_and_an_end_within_a_year() {
    check_fields((None, None), &[]);
    check_fields((Some(at(366 * DAY_S)), Some("section 7")), &[]);
    check_fields((Some(at(366 * DAY_S + 1)), Some("section 7")), &["undisclosed_until"]);
    check_fields((Some(at(0)), Some("section 7")), &["undisclosed_until"]);
    check_fields((Some(at(1)), Some(" ")), &["undisclosed_basis"]);
    check_fields((Some(at(1)), None), &["undisclosed_basis"]);
    check_fields((None, Some("section 7")), &["undisclosed_until"]);
}

#[test]
fn p19_access_lasts_an_hour_at_most_and_is_valid_for_its_opener_only() {
    assert!(access_duration(0).is_err() && access_duration(61).is_err());
    assert_eq!(access_duration(60).unwrap(), SignedDuration::from_hours(1));
    let (account, look) = (account(), (id(2).into(), "grace"));
    let opened = opened(&account).unwrap();
    let owner = (&account, None);
    let line = opened.read(owner, look, AuditedResource::Profile, at(599)).unwrap();
    assert_eq!(line.action, AuditAction::Read { access: opened.id, resource: AuditedResource::Profile });
    assert_eq!(opened.read(owner, look, AuditedResource::Profile, at(600)), Err(Refusal::AccessExpired));
    assert_eq!(opened.read(owner, (id(2).into(), "alan"), AuditedResource::Profile, at(1)), Err(Refusal::NotFound));
    // A line of the log opens nothing.
    assert_eq!(line.read(owner, look, AuditedResource::Profile, at(1)), Err(Refusal::NotFound));
}

#[test]
fn p16_undisclosed_access_shows_nothing_until_a_second_staff_member_approves() {
    let (account, look) = (account(), (id(2).into(), "grace"));
    assert_eq!(Approval::request_for_access(&opened(&account).unwrap()), None);
    let ids = (id(1).into(), "grace".to_owned());
    let secret = AuditEntry::open(&account, ids, at(600), undisclosed(), at(0)).unwrap();
    let approval = Approval::request_for_access(&secret).unwrap();
    let read = |approval: Option<&Approval>, second| {
        secret
            .read((&account, approval), look, AuditedResource::Profile, at(second))
            .map(|entry| entry.undisclosed_until)
    };
    assert_eq!(read(None, 1), Err(Refusal::ApprovalNeeded));
    assert_eq!(read(Some(&approval), 1), Err(Refusal::ApprovalNeeded));
    assert_eq!(secret.reply((&account, None), look, id(7).into(), at(1)), Err(Refusal::ApprovalNeeded));

    let approve = |approval: &Approval, staff: &str, second| {
        approval.approve(&account, (id(3).into(), staff.to_owned()), at(second))
    };
    assert!(matches!(approve(&approval, "grace", 1), Err(Refusal::Conflict(_))), "nobody approves their own request");
    assert_eq!(approve(&approval, "alan", 600), Err(Refusal::NotFound), "it expires with the access");
    let (approved, entry) = approve(&approval, "alan", 599).unwrap();
    assert_eq!((entry.staff.as_str(), entry.undisclosed_until), ("alan", Some(at(900))));
    assert_eq!(entry.action, AuditAction::Approved { request: secret.id });
    assert_eq!(read(Some(&approved), 599), Ok(Some(at(900))));
    assert_eq!(read(Some(&approved), 600), Err(Refusal::AccessExpired), "an approval prolongs nothing");
    assert!(matches!(approve(&approved, "barbara", 599), Err(Refusal::Conflict(_))));
    assert!(approval.is_pending(at(599)) && !approval.is_pending(at(600)) && !approved.is_pending(at(1)));
    assert!(approval.approve(&deleted(&account), (id(3).into(), "alan".to_owned()), at(1)).is_err());
}

#[test]
fn p16_deleted_account_is_accessible_only_while_data_is_held() {
    let look = (id(2).into(), "grace");
    let before = opened(&account()).unwrap();
    let ending = deleted(&account());
    assert!(opened(&ending).is_err());
    assert!(before.read((&ending, None), look, AuditedResource::Profile, at(1)).is_err());
    let held = ending.place_hold(hold(&["ledger"])).unwrap();
    assert!(before.read((&held, None), look, AuditedResource::Profile, at(1)).is_ok());
    let released = held.release_hold(HoldId(id(9)), at(5)).unwrap().unwrap();
    assert!(before.read((&released, None), look, AuditedResource::Profile, at(6)).is_err());
    assert_eq!(released.deletion.as_ref().unwrap().next_at, at(5), "the erasure goes on at once");
    assert_eq!(released.release_hold(HoldId(id(9)), at(7)), Ok(None), "a repeat changes nothing");
    assert_eq!(released.release_hold(HoldId(id(10)), at(7)), Err(Refusal::NotFound));
}

#[test]
fn p16_hold_adds_the_kinds_that_it_depends_on_only() {
    let covers = |named: &[&str]| hold(named).covers.into_iter().collect::<Vec<_>>();
    assert_eq!(covers(&["ledger"]), ["access", "ledger"]);
    assert_eq!(covers(&["uploads"]), ["access", "upload", "uploads"]);
    assert_eq!(covers(&["generation"]), ["access", "generation"]);
    for unknown in [&[][..], &["share"], &["account", "idempotency"], &["everything"]] {
        let covers = unknown.iter().map(|&kind| kind.to_owned()).collect();
        assert!(Hold::new(HoldId(id(9)), covers, why(), at(0)).is_err(), "{unknown:?}");
    }
    let held = account().place_hold(hold(&["ledger"])).unwrap();
    assert!(held.held_kinds().contains("ledger"));
    assert!(held.release_hold(HoldId(id(9)), at(1)).unwrap().unwrap().held_kinds().is_empty());
}

#[test]
fn p16_disclosure_covers_its_period_and_is_for_its_author_for_a_week() {
    let account = account();
    let begin = |from, to| -> Result<(Disclosure, Approval), Refusal> {
        let wanted = DisclosureScope::new(vec!["ledger".to_owned()], from, to)?;
        let (disclosure, entry, approval) =
            Disclosure::begin(&account, (id(3).into(), "grace".to_owned()), wanted, why(), at(0))?;
        assert_eq!([entry.id.0, approval.id.0], [disclosure.id.0; 2]);
        Ok((disclosure, approval))
    };
    assert!(begin(Some(at(5)), Some(at(5))).is_err());
    let (disclosure, approval) = begin(Some(at(5)), Some(at(9))).unwrap();
    let (approved, _) = approval.approve(&account, (id(6).into(), "alan".to_owned()), at(0)).unwrap();
    assert_eq!([4, 5, 8, 9].map(|second| disclosure.covers(at(second))), [false, true, true, false]);
    let fetch = |disclosure: &Disclosure, staff: &str, second| {
        let ids = (id(5).into(), staff.to_owned());
        disclosure.download((&account, Some(&approved)), ids, at(second)).map(|line| line.action)
    };
    assert!(matches!(fetch(&disclosure, "grace", 1), Err(Refusal::Conflict(_))), "it was never put together");
    let made = disclosure.completed(1, Vec::new());
    for missing in [None, Some(&approval)] {
        let ids = (id(5).into(), "grace".to_owned());
        assert_eq!(made.download((&account, missing), ids, at(1)), Err(Refusal::ApprovalNeeded));
    }
    assert_eq!(fetch(&made, "grace", 7 * DAY_S - 1), Ok(AuditAction::Downloaded { disclosure: made.id }));
    assert_eq!(fetch(&made, "grace", 7 * DAY_S), Err(Refusal::NotFound));
    assert_eq!(fetch(&made, "alan", 1), Err(Refusal::NotFound));
}
