//! One order and all that came of it.

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Options, money};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) purchase: Purchase,
    pub(crate) status: Status,
    pub(crate) approval: Option<Approval>,
    pub(crate) capture: Option<Capture>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) reversals: Vec<Reversal>,
}

/// What the order was created with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Purchase {
    pub(crate) reference_id: String,
    pub(crate) currency: String,
    pub(crate) amount: i64,
    pub(crate) description: Option<String>,
    pub(crate) custom_id: Option<String>,
    pub(crate) invoice_id: Option<String>,
    pub(crate) return_url: Option<String>,
    pub(crate) cancel_url: Option<String>,
}

/// <https://developer.paypal.com/docs/api/orders/v2/#orders_get>. An order that names PayPal as its payment source starts
/// with `PayerActionRequired`, any other with `Created`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    Created,
    PayerActionRequired,
    Approved,
    Completed,
}

/// The buyer agreed; nothing is paid yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) payer_id: String,
    pub(crate) email: String,
    pub(crate) given_name: String,
    pub(crate) surname: String,
    pub(crate) outcome: Outcome,
}

/// What the capture of an approved order will come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Captured(CaptureStatus),
    /// The means of payment is refused, and the buyer has to choose another.
    Refused,
    /// PayPal takes no money of this buyer.
    Blocked,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Capture {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) status: CaptureStatus,
    /// The `PayPal-Request-Id` that it was made with.
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
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reversal {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) canceled: bool,
}

impl Order {
    /// What the buyer got back, and what was taken back for now.
    pub(crate) fn returned(&self) -> i64 {
        let reversed = self.reversals.iter().filter(|reversal| !reversal.canceled).map(|reversal| reversal.amount);
        reversed.sum::<i64>() + self.refunded()
    }

    fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    /// One word for the list.
    pub(crate) fn state(&self) -> &'static str {
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

    pub(crate) fn money(&self, minor: i64) -> String {
        money::format(minor, money::paypal_decimals(&self.purchase.currency))
    }
}

impl Purchase {
    /// What PayPal keeps of `amount`: about 3 percent.
    pub(crate) fn fee(amount: i64) -> i64 {
        amount.saturating_mul(3) / 100
    }
}

/// The order in full, as PayPal answers to `GET` and to `Prefer: return=representation`.
pub(crate) fn representation(order: &Order, options: &Options, base_url: &str) -> Value {
    let purchase = &order.purchase;
    let mut unit = json!({
        "reference_id": purchase.reference_id,
        "amount": amount(order, purchase.amount),
        "payee": {"email_address": options.paypal_receiver_email, "merchant_id": options.paypal_receiver_id},
    });
    add(&mut unit, "description", purchase.description.as_ref().map(|text| json!(text)));
    add(&mut unit, "custom_id", purchase.custom_id.as_ref().map(|text| json!(text)));
    add(&mut unit, "invoice_id", purchase.invoice_id.as_ref().map(|text| json!(text)));
    add(&mut unit, "payments", payments(order, base_url));
    let mut body = json!({
        "id": order.id,
        "intent": "CAPTURE",
        "status": order.status,
        "purchase_units": [unit],
        "create_time": time(order.created),
        "links": links(order, base_url),
    });
    add(&mut body, "payment_source", payment_source(order));
    add(&mut body, "payer", payer(order));
    body
}

/// What PayPal answers to a capture that does not ask for more: the payments, and little else.
pub(crate) fn captured(order: &Order, base_url: &str) -> Value {
    let mut unit = json!({"reference_id": order.purchase.reference_id});
    add(&mut unit, "payments", payments(order, base_url));
    let mut body = json!({
        "id": order.id,
        "status": order.status,
        "purchase_units": [unit],
        "links": links(order, base_url),
    });
    add(&mut body, "payment_source", payment_source(order));
    add(&mut body, "payer", payer(order));
    body
}

pub(crate) fn links(order: &Order, base_url: &str) -> Value {
    let this = format!("{base_url}/v2/checkout/orders/{}", order.id);
    let page = format!("{base_url}/pay/paypal/{}", order.id);
    let mut links = vec![json!({"href": this, "rel": "self", "method": "GET"})];
    match order.status {
        Status::Created => links.push(json!({"href": page, "rel": "approve", "method": "GET"})),
        Status::PayerActionRequired => links.push(json!({"href": page, "rel": "payer-action", "method": "GET"})),
        Status::Approved => links.push(json!({"href": format!("{this}/capture"), "rel": "capture", "method": "POST"})),
        Status::Completed => {}
    }
    Value::Array(links)
}

fn payments(order: &Order, base_url: &str) -> Option<Value> {
    let captured = order.capture.as_ref()?;
    let gross = order.purchase.amount;
    let fee = Purchase::fee(gross);
    let status = match captured.status {
        CaptureStatus::Completed if order.refunded() == gross => json!("REFUNDED"),
        CaptureStatus::Completed if order.refunded() > 0 => json!("PARTIALLY_REFUNDED"),
        status => json!(status),
    };
    let mut capture = json!({
        "id": captured.id,
        "status": status,
        "amount": amount(order, gross),
        "final_capture": true,
        "seller_protection":
            {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"]},
        "create_time": time(captured.at),
        "update_time": time(captured.at),
        "links": [{"href": format!("{base_url}/v2/payments/captures/{}", captured.id), "rel": "self", "method": "GET"}],
    });
    let reason = (captured.status == CaptureStatus::Pending).then(|| json!({"reason": "PENDING_REVIEW"}));
    add(&mut capture, "status_details", reason);
    add(&mut capture, "custom_id", order.purchase.custom_id.as_ref().map(|text| json!(text)));
    add(&mut capture, "invoice_id", order.purchase.invoice_id.as_ref().map(|text| json!(text)));
    let breakdown = json!({
        "gross_amount": amount(order, gross),
        "paypal_fee": amount(order, fee),
        "net_amount": amount(order, gross - fee),
    });
    let settled = captured.status == CaptureStatus::Completed;
    add(&mut capture, "seller_receivable_breakdown", settled.then_some(breakdown));
    let refunds: Vec<Value> = order.refunds.iter().map(|refund| refunded(order, refund, base_url)).collect();
    let mut payments = json!({"captures": [capture]});
    add(&mut payments, "refunds", (!refunds.is_empty()).then_some(Value::Array(refunds)));
    Some(payments)
}

fn refunded(order: &Order, refund: &Refund, base_url: &str) -> Value {
    let mut body = json!({
        "id": refund.id,
        "status": "COMPLETED",
        "amount": amount(order, refund.amount),
        "seller_payable_breakdown": {
            "gross_amount": amount(order, refund.amount),
            "paypal_fee": amount(order, 0),
            "net_amount": amount(order, refund.amount),
            "total_refunded_amount": amount(order, order.refunded()),
        },
        "create_time": time(refund.at),
        "update_time": time(refund.at),
        "links": [{"href": format!("{base_url}/v2/payments/refunds/{}", refund.id), "rel": "self", "method": "GET"}],
    });
    add(&mut body, "custom_id", order.purchase.custom_id.as_ref().map(|text| json!(text)));
    add(&mut body, "invoice_id", order.purchase.invoice_id.as_ref().map(|text| json!(text)));
    body
}

fn payment_source(order: &Order) -> Option<Value> {
    let approval = order.approval.as_ref();
    match (approval, order.status) {
        (Some(approval), _) => Some(json!({"paypal": {
            "email_address": approval.email,
            "account_id": approval.payer_id,
            "account_status": "VERIFIED",
            "name": {"given_name": approval.given_name, "surname": approval.surname},
            "address": {"country_code": "DE"},
        }})),
        (None, Status::PayerActionRequired) => Some(json!({"paypal": {}})),
        (None, _) => None,
    }
}

fn payer(order: &Order) -> Option<Value> {
    let approval = order.approval.as_ref()?;
    Some(json!({
        "name": {"given_name": approval.given_name, "surname": approval.surname},
        "email_address": approval.email,
        "payer_id": approval.payer_id,
        "address": {"country_code": "DE"},
    }))
}

fn amount(order: &Order, minor: i64) -> Value {
    json!({"currency_code": order.purchase.currency, "value": order.money(minor)})
}

/// PayPal writes whole seconds.
fn time(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

fn add(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Value::Object(object), Some(value)) = (object, value) {
        object.insert(name.to_owned(), value);
    }
}
