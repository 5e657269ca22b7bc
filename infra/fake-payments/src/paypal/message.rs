//! Instant payment notifications: <https://developer.paypal.com/api/nvp-soap/ipn/IPNandPDTVariables/>.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::order::{Approval, Capture, CaptureStatus, Order, Purchase};
use crate::{Options, form, ids};

/// A message, ready to be sent.
#[derive(Debug)]
pub(crate) struct Message {
    /// For the list of deliveries.
    pub(crate) kind: &'static str,
    pub(crate) body: String,
}

/// The payment itself; its `txn_id` stays the same while its status changes.
pub(crate) fn payment(
    order: &Order,
    capture: &Capture,
    approval: &Approval,
    options: &Options,
    now: Timestamp,
) -> Message {
    let kind = match capture.status {
        CaptureStatus::Completed => "Completed",
        CaptureStatus::Pending => "Pending",
        CaptureStatus::Declined => "Denied",
    };
    let mut fields = common(order, approval, options, now);
    fields.extend([
        ("txn_id", capture.id.clone()),
        ("txn_type", "express_checkout".to_owned()),
        ("payment_status", kind.to_owned()),
        ("mc_gross", order.money(order.purchase.amount)),
    ]);
    match capture.status {
        CaptureStatus::Completed => fields.push(("mc_fee", order.money(Purchase::fee(order.purchase.amount)))),
        CaptureStatus::Pending => fields.push(("pending_reason", "paymentreview".to_owned())),
        CaptureStatus::Declined => {}
    }
    Message { kind, body: form::windows_1252(&fields) }
}

/// Money that went back, or that came again: another transaction, whose parent is the payment. It has no `txn_type`.
pub(crate) fn child(
    order: &Order,
    (capture, approval): (&Capture, &Approval),
    (kind, reason, txn_id, gross): (&'static str, &str, &str, i64),
    options: &Options,
    now: Timestamp,
) -> Message {
    let mut fields = common(order, approval, options, now);
    fields.extend([
        ("txn_id", txn_id.to_owned()),
        ("parent_txn_id", capture.id.clone()),
        ("payment_status", kind.to_owned()),
        ("reason_code", reason.to_owned()),
        ("mc_gross", order.money(gross)),
        ("mc_fee", order.money(0)),
    ]);
    Message { kind, body: form::windows_1252(&fields) }
}

/// The buyer opened a case. It is about the payment, and says nothing of its status.
pub(crate) fn new_case(
    order: &Order,
    capture: &Capture,
    approval: &Approval,
    options: &Options,
    now: Timestamp,
) -> Message {
    let left_out = ["payment_date", "mc_currency", "payment_type", "invoice"];
    let mut fields = common(order, approval, options, now);
    fields.retain(|(name, _)| !left_out.contains(name));
    fields.extend([
        ("txn_id", capture.id.clone()),
        ("txn_type", "new_case".to_owned()),
        ("case_id", format!("PP-D-{}", ids::paypal())),
        ("case_type", "complaint".to_owned()),
        ("reason_code", "non_receipt".to_owned()),
        ("case_creation_date", date(now)),
    ]);
    Message { kind: "new_case", body: form::windows_1252(&fields) }
}

/// A case was closed, with money for the buyer or without.
pub(crate) fn adjustment(
    order: &Order,
    capture: &Capture,
    approval: &Approval,
    options: &Options,
    now: Timestamp,
) -> Message {
    let mut fields = common(order, approval, options, now);
    fields.extend([
        ("txn_id", ids::paypal()),
        ("parent_txn_id", capture.id.clone()),
        ("txn_type", "adjustment".to_owned()),
        // The adjustment is complete, not the payment.
        ("payment_status", "Completed".to_owned()),
        ("reason_code", "chargeback_settlement".to_owned()),
        ("mc_gross", order.money(-order.purchase.amount)),
    ]);
    Message { kind: "adjustment", body: form::windows_1252(&fields) }
}

fn common(order: &Order, approval: &Approval, options: &Options, now: Timestamp) -> Vec<(&'static str, String)> {
    let purchase = &order.purchase;
    let text = str::to_owned;
    let mut fields = vec![
        ("payment_date", date(now)),
        ("charset", text("windows-1252")),
        ("first_name", approval.given_name.clone()),
        ("last_name", approval.surname.clone()),
        ("notify_version", text("3.9")),
        ("payer_id", approval.payer_id.clone()),
        ("payer_email", approval.email.clone()),
        ("payer_status", text("verified")),
        ("business", options.paypal_receiver_email.clone()),
        ("receiver_email", options.paypal_receiver_email.clone()),
        ("receiver_id", options.paypal_receiver_id.clone()),
        ("residence_country", text("DE")),
        ("payment_type", text("instant")),
        ("mc_currency", purchase.currency.clone()),
        ("verify_sign", text("FakePaymentssMessagesAreVerifiedByPostback")),
        ("ipn_track_id", ids::track()),
    ];
    fields.extend(purchase.custom_id.clone().map(|custom| ("custom", custom)));
    fields.extend(purchase.invoice_id.clone().map(|invoice| ("invoice", invoice)));
    fields.extend(purchase.description.clone().map(|subject| ("transaction_subject", subject)));
    fields.extend(options.test_ipn.then(|| ("test_ipn", text("1"))));
    fields
}

/// As in `10:05:12 Nov 22, 2026 PST`. PayPal writes Pacific time; the stand-in leaves out the summer.
fn date(at: Timestamp) -> String {
    Offset::constant(-8).to_datetime(at).strftime("%H:%M:%S %b %d, %Y PST").to_string()
}
