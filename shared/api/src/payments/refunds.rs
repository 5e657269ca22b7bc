//! Describes the API with which staff have a payment refunded.

use domain::{PaymentId, money::Money, staff::role::Role::Finance};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Asks the payment provider to refund a payment, in whole or in part, with a reason that the account owner reads in their access
    /// log (staff). The provider reports the refund as every other, and credits are taken back then. Without an Idempotency-Key a
    /// repeat asks for another refund.
    REQUEST = post("/v1/staff/accounts/{account}/payments/{payment}/refunds", "checkout")
        .staff(&[Finance])
        .takes::<RefundRequest>(r#"{"amount": 250, "note": "half of it failed"}"#)
        .parameters(&[IdempotencyKey])
        .returns::<RequestedRefundView>(202).problems(&[400, 403, 404, 409, 413, 415, 422, 429, 502]);
}

/// Asks for a refund.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// The amount in the smallest unit of the currency; absent for all that is left.
    #[schema(minimum = 1)]
    pub amount: Option<u32>,
    /// The reason: 1 to 500 characters. The account owner reads it in their access log.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

/// Shows a refund that was asked for.
#[derive(Serialize, ToSchema)]
pub struct RequestedRefundView {
    /// The payment.
    pub payment: PaymentId,
    /// The money.
    pub amount: Money,
}
