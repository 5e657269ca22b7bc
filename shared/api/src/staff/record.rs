//! Describes the API of the record: every act of staff, chained so that a missing entry shows.

use domain::staff::{record::RecordEntry, role::Role::Administrator};
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::{Parameter::Page, operations};

operations! {
    /// Lists every act of staff, newest first (staff). It names no person: staff members and accounts are hashes.
    LIST = get("/v1/staff/record", "staff-review")
        .staff(&[Administrator])
        .parameters(&[Page]).returns::<RecordPage>(200).problems(&[400, 403, 404]);

    /// Verifies the record from its oldest entry to its newest (staff): each has the hash of the one before.
    VERIFY = get("/v1/staff/record/verification", "staff-review")
        .staff(&[Administrator])
        .returns::<RecordVerification>(200).problems(&[403, 404]);
}

/// Shows a page of the record, newest first.
#[derive(Serialize, ToSchema)]
pub struct RecordPage {
    /// The entries.
    pub items: Vec<RecordEntry>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Shows whether the record is whole. Entries that were removed at its end do not show in it: note the number and the hash of the
/// last entry, and compare them later.
#[derive(Default, Serialize, ToSchema)]
pub struct RecordVerification {
    /// The entries that were verified.
    pub entries: u64,
    /// The number of the oldest entry.
    pub first: Option<u64>,
    /// The newest entry.
    pub last: Option<RecordEntry>,
    /// The number of the first entry that was changed, or that does not follow after the one before.
    pub broken_at: Option<u64>,
}
