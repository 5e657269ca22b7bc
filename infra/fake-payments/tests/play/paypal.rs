//! Orders, captures, messages and postbacks.

use std::collections::BTreeMap;

use fake_payments::Options;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Shop};

const BEARER: (&str, &str) = ("authorization", "Bearer A21AAany");

fn request(value: &str, currency: &str) -> Value {
    json!({
        "intent": "CAPTURE",
        "purchase_units": [{
            "amount": {"currency_code": currency, "value": value},
            "description": "1 000 credits",
            "custom_id": "account-1",
            "invoice_id": "invoice-1",
        }],
        "payment_source": {"paypal": {"experience_context": {
            "return_url": "http://shop.example/back",
            "cancel_url": "http://shop.example/canceled?a=b",
        }}},
    })
}

async fn create(shop: &Shop, headers: &[(&str, &str)], request: &Value) -> Answer {
    let headers = [headers, &[BEARER, ("content-type", "application/json")]].concat();
    shop.send(Method::POST, "/v2/checkout/orders", &headers, &request.to_string()).await
}

async fn open(shop: &Shop) -> String {
    create(shop, &[], &request("9.00", "EUR")).await.json()["id"].as_str().unwrap().to_owned()
}

async fn capture(shop: &Shop, id: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [headers, &[BEARER, ("content-type", "application/json")]].concat();
    shop.send(Method::POST, &format!("/v2/checkout/orders/{id}/capture"), &headers, "{}").await
}

/// An order that was approved with `action` and captured; its id and the first message.
async fn captured(shop: &Shop, action: &str) -> (String, BTreeMap<String, String>) {
    let id = open(shop).await;
    shop.play(&format!("/pay/paypal/{id}/{action}"), &[]).await;
    assert_eq!(capture(shop, &id, &[]).await.status, StatusCode::CREATED);
    (id, message(shop).await)
}

/// The one message that arrived.
async fn message(shop: &Shop) -> BTreeMap<String, String> {
    let arrived = shop.arrived().await;
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert_eq!(arrived[0].path, "/v1/webhooks/paypal");
    assert_eq!(arrived[0].headers["content-type"], "application/x-www-form-urlencoded");
    form_urlencoded::parse(arrived[0].body.as_bytes()).into_owned().collect()
}

/// Plays one action; the message that follows has these fields. An empty value means that the field is missing.
async fn check(shop: &Shop, id: &str, action: &str, fields: &[(&str, &str)], expected: &[(&str, &str)]) {
    shop.play(&format!("/control/paypal/{id}/{action}"), fields).await;
    expect(&message(shop).await, expected);
}

#[track_caller]
fn expect(message: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(message.get(*name).map_or("", String::as_str), *value, "{name} in {message:?}");
    }
}

async fn postback(shop: &Shop, headers: &[(&str, &str)], body: &str) -> Answer {
    shop.send(Method::POST, "/cgi-bin/webscr", headers, body).await
}

const AGENT: (&str, &str) = ("user-agent", "darkroom");

#[tokio::test]
async fn an_order_is_approved_on_the_page_and_paid_by_its_capture() {
    let shop = Shop::open().await;
    let created = create(&shop, &[], &request("9.00", "EUR")).await;
    assert_eq!(created.status, StatusCode::OK);
    let order = created.json();
    let id = order["id"].as_str().unwrap();
    assert_eq!(
        (&order["status"], &order["links"][1]["rel"]),
        (&json!("PAYER_ACTION_REQUIRED"), &json!("payer-action"))
    );
    let page = order["links"][1]["href"].as_str().unwrap().strip_prefix(shop.fake_payments.base_url()).unwrap();
    let shown = shop.send(Method::GET, page, &[], "").await;
    assert!(shown.body.contains("9.00 EUR"), "{}", shown.body);
    assert!(shown.body.contains(&format!("http://shop.example/canceled?a=b&amp;token={id}")), "{}", shown.body);

    let early = capture(&shop, id, &[]).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(early.json()["details"][0]["issue"], "ORDER_NOT_APPROVED");

    let approved = shop.press(&format!("{page}/approve"), &[("email", "ada@buyer.example")]).await;
    let back = approved.location();
    assert!(back.starts_with(&format!("http://shop.example/back?token={id}&PayerID=")), "{back}");
    assert!(shop.arrived().await.is_empty());

    let paid = capture(&shop, id, &[]).await;
    assert_eq!(paid.status, StatusCode::CREATED);
    let paid = paid.json();
    let capture = &paid["purchase_units"][0]["payments"]["captures"][0];
    assert_eq!((&paid["status"], &capture["status"]), (&json!("COMPLETED"), &json!("COMPLETED")));
    assert_eq!(paid["payer"]["email_address"], "ada@buyer.example");
    assert_eq!(capture["amount"], json!({"currency_code": "EUR", "value": "9.00"}));
    let message = message(&shop).await;
    let fields = [
        ("payment_status", "Completed"),
        ("txn_id", capture["id"].as_str().unwrap()),
        ("mc_gross", "9.00"),
        ("mc_currency", "EUR"),
        ("receiver_id", "FAKEMERCHANT1"),
        ("custom", "account-1"),
        ("invoice", "invoice-1"),
        ("test_ipn", "1"),
        ("payer_id", paid["payer"]["payer_id"].as_str().unwrap()),
    ];
    expect(&message, &fields);
}

#[tokio::test]
async fn an_order_without_a_payment_source_is_created_and_approved() {
    let shop = Shop::open().await;
    let mut request = request("9.00", "EUR");
    let experience = request["payment_source"]["paypal"]["experience_context"].take();
    request["application_context"] = experience;
    request.as_object_mut().unwrap().remove("payment_source");
    let created = create(&shop, &[], &request).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.json()["status"], "CREATED");
    assert_eq!(created.json()["links"][1]["rel"], "approve");
}

#[tokio::test]
async fn a_capture_happens_once() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    shop.play(&format!("/pay/paypal/{id}/approve"), &[]).await;
    let key = ("paypal-request-id", "capture-1");
    let first = capture(&shop, &id, &[key]).await;
    let again = capture(&shop, &id, &[key]).await;
    assert_eq!((again.status, again.body), (StatusCode::CREATED, first.body));
    for headers in [&[][..], &[("paypal-request-id", "capture-2")]] {
        let other = capture(&shop, &id, headers).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(other.json()["name"], "UNPROCESSABLE_ENTITY");
        assert_eq!(other.json()["details"][0]["issue"], "ORDER_ALREADY_CAPTURED");
    }
    message(&shop).await;
}

#[tokio::test]
async fn the_same_request_id_makes_one_order() {
    let shop = Shop::open().await;
    let key = ("paypal-request-id", "order-1");
    let first = create(&shop, &[key], &request("9.00", "EUR")).await;
    assert_eq!(create(&shop, &[key], &request("9.00", "EUR")).await.body, first.body);
    assert_eq!(shop.see("/control/payments").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_pending_payment_keeps_its_transaction_until_it_is_settled() {
    let shop = Shop::open().await;
    for (action, status) in [("complete", "Completed"), ("deny", "Denied")] {
        let (id, first) = captured(&shop, "approve-pending").await;
        expect(&first, &[("payment_status", "Pending"), ("pending_reason", "paymentreview")]);
        check(&shop, &id, action, &[], &[("payment_status", status), ("txn_id", &first["txn_id"])]).await;
        let again = shop.press(&format!("/control/paypal/{id}/{action}"), &[]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn a_declined_capture_is_denied() {
    let shop = Shop::open().await;
    let (id, first) = captured(&shop, "approve-declined").await;
    expect(&first, &[("payment_status", "Denied")]);
    let order = shop.send(Method::GET, &format!("/v2/checkout/orders/{id}"), &[BEARER], "").await.json();
    assert_eq!(order["purchase_units"][0]["payments"]["captures"][0]["status"], "DECLINED");
}

#[tokio::test]
async fn a_refused_means_of_payment_lets_the_buyer_choose_another() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    shop.play(&format!("/pay/paypal/{id}/approve-refused"), &[]).await;
    let refused = capture(&shop, &id, &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["details"][0]["issue"], "INSTRUMENT_DECLINED");
    assert!(shop.arrived().await.is_empty());
    shop.play(&format!("/pay/paypal/{id}/approve"), &[]).await;
    assert_eq!(capture(&shop, &id, &[]).await.status, StatusCode::CREATED);
    expect(&message(&shop).await, &[("payment_status", "Completed")]);
}

#[tokio::test]
async fn money_that_paypal_does_not_take_is_refused_each_time() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    shop.play(&format!("/pay/paypal/{id}/approve-blocked"), &[]).await;
    for _ in 0..2 {
        let refused = capture(&shop, &id, &[]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["details"][0]["issue"], "TRANSACTION_REFUSED");
    }
    assert!(shop.arrived().await.is_empty());
}

#[tokio::test]
async fn in_an_outage_of_one_service_the_other_answers() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    let order = async || shop.send(Method::GET, &format!("/v2/checkout/orders/{id}"), &[BEARER], "").await.status;
    for (service, status) in [("paypal", 503), ("stripe", 200)] {
        shop.play("/control/outage", &[("service", service)]).await;
        assert_eq!(order().await, status, "{service}");
    }
    let stripe = shop.send(Method::GET, "/v1/webhook_endpoints", &[("authorization", "Bearer sk_test_1")], "");
    assert_eq!(stripe.await.status, 503);
    shop.play("/control/outage", &[]).await;
    assert_eq!(order().await, 200);
}

#[tokio::test]
async fn a_refund_is_a_transaction_of_its_own_with_a_negative_amount() {
    let shop = Shop::open().await;
    let (id, first) = captured(&shop, "approve").await;
    let parent = first["txn_id"].as_str();
    let part = [
        ("payment_status", "Refunded"),
        ("parent_txn_id", parent),
        ("mc_gross", "-4.00"),
        ("txn_type", ""),
        ("invoice", "invoice-1"),
    ];
    check(&shop, &id, "refund", &[("amount", "400")], &part).await;
    check(&shop, &id, "refund", &[], &[("payment_status", "Refunded"), ("mc_gross", "-5.00")]).await;
    let order = shop.send(Method::GET, &format!("/v2/checkout/orders/{id}"), &[BEARER], "").await.json();
    let payments = &order["purchase_units"][0]["payments"];
    assert_eq!(payments["captures"][0]["status"], "REFUNDED");
    assert_eq!(payments["refunds"][0]["amount"]["value"], "4.00");
    assert_eq!(payments["refunds"].as_array().unwrap().len(), 2);
    let over = shop.press(&format!("/control/paypal/{id}/refund"), &[]).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_reversal_can_be_canceled() {
    let shop = Shop::open().await;
    let (id, first) = captured(&shop, "approve").await;
    let parent = ("parent_txn_id", first["txn_id"].as_str());
    check(&shop, &id, "reverse", &[], &[("payment_status", "Reversed"), ("mc_gross", "-9.00"), parent]).await;
    let canceled = [("payment_status", "Canceled_Reversal"), ("mc_gross", "9.00"), parent];
    check(&shop, &id, "cancel-reversal", &[], &canceled).await;
    let again = shop.press(&format!("/control/paypal/{id}/cancel-reversal"), &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_case_and_an_adjustment_name_the_payment() {
    let shop = Shop::open().await;
    let (id, first) = captured(&shop, "approve").await;
    let case =
        [("txn_type", "new_case"), ("txn_id", first["txn_id"].as_str()), ("payment_status", ""), ("mc_gross", "")];
    check(&shop, &id, "open-case", &[], &case).await;
    let adjustment = [("txn_type", "adjustment"), ("parent_txn_id", first["txn_id"].as_str())];
    check(&shop, &id, "adjust", &[], &adjustment).await;
}

#[tokio::test]
async fn only_the_bytes_that_were_sent_are_verified() {
    let shop = Shop::open().await;
    let id = open(&shop).await;
    shop.play(&format!("/pay/paypal/{id}/approve"), &[]).await;
    capture(&shop, &id, &[]).await;
    let sent = shop.arrived().await.remove(0).body;
    assert!(sent.contains("first_name=Jos%E9&last_name=M%FCller"), "{sent}");
    let verified = postback(&shop, &[AGENT], &format!("cmd=_notify-validate&{sent}")).await;
    assert_eq!((verified.status, verified.body.as_str()), (StatusCode::OK, "VERIFIED"));
    let utf8 = sent.replace("Jos%E9", "Jos%C3%A9");
    for body in [
        sent.clone(),
        format!("{sent}&cmd=_notify-validate"),
        format!("cmd=_notify-validate&{sent}&"),
        format!("cmd=_notify-validate&{utf8}"),
        format!("cmd=_notify-validate&{}", sent.replace("9.00", "90.00")),
        "cmd=_notify-validate&".to_owned(),
    ] {
        assert_eq!(postback(&shop, &[AGENT], &body).await.body, "INVALID", "{body}");
    }
    shop.play("/control/deliveries/hold", &[]).await;
    shop.play(&format!("/control/paypal/{id}/refund"), &[]).await;
    let held = shop.see("/control/deliveries").await[1]["body"].as_str().unwrap().to_owned();
    assert_eq!(postback(&shop, &[AGENT], &format!("cmd=_notify-validate&{held}")).await.body, "INVALID");
    let nameless = postback(&shop, &[], &format!("cmd=_notify-validate&{sent}")).await;
    assert_eq!(nameless.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn postbacks_can_fail() {
    let shop = Shop::open().await;
    let (_, _) = captured(&shop, "approve").await;
    let deliveries = shop.see("/control/deliveries").await;
    let body = format!("cmd=_notify-validate&{}", deliveries[0]["body"].as_str().unwrap());
    shop.play("/control/paypal/postback", &[("answer", "error")]).await;
    assert_eq!(postback(&shop, &[AGENT], &body).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    shop.play("/control/paypal/postback", &[("answer", "garbage")]).await;
    let garbage = postback(&shop, &[AGENT], &body).await;
    assert!(garbage.status == StatusCode::OK && !garbage.body.contains("VERIFIED"), "{}", garbage.body);
    shop.play("/control/paypal/postback", &[("answer", "honest")]).await;
    assert_eq!(postback(&shop, &[AGENT], &body).await.body, "VERIFIED");
}

#[tokio::test]
async fn a_message_by_hand_is_verified_like_any_other() {
    let shop = Shop::open().await;
    let body = "receiver_id=somebody&mc_gross=9.00&mc_gross=1.00&name=%E9%";
    let sent = shop.send(Method::POST, "/control/paypal/messages", &[], body).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(shop.arrived().await[0].body, body);
    assert_eq!(postback(&shop, &[AGENT], &format!("cmd=_notify-validate&{body}")).await.body, "VERIFIED");
}

#[tokio::test]
async fn messages_of_a_live_account_do_not_speak_of_a_test() {
    let shop = Shop::open_with(Options { test_ipn: false, ..Options::default() }).await;
    let (_, first) = captured(&shop, "approve").await;
    expect(&first, &[("test_ipn", ""), ("payment_status", "Completed")]);
}

#[tokio::test]
async fn a_currency_without_cents_has_no_point() {
    let shop = Shop::open().await;
    let refused = create(&shop, &[], &request("900.00", "JPY")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let created = create(&shop, &[("prefer", "return=representation")], &request("900", "JPY")).await;
    assert_eq!(created.json()["purchase_units"][0]["amount"]["value"], "900");
}

#[tokio::test]
async fn a_token_is_given_to_a_client_and_opens_the_api() {
    let shop = Shop::open().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let client = ("authorization", "Basic Y2xpZW50OnNlY3JldA==");
    let grant = "grant_type=client_credentials";
    let answer = shop.send(Method::POST, "/v1/oauth2/token", &[client, form], grant).await;
    let token = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    let unknown = shop.send(Method::GET, "/v2/checkout/orders/NONE", &[("authorization", &token)], "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["name"], "RESOURCE_NOT_FOUND");
    for headers in [&[form][..], &[form, ("authorization", "Basic Om5vYm9keQ==")]] {
        let refused = shop.send(Method::POST, "/v1/oauth2/token", headers, grant).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let refused = shop.send(Method::GET, "/v2/checkout/orders/NONE", &[], "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}
