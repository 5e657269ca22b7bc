//! The payment pages, where a buyer pays or approves.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};

use super::html::{button, escape, page};
use crate::action_form::ActionForm;
use crate::app::App;
use crate::error::ApiError;
use crate::{money, paypal, stripe};

const DASHBOARD_LINK: &str = "<p><a class=\"quiet\" href=\"/\">All payments</a></p>";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/pay/stripe/{session}", get(stripe_page))
        .route("/pay/stripe/{session}/{action}", post(pay_with_stripe))
        .route("/pay/paypal/{order}", get(paypal_page))
        .route("/pay/paypal/{order}/{action}", post(pay_with_paypal))
}

async fn stripe_page(State(app): State<App>, Path(session): Path<String>) -> Result<Html<String>, ApiError> {
    use stripe::payment::Status;

    app.expire_overdue_sessions()?;
    let payment = app.payment(&session)?;
    let params = &payment.params;
    let amount = |minor| {
        let currency = params.currency.to_uppercase();
        escape(&format!("{} {currency}", money::format(minor, money::stripe_decimals(&currency))))
    };
    let mut body = format!(
        "<div class=\"card\"><h3>{} × {}</h3><p>{}</p><p class=\"quiet\">Tax: {}</p><p><strong>Total: {}</strong></p></div>",
        params.quantity,
        escape(&params.name),
        amount(params.subtotal()),
        amount(params.tax()),
        amount(params.total()),
    );
    if payment.status == Status::Open {
        if payment.attempt.is_some() {
            body.push_str("<p class=\"card\" role=\"alert\">The card was declined. Try another payment method.</p>");
        }
        let path = |action: &str| format!("/pay/stripe/{}/{action}", payment.id);
        body.push_str(&format!(
            "<form class=\"tall card\" method=\"post\">{}{}{}\
             <button class=\"main\" formaction=\"{}\">Pay by card</button>{}{}{}</form>",
            input("email", "Email", params.customer_email.as_deref().unwrap_or("jose@buyer.example")),
            input("name", "Name", "José Müller"),
            input("card", "Card number (any)", "4242424242424242"),
            escape(&path("pay")),
            button(&path("pay-delayed"), "Pay by direct debit (succeeds or fails later)"),
            button(&path("decline"), "Pay by a card that is declined"),
            button(&path("expire"), "Expire the session"),
        ));
    } else {
        body.push_str(&format!("<p class=\"card\">This session is {}.</p>", payment.label()));
    }
    body.push_str(&footer(params.cancel_url.as_deref()));
    Ok(page("Fake Stripe checkout", &body))
}

/// Redirects as Stripe does: to the success URL after a payment, else back to the page.
async fn pay_with_stripe(
    State(app): State<App>,
    Path((session, action)): Path<(String, stripe::actions::Action)>,
    Form(form): Form<ActionForm>,
) -> Result<Redirect, ApiError> {
    use stripe::actions::Action;

    if !matches!(action, Action::Pay | Action::PayDelayed | Action::Decline | Action::Expire) {
        return Err(ApiError::Conflict("not an action of the buyer"));
    }
    app.run_stripe_action(&session, action, &form).await?;
    let payment = app.payment(&session)?;
    Ok(match action {
        Action::Pay | Action::PayDelayed => {
            Redirect::to(&payment.params.success_url.replace("{CHECKOUT_SESSION_ID}", &payment.id))
        }
        _ => Redirect::to(&format!("/pay/stripe/{session}")),
    })
}

async fn paypal_page(State(app): State<App>, Path(order): Path<String>) -> Result<Html<String>, ApiError> {
    use paypal::order::Status;

    let order = app.order(&order)?;
    let unit = &order.unit;
    let mut body = format!(
        "<div class=\"card\"><h3>{}</h3><p><strong>Total: {} {}</strong></p></div>",
        escape(unit.description.as_deref().unwrap_or("No description")),
        escape(&order.money(unit.amount)),
        escape(&unit.currency),
    );
    if matches!(order.status, Status::Created | Status::PayerActionRequired) {
        let path = |action: &str| format!("/pay/paypal/{}/{action}", order.id);
        body.push_str(&format!(
            "<form class=\"tall card\" method=\"post\">{}{}\
             <button class=\"main\" formaction=\"{}\">Pay with PayPal</button>{}{}{}{}</form>",
            input("email", "Email", "jose@buyer.example"),
            input("name", "Name", "José Müller"),
            escape(&path("approve")),
            button(&path("approve-pending"), "Pay; PayPal reviews the payment"),
            button(&path("approve-declined"), "Pay; the capture is declined"),
            button(&path("approve-instrument-declined"), "Pay; the payment method is declined, choose again"),
            button(&path("approve-transaction-refused"), "Pay; PayPal refuses payments from this buyer"),
        ));
    } else {
        body.push_str(&format!("<p class=\"card\">This order is {}.</p>", order.label()));
    }
    body.push_str(&footer(unit.cancel_url.as_deref().map(|url| with_token(url, &order.id)).as_deref()));
    Ok(page("Fake PayPal checkout", &body))
}

async fn pay_with_paypal(
    State(app): State<App>,
    Path((order, action)): Path<(String, paypal::actions::Action)>,
    Form(form): Form<ActionForm>,
) -> Result<Response, ApiError> {
    use paypal::actions::Action;

    if !matches!(
        action,
        Action::Approve
            | Action::ApprovePending
            | Action::ApproveDeclined
            | Action::ApproveInstrumentDeclined
            | Action::ApproveTransactionRefused
    ) {
        return Err(ApiError::Conflict("not an action of the buyer"));
    }
    app.run_paypal_action(&order, action, &form).await?;
    let order = app.order(&order)?;
    let (Some(url), Some(approval)) = (&order.unit.return_url, &order.approval) else {
        return Ok(
            page("Approved", "<p class=\"card\">The order is approved. It has no return URL.</p>").into_response()
        );
    };
    let url = format!("{}&PayerID={}", with_token(url, &order.id), approval.payer_id);
    Ok(Redirect::to(&url).into_response())
}

/// Adds the order's id to a return URL, as PayPal does.
fn with_token(url: &str, order: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}token={order}")
}

fn footer(cancel_url: Option<&str>) -> String {
    let cancel = cancel_url.map(|url| format!("<p><a href=\"{}\">Cancel and return to the shop</a></p>", escape(url)));
    format!("{}{DASHBOARD_LINK}", cancel.unwrap_or_default())
}

fn input(name: &str, label: &str, value: &str) -> String {
    format!("<label>{label}<input name=\"{name}\" value=\"{}\"></label>", escape(value))
}
