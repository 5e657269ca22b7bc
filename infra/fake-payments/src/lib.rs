//! Fakes Stripe and PayPal: the parts of their APIs that Darkroom calls, the payment pages, and the webhooks.
//!
//! No money moves and no API key is needed. A developer can buy credits on one machine, and a test can produce in seconds
//! what takes the real services weeks: a lost dispute, a failed refund, events that are late, repeated, out of order or
//! never delivered.
//!
//! # Routes
//!
//! | path | what it serves |
//! |---|---|
//! | `/v1/checkout/sessions`, `/v1/webhook_endpoints`, `/v1/refunds`, `/v1/disputes`, `/v1/events` | [Stripe's API](https://docs.stripe.com/api); accepts any test mode key |
//! | `/v1/oauth2/token`, `/v2/checkout/orders` | [PayPal's API](https://developer.paypal.com/docs/api/orders/v2/); accepts any client |
//! | `/v1/notifications/verify-webhook-signature` | PayPal's [verification](https://developer.paypal.com/docs/api/webhooks/v1/) of its events |
//! | `/cgi-bin/webscr` | PayPal's [IPN postback](https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/) |
//! | `/pay/stripe/{session}`, `/pay/paypal/{order}` | the payment pages |
//! | `/` | the dashboard: all payments and deliveries, with a button for each action |
//! | `/control/...` | the same for tests: `GET` answers JSON, a `POST` of a form runs an action and answers 303 |
//!
//! A `POST` to a control route is answered after the webhooks it caused were attempted, so that tests need not wait. The
//! capture of a PayPal order and the expiry of a Stripe session through the API are answered first, as the real services
//! do. `GET /control/deliveries` is answered when no delivery is in progress.
//!
//! Stripe's objects are built from Stripe's own examples (`stripe/examples.json`, from <https://github.com/stripe/openapi>,
//! MIT) and have the same fields.
//!
//! # Layers
//!
//! Each layer uses only those before it: ids, money and encodings; the payments and orders with their JSON; the saved
//! state; the actions; the APIs, pages and control routes; the server.

mod action_form;
mod app;
mod commands;
mod control;
mod delivery;
mod dispatch;
mod error;
mod ids;
mod money;
mod options;
mod pages;
mod paypal;
mod server;
mod state;
mod stripe;
mod urlencoding;

pub use options::Options;
pub use server::FakePayments;
