//! The dashboard: all payments and deliveries, with a button for each action.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;

use super::html::{button, escape, page};
use crate::app::App;
use crate::delivery::{Delivery, DeliveryStatus, Provider};
use crate::error::ApiError;
use crate::money;
use crate::paypal::order::{CaptureStatus, Order};
use crate::state::{PostbackMode, ServiceState};
use crate::stripe::payment::{Dispute, Payment, PaymentOutcome, Refund, RefundStatus, Status};

const AMOUNT_INPUT: &str = "<input name=\"amount\" inputmode=\"numeric\" size=\"9\" placeholder=\"all\" \
                      aria-label=\"Amount in minor units\">";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(dashboard))
}

async fn dashboard(State(app): State<App>) -> Result<Html<String>, ApiError> {
    app.expire_overdue_sessions()?;
    let target = app.target().unwrap_or_else(|| "(no address yet)".to_owned());
    let body = app.read(|state| {
        let stripe: String = state.payments.iter().rev().map(stripe_card).collect();
        let paypal: String = state.orders.iter().rev().map(paypal_card).collect();
        let or_none =
            |cards: String| if cards.is_empty() { "<p class=\"quiet\">None yet.</p>".to_owned() } else { cards };
        format!(
            "<h2>Stripe</h2>{}<h2>PayPal</h2>{}<h2>Webhooks to {}</h2>{}{}",
            or_none(stripe),
            or_none(paypal),
            escape(&target),
            controls(state),
            deliveries(state)
        )
    });
    Ok(page("Fake payments", &body))
}

fn stripe_card(payment: &Payment) -> String {
    let path = |action: &str| format!("/control/stripe/{}/{action}", payment.id);
    let currency = payment.params.currency.to_uppercase();
    let amount = |minor| format!("{} {currency}", money::format(minor, money::stripe_decimals(&currency)));
    let mut card = card_head(&payment.params.name, &amount(payment.params.total()), payment.label(), &payment.id);
    let pending = payment.attempt.as_ref().is_some_and(|attempt| attempt.outcome == PaymentOutcome::Pending);
    let buttons = match payment.status {
        Status::Open => format!("<a href=\"/pay/stripe/{}\">Open the payment page</a>", escape(&payment.id)),
        Status::Complete if pending => {
            button(&path("succeed-delayed"), "Delayed payment succeeds")
                + &button(&path("fail-delayed"), "Delayed payment fails")
        }
        Status::Complete if payment.is_paid() => [
            AMOUNT_INPUT.to_owned(),
            button(&path("refund"), "Refund"),
            button(&path("refund-pending"), "Refund (pending)"),
            button(&path("open-inquiry"), "Open an inquiry"),
            button(&path("dispute"), "Dispute"),
            button(&path("early-fraud-warning"), "Early fraud warning"),
        ]
        .concat(),
        Status::Complete | Status::Expired => String::new(),
    };
    card.push_str(&post_form(None, &buttons));
    for refund in &payment.refunds {
        card.push_str(&refund_row(refund, &amount(refund.amount), &path));
    }
    for dispute in &payment.disputes {
        card.push_str(&dispute_row(dispute, &amount(dispute.amount), &path));
    }
    card.push_str("</div>");
    card
}

fn refund_row(refund: &Refund, amount: &str, path: &dyn Fn(&str) -> String) -> String {
    let (state, buttons) = match refund.status {
        RefundStatus::Pending => (
            "pending",
            button(&path("succeed-refund"), "Succeeds")
                + &button(&path("fail-refund"), "Fails")
                + &button(&path("cancel-refund"), "Cancel"),
        ),
        RefundStatus::Succeeded => ("succeeded", button(&path("fail-refund"), "Fails")),
        RefundStatus::Failed => ("failed", String::new()),
        RefundStatus::Canceled => ("canceled", String::new()),
    };
    post_form(Some(&refund.id), &format!("Refund of {}: {state} {buttons}", escape(amount)))
}

fn dispute_row(dispute: &Dispute, amount: &str, path: &dyn Fn(&str) -> String) -> String {
    let mut actions = match (dispute.is_inquiry(), dispute.is_closed()) {
        (_, true) => Vec::new(),
        (true, false) => {
            vec![
                ("submit-evidence", "Submit evidence"),
                ("escalate", "Escalate to a dispute"),
                ("close-inquiry", "Close"),
            ]
        }
        (false, false) => vec![("submit-evidence", "Submit evidence"), ("win", "Win"), ("lose", "Lose")],
    };
    if dispute.net_balance() < 0 {
        actions.push(("reinstate-funds", "Reinstate funds"));
    } else if !dispute.is_inquiry() {
        actions.push(("withdraw-funds", "Withdraw funds"));
    }
    let buttons: String = actions.iter().map(|(action, text)| button(&path(action), text)).collect();
    let case = if dispute.is_inquiry() { "Inquiry" } else { "Dispute" };
    let state = if dispute.is_closed() { "closed" } else { "open" };
    post_form(Some(&dispute.id), &format!("{case} of {}: {state} {buttons}", escape(amount)))
}

fn paypal_card(order: &Order) -> String {
    let path = |action: &str| format!("/control/paypal/{}/{action}", order.id);
    let amount = format!("{} {}", order.money(order.unit.amount), order.unit.currency);
    let name = order.unit.description.as_deref().unwrap_or("No description");
    let mut card = card_head(name, &amount, order.label(), &order.id);
    let buttons = match order.capture.as_ref().map(|capture| capture.status) {
        None if order.approval.is_none() => {
            format!("<a href=\"/pay/paypal/{}\">Open the payment page</a>", escape(&order.id))
        }
        None | Some(CaptureStatus::Declined) => String::new(),
        Some(CaptureStatus::Pending) => button(&path("complete"), "Complete") + &button(&path("deny"), "Deny"),
        Some(CaptureStatus::Completed) => [
            AMOUNT_INPUT.to_owned(),
            button(&path("refund"), "Refund"),
            button(&path("reverse"), "Reverse"),
            button(&path("open-case"), "Open a case"),
            button(&path("settle-chargeback"), "Settle a chargeback"),
        ]
        .concat(),
    };
    card.push_str(&post_form(None, &buttons));
    for refund in &order.refunds {
        let amount = escape(&order.money(refund.amount));
        let row = if refund.failed {
            format!("Refund of {amount}: failed")
        } else {
            format!("Refund of {amount} {}", button(&path("fail-refund"), "Fails"))
        };
        card.push_str(&post_form(Some(&refund.id), &row));
    }
    for reversal in &order.reversals {
        let amount = escape(&order.money(reversal.amount));
        let row = if reversal.canceled {
            format!("Reversal of {amount}: canceled")
        } else {
            format!("Reversal of {amount} {}", button(&path("cancel-reversal"), "Cancel"))
        };
        card.push_str(&post_form(Some(&reversal.id), &row));
    }
    card.push_str("</div>");
    card
}

fn card_head(name: &str, amount: &str, state: &str, id: &str) -> String {
    format!(
        "<div class=\"card\"><h3>{}, {} <span class=\"state\">{state}</span></h3><div class=\"quiet\">{}</div>",
        escape(name),
        escape(amount),
        escape(id)
    )
}

fn post_form(id: Option<&str>, content: &str) -> String {
    let id = id.map(|id| format!("<input type=\"hidden\" name=\"id\" value=\"{}\">", escape(id))).unwrap_or_default();
    format!("<form method=\"post\">{id}{content}</form>")
}

fn controls(state: &ServiceState) -> String {
    let release = "/control/deliveries/release";
    let delivery = if state.hold {
        format!(
            "<form method=\"post\">Webhooks are held. {}\
             <button formaction=\"{release}\" name=\"order\" value=\"reversed\">Release, newest first</button></form>",
            button(release, "Release all")
        )
    } else {
        format!(
            "<form method=\"post\">Webhooks are sent at once. {}</form>",
            button("/control/deliveries/hold", "Hold")
        )
    };
    let mode = match state.postback_mode {
        PostbackMode::Honest => "honestly",
        PostbackMode::Invalid => "with INVALID",
        PostbackMode::Error => "with an error",
        PostbackMode::Garbage => "with garbage",
    };
    format!(
        "<div class=\"card\">{delivery}<form method=\"post\" action=\"/control/paypal/postback\">\
         PayPal answers postbacks {mode}. \
         <button name=\"answer\" value=\"honest\">Honestly</button>\
         <button name=\"answer\" value=\"invalid\">With INVALID</button>\
         <button name=\"answer\" value=\"error\">With an error</button>\
         <button name=\"answer\" value=\"garbage\">With garbage</button></form></div>"
    )
}

fn deliveries(state: &ServiceState) -> String {
    let rows: String = state.deliveries.iter().rev().map(delivery_row).collect();
    format!(
        "<table><thead><tr><th>No.</th><th>Provider</th><th>Event</th><th>Payment</th><th>Status</th><th></th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}

fn delivery_row(delivery: &Delivery) -> String {
    let path = |action: &str| format!("/control/deliveries/{}/{action}", delivery.id);
    let provider = match delivery.provider {
        Provider::Stripe => "Stripe",
        Provider::Paypal => "PayPal",
    };
    let attempts: Vec<String> = delivery
        .attempts
        .iter()
        .map(|attempt| attempt.status.map_or_else(|| "no response".to_owned(), |status| status.to_string()))
        .collect();
    let buttons = match delivery.status {
        DeliveryStatus::Held => button(&path("deliver"), "Release") + &button(&path("drop"), "Drop"),
        DeliveryStatus::Delivered => button(&path("deliver"), "Send again"),
        DeliveryStatus::Due { .. } | DeliveryStatus::Failed | DeliveryStatus::Dropped => {
            button(&path("deliver"), "Send")
        }
    };
    format!(
        "<tr><td>{}</td><td>{provider}</td><td>{}</td><td class=\"quiet\">{}</td><td>{} {}</td><td>{}</td></tr>",
        delivery.id,
        escape(&delivery.event_type),
        escape(&delivery.object_id.chars().take(24).collect::<String>()),
        delivery.status.label(),
        escape(&attempts.join(", ")),
        post_form(None, &buttons)
    )
}
