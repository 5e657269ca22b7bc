//! Every object of Stripe's that the stand-in sends, against Stripe's own example of it and against the types that a
//! client reads it with.

use serde_json::Value;
use stripe_shared::{Charge, CheckoutSession, Dispute, Event, PaymentIntent, Refund};

use super::{Shop, stripe};

/// Fields that Stripe documents and its example leaves out, and details that depend on the method of payment.
const BEYOND: [&str; 9] = [
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

/// Fields that belong to a card.
const CARD: &str = "charge.payment_method_details.card";

#[tokio::test]
async fn every_object_looks_like_stripes_example_and_is_read_by_its_types() {
    let shop = Shop::open().await;
    let mut objects = Vec::new();
    for actions in [
        &[
            "refuse",
            "pay",
            "refund-slowly",
            "fail-refund",
            "inquire",
            "escalate",
            "withdraw",
            "win",
            "reinstate",
            "warn",
        ] as &[_],
        &["pay-later", "bounce"],
        &["pay-later", "arrive", "refund", "dispute", "lose"],
        &["expire"],
    ] {
        let more = if actions.len() > 4 { "true" } else { "false" };
        let fields = [("automatic_tax[enabled]", more), ("customer_email", "ada@buyer.example"), ("locale", "de")];
        let key = ("authorization", "Bearer sk_test_any");
        let session = stripe::create(&shop, &[key], &fields).await.json();
        let id = session["id"].as_str().unwrap().to_owned();
        objects.push(session);
        for action in actions {
            shop.play(&format!("/control/stripe/{id}/{action}"), &[]).await;
            objects.push(stripe::retrieve(&shop, &id, "").await);
            let whole =
                stripe::retrieve(&shop, &id, "?expand[]=payment_intent.latest_charge&expand[]=line_items").await;
            let intent = whole["payment_intent"].clone();
            objects.extend([intent["latest_charge"].clone(), whole["line_items"]["data"][0].clone(), intent, whole]);
        }
    }
    let endpoints =
        shop.send(http::Method::GET, "/v1/webhook_endpoints", &[("authorization", "Bearer sk_test_any")], "").await;
    objects.push(endpoints.json()["data"][0].clone());
    for event in shop.arrived().await {
        objects.push(event.json()["data"]["object"].clone());
        objects.push(event.json());
    }
    objects.retain(|object| !object.is_null());
    let moved: Vec<Value> =
        objects.iter().filter_map(|object| object["balance_transactions"].as_array()).flatten().cloned().collect();
    objects.extend(moved);

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

/// The same fields, of the same types; null says that a field has no value, on either side.
#[track_caller]
fn compare(path: &str, object: &Value, example: &Value) {
    match (object, example) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(object), Value::Object(example)) if !example.is_empty() => {
            for (name, value) in object {
                let path = format!("{path}.{name}");
                match example.get(name) {
                    Some(example) if !BEYOND.contains(&path.as_str()) => compare(&path, value, example),
                    Some(_) => {}
                    None => assert!(BEYOND.contains(&path.as_str()), "{path} is not in the example"),
                }
            }
            for name in example.keys() {
                let path = format!("{path}.{name}");
                let left_out = path == CARD || BEYOND.contains(&path.as_str());
                assert!(object.contains_key(name) || left_out, "{path} is missing");
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
        // An id where the example has one, a whole object where it is expanded.
        (Value::Object(expanded), Value::String(_)) => assert!(expanded.contains_key("object"), "{path}"),
        _ => panic!("{path} is {object}, and {example} in the example"),
    }
}

#[track_caller]
fn read(name: &str, object: &Value) {
    let text = object.to_string();
    let known = match name {
        "balance_transaction" => miniserde::json::from_str::<stripe_shared::BalanceTransaction>(&text).is_ok(),
        "charge" => miniserde::json::from_str::<Charge>(&text).is_ok(),
        "checkout.session" => miniserde::json::from_str::<CheckoutSession>(&text).is_ok(),
        "dispute" => miniserde::json::from_str::<Dispute>(&text).is_ok(),
        "event" => miniserde::json::from_str::<Event>(&text).is_ok(),
        "item" => miniserde::json::from_str::<stripe_shared::CheckoutSessionItem>(&text).is_ok(),
        "payment_intent" => miniserde::json::from_str::<PaymentIntent>(&text).is_ok(),
        "refund" => miniserde::json::from_str::<Refund>(&text).is_ok(),
        // Their types are in crates that nothing else needs.
        "radar.early_fraud_warning" | "webhook_endpoint" => true,
        other => panic!("no type for {other}"),
    };
    assert!(known, "{name} cannot be read: {object:#}");
}
