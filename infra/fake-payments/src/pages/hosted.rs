//! The pages that a buyer pays on.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form as FormBody, Router};

use super::{button, escape, page};
use crate::control::Form;
use crate::refusal::Refusal;
use crate::serve::App;
use crate::{money, paypal, stripe};

const OVERVIEW: &str = "<p><a class=\"quiet\" href=\"/\">All payments of the stand-in</a></p>";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/pay/stripe/{session}", get(stripe_page))
        .route("/pay/stripe/{session}/{action}", post(pay_by_stripe))
        .route("/pay/paypal/{order}", get(paypal_page))
        .route("/pay/paypal/{order}/{action}", post(pay_by_paypal))
}

async fn stripe_page(State(app): State<App>, Path(session): Path<String>) -> Result<Html<String>, Refusal> {
    use stripe::payment::Status;

    app.expire_overdue()?;
    let payment = app.payment(&session)?;
    let purchase = &payment.purchase;
    let amount = |minor| {
        let currency = purchase.currency.to_uppercase();
        escape(&format!("{} {currency}", money::format(minor, money::stripe_decimals(&currency))))
    };
    let mut body = format!(
        "<div class=\"card\"><h3>{} × {}</h3><p>{}</p><p class=\"quiet\">Tax: {}</p><p><strong>To pay: {}</strong></p></div>",
        purchase.quantity,
        escape(&purchase.name),
        amount(purchase.subtotal()),
        amount(purchase.tax()),
        amount(purchase.total()),
    );
    if payment.status == Status::Open {
        if payment.attempt.is_some() {
            body.push_str("<p class=\"card\" role=\"alert\">The card was declined. Try another way to pay.</p>");
        }
        let path = |action: &str| format!("/pay/stripe/{}/{action}", payment.id);
        body.push_str(&format!(
            "<form class=\"tall card\" method=\"post\">{}{}{}\
             <button class=\"main\" formaction=\"{}\">Pay by card</button>{}{}{}</form>",
            input("email", "Email", purchase.customer_email.as_deref().unwrap_or("jose@buyer.example")),
            input("name", "Name", "José Müller"),
            input("card", "Card number (made up)", "4242424242424242"),
            escape(&path("pay")),
            button(&path("pay-later"), "Pay by direct debit: the money comes later"),
            button(&path("refuse"), "Pay by a card that is declined"),
            button(&path("expire"), "Let the session expire"),
        ));
    } else {
        body.push_str(&format!("<p class=\"card\">This session is {}.</p>", payment.state()));
    }
    body.push_str(&way_back(purchase.cancel_url.as_deref()));
    Ok(page("Pay with Stripe's stand-in", &body))
}

/// Where the real page would send the browser: to the shop if it is paid, else back to the page.
async fn pay_by_stripe(
    State(app): State<App>,
    Path((session, action)): Path<(String, stripe::act::Action)>,
    FormBody(form): FormBody<Form>,
) -> Result<Redirect, Refusal> {
    use stripe::act::Action;

    if !matches!(action, Action::Pay | Action::PayLater | Action::Refuse | Action::Expire) {
        return Err(Refusal::NotNow("a buyer cannot do this"));
    }
    app.act_on_stripe(&session, action, &form).await?;
    let payment = app.payment(&session)?;
    Ok(match action {
        Action::Pay | Action::PayLater => {
            Redirect::to(&payment.purchase.success_url.replace("{CHECKOUT_SESSION_ID}", &payment.id))
        }
        _ => Redirect::to(&format!("/pay/stripe/{session}")),
    })
}

async fn paypal_page(State(app): State<App>, Path(order): Path<String>) -> Result<Html<String>, Refusal> {
    use paypal::order::Status;

    let order = app.order(&order)?;
    let purchase = &order.purchase;
    let mut body = format!(
        "<div class=\"card\"><h3>{}</h3><p><strong>To pay: {} {}</strong></p></div>",
        escape(purchase.description.as_deref().unwrap_or("An order without a description")),
        escape(&order.money(purchase.amount)),
        escape(&purchase.currency),
    );
    if matches!(order.status, Status::Created | Status::PayerActionRequired) {
        let path = |action: &str| format!("/pay/paypal/{}/{action}", order.id);
        body.push_str(&format!(
            "<form class=\"tall card\" method=\"post\">{}{}\
             <button class=\"main\" formaction=\"{}\">Pay with PayPal</button>{}{}{}{}</form>",
            input("email", "Email", "jose@buyer.example"),
            input("name", "Name", "José Müller"),
            escape(&path("approve")),
            button(&path("approve-pending"), "Pay in a way that PayPal reviews first"),
            button(&path("approve-declined"), "Pay in a way that is declined"),
            button(&path("approve-refused"), "Pay in a way that is refused, and choose again"),
            button(&path("approve-blocked"), "Pay as somebody from whom PayPal takes no money"),
        ));
    } else {
        body.push_str(&format!("<p class=\"card\">This order is {}.</p>", order.state()));
    }
    body.push_str(&way_back(purchase.cancel_url.as_deref().map(|url| with_token(url, &order.id)).as_deref()));
    Ok(page("Pay with PayPal's stand-in", &body))
}

async fn pay_by_paypal(
    State(app): State<App>,
    Path((order, action)): Path<(String, paypal::act::Action)>,
    FormBody(form): FormBody<Form>,
) -> Result<Response, Refusal> {
    use paypal::act::Action;

    if !matches!(
        action,
        Action::Approve
            | Action::ApprovePending
            | Action::ApproveDeclined
            | Action::ApproveRefused
            | Action::ApproveBlocked
    ) {
        return Err(Refusal::NotNow("a buyer cannot do this"));
    }
    app.act_on_paypal(&order, action, &form).await?;
    let order = app.order(&order)?;
    let (Some(url), Some(approval)) = (&order.purchase.return_url, &order.approval) else {
        return Ok(page("Approved", "<p class=\"card\">The order is approved. It names no page to return to.</p>")
            .into_response());
    };
    let url = format!("{}&PayerID={}", with_token(url, &order.id), approval.payer_id);
    Ok(Redirect::to(&url).into_response())
}

/// PayPal adds the order's id to the shop's addresses.
fn with_token(url: &str, order: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}token={order}")
}

fn way_back(cancel_url: Option<&str>) -> String {
    let cancel = cancel_url.map(|url| format!("<p><a href=\"{}\">Cancel and go back to the shop</a></p>", escape(url)));
    format!("{}{OVERVIEW}", cancel.unwrap_or_default())
}

fn input(name: &str, label: &str, value: &str) -> String {
    format!("<label>{label}<input name=\"{name}\" value=\"{}\"></label>", escape(value))
}
