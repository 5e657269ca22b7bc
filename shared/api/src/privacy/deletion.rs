//! Describes the API that deletes an account, and the receipt of a deletion.

use std::collections::BTreeMap;

use domain::{
    ReceiptId,
    accounts::account::Account,
    privacy::{deletion::DeletionReason, erasure::ErasureReceipt},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    operation::{Parameter::IdempotencyKey, operations},
    privacy::retained::RetainedView,
};

operations! {
    /// Requests the deletion of the account and all its data. Needs a recent sign-in and the sign-in address. From then on
    /// the account's tokens work for these routes only. With the same Idempotency-Key a repeat gets the same response;
    /// without one it gets 409.
    REQUEST = post("/v1/privacy/deletion", "privacy-delete")
        .takes::<DeletionRequest>(r#"{"confirmation": "ada@example.com"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<DeletionView>(202).problems(&[400, 403, 409, 413, 415, 422, 429]);

    /// Shows the requested deletion.
    SHOW = get("/v1/privacy/deletion", "privacy-delete")
        .returns::<DeletionView>(200).problems(&[404]);

    /// Cancels the deletion, as long as it has not begun. What was public or shared stays private.
    CANCEL = delete("/v1/privacy/deletion", "privacy-delete")
        .parameters(&[IdempotencyKey]).problems(&[400, 404, 409, 422, 429]);

    /// Shows the receipt of a deletion: what was erased and what the law retains, by kind and count. Needs no account.
    SHOW_RECEIPT = get("/v1/privacy/receipts/{id}", "privacy-delete").public()
        .returns::<ReceiptView>(200).problems(&[404, 429]);
}

/// Confirms that the account is to be deleted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionRequest {
    /// The sign-in address of the account.
    #[schema(max_length = 128)]
    pub confirmation: String,
}

/// Shows a requested deletion.
#[derive(Serialize, ToSchema)]
pub struct DeletionView {
    /// The id of the receipt, for `GET /v1/privacy/receipts/{id}`. The receipt can be read without the account.
    pub receipt: ReceiptId,
    /// When the deletion was requested.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// When the erasure begins. Until then the deletion can be canceled.
    #[schema(value_type = String, format = DateTime)]
    pub erase_at: Timestamp,
    /// Whether the deletion can still be canceled.
    pub can_be_canceled: bool,
    /// Data that a legal hold retains for now.
    pub held: Vec<RetainedView>,
}

impl DeletionView {
    /// Shows the deletion of an account at `now`; `None` if none was requested.
    #[must_use]
    pub fn of(account: &Account, now: Timestamp) -> Option<Self> {
        let deletion = account.deletion.as_ref()?;
        let held = account.disclosed_holds(now).into_iter().map(RetainedView::from);
        Some(Self {
            receipt: deletion.receipt,
            requested_at: deletion.requested_at,
            erase_at: deletion.erase_at,
            can_be_canceled: now < deletion.erase_at,
            held: held.collect(),
        })
    }
}

/// Shows the receipt of a deletion. It has no personal data.
#[derive(Serialize, ToSchema)]
pub struct ReceiptView {
    /// The id.
    pub id: ReceiptId,
    /// Why the account was deleted.
    pub reason: DeletionReason,
    /// When the deletion was requested.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// When the erasure was complete; absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub erased_at: Option<Timestamp>,
    /// The number of erased items, by kind.
    pub erased: BTreeMap<String, u64>,
    /// The number of payments that the law retains, without personal data: amount, time, transaction.
    pub payments_retained: u64,
    /// When the last of these payments is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub payments_retained_until: Option<Timestamp>,
    /// The number of generations of which an AI provider did not delete its copy. Its own policy says how long it keeps one.
    pub provider_copies_left: u64,
}

impl From<ErasureReceipt> for ReceiptView {
    fn from(receipt: ErasureReceipt) -> Self {
        Self {
            id: receipt.id,
            reason: receipt.reason,
            requested_at: receipt.requested_at,
            erased_at: receipt.erased_at,
            erased: receipt.erased,
            payments_retained: receipt.payments_retained,
            payments_retained_until: receipt.payments_retained_until,
            provider_copies_left: receipt.provider_copies_left,
        }
    }
}
