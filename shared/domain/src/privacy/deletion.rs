//! The end of an account: asked for, taken back while there is time, carried out.
//!
//! From the moment in which it is asked for the account is dead to every route but those that tell of its end and take it
//! back. What is public or shared goes in the same moment and does not come back.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ReceiptId, Refusal, accounts::account::Account, generations::generation::LOST_MESSAGE_S};

/// Why an account goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionReason {
    /// Its owner asked for it.
    Requested,
    /// It was erased before, and came back with a restored backup.
    Restored,
}

/// An end that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Deletion {
    /// The receipt that will say what was erased and what was kept.
    pub receipt: ReceiptId,
    /// Why.
    pub reason: DeletionReason,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it is carried out. Until then it can be taken back.
    pub erase_at: Timestamp,
    /// When it is looked at next: the erasure goes on from where it is.
    pub next_at: Timestamp,
    /// Until when somebody may still be at work for it, who was when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_until: Option<Timestamp>,
}

impl Account {
    /// The account with its end asked for, to be carried out after `grace`.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it was asked for already.
    pub fn request_deletion(
        &self,
        receipt: ReceiptId,
        ground: DeletionReason,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if self.deletion.is_some() {
            return Err(Refusal::Conflict("the account is being deleted already"));
        }
        // The first look takes back what is public, so it comes at once: by a message, and by the sweep if that is lost.
        let next_at = now + SignedDuration::from_secs(LOST_MESSAGE_S);
        let closing =
            Deletion { receipt, reason: ground, requested_at: now, erase_at: now + grace, next_at, busy_until: None };
        Ok(Self { deletion: Some(closing), ..self.next_version() })
    }

    /// The account with its end taken back.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it was not asked for, [`Refusal::Conflict`] if it has begun.
    pub fn cancel_deletion(&self, now: Timestamp) -> Result<Self, Refusal> {
        match &self.deletion {
            None => Err(Refusal::NotFound),
            Some(closing) if closing.erase_at <= now => Err(Refusal::Conflict("the deletion has begun")),
            Some(_) => Ok(Self { deletion: None, ..self.next_version() }),
        }
    }

    /// The account that is closing, with until when somebody may still be at work for it.
    #[must_use]
    pub fn deletion_waiting_for_workers(&self, until: Timestamp) -> Self {
        let closing = self.deletion.clone().map(|closing| Deletion { busy_until: Some(until), ..closing });
        Self { deletion: closing, ..self.next_version() }
    }

    /// The account, whose end is looked at next at this time. Without an end it stays as it is.
    #[must_use]
    pub fn deletion_due_next(&self, next_at: Timestamp) -> Self {
        let closing = self.deletion.clone().map(|closing| Deletion { next_at, ..closing });
        Self { deletion: closing, ..self.next_version() }
    }
}
