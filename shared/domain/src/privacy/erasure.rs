//! What an erasure leaves: a receipt that says what went and what stayed, and the payments that the law keeps, without
//! the person.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    PaymentId, ReceiptId,
    money::Money,
    payments::payment::{Payment, PaymentProvider},
    privacy::deletion::{Deletion, DeletionReason},
};

/// The purpose of the keyed hash of an account id, under which it is remembered that the account was erased.
pub const TOMBSTONE: &str = "tombstone";

/// Things by the name of their [kind](crate::registry::KINDS).
pub type Counts = BTreeMap<String, u64>;

/// The receipt of an erasure. It says nothing about anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureReceipt {
    /// Its id, which the person was given.
    pub id: ReceiptId,
    /// Why the account went.
    pub reason: DeletionReason,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When nothing was found any more; absent while the erasure goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
    /// What was there when it began, and went.
    pub erased: Counts,
    /// Payments that are kept without the person.
    pub payments_retained: u64,
    /// When the last of those goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments_retained_until: Option<Timestamp>,
    /// Jobs of which a provider refused to delete its copy; each keeps it as long as its own policy says.
    #[serde(default)]
    pub provider_copies_left: u64,
    /// When the receipt itself goes.
    pub expires_at: Timestamp,
}

/// A payment as the law keeps it: no account, no name, no address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetainedPayment {
    /// Our id of it, which the provider's documents carry.
    pub id: PaymentId,
    /// Who took the money.
    pub provider: PaymentProvider,
    /// The provider's id of the transaction.
    pub transaction: String,
    /// What was paid, with tax.
    pub total: Money,
    /// What of that is without tax.
    pub net: Money,
    /// What went back, in the smallest unit.
    pub returned: i64,
    /// The buyer's country, in two letters: that is where its tax is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// When it was paid.
    pub at: Timestamp,
    /// When it goes.
    pub expires_at: Timestamp,
}

impl ErasureReceipt {
    /// The receipt of an erasure that begins, with what there is to erase.
    #[must_use]
    pub fn begin(closing: &Deletion, counted: Counts, kept: &[RetainedPayment], keep: SignedDuration) -> Self {
        let payments_retained_until = kept.iter().map(|payment| payment.expires_at).max();
        Self {
            id: closing.receipt,
            reason: closing.reason,
            requested_at: closing.requested_at,
            erased_at: None,
            erased: counted,
            payments_retained: u64::try_from(kept.len()).unwrap_or(u64::MAX),
            payments_retained_until,
            provider_copies_left: 0,
            expires_at: closing.requested_at + keep,
        }
    }

    /// The receipt with what was found to erase since: a hold kept it from going, or a worker made it meanwhile.
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

    /// The receipt, with so many copies that a provider refused to delete.
    #[must_use]
    pub fn with_provider_copies_left(self, copies: u64) -> Self {
        Self { provider_copies_left: self.provider_copies_left.max(copies), ..self }
    }

    /// The receipt of an erasure that has ended.
    #[must_use]
    pub fn completed(self, now: Timestamp) -> Self {
        Self { erased_at: Some(now), ..self }
    }
}

impl RetainedPayment {
    /// What is kept of a payment, for `keep` from when it was made; nothing if no money moved.
    #[must_use]
    pub fn of(payment: &Payment, keep: SignedDuration) -> Option<Self> {
        let receipt = payment.receipt.as_ref()?;
        Some(Self {
            id: payment.id,
            provider: receipt.provider,
            transaction: receipt.transaction.clone(),
            total: receipt.total,
            net: receipt.net,
            returned: payment.amount_returned(),
            country: receipt.country.clone(),
            at: receipt.at,
            expires_at: receipt.at + keep,
        })
    }
}
