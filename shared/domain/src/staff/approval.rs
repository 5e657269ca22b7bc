//! Approvals: what one staff member requests, and a second one allows.
//!
//! An access that the account owner is not told of, and every disclosure, shows nothing until another staff member approves
//! it. The request is the entry of the audit log that opens the access or creates the disclosure; the approval has its id, and
//! expires with what it allows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, AuditEntryId},
    refusal::Refusal,
    registry::DataFields,
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
