//! Messages on their way.

use std::path::PathBuf;

use fake_payments::{FakePayments, Options};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Message, SECRET, Shop, stripe};

/// Three messages that are held back: completed, then refunded with two.
async fn held(shop: &Shop) {
    let id = stripe::open(shop).await;
    shop.play("/control/deliveries/hold", &[]).await;
    for action in ["pay", "refund"] {
        shop.play(&format!("/control/stripe/{id}/{action}"), &[]).await;
    }
    assert!(shop.arrived().await.is_empty());
}

async fn check(shop: &Shop, kinds: &[&str]) {
    let arrived: Vec<Value> = shop.arrived().await.iter().map(|event| event.json()["type"].clone()).collect();
    assert_eq!(arrived, kinds);
}

async fn states(shop: &Shop) -> Vec<Value> {
    let deliveries = shop.see("/control/deliveries").await;
    deliveries.as_array().unwrap().iter().map(|delivery| delivery["state"].clone()).collect()
}

#[tokio::test]
async fn messages_that_were_held_back_go_out_in_their_order_and_later_ones_at_once() {
    let shop = Shop::open().await;
    held(&shop).await;
    shop.play("/control/deliveries/release", &[]).await;
    check(&shop, &["checkout.session.completed", "refund.created", "charge.refunded"]).await;
    stripe::paid(&shop).await;
    assert_eq!(states(&shop).await, ["delivered"; 4]);
}

#[tokio::test]
async fn messages_can_go_out_in_reverse() {
    let shop = Shop::open().await;
    held(&shop).await;
    shop.play("/control/deliveries/release", &[("order", "reversed")]).await;
    check(&shop, &["charge.refunded", "refund.created", "checkout.session.completed"]).await;
}

#[tokio::test]
async fn one_message_can_come_early_twice_or_never() {
    let shop = Shop::open().await;
    held(&shop).await;
    shop.play("/control/deliveries/2/deliver", &[]).await;
    shop.play("/control/deliveries/2/deliver", &[]).await;
    let arrived = shop.arrived().await;
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].body, arrived[1].body);
    shop.play("/control/deliveries/1/drop", &[]).await;
    shop.play("/control/deliveries/release", &[]).await;
    check(&shop, &["charge.refunded"]).await;
    assert_eq!(states(&shop).await, ["dropped", "delivered", "delivered"]);
    assert_eq!(shop.press("/control/deliveries/3/drop", &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(shop.press("/control/deliveries/9/deliver", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_webhook_that_fails_is_asked_again_a_few_times() {
    let shop = Shop::open().await;
    shop.webhook.answers.lock().unwrap().extend([StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK]);
    stripe::paid(&shop).await;
    shop.webhook.answers.lock().unwrap().extend([StatusCode::BAD_REQUEST; 3]);
    let id = stripe::open(&shop).await;
    shop.play(&format!("/control/stripe/{id}/pay"), &[]).await;
    let deliveries = shop.see("/control/deliveries").await;
    let statuses = |index: usize| -> Vec<Value> {
        deliveries[index]["attempts"].as_array().unwrap().iter().map(|attempt| attempt["status"].clone()).collect()
    };
    assert_eq!(statuses(0), [500, 200]);
    assert_eq!(statuses(1), [400, 400, 400]);
    assert_eq!(states(&shop).await, ["delivered", "failed"]);
    shop.play("/control/deliveries/2/deliver", &[]).await;
    assert_eq!(states(&shop).await, ["delivered", "delivered"]);
}

#[tokio::test]
async fn a_session_whose_time_is_over_expires_by_itself() {
    let (folder, options) = kept("overdue");
    let mut shop = Shop::open_with(options.clone()).await;
    let id = stripe::open(&shop).await;
    shop.fake_payments.stop();
    let path = folder.join("state.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    state["stripe"][0]["expires_at"] = json!(1_000_000_000);
    std::fs::write(&path, state.to_string()).unwrap();

    shop.fake_payments = FakePayments::start(options).unwrap();
    let paid = shop.press(&format!("/pay/stripe/{id}/pay"), &[]).await;
    assert_eq!(paid.status, StatusCode::CONFLICT);
    assert_eq!(stripe::retrieve(&shop, &id, "").await["status"], "expired");
    let deliveries = shop.see("/control/deliveries").await;
    assert_eq!(deliveries[0]["kind"], "checkout.session.expired");
    std::fs::remove_dir_all(folder).unwrap();
}

/// A folder of this test's own, and a stand-in that keeps its state there.
fn kept(test: &str) -> (PathBuf, Options) {
    let folder = std::env::temp_dir().join(format!("fake-payments-{test}-{}", std::process::id()));
    let state = Some(folder.join("state.json"));
    (folder, Options { state, stripe_webhook_secret: SECRET.to_owned(), ..Options::default() })
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let (folder, options) = kept("restart");
    let mut shop = Shop::open_with(options.clone()).await;
    let id = stripe::paid(&shop).await;
    shop.play("/control/deliveries/hold", &[]).await;
    shop.play(&format!("/control/stripe/{id}/refund"), &[("amount", "100")]).await;
    let before =
        (shop.see("/control/deliveries").await, stripe::retrieve(&shop, &id, "?expand[]=payment_intent").await);

    shop.fake_payments.stop();
    shop.fake_payments = FakePayments::start(options).unwrap();
    let after = (shop.see("/control/deliveries").await, stripe::retrieve(&shop, &id, "?expand[]=payment_intent").await);
    assert_eq!(after, before);
    let held: Vec<Value> = states(&shop).await.into_iter().filter(|state| *state == json!("held")).collect();
    assert_eq!(held.len(), 2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn messages_wait_for_an_address() {
    let shop = Shop::open().await;
    let target = shop.send(http::Method::GET, "/", &[], "").await.body;
    let start = target.find("Messages to ").unwrap() + "Messages to ".len();
    let target = target[start..].split('<').next().unwrap().to_owned();
    let early = Shop { fake_payments: FakePayments::start(Options::default()).unwrap(), ..shop };
    let id = stripe::open(&early).await;
    early.play(&format!("/control/stripe/{id}/pay"), &[]).await;
    assert_eq!(states(&early).await, ["due"]);
    early.fake_payments.deliver_to(&target);
    assert_eq!(states(&early).await, ["delivered"]);
    let arrived: Vec<Message> = early.arrived().await;
    assert_eq!(arrived.len(), 1);
}

#[tokio::test]
async fn every_button_of_the_page_is_a_route() {
    let shop = Shop::open().await;
    let id = stripe::paid(&shop).await;
    for action in ["refund-slowly", "inquire", "dispute"] {
        shop.play(&format!("/control/stripe/{id}/{action}"), &[("amount", "100")]).await;
    }
    stripe::open(&shop).await;
    let page = shop.send(http::Method::GET, "/", &[], "").await;
    let actions = page.body.split("formaction=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut pressed = 0;
    for action in actions {
        let status = shop.press(action, &[]).await.status;
        assert!([StatusCode::SEE_OTHER, StatusCode::CONFLICT].contains(&status), "{action}: {status}");
        pressed += 1;
    }
    assert!(pressed > 15, "{pressed}");
}
