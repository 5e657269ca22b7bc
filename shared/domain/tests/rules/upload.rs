//! Uploads: what may be declared, what they count, and when they are of use.

use domain::{
    Refusal, UploadId,
    accounts::{account::Account, status::AccountStatus},
    generations::upload::{RejectionCode, Upload, UploadDeclaration, UploadState, declare},
};
use uuid::Uuid;

use crate::{PLANS, account, at};

const MIB: u64 = 1 << 20;
const READY: UploadState = UploadState::Ready { width: 1, height: 1, duration_ms: None, stored_bytes: 9 };

fn declared() -> UploadDeclaration {
    UploadDeclaration { content_type: "image/png".to_owned(), bytes: 10, sha256: "0a".repeat(32), file_name: None }
}

/// Declared at second 0.
fn upload(owner: &Account, declared: UploadDeclaration) -> Result<(Account, Upload), Refusal> {
    declare(owner, &PLANS, declared, UploadId(Uuid::nil()), at(0))
}

fn check(declared: UploadDeclaration, fields: &[&str]) {
    let found = match upload(&account(0), declared.clone()) {
        Ok(_) => vec![],
        Err(Refusal::Invalid(errors)) => errors.iter().map(|error| error.field.to_string()).collect(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(found, fields, "{declared:?}");
}

#[test]
fn every_invalid_field_is_named() {
    let typed = |kind: &str, bytes| UploadDeclaration { content_type: kind.to_owned(), bytes, ..declared() };
    check(typed("image/png", 1), &[]);
    check(typed("image/webp", 20 * MIB), &[]);
    check(typed("image/jpeg", 20 * MIB + 1), &["bytes"]);
    check(typed("video/mp4", 100 * MIB), &[]);
    check(typed("video/webm", 100 * MIB + 1), &["bytes"]);
    check(typed("image/png", 0), &["bytes"]);
    check(typed("image/svg+xml", 1), &["content_type"]);
    check(typed("text/html", u64::MAX), &["content_type", "bytes"]);
    for sha256 in [String::new(), "0a".repeat(31), "0A".repeat(32), "0g".repeat(32), "é".repeat(32)] {
        check(UploadDeclaration { sha256, ..declared() }, &["sha256"]);
    }
    let named = |name: String| UploadDeclaration { file_name: Some(name), ..declared() };
    check(named("é".repeat(200)), &[]);
    for name in [String::new(), "é".repeat(201), "a\u{0}".to_owned(), "a\nb".to_owned()] {
        check(named(name), &["file_name"]);
    }
}

#[test]
fn account_counts_an_upload_from_declaration_to_deletion() {
    let (owner, pending) = upload(&account(0), declared()).unwrap();
    assert_eq!((owner.uploads, owner.upload_bytes, owner.version), (1, 10, 2));
    let (owner, removed) = pending.deleted(&owner, at(5)).unwrap();
    assert_eq!((owner.uploads, owner.upload_bytes, owner.version), (0, 0, 3));
    assert!(removed.is_expired(at(5)));
    assert_eq!(removed.deleted(&owner, at(6)), Err(Refusal::NotFound));
}

#[test]
fn plan_limits_uploads_and_their_bytes() {
    let full = |uploads, upload_bytes| upload(&Account { uploads, upload_bytes, ..account(0) }, declared()).err();
    assert_eq!(full(19, 200 * MIB - 10), None);
    assert_eq!(full(20, 0), Some(Refusal::PlanLimit { what: "uploads kept at once", limit: 20 }));
    let too_large = Some(Refusal::PlanLimit { what: "bytes of uploads kept at once", limit: 200 * MIB });
    assert_eq!(full(0, 200 * MIB - 9), too_large);
    assert_eq!(full(0, u64::MAX), too_large);
    let frozen = account(0).frozen("a look is needed".to_owned(), at(0));
    assert_eq!(upload(&frozen, declared()).err(), Some(Refusal::AccountStatus(AccountStatus::Frozen)));
}

#[test]
fn uploads_of_an_hour_are_limited_whatever_was_deleted() {
    let mut owner = account(0);
    for _ in 0..60 {
        let (declared, pending) = upload(&owner, declared()).unwrap();
        owner = pending.deleted(&declared, at(1)).unwrap().0;
    }
    assert_eq!(upload(&owner, declared()).err(), Some(Refusal::TooManyUploads { retry_after_s: 3601 }));
    assert!(declare(&owner, &PLANS, declared(), UploadId(Uuid::nil()), at(3600)).is_ok());
}

#[test]
fn upload_is_inspected_once_and_expires_by_the_plan() {
    let (owner, pending) = upload(&account(0), declared()).unwrap();
    assert_eq!(pending.expires_at, at(3600));
    let ready = pending.inspected(READY, None, &owner, &PLANS).unwrap();
    assert_eq!((&ready.state, ready.expires_at), (&READY, at(30 * 86_400)));
    let found = pending.inspected(READY, Some("image/webp"), &owner, &PLANS).unwrap();
    assert_eq!((&*ready.content_type, &*found.content_type), ("image/png", "image/webp"));
    let rejected = UploadState::Rejected { code: RejectionCode::NotAsDeclared, reason: "not as declared".to_owned() };
    assert_eq!(ready.inspected(rejected.clone(), None, &owner, &PLANS), None);
    assert_eq!(pending.inspected(rejected, None, &owner, &PLANS).unwrap().expires_at, at(3600));
    let (_, removed) = pending.deleted(&owner, at(5)).unwrap();
    assert_eq!(removed.inspected(READY, None, &owner, &PLANS), None);
}

#[test]
fn only_a_ready_image_is_usable_as_input() {
    let may = |content_type: &str, state: UploadState, second| {
        let declared = UploadDeclaration { content_type: content_type.to_owned(), ..declared() };
        let (owner, pending) = upload(&account(0), declared).unwrap();
        let inspected = pending.inspected(state, None, &owner, &PLANS).unwrap();
        inspected.check_usable_as_input(at(second)).is_ok()
    };
    assert!(may("image/png", READY, 1));
    assert!(!may("video/mp4", READY, 1));
    assert!(!may("image/png", UploadState::Rejected { code: RejectionCode::Damaged, reason: String::new() }, 1));
    assert!(!may("image/png", UploadState::Pending, 1));
    assert!(!may("image/png", READY, 30 * 86_400));
}
