//! Renders the events of PayPal's webhook: <https://developer.paypal.com/api/rest/webhooks/event-names/>.
//!
//! A canceled reversal and the settlement of a chargeback have no documented event.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::ipn::Ipn;
use super::objects;
use super::order::{Capture, CaptureStatus, Order, Refund, Reversal};
use crate::ids;
use crate::options::Options;

/// The settings of the fake services, and their address without a slash at the end.
pub(crate) type Setup<'a> = (&'a Options, &'a str);

/// What PayPal sends after a change.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    pub(crate) ipn: Option<Ipn>,
    pub(crate) event: Option<Event>,
}

/// An event, without its id.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) event_type: &'static str,
    resource_type: &'static str,
    summary: String,
    resource: Value,
}

impl Notice {
    pub(crate) fn new(ipn: Ipn, event: Event) -> Self {
        Self { ipn: Some(ipn), event: Some(event) }
    }
}

impl From<Ipn> for Notice {
    fn from(ipn: Ipn) -> Self {
        Self { ipn: Some(ipn), event: None }
    }
}

impl Event {
    /// Returns the body, with a new id.
    pub(crate) fn body(self, base_url: &str, now: Timestamp) -> String {
        let id = ids::paypal_event();
        let this = format!("{base_url}/v1/notifications/webhooks-events/{id}");
        json!({
            "id": id,
            "event_version": "1.0",
            "create_time": time(now),
            "resource_type": self.resource_type,
            "resource_version": "2.0",
            "event_type": self.event_type,
            "summary": self.summary,
            "resource": self.resource,
            "links": [
                {"href": this, "rel": "self", "method": "GET"},
                {"href": format!("{this}/resend"), "rel": "resend", "method": "POST"},
            ],
        })
        .to_string()
    }
}

pub(crate) fn approved(order: &Order, options: &Options, base_url: &str) -> Event {
    Event {
        event_type: "CHECKOUT.ORDER.APPROVED",
        resource_type: "checkout-order",
        summary: "An order has been approved by buyer".to_owned(),
        resource: objects::order(order, options, base_url),
    }
}

pub(crate) fn capture(order: &Order, capture: &Capture, base_url: &str) -> Event {
    let amount = summary_amount(order, order.unit.amount);
    let (event_type, summary) = match capture.status {
        CaptureStatus::Completed => ("PAYMENT.CAPTURE.COMPLETED", format!("Payment completed for {amount}")),
        CaptureStatus::Pending => ("PAYMENT.CAPTURE.PENDING", format!("Payment pending for {amount}")),
        CaptureStatus::Declined => ("PAYMENT.CAPTURE.DENIED", format!("Payment denied for {amount}")),
    };
    let mut resource = objects::capture(order, capture, base_url);
    let related = json!({"related_ids": {"order_id": order.id}});
    objects::insert_some(&mut resource, "supplementary_data", Some(related));
    Event { event_type, resource_type: "capture", summary, resource }
}

pub(crate) fn refunded(order: &Order, refund: &Refund, base_url: &str) -> Event {
    Event {
        event_type: "PAYMENT.CAPTURE.REFUNDED",
        resource_type: "refund",
        summary: format!("A {} capture payment was refunded", summary_amount(order, refund.amount)),
        resource: objects::refund(order, refund, base_url),
    }
}

pub(crate) fn refund_failed(order: &Order, refund: &Refund, base_url: &str) -> Event {
    Event {
        event_type: "PAYMENT.REFUND.FAILED",
        resource_type: "refund",
        summary: format!("A {} refund failed", summary_amount(order, refund.amount)),
        resource: objects::refund(order, refund, base_url),
    }
}

/// A reversal has the form of a refund, without our ids.
pub(crate) fn reversed(order: &Order, reversal: &Reversal, base_url: &str, now: Timestamp) -> Event {
    let refund = Refund { id: reversal.id.clone(), at: now, amount: reversal.amount, failed: false };
    let mut resource = objects::refund(order, &refund, base_url);
    if let Value::Object(fields) = &mut resource {
        fields.retain(|name, _| name != "custom_id" && name != "invoice_id");
        fields.insert("note_to_payer".to_owned(), json!("Payment reversed"));
    }
    Event {
        event_type: "PAYMENT.CAPTURE.REVERSED",
        resource_type: "refund",
        summary: format!("A {} capture payment was reversed", summary_amount(order, reversal.amount)),
        resource,
    }
}

pub(crate) fn dispute_created(
    order: &Order,
    capture: &Capture,
    dispute_id: &str,
    (options, base_url): Setup<'_>,
    now: Timestamp,
) -> Event {
    let this = format!("{base_url}/v1/customer/disputes/{dispute_id}");
    Event {
        event_type: "CUSTOMER.DISPUTE.CREATED",
        resource_type: "dispute",
        summary: format!("A new dispute opened with Case # {dispute_id}"),
        resource: json!({
            "disputed_transactions": [{
                "seller_transaction_id": capture.id,
                "seller": {"merchant_id": options.paypal_receiver_id, "name": "Fake Store"},
                "items": [],
                "seller_protection_eligible": true,
            }],
            "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
            "dispute_channel": "INTERNAL",
            "update_time": time(now),
            "create_time": time(now),
            "messages": [{"posted_by": "BUYER", "time_posted": time(now), "content": "Nothing arrived."}],
            "links": [
                {"href": this, "rel": "self", "method": "GET"},
                {"href": format!("{this}/send-message"), "rel": "send_message", "method": "POST"},
            ],
            "dispute_amount": objects::amount(order, order.unit.amount),
            "dispute_id": dispute_id,
            "dispute_life_cycle_stage": "INQUIRY",
            "status": "OPEN",
            "seller_response_due_date": time(now + SignedDuration::from_hours(10 * 24)),
        }),
    }
}

/// Formats a time as in `2018-06-21T13:36:33.000Z`.
pub(crate) fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn summary_amount(order: &Order, minor: i64) -> String {
    let currency = &order.unit.currency;
    format!("{currency} {} {currency}", order.money(minor))
}
