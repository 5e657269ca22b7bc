//! Sets up the payment providers of a stack: `fake-payments`, or the real Stripe and PayPal where keys are given.

use std::path::PathBuf;

use anyhow::Result;
use fake_payments::FakePayments;
use serde_json::{Map, Value, json};

use crate::{Options, Stack};

/// The secret that the fake Stripe signs its events with.
pub const WEBHOOK_SECRET: &str = "whsec_of_the_fake";
/// The merchant id that the fake PayPal pays to.
pub const RECEIVER: &str = "FAKEMERCHANT1";
/// The id of the webhook of the fake PayPal.
pub const PAYPAL_WEBHOOK: &str = "8FAKEWEBHOOK00001";

/// Keys of the real services in test mode. A provider without keys is faked.
#[derive(Clone, Debug, Default)]
pub struct PaymentKeys {
    /// Stripe's secret key and the signing secret of its webhook.
    pub stripe: Option<[String; 2]>,
    /// PayPal's client id, its secret, and the merchant's id.
    pub paypal: Option<[String; 3]>,
}

/// The fake payment services of a stack. They serve until this is dropped.
pub struct Payments {
    fake_payments: FakePayments,
}

impl Payments {
    /// Starts `fake-payments` and points the payment settings of `options` at it. A provider with `keys` is left to the
    /// real service. With a `state` file, payments survive a restart. The webhook of the fake PayPal subscribes to
    /// `paypal_events` at first; `*` stands for all.
    ///
    /// # Errors
    /// The port is in use, or the state file cannot be read.
    pub fn start(
        port: u16,
        state: Option<PathBuf>,
        keys: PaymentKeys,
        paypal_events: &[&str],
        options: &mut Options,
    ) -> Result<Self> {
        let fake_payments = FakePayments::start(fake_payments::Options {
            port,
            state_file: state,
            stripe_webhook_secret: WEBHOOK_SECRET.to_owned(),
            paypal_receiver_id: RECEIVER.to_owned(),
            paypal_webhook_id: PAYPAL_WEBHOOK.to_owned(),
            paypal_events: paypal_events.iter().map(|event_type| (*event_type).to_owned()).collect(),
            ..fake_payments::Options::default()
        })?;
        let url = fake_payments.base_url();
        let mut endpoints = Map::new();
        if keys.stripe.is_none() {
            endpoints.insert("stripe".to_owned(), url.into());
        }
        if keys.paypal.is_none() {
            endpoints.insert("paypal".to_owned(), url.into());
            endpoints.insert("paypal_ipn".to_owned(), format!("{url}/cgi-bin/webscr").into());
        }
        let [key, secret] = keys.stripe.unwrap_or_else(|| ["sk_test_fake", WEBHOOK_SECRET].map(str::to_owned));
        // The real PayPal cannot reach a webhook on this machine.
        let webhook = if keys.paypal.is_none() { PAYPAL_WEBHOOK } else { "" };
        let [client, client_secret, receiver] =
            keys.paypal.unwrap_or_else(|| ["fake", "fake", RECEIVER].map(str::to_owned));
        options.payment_keys = json!({
            "stripe_secret_key": key,
            "stripe_webhook_secrets": [secret],
            "paypal_client_id": client,
            "paypal_client_secret": client_secret,
            "paypal_receiver_id": receiver,
            "paypal_webhook_id": webhook,
        });
        for (name, value) in
            [("PaymentProviders", "stripe,paypal".to_owned()), ("PaymentEndpoints", Value::from(endpoints).to_string())]
        {
            options.parameters.entry(name.to_owned()).or_insert(value);
        }
        Ok(Self { fake_payments })
    }

    /// Delivers the events of the fake services to the webhooks of `stack`.
    pub fn deliver_to(&self, stack: &Stack) {
        self.fake_payments.deliver_to(stack.base_url());
    }

    /// Returns the base URL of the fake services: pages, APIs and control routes, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.fake_payments.base_url()
    }
}
