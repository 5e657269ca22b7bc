//! Both providers against stubs that speak what the providers document.
//!
//! `examples.json` has Stripe's own example objects (<https://github.com/stripe/openapi>, MIT).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod event;
mod ipn;
mod order;
mod paypal_event;
mod session;
mod stub;

use domain::{
    AccountId, PaymentId, catalogue,
    money::Currency,
    payments::payment::{Payment, PaymentProvider},
};
use jiff::Timestamp;
use payments::{Buyer, Endpoints, Keys, PaymentProviders, PaymentSettings};
use serde_json::{Value, json};
use uuid::Uuid;

const KEYS: &str = r#"{
    "stripe_secret_key": "sk_test_1", "stripe_webhook_secrets": ["whsec_new", "whsec_old"],
    "paypal_client_id": "app", "paypal_client_secret": "hush", "paypal_receiver_id": "S8XGHLYDW9T3S",
    "paypal_webhook_id": "8PT597110X687430LKGECATA"
}"#;
const CHECKOUT: &str = "cs_test_a1";
const ORDER: &str = "5O190127TN364715T";

fn now() -> Timestamp {
    "2026-11-22T18:58:00Z".parse().unwrap()
}

/// 1,000 credits for 20 dollars, made just now.
fn payment(provider: PaymentProvider) -> Payment {
    let (package, price) = catalogue::compiled().choose("maker", Currency::Usd).unwrap();
    let (id, account) = (PaymentId(Uuid::from_u128(7)), AccountId(Uuid::from_u128(1)));
    let checkout = if provider == PaymentProvider::Stripe { CHECKOUT } else { ORDER };
    Payment::open(id, account, provider, (package, price), now()).with_checkout(checkout.to_owned())
}

/// Who gave no address of receipts.
fn buyer() -> Buyer<'static> {
    Buyer { email: "jo@b.example", billing_email: None }
}

fn settings(base: &str) -> PaymentSettings {
    let overrides = json!({ "stripe": base, "paypal": base, "paypal_ipn": format!("{base}/cgi-bin/webscr") });
    PaymentSettings {
        live: false,
        endpoints: Endpoints::parse(false, &overrides.to_string()).unwrap(),
        return_url: "https://darkroom.example/checkout/{checkout}".to_owned(),
        tax: domain::payments::tax::Tax::None,
        statement_descriptor_suffix: Some("CREDITS".to_owned()),
    }
}

fn payments(base: &str) -> PaymentProviders {
    PaymentProviders::new(settings(base), Keys::parse(KEYS).unwrap()).unwrap()
}

/// Payments that call nobody.
fn offline() -> PaymentProviders {
    payments("http://127.0.0.1:9")
}

/// The same where real money is taken.
fn offline_live() -> PaymentProviders {
    let endpoints = Endpoints::parse(true, "").unwrap();
    let settings = PaymentSettings { live: true, endpoints, ..settings("http://127.0.0.1:9") };
    PaymentProviders::new(settings, Keys::parse(&KEYS.replace("sk_test_", "sk_live_")).unwrap()).unwrap()
}

/// One of Stripe's example objects, with these fields instead of its own.
fn example(object: &str, fields: Value) -> Value {
    let mut examples: Value = serde_json::from_str(include_str!("examples.json")).unwrap();
    let mut example = examples[object].take();
    for (name, value) in fields.as_object().unwrap() {
        example[name] = value.clone();
    }
    example
}

#[test]
fn a_key_for_the_other_kind_of_money_stops_the_start() {
    let live = PaymentSettings {
        live: true,
        endpoints: Endpoints::parse(true, "").unwrap(),
        ..settings("http://127.0.0.1:9")
    };
    let error = PaymentProviders::new(live, Keys::parse(KEYS).unwrap()).err().unwrap().to_string();
    assert!(error.contains("sk_live_"), "{error}");
}

#[tokio::test]
async fn a_provider_without_keys_is_off_and_says_what_it_needs() {
    let payments = PaymentProviders::new(settings("http://127.0.0.1:9"), Keys::default()).unwrap();
    for provider in [PaymentProvider::Stripe, PaymentProvider::Paypal] {
        assert!(!payments.takes(provider));
        let error = payments.create(&payment(provider), "Maker", buyer(), now()).await.unwrap_err();
        let needed = format!("put {}_", provider.as_str());
        assert!(!error.retryable() && error.to_string().contains(&needed), "{error}");
    }
}

#[tokio::test]
async fn a_checkout_that_was_never_handed_out_expires_without_a_call() {
    for provider in [PaymentProvider::Stripe, PaymentProvider::Paypal] {
        let never = Payment { checkout: None, ..payment(provider) };
        assert_eq!(offline().poll(&never, now()).await.unwrap().facts, []);
        let expired = offline().poll(&never, never.closes_at()).await.unwrap().facts;
        assert_eq!(expired, [domain::payments::payment::PaymentFact::Expired]);
    }
}
