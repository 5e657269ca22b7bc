//! The wire of privacy requests.

use std::collections::BTreeMap;

use domain::{ReceiptId, account::Account, closing::Ground, erasure::Receipt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A deletion that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionRequest {
    /// The address that the account signs in with, typed in to confirm.
    #[schema(max_length = 128)]
    pub confirmation: String,
}

/// A deletion that was asked for.
#[derive(Serialize, ToSchema)]
pub struct DeletionView {
    /// The receipt, for `GET /v1/privacy/receipts/{id}`: keep it, it can be read without an account.
    pub receipt: ReceiptId,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// When it is carried out. Until then it can be taken back.
    #[schema(value_type = String, format = DateTime)]
    pub erase_at: Timestamp,
    /// Whether it can still be taken back.
    pub can_be_taken_back: bool,
    /// What must stay for now, and why.
    pub held: Vec<HeldView>,
}

/// What a lawful request has kept.
#[derive(Serialize, ToSchema)]
pub struct HeldView {
    /// The kinds, as `GET /v1/privacy/inventory` names them.
    pub kinds: Vec<String>,
    /// Why.
    pub reason: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// The receipt of a deletion. It says nothing about anybody.
#[derive(Serialize, ToSchema)]
pub struct ReceiptView {
    /// Its id.
    pub id: ReceiptId,
    /// Why the account went.
    pub ground: Ground,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// When nothing was found any more; absent while the deletion goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub erased_at: Option<Timestamp>,
    /// What went, by kind.
    pub erased: BTreeMap<String, u64>,
    /// Payments that the law has kept, without the person: amount, time, transaction.
    pub payments_kept: u64,
    /// When the last of those goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub payments_until: Option<Timestamp>,
}

impl DeletionView {
    /// What an account that is closing is told at `now`; nothing if it is not.
    #[must_use]
    pub fn of(account: &Account, now: Timestamp) -> Option<Self> {
        let closing = account.closing.as_ref()?;
        let held = account.disclosed_holds(now).into_iter().map(|hold| HeldView {
            kinds: hold.covers.iter().cloned().collect(),
            reason: hold.reason.clone(),
            at: hold.at,
        });
        Some(Self {
            receipt: closing.receipt,
            asked_at: closing.asked_at,
            erase_at: closing.erase_at,
            can_be_taken_back: now < closing.erase_at,
            held: held.collect(),
        })
    }
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        Self {
            id: receipt.id,
            ground: receipt.ground,
            asked_at: receipt.asked_at,
            erased_at: receipt.erased_at,
            erased: receipt.erased,
            payments_kept: receipt.payments_kept,
            payments_until: receipt.payments_until,
        }
    }
}
