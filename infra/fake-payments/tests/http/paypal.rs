//! Tests of PayPal's orders, captures, notifications and postbacks.

use std::collections::BTreeMap;

use fake_payments::Options;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Merchant, Response};

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

async fn create(merchant: &Merchant, headers: &[(&str, &str)], request: &Value) -> Response {
    let headers = [headers, &[BEARER, ("content-type", "application/json")]].concat();
    merchant.send(Method::POST, "/v2/checkout/orders", &headers, &request.to_string()).await
}

async fn open(merchant: &Merchant) -> String {
    create(merchant, &[], &request("9.00", "EUR")).await.json()["id"].as_str().unwrap().to_owned()
}

async fn capture(merchant: &Merchant, id: &str, headers: &[(&str, &str)]) -> Response {
    let headers = [headers, &[BEARER, ("content-type", "application/json")]].concat();
    merchant.send(Method::POST, &format!("/v2/checkout/orders/{id}/capture"), &headers, "{}").await
}

/// Approves an order with `action` and captures it. Returns its id and the first notification.
async fn captured(merchant: &Merchant, action: &str) -> (String, BTreeMap<String, String>) {
    let id = open(merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/{action}"), &[]).await;
    assert_eq!(capture(merchant, &id, &[]).await.status, StatusCode::CREATED);
    (id, notification(merchant).await)
}

/// Returns the only notification that was received.
async fn notification(merchant: &Merchant) -> BTreeMap<String, String> {
    let received = merchant.received().await;
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(received[0].path, "/v1/webhooks/paypal");
    assert_eq!(received[0].headers["content-type"], "application/x-www-form-urlencoded");
    form_urlencoded::parse(received[0].body.as_bytes()).into_owned().collect()
}

/// Runs an action and checks the fields of the notification that follows. An empty value stands for a missing field.
async fn check(merchant: &Merchant, id: &str, action: &str, fields: &[(&str, &str)], expected: &[(&str, &str)]) {
    merchant.run(&format!("/control/paypal/{id}/{action}"), fields).await;
    expect(&notification(merchant).await, expected);
}

#[track_caller]
fn expect(notification: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(notification.get(*name).map_or("", String::as_str), *value, "{name} in {notification:?}");
    }
}

async fn postback(merchant: &Merchant, headers: &[(&str, &str)], body: &str) -> Response {
    merchant.send(Method::POST, "/cgi-bin/webscr", headers, body).await
}

const AGENT: (&str, &str) = ("user-agent", "darkroom");

#[tokio::test]
async fn approved_order_is_paid_by_its_capture() {
    let merchant = Merchant::start().await;
    let created = create(&merchant, &[], &request("9.00", "EUR")).await;
    assert_eq!(created.status, StatusCode::OK);
    let order = created.json();
    let id = order["id"].as_str().unwrap();
    assert_eq!(
        (&order["status"], &order["links"][1]["rel"]),
        (&json!("PAYER_ACTION_REQUIRED"), &json!("payer-action"))
    );
    let page = order["links"][1]["href"].as_str().unwrap().strip_prefix(merchant.fake_payments.base_url()).unwrap();
    let shown = merchant.send(Method::GET, page, &[], "").await;
    assert!(shown.body.contains("9.00 EUR"), "{}", shown.body);
    assert!(shown.body.contains(&format!("http://shop.example/canceled?a=b&amp;token={id}")), "{}", shown.body);

    let early = capture(&merchant, id, &[]).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(early.json()["details"][0]["issue"], "ORDER_NOT_APPROVED");

    let approved = merchant.post_form(&format!("{page}/approve"), &[("email", "ada@buyer.example")]).await;
    let back = approved.location();
    assert!(back.starts_with(&format!("http://shop.example/back?token={id}&PayerID=")), "{back}");
    assert!(merchant.received().await.is_empty());

    let paid = capture(&merchant, id, &[]).await;
    assert_eq!(paid.status, StatusCode::CREATED);
    let paid = paid.json();
    let capture = &paid["purchase_units"][0]["payments"]["captures"][0];
    assert_eq!((&paid["status"], &capture["status"]), (&json!("COMPLETED"), &json!("COMPLETED")));
    assert_eq!(paid["payer"]["email_address"], "ada@buyer.example");
    assert_eq!(capture["amount"], json!({"currency_code": "EUR", "value": "9.00"}));
    let notification = notification(&merchant).await;
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
    expect(&notification, &fields);
}

#[tokio::test]
async fn order_without_payment_source_starts_as_created() {
    let merchant = Merchant::start().await;
    let mut request = request("9.00", "EUR");
    let experience = request["payment_source"]["paypal"]["experience_context"].take();
    request["application_context"] = experience;
    request.as_object_mut().unwrap().remove("payment_source");
    let created = create(&merchant, &[], &request).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.json()["status"], "CREATED");
    assert_eq!(created.json()["links"][1]["rel"], "approve");
}

#[tokio::test]
async fn order_is_captured_once() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve"), &[]).await;
    let key = ("paypal-request-id", "capture-1");
    let first = capture(&merchant, &id, &[key]).await;
    let again = capture(&merchant, &id, &[key]).await;
    assert_eq!((again.status, again.body), (StatusCode::CREATED, first.body));
    for headers in [&[][..], &[("paypal-request-id", "capture-2")]] {
        let other = capture(&merchant, &id, headers).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(other.json()["name"], "UNPROCESSABLE_ENTITY");
        assert_eq!(other.json()["details"][0]["issue"], "ORDER_ALREADY_CAPTURED");
    }
    notification(&merchant).await;
}

#[tokio::test]
async fn repeated_request_id_creates_one_order() {
    let merchant = Merchant::start().await;
    let key = ("paypal-request-id", "order-1");
    let first = create(&merchant, &[key], &request("9.00", "EUR")).await;
    assert_eq!(create(&merchant, &[key], &request("9.00", "EUR")).await.body, first.body);
    assert_eq!(merchant.get_json("/control/payments").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pending_capture_keeps_its_transaction_id_when_it_settles() {
    let merchant = Merchant::start().await;
    for (action, status) in [("complete", "Completed"), ("deny", "Denied")] {
        let (id, first) = captured(&merchant, "approve-pending").await;
        expect(&first, &[("payment_status", "Pending"), ("pending_reason", "paymentreview")]);
        check(&merchant, &id, action, &[], &[("payment_status", status), ("txn_id", &first["txn_id"])]).await;
        let again = merchant.post_form(&format!("/control/paypal/{id}/{action}"), &[]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn declined_capture_sends_denied_notification() {
    let merchant = Merchant::start().await;
    let (id, first) = captured(&merchant, "approve-declined").await;
    expect(&first, &[("payment_status", "Denied")]);
    let order = merchant.send(Method::GET, &format!("/v2/checkout/orders/{id}"), &[BEARER], "").await.json();
    assert_eq!(order["purchase_units"][0]["payments"]["captures"][0]["status"], "DECLINED");
}

#[tokio::test]
async fn instrument_declined_lets_buyer_approve_again() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve-instrument-declined"), &[]).await;
    let used = ("paypal-request-id", "capture-1");
    let refused = capture(&merchant, &id, &[used]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["details"][0]["issue"], "INSTRUMENT_DECLINED");
    let link = &refused.json()["links"][0];
    assert_eq!(link["rel"], "redirect");
    assert!(link["href"].as_str().unwrap().ends_with(&format!("/pay/paypal/{id}")), "{link}");
    assert!(merchant.received().await.is_empty());
    merchant.run(&format!("/pay/paypal/{id}/approve"), &[]).await;
    // A used request id is answered as before.
    assert_eq!(capture(&merchant, &id, &[used]).await.json()["details"][0]["issue"], "INSTRUMENT_DECLINED");
    let other = ("paypal-request-id", "capture-2");
    assert_eq!(capture(&merchant, &id, &[other]).await.status, StatusCode::CREATED);
    expect(&notification(&merchant).await, &[("payment_status", "Completed")]);
}

#[tokio::test]
async fn repeated_capture_gets_the_first_answer_although_the_payment_has_changed() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve-pending"), &[]).await;
    let key = ("paypal-request-id", "capture-1");
    let first = capture(&merchant, &id, &[key]).await;
    merchant.run(&format!("/control/paypal/{id}/complete"), &[]).await;
    assert_eq!(capture(&merchant, &id, &[key]).await.body, first.body);
}

#[tokio::test]
async fn transaction_refused_repeats_for_every_capture() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve-transaction-refused"), &[]).await;
    for _ in 0..2 {
        let refused = capture(&merchant, &id, &[]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["details"][0]["issue"], "TRANSACTION_REFUSED");
    }
    assert!(merchant.received().await.is_empty());
}

#[tokio::test]
async fn outage_affects_only_one_provider() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    let order = async || merchant.send(Method::GET, &format!("/v2/checkout/orders/{id}"), &[BEARER], "").await.status;
    for (provider, status) in [("paypal", 503), ("stripe", 200)] {
        merchant.run("/control/outage", &[("provider", provider)]).await;
        assert_eq!(order().await, status, "{provider}");
    }
    let stripe = merchant.send(Method::GET, "/v1/webhook_endpoints", &[("authorization", "Bearer sk_test_1")], "");
    assert_eq!(stripe.await.status, 503);
    merchant.run("/control/outage", &[]).await;
    assert_eq!(order().await, 200);
}

#[tokio::test]
async fn refund_notification_has_own_transaction_and_negative_amount() {
    let merchant = Merchant::start().await;
    let (id, first) = captured(&merchant, "approve").await;
    let parent = first["txn_id"].as_str();
    let part = [
        ("payment_status", "Refunded"),
        ("parent_txn_id", parent),
        ("mc_gross", "-4.00"),
        ("txn_type", ""),
        ("invoice", "invoice-1"),
    ];
    check(&merchant, &id, "refund", &[("amount", "400")], &part).await;
    check(&merchant, &id, "refund", &[], &[("payment_status", "Refunded"), ("mc_gross", "-5.00")]).await;
    let order = merchant.send(Method::GET, &format!("/v2/checkout/orders/{id}"), &[BEARER], "").await.json();
    let payments = &order["purchase_units"][0]["payments"];
    assert_eq!(payments["captures"][0]["status"], "REFUNDED");
    assert_eq!(payments["refunds"][0]["amount"]["value"], "4.00");
    assert_eq!(payments["refunds"].as_array().unwrap().len(), 2);
    let over = merchant.post_form(&format!("/control/paypal/{id}/refund"), &[]).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn reversal_can_be_canceled_once() {
    let merchant = Merchant::start().await;
    let (id, first) = captured(&merchant, "approve").await;
    let parent = ("parent_txn_id", first["txn_id"].as_str());
    check(&merchant, &id, "reverse", &[], &[("payment_status", "Reversed"), ("mc_gross", "-9.00"), parent]).await;
    let canceled = [("payment_status", "Canceled_Reversal"), ("mc_gross", "9.00"), parent];
    check(&merchant, &id, "cancel-reversal", &[], &canceled).await;
    let again = merchant.post_form(&format!("/control/paypal/{id}/cancel-reversal"), &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn case_names_the_payment() {
    let merchant = Merchant::start().await;
    let (id, first) = captured(&merchant, "approve").await;
    let case =
        [("txn_type", "new_case"), ("txn_id", first["txn_id"].as_str()), ("payment_status", ""), ("mc_gross", "")];
    check(&merchant, &id, "open-case", &[], &case).await;
}

#[tokio::test]
async fn chargeback_settlement_names_merchant_as_payer_and_no_receiver() {
    let merchant = Merchant::start().await;
    let (id, first) = captured(&merchant, "approve").await;
    let common = [
        ("txn_type", "adjustment"),
        ("payment_status", "Completed"),
        ("parent_txn_id", first["txn_id"].as_str()),
        ("invoice", "invoice-1"),
        ("payer_id", "FAKEMERCHANT1"),
        ("receiver_id", ""),
        ("receiver_email", ""),
        ("business", ""),
    ];
    let lost = [&common[..], &[("mc_gross", "-4.00")]].concat();
    check(&merchant, &id, "settle-chargeback", &[("amount", "400")], &lost).await;
    let over = merchant.post_form(&format!("/control/paypal/{id}/refund"), &[("amount", "501")]).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    let restored = [&common[..], &[("mc_gross", "4.00")]].concat();
    check(&merchant, &id, "restore-chargeback", &[], &restored).await;
}

#[tokio::test]
async fn postback_verifies_only_the_exact_bytes_sent() {
    let merchant = Merchant::start().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve"), &[]).await;
    capture(&merchant, &id, &[]).await;
    let sent = merchant.received().await.remove(0).body;
    assert!(sent.contains("first_name=Jos%E9&last_name=M%FCller"), "{sent}");
    let verified = postback(&merchant, &[AGENT], &format!("cmd=_notify-validate&{sent}")).await;
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
        assert_eq!(postback(&merchant, &[AGENT], &body).await.body, "INVALID", "{body}");
    }
    merchant.run("/control/deliveries/hold", &[]).await;
    merchant.run(&format!("/control/paypal/{id}/refund"), &[]).await;
    let held = merchant.get_json("/control/deliveries").await[1]["body"].as_str().unwrap().to_owned();
    assert_eq!(postback(&merchant, &[AGENT], &format!("cmd=_notify-validate&{held}")).await.body, "INVALID");
    let nameless = postback(&merchant, &[], &format!("cmd=_notify-validate&{sent}")).await;
    assert_eq!(nameless.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn postback_mode_changes_the_answers() {
    let merchant = Merchant::start().await;
    let (_, _) = captured(&merchant, "approve").await;
    let deliveries = merchant.get_json("/control/deliveries").await;
    let body = format!("cmd=_notify-validate&{}", deliveries[0]["body"].as_str().unwrap());
    merchant.run("/control/paypal/postback", &[("answer", "error")]).await;
    assert_eq!(postback(&merchant, &[AGENT], &body).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    merchant.run("/control/paypal/postback", &[("answer", "garbage")]).await;
    let garbage = postback(&merchant, &[AGENT], &body).await;
    assert!(garbage.status == StatusCode::OK && !garbage.body.contains("VERIFIED"), "{}", garbage.body);
    merchant.run("/control/paypal/postback", &[("answer", "invalid")]).await;
    assert_eq!(postback(&merchant, &[AGENT], &body).await.body, "INVALID");
    merchant.run("/control/paypal/postback", &[("answer", "honest")]).await;
    assert_eq!(postback(&merchant, &[AGENT], &body).await.body, "VERIFIED");
}

#[tokio::test]
async fn custom_notification_is_verified() {
    let merchant = Merchant::start().await;
    let body = "receiver_id=stranger&mc_gross=9.00&mc_gross=1.00&name=%E9%";
    let sent = merchant.send(Method::POST, "/control/paypal/messages", &[], body).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(merchant.received().await[0].body, body);
    assert_eq!(postback(&merchant, &[AGENT], &format!("cmd=_notify-validate&{body}")).await.body, "VERIFIED");
}

#[tokio::test]
async fn live_notifications_have_no_test_ipn() {
    let merchant = Merchant::start_with(Options { test_ipn: false, ..Options::default() }).await;
    let (_, first) = captured(&merchant, "approve").await;
    expect(&first, &[("test_ipn", ""), ("payment_status", "Completed")]);
}

#[tokio::test]
async fn zero_decimal_currency_has_no_decimals() {
    let merchant = Merchant::start().await;
    let refused = create(&merchant, &[], &request("900.00", "JPY")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let created = create(&merchant, &[("prefer", "return=representation")], &request("900", "JPY")).await;
    assert_eq!(created.json()["purchase_units"][0]["amount"]["value"], "900");
}

#[tokio::test]
async fn token_of_a_client_authorizes_api_calls() {
    let merchant = Merchant::start().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let client = ("authorization", "Basic Y2xpZW50OnNlY3JldA==");
    let grant = "grant_type=client_credentials";
    let answer = merchant.send(Method::POST, "/v1/oauth2/token", &[client, form], grant).await;
    let token = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
    let unknown = merchant.send(Method::GET, "/v2/checkout/orders/NONE", &[("authorization", &token)], "").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.json()["name"], "RESOURCE_NOT_FOUND");
    for headers in [&[form][..], &[form, ("authorization", "Basic Om5vYm9keQ==")]] {
        let refused = merchant.send(Method::POST, "/v1/oauth2/token", headers, grant).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let refused = merchant.send(Method::GET, "/v2/checkout/orders/NONE", &[], "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

async fn with_webhook() -> Merchant {
    Merchant::start_with(Options { paypal_events: vec!["*".to_owned()], ..Options::default() }).await
}

/// Returns the notification's fields and the event of the only two messages that were received.
async fn both(merchant: &Merchant) -> (BTreeMap<String, String>, Value) {
    let received = merchant.received().await;
    let [ipn, event] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!([ipn.path.as_str(), event.path.as_str()], ["/v1/webhooks/paypal", "/v1/webhooks/paypal-events"]);
    (form_urlencoded::parse(ipn.body.as_bytes()).into_owned().collect(), event.json())
}

#[tokio::test]
async fn webhook_reports_what_ipn_reports_under_the_same_ids() {
    let merchant = with_webhook().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve"), &[]).await;
    let [approved] = merchant.received().await.try_into().unwrap();
    assert_eq!(approved.json()["event_type"], "CHECKOUT.ORDER.APPROVED");
    assert_eq!(approved.json()["resource"]["purchase_units"][0]["custom_id"], "account-1");

    capture(&merchant, &id, &[]).await;
    let (ipn, event) = both(&merchant).await;
    let resource = &event["resource"];
    assert_eq!(
        (&event["event_type"], &event["resource_type"]),
        (&json!("PAYMENT.CAPTURE.COMPLETED"), &json!("capture"))
    );
    assert_eq!((&resource["id"], &resource["custom_id"]), (&json!(ipn["txn_id"]), &json!("account-1")));
    assert_eq!(resource["supplementary_data"]["related_ids"]["order_id"], id.as_str());
    let captured = format!("/v2/payments/captures/{}", ipn["txn_id"]);

    for (action, event_type) in [("refund", "PAYMENT.CAPTURE.REFUNDED"), ("reverse", "PAYMENT.CAPTURE.REVERSED")] {
        merchant.run(&format!("/control/paypal/{id}/{action}"), &[("amount", "100")]).await;
        let (ipn, event) = both(&merchant).await;
        let resource = &event["resource"];
        assert_eq!((&event["event_type"], &event["resource_type"]), (&json!(event_type), &json!("refund")));
        assert_eq!((&resource["id"], &resource["status"]), (&json!(ipn["txn_id"]), &json!("COMPLETED")));
        assert_eq!(resource["amount"], json!({"currency_code": "EUR", "value": "1.00"}));
        let up = resource["links"].as_array().unwrap().iter().find(|link| link["rel"] == "up").unwrap();
        assert!(up["href"].as_str().unwrap().ends_with(&captured), "{up}");
    }
    merchant.run(&format!("/control/paypal/{id}/open-case"), &[]).await;
    let (ipn, event) = both(&merchant).await;
    assert_eq!(event["resource"]["dispute_id"], ipn["case_id"].as_str());
    assert_eq!(event["resource"]["disputed_transactions"][0]["seller_transaction_id"], ipn["txn_id"].as_str());

    merchant.run(&format!("/control/paypal/{id}/fail-refund"), &[]).await;
    let [failed] = merchant.received().await.try_into().unwrap();
    assert_eq!(failed.json()["event_type"], "PAYMENT.REFUND.FAILED");
    assert_eq!(failed.json()["resource"]["status"], "FAILED");
}

#[tokio::test]
async fn only_a_sent_event_with_its_own_headers_is_verified() {
    let merchant = with_webhook().await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve"), &[]).await;
    let [event] = merchant.received().await.try_into().unwrap();
    let header = |name: &str| event.headers[name].to_str().unwrap().to_owned();
    let fields = json!({
        "auth_algo": header("paypal-auth-algo"),
        "cert_url": header("paypal-cert-url"),
        "transmission_id": header("paypal-transmission-id"),
        "transmission_sig": header("paypal-transmission-sig"),
        "transmission_time": header("paypal-transmission-time"),
        "webhook_id": Options::default().paypal_webhook_id,
    });
    let ask = async |fields: &Value, body: &str| {
        let fields = fields.to_string();
        let question = format!("{},\"webhook_event\":{body}}}", fields.strip_suffix('}').unwrap());
        let headers = [BEARER, ("content-type", "application/json")];
        let path = "/v1/notifications/verify-webhook-signature";
        merchant.send(Method::POST, path, &headers, &question).await.json()["verification_status"].clone()
    };
    assert_eq!(ask(&fields, &event.body).await, "SUCCESS");
    assert_eq!(ask(&fields, &event.body.replace("\":", "\": ")).await, "FAILURE");
    for name in ["transmission_id", "transmission_sig", "transmission_time", "webhook_id", "auth_algo", "cert_url"] {
        let mut other = fields.clone();
        other[name] = json!("other");
        assert_eq!(ask(&other, &event.body).await, "FAILURE", "{name}");
    }
}

#[tokio::test]
async fn without_a_webhook_there_is_only_ipn() {
    let merchant = Merchant::start().await;
    captured(&merchant, "approve").await;
    merchant.run("/control/paypal/webhook", &[("enabled_events", "CHECKOUT.ORDER.APPROVED")]).await;
    let id = open(&merchant).await;
    merchant.run(&format!("/pay/paypal/{id}/approve"), &[]).await;
    assert_eq!(merchant.received().await.len(), 1);
}
