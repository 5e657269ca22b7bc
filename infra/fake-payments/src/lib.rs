//! A stand-in for Stripe and PayPal: their APIs, the pages that a buyer pays on, and the messages that they send.
//!
//! No money moves and no key is needed, so that a package can be bought on one machine, and so that a test can play what
//! the real services only do in weeks: a dispute that is lost, a refund that fails, messages that come late, twice, in the
//! wrong order or never. Only what Darkroom uses is there.
//!
//! # What it listens to
//!
//! | path | what |
//! |---|---|
//! | `/v1/checkout/sessions`, `/v1/webhook_endpoints` | [Stripe's API](https://docs.stripe.com/api), with any key of test mode |
//! | `/v1/oauth2/token`, `/v2/checkout/orders` | [PayPal's API](https://developer.paypal.com/docs/api/orders/v2/), with any client |
//! | `/cgi-bin/webscr` | PayPal's [postback](https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/) |
//! | `/pay/stripe/{session}`, `/pay/paypal/{order}` | the pages that a buyer pays on |
//! | `/` | all payments and deliveries, and a button for all that can happen to them |
//! | `/control/...` | the same as calls: `GET` answers JSON, a form that is posted does what its button does |
//!
//! A form that is posted is answered once its messages were attempted, so nobody has to sleep. The one exception is the
//! capture of an order, which PayPal, too, answers before it sends its message: `GET /control/deliveries` answers once
//! nothing is under way.
//!
//! The objects of Stripe start from Stripe's own examples (`stripe/examples.json`, from <https://github.com/stripe/openapi>,
//! MIT), so they have the fields of the real ones.

mod book;
mod control;
mod delivery;
mod form;
mod ids;
mod money;
mod pages;
mod paypal;
mod refusal;
mod serve;
mod stripe;

use std::path::PathBuf;

pub use serve::FakePayments;

/// How to set the stand-in up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen on this machine; 0 takes any free port.
    pub port: u16,
    /// The file that keeps the state, so that a restart forgets nothing. Without it the state ends with the process.
    pub state: Option<PathBuf>,
    /// What Stripe's events are signed with.
    pub stripe_webhook_secret: String,
    /// The merchant whom PayPal's messages and orders name.
    pub paypal_receiver_id: String,
    /// The merchant's address.
    pub paypal_receiver_email: String,
    /// Whether PayPal's messages say that they come from the sandbox (`test_ipn=1`).
    pub test_ipn: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            state: None,
            stripe_webhook_secret: "whsec_fake".to_owned(),
            paypal_receiver_id: "FAKEMERCHANT1".to_owned(),
            paypal_receiver_email: "seller@fake-payments.example".to_owned(),
            test_ipn: true,
        }
    }
}
