//! Stripe Checkout.

use std::collections::BTreeMap;

use domain::{
    money::{Currency, Money},
    payments::{
        payment::{PaymentFact, PaymentProvider, PaymentReceipt},
        tax::Tax,
    },
};
use jiff::Timestamp;
use payments::{
    Buyer, HANDLED_EVENTS, HostedCheckout, Keys, PaymentProviders, PaymentSettings, ProviderError, ProviderReport,
};
use serde_json::{Value, json};

use super::{CHECKOUT, KEYS, buyer, example, now, payment, payments, settings, stub::Stub};

const INTENT: &str = "pi_1PgafyB7WZ01zgkW";
const CHARGED_AT: i64 = 1_795_374_000;

/// The session of the payment as it is when everything is expanded, in this state.
fn session(payment_status: &str, status: &str) -> Value {
    let item = example("item", json!({ "amount_subtotal": 2000, "amount_total": 2000, "currency": "usd" }));
    let charge = example(
        "charge",
        json!({ "amount": 2000, "created": CHARGED_AT, "source": null, "shipping": null, "transfer_data": null }),
    );
    let intent = example(
        "payment_intent",
        json!({ "id": INTENT, "amount": 2000, "latest_charge": charge, "last_payment_error": null, "next_action": null,
            "shipping": null, "transfer_data": null }),
    );
    example(
        "checkout.session",
        json!({
            "id": CHECKOUT,
            "amount_subtotal": 2000,
            "amount_total": 2000,
            "client_reference_id": payment(PaymentProvider::Stripe).id,
            "currency": "usd",
            "line_items": { "object": "list", "data": [item], "has_more": false, "url": "/v1/x" },
            "payment_intent": intent,
            "payment_status": payment_status,
            "status": status,
            "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        }),
    )
}

fn with(pointer: &str, value: Value) -> Value {
    let mut session = session("paid", "complete");
    *session.pointer_mut(pointer).unwrap() = value;
    session
}

async fn ask(session: Value) -> Result<ProviderReport, ProviderError> {
    let stub = Stub::start([(200, session)]).await;
    payments(&stub.base).poll(&payment(PaymentProvider::Stripe), now()).await
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

#[tokio::test]
async fn p34_a_session_is_made_for_the_price_of_the_catalogue_once() {
    let stub = Stub::start([(200, session("unpaid", "open"))]).await;
    let payment = payment(PaymentProvider::Stripe);
    let hosted = payments(&stub.base).create(&payment, "Maker: 1,000 credits", buyer(), now()).await.unwrap();
    let url = session("unpaid", "open")["url"].as_str().unwrap().to_owned();
    assert_eq!(hosted, HostedCheckout { checkout: CHECKOUT.to_owned(), url });

    let [asked] = stub.asked().try_into().ok().unwrap();
    assert_eq!(asked.line, "POST /v1/checkout/sessions");
    assert_eq!(asked.header("authorization"), "Bearer sk_test_1");
    assert_eq!(asked.header("idempotency-key"), payment.id.to_string());
    assert_eq!(asked.header("stripe-version"), "2026-09-30.endive");
    let back = format!("https://darkroom.example/checkout/{}", payment.id);
    let expected = [
        ("adaptive_pricing[enabled]", "false"),
        ("automatic_tax[enabled]", "false"),
        ("cancel_url", &format!("{back}?canceled=1")),
        ("client_reference_id", &payment.id.to_string()),
        ("customer_email", "jo@b.example"),
        ("expires_at", &payment.closes_at().as_second().to_string()),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][product_data][name]", "Maker: 1,000 credits"),
        ("line_items[0][price_data][unit_amount]", "2000"),
        ("line_items[0][quantity]", "1"),
        ("mode", "payment"),
        ("payment_intent_data[statement_descriptor_suffix]", "CREDITS"),
        ("success_url", &back),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form(&asked.body), BTreeMap::from(expected));
}

#[tokio::test]
async fn p31_the_address_of_receipts_comes_before_the_one_that_signs_in() {
    let stub = Stub::start([(200, session("unpaid", "open"))]).await;
    let buyer = Buyer { billing_email: Some("bills@b.example"), ..buyer() };
    payments(&stub.base).create(&payment(PaymentProvider::Stripe), "Maker", buyer, now()).await.unwrap();
    let [asked] = stub.asked().try_into().ok().unwrap();
    assert_eq!(form(&asked.body)["customer_email"], "bills@b.example");
}

#[tokio::test]
async fn b2_a_price_without_cents_is_sent_as_it_is() {
    let mut yen = payment(PaymentProvider::Stripe);
    yen.price = Money::new(3000, Currency::Jpy);
    let stub = Stub::start([(200, session("unpaid", "open"))]).await;
    payments(&stub.base).create(&yen, "Maker", buyer(), now()).await.unwrap();
    let sent = form(&stub.asked()[0].body);
    assert_eq!(sent["line_items[0][price_data][unit_amount]"], "3000");
    assert_eq!(sent["line_items[0][price_data][currency]"], "jpy");
}

#[tokio::test]
async fn s7_taxed_checkout_collects_the_tax_id_and_makes_an_invoice() {
    for (tax, behavior) in [(Tax::Exclusive, "exclusive"), (Tax::Inclusive, "inclusive")] {
        let stub = Stub::start([(200, session("unpaid", "open"))]).await;
        let taxed = PaymentSettings { tax, statement_descriptor_suffix: None, ..settings(&stub.base) };
        let payments = PaymentProviders::new(taxed, Keys::parse(KEYS).unwrap()).unwrap();
        payments.create(&payment(PaymentProvider::Stripe), "Maker", buyer(), now()).await.unwrap();
        let sent = form(&stub.asked()[0].body);
        assert_eq!(sent["automatic_tax[enabled]"], "true");
        assert_eq!(sent["line_items[0][price_data][tax_behavior]"], behavior);
        assert_eq!(sent["tax_id_collection[enabled]"], "true");
        assert_eq!(sent["invoice_creation[enabled]"], "true");
        assert!(!sent.keys().any(|name| name.starts_with("payment_intent_data")));
    }
}

#[tokio::test]
async fn s1_a_paid_session_is_a_receipt() {
    let stub = Stub::start([(200, session("paid", "complete"))]).await;
    let said = payments(&stub.base).poll(&payment(PaymentProvider::Stripe), now()).await.unwrap();
    let price = Money::new(2000, Currency::Usd);
    let receipt = PaymentReceipt {
        provider: PaymentProvider::Stripe,
        net: price,
        total: price,
        transaction: INTENT.to_owned(),
        billing_email: Some("example@example.com".to_owned()),
        country: None,
        at: Timestamp::from_second(CHARGED_AT).unwrap(),
    };
    assert_eq!(
        said,
        ProviderReport { facts: vec![PaymentFact::Paid(receipt)], instrument: Some("AOB934RVNwzk6xtn".to_owned()) }
    );
    let line =
        format!("GET /v1/checkout/sessions/{CHECKOUT}?expand[0]=line_items&expand[1]=payment_intent.latest_charge");
    assert_eq!(stub.lines(), [line]);
}

#[tokio::test]
async fn s2_the_payment_status_decides_and_not_the_status() {
    let facts = async |paid, status| ask(session(paid, status)).await.unwrap().facts;
    assert!(matches!(facts("paid", "open").await[..], [PaymentFact::Paid(_)]));
    assert_eq!(facts("unpaid", "open").await, []);
    assert_eq!(facts("unpaid", "expired").await, [PaymentFact::Expired]);
    assert!(matches!(ask(session("no_payment_required", "complete")).await, Err(ProviderError::Unreadable { .. })));
}

#[tokio::test]
async fn s2_a_delayed_method_waits_until_it_is_paid_or_fails() {
    let facts = async |intent: &str| {
        let mut session = session("unpaid", "complete");
        session["payment_intent"]["status"] = json!(intent);
        ask(session).await.unwrap().facts
    };
    assert_eq!(facts("processing").await, [PaymentFact::Pending]);
    assert_eq!(facts("requires_action").await, [PaymentFact::Pending]);
    assert_eq!(facts("requires_payment_method").await, [PaymentFact::Failed]);
    assert_eq!(facts("canceled").await, [PaymentFact::Failed]);
}

#[tokio::test]
async fn s4_everything_about_the_session_must_be_that_of_the_payment() {
    let item = session("paid", "complete")["line_items"]["data"][0].take();
    for (pointer, value, field) in [
        ("/id", json!("cs_test_other"), "id"),
        ("/client_reference_id", json!("00000000-0000-0000-0000-000000000008"), "client_reference_id"),
        ("/client_reference_id", json!(null), "client_reference_id"),
        ("/mode", json!("subscription"), "mode"),
        ("/livemode", json!(true), "livemode"),
        ("/currency", json!("eur"), "currency"),
        ("/amount_subtotal", json!(1999), "amount_subtotal"),
        ("/amount_subtotal", json!(null), "amount_subtotal"),
        ("/amount_total", json!(1999), "amount_total"),
        ("/amount_total", json!(2001), "amount_total"),
        ("/line_items/data/0/quantity", json!(2), "quantity"),
        ("/line_items/data/0/currency", json!("jpy"), "line_items"),
        ("/line_items/data/0/amount_subtotal", json!(1), "line_items"),
        ("/line_items/data", json!([]), "line_items"),
        ("/line_items/data", json!([item, item]), "line_items"),
    ] {
        let error = ask(with(pointer, value)).await.unwrap_err();
        assert_eq!(error, ProviderError::Mismatch(field), "{pointer}");
        assert!(!error.retryable());
    }
}

#[tokio::test]
async fn s4_a_session_that_was_made_for_another_payment_or_with_other_money_is_not_handed_out() {
    for (field, value) in [
        ("client_reference_id", json!("00000000-0000-0000-0000-000000000008")),
        ("client_reference_id", json!(null)),
        ("livemode", json!(true)),
    ] {
        let mut made = session("unpaid", "open");
        made[field] = value;
        let stub = Stub::start([(200, made)]).await;
        let refused = payments(&stub.base).create(&payment(PaymentProvider::Stripe), "Maker", buyer(), now()).await;
        assert_eq!(refused, Err(ProviderError::Mismatch(field)));
    }
}

#[tokio::test]
async fn s7_tax_is_in_the_total_and_not_in_the_price() {
    let mut session = session("paid", "complete");
    session["amount_total"] = json!(2380);
    session["total_details"]["amount_tax"] = json!(380);
    let said = ask(session).await.unwrap();
    let [PaymentFact::Paid(receipt)] = &said.facts[..] else { panic!("{said:?}") };
    assert_eq!((receipt.net.amount, receipt.total.amount), (2000, 2380));
    let payment = payment(PaymentProvider::Stripe);
    assert!(payment.with_fact(&said.facts[0], now()).unwrap().receipt.is_some());
}

#[tokio::test]
async fn s7_tax_in_the_price_is_not_in_the_net_amount() {
    let mut session = session("paid", "complete");
    session["total_details"]["amount_tax"] = json!(319);
    let said = ask(session.clone()).await.unwrap();
    let [PaymentFact::Paid(receipt)] = &said.facts[..] else { panic!("{said:?}") };
    assert_eq!((receipt.net.amount, receipt.total.amount), (1681, 2000));
    let payment = payment(PaymentProvider::Stripe);
    assert!(payment.with_fact(&said.facts[0], now()).unwrap().receipt.is_some());
    for (tax, total) in [(-1, 1999), (2001, 4001), (319, 2318)] {
        session["total_details"]["amount_tax"] = json!(tax);
        session["amount_total"] = json!(total);
        assert_eq!(ask(session.clone()).await, Err(ProviderError::Mismatch("amount_total")), "{tax}");
    }
}

#[tokio::test]
async fn p8_what_is_no_address_is_not_kept_as_one() {
    for email in ["4242424242424242@b.example", "no address", ""] {
        let said = ask(with("/customer_details/email", json!(email))).await.unwrap();
        assert!(matches!(&said.facts[..], [PaymentFact::Paid(receipt)] if receipt.billing_email.is_none()), "{email}");
    }
}

#[tokio::test]
async fn p8_of_the_buyers_address_the_country_is_kept() {
    let address = json!({
        "city": "Bonn", "country": "DE", "line1": "Am Hof 1", "line2": null, "postal_code": "53113", "state": null,
    });
    let said = ask(with("/customer_details/address", address)).await.unwrap();
    let [PaymentFact::Paid(receipt)] = &said.facts[..] else { panic!("{said:?}") };
    assert_eq!(receipt.country.as_deref(), Some("DE"));
    assert!(!format!("{said:?}").contains("Bonn"));
}

#[tokio::test]
async fn an_answer_that_is_none_is_worth_another_try_and_a_refusal_is_not() {
    let error =
        json!({ "error": { "type": "invalid_request_error", "code": "resource_missing", "message": "sk_test_1" } });
    for (status, body, retryable) in [
        (200, json!({}), true),
        (200, json!(null), true),
        (302, json!({}), false),
        (400, json!("<html>"), false),
        (401, error.clone(), false),
        (404, error.clone(), false),
        (409, error.clone(), true),
        (429, error.clone(), true),
        (500, json!({}), true),
    ] {
        let stub = Stub::start([(status, body)]).await;
        let error = payments(&stub.base).poll(&payment(PaymentProvider::Stripe), now()).await.unwrap_err();
        assert_eq!(error.retryable(), retryable, "{status} {error}");
        assert!(!error.to_string().contains("sk_test_1"), "{error}");
        assert_eq!(stub.asked().len(), 1, "{status}: nothing is followed or repeated");
    }
    let refused = payments("http://127.0.0.1:9").poll(&payment(PaymentProvider::Stripe), now()).await.unwrap_err();
    assert!(refused.retryable() && refused.to_string().contains("no connection"), "{refused}");
}

#[tokio::test]
async fn s11_events_that_our_endpoint_does_not_get_are_named() {
    let endpoint = |url: &str, status: &str, events: &[&str]| {
        example("webhook_endpoint", json!({ "url": url, "status": status, "enabled_events": events }))
    };
    let ours = "https://api.example/v1/webhooks/stripe";
    for (endpoints, missing) in [
        (vec![endpoint(ours, "enabled", HANDLED_EVENTS)], &[][..]),
        (vec![endpoint(ours, "enabled", &["*"])], &[]),
        (vec![endpoint(ours, "enabled", &HANDLED_EVENTS[1..])], &HANDLED_EVENTS[..1]),
        (
            vec![endpoint(ours, "disabled", &["*"]), endpoint("https://other.example", "enabled", &["*"])],
            HANDLED_EVENTS,
        ),
    ] {
        let stub = Stub::start([(200, json!({ "object": "list", "data": endpoints, "has_more": false }))]).await;
        assert_eq!(payments(&stub.base).webhook_faults().await.unwrap(), missing);
        assert_eq!(stub.lines(), ["GET /v1/webhook_endpoints?limit=100"]);
    }
}

#[tokio::test]
async fn s11_an_endpoint_of_another_release_of_the_api_is_named() {
    for (version, faults) in [
        (json!(null), vec![]),
        (json!("2026-10-28.endive"), vec![]),
        (json!("2024-06-20"), vec!["api_version 2024-06-20 instead of 2026-09-30.endive".to_owned()]),
        (json!("2025-09-30.clover"), vec!["api_version 2025-09-30.clover instead of 2026-09-30.endive".to_owned()]),
    ] {
        let fields = json!({
            "url": "https://api.example/v1/webhooks/stripe", "status": "enabled", "enabled_events": ["*"], "api_version": version,
        });
        let endpoints = [example("webhook_endpoint", fields)];
        let stub = Stub::start([(200, json!({ "object": "list", "data": endpoints, "has_more": false }))]).await;
        assert_eq!(payments(&stub.base).webhook_faults().await.unwrap(), faults);
    }
}

/// What `infra/stack/on_aws/webhooks.py` creates at Stripe.
#[tokio::test]
async fn endpoint_that_a_deployment_creates_has_no_fault() {
    let created: Value = serde_json::from_str(include_str!("../../../../infra/stack/on_aws/webhooks.json")).unwrap();
    let events = &created["stripe"]["events"];
    assert_eq!(events, &json!(HANDLED_EVENTS));
    let fields = json!({
        "url": "https://api.example/v1/webhooks/stripe", "status": "enabled", "enabled_events": events,
        "api_version": created["stripe"]["api_version"],
    });
    let endpoints = [example("webhook_endpoint", fields)];
    let stub = Stub::start([(200, json!({ "object": "list", "data": endpoints, "has_more": false }))]).await;
    assert!(payments(&stub.base).webhook_faults().await.unwrap().is_empty());
}
