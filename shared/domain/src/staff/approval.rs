//! Approvals: what one staff member requests, and a second one allows.
//!
//! An access that the account owner is not told of, and every disclosure, shows nothing until another staff member approves
//! it. The request is the entry of the audit log that opens the access or creates the disclosure; the approval has its id, and
//! expires with what it allows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    ids::{AccountId, AuditEntryId},
    refusal::Refusal,
    registry::DataFields,
    staff::audit::{AuditAction, AuditEntry},
};

/// An approval that was requested, and given or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Approval {
    /// Its id: that of the entry of the audit log that requests it.
    #[data(plain)]
    pub id: AuditEntryId,
    /// The account whose data is requested.
    #[data(plain)]
    pub account: AccountId,
    /// The staff member who requests it, as in the audit log.
    #[data(plain)]
    pub staff: String,
    /// When it was requested.
    #[data(plain)]
    pub at: Timestamp,
    /// When it expires, given or not.
    #[data(plain)]
    pub expires_at: Timestamp,
    /// The staff member who approved it, as in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub approved_by: Option<String>,
    /// Until when the account owner is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub undisclosed_until: Option<Timestamp>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl Approval {
    /// Requests an approval of what this entry records, which expires with it.
    #[must_use]
    pub fn request(entry: &AuditEntry, expires_at: Timestamp) -> Self {
        Self {
            id: entry.id,
            account: entry.account,
            staff: entry.staff.clone(),
            at: entry.at,
            expires_at,
            approved_by: None,
            undisclosed_until: entry.undisclosed_until,
            version: 1,
        }
    }

    /// Requests the approval of an access. Returns `None` if the account owner is told of it, as it needs none then.
    #[must_use]
    pub fn request_for_access(entry: &AuditEntry) -> Option<Self> {
        match entry.action {
            AuditAction::Opened { until, .. } if entry.undisclosed_until.is_some() => Some(Self::request(entry, until)),
            _ => None,
        }
    }

    /// Approves it. Returns it with the entry in the audit log.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it has expired, [`Refusal::Conflict`] if it was approved before or this staff member requested
    /// it, [`Refusal::AccountStatus`] if the account is being deleted and none of its data is held.
    pub fn approve(
        &self,
        account: &Account,
        (id, staff): (AuditEntryId, String),
        now: Timestamp,
    ) -> Result<(Self, AuditEntry), Refusal> {
        if self.expires_at <= now {
            return Err(Refusal::NotFound);
        }
        if self.staff == staff {
            return Err(Refusal::Conflict("another staff member must approve what you requested"));
        }
        if self.approved_by.is_some() {
            return Err(Refusal::Conflict("it is approved already"));
        }
        account.check_accessible()?;
        let approved = Self { approved_by: Some(staff.clone()), version: self.version + 1, ..self.clone() };
        let (account, undisclosed_until) = (self.account, self.undisclosed_until);
        let action = AuditAction::Approved { request: self.id };
        Ok((approved, AuditEntry { id, account, staff, at: now, action, undisclosed_until }))
    }

    /// Says whether it waits for a second staff member.
    #[must_use]
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.approved_by.is_none() && now < self.expires_at
    }

    /// Requires that it was given.
    ///
    /// # Errors
    /// [`Refusal::ApprovalNeeded`] if it was not, or is not known.
    pub(crate) fn check(approval: Option<&Self>) -> Result<(), Refusal> {
        match approval {
            Some(Self { approved_by: Some(_), .. }) => Ok(()),
            _ => Err(Refusal::ApprovalNeeded),
        }
    }
}
