//! Compares every Stripe object that the fake sends with Stripe's example of it, and reads it with the client's types.

use serde_json::Value;
use stripe_shared::{Charge, CheckoutSession, Dispute, Event, PaymentIntent, Refund};

use super::{Merchant, stripe};

/// Fields that Stripe documents but its examples lack, and details that depend on the payment method.
const NOT_IN_EXAMPLE: [&str; 9] = [
    "checkout.session.line_items",
    "charge.payment_method_details.sepa_debit",
    "dispute.balance_transactions",
    "event.data.object",
    "event.data.previous_attributes",
    "payment_intent.last_payment_error.code",
    "payment_intent.last_payment_error.message",
    "radar.early_fraud_warning.payment_intent",
    "refund.failure_reason",
];

/// Present only for card payments.
const CARD: &str = "charge.payment_method_details.card";

#[tokio::test]
async fn objects_match_stripes_examples_and_client_types() {
    let merchant = Merchant::start().await;
    let mut objects = Vec::new();
    for actions in [
        &[
            "decline",
            "pay",
            "refund-pending",
            "fail-refund",
            "open-inquiry",
            "escalate",
            "withdraw-funds",
            "win",
            "reinstate-funds",
            "early-fraud-warning",
        ] as &[_],
        &["pay-delayed", "fail-delayed"],
        &["pay-delayed", "succeed-delayed", "refund", "dispute", "lose"],
        &["expire"],
    ] {
        let more = if actions.len() > 4 { "true" } else { "false" };
        let fields = [
            ("automatic_tax[enabled]", more),
            ("invoice_creation[enabled]", more),
            ("customer_email", "ada@buyer.example"),
            ("locale", "de"),
        ];
        let key = ("authorization", "Bearer sk_test_any");
        let session = stripe::create(&merchant, &[key], &fields).await.json();
        let id = session["id"].as_str().unwrap().to_owned();
        objects.push(session);
        for action in actions {
            merchant.run(&format!("/control/stripe/{id}/{action}"), &[]).await;
            objects.push(stripe::retrieve(&merchant, &id, "").await);
            let whole =
                stripe::retrieve(&merchant, &id, "?expand[]=payment_intent.latest_charge&expand[]=line_items").await;
            let intent = whole["payment_intent"].clone();
            objects.extend([intent["latest_charge"].clone(), whole["line_items"]["data"][0].clone(), intent, whole]);
        }
    }
    let endpoints =
        merchant.send(http::Method::GET, "/v1/webhook_endpoints", &[("authorization", "Bearer sk_test_any")], "").await;
    objects.push(endpoints.json()["data"][0].clone());
    for event in merchant.received().await {
        objects.push(event.json()["data"]["object"].clone());
        objects.push(event.json());
    }
    objects.retain(|object| !object.is_null());
    let transactions: Vec<Value> =
        objects.iter().filter_map(|object| object["balance_transactions"].as_array()).flatten().cloned().collect();
    objects.extend(transactions);

    let examples: Value = serde_json::from_str(include_str!("../../src/stripe/examples.json")).unwrap();
    let mut seen: Vec<&str> = Vec::new();
    for object in &objects {
        let name = object["object"].as_str().unwrap();
        compare(name, object, &examples[name]);
        read(name, object);
        seen.push(name);
    }
    for name in examples.as_object().unwrap().keys() {
        assert!(seen.contains(&name.as_str()), "no {name} was made");
    }
}

/// Asserts that both have the same fields of the same types. Null matches any type.
#[track_caller]
fn compare(path: &str, object: &Value, example: &Value) {
    match (object, example) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(object), Value::Object(example)) if !example.is_empty() => {
            for (name, value) in object {
                let path = format!("{path}.{name}");
                match example.get(name) {
                    Some(example) if !NOT_IN_EXAMPLE.contains(&path.as_str()) => compare(&path, value, example),
                    Some(_) => {}
                    None => assert!(NOT_IN_EXAMPLE.contains(&path.as_str()), "{path} is not in the example"),
                }
            }
            for name in example.keys() {
                let path = format!("{path}.{name}");
                let may_be_absent = path == CARD || NOT_IN_EXAMPLE.contains(&path.as_str());
                assert!(object.contains_key(name) || may_be_absent, "{path} is missing");
            }
        }
        (Value::Object(_), Value::Object(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        (Value::Array(values), Value::Array(examples)) => {
            for (value, example) in values.iter().zip(examples) {
                compare(path, value, example);
            }
        }
        (Value::Number(number), Value::Number(_)) => assert!(number.is_i64(), "{path}: {number}"),
        (Value::String(_), Value::String(_)) => {}
        // An expanded object in place of an id.
        (Value::Object(expanded), Value::String(_)) => assert!(expanded.contains_key("object"), "{path}"),
        _ => panic!("{path} is {object}, and {example} in the example"),
    }
}

#[track_caller]
fn read(name: &str, object: &Value) {
    let text = object.to_string();
    let is_readable = match name {
        "balance_transaction" => miniserde::json::from_str::<stripe_shared::BalanceTransaction>(&text).is_ok(),
        "charge" => miniserde::json::from_str::<Charge>(&text).is_ok(),
        "checkout.session" => miniserde::json::from_str::<CheckoutSession>(&text).is_ok(),
        "dispute" => miniserde::json::from_str::<Dispute>(&text).is_ok(),
        "event" => miniserde::json::from_str::<Event>(&text).is_ok(),
        "item" => miniserde::json::from_str::<stripe_shared::CheckoutSessionItem>(&text).is_ok(),
        "payment_intent" => miniserde::json::from_str::<PaymentIntent>(&text).is_ok(),
        "refund" => miniserde::json::from_str::<Refund>(&text).is_ok(),
        // The types are in crates that are not dependencies.
        "radar.early_fraud_warning" | "webhook_endpoint" => true,
        other => panic!("no type for {other}"),
    };
    assert!(is_readable, "{name} cannot be read: {object:#}");
}
