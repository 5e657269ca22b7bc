//! All payments and deliveries, and a button for all that can happen to them.

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;

use super::{button, escape, page};
use crate::book::Book;
use crate::delivery::{Delivery, Service, State as DeliveryState};
use crate::money;
use crate::paypal::order::{CaptureStatus, Order};
use crate::paypal::postback::Postback;
use crate::refusal::Refusal;
use crate::serve::App;
use crate::stripe::payment::{Dispute, Outcome, Payment, Refund, RefundStatus, Status};

const AMOUNT: &str = "<input name=\"amount\" inputmode=\"numeric\" size=\"9\" placeholder=\"all, or cents\" \
                      aria-label=\"Amount in the smallest unit\">";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(overview))
}

async fn overview(State(app): State<App>) -> Result<Html<String>, Refusal> {
    app.expire_overdue()?;
    let target = app.target().unwrap_or_else(|| "nowhere yet".to_owned());
    let body = app.read(|book| {
        let stripe: String = book.stripe.iter().rev().map(stripe_card).collect();
        let paypal: String = book.paypal.iter().rev().map(paypal_card).collect();
        let or_none =
            |cards: String| if cards.is_empty() { "<p class=\"quiet\">None yet.</p>".to_owned() } else { cards };
        format!(
            "<h2>Stripe</h2>{}<h2>PayPal</h2>{}<h2>Messages to {}</h2>{}{}",
            or_none(stripe),
            or_none(paypal),
            escape(&target),
            controls(book),
            deliveries(book)
        )
    });
    Ok(page("Payments on this machine", &body))
}

fn stripe_card(payment: &Payment) -> String {
    let path = |action: &str| format!("/control/stripe/{}/{action}", payment.id);
    let currency = payment.purchase.currency.to_uppercase();
    let amount = |minor| format!("{} {currency}", money::format(minor, money::stripe_decimals(&currency)));
    let mut card = head(&payment.purchase.name, &amount(payment.purchase.total()), payment.state(), &payment.id);
    let pending = payment.attempt.as_ref().is_some_and(|attempt| attempt.result == Outcome::Pending);
    let buttons = match payment.status {
        Status::Open => format!("<a href=\"/pay/stripe/{}\">Open the page to pay</a>", escape(&payment.id)),
        Status::Complete if pending => {
            button(&path("arrive"), "The delayed payment arrives")
                + &button(&path("bounce"), "The delayed payment fails")
        }
        Status::Complete if payment.paid() => [
            AMOUNT.to_owned(),
            button(&path("refund"), "Refund"),
            button(&path("refund-slowly"), "Refund slowly"),
            button(&path("inquire"), "Open an inquiry"),
            button(&path("dispute"), "Dispute"),
            button(&path("warn"), "Warn of fraud"),
        ]
        .concat(),
        Status::Complete | Status::Expired => String::new(),
    };
    card.push_str(&post(None, &buttons));
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
            "under way",
            button(&path("settle-refund"), "Done")
                + &button(&path("fail-refund"), "Fails")
                + &button(&path("cancel-refund"), "Cancel"),
        ),
        RefundStatus::Succeeded => ("done", button(&path("fail-refund"), "Fails")),
        RefundStatus::Failed => ("failed", String::new()),
        RefundStatus::Canceled => ("canceled", String::new()),
    };
    post(Some(&refund.id), &format!("Refund of {}: {state} {buttons}", escape(amount)))
}

fn dispute_row(dispute: &Dispute, amount: &str, path: &dyn Fn(&str) -> String) -> String {
    let mut actions = match (dispute.inquiry(), dispute.closed()) {
        (_, true) => Vec::new(),
        (true, false) => {
            vec![("respond", "Respond"), ("escalate", "Becomes a dispute"), ("close-inquiry", "Close")]
        }
        (false, false) => vec![("respond", "Respond"), ("win", "Won"), ("lose", "Lost")],
    };
    if dispute.balance() < 0 {
        actions.push(("reinstate", "Money comes back"));
    } else if !dispute.inquiry() {
        actions.push(("withdraw", "Money is withdrawn"));
    }
    let buttons: String = actions.iter().map(|(action, text)| button(&path(action), text)).collect();
    let what = if dispute.inquiry() { "Inquiry" } else { "Dispute" };
    let state = if dispute.closed() { "closed" } else { "open" };
    post(Some(&dispute.id), &format!("{what} of {}: {state} {buttons}", escape(amount)))
}

fn paypal_card(order: &Order) -> String {
    let path = |action: &str| format!("/control/paypal/{}/{action}", order.id);
    let amount = format!("{} {}", order.money(order.purchase.amount), order.purchase.currency);
    let name = order.purchase.description.as_deref().unwrap_or("An order");
    let mut card = head(name, &amount, order.state(), &order.id);
    let buttons = match order.capture.as_ref().map(|capture| capture.status) {
        None if order.approval.is_none() => {
            format!("<a href=\"/pay/paypal/{}\">Open the page to pay</a>", escape(&order.id))
        }
        None | Some(CaptureStatus::Declined) => String::new(),
        Some(CaptureStatus::Pending) => {
            button(&path("complete"), "The payment completes") + &button(&path("deny"), "The payment is denied")
        }
        Some(CaptureStatus::Completed) => [
            AMOUNT.to_owned(),
            button(&path("refund"), "Refund"),
            button(&path("reverse"), "Reverse"),
            button(&path("open-case"), "Open a case"),
            button(&path("adjust"), "Adjust"),
        ]
        .concat(),
    };
    card.push_str(&post(None, &buttons));
    for refund in &order.refunds {
        card.push_str(&format!("<p class=\"quiet\">Refund of {}</p>", escape(&order.money(refund.amount))));
    }
    for reversal in &order.reversals {
        let amount = escape(&order.money(reversal.amount));
        let row = if reversal.canceled {
            format!("Reversal of {amount}: canceled")
        } else {
            format!("Reversal of {amount} {}", button(&path("cancel-reversal"), "Cancel it"))
        };
        card.push_str(&post(Some(&reversal.id), &row));
    }
    card.push_str("</div>");
    card
}

fn head(name: &str, amount: &str, state: &str, id: &str) -> String {
    format!(
        "<div class=\"card\"><h3>{}, {} <span class=\"state\">{state}</span></h3><div class=\"quiet\">{}</div>",
        escape(name),
        escape(amount),
        escape(id)
    )
}

fn post(id: Option<&str>, content: &str) -> String {
    let id = id.map(|id| format!("<input type=\"hidden\" name=\"id\" value=\"{}\">", escape(id))).unwrap_or_default();
    format!("<form method=\"post\">{id}{content}</form>")
}

fn controls(book: &Book) -> String {
    let release = "/control/deliveries/release";
    let delivery = if book.hold {
        format!(
            "<form method=\"post\">Messages are held back. {}\
             <button formaction=\"{release}\" name=\"order\" value=\"reversed\">Let all go, the last first</button></form>",
            button(release, "Let all go")
        )
    } else {
        format!(
            "<form method=\"post\">Messages go out at once. {}</form>",
            button("/control/deliveries/hold", "Hold them back")
        )
    };
    let answered = match book.postback {
        Postback::Honest => "honestly",
        Postback::Error => "with an error",
        Postback::Garbage => "with garbage",
    };
    format!(
        "<div class=\"card\">{delivery}<form method=\"post\" action=\"/control/paypal/postback\">\
         PayPal's postback is answered {answered}. \
         <button name=\"answer\" value=\"honest\">Honestly</button>\
         <button name=\"answer\" value=\"error\">With an error</button>\
         <button name=\"answer\" value=\"garbage\">With garbage</button></form></div>"
    )
}

fn deliveries(book: &Book) -> String {
    let rows: String = book.deliveries.iter().rev().map(delivery_row).collect();
    format!(
        "<table><thead><tr><th>No.</th><th>From</th><th>What</th><th>About</th><th>State</th><th></th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}

fn delivery_row(delivery: &Delivery) -> String {
    let path = |action: &str| format!("/control/deliveries/{}/{action}", delivery.id);
    let service = match delivery.service {
        Service::Stripe => "Stripe",
        Service::Paypal => "PayPal",
    };
    let attempts: Vec<String> = delivery
        .attempts
        .iter()
        .map(|attempt| attempt.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string()))
        .collect();
    let buttons = match delivery.state {
        DeliveryState::Held => button(&path("deliver"), "Let it go") + &button(&path("drop"), "Lose it"),
        DeliveryState::Delivered => button(&path("deliver"), "Send it again"),
        DeliveryState::Due { .. } | DeliveryState::Failed | DeliveryState::Dropped => {
            button(&path("deliver"), "Send it")
        }
    };
    format!(
        "<tr><td>{}</td><td>{service}</td><td>{}</td><td class=\"quiet\">{}</td><td>{} {}</td><td>{}</td></tr>",
        delivery.id,
        escape(&delivery.kind),
        escape(&delivery.about.chars().take(24).collect::<String>()),
        delivery.state.name(),
        escape(&attempts.join(", ")),
        post(None, &buttons)
    )
}
