//! An order with its capture, refunds and reversals.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::money;

/// An order. Amounts are minor units.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) unit: PurchaseUnit,
    pub(crate) status: Status,
    pub(crate) approval: Option<Approval>,
    pub(crate) capture: Option<Capture>,
    /// The declined capture requests: `PayPal-Request-Id` and issue.
    #[serde(default)]
    pub(crate) declined: Vec<(String, String)>,
    /// The order as the first answer to the capture request showed it.
    #[serde(default)]
    pub(crate) first_captured: Option<Box<Order>>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) reversals: Vec<Reversal>,
}

/// The purchase unit and the return addresses that the order was created with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PurchaseUnit {
    pub(crate) reference_id: String,
    pub(crate) currency: String,
    pub(crate) amount: i64,
    pub(crate) description: Option<String>,
    pub(crate) custom_id: Option<String>,
    pub(crate) invoice_id: Option<String>,
    pub(crate) return_url: Option<String>,
    pub(crate) cancel_url: Option<String>,
}

/// <https://developer.paypal.com/docs/api/orders/v2/#orders_get>. An order with PayPal as its payment source starts
/// as `PayerActionRequired`, any other as `Created`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    Created,
    PayerActionRequired,
    Approved,
    Completed,
}

/// The buyer's approval, which precedes the capture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) payer_id: String,
    pub(crate) email: String,
    pub(crate) given_name: String,
    pub(crate) surname: String,
    pub(crate) outcome: CaptureOutcome,
}

/// The result that a capture of the approved order will have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CaptureOutcome {
    Captured(CaptureStatus),
    /// `INSTRUMENT_DECLINED`: the buyer has to choose another payment method.
    InstrumentDeclined,
    /// `TRANSACTION_REFUSED`: PayPal accepts no payment from this buyer.
    TransactionRefused,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Capture {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) status: CaptureStatus,
    /// The `PayPal-Request-Id` of the capture request.
    pub(crate) request_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum CaptureStatus {
    Completed,
    Pending,
    Declined,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) amount: i64,
    /// Whether it failed after it was made: the merchant has the money again.
    #[serde(default)]
    pub(crate) failed: bool,
}

/// An amount that PayPal took from the merchant for the buyer: a reversal, or the settlement of a chargeback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reversal {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) canceled: bool,
}

impl Order {
    /// Returns the sum of the refunds and of the reversals that were not canceled.
    pub(crate) fn returned(&self) -> i64 {
        let reversed = self.reversals.iter().filter(|reversal| !reversal.canceled).map(|reversal| reversal.amount);
        reversed.sum::<i64>() + self.refunded()
    }

    pub(crate) fn refunded(&self) -> i64 {
        self.refunds.iter().filter(|refund| !refund.failed).map(|refund| refund.amount).sum()
    }

    /// Returns the status that the dashboard shows.
    pub(crate) fn label(&self) -> &'static str {
        match (&self.capture, self.status) {
            (Some(capture), _) => match capture.status {
                CaptureStatus::Completed => "paid",
                CaptureStatus::Pending => "pending",
                CaptureStatus::Declined => "declined",
            },
            (None, Status::Approved) => "approved",
            (None, _) => "open",
        }
    }

    /// Formats an amount in the currency of the order.
    pub(crate) fn money(&self, minor: i64) -> String {
        money::format(minor, money::paypal_decimals(&self.unit.currency))
    }
}

impl PurchaseUnit {
    /// Returns PayPal's fee: 3 percent, rounded down.
    pub(crate) fn fee(amount: i64) -> i64 {
        amount.saturating_mul(3) / 100
    }
}
