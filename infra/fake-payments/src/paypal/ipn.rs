//! Renders instant payment notifications (IPN): <https://developer.paypal.com/api/nvp-soap/ipn/IPNandPDTVariables/>.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::order::{Approval, Capture, CaptureStatus, Order, PurchaseUnit};
use crate::options::Options;
use crate::{ids, urlencoding};

#[derive(Debug)]
pub(crate) struct Ipn {
    /// The `payment_status` or `txn_type`, for the list of deliveries.
    pub(crate) event_type: &'static str,
    pub(crate) body: String,
}

impl Ipn {
    fn new(event_type: &'static str, fields: &[(&str, String)]) -> Self {
        Self { event_type, body: urlencoding::encode_windows_1252(fields) }
    }
}

/// Notifies of the payment's status. The `txn_id` is the same for every status.
pub(crate) fn payment(order: &Order, capture: &Capture, approval: &Approval, options: &Options, now: Timestamp) -> Ipn {
    let payment_status = match capture.status {
        CaptureStatus::Completed => "Completed",
        CaptureStatus::Pending => "Pending",
        CaptureStatus::Declined => "Denied",
    };
    let mut fields = common_fields(order, approval, options, now);
    fields.extend([
        ("txn_id", capture.id.clone()),
        ("txn_type", "express_checkout".to_owned()),
        ("payment_status", payment_status.to_owned()),
        ("mc_gross", order.money(order.unit.amount)),
    ]);
    match capture.status {
        CaptureStatus::Completed => fields.push(("mc_fee", order.money(PurchaseUnit::fee(order.unit.amount)))),
        CaptureStatus::Pending => fields.push(("pending_reason", "paymentreview".to_owned())),
        CaptureStatus::Declined => {}
    }
    Ipn::new(payment_status, &fields)
}

/// A refund, reversal or canceled reversal: a transaction of its own, whose parent is the payment.
pub(crate) struct ChildTransaction<'a> {
    pub(crate) payment_status: &'static str,
    pub(crate) reason_code: &'a str,
    pub(crate) txn_id: &'a str,
    /// In minor units. Negative if the buyer gets money back.
    pub(crate) gross: i64,
}

/// Notifies of a transaction that follows the payment. PayPal sends no `txn_type` with these.
pub(crate) fn child_transaction(
    order: &Order,
    (capture, approval): (&Capture, &Approval),
    child: &ChildTransaction<'_>,
    options: &Options,
    now: Timestamp,
) -> Ipn {
    let mut fields = common_fields(order, approval, options, now);
    fields.extend([
        ("txn_id", child.txn_id.to_owned()),
        ("parent_txn_id", capture.id.clone()),
        ("payment_status", child.payment_status.to_owned()),
        ("reason_code", child.reason_code.to_owned()),
        ("mc_gross", order.money(child.gross)),
        ("mc_fee", order.money(0)),
    ]);
    Ipn::new(child.payment_status, &fields)
}

/// Notifies of a case that the buyer opened. It names the payment but no status.
pub(crate) fn new_case(
    order: &Order,
    (capture, approval): (&Capture, &Approval),
    case_id: &str,
    options: &Options,
    now: Timestamp,
) -> Ipn {
    let absent = ["payment_date", "mc_currency", "payment_type", "invoice"];
    let mut fields = common_fields(order, approval, options, now);
    fields.retain(|(name, _)| !absent.contains(name));
    fields.extend([
        ("txn_id", capture.id.clone()),
        ("txn_type", "new_case".to_owned()),
        ("case_id", case_id.to_owned()),
        ("case_type", "complaint".to_owned()),
        ("reason_code", "non_receipt".to_owned()),
        ("case_creation_date", date(now)),
    ]);
    Ipn::new("new_case", &fields)
}

/// Notifies of the settlement of a chargeback, as PayPal really does: `gross` is negative if the merchant loses the amount,
/// positive if PayPal returns it. The notification names no receiver, and the merchant as payer.
pub(crate) fn chargeback_settlement(
    order: &Order,
    (capture, approval): (&Capture, &Approval),
    txn_id: &str,
    gross: i64,
    options: &Options,
    now: Timestamp,
) -> Ipn {
    let absent = ["business", "receiver_email", "receiver_id", "first_name", "last_name", "payer_id", "payer_email"];
    let mut fields = common_fields(order, approval, options, now);
    fields.retain(|(name, _)| !absent.contains(name));
    fields.extend([
        ("payer_id", options.paypal_receiver_id.clone()),
        ("payer_email", options.paypal_receiver_email.clone()),
    ]);
    fields.extend(adjustment_fields(order, capture, txn_id, gross));
    Ipn::new("adjustment", &fields)
}

fn adjustment_fields(order: &Order, capture: &Capture, txn_id: &str, gross: i64) -> [(&'static str, String); 6] {
    [
        ("txn_id", txn_id.to_owned()),
        ("parent_txn_id", capture.id.clone()),
        ("txn_type", "adjustment".to_owned()),
        // The status of the adjustment, not of the payment.
        ("payment_status", "Completed".to_owned()),
        ("reason_code", "chargeback_settlement".to_owned()),
        ("mc_gross", order.money(gross)),
    ]
}

fn common_fields(order: &Order, approval: &Approval, options: &Options, now: Timestamp) -> Vec<(&'static str, String)> {
    let unit = &order.unit;
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
        ("mc_currency", unit.currency.clone()),
        ("verify_sign", text("VerifyTheFakeNotificationByPostback")),
        ("ipn_track_id", ids::paypal_track_id()),
    ];
    fields.extend(unit.custom_id.clone().map(|custom| ("custom", custom)));
    fields.extend(unit.invoice_id.clone().map(|invoice| ("invoice", invoice)));
    fields.extend(unit.description.clone().map(|subject| ("transaction_subject", subject)));
    fields.extend(options.test_ipn.then(|| ("test_ipn", text("1"))));
    fields
}

/// Formats a time as in `10:05:12 Nov 22, 2026 PST`. PayPal uses Pacific time; the fake ignores daylight saving time.
fn date(at: Timestamp) -> String {
    Offset::constant(-8).to_datetime(at).strftime("%H:%M:%S %b %d, %Y PST").to_string()
}
