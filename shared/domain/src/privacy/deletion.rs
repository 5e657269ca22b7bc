//! The deletion of an account: requested, canceled within its grace period, or carried out.
//!
//! From the request on, the account can use only the routes that show and cancel the deletion. Public and shared content is
//! withdrawn at once; a cancellation does not bring it back.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ids::ReceiptId, messages::LOST_MESSAGE_S, refusal::Refusal, registry::DataFields};

/// Why an account is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionReason {
    /// The account owner requested it.
    Requested,
    /// Staff requested it, as the account owner asked for it in writing. Nothing is withdrawn before the erasure begins.
    InWriting,
    /// The account was erased before, and a restored backup brought it back.
    Restored,
}

/// A pending deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Deletion {
    /// The receipt that will state what was erased and what was retained.
    #[data(plain)]
    pub receipt: ReceiptId,
    /// Why.
    #[data(plain)]
    pub reason: DeletionReason,
    /// When it was requested.
    #[data(plain)]
    pub requested_at: Timestamp,
    /// When the erasure begins. Until then the deletion can be canceled.
    #[data(plain)]
    pub erase_at: Timestamp,
    /// When the erasure is processed next. It continues from where it stopped.
    #[data(plain)]
    pub next_at: Timestamp,
    /// Until when a worker may still be busy for the account that was when the erasure began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub busy_until: Option<Timestamp>,
}

impl Deletion {
    /// Starts a deletion with this grace period. It is processed at once, to withdraw public content: by a message, and by
    /// the sweep if the message is lost.
    pub(crate) fn new(receipt: ReceiptId, reason: DeletionReason, grace: SignedDuration, now: Timestamp) -> Self {
        let next_at = now + SignedDuration::from_secs(LOST_MESSAGE_S);
        Self { receipt, reason, requested_at: now, erase_at: now + grace, next_at, busy_until: None }
    }

    /// Checks that the erasure has not begun.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it has.
    pub(crate) fn check_cancelable(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.erase_at <= now { Err(Refusal::Conflict("the deletion has begun")) } else { Ok(()) }
    }

    /// Notes until when a worker may still be busy for the account.
    pub(crate) fn waiting_for_workers(self, until: Timestamp) -> Self {
        Self { busy_until: Some(until), ..self }
    }

    /// Sets when the erasure is processed next.
    pub(crate) fn due_next(self, next_at: Timestamp) -> Self {
        Self { next_at, ..self }
    }
}
