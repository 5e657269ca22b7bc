//! Tests of Stripe's checkout sessions, refunds, disputes and events.

use http::{Method, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use super::{Merchant, Received, Response, SECRET};

const KEY: (&str, &str) = ("authorization", "Bearer sk_test_any");

/// Returns the parameters of a session of 9.00 EUR. Fields of `more` replace them.
pub(crate) fn params<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
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

pub(crate) async fn create(merchant: &Merchant, headers: &[(&str, &str)], more: &[(&str, &str)]) -> Response {
    let headers = [headers, &[("content-type", "application/x-www-form-urlencoded")]].concat();
    merchant.send(Method::POST, "/v1/checkout/sessions", &headers, &super::encode(&params(more))).await
}

pub(crate) async fn open(merchant: &Merchant) -> String {
    create(merchant, &[KEY], &[]).await.json()["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn paid(merchant: &Merchant) -> String {
    let id = open(merchant).await;
    merchant.run(&format!("/pay/stripe/{id}/pay"), &[]).await;
    merchant.received().await;
    id
}

pub(crate) async fn retrieve(merchant: &Merchant, id: &str, query: &str) -> Value {
    let answer = merchant.send(Method::GET, &format!("/v1/checkout/sessions/{id}{query}"), &[KEY], "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

/// Runs `actions` on a session and checks the types of the events that follow. Returns the object of the last event.
async fn check(merchant: &Merchant, id: &str, actions: &[(&str, &[(&str, &str)])], event_types: &[&str]) -> Value {
    for (action, fields) in actions {
        merchant.run(&format!("/control/stripe/{id}/{action}"), fields).await;
    }
    let events: Vec<Value> = merchant.received().await.iter().map(Received::json).collect();
    let sent: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(sent, event_types);
    events.last().map(|event| event["data"]["object"].clone()).unwrap_or_default()
}

#[tokio::test]
async fn card_payment_completes_session_and_returns_buyer() {
    let merchant = Merchant::start().await;
    let session = create(&merchant, &[KEY], &[]).await.json();
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("open"), &json!("unpaid")));
    assert_eq!((&session["amount_total"], &session["currency"]), (&json!(900), &json!("eur")));
    let page = session["url"].as_str().unwrap().strip_prefix(merchant.fake_payments.base_url()).unwrap();
    let shown = merchant.send(Method::GET, page, &[], "").await;
    assert!(shown.body.contains("9.00 EUR") && shown.body.contains("1 000 credits"), "{}", shown.body);

    let paid = merchant.post_form(&format!("{page}/pay"), &[("email", "ada@buyer.example")]).await;
    let id = session["id"].as_str().unwrap();
    assert_eq!(paid.location(), format!("http://shop.example/done?session={id}"));
    let completed = check(&merchant, id, &[], &["checkout.session.completed"]).await;
    assert_eq!((&completed["status"], &completed["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(completed["client_reference_id"], "account-1");
    assert_eq!(completed["metadata"], json!({"package": "small"}));
    assert_eq!(completed["customer_details"]["email"], "ada@buyer.example");
    assert!(completed["payment_intent"].as_str().unwrap().starts_with("pi_"));
}

#[tokio::test]
async fn event_signature_covers_time_and_bytes() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/control/stripe/{id}/pay"), &[]).await;
    let event = merchant.received().await.remove(0);
    assert_eq!(event.path, "/v1/webhooks/stripe");
    let signature = event.headers["stripe-signature"].to_str().unwrap();
    let (time, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let tag: Vec<u8> = (0..tag.len()).step_by(2).map(|at| u8::from_str_radix(&tag[at..at + 2], 16).unwrap()).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, format!("{time}.{}", event.body).as_bytes(), &tag).unwrap();
}

#[tokio::test]
async fn delayed_payment_completes_session_before_it_settles() {
    let merchant = Merchant::start().await;
    for (action, kind, status) in [
        ("succeed-delayed", "checkout.session.async_payment_succeeded", "paid"),
        ("fail-delayed", "checkout.session.async_payment_failed", "unpaid"),
    ] {
        let id = open(&merchant).await;
        let completed = check(&merchant, &id, &[("pay-delayed", &[])], &["checkout.session.completed"]).await;
        assert_eq!((&completed["status"], &completed["payment_status"]), (&json!("complete"), &json!("unpaid")));
        let settled = check(&merchant, &id, &[(action, &[])], &[kind]).await;
        assert_eq!((&settled["status"], &settled["payment_status"]), (&json!("complete"), &json!(status)));
        let again = merchant.post_form(&format!("/control/stripe/{id}/{action}"), &[]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn declined_card_leaves_session_open() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    check(&merchant, &id, &[("decline", &[])], &[]).await;
    let refused = retrieve(&merchant, &id, "?expand[]=payment_intent").await;
    assert_eq!(refused["status"], "open");
    assert_eq!(refused["payment_intent"]["last_payment_error"]["code"], "card_declined");
    let completed = check(&merchant, &id, &[("pay", &[])], &["checkout.session.completed"]).await;
    assert_eq!(completed["payment_intent"], refused["payment_intent"]["id"]);
}

#[tokio::test]
async fn expired_session_cannot_be_paid() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    let expired = check(&merchant, &id, &[("expire", &[])], &["checkout.session.expired"]).await;
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &Value::Null));
    let paid = merchant.post_form(&format!("/pay/stripe/{id}/pay"), &[]).await;
    assert_eq!(paid.status, StatusCode::CONFLICT);
    assert!(merchant.received().await.is_empty());
}

#[tokio::test]
async fn merchant_can_expire_open_session() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    let path = format!("/v1/checkout/sessions/{id}/expire");
    let expired = merchant.send(Method::POST, &path, &[KEY], "").await;
    assert_eq!(expired.json()["status"], "expired");
    check(&merchant, &id, &[], &["checkout.session.expired"]).await;
    assert_eq!(merchant.send(Method::POST, &path, &[KEY], "").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn automatic_tax_is_added_to_the_price() {
    let merchant = Merchant::start().await;
    let amount = ("line_items[0][price_data][unit_amount]", "905");
    let session = create(&merchant, &[KEY], &[("automatic_tax[enabled]", "true"), amount]).await.json();
    assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(905), &json!(1077)));
    assert_eq!(session["total_details"]["amount_tax"], 172);
}

#[tokio::test]
async fn inclusive_tax_is_part_of_the_price() {
    let merchant = Merchant::start().await;
    let fields = [
        ("automatic_tax[enabled]", "true"),
        ("line_items[0][price_data][tax_behavior]", "inclusive"),
        ("line_items[0][price_data][unit_amount]", "2000"),
    ];
    let session = create(&merchant, &[KEY], &fields).await.json();
    assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(2000), &json!(2000)));
    assert_eq!(session["total_details"]["amount_tax"], 319);
}

#[tokio::test]
async fn repeated_idempotency_key_creates_one_session() {
    let merchant = Merchant::start().await;
    let key = ("idempotency-key", "order-1");
    let first = create(&merchant, &[KEY, key], &[]).await;
    let again = create(&merchant, &[KEY, key], &[]).await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = create(&merchant, &[KEY, key], &[("client_reference_id", "account-2")]).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    assert_eq!(other.json()["error"]["type"], "idempotency_error");
    assert_ne!(create(&merchant, &[KEY], &[]).await.json()["id"], first.json()["id"]);
    assert_eq!(merchant.get_json("/control/payments").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn api_accepts_only_test_mode_keys() {
    let merchant = Merchant::start().await;
    let basic = ("authorization", "Basic c2tfdGVzdF9hbnk6");
    assert_eq!(create(&merchant, &[basic], &[]).await.status, StatusCode::OK);
    for headers in [&[][..], &[("authorization", "Bearer sk_live_any")], &[("authorization", "Basic !")]] {
        let refused = create(&merchant, headers, &[]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn invalid_session_request_is_rejected() {
    let merchant = Merchant::start().await;
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
        let refused = create(&merchant, &[KEY], &[(name, value)]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name}={value}: {}", refused.body);
        assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    }
    let unknown = merchant.send(Method::GET, "/v1/checkout/sessions/cs_test_none", &[KEY], "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["error"]["code"], "resource_missing");
}

#[tokio::test]
async fn expand_replaces_ids_by_objects() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/stripe/{id}/pay"), &[("card", "5555555555554444"), ("name", "Ada Lovelace")]).await;
    let plain = retrieve(&merchant, &id, "").await;
    let intent = retrieve(&merchant, &id, "?expand[]=payment_intent").await["payment_intent"].clone();
    assert_eq!(plain["payment_intent"], intent["id"]);
    assert_eq!((&intent["status"], &intent["metadata"]), (&json!("succeeded"), &json!({"checkout": "7"})));
    let all = retrieve(&merchant, &id, "?expand%5B%5D=payment_intent.latest_charge&expand[]=line_items").await;
    let charge = &all["payment_intent"]["latest_charge"];
    assert_eq!(charge["id"], intent["latest_charge"]);
    assert_eq!(charge["billing_details"]["name"], "Ada Lovelace");
    assert_eq!(charge["payment_method_details"]["card"]["last4"], "4444");
    assert_eq!(all["line_items"]["data"][0]["quantity"], 1);
}

#[tokio::test]
async fn same_card_has_same_fingerprint() {
    let merchant = Merchant::start().await;
    let mut fingerprints = Vec::new();
    for card in ["4242424242424242", "4242 4242 4242 4242", "5555555555554444"] {
        let id = open(&merchant).await;
        merchant.run(&format!("/pay/stripe/{id}/pay"), &[("card", card)]).await;
        let session = retrieve(&merchant, &id, "?expand[]=payment_intent.latest_charge").await;
        let details = &session["payment_intent"]["latest_charge"]["payment_method_details"];
        fingerprints.push(details["card"]["fingerprint"].clone());
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
    assert_ne!(fingerprints[0], fingerprints[2]);
}

#[tokio::test]
async fn refunds_cannot_exceed_the_charge() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    let event_types = ["refund.created", "charge.refunded"];
    let charge = check(&merchant, &id, &[("refund", &[("amount", "400")])], &event_types).await;
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&json!(400), &json!(false)));
    let over = merchant.post_form(&format!("/control/stripe/{id}/refund"), &[("amount", "501")]).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    let charge = check(&merchant, &id, &[("refund", &[])], &event_types).await;
    assert_eq!((&charge["amount_refunded"], &charge["refunded"]), (&json!(900), &json!(true)));
}

#[tokio::test]
async fn failed_or_canceled_refund_can_be_repeated() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    let event_types = ["refund.created", "charge.refunded", "refund.updated", "refund.failed"];
    let refund = check(&merchant, &id, &[("refund", &[]), ("fail-refund", &[])], &event_types).await;
    assert_eq!((&refund["status"], &refund["amount"]), (&json!("failed"), &json!(900)));
    let event_types = ["refund.created", "charge.refunded", "refund.updated"];
    let refund = check(&merchant, &id, &[("refund-pending", &[]), ("cancel-refund", &[])], &event_types).await;
    assert_eq!(refund["status"], "canceled");
    let refund = check(&merchant, &id, &[("refund-pending", &[]), ("succeed-refund", &[])], &event_types).await;
    assert_eq!(refund["status"], "succeeded");
}

#[tokio::test]
async fn won_dispute_withdraws_and_reinstates_funds() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    let actions: [(&str, &[(&str, &str)]); 5] =
        [("dispute", &[]), ("withdraw-funds", &[]), ("submit-evidence", &[]), ("win", &[]), ("reinstate-funds", &[])];
    let event_types = [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ];
    let dispute = check(&merchant, &id, &actions, &event_types).await;
    assert_eq!(dispute["status"], "won");
    let amounts: Vec<&Value> =
        dispute["balance_transactions"].as_array().unwrap().iter().map(|transaction| &transaction["amount"]).collect();
    assert_eq!(amounts, [&json!(-900), &json!(900)]);
    let again = merchant.post_form(&format!("/control/stripe/{id}/reinstate-funds"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn lost_dispute_can_reinstate_a_part() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    let actions: [(&str, &[(&str, &str)]); 5] = [
        ("refund", &[("amount", "400")]),
        ("dispute", &[]),
        ("withdraw-funds", &[]),
        ("lose", &[]),
        ("reinstate-part", &[("amount", "400")]),
    ];
    let event_types = [
        "refund.created",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ];
    let dispute = check(&merchant, &id, &actions, &event_types).await;
    assert_eq!(dispute["status"], "lost");
    assert_eq!(dispute["balance_transactions"][1]["amount"], 400);
}

#[tokio::test]
async fn decided_dispute_can_be_appealed_with_large_evidence() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    let early = merchant.post_form(&format!("/control/stripe/{id}/appeal"), &[]).await;
    assert_eq!(early.status, StatusCode::NOT_FOUND);
    let actions: [(&str, &[(&str, &str)]); 3] = [("dispute", &[]), ("lose", &[]), ("appeal", &[])];
    let event_types = ["charge.dispute.created", "charge.dispute.closed", "charge.dispute.updated"];
    let appealed = check(&merchant, &id, &actions, &event_types).await;
    assert_eq!(appealed["status"], "appeal_needs_response");
    let evidence: (&str, &[(&str, &str)]) = ("submit-evidence", &[("evidence", "150000")]);
    let reviewed = check(&merchant, &id, &[evidence], &["charge.dispute.updated"]).await;
    assert_eq!(reviewed["status"], "appeal_under_review");
    assert_eq!(reviewed["evidence"]["uncategorized_text"].as_str().unwrap().chars().count(), 150_000);
    let won = check(&merchant, &id, &[("win", &[])], &["charge.dispute.closed"]).await;
    assert_eq!(won["status"], "won");
}

#[tokio::test]
async fn inquiry_moves_no_money_until_escalated() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    let opened = check(&merchant, &id, &[("open-inquiry", &[])], &["charge.dispute.created"]).await;
    assert_eq!(opened["status"], "warning_needs_response");
    for refused in ["withdraw-funds", "win", "lose"] {
        let answer = merchant.post_form(&format!("/control/stripe/{id}/{refused}"), &[]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{refused}");
    }
    let escalated = check(&merchant, &id, &[("escalate", &[])], &["charge.dispute.updated"]).await;
    assert_eq!((&escalated["status"], &escalated["id"]), (&json!("needs_response"), &opened["id"]));
    check(&merchant, &id, &[("lose", &[])], &["charge.dispute.closed"]).await;
    let event_types = ["charge.dispute.created", "charge.dispute.closed"];
    let closed = check(&merchant, &id, &[("open-inquiry", &[]), ("close-inquiry", &[])], &event_types).await;
    assert_eq!(closed["status"], "warning_closed");
}

#[tokio::test]
async fn early_fraud_warning_names_the_charge() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    let warning = check(&merchant, &id, &[("early-fraud-warning", &[])], &["radar.early_fraud_warning.created"]).await;
    let session = retrieve(&merchant, &id, "?expand[]=payment_intent").await;
    assert_eq!(warning["charge"], session["payment_intent"]["latest_charge"]);
}

#[tokio::test]
async fn actions_on_unpaid_session_are_rejected() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    for action in [
        "refund",
        "dispute",
        "open-inquiry",
        "early-fraud-warning",
        "withdraw-funds",
        "win",
        "succeed-delayed",
        "fail-refund",
    ] {
        let answer = merchant.post_form(&format!("/control/stripe/{id}/{action}"), &[]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{action}: {}", answer.body);
    }
    assert!(merchant.received().await.is_empty());
}

#[tokio::test]
async fn events_not_subscribed_to_are_not_sent() {
    let merchant = Merchant::start().await;
    merchant
        .run("/control/stripe/endpoint", &[("enabled_events", "charge.refunded, radar.early_fraud_warning.created")])
        .await;
    let listed = merchant.send(Method::GET, "/v1/webhook_endpoints", &[KEY], "").await.json();
    let endpoint = &listed["data"][0];
    assert_eq!(endpoint["enabled_events"], json!(["charge.refunded", "radar.early_fraud_warning.created"]));
    assert!(endpoint["url"].as_str().unwrap().ends_with("/v1/webhooks/stripe"));
    let id = paid(&merchant).await;
    check(&merchant, &id, &[("refund", &[])], &["charge.refunded"]).await;
}

#[tokio::test]
async fn lists_have_pages_and_a_range_of_time() {
    let merchant = Merchant::start().await;
    let id = paid(&merchant).await;
    for _ in 0..3 {
        merchant.run(&format!("/control/stripe/{id}/refund"), &[("amount", "100")]).await;
    }
    merchant.run(&format!("/control/stripe/{id}/dispute"), &[]).await;
    let list = async |path: &str| {
        let answer = merchant.send(Method::GET, path, &[KEY], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    };
    let first = list("/v1/refunds?limit=2&created[gte]=1000000000&created[lt]=9000000000").await;
    let [_, last] = first["data"].as_array().unwrap().as_slice() else { panic!("{first}") };
    assert_eq!((&first["has_more"], &last["amount"]), (&json!(true), &json!(100)));
    let rest = list(&format!("/v1/refunds?limit=2&starting_after={}", last["id"].as_str().unwrap())).await;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
    assert_eq!(list("/v1/refunds?created[gte]=9000000000").await["data"], json!([]));
    assert_eq!(list("/v1/disputes").await["data"][0]["amount"], 900);

    let undelivered =
        "/v1/events?delivery_success=false&types[0]=charge.dispute.created&types[1]=charge.dispute.closed";
    assert_eq!(list(undelivered).await["data"], json!([]));
    merchant.run("/control/deliveries/hold", &[]).await;
    merchant.run(&format!("/control/stripe/{id}/lose"), &[]).await;
    assert_eq!(list(undelivered).await["data"][0]["type"], "charge.dispute.closed");
}
