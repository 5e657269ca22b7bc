//! Sends webhook messages, one at a time, in the order in which they became due.

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use runtime::clock;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::delivery::{Delivery, DeliveryAttempt, DeliveryStatus, Provider};
use crate::stripe::signature::sign;

/// The delay before each attempt. The real services retry for days.
const RETRY_DELAYS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_millis(800)];
/// Allows for the start of a function on this machine.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

impl App {
    /// Sends all due messages, after those that another caller is sending. Does nothing while the webhook's address is
    /// unknown.
    pub(crate) async fn dispatch(&self) {
        let _lock = self.dispatch_lock.lock().await;
        let Some(target) = self.target() else { return };
        while let Some(delivery) = self.next_due() {
            let mut delivered = false;
            for delay in RETRY_DELAYS {
                sleep(delay).await;
                let attempt = self.attempt(&target, &delivery).await;
                delivered = attempt.status.is_some_and(|status| (200..300).contains(&status));
                let saved = self.update(|state, _| {
                    state.delivery(delivery.id)?.attempts.push(attempt);
                    Ok(())
                });
                if delivered || saved.is_err() {
                    break;
                }
            }
            let status = if delivered { DeliveryStatus::Delivered } else { DeliveryStatus::Failed };
            let saved = self.update(|state, _| {
                state.delivery(delivery.id)?.status = status;
                Ok(())
            });
            if saved.is_err() {
                // The message stays due. The next dispatch sends it again.
                return;
            }
        }
    }

    fn next_due(&self) -> Option<Delivery> {
        self.read(|state| {
            let due = state.deliveries.iter().filter_map(|delivery| match delivery.status {
                DeliveryStatus::Due { sequence } => Some((sequence, delivery)),
                _ => None,
            });
            due.min_by_key(|(sequence, _)| *sequence).map(|(_, delivery)| delivery.clone())
        })
    }

    async fn attempt(&self, target: &str, delivery: &Delivery) -> DeliveryAttempt {
        let at = clock::now();
        let request = match (delivery.provider, &delivery.transmission) {
            (Provider::Paypal, Some(transmission)) => Request::post(format!("{target}/v1/webhooks/paypal-events"))
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::USER_AGENT, "PayPal/AUHD-214.0-58391792")
                .header("paypal-auth-algo", "SHA256withRSA")
                .header("paypal-auth-version", "v2")
                .header("paypal-cert-url", format!("{}/v1/notifications/certs/CERT-FAKE", self.base_url))
                .header("paypal-transmission-id", &transmission.id)
                .header("paypal-transmission-sig", &transmission.signature)
                .header("paypal-transmission-time", &transmission.time),
            (Provider::Stripe, _) => Request::post(format!("{target}/v1/webhooks/stripe"))
                .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
                .header(header::USER_AGENT, "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
                .header("stripe-signature", sign(&self.options.stripe_webhook_secret, at, &delivery.body)),
            (Provider::Paypal, None) => Request::post(format!("{target}/v1/webhooks/paypal"))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::USER_AGENT, "PayPal IPN ( https://www.paypal.com/ipn )"),
        };
        let Ok(request) = request.body(Body::from(delivery.body.clone())) else {
            return DeliveryAttempt { at, status: None };
        };
        let response = timeout(ATTEMPT_TIMEOUT, self.client.request(request)).await;
        let status = response.ok().and_then(Result::ok).map(|response| response.status().as_u16());
        DeliveryAttempt { at, status }
    }
}
