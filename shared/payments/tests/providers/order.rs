//! PayPal Orders.

use domain::{
    money::{Currency, Money},
    payments::payment::{Payment, PaymentFact, PaymentProvider, PaymentReceipt, RefundState},
};
use jiff::SignedDuration;
use payments::{Buyer, HostedCheckout, ProviderError, ProviderReport};
use serde_json::{Value, json};

use super::{ORDER, buyer, now, payment, payments, stub::Stub};

const CAPTURE: &str = "3C679366HH908993F";

fn token() -> (u16, Value) {
    (
        200,
        json!({ "scope": "x", "access_token": "A21", "token_type": "Bearer", "app_id": "APP-1", "expires_in": 32400 }),
    )
}

/// As <https://developer.paypal.com/docs/api/orders/v2/#orders_get> shows it.
fn order(status: &str, captures: Value, refunds: Value) -> Value {
    let id = payment(PaymentProvider::Paypal).id;
    json!({
        "id": ORDER,
        "intent": "CAPTURE",
        "status": status,
        "payer": { "payer_id": "QYR5Z8XDVJNXQ", "email_address": "jo@b.example", "name": { "given_name": "Jo" }, "address": { "country_code": "DE" } },
        "purchase_units": [{
            "reference_id": "default",
            "custom_id": id,
            "invoice_id": id,
            "amount": { "currency_code": "USD", "value": "20.00" },
            "payments": { "captures": captures, "refunds": refunds },
        }],
        "create_time": "2026-11-22T18:58:00Z",
        "links": [],
    })
}

fn capture(status: &str) -> Value {
    json!({
        "id": CAPTURE,
        "status": status,
        "amount": { "currency_code": "USD", "value": "20.00" },
        "final_capture": true,
        "create_time": "2026-11-22T18:59:00Z",
        "update_time": "2026-11-22T18:59:00Z",
    })
}

fn paid() -> PaymentFact {
    let price = Money::new(2000, Currency::Usd);
    PaymentFact::Paid(PaymentReceipt {
        provider: PaymentProvider::Paypal,
        net: price,
        total: price,
        transaction: CAPTURE.to_owned(),
        billing_email: Some("jo@b.example".to_owned()),
        country: Some("DE".to_owned()),
        at: "2026-11-22T18:59:00Z".parse().unwrap(),
    })
}

fn unprocessable(issue: &str) -> (u16, Value) {
    (422, json!({ "name": "UNPROCESSABLE_ENTITY", "details": [{ "issue": issue }], "debug_id": "b1d1" }))
}

async fn ask(answer: (u16, Value), minutes: i64) -> Result<ProviderReport, ProviderError> {
    let stub = Stub::start([token(), answer]).await;
    payments(&stub.base).poll(&payment(PaymentProvider::Paypal), now() + SignedDuration::from_mins(minutes)).await
}

#[tokio::test]
async fn p34_an_order_is_made_for_the_price_of_the_catalogue_once() {
    let made = json!({
        "id": ORDER,
        "status": "PAYER_ACTION_REQUIRED",
        "links": [
            { "href": "https://api-m.paypal.com/v2/checkout/orders/1", "rel": "self", "method": "GET" },
            { "href": "https://www.paypal.com/checkoutnow?token=1", "rel": "payer-action", "method": "GET" },
        ],
    });
    let stub = Stub::start([token(), (200, made)]).await;
    let payment = payment(PaymentProvider::Paypal);
    let hosted = payments(&stub.base).create(&payment, "Maker: 1,000 credits", buyer(), now()).await.unwrap();
    let url = "https://www.paypal.com/checkoutnow?token=1".to_owned();
    assert_eq!(hosted, HostedCheckout { checkout: ORDER.to_owned(), url });

    let [token, create] = stub.asked().try_into().ok().unwrap();
    assert_eq!(token.line, "POST /v1/oauth2/token");
    assert_eq!(token.header("authorization"), "Basic YXBwOmh1c2g=");
    assert_eq!(&token.body[..], b"grant_type=client_credentials");
    assert_eq!(create.line, "POST /v2/checkout/orders");
    assert_eq!(create.header("authorization"), "Bearer A21");
    assert_eq!(create.header("paypal-request-id"), payment.id.to_string());
    let back = format!("https://darkroom.example/checkout/{}", payment.id);
    let expected = json!({
        "intent": "CAPTURE",
        "purchase_units": [{
            "custom_id": payment.id,
            "invoice_id": payment.id,
            "description": "Maker: 1,000 credits",
            "amount": { "currency_code": "USD", "value": "20.00" },
        }],
        "payment_source": { "paypal": { "experience_context": {
            "return_url": back,
            "cancel_url": format!("{back}?canceled=1"),
            "shipping_preference": "NO_SHIPPING",
            "user_action": "PAY_NOW",
        } } },
    });
    assert_eq!(serde_json::from_slice::<Value>(&create.body).unwrap(), expected);
}

#[tokio::test]
async fn p31_an_order_has_the_address_of_receipts_and_no_other() {
    for (billing_email, expected) in [(Some("bills@b.example"), json!("bills@b.example")), (None, Value::Null)] {
        let link = json!({ "href": "https://www.paypal.com/checkoutnow?token=1", "rel": "payer-action" });
        let stub = Stub::start([token(), (200, json!({ "id": ORDER, "links": [link] }))]).await;
        let buyer = Buyer { billing_email, ..buyer() };
        payments(&stub.base).create(&payment(PaymentProvider::Paypal), "Maker", buyer, now()).await.unwrap();
        let [_, create] = stub.asked().try_into().ok().unwrap();
        let body = serde_json::from_slice::<Value>(&create.body).unwrap();
        assert_eq!(body["payment_source"]["paypal"]["email_address"], expected);
        assert!(!body.to_string().contains("jo@b.example"), "{body}");
    }
}

#[tokio::test]
async fn pp7_only_a_completed_capture_is_paid() {
    for (status, fact) in [
        ("COMPLETED", paid()),
        ("PARTIALLY_REFUNDED", paid()),
        ("REFUNDED", paid()),
        ("PENDING", PaymentFact::Pending),
        ("DECLINED", PaymentFact::Failed),
        ("FAILED", PaymentFact::Failed),
    ] {
        let said = ask((200, order("COMPLETED", json!([capture(status)]), json!([]))), 0).await.unwrap();
        assert_eq!(said, ProviderReport { facts: vec![fact], instrument: Some("QYR5Z8XDVJNXQ".to_owned()) });
    }
    for odd in [json!([capture("SOMETHING")]), json!([])] {
        let error = ask((200, order("COMPLETED", odd, json!([]))), 0).await.unwrap_err();
        assert!(error.retryable(), "{error}");
    }
}

#[tokio::test]
async fn pp8_refunds_are_in_the_order_too() {
    let refund = |id: &str, status: &str, value: &str| json!({ "id": id, "status": status, "amount": { "currency_code": "USD", "value": value } });
    let refunds = json!([refund("1JU08902781691411", "COMPLETED", "5.01"), refund("R2", "CANCELLED", "1")]);
    let said = ask((200, order("COMPLETED", json!([capture("PARTIALLY_REFUNDED")]), refunds)), 0).await.unwrap();
    let fact = |id: &str, amount, state| PaymentFact::Refund {
        id: id.to_owned(),
        amount: Money::new(amount, Currency::Usd),
        state,
    };
    let undone = fact("R2", 100, RefundState::Reverted);
    assert_eq!(said.facts, [paid(), fact("1JU08902781691411", 501, RefundState::Succeeded), undone]);
}

#[tokio::test]
async fn pp10_an_approved_order_is_not_paid_and_expires() {
    for status in ["CREATED", "PAYER_ACTION_REQUIRED", "APPROVED", "VOIDED"] {
        let answer = || (200, order(status, json!([]), json!([])));
        assert_eq!(ask(answer(), 59).await.unwrap().facts, [], "{status}");
        assert_eq!(ask(answer(), 60).await.unwrap().facts, [PaymentFact::Expired], "{status}");
    }
    let gone = || (404, json!({ "name": "RESOURCE_NOT_FOUND", "details": [{ "issue": "INVALID_RESOURCE_ID" }] }));
    assert_eq!(ask(gone(), 60).await.unwrap().facts, [PaymentFact::Expired]);
    let early = ask(gone(), 59).await.unwrap_err();
    assert!(matches!(early, ProviderError::Refused { status: 404, .. }), "{early}");
}

#[tokio::test]
async fn pp4_everything_about_the_order_must_be_that_of_the_payment() {
    let unit = order("COMPLETED", json!([capture("COMPLETED")]), json!([]))["purchase_units"][0].take();
    for (pointer, value, field) in [
        ("/id", json!("OTHER"), "id"),
        ("/purchase_units/0/custom_id", json!("00000000-0000-0000-0000-000000000008"), "custom_id"),
        ("/purchase_units/0/custom_id", json!(null), "custom_id"),
        ("/purchase_units/0/amount/value", json!("19.99"), "amount"),
        ("/purchase_units/0/amount/currency_code", json!("EUR"), "currency"),
        ("/purchase_units/0/payments/captures/0/amount/value", json!("19.99"), "amount"),
        ("/purchase_units/0/payments/captures/0/amount/currency_code", json!("JPY"), "currency"),
        ("/purchase_units", json!([]), "purchase_units"),
        ("/purchase_units", json!([unit, unit]), "purchase_units"),
    ] {
        let mut order = order("COMPLETED", json!([capture("COMPLETED")]), json!([]));
        *order.pointer_mut(pointer).unwrap() = value;
        assert_eq!(ask((200, order), 0).await.unwrap_err(), ProviderError::Mismatch(field), "{pointer}");
    }
}

#[tokio::test]
async fn pp7_capturing_takes_the_money_once_and_says_so_each_time() {
    let whole = || order("COMPLETED", json!([capture("COMPLETED")]), json!([]));
    let again = unprocessable("ORDER_ALREADY_CAPTURED");
    let stub = Stub::start([token(), (201, whole()), again, (200, whole())]).await;
    let payments = payments(&stub.base);
    for _ in 0..2 {
        assert_eq!(payments.capture(&payment(PaymentProvider::Paypal), now()).await.unwrap().facts, [paid()]);
    }
    let capture = format!("POST /v2/checkout/orders/{ORDER}/capture");
    let ask = format!("GET /v2/checkout/orders/{ORDER}");
    assert_eq!(stub.lines(), ["POST /v1/oauth2/token", &capture, &capture, &ask]);
    let asked = stub.asked();
    let request_id = format!("{}-{}", payment(PaymentProvider::Paypal).id, now().as_millisecond());
    assert_eq!(asked[1].header("paypal-request-id"), request_id);
    assert_eq!(asked[1].header("prefer"), "return=representation");
}

#[tokio::test]
async fn pp10_a_declined_instrument_gives_the_page_again_and_the_next_attempt_is_a_new_request() {
    let (status, mut declined) = unprocessable("INSTRUMENT_DECLINED");
    declined["links"] =
        json!([{ "href": "https://www.paypal.com/checkoutnow?token=1", "rel": "redirect", "method": "GET" }]);
    let whole = order("COMPLETED", json!([capture("COMPLETED")]), json!([]));
    let stub = Stub::start([token(), (status, declined), (201, whole)]).await;
    let payments = payments(&stub.base);
    let payment = payment(PaymentProvider::Paypal);
    let error = payments.capture(&payment, now()).await.unwrap_err();
    let page = "https://www.paypal.com/checkoutnow?token=1".to_owned();
    assert_eq!(error, ProviderError::InstrumentDeclined { page });
    let again = payments.capture(&payment, now() + SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(again.facts, [paid()]);
    let asked = stub.asked();
    assert_ne!(asked[1].header("paypal-request-id"), asked[2].header("paypal-request-id"));
}

#[tokio::test]
async fn pp10_an_approved_order_is_captured_without_the_browser() {
    let approved = || (200, order("APPROVED", json!([]), json!([])));
    let whole = || order("COMPLETED", json!([capture("COMPLETED")]), json!([]));
    let payment = payment(PaymentProvider::Paypal);
    let stub = Stub::start([token(), approved(), (201, whole())]).await;
    assert_eq!(payments(&stub.base).poll_or_capture(&payment, now()).await.unwrap().facts, [paid()]);
    let (get, capture) =
        (format!("GET /v2/checkout/orders/{ORDER}"), format!("POST /v2/checkout/orders/{ORDER}/capture"));
    assert_eq!(stub.lines(), ["POST /v1/oauth2/token", &get, &capture]);

    // Not while the buyer must act, not for another amount, and what PayPal declines leaves the checkout open.
    for status in ["CREATED", "PAYER_ACTION_REQUIRED"] {
        let stub = Stub::start([token(), (200, order(status, json!([]), json!([])))]).await;
        assert_eq!(payments(&stub.base).poll_or_capture(&payment, now()).await.unwrap().facts, []);
        assert_eq!(stub.lines().len(), 2, "{status}");
    }
    let (_, mut other) = approved();
    other["purchase_units"][0]["amount"]["value"] = json!("19.99");
    let stub = Stub::start([token(), (200, other)]).await;
    let error = payments(&stub.base).poll_or_capture(&payment, now()).await.unwrap_err();
    assert_eq!((error, stub.lines().len()), (ProviderError::Mismatch("amount"), 2));
    for issue in ["INSTRUMENT_DECLINED", "TRANSACTION_REFUSED", "ORDER_NOT_APPROVED"] {
        let stub = Stub::start([token(), approved(), unprocessable(issue)]).await;
        assert_eq!(payments(&stub.base).poll_or_capture(&payment, now()).await.unwrap().facts, [], "{issue}");
    }
}

#[tokio::test]
async fn a_capture_that_is_refused_says_whether_the_buyer_the_order_or_we_are_the_reason() {
    for issue in ["ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED", "INSTRUMENT_DECLINED"] {
        let stub = Stub::start([token(), unprocessable(issue)]).await;
        let error = payments(&stub.base).capture(&payment(PaymentProvider::Paypal), now()).await.unwrap_err();
        assert_eq!(error, ProviderError::NotApproved, "{issue}");
    }
    for issue in ["TRANSACTION_REFUSED", "PAYER_CANNOT_PAY", "COMPLIANCE_VIOLATION"] {
        let stub = Stub::start([token(), unprocessable(issue)]).await;
        let error = payments(&stub.base).capture(&payment(PaymentProvider::Paypal), now()).await.unwrap_err();
        assert_eq!(error, ProviderError::Declined { provider: PaymentProvider::Paypal, code: issue.to_owned() });
    }
    let stub = Stub::start([token(), unprocessable("PAYEE_ACCOUNT_RESTRICTED")]).await;
    let error = payments(&stub.base).capture(&payment(PaymentProvider::Paypal), now()).await.unwrap_err();
    assert!(error.to_string().contains("422 PAYEE_ACCOUNT_RESTRICTED") && !error.retryable(), "{error}");
}

#[tokio::test]
async fn an_order_that_was_never_made_captures_nothing() {
    let never = Payment { checkout: None, ..payment(PaymentProvider::Paypal) };
    assert_eq!(payments("http://127.0.0.1:9").capture(&never, now()).await.unwrap().facts, []);
}

#[tokio::test]
async fn a_token_is_kept_until_it_expires_and_one_that_was_revoked_is_replaced_once() {
    let open = || (200, order("CREATED", json!([]), json!([])));
    let revoked = || (401, json!({ "error": "invalid_token" }));
    let stub = Stub::start([
        token(),
        open(),
        open(),
        token(),
        open(),
        revoked(),
        token(),
        open(),
        revoked(),
        token(),
        revoked(),
    ]);
    let stub = stub.await;
    let payments = payments(&stub.base);
    let ask = async |minutes| {
        payments.poll(&payment(PaymentProvider::Paypal), now() + SignedDuration::from_mins(minutes)).await
    };
    for minutes in [0, 538, 539, 540] {
        ask(minutes).await.unwrap();
    }
    assert_eq!(ask(541).await.unwrap_err(), ProviderError::WrongKeys(PaymentProvider::Paypal));
    let tokens = stub.lines().into_iter().filter(|line| line == "POST /v1/oauth2/token").count();
    assert_eq!((tokens, stub.lines().len()), (4, 11));
}

#[tokio::test]
async fn wrong_keys_are_named_and_not_shown() {
    let stub = Stub::start([(401, json!({ "error": "invalid_client", "error_description": "hush" }))]).await;
    let error = payments(&stub.base).poll(&payment(PaymentProvider::Paypal), now()).await.unwrap_err().to_string();
    assert!(error.contains("paypal_client_secret") && !error.contains("hush"), "{error}");
}
