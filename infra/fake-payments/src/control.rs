//! The stand-in's own calls: what tests read, and what the buttons of its pages do.

use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Form as FormBody, Json, Router};
use runtime::clock;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::book::Subscribed;
use crate::delivery::{Delivery, Service, State as DeliveryState};
use crate::paypal::postback::Postback;
use crate::refusal::Refusal;
use crate::serve::App;
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
        .route("/control/stripe/endpoint", post(subscribe))
        .route("/control/stripe/{session}/{action}", post(act_on_stripe))
        .route("/control/paypal/postback", post(set_postback))
        .route("/control/paypal/messages", post(send_message))
        .route("/control/paypal/{order}/{action}", post(act_on_paypal))
}

/// What an action may need to know. A field that is left empty is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Form {
    amount: String,
    id: String,
    email: String,
    name: String,
    card: String,
}

impl Form {
    /// The amount that is asked for, in the smallest unit, or all of `limit`.
    pub(crate) fn amount_of(&self, limit: i64) -> Result<i64, Refusal> {
        let amount = match filled(&self.amount) {
            None => limit,
            Some(text) => text.parse().map_err(|_| Refusal::Invalid(format!("{text} is no amount")))?,
        };
        if (1..=limit).contains(&amount) { Ok(amount) } else { Err(Refusal::NotNow("there is not that much left")) }
    }

    /// Which refund, dispute or reversal is meant.
    pub(crate) fn id(&self) -> Option<&str> {
        filled(&self.id)
    }

    pub(crate) fn email(&self) -> Option<&str> {
        filled(&self.email)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        filled(&self.name)
    }

    pub(crate) fn card(&self) -> Option<&str> {
        filled(&self.card)
    }
}

fn filled(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

async fn payments(State(app): State<App>) -> Result<Json<Value>, Refusal> {
    app.expire_overdue()?;
    Ok(Json(app.read(|book| {
        let stripe = book.stripe.iter().map(|payment| {
            let of = |render: &dyn Fn(&stripe::payment::Attempt) -> Vec<Value>| {
                payment.attempt.as_ref().map(render).unwrap_or_default()
            };
            json!({
                "service": Service::Stripe,
                "id": payment.id,
                "state": payment.state(),
                "session": stripe::object::session(payment, &app.base_url, &["payment_intent.latest_charge".to_owned()]),
                "refunds": of(&|attempt| {
                    payment.refunds.iter().map(|refund| stripe::object::refund(payment, attempt, refund)).collect()
                }),
                "disputes": of(&|attempt| {
                    payment.disputes.iter().map(|dispute| stripe::object::dispute(payment, attempt, dispute)).collect()
                }),
            })
        });
        let paypal = book.paypal.iter().map(|order| {
            json!({
                "service": Service::Paypal,
                "id": order.id,
                "state": order.state(),
                "order": paypal::order::representation(order, &app.options, &app.base_url),
            })
        });
        stripe.chain(paypal).collect()
    })))
}

/// Answers once nothing is under way.
async fn deliveries(State(app): State<App>) -> Json<Vec<Delivery>> {
    app.deliver().await;
    Json(app.read(|book| book.deliveries.clone()))
}

async fn hold(State(app): State<App>) -> Result<Redirect, Refusal> {
    app.change(|book, _| {
        book.hold = true;
        Ok(())
    })?;
    Ok(home())
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    order: Order,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    AsMade,
    Reversed,
}

/// Lets all go that were held back, and holds nothing back from now on.
async fn release(State(app): State<App>, FormBody(release): FormBody<Release>) -> Result<Redirect, Refusal> {
    app.change(|book, _| {
        book.hold = false;
        let held = book.deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Held);
        let mut held: Vec<usize> = held.map(|delivery| delivery.id).collect();
        if matches!(release.order, Order::Reversed) {
            held.reverse();
        }
        held.into_iter().try_for_each(|id| book.make_due(id))
    })?;
    app.deliver().await;
    Ok(home())
}

/// Sends one message now, whether it was sent before or not.
async fn deliver(State(app): State<App>, Path(id): Path<usize>) -> Result<Redirect, Refusal> {
    app.change(|book, _| book.make_due(id))?;
    app.deliver().await;
    Ok(home())
}

async fn drop_delivery(State(app): State<App>, Path(id): Path<usize>) -> Result<Redirect, Refusal> {
    app.change(|book, _| {
        let delivery = book.delivery(id)?;
        if delivery.state != DeliveryState::Held {
            return Err(Refusal::NotNow("this message is not held back"));
        }
        delivery.state = DeliveryState::Dropped;
        Ok(())
    })?;
    Ok(home())
}

#[derive(Deserialize)]
struct Endpoint {
    /// With spaces or commas between them.
    enabled_events: String,
}

/// Subscribes Stripe's webhook endpoint to these events and no others; `*` is all.
async fn subscribe(State(app): State<App>, FormBody(endpoint): FormBody<Endpoint>) -> Result<Redirect, Refusal> {
    let separators = [',', ' ', '\r', '\n'];
    let kinds = endpoint.enabled_events.split(separators).filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
    app.change(|book, _| {
        book.subscribed = Subscribed(kinds);
        Ok(())
    })?;
    Ok(home())
}

async fn act_on_stripe(
    State(app): State<App>,
    Path((session, action)): Path<(String, stripe::act::Action)>,
    FormBody(form): FormBody<Form>,
) -> Result<Redirect, Refusal> {
    app.act_on_stripe(&session, action, &form).await?;
    Ok(home())
}

async fn act_on_paypal(
    State(app): State<App>,
    Path((order, action)): Path<(String, paypal::act::Action)>,
    FormBody(form): FormBody<Form>,
) -> Result<Redirect, Refusal> {
    app.act_on_paypal(&order, action, &form).await?;
    Ok(home())
}

#[derive(Deserialize)]
struct Answer {
    answer: Postback,
}

async fn set_postback(State(app): State<App>, FormBody(form): FormBody<Answer>) -> Result<Redirect, Refusal> {
    app.change(|book, _| {
        book.postback = form.answer;
        Ok(())
    })?;
    Ok(home())
}

#[derive(Deserialize)]
struct Outage {
    #[serde(default)]
    service: Option<Service>,
}

/// Has the API of a service answer 503 and nothing else, or neither if none is named.
async fn set_outage(State(app): State<App>, FormBody(form): FormBody<Outage>) -> Result<Redirect, Refusal> {
    app.change(|book, _| {
        book.out = form.service;
        Ok(())
    })?;
    Ok(home())
}

/// Sends a body as a message of PayPal's, whatever it says. The postback verifies it, as it was really sent.
async fn send_message(State(app): State<App>, body: String) -> Result<Redirect, Refusal> {
    app.change(|book, _| {
        book.send(Service::Paypal, "", "by hand", body);
        Ok(())
    })?;
    app.deliver().await;
    Ok(home())
}

impl App {
    /// Ends the sessions whose time is over. Stripe does so by itself; here it happens when somebody next looks.
    pub(crate) fn expire_overdue(&self) -> Result<(), Refusal> {
        let now = clock::now().as_second();
        let overdue = self.read(|book| {
            let overdue = book.stripe.iter().filter(|payment| payment.overdue(now));
            overdue.map(|payment| payment.id.clone()).collect::<Vec<_>>()
        });
        if overdue.is_empty() {
            return Ok(());
        }
        self.change(|book, now| {
            for session in overdue {
                let action = stripe::act::Action::Expire;
                let events = stripe::act::act(book.payment(&session)?, action, &Form::default(), now, &self.base_url)?;
                book.announce(&session, events, now);
            }
            Ok(())
        })?;
        let app = self.clone();
        tokio::spawn(async move { app.deliver().await });
        Ok(())
    }

    /// Does it and sends what follows.
    pub(crate) async fn act_on_stripe(
        &self,
        session: &str,
        action: stripe::act::Action,
        form: &Form,
    ) -> Result<(), Refusal> {
        self.expire_overdue()?;
        self.change(|book, now| {
            let events = stripe::act::act(book.payment(session)?, action, form, now, &self.base_url)?;
            book.announce(session, events, now);
            Ok(())
        })?;
        self.deliver().await;
        Ok(())
    }

    /// Does it and sends what follows.
    pub(crate) async fn act_on_paypal(
        &self,
        order: &str,
        action: paypal::act::Action,
        form: &Form,
    ) -> Result<(), Refusal> {
        self.change(|book, now| {
            if let Some(message) = paypal::act::act(book.order(order)?, action, form, &self.options, now)? {
                book.send(Service::Paypal, order, message.kind, message.body);
            }
            Ok(())
        })?;
        self.deliver().await;
        Ok(())
    }
}

fn home() -> Redirect {
    Redirect::to("/")
}
