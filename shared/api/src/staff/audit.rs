//! Describes the audit log of staff access, which account owners read as their access log.

use domain::{
    AccountId, AuditEntryId,
    staff::audit::{self, AuditAction, AuditEntry},
};
use jiff::Timestamp;
use runtime::{
    clock,
    http::{Caller, Problem},
    seal::Sealer,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Mutations,
    operation::{Parameter::Page, operations},
    refusal_problem, store_problem,
};

/// The purpose of the keyed hash that stands for a staff member.
const PURPOSE: &str = "staff";
/// The newest entries of a member's own access log that are read: more than staff write about one account in a week.
const RECENT_ENTRIES: usize = 100;
/// The number of hexadecimal digits that are kept of this hash: enough to tell staff members apart.
const STAFF_DIGITS: usize = 16;

operations! {
    /// Lists what staff did with the data of the account, when and why, newest first. What must not be disclosed yet appears
    /// when that period is over.
    LIST = get("/v1/account/access-log", "account")
        .parameters(&[Page]).returns::<AuditPage>(200).problems(&[400]);
}

/// Returns the name of a staff member in audit logs: a keyed hash of the account, so that it identifies no person.
#[must_use]
pub fn staff_name(sealer: &Sealer, account: AccountId) -> String {
    sealer.keyed_hash(PURPOSE, account.0.as_bytes()).chars().take(STAFF_DIGITS).collect()
}

impl Mutations {
    /// Returns the [name](staff_name) of a staff member in audit logs.
    ///
    /// # Errors
    /// A 500 if the application key cannot be fetched.
    pub async fn staff_name(&self, staff: &Caller) -> Result<String, Problem> {
        Ok(staff_name(self.sealer().await?, AccountId(staff.account_id)))
    }

    /// Makes the entry of the access log for what a staff member does with an account.
    ///
    /// # Errors
    /// As [`staff_name`](Self::staff_name).
    pub async fn audit_entry(
        &self,
        staff: &Caller,
        account: AccountId,
        action: AuditAction,
        now: Timestamp,
    ) -> Result<AuditEntry, Problem> {
        let ids = (AuditEntryId(clock::uuid_at(now)), self.staff_name(staff).await?);
        Ok(AuditEntry::decision(account, ids, action, now))
    }

    /// Checks that a staff member [may act as the second one](audit::check_settled): got no role lately, by their own access log.
    ///
    /// # Errors
    /// 409 if they did; 500.
    pub async fn check_settled(&self, staff: &Caller, now: Timestamp) -> Result<(), Problem> {
        let own = AccountId(staff.account_id);
        let entries = self.table.audit_entries(own, now, RECENT_ENTRIES, None).await.map_err(store_problem)?;
        audit::check_settled(&entries.items, now).map_err(refusal_problem)
    }
}

/// Shows an entry of the access log.
#[derive(Serialize, ToSchema)]
pub struct AuditEntryView {
    /// The id. The entry that opens an access has the id of the access.
    pub id: AuditEntryId,
    /// The staff member: the same person always has the same name.
    pub staff: String,
    /// When it happened.
    pub at: Timestamp,
    /// What the staff member did.
    pub action: AuditAction,
    /// Until when it must not be disclosed to the account owner.
    pub undisclosed_until: Option<Timestamp>,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, staff, at, action, undisclosed_until, .. } = entry;
        Self { id, staff, at, action, undisclosed_until }
    }
}

/// Shows a page of the access log, newest first.
#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries.
    pub items: Vec<AuditEntryView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}
