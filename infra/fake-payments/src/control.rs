//! The control routes, for tests and for the buttons of the dashboard.

use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::action_form::ActionForm;
use crate::app::App;
use crate::delivery::{Delivery, DeliveryStatus, Provider};
use crate::error::ApiError;
use crate::state::{EnabledEvents, PostbackMode};
use crate::stripe::payment::PaymentAttempt;
use crate::{paypal, stripe};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/control/payments", get(payments))
        .route("/control/deliveries", get(deliveries))
        .route("/control/deliveries/hold", post(hold))
        .route("/control/deliveries/release", post(release))
        .route("/control/deliveries/{id}/deliver", post(deliver))
        .route("/control/deliveries/{id}/drop", post(drop_delivery))
        .route("/control/outage", post(set_outage))
        .route("/control/stripe/endpoint", post(set_enabled_events))
        .route("/control/stripe/{session}/{action}", post(run_stripe_action))
        .route("/control/paypal/postback", post(set_postback_mode))
        .route("/control/paypal/webhook", post(set_paypal_events))
        .route("/control/paypal/messages", post(send_notification))
        .route("/control/paypal/events", post(send_event))
        .route("/control/paypal/{order}/{action}", post(run_paypal_action))
}

async fn payments(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    app.expire_overdue_sessions()?;
    Ok(Json(app.read(|state| {
        let stripe = state.payments.iter().map(|payment| {
            let of_attempt = |render: &dyn Fn(&PaymentAttempt) -> Vec<Value>| {
                payment.attempt.as_ref().map(render).unwrap_or_default()
            };
            let expand = ["payment_intent.latest_charge".to_owned()];
            json!({
                "provider": Provider::Stripe,
                "id": payment.id,
                "state": payment.label(),
                "session": stripe::objects::session(payment, &app.base_url, &expand),
                "refunds": of_attempt(&|attempt| {
                    payment.refunds.iter().map(|refund| stripe::objects::refund(payment, attempt, refund)).collect()
                }),
                "disputes": of_attempt(&|attempt| {
                    payment.disputes.iter().map(|dispute| stripe::objects::dispute(payment, attempt, dispute)).collect()
                }),
            })
        });
        let paypal = state.orders.iter().map(|order| {
            json!({
                "provider": Provider::Paypal,
                "id": order.id,
                "state": order.label(),
                "order": paypal::objects::order(order, &app.options, &app.base_url),
            })
        });
        stripe.chain(paypal).collect()
    })))
}

/// Lists all deliveries, oldest first. Answers when no delivery is in progress.
async fn deliveries(State(app): State<App>) -> Json<Vec<Delivery>> {
    app.dispatch().await;
    Json(app.read(|state| state.deliveries.clone()))
}

async fn hold(State(app): State<App>) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        state.hold = true;
        Ok(())
    })?;
    Ok(to_dashboard())
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    order: ReleaseOrder,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReleaseOrder {
    #[default]
    Created,
    Reversed,
}

/// Sends all held messages and holds no new ones.
async fn release(State(app): State<App>, Form(release): Form<Release>) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        state.hold = false;
        let held = state.deliveries.iter().filter(|delivery| delivery.status == DeliveryStatus::Held);
        let mut held: Vec<usize> = held.map(|delivery| delivery.id).collect();
        if matches!(release.order, ReleaseOrder::Reversed) {
            held.reverse();
        }
        held.into_iter().try_for_each(|id| state.schedule(id))
    })?;
    app.dispatch().await;
    Ok(to_dashboard())
}

/// Sends one message now. A message that was sent before is sent again.
async fn deliver(State(app): State<App>, Path(id): Path<usize>) -> Result<Redirect, ApiError> {
    app.update(|state, _| state.schedule(id))?;
    app.dispatch().await;
    Ok(to_dashboard())
}

/// Discards a held message.
async fn drop_delivery(State(app): State<App>, Path(id): Path<usize>) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        let delivery = state.delivery(id)?;
        if delivery.status != DeliveryStatus::Held {
            return Err(ApiError::Conflict("the message is not held"));
        }
        delivery.status = DeliveryStatus::Dropped;
        Ok(())
    })?;
    Ok(to_dashboard())
}

#[derive(Deserialize)]
struct Endpoint {
    /// Event types, separated by spaces, commas or line breaks.
    enabled_events: String,
}

impl Endpoint {
    fn events(&self) -> EnabledEvents {
        let event_types = self.enabled_events.split([',', ' ', '\r', '\n']).filter(|event_type| !event_type.is_empty());
        EnabledEvents(event_types.map(str::to_owned).collect())
    }
}

/// Replaces the event types that Stripe's webhook endpoint subscribes to. `*` stands for all.
async fn set_enabled_events(State(app): State<App>, Form(endpoint): Form<Endpoint>) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        state.enabled_events = endpoint.events();
        Ok(())
    })?;
    Ok(to_dashboard())
}

/// Replaces the event types that PayPal's webhook subscribes to. `*` stands for all.
async fn set_paypal_events(State(app): State<App>, Form(endpoint): Form<Endpoint>) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        state.paypal_events = Some(endpoint.events());
        Ok(())
    })?;
    Ok(to_dashboard())
}

async fn run_stripe_action(
    State(app): State<App>,
    Path((session, action)): Path<(String, stripe::actions::Action)>,
    Form(form): Form<ActionForm>,
) -> Result<Redirect, ApiError> {
    app.run_stripe_action(&session, action, &form).await?;
    Ok(to_dashboard())
}

async fn run_paypal_action(
    State(app): State<App>,
    Path((order, action)): Path<(String, paypal::actions::Action)>,
    Form(form): Form<ActionForm>,
) -> Result<Redirect, ApiError> {
    app.run_paypal_action(&order, action, &form).await?;
    Ok(to_dashboard())
}

#[derive(Deserialize)]
struct PostbackForm {
    answer: PostbackMode,
}

async fn set_postback_mode(State(app): State<App>, Form(form): Form<PostbackForm>) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        state.postback_mode = form.answer;
        Ok(())
    })?;
    Ok(to_dashboard())
}

#[derive(Deserialize)]
struct Outage {
    #[serde(default)]
    provider: Option<Provider>,
}

/// Makes the API of one provider answer 503 to every request. Without a provider, ends the outage.
async fn set_outage(State(app): State<App>, Form(form): Form<Outage>) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        state.outage = form.provider;
        Ok(())
    })?;
    Ok(to_dashboard())
}

/// Sends the request body as a PayPal notification. A postback of the same bytes is answered `VERIFIED`.
async fn send_notification(State(app): State<App>, body: String) -> Result<Redirect, ApiError> {
    app.update(|state, _| {
        state.enqueue(Provider::Paypal, "", "custom", body);
        Ok(())
    })?;
    app.dispatch().await;
    Ok(to_dashboard())
}

/// Sends the request body as an event of PayPal's webhook, whose signature is genuine.
async fn send_event(State(app): State<App>, body: String) -> Result<Redirect, ApiError> {
    app.update(|state, now| {
        state.enqueue_paypal_event("", "custom", body, now);
        Ok(())
    })?;
    app.dispatch().await;
    Ok(to_dashboard())
}

fn to_dashboard() -> Redirect {
    Redirect::to("/")
}
