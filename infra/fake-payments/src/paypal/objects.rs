//! Renders PayPal's API objects.

use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use super::order::{Capture, CaptureStatus, Order, PurchaseUnit, Refund, Status};
use crate::options::Options;

/// Renders the whole order, for `GET` and for `Prefer: return=representation`.
pub(crate) fn order(order: &Order, options: &Options, base_url: &str) -> Value {
    let purchase = &order.unit;
    let mut unit = json!({
        "reference_id": purchase.reference_id,
        "amount": amount(order, purchase.amount),
        "payee": {"email_address": options.paypal_receiver_email, "merchant_id": options.paypal_receiver_id},
    });
    insert_some(&mut unit, "description", purchase.description.as_ref().map(|text| json!(text)));
    insert_some(&mut unit, "custom_id", purchase.custom_id.as_ref().map(|text| json!(text)));
    insert_some(&mut unit, "invoice_id", purchase.invoice_id.as_ref().map(|text| json!(text)));
    insert_some(&mut unit, "payments", payments(order, base_url));
    let mut body = json!({
        "id": order.id,
        "intent": "CAPTURE",
        "status": order.status,
        "purchase_units": [unit],
        "create_time": time(order.created),
        "links": links(order, base_url),
    });
    insert_some(&mut body, "payment_source", payment_source(order));
    insert_some(&mut body, "payer", payer(order));
    body
}

/// Renders the minimal answer to a capture: status, payments and payer.
pub(crate) fn captured_order(order: &Order, base_url: &str) -> Value {
    let mut unit = json!({"reference_id": order.unit.reference_id});
    insert_some(&mut unit, "payments", payments(order, base_url));
    let mut body = json!({
        "id": order.id,
        "status": order.status,
        "purchase_units": [unit],
        "links": links(order, base_url),
    });
    insert_some(&mut body, "payment_source", payment_source(order));
    insert_some(&mut body, "payer", payer(order));
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
    let capture = capture(order, order.capture.as_ref()?, base_url);
    let refunds: Vec<Value> = order.refunds.iter().map(|refund| self::refund(order, refund, base_url)).collect();
    let mut payments = json!({"captures": [capture]});
    insert_some(&mut payments, "refunds", (!refunds.is_empty()).then_some(Value::Array(refunds)));
    Some(payments)
}

pub(crate) fn capture(order: &Order, captured: &Capture, base_url: &str) -> Value {
    let gross = order.unit.amount;
    let fee = PurchaseUnit::fee(gross);
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
        "links": [
            {"href": format!("{base_url}/v2/payments/captures/{}", captured.id), "rel": "self", "method": "GET"},
            {"href": format!("{base_url}/v2/payments/captures/{}/refund", captured.id), "rel": "refund", "method": "POST"},
            {"href": format!("{base_url}/v2/checkout/orders/{}", order.id), "rel": "up", "method": "GET"},
        ],
    });
    let reason = (captured.status == CaptureStatus::Pending).then(|| json!({"reason": "PENDING_REVIEW"}));
    insert_some(&mut capture, "status_details", reason);
    insert_some(&mut capture, "custom_id", order.unit.custom_id.as_ref().map(|text| json!(text)));
    insert_some(&mut capture, "invoice_id", order.unit.invoice_id.as_ref().map(|text| json!(text)));
    let breakdown = json!({
        "gross_amount": amount(order, gross),
        "paypal_fee": amount(order, fee),
        "net_amount": amount(order, gross - fee),
    });
    let is_completed = captured.status == CaptureStatus::Completed;
    insert_some(&mut capture, "seller_receivable_breakdown", is_completed.then_some(breakdown));
    capture
}

pub(crate) fn refund(order: &Order, refund: &Refund, base_url: &str) -> Value {
    let capture = order.capture.as_ref().map_or("", |capture| &capture.id);
    let mut body = json!({
        "id": refund.id,
        "status": if refund.failed { "FAILED" } else { "COMPLETED" },
        "amount": amount(order, refund.amount),
        "seller_payable_breakdown": {
            "gross_amount": amount(order, refund.amount),
            "paypal_fee": amount(order, 0),
            "net_amount": amount(order, refund.amount),
            "total_refunded_amount": amount(order, order.refunded()),
        },
        "create_time": time(refund.at),
        "update_time": time(refund.at),
        "links": [
            {"href": format!("{base_url}/v2/payments/refunds/{}", refund.id), "rel": "self", "method": "GET"},
            {"href": format!("{base_url}/v2/payments/captures/{capture}"), "rel": "up", "method": "GET"},
        ],
    });
    insert_some(&mut body, "custom_id", order.unit.custom_id.as_ref().map(|text| json!(text)));
    insert_some(&mut body, "invoice_id", order.unit.invoice_id.as_ref().map(|text| json!(text)));
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

pub(crate) fn amount(order: &Order, minor: i64) -> Value {
    json!({"currency_code": order.unit.currency, "value": order.money(minor)})
}

/// Formats a time, rounded to seconds.
fn time(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// Adds a field unless `value` is `None`.
pub(crate) fn insert_some(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Value::Object(object), Some(value)) = (object, value) {
        object.insert(name.to_owned(), value);
    }
}
