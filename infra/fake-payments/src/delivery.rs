//! Messages on their way to the webhooks: one after the other, in the order in which they became due.

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use jiff::Timestamp;
use runtime::clock;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::serve::App;
use crate::stripe::event;

/// How long to wait before each attempt. The real services go on for days.
const ATTEMPTS_AFTER: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_millis(800)];
/// A webhook on this machine may have to start first.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    Stripe,
    Paypal,
}

/// One message. Its bytes never change; a Stripe event is signed anew for each attempt, as Stripe does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// Counts from 1.
    pub(crate) id: usize,
    pub(crate) service: Service,
    /// The session or order that it is about.
    pub(crate) about: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    #[serde(flatten)]
    pub(crate) state: State,
    pub(crate) attempts: Vec<Attempt>,
    /// How often PayPal was asked whether it sent this.
    #[serde(default)]
    pub(crate) questions: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum State {
    /// Goes out as soon as there is an address; lower turns first.
    Due {
        turn: u64,
    },
    /// Waits until somebody lets it go.
    Held,
    Delivered,
    /// No attempt was answered with 2xx.
    Failed,
    /// Somebody decided that it gets lost.
    Dropped,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    /// `None` if there was no answer at all.
    pub(crate) status: Option<u16>,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Due { .. } => "due",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

impl App {
    /// Sends whatever is due, and waits for what somebody else is sending. Without an address nothing happens.
    pub(crate) async fn deliver(&self) {
        let _turn = self.courier.lock().await;
        let Some(target) = self.target() else { return };
        while let Some(delivery) = self.read(|book| {
            let due = book.deliveries.iter().filter_map(|delivery| match delivery.state {
                State::Due { turn } => Some((turn, delivery)),
                _ => None,
            });
            due.min_by_key(|(turn, _)| *turn).map(|(_, delivery)| delivery.clone())
        }) {
            let mut delivered = false;
            for wait in ATTEMPTS_AFTER {
                sleep(wait).await;
                let attempt = self.attempt(&target, &delivery).await;
                delivered = attempt.status.is_some_and(|status| (200..300).contains(&status));
                let kept = self.change(|book, _| {
                    book.delivery(delivery.id)?.attempts.push(attempt);
                    Ok(())
                });
                if delivered || kept.is_err() {
                    break;
                }
            }
            let state = if delivered { State::Delivered } else { State::Failed };
            let kept = self.change(|book, _| {
                book.delivery(delivery.id)?.state = state;
                Ok(())
            });
            if kept.is_err() {
                // It stays due: the next delivery tries it again.
                return;
            }
        }
    }

    async fn attempt(&self, target: &str, delivery: &Delivery) -> Attempt {
        let at = clock::now();
        let request = match delivery.service {
            Service::Stripe => Request::post(format!("{target}/v1/webhooks/stripe"))
                .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
                .header(header::USER_AGENT, "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
                .header("stripe-signature", event::signature(&self.options.stripe_webhook_secret, at, &delivery.body)),
            Service::Paypal => Request::post(format!("{target}/v1/webhooks/paypal"))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::USER_AGENT, "PayPal IPN ( https://www.paypal.com/ipn )"),
        };
        let Ok(request) = request.body(Body::from(delivery.body.clone())) else { return Attempt { at, status: None } };
        let answer = timeout(PATIENCE, self.client.request(request)).await;
        Attempt { at, status: answer.ok().and_then(Result::ok).map(|answer| answer.status().as_u16()) }
    }
}
