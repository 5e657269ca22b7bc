//! Checkout sessions and what becomes of them.

use http::{Method, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use super::{Answer, Message, SECRET, Shop};

const KEY: (&str, &str) = ("authorization", "Bearer sk_test_any");

/// A session of 9.00 EUR; further fields replace these.
pub(crate) fn order<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        ("mode", "payment"),
        ("success_url", "http://shop.example/done?session={CHECKOUT_SESSION_ID}"),
        ("cancel_url", "http://shop.example/canceled"),
        ("client_reference_id", "account-1"),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "eur"),
        ("line_items[0][price_data][unit_amount]", "900"),
        ("line_items[0][price_data][product_data][name]", "1 000 credits"),
        ("metadata[package]", "small"),
        ("payment_intent_data[metadata][checkout]", "7"),
    ];
    fields.retain(|(name, _)| more.iter().all(|(replaced, _)| name != replaced));
    fields.extend_from_slice(more);
    fields
}

pub(crate) async fn create(shop: &Shop, headers: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
    let headers = [headers, &[("content-type", "application/x-www-form-urlencoded")]].concat();
    shop.send(Method::POST, "/v1/checkout/sessions", &headers, &super::encode(&order(more))).await
}

pub(crate) async fn open(shop: &Shop) -> String {
    create(shop, &[KEY], &[]).await.json()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn paid(shop: &Shop) -> String {
    let id = open(shop).await;
    shop.play(&format!("/pay/stripe/{id}/pay"), &[]).await;
    shop.arrived().await;
    id
}

pub(crate) async fn retrieve(shop: &Shop, id: &str, query: &str) -> Value {
    let answer = shop.send(Method::GET, &format!("/v1/checkout/sessions/{id}{query}"), &[KEY], "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

/// Plays `actions` on `id`; the kinds of the events that followed, and the object of the last.
async fn check(shop: &Shop, id: &str, actions: &[(&str, &[(&str, &str)])], kinds: &[&str]) -> Value {
    for (action, fields) in actions {
        shop.play(&format!("/control/stripe/{id}/{action}"), fields).await;
    }
    let events: Vec<Value> = shop.arrived().await.iter().map(Message::json).collect();
    let sent: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(sent, kinds);
    events.last().map(|event| event["data"]["object"].clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_card_pays_a_session_and_the_buyer_comes_back() {
    let shop = Shop::open().await;
    let session = create(&shop, &[KEY], &[]).await.json();
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("open"), &json!("unpaid")));
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(900), &json!("eur")));
    let page = session["url"].as_str().unwrap().strip_prefix(shop.fake_payments.base_url()).unwrap();
    let shown = shop.send(Method::GET, page, &[], "").await;
    assert!(shown.body.contains("9.00 EUR") && shown.body.contains("1 000 credits"), "{}", shown.body);

    let paid = shop.press(&format!("{page}/pay"), &[("email", "ada@buyer.example")]).await;
    let id = session["id"].as_str().unwrap();
    assert_eq!(paid.location(), format!("http://shop.example/done?session={id}"));
    let completed = check(&shop, id, &[], &["checkout.session.completed"]).await;
    assert_eq!((&completed["status"], &completed["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(completed["client_reference_id"], "account-1");
    assert_eq!(completed["metadata"], json!({"package": "small"}));
    assert_eq!(completed["customer_details"]["email"], "ada@buyer.example");
    assert!(completed["payment_intent"].as_str().unwrap().starts_with("pi_"));
}

#[tokio::test]
async fn an_event_is_signed_over_its_time_and_its_bytes() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    shop.play(&format!("/control/stripe/{id}/pay"), &[]).await;
    let event = shop.arrived().await.remove(0);
    assert_eq!(event.path, "/v1/webhooks/stripe");
    let signature = event.headers["stripe-signature"].to_str().unwrap();
    let (time, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let tag: Vec<u8> = (0..tag.len()).step_by(2).map(|at| u8::from_str_radix(&tag[at..at + 2], 16).unwrap()).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, format!("{time}.{}", event.body).as_bytes(), &tag).unwrap();
}

#[tokio::test]
async fn a_delayed_payment_completes_first_and_is_paid_later_or_never() {
    let shop = Shop::open().await;
    for (action, kind, status) in [
        ("arrive", "checkout.session.async_payment_succeeded", "paid"),
        ("bounce", "checkout.session.async_payment_failed", "unpaid"),
    ] {
        let id = open(&shop).await;
        let completed = check(&shop, &id, &[("pay-later", &[])], &["checkout.session.completed"]).await;
        assert_eq!((&completed["status"], &completed["payment_status"]), (&json!("complete"), &json!("unpaid")));
        let settled = check(&shop, &id, &[(action, &[])], &[kind]).await;
        assert_eq!((&settled["status"], &settled["payment_status"]), (&json!("complete"), &json!(status)));
        let again = shop.press(&format!("/control/stripe/{id}/{action}"), &[]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn a_declined_card_leaves_the_session_open_for_another() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    check(&shop, &id, &[("refuse", &[])], &[]).await;
    let refused = retrieve(&shop, &id, "?expand[]=payment_intent").await;
    assert_eq!(refused["status"], "open");
    assert_eq!(refused["payment_intent"]["last_payment_error"]["code"], "card_declined");
    let completed = check(&shop, &id, &[("pay", &[])], &["checkout.session.completed"]).await;
    assert_eq!(completed["payment_intent"], refused["payment_intent"]["id"]);
}

#[tokio::test]
async fn an_expired_session_cannot_be_paid() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    let expired = check(&shop, &id, &[("expire", &[])], &["checkout.session.expired"]).await;
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &Value::Null));
    let paid = shop.press(&format!("/pay/stripe/{id}/pay"), &[]).await;
    assert_eq!(paid.status, StatusCode::CONFLICT);
    assert!(shop.arrived().await.is_empty());
}

#[tokio::test]
async fn the_shop_can_expire_a_session_that_is_open() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    let path = format!("/v1/checkout/sessions/{id}/expire");
    let expired = shop.send(Method::POST, &path, &[KEY], "").await;
    assert_eq!(expired.json()["status"], "expired");
    check(&shop, &id, &[], &["checkout.session.expired"]).await;
    assert_eq!(shop.send(Method::POST, &path, &[KEY], "").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn tax_comes_on_top() {
    let shop = Shop::open().await;
    let amount = ("line_items[0][price_data][unit_amount]", "905");
    let session = create(&shop, &[KEY], &[("automatic_tax[enabled]", "true"), amount]).await.json();
    assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(905), &json!(1077)));
    assert_eq!(session["total_details"]["amount_tax"], 172);
}

#[tokio::test]
async fn the_same_idempotency_key_makes_one_session() {
    let shop = Shop::open().await;
    let key = ("idempotency-key", "order-1");
    let first = create(&shop, &[KEY, key], &[]).await;
    let again = create(&shop, &[KEY, key], &[]).await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = create(&shop, &[KEY, key], &[("client_reference_id", "account-2")]).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    assert_eq!(other.json()["error"]["type"], "idempotency_error");
    assert_ne!(create(&shop, &[KEY], &[]).await.json()["id"], first.json()["id"]);
    assert_eq!(shop.see("/control/payments").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn only_a_key_of_test_mode_opens_the_api() {
    let shop = Shop::open().await;
    let basic = ("authorization", "Basic c2tfdGVzdF9hbnk6");
    assert_eq!(create(&shop, &[basic], &[]).await.status, StatusCode::OK);
    for headers in [&[][..], &[("authorization", "Bearer sk_live_any")], &[("authorization", "Basic !")]] {
        let refused = create(&shop, headers, &[]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_request_that_stripe_would_refuse_is_refused() {
    let shop = Shop::open().await;
    for (name, value) in [
        ("mode", "subscription"),
        ("success_url", ""),
        ("expires_at", "12"),
        ("expires_at", "soon"),
        ("line_items[0][quantity]", "0"),
        ("line_items[0][price_data][currency]", ""),
        ("line_items[0][price_data][unit_amount]", "9.00"),
        ("line_items[1][quantity]", "1"),
        ("metadata", "text"),
    ] {
        let refused = create(&shop, &[KEY], &[(name, value)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name}={value}: {}", refused.body);
        assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    }
    let unknown = shop.send(Method::GET, "/v1/checkout/sessions/cs_test_none", &[KEY], "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["error"]["code"], "resource_missing");
}

#[tokio::test]
async fn what_is_expanded_is_put_in_whole() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    shop.play(&format!("/pay/stripe/{id}/pay"), &[("card", "5555555555554444"), ("name", "Ada Lovelace")]).await;
    let plain = retrieve(&shop, &id, "").await;
    let intent = retrieve(&shop, &id, "?expand[]=payment_intent").await["payment_intent"].clone();
    assert_eq!(plain["payment_intent"], intent["id"]);
    assert_eq!((&intent["status"], &intent["metadata"]), (&json!("succeeded"), &json!({"checkout": "7"})));
    let all = retrieve(&shop, &id, "?expand%5B%5D=payment_intent.latest_charge&expand[]=line_items").await;
    let charge = &all["payment_intent"]["latest_charge"];
    assert_eq!(charge["id"], intent["latest_charge"]);
    assert_eq!(charge["billing_details"]["name"], "Ada Lovelace");
    assert_eq!(charge["payment_method_details"]["card"]["last4"], "4444");
    assert_eq!(all["line_items"]["data"][0]["quantity"], 1);
}

#[tokio::test]
async fn a_card_has_the_same_fingerprint_wherever_it_pays() {
    let shop = Shop::open().await;
    let mut fingerprints = Vec::new();
    for card in ["4242424242424242", "4242 4242 4242 4242", "5555555555554444"] {
        let id = open(&shop).await;
        shop.play(&format!("/pay/stripe/{id}/pay"), &[("card", card)]).await;
        let session = retrieve(&shop, &id, "?expand[]=payment_intent.latest_charge").await;
        let details = &session["payment_intent"]["latest_charge"]["payment_method_details"];
        fingerprints.push(details["card"]["fingerprint"].clone());
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
    assert_ne!(fingerprints[0], fingerprints[2]);
}

#[tokio::test]
async fn refunds_add_up_to_the_charge_and_no_further() {
    let shop = Shop::open().await;
    let id = paid(&shop).await;
    let kinds = ["refund.created", "charge.refunded"];
    let charge = check(&shop, &id, &[("refund", &[("amount", "400")])], &kinds).await;
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&json!(400), &json!(false)));
    let over = shop.press(&format!("/control/stripe/{id}/refund"), &[("amount", "501")]).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    let charge = check(&shop, &id, &[("refund", &[])], &kinds).await;
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&json!(900), &json!(true)));
}

#[tokio::test]
async fn a_refund_that_fails_can_be_made_again() {
    let shop = Shop::open().await;
    let id = paid(&shop).await;
    let kinds = ["refund.created", "charge.refunded", "refund.updated", "refund.failed"];
    let refund = check(&shop, &id, &[("refund", &[]), ("fail-refund", &[])], &kinds).await;
    assert_eq!((&refund["status"], &refund["amount"]), (&json!("failed"), &json!(900)));
    let kinds = ["refund.created", "charge.refunded", "refund.updated"];
    let refund = check(&shop, &id, &[("refund-slowly", &[]), ("cancel-refund", &[])], &kinds).await;
    assert_eq!(refund["status"], "canceled");
    let refund = check(&shop, &id, &[("refund-slowly", &[]), ("settle-refund", &[])], &kinds).await;
    assert_eq!(refund["status"], "succeeded");
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_gives_it_back_when_it_is_won() {
    let shop = Shop::open().await;
    let id = paid(&shop).await;
    let actions: [(&str, &[(&str, &str)]); 5] =
        [("dispute", &[]), ("withdraw", &[]), ("respond", &[]), ("win", &[]), ("reinstate", &[])];
    let kinds = [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ];
    let dispute = check(&shop, &id, &actions, &kinds).await;
    assert_eq!(dispute["status"], "won");
    let moved: Vec<&Value> =
        dispute["balance_transactions"].as_array().unwrap().iter().map(|moved| &moved["amount"]).collect();
    assert_eq!(moved, [&json!(-900), &json!(900)]);
    let again = shop.press(&format!("/control/stripe/{id}/reinstate"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_inquiry_moves_no_money_unless_it_becomes_a_dispute() {
    let shop = Shop::open().await;
    let id = paid(&shop).await;
    let opened = check(&shop, &id, &[("inquire", &[])], &["charge.dispute.created"]).await;
    assert_eq!(opened["status"], "warning_needs_response");
    for refused in ["withdraw", "win", "lose"] {
        let answer = shop.press(&format!("/control/stripe/{id}/{refused}"), &[]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{refused}");
    }
    let escalated = check(&shop, &id, &[("escalate", &[])], &["charge.dispute.updated"]).await;
    assert_eq!((&escalated["status"], &escalated["id"]), (&json!("needs_response"), &opened["id"]));
    check(&shop, &id, &[("lose", &[])], &["charge.dispute.closed"]).await;
    let kinds = ["charge.dispute.created", "charge.dispute.closed"];
    let closed = check(&shop, &id, &[("inquire", &[]), ("close-inquiry", &[])], &kinds).await;
    assert_eq!(closed["status"], "warning_closed");
}

#[tokio::test]
async fn a_warning_of_fraud_names_the_charge() {
    let shop = Shop::open().await;
    let id = paid(&shop).await;
    let warning = check(&shop, &id, &[("warn", &[])], &["radar.early_fraud_warning.created"]).await;
    let session = retrieve(&shop, &id, "?expand[]=payment_intent").await;
    assert_eq!(warning["charge"], session["payment_intent"]["latest_charge"]);
}

#[tokio::test]
async fn nothing_can_be_done_to_a_session_that_is_not_paid() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    for action in ["refund", "dispute", "inquire", "warn", "withdraw", "win", "arrive", "fail-refund"] {
        let answer = shop.press(&format!("/control/stripe/{id}/{action}"), &[]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{action}: {}", answer.body);
    }
    assert!(shop.arrived().await.is_empty());
}

#[tokio::test]
async fn events_that_nobody_subscribed_to_are_not_sent() {
    let shop = Shop::open().await;
    shop.play("/control/stripe/endpoint", &[("enabled_events", "charge.refunded, radar.early_fraud_warning.created")])
        .await;
    let listed = shop.send(Method::GET, "/v1/webhook_endpoints", &[KEY], "").await.json();
    let endpoint = &listed["data"][0];
    assert_eq!(endpoint["enabled_events"], json!(["charge.refunded", "radar.early_fraud_warning.created"]));
    assert!(endpoint["url"].as_str().unwrap().ends_with("/v1/webhooks/stripe"));
    let id = paid(&shop).await;
    check(&shop, &id, &[("refund", &[])], &["charge.refunded"]).await;
}
