//! Money that no account claims.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fact::PaymentProvider;
use crate::{PaymentId, Refusal, money::Money};

/// Money that was paid for a payment that is not there any more: its account was erased, or nobody paid it for so long
/// that it went. It must go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclaimedPayment {
    /// Our id of the payment, which the provider's documents carry.
    pub payment: PaymentId,
    /// Who took the money.
    pub provider: PaymentProvider,
    /// The provider's id of the checkout or the transaction, to refund it by.
    pub transaction: String,
    /// How much, where the message says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// When it was first heard of.
    pub at: Timestamp,
    /// When a member of staff said that it went back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at: Option<Timestamp>,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

impl UnclaimedPayment {
    /// Heard of at `at`.
    #[must_use]
    pub const fn new(
        payment: PaymentId,
        provider: PaymentProvider,
        transaction: String,
        total: Option<Money>,
        at: Timestamp,
    ) -> Self {
        Self { payment, provider, transaction, total, at, refunded_at: None, version: 1 }
    }

    /// With the word of a member of staff that it went back.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if that was said before.
    pub fn refunded(&self, now: Timestamp) -> Result<Self, Refusal> {
        match self.refunded_at {
            Some(_) => Err(Refusal::Conflict("the money is marked as refunded already")),
            None => Ok(Self { refunded_at: Some(now), version: self.version + 1, ..self.clone() }),
        }
    }
}
