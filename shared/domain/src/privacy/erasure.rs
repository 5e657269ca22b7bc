//! What an erasure leaves behind: a receipt, and the payments that the law requires to retain, without the person.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{GiftId, PaymentId, ReceiptId},
    money::Money,
    payments::{
        fact::{Dispute, Mismatch, PaymentFact, PaymentProvider, Refund},
        payment::Payment,
        returns::Returns,
    },
    privacy::deletion::{Deletion, DeletionReason},
    registry::DataFields,
};

/// The purpose of the keyed hash of an account id under which its tombstone is stored.
pub const TOMBSTONE: &str = "tombstone";

/// Counts by the name of the [kind](crate::registry::DATA_KINDS).
pub type Counts = BTreeMap<String, u64>;

/// The receipt of an erasure. It identifies no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct ErasureReceipt {
    /// Its id, which the account owner was given.
    #[data(plain)]
    pub id: ReceiptId,
    /// Why the account was deleted.
    #[data(plain)]
    pub reason: DeletionReason,
    /// When the deletion was requested.
    #[data(plain)]
    pub requested_at: Timestamp,
    /// When nothing was found any more; absent until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub erased_at: Option<Timestamp>,
    /// The data that was erased, by kind.
    #[data(plain, path = "*")]
    pub erased: Counts,
    /// Payments that are retained without the person.
    #[data(plain)]
    pub payments_retained: u64,
    /// When the last of those expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub payments_retained_until: Option<Timestamp>,
    /// Provider jobs of which the provider refused to delete its copy. It keeps each as long as its own policy says.
    #[serde(default)]
    #[data(plain)]
    pub provider_copies_left: u64,
    /// When the receipt expires.
    #[data(plain)]
    pub expires_at: Timestamp,
}

/// A payment that the law requires to retain, without account, name and address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct RetainedPayment {
    /// Our id of it, which is in the provider's records.
    #[data(plain)]
    pub id: PaymentId,
    /// The provider.
    #[data(plain)]
    pub provider: PaymentProvider,
    /// The provider's id of the transaction.
    #[data(plain)]
    pub transaction: String,
    /// The gift that it paid for, whose code gives less once money is returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub gift: Option<GiftId>,
    /// The amount that the buyer paid, with tax.
    #[data(nested)]
    pub total: Money,
    /// The amount without tax.
    #[data(nested)]
    pub net: Money,
    /// The returned amount, in the smallest unit, computed from the following.
    #[data(plain)]
    pub returned: i64,
    /// Refunds, by the provider's id.
    #[serde(default)]
    #[data(nested)]
    pub refunds: BTreeMap<String, Refund>,
    /// Disputes, by the provider's id.
    #[serde(default)]
    #[data(nested)]
    pub disputes: BTreeMap<String, Dispute>,
    /// Reversals of PayPal, by transaction, in the smallest unit.
    #[serde(default)]
    #[data(plain)]
    pub reversals: BTreeMap<String, i64>,
    /// Canceled reversals, by transaction, in the smallest unit.
    #[serde(default)]
    #[data(plain)]
    pub restorations: BTreeMap<String, i64>,
    /// The buyer's country, as two characters, to which the tax is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub country: Option<String>,
    /// When it was paid.
    #[data(plain)]
    pub at: Timestamp,
    /// When it expires.
    #[data(plain)]
    pub expires_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[serde(default)]
    #[data(plain)]
    pub version: u64,
}

impl ErasureReceipt {
    /// Creates the receipt of an erasure that begins, with the data that there is to erase.
    #[must_use]
    pub fn begin(deletion: &Deletion, counted: Counts, kept: &[RetainedPayment], keep: SignedDuration) -> Self {
        let payments_retained_until = kept.iter().map(|payment| payment.expires_at).max();
        Self {
            id: deletion.receipt,
            reason: deletion.reason,
            requested_at: deletion.requested_at,
            erased_at: None,
            erased: counted,
            payments_retained: u64::try_from(kept.len()).unwrap_or(u64::MAX),
            payments_retained_until,
            provider_copies_left: 0,
            expires_at: deletion.requested_at + keep,
        }
    }

    /// Adds the data that was found since: a hold was released, or a worker stored it meanwhile.
    #[must_use]
    pub fn with(self, found: Self) -> Self {
        let mut erased = self.erased;
        for (kind, count) in found.erased {
            let known = erased.entry(kind).or_default();
            *known = count.max(*known);
        }
        Self {
            erased,
            payments_retained: self.payments_retained.max(found.payments_retained),
            payments_retained_until: self.payments_retained_until.max(found.payments_retained_until),
            ..self
        }
    }

    /// Sets the number of copies that providers refused to delete.
    #[must_use]
    pub fn with_provider_copies_left(self, copies: u64) -> Self {
        Self { provider_copies_left: self.provider_copies_left.max(copies), ..self }
    }

    /// Completes the receipt.
    #[must_use]
    pub fn completed(self, now: Timestamp) -> Self {
        Self { erased_at: Some(now), ..self }
    }
}

impl RetainedPayment {
    /// Returns what is retained of a payment, for `keep` after it was paid. Returns `None` if it was not paid.
    #[must_use]
    pub fn of(payment: &Payment, keep: SignedDuration) -> Option<Self> {
        let receipt = payment.receipt.as_ref()?;
        let retained = Self {
            id: payment.id,
            provider: receipt.provider,
            transaction: receipt.transaction.clone(),
            gift: payment.gift,
            total: receipt.total,
            net: receipt.net,
            returned: 0,
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            reversals: BTreeMap::new(),
            restorations: BTreeMap::new(),
            country: receipt.country.clone(),
            at: receipt.at,
            expires_at: receipt.at + keep,
            version: 1,
        };
        Some(retained.with_returns(payment.returns()))
    }

    /// Adds facts that arrive after the erasure: money that was returned. Returns `None` if nothing is new.
    ///
    /// # Errors
    /// [`Mismatch`]: a fact is in another currency.
    pub fn with_facts(&self, facts: &[PaymentFact]) -> Result<Option<Self>, Mismatch> {
        let mut returns = self.returns();
        for fact in facts {
            returns.learn(fact, self.total.currency)?;
        }
        Ok(self.with_new(returns))
    }

    /// Adds what the payment itself knows, if the erasure is done again. Returns `None` if nothing is new.
    #[must_use]
    pub fn joined(&self, payment: &Self) -> Option<Self> {
        self.with_new(self.returns().join(payment.returns()))
    }

    fn with_new(&self, returns: Returns) -> Option<Self> {
        let is_new = returns != self.returns();
        is_new.then(|| Self { version: self.version.max(1) + 1, ..self.clone() }.with_returns(returns))
    }

    fn with_returns(self, returns: Returns) -> Self {
        let returned = returns.amount_of(self.total.amount);
        let Returns { refunds, disputes, reversals, restorations } = returns;
        Self { returned, refunds, disputes, reversals, restorations, ..self }
    }

    fn returns(&self) -> Returns {
        Returns {
            refunds: self.refunds.clone(),
            disputes: self.disputes.clone(),
            reversals: self.reversals.clone(),
            restorations: self.restorations.clone(),
        }
    }
}
