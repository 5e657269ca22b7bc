//! Tests of webhook deliveries.

use std::path::PathBuf;

use fake_payments::{FakePayments, Options};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Merchant, Received, SECRET, stripe};

/// Holds three messages: one for a payment, two for its refund.
async fn hold_messages(merchant: &Merchant) {
    let id = stripe::open(merchant).await;
    merchant.run("/control/deliveries/hold", &[]).await;
    for action in ["pay", "refund"] {
        merchant.run(&format!("/control/stripe/{id}/{action}"), &[]).await;
    }
    assert!(merchant.received().await.is_empty());
}

async fn check(merchant: &Merchant, event_types: &[&str]) {
    let received: Vec<Value> = merchant.received().await.iter().map(|event| event.json()["type"].clone()).collect();
    assert_eq!(received, event_types);
}

async fn states(merchant: &Merchant) -> Vec<Value> {
    let deliveries = merchant.get_json("/control/deliveries").await;
    deliveries.as_array().unwrap().iter().map(|delivery| delivery["state"].clone()).collect()
}

#[tokio::test]
async fn release_sends_held_messages_in_order_and_later_ones_at_once() {
    let merchant = Merchant::start().await;
    hold_messages(&merchant).await;
    merchant.run("/control/deliveries/release", &[]).await;
    check(&merchant, &["checkout.session.completed", "refund.created", "charge.refunded"]).await;
    stripe::paid(&merchant).await;
    assert_eq!(states(&merchant).await, ["delivered"; 4]);
}

#[tokio::test]
async fn release_in_reverse_sends_newest_message_first() {
    let merchant = Merchant::start().await;
    hold_messages(&merchant).await;
    merchant.run("/control/deliveries/release", &[("order", "reversed")]).await;
    check(&merchant, &["charge.refunded", "refund.created", "checkout.session.completed"]).await;
}

#[tokio::test]
async fn held_message_can_be_sent_early_repeated_or_dropped() {
    let merchant = Merchant::start().await;
    hold_messages(&merchant).await;
    merchant.run("/control/deliveries/2/deliver", &[]).await;
    merchant.run("/control/deliveries/2/deliver", &[]).await;
    let received = merchant.received().await;
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
    merchant.run("/control/deliveries/1/drop", &[]).await;
    merchant.run("/control/deliveries/release", &[]).await;
    check(&merchant, &["charge.refunded"]).await;
    assert_eq!(states(&merchant).await, ["dropped", "delivered", "delivered"]);
    assert_eq!(merchant.post_form("/control/deliveries/3/drop", &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(merchant.post_form("/control/deliveries/9/deliver", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn failed_delivery_is_retried_twice() {
    let merchant = Merchant::start().await;
    merchant.webhook.answers.lock().unwrap().extend([StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK]);
    stripe::paid(&merchant).await;
    merchant.webhook.answers.lock().unwrap().extend([StatusCode::BAD_REQUEST; 3]);
    let id = stripe::open(&merchant).await;
    merchant.run(&format!("/control/stripe/{id}/pay"), &[]).await;
    let deliveries = merchant.get_json("/control/deliveries").await;
    let statuses = |index: usize| -> Vec<Value> {
        deliveries[index]["attempts"].as_array().unwrap().iter().map(|attempt| attempt["status"].clone()).collect()
    };
    assert_eq!(statuses(0), [500, 200]);
    assert_eq!(statuses(1), [400, 400, 400]);
    assert_eq!(states(&merchant).await, ["delivered", "failed"]);
    merchant.run("/control/deliveries/2/deliver", &[]).await;
    assert_eq!(states(&merchant).await, ["delivered", "delivered"]);
}

#[tokio::test]
async fn overdue_session_expires_when_it_is_read() {
    let (folder, options) = saved_state("overdue");
    let mut merchant = Merchant::start_with(options.clone()).await;
    let id = stripe::open(&merchant).await;
    merchant.fake_payments.stop();
    let path = folder.join("state.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    state["payments"][0]["expires_at"] = json!(1_000_000_000);
    std::fs::write(&path, state.to_string()).unwrap();

    merchant.fake_payments = FakePayments::start(options).unwrap();
    let paid = merchant.post_form(&format!("/pay/stripe/{id}/pay"), &[]).await;
    assert_eq!(paid.status, StatusCode::CONFLICT);
    assert_eq!(stripe::retrieve(&merchant, &id, "").await["status"], "expired");
    let deliveries = merchant.get_json("/control/deliveries").await;
    assert_eq!(deliveries[0]["event_type"], "checkout.session.expired");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Returns a folder for this test, and options that save the state there.
fn saved_state(test: &str) -> (PathBuf, Options) {
    let folder = std::env::temp_dir().join(format!("fake-payments-{test}-{}", std::process::id()));
    let state_file = Some(folder.join("state.json"));
    (folder, Options { state_file, stripe_webhook_secret: SECRET.to_owned(), ..Options::default() })
}

#[tokio::test]
async fn restart_keeps_all_state() {
    let (folder, options) = saved_state("restart");
    let mut merchant = Merchant::start_with(options.clone()).await;
    let id = stripe::paid(&merchant).await;
    merchant.run("/control/deliveries/hold", &[]).await;
    merchant.run(&format!("/control/stripe/{id}/refund"), &[("amount", "100")]).await;
    let before = (
        merchant.get_json("/control/deliveries").await,
        stripe::retrieve(&merchant, &id, "?expand[]=payment_intent").await,
    );

    merchant.fake_payments.stop();
    merchant.fake_payments = FakePayments::start(options).unwrap();
    let after = (
        merchant.get_json("/control/deliveries").await,
        stripe::retrieve(&merchant, &id, "?expand[]=payment_intent").await,
    );
    assert_eq!(after, before);
    let held: Vec<Value> = states(&merchant).await.into_iter().filter(|state| *state == json!("held")).collect();
    assert_eq!(held.len(), 2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn messages_wait_until_webhook_address_is_known() {
    let merchant = Merchant::start().await;
    let target = merchant.send(http::Method::GET, "/", &[], "").await.body;
    let start = target.find("Webhooks to ").unwrap() + "Webhooks to ".len();
    let target = target[start..].split('<').next().unwrap().to_owned();
    let unaddressed = Merchant { fake_payments: FakePayments::start(Options::default()).unwrap(), ..merchant };
    let id = stripe::open(&unaddressed).await;
    unaddressed.run(&format!("/control/stripe/{id}/pay"), &[]).await;
    assert_eq!(states(&unaddressed).await, ["due"]);
    unaddressed.fake_payments.deliver_to(&target);
    assert_eq!(states(&unaddressed).await, ["delivered"]);
    let received: Vec<Received> = unaddressed.received().await;
    assert_eq!(received.len(), 1);
}

#[tokio::test]
async fn every_dashboard_button_has_a_route() {
    let merchant = Merchant::start().await;
    let id = stripe::paid(&merchant).await;
    for action in ["refund-pending", "open-inquiry", "dispute"] {
        merchant.run(&format!("/control/stripe/{id}/{action}"), &[("amount", "100")]).await;
    }
    stripe::open(&merchant).await;
    let page = merchant.send(http::Method::GET, "/", &[], "").await;
    let actions = page.body.split("formaction=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut tried = 0;
    for action in actions {
        let status = merchant.post_form(action, &[]).await.status;
        assert!([StatusCode::SEE_OTHER, StatusCode::CONFLICT].contains(&status), "{action}: {status}");
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
}
