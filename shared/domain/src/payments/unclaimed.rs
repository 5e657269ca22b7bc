//! Unclaimed payments: money without a payment in the table.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fact::PaymentProvider;
use crate::{ids::PaymentId, money::Money, refusal::Refusal, registry::DataFields};

/// Money that arrived for a payment that was deleted, with its account or as an unpaid checkout. It must be refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct UnclaimedPayment {
    /// Our id of the payment, which is in the provider's records.
    #[data(plain)]
    pub payment: PaymentId,
    /// The provider.
    #[data(plain)]
    pub provider: PaymentProvider,
    /// The provider's id of the checkout or the transaction, for the refund.
    #[data(plain)]
    pub transaction: String,
    /// The amount, if it was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub total: Option<Money>,
    /// When it was first reported.
    #[data(plain)]
    pub at: Timestamp,
    /// When a staff member marked it as refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub refunded_at: Option<Timestamp>,
    /// The staff member who marked it, as in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub refunded_by: Option<String>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl UnclaimedPayment {
    /// Records an unclaimed payment.
    #[must_use]
    pub const fn new(
        payment: PaymentId,
        provider: PaymentProvider,
        transaction: String,
        total: Option<Money>,
        at: Timestamp,
    ) -> Self {
        Self { payment, provider, transaction, total, at, refunded_at: None, refunded_by: None, version: 1 }
    }

    /// Marks it as refunded on behalf of a staff member.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it was marked before.
    pub fn refunded(&self, staff: String, now: Timestamp) -> Result<Self, Refusal> {
        match self.refunded_at {
            Some(_) => Err(Refusal::Conflict("the payment is marked as refunded already")),
            None => {
                let (refunded_at, refunded_by) = (Some(now), Some(staff));
                Ok(Self { refunded_at, refunded_by, version: self.version + 1, ..self.clone() })
            }
        }
    }
}
