//! The events of Stripe.

use domain::{
    money::{Currency, Money},
    payments::payment::{Dispute, DisputeOutcome, PaymentFact, PaymentProvider, PaymentReference, RefundState},
};
use payments::{HANDLED_EVENTS, WebhookError, WebhookEvent};
use ring::hmac;
use serde_json::{Value, json};

use super::{CHECKOUT, example, now, offline, offline_live, payment, payments, stub::Stub};

const INTENT: &str = "pi_1PgafyB7WZ01zgkW";

fn event(kind: &str, object: Value) -> Value {
    example("event", json!({ "type": kind, "data": { "object": object } }))
}

fn signature(body: &str, secret: &str, age_s: i64) -> String {
    let time = now().as_second() - age_s;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let hex = hex::encode(tag);
    format!("t={time},v1={hex}")
}

fn read(event: &Value) -> Result<WebhookEvent, WebhookError> {
    let body = event.to_string();
    offline().read_event(body.as_bytes(), &signature(&body, "whsec_new", 0), now())
}

fn session(kind: &str, payment_status: &str) -> WebhookEvent {
    let fields = json!({ "client_reference_id": payment(PaymentProvider::Stripe).id, "id": CHECKOUT, "payment_status": payment_status });
    read(&event(kind, example("checkout.session", fields))).unwrap()
}

fn about_the_transaction(notice: Result<WebhookEvent, WebhookError>) -> PaymentFact {
    match notice {
        Ok(WebhookEvent::Report(PaymentReference::Transaction(PaymentProvider::Stripe, intent), said))
            if intent == INTENT =>
        {
            said.facts.into_iter().next().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn refund(kind: &str, status: &str) -> PaymentFact {
    let fields = json!({ "id": "re_1", "amount": 500, "payment_intent": INTENT, "status": status });
    about_the_transaction(read(&event(kind, example("refund", fields))))
}

fn dispute(kind: &str, status: &str) -> Dispute {
    settled(kind, status, &[])
}

/// A dispute with these movements of the operator's balance.
fn settled(kind: &str, status: &str, moved: &[i64]) -> Dispute {
    let moved: Vec<_> =
        moved.iter().map(|amount| json!({ "amount": amount, "currency": "eur", "fee": 1500 })).collect();
    let fields = json!({ "id": "du_1", "amount": 2000, "payment_intent": INTENT, "status": status, "balance_transactions": moved });
    let kind = format!("charge.dispute.{kind}");
    match about_the_transaction(read(&event(&kind, example("dispute", fields)))) {
        PaymentFact::Dispute { id, currency: Currency::Usd, dispute } if id == "du_1" => dispute,
        other => panic!("{other:?}"),
    }
}

#[test]
fn s2_a_purchase_is_asked_about_and_one_that_failed_is_closed() {
    let id = payment(PaymentProvider::Stripe).id;
    let ask = |paid| WebhookEvent::Poll { payment: id, checkout: CHECKOUT.to_owned(), paid };
    assert_eq!(session("checkout.session.completed", "unpaid"), ask(false));
    assert_eq!(session("checkout.session.completed", "paid"), ask(true));
    assert_eq!(session("checkout.session.async_payment_succeeded", "paid"), ask(true));
    let closed = |fact: PaymentFact| WebhookEvent::Report(PaymentReference::Payment(id), fact.into());
    assert_eq!(session("checkout.session.async_payment_failed", "unpaid"), closed(PaymentFact::Failed));
    assert_eq!(session("checkout.session.expired", "unpaid"), closed(PaymentFact::Expired));
}

#[test]
fn s8_dispute_says_until_when_it_can_be_answered() {
    let reported = |due_by: &serde_json::Value| {
        let fields = json!({ "id": "du_1", "payment_intent": INTENT, "evidence_details": { "due_by": due_by } });
        match read(&event("charge.dispute.created", example("dispute", fields))) {
            Ok(WebhookEvent::Report(_, report)) => report.facts.into_iter().nth(1),
            other => panic!("{other:?}"),
        }
    };
    let at = "2024-08-14T23:59:59Z".parse().unwrap();
    assert_eq!(reported(&json!(1_723_679_999)), Some(PaymentFact::RespondBy { id: "du_1".to_owned(), at }));
    // The bank allows no response.
    for none in [json!(0), json!(null)] {
        assert_eq!(reported(&none), None);
    }
}

#[test]
fn s4_an_event_grants_nothing_by_itself_and_is_refused_about_the_other_kind_of_money() {
    let body = event("checkout.session.completed", example("checkout.session", json!({}))).to_string();
    let signature = signature(&body, "whsec_new", 0);
    assert_eq!(offline_live().read_event(body.as_bytes(), &signature, now()), Err(WebhookError::Mode));
    let live = example("event", json!({ "livemode": true, "type": "x" }));
    assert_eq!(read(&live), Err(WebhookError::Mode));
}

#[test]
fn s4_a_session_that_is_not_ours_is_nothing() {
    for reference in [json!(null), json!("someone's cart"), json!("")] {
        for kind in ["checkout.session.completed", "checkout.session.expired"] {
            let session = example("checkout.session", json!({ "client_reference_id": reference }));
            assert_eq!(read(&event(kind, session)), Ok(WebhookEvent::Ignored));
        }
    }
    let stranger = example("refund", json!({ "payment_intent": null }));
    assert_eq!(read(&event("refund.created", stranger)), Ok(WebhookEvent::Ignored));
}

#[test]
fn s4_another_currency_is_told_to_the_caller_with_the_transaction() {
    let transaction = PaymentReference::Transaction(PaymentProvider::Stripe, INTENT.to_owned());
    for (kind, object) in [("refund.created", "refund"), ("charge.dispute.created", "dispute")] {
        let crowns = example(object, json!({ "payment_intent": INTENT, "currency": "sek" }));
        assert_eq!(read(&event(kind, crowns)), Ok(WebhookEvent::OtherCurrency(transaction.clone())));
    }
}

#[test]
fn s5_unknown_values_are_named_and_never_sent_again() {
    let read = |kind: &str, object: &str, status: Value| {
        read(&event(kind, example(object, json!({ "payment_intent": INTENT, "status": status }))))
    };
    for status in [json!(null), json!("reversed_by_bank")] {
        assert_eq!(read("refund.updated", "refund", status), Ok(WebhookEvent::UnknownValue("refund.status")));
    }
    let arbitrated = read("charge.dispute.updated", "dispute", json!("arbitration_under_review"));
    assert_eq!(arbitrated, Ok(WebhookEvent::UnknownValue("dispute.status")));
}

#[test]
fn s5_thin_events_are_ignored() {
    let thin = json!({
        "id": "evt_test_65R2GpwDsnmpzihMjdT16R2GDhI4SQdXJGRbvn7JA8mPEm",
        "object": "v2.core.event",
        "type": "v1.charge.dispute.created",
        "created": "2026-11-22T18:58:00.000Z",
        "related_object": { "id": "du_1", "type": "dispute", "url": "/v1/disputes/du_1" },
    });
    assert_eq!(read(&thin), Ok(WebhookEvent::Ignored));
    assert_eq!(read(&json!({ "type": "refund.created" })), Err(WebhookError::Unreadable("livemode")));
}

#[test]
fn s5_the_signature_is_over_the_very_bytes_within_five_minutes_by_any_secret() {
    let body = event("plan.created", json!({})).to_string();
    let check = |body: &str, header: &str, expected: Result<WebhookEvent, WebhookError>| {
        assert_eq!(offline().read_event(body.as_bytes(), header, now()), expected, "{header}");
    };
    let good = signature(&body, "whsec_new", 0);
    let (time, tag) = good.split_once(',').unwrap();
    check(&body, &good, Ok(WebhookEvent::Ignored));
    check(&body, &signature(&body, "whsec_old", 0), Ok(WebhookEvent::Ignored));
    for age_s in [300, -300] {
        check(&body, &signature(&body, "whsec_new", age_s), Ok(WebhookEvent::Ignored));
    }
    check(&body, &format!("{time},v1={},{tag},v0=x", "0".repeat(64)), Ok(WebhookEvent::Ignored));

    for age_s in [301, -301, now().as_second()] {
        check(&body, &signature(&body, "whsec_new", age_s), Err(WebhookError::Stale));
    }
    check(&format!("{body} "), &good, Err(WebhookError::Forged));
    check(&body, &signature(&body, "whsec_wrong", 0), Err(WebhookError::Forged));
    check(&body, &signature("{}", "whsec_new", 0), Err(WebhookError::Forged));
    check(&body, &format!("t={},{tag}", now().as_second() - 1), Err(WebhookError::Forged));
    let old = tag.replace("v1", "v0");
    for header in
        ["", "t=", time, tag, "t=x,v1=y", &format!("{time},{old}"), &format!("{time},{time},{tag}"), &good[..79]]
    {
        check(&body, header, Err(WebhookError::Unsigned));
    }
}

#[test]
fn s5_only_our_own_failures_make_stripe_send_again() {
    for error in [WebhookError::Unsigned, WebhookError::Forged, WebhookError::Stale, WebhookError::Mode] {
        assert!(!error.retryable());
    }
    assert_eq!(read(&json!({})), Err(WebhookError::Unreadable("type")));
    let unreadable = read(&event("refund.created", json!({ "id": "re_1" })));
    assert_eq!(unreadable, Err(WebhookError::Unreadable("object")));
    assert!(WebhookError::Unreadable("object").retryable());
}

#[test]
fn s5_an_event_that_is_not_handled_is_nothing_and_all_that_are_handled_are_something() {
    for kind in ["charge.refunded", "invoice.paid", "payment_intent.succeeded", ""] {
        assert_eq!(read(&event(kind, json!({ "any": "thing" }))), Ok(WebhookEvent::Ignored), "{kind}");
    }
    for kind in HANDLED_EVENTS {
        assert_eq!(read(&event(kind, json!(null))), Err(WebhookError::Unreadable("object")), "{kind}");
    }
}

#[test]
fn s7_a_refund_is_known_by_its_id_and_is_undone_when_it_fails() {
    let fact = |state| PaymentFact::Refund { id: "re_1".to_owned(), amount: Money::new(500, Currency::Usd), state };
    for status in ["pending", "requires_action", "succeeded"] {
        assert_eq!(refund("refund.created", status), fact(RefundState::Succeeded));
    }
    assert_eq!(refund("refund.failed", "failed"), fact(RefundState::Reverted));
    assert_eq!(refund("refund.updated", "canceled"), fact(RefundState::Reverted));
    assert_eq!(refund("charge.refund.updated", "failed"), fact(RefundState::Reverted));
}

#[test]
fn s8_an_inquiry_takes_nothing() {
    for status in ["warning_needs_response", "warning_under_review", "warning_closed", "prevented"] {
        assert_eq!(dispute("updated", status), Dispute { amount: 2000, ..Dispute::default() }, "{status}");
    }
}

#[test]
fn s8_a_dispute_is_open_until_it_is_won_or_lost_and_its_money_is_in_its_balance_transactions() {
    let open = Dispute { amount: 2000, formal: true, ..Dispute::default() };
    for status in ["needs_response", "under_review", "appeal_needs_response", "appeal_under_review"] {
        assert_eq!(dispute("updated", status), open, "{status}");
    }
    // The event tells of a withdrawal that the dispute does not list yet.
    let withdrawn = |money_withdrawn| Dispute { money_withdrawn, ..open };
    assert_eq!(dispute("funds_withdrawn", "needs_response"), withdrawn(2000));
    assert_eq!(settled("funds_withdrawn", "needs_response", &[-1700]), withdrawn(1700));
    let reinstated = Dispute { money_reinstated: 1700, ..withdrawn(1700) };
    assert_eq!(settled("funds_reinstated", "under_review", &[-1700, 1700]), reinstated);
    assert_eq!(dispute("closed", "won"), Dispute { outcome: Some(DisputeOutcome::Won), ..open });
    assert_eq!(dispute("closed", "lost"), Dispute { outcome: Some(DisputeOutcome::Lost), ..open });
}

#[test]
fn s8_a_lost_dispute_is_reinstated_by_what_was_refunded_before() {
    let lost = settled("funds_reinstated", "lost", &[-1700, 680]);
    let expected = Dispute {
        amount: 2000,
        formal: true,
        money_withdrawn: 1700,
        money_reinstated: 680,
        outcome: Some(DisputeOutcome::Lost),
    };
    assert_eq!(lost, expected);
}

#[test]
fn s9_an_early_fraud_warning_is_one() {
    let warning = example("radar.early_fraud_warning", json!({ "id": "issfr_1", "payment_intent": INTENT }));
    let fact = about_the_transaction(read(&event("radar.early_fraud_warning.created", warning)));
    assert_eq!(fact, PaymentFact::FraudWarning { id: "issfr_1".to_owned() });
}

#[test]
fn p7_a_card_number_in_place_of_an_id_is_not_kept() {
    for id in ["4242424242424242", "re_4242424242424242", "re_ my card", ""] {
        for fields in [json!({ "id": id, "payment_intent": INTENT }), json!({ "payment_intent": id })] {
            let refused = read(&event("refund.created", example("refund", fields)));
            assert_eq!(refused, Err(WebhookError::Unreadable("id")), "{id}");
        }
    }
}

#[tokio::test]
async fn s11_lists_are_read_as_events_page_by_page() {
    let refund = |id: &str| {
        example(
            "refund",
            json!({"id": id, "amount": 5, "currency": "usd", "status": "failed", "payment_intent": "pi_1"}),
        )
    };
    let dispute = example(
        "dispute",
        json!({"id": "du_1", "amount": 7, "currency": "usd", "status": "lost", "payment_intent": "pi_1", "balance_transactions": []}),
    );
    let warning = example("radar.early_fraud_warning", json!({"id": "issfr_1", "payment_intent": "pi_1"}));
    let event = json!({"id": "evt_1", "type": "radar.early_fraud_warning.created", "livemode": false, "data": {"object": warning}});
    let page = |data: Vec<Value>, has_more: bool| (200, json!({"object": "list", "data": data, "has_more": has_more}));
    let stub = Stub::start([
        page(vec![refund("re_1")], true),
        page(vec![refund("re_2"), json!({"id": "re_3"})], false),
        page(vec![dispute], false),
        page(vec![event], false),
    ])
    .await;
    let (from, to) = (now() - jiff::SignedDuration::from_hours(3), now());
    let listed = payments(&stub.base).list_stripe((from, to)).await.unwrap();
    let reference = PaymentReference::Transaction(PaymentProvider::Stripe, "pi_1".to_owned());
    let names: Vec<_> = listed
        .iter()
        .map(|event| match event {
            WebhookEvent::Report(about, report) if *about == reference => report.facts[0].name(),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = [
        "refund-re_1-undone",
        "refund-re_2-undone",
        "UnknownValue(\"object of a list\")",
        "dispute-du_1-7-0-0-lost",
        "warning-issfr_1",
    ];
    assert_eq!(names, expected);
    let lines = stub.lines();
    let created =
        |line: &str| line.contains(&from.as_second().to_string()) && line.contains(&to.as_second().to_string());
    assert!(lines.iter().all(|line| created(line) && line.contains("limit=100")), "{lines:?}");
    assert!(!lines[0].contains("starting_after") && lines[1].contains("starting_after=re_1"), "{lines:?}");
    assert!(lines[3].starts_with("GET /v1/events?") && lines[3].contains("delivery_success=false"), "{lines:?}");
    for kind in HANDLED_EVENTS {
        assert!(lines[3].contains(kind), "{kind} is not listed");
    }
}
