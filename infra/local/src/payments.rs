//! Who takes the money of a stack: a stand-in for Stripe and PayPal, or the real services where there are keys for them.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Map, Value, json};
use standin::StandIn;

use crate::{Options, Stack};

/// What the stand-in's Stripe signs its events with.
pub const WEBHOOK_SECRET: &str = "whsec_of_the_stand_in";
/// Whom the stand-in's PayPal pays.
pub const RECEIVER: &str = "STANDINSELLER";

/// Keys of the real services, in their test mode.
#[derive(Clone, Debug, Default)]
pub struct PaymentKeys {
    /// Stripe's secret key and the signing secret of its webhook.
    pub stripe: Option<[String; 2]>,
    /// PayPal's client id, its secret, and the merchant's id.
    pub paypal: Option<[String; 3]>,
}

/// The stand-in of a stack. It serves until it is dropped.
pub struct Payments {
    standin: StandIn,
}

impl Payments {
    /// Starts the stand-in, which keeps its state in this file if there is one, and sets the stack up to take money there.
    /// What has keys is taken by the real service.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start(port: u16, state: Option<PathBuf>, keys: PaymentKeys, options: &mut Options) -> Result<Self> {
        let standin = StandIn::start(standin::Options {
            port,
            state,
            stripe_webhook_secret: WEBHOOK_SECRET.to_owned(),
            paypal_receiver_id: RECEIVER.to_owned(),
            ..standin::Options::default()
        })?;
        let url = standin.base_url();
        let mut endpoints = Map::new();
        if keys.stripe.is_none() {
            endpoints.insert("stripe".to_owned(), url.into());
        }
        if keys.paypal.is_none() {
            endpoints.insert("paypal".to_owned(), url.into());
            endpoints.insert("paypal_ipn".to_owned(), format!("{url}/cgi-bin/webscr").into());
        }
        let [key, secret] = keys.stripe.unwrap_or_else(|| ["sk_test_standin", WEBHOOK_SECRET].map(str::to_owned));
        let [client, client_secret, receiver] =
            keys.paypal.unwrap_or_else(|| ["standin", "standin", RECEIVER].map(str::to_owned));
        options.payment_keys = json!({
            "stripe_secret_key": key,
            "stripe_webhook_secrets": [secret],
            "paypal_client_id": client,
            "paypal_client_secret": client_secret,
            "paypal_receiver_id": receiver,
        });
        for (name, value) in
            [("PaymentProviders", "stripe,paypal".to_owned()), ("PaymentEndpoints", Value::from(endpoints).to_string())]
        {
            options.parameters.entry(name.to_owned()).or_insert(value);
        }
        Ok(Self { standin })
    }

    /// Has the stand-in's messages delivered to this stack.
    pub fn deliver_to(&self, stack: &Stack) {
        self.standin.deliver_to(stack.base_url());
    }

    /// Where the stand-in is: its pages, and what a test plays with.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.standin.base_url()
    }
}
