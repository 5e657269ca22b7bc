//! The events of PayPal's webhook, in the form of PayPal's samples.

use domain::{
    money::{Currency, Money},
    payments::payment::{PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, RefundState},
};
use payments::{
    Keys, MessageClaim, PaymentProviders, PaypalEvent, PaypalSignature, ProviderReport, Verification, WebhookError,
    WebhookEvent, read_paypal_event,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{now, payment, payments, settings, stub::Stub};

const CAPTURE: &str = "4L335234718889942";
const REFUND: &str = "09E71677NS257044M";

fn ours() -> String {
    payment(PaymentProvider::Paypal).id.to_string()
}

fn event(kind: &str, resource_type: &str, resource: &Value) -> String {
    json!({
        "id": "WH-6F207351SC284371F-0KX52201050121307",
        "event_version": "1.0",
        "create_time": "2018-08-15T21:30:35.780Z",
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": kind,
        "summary": "A $ 2.51 USD capture payment was reversed",
        "resource": resource,
        "links": [{"href": "https://api.paypal.com/v1/notifications/webhooks-events/WH-6F2", "rel": "self", "method": "GET"}],
    })
    .to_string()
}

fn with(mut resource: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        resource[name] = value.clone();
    }
    resource
}

fn capture(fields: &Value) -> Value {
    let capture = json!({
        "id": CAPTURE,
        "status": "COMPLETED",
        "amount": {"currency_code": "USD", "value": "20.00"},
        "final_capture": true,
        "seller_protection": {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED"]},
        "supplementary_data": {"related_ids": {"order_id": "1W5313654M9708630"}},
        "seller_receivable_breakdown": {"gross_amount": {"currency_code": "USD", "value": "20.00"}},
        "custom_id": ours(),
        "invoice_id": ours(),
        "create_time": "2026-11-22T18:59:00Z",
        "update_time": "2026-11-22T18:59:00Z",
        "links": [
            {"href": format!("https://api.paypal.com/v2/payments/captures/{CAPTURE}"), "rel": "self", "method": "GET"},
            {"href": "https://api.paypal.com/v2/checkout/orders/1W5313654M9708630", "rel": "up", "method": "GET"},
        ],
    });
    with(capture, fields)
}

/// As in PayPal's sample, without our ids.
fn refund(fields: &Value) -> Value {
    let refund = json!({
        "seller_payable_breakdown": {
            "gross_amount": {"currency_code": "USD", "value": "2.51"},
            "total_refunded_amount": {"currency_code": "USD", "value": "2.51"},
        },
        "amount": {"currency_code": "USD", "value": "2.51"},
        "update_time": "2018-08-15T14:30:10-07:00",
        "create_time": "2018-08-15T14:30:10-07:00",
        "links": [
            {"href": format!("https://api.paypal.com/v2/payments/refunds/{REFUND}"), "rel": "self", "method": "GET"},
            {"href": format!("https://api.paypal.com/v2/payments/captures/{CAPTURE}"), "rel": "up", "method": "GET"},
        ],
        "id": REFUND,
        "status": "COMPLETED",
    });
    with(refund, fields)
}

fn read(kind: &str, resource: &Value) -> PaypalEvent {
    read_paypal_event(event(kind, "any", resource).as_bytes()).unwrap()
}

fn reported(kind: &str, resource: &Value) -> Result<Vec<WebhookEvent>, WebhookError> {
    read(kind, resource).events
}

fn about_the_payment(fact: PaymentFact) -> Result<Vec<WebhookEvent>, WebhookError> {
    let reference = PaymentReference::Payment(payment(PaymentProvider::Paypal).id);
    Ok(vec![WebhookEvent::Report(reference, fact.into())])
}

fn about_the_capture(fact: PaymentFact) -> Result<Vec<WebhookEvent>, WebhookError> {
    Ok(vec![WebhookEvent::Report(captured(), fact.into())])
}

fn captured() -> PaymentReference {
    PaymentReference::Transaction(PaymentProvider::Paypal, CAPTURE.to_owned())
}

#[test]
fn pp7_completed_capture_is_paid_and_a_denied_one_failed() {
    let price = Money::new(2000, Currency::Usd);
    let paid = PaymentFact::Paid(PaymentReceipt {
        provider: PaymentProvider::Paypal,
        net: price,
        total: price,
        transaction: CAPTURE.to_owned(),
        billing_email: None,
        country: None,
        at: "2026-11-22T18:59:00Z".parse().unwrap(),
    });
    let completed = "PAYMENT.CAPTURE.COMPLETED";
    assert_eq!(reported(completed, &capture(&json!({}))), about_the_payment(paid.clone()));
    assert_eq!(reported(completed, &capture(&json!({"custom_id": null}))), about_the_payment(paid));
    for (kind, fact) in [
        ("PAYMENT.CAPTURE.PENDING", PaymentFact::Pending),
        ("PAYMENT.CAPTURE.DENIED", PaymentFact::Failed),
        ("PAYMENT.CAPTURE.DECLINED", PaymentFact::Failed),
    ] {
        assert_eq!(reported(kind, &capture(&json!({}))), about_the_payment(fact));
    }
    let foreign = capture(&json!({"custom_id": "order 7", "invoice_id": null}));
    assert_eq!(reported(completed, &foreign), Ok(vec![]));
    let other = capture(&json!({"amount": {"currency_code": "CHF", "value": "20.00"}}));
    let reference = PaymentReference::Payment(payment(PaymentProvider::Paypal).id);
    assert_eq!(reported(completed, &other), Ok(vec![WebhookEvent::OtherCurrency(reference)]));
    for broken in [json!({"create_time": null}), json!({"amount": {"currency_code": "USD", "value": "20.001"}})] {
        assert!(reported(completed, &capture(&broken)).is_err(), "{broken}");
    }
}

#[test]
fn pp8_refund_or_reversal_has_the_id_that_ipn_gives_it() {
    let amount = Money::new(251, Currency::Usd);
    let refunded = |state| PaymentFact::Refund { id: REFUND.to_owned(), amount, state };
    for (kind, status, state) in [
        ("PAYMENT.CAPTURE.REFUNDED", "COMPLETED", RefundState::Succeeded),
        ("PAYMENT.REFUND.PENDING", "PENDING", RefundState::Succeeded),
        ("PAYMENT.REFUND.FAILED", "FAILED", RefundState::Reverted),
        ("PAYMENT.REFUND.CANCELLED", "CANCELLED", RefundState::Reverted),
    ] {
        assert_eq!(reported(kind, &refund(&json!({"status": status}))), about_the_capture(refunded(state)), "{kind}");
    }
    let reversal = PaymentFact::Reversal { id: REFUND.to_owned(), amount };
    for value in ["2.51", "-2.51"] {
        let sample =
            refund(&json!({"amount": {"currency_code": "USD", "value": value}, "note_to_payer": "Payment reversed"}));
        assert_eq!(reported("PAYMENT.CAPTURE.REVERSED", &sample), about_the_capture(reversal.clone()));
    }
    // Without the link to the capture our own id is enough.
    let linked = refund(&json!({"links": [], "custom_id": ours()}));
    assert_eq!(reported("PAYMENT.CAPTURE.REFUNDED", &linked), about_the_payment(refunded(RefundState::Succeeded)));
    let unknown = reported("PAYMENT.REFUND.FAILED", &refund(&json!({"status": "ODD"})));
    assert_eq!(unknown, Ok(vec![WebhookEvent::UnknownValue("refund.status")]));
}

#[test]
fn pp9_dispute_is_a_case_of_each_transaction() {
    let dispute = json!({
        "disputed_transactions": [
            {"seller_transaction_id": CAPTURE, "seller": {"merchant_id": "RD465XN5VS364"}, "items": []},
            {"buyer_transaction_id": "1"},
        ],
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "dispute_amount": {"currency_code": "USD", "value": "3.00"},
        "dispute_id": "PP-000-042-663-135",
        "dispute_life_cycle_stage": "INQUIRY",
        "status": "OPEN",
    });
    for kind in ["CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.UPDATED", "CUSTOMER.DISPUTE.RESOLVED"] {
        let id = || "PP-000-042-663-135".to_owned();
        assert_eq!(reported(kind, &dispute), about_the_capture(PaymentFact::Case { id: id() }));
        let mut due = dispute.clone();
        due["seller_response_due_date"] = json!("2026-12-10T08:00:00.000Z");
        let at = "2026-12-10T08:00:00Z".parse().unwrap();
        let facts = vec![PaymentFact::Case { id: id() }, PaymentFact::RespondBy { id: id(), at }];
        let report = ProviderReport { facts, instrument: None };
        assert_eq!(reported(kind, &due), Ok(vec![WebhookEvent::Report(captured(), report)]));
        due["seller_response_due_date"] = json!("soon");
        assert_eq!(reported(kind, &due), about_the_capture(PaymentFact::Case { id: id() }), "the case counts");
        assert_eq!(read(kind, &dispute).claim, MessageClaim { references: vec![captured()], is_paid: false });
    }
}

#[test]
fn pp10_approved_order_is_polled() {
    let order = json!({"id": "5O190127TN364715T", "status": "APPROVED", "purchase_units": [{"custom_id": ours()}]});
    let poll = WebhookEvent::Poll {
        payment: payment(PaymentProvider::Paypal).id,
        checkout: "5O190127TN364715T".to_owned(),
        paid: false,
    };
    assert_eq!(reported("CHECKOUT.ORDER.APPROVED", &order), Ok(vec![poll]));
}

#[test]
fn pp11_event_claims_to_be_about_what_it_names() {
    let own = PaymentReference::Payment(payment(PaymentProvider::Paypal).id);
    let paid = read("PAYMENT.CAPTURE.COMPLETED", &capture(&json!({}))).claim;
    assert_eq!(paid, MessageClaim { references: vec![own, captured()], is_paid: true });
    let foreign = read("PAYMENT.CAPTURE.COMPLETED", &capture(&json!({"custom_id": null, "invoice_id": "7"}))).claim;
    assert_eq!(foreign, MessageClaim { references: vec![captured()], is_paid: false });
    let refund = read("PAYMENT.CAPTURE.REFUNDED", &refund(&json!({}))).claim;
    assert_eq!(refund, MessageClaim { references: vec![captured()], is_paid: false });
    assert_eq!(read("PAYMENT.SALE.COMPLETED", &json!({"id": 1})).claim, MessageClaim::default());
    for body in ["", "{", "[]", r#"{"event_type": 1}"#, r#"{"event_type": "PAYMENT.CAPTURE.COMPLETED"}"#] {
        assert!(read_paypal_event(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn p7_no_card_number_of_an_event_gets_into_a_fact() {
    let card = "4242424242424242";
    for name in ["id", "custom_id", "invoice_id", "note_to_payer", "status"] {
        for kind in ["PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"] {
            let read = format!("{:?}", read(kind, &capture(&json!({name: card}))));
            assert!(!read.contains(card), "{read}");
        }
    }
}

#[test]
fn pp11_no_event_breaks_the_reader() {
    proptest!(|(raw in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..900, byte in any::<u8>())| {
        let _ = read_paypal_event(&raw);
        let mut changed = event("PAYMENT.CAPTURE.COMPLETED", "capture", &capture(&json!({}))).into_bytes();
        let at = at % changed.len();
        changed[at] = byte;
        let _ = read_paypal_event(&changed);
    });
}

fn signature() -> Option<PaypalSignature> {
    let headers = [
        ("paypal-auth-algo", "SHA256withRSA"),
        ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"),
        ("paypal-transmission-id", "d938e770-8046-11e6-8103-6b62a8a99ac4"),
        ("paypal-transmission-sig", "eDOnWUj9FXOnr2naQnrdL7bhgejVSTwRbwbJ0kuk5wAtm2ZYkr7w5BSUDO7e5ZOs=="),
        ("paypal-transmission-time", "2016-09-21T22:00:46Z"),
    ];
    PaypalSignature::from_headers(|name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
}

const TOKEN: &str = r#"{"access_token": "A21AA", "expires_in": 32400}"#;

#[tokio::test]
async fn pp2_event_goes_back_byte_for_byte_with_its_signature() {
    // Spaces, escapes and the order of the fields must stay.
    let body = "{ \"b\" : 1.0, \"a\":\"\\u00e9\\/\" }";
    let stub =
        Stub::start_with([TOKEN, r#"{"verification_status": "SUCCESS"}"#].map(|answer| (200, answer.to_owned()))).await;
    let verified = payments(&stub.base).verify_paypal_event(body.as_bytes(), &signature().unwrap(), now()).await;
    assert_eq!(verified.unwrap(), Verification::Verified);
    let [_, asked] = stub.asked().try_into().ok().unwrap();
    assert_eq!(asked.line, "POST /v1/notifications/verify-webhook-signature");
    let sent = String::from_utf8(asked.body.to_vec()).unwrap();
    assert!(sent.ends_with(&format!(",\"webhook_event\":{body}}}")), "{sent}");
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent["webhook_id"], "8PT597110X687430LKGECATA");
    assert_eq!(sent["auth_algo"], "SHA256withRSA");
    assert_eq!(sent["transmission_id"], "d938e770-8046-11e6-8103-6b62a8a99ac4");
    assert_eq!(sent["transmission_time"], "2016-09-21T22:00:46Z");
}

#[tokio::test]
async fn pp3_only_paypals_two_statuses_are_answers() {
    for (status, body, expected) in [
        (200, r#"{"verification_status": "SUCCESS"}"#, Some(Verification::Verified)),
        (200, r#"{"verification_status": "FAILURE"}"#, Some(Verification::Invalid)),
        (400, r#"{"name": "VALIDATION_ERROR"}"#, Some(Verification::Invalid)),
        (200, r#"{"verification_status": "success"}"#, Some(Verification::Unknown)),
        (200, "SUCCESS", Some(Verification::Unknown)),
        (302, r#"{"verification_status": "SUCCESS"}"#, None),
        (503, r#"{"verification_status": "SUCCESS"}"#, None),
        (403, r#"{"verification_status": "SUCCESS"}"#, None),
    ] {
        let stub = Stub::start_with([(200, TOKEN.to_owned()), (status, body.to_owned())]).await;
        let verified = payments(&stub.base).verify_paypal_event(b"{}", &signature().unwrap(), now()).await;
        assert_eq!(verified.ok(), expected, "{status} {body}");
    }
    let without = super::KEYS.replace("8PT597110X687430LKGECATA", "");
    let without = PaymentProviders::new(settings("http://127.0.0.1:9"), Keys::parse(&without).unwrap()).unwrap();
    assert!(!without.has_paypal_webhook() && payments("http://127.0.0.1:9").has_paypal_webhook());
    let verified = without.verify_paypal_event(b"{}", &signature().unwrap(), now()).await;
    assert_eq!(verified.unwrap(), Verification::Unknown);
}

#[test]
fn pp2_headers_that_paypal_would_not_send_are_no_signature() {
    assert!(signature().is_some());
    assert_eq!(PaypalSignature::from_headers(|name| (name != "paypal-auth-algo").then_some("x")), None);
    assert_eq!(PaypalSignature::from_headers(|_| Some("")), None);
    let long = "x".repeat(501);
    assert_eq!(PaypalSignature::from_headers(|_| Some(long.as_str())), None);
}
