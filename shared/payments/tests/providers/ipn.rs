//! The messages of PayPal.

use domain::{
    money::{Currency, Money},
    payments::payment::{Mismatch, PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, RefundState},
};
use payments::{IpnError, MessageClaim, ProviderReport, Verification, WebhookEvent, ipn_claim, ipn_has_card_number};
use proptest::prelude::*;

use super::{now, offline, offline_live, payment, payments, stub::Stub};

const PARENT: &str = "8MC585209K746392H";
const CHILD: &str = "4XY11122B3334445C";

/// A message with these fields instead of the usual ones; an empty value leaves the field out.
fn message(fields: &[(&str, &str)]) -> String {
    let id = payment(PaymentProvider::Paypal).id.to_string();
    let mut all = vec![
        ("payment_type", "instant"),
        ("payment_date", "10:59:00 Nov 22, 2026 PST"),
        ("payment_status", "Completed"),
        ("first_name", "Jos\u{e9}"),
        ("payer_email", "jo@b.example"),
        ("residence_country", "DE"),
        ("receiver_email", "seller@darkroom.example"),
        ("receiver_id", "S8XGHLYDW9T3S"),
        ("mc_currency", "USD"),
        ("mc_gross", "20.00"),
        ("txn_id", PARENT),
        ("txn_type", "express_checkout"),
        ("invoice", &id),
        ("custom", &id),
        ("charset", "windows-1252"),
        ("test_ipn", "1"),
    ];
    for field in fields {
        all.retain(|(name, _)| *name != field.0);
        all.push(*field);
    }
    let filled = all.into_iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish().replace("%C3%A9", "%E9")
}

fn read(fields: &[(&str, &str)]) -> Result<WebhookEvent, IpnError> {
    offline().read_ipn(message(fields).as_bytes())
}

fn child(status: &str, gross: &str) -> PaymentFact {
    let fields = [
        ("payment_status", status),
        ("txn_id", CHILD),
        ("parent_txn_id", PARENT),
        ("mc_gross", gross),
        ("txn_type", ""),
    ];
    about_the_transaction(read(&fields))
}

fn about_the_transaction(notice: Result<WebhookEvent, IpnError>) -> PaymentFact {
    match notice {
        Ok(WebhookEvent::Report(PaymentReference::Transaction(PaymentProvider::Paypal, parent), said))
            if parent == PARENT =>
        {
            said.facts.into_iter().next().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn about_the_payment(fact: PaymentFact) -> Result<WebhookEvent, IpnError> {
    Ok(WebhookEvent::Report(PaymentReference::Payment(payment(PaymentProvider::Paypal).id), fact.into()))
}

fn paid() -> PaymentFact {
    let price = Money::new(2000, Currency::Usd);
    PaymentFact::Paid(PaymentReceipt {
        provider: PaymentProvider::Paypal,
        net: price,
        total: price,
        transaction: PARENT.to_owned(),
        billing_email: Some("jo@b.example".to_owned()),
        country: Some("DE".to_owned()),
        at: "2026-11-22T18:59:00Z".parse().unwrap(),
    })
}

#[tokio::test]
async fn pp2_the_same_bytes_go_back_in_the_same_order_and_charset() {
    for (raw, charset) in [
        (&b"b=%E9&a=%zz&b=2"[..], "windows-1252"),
        (b"charset=UTF-8&a=1+2", "UTF-8"),
        (b"charset=evil%0d%0a&a=1", "windows-1252"),
        (b"\xff\xfe", "windows-1252"),
    ] {
        let stub = Stub::start_with([(200, "VERIFIED".to_owned())]).await;
        assert_eq!(payments(&stub.base).verify_ipn(raw).await.unwrap(), Verification::Verified);
        let [asked] = stub.asked().try_into().ok().unwrap();
        assert_eq!(asked.line, "POST /cgi-bin/webscr");
        assert_eq!(asked.body, [b"cmd=_notify-validate&", raw].concat());
        assert_eq!(asked.header("content-type"), format!("application/x-www-form-urlencoded; charset={charset}"));
        assert!(asked.header("user-agent").starts_with("darkroom-payments/"));
    }
}

#[tokio::test]
async fn pp3_only_paypals_two_words_are_answers() {
    for (status, body, expected) in [
        (200, "VERIFIED", Verification::Verified),
        (200, "INVALID", Verification::Invalid),
        (200, "VERIFIED, more or less", Verification::Unknown),
        (200, "", Verification::Unknown),
        (200, "<html>", Verification::Unknown),
        (302, "VERIFIED", Verification::Unknown),
        (403, "INVALID", Verification::Unknown),
        (500, "VERIFIED", Verification::Unknown),
    ] {
        // A second request, or one to another address, would get the other answer.
        let stub = Stub::start_with([(status, body.to_owned()), (200, "VERIFIED".to_owned())]).await;
        assert_eq!(payments(&stub.base).verify_ipn(b"a=1").await.unwrap(), expected, "{status} {body}");
    }
    assert_eq!(offline().verify_ipn(b"a=1").await.unwrap(), Verification::Unknown);
}

#[test]
fn pp4_what_is_verified_must_also_be_ours() {
    assert_eq!(read(&[("receiver_id", "OTHERMERCHANT")]), Err(IpnError::Receiver));
    assert_eq!(read(&[("receiver_id", "")]), Err(IpnError::Receiver));
    assert_eq!(read(&[("mc_gross", "twenty")]), Err(IpnError::Field("mc_gross")));
    assert_eq!(read(&[("mc_currency", "SEK")]), Err(IpnError::Field("mc_currency")));
    assert_eq!(read(&[("txn_id", "")]), Err(IpnError::Field("txn_id")));
    assert_eq!(read(&[("custom", "00000000-0000-0000-0000-000000000008")]), Err(IpnError::Field("custom")));
    assert_eq!(read(&[("custom", "a cart"), ("invoice", "17")]), Ok(WebhookEvent::Ignored));
}

#[test]
fn pp4_another_amount_or_currency_does_not_pay_the_payment() {
    let learned = |fields: &[(&str, &str)]| match read(fields).unwrap() {
        WebhookEvent::Report(_, said) => {
            payment(PaymentProvider::Paypal).with_fact(&said.facts[0], now()).map(|paid| paid.receipt.is_some())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(learned(&[]), Ok(true));
    assert_eq!(learned(&[("mc_gross", "19.99")]), Err(Mismatch("amount")));
    assert_eq!(learned(&[("mc_currency", "EUR")]), Err(Mismatch("currency")));
}

#[test]
fn pp5_test_money_is_refused_where_real_money_is_taken_and_the_other_way_round() {
    let test = message(&[]);
    let live = message(&[("test_ipn", "")]);
    assert_eq!(offline_live().read_ipn(test.as_bytes()), Err(IpnError::Mode));
    assert_eq!(offline_live().read_ipn(live.as_bytes()), about_the_payment(paid()));
    assert_eq!(offline().read_ipn(live.as_bytes()), Err(IpnError::Mode));
    assert_eq!(offline().read_ipn(test.as_bytes()), about_the_payment(paid()));
}

#[test]
fn pp6_pending_and_completed_of_one_transaction_are_two_facts_and_each_is_the_same_every_time() {
    for _ in 0..2 {
        assert_eq!(read(&[("payment_status", "Pending")]), about_the_payment(PaymentFact::Pending));
        assert_eq!(read(&[]), about_the_payment(paid()));
    }
}

#[test]
fn pp7_only_completed_is_paid() {
    for (status, fact) in [
        ("Denied", PaymentFact::Failed),
        ("Failed", PaymentFact::Failed),
        ("Voided", PaymentFact::Failed),
        ("Expired", PaymentFact::Expired),
        ("Pending", PaymentFact::Pending),
    ] {
        assert_eq!(read(&[("payment_status", status)]), about_the_payment(fact), "{status}");
    }
    for status in ["Created", "Processed", ""] {
        assert_eq!(read(&[("payment_status", status)]), Ok(WebhookEvent::Ignored), "{status}");
    }
    for status in ["completed", "Something"] {
        assert_eq!(read(&[("payment_status", status)]), Ok(WebhookEvent::UnknownValue("payment_status")), "{status}");
    }
}

#[test]
fn p12_who_pays_is_counted_and_named_nowhere_else() {
    let payer = ("payer_id", "QYR5Z8XDVJNXQ");
    let said = |fields: &[(&str, &str)]| match read(fields).unwrap() {
        WebhookEvent::Report(_, said) => said,
        other => panic!("{other:?}"),
    };
    assert_eq!(said(&[payer]), ProviderReport { facts: vec![paid()], instrument: Some("QYR5Z8XDVJNXQ".to_owned()) });
    assert_eq!(said(&[payer, ("payment_status", "Pending")]), PaymentFact::Pending.into());
}

#[test]
fn pp7_the_time_of_the_payment_is_in_pacific_time() {
    for (written, time) in [
        ("23:59:59 Dec 31, 2026 PST", Some("2027-01-01T07:59:59Z")),
        ("01:02:03 Jul 4, 2026 PDT", Some("2026-07-04T08:02:03Z")),
        ("01:02:03 Jul 4, 2026 CET", None),
        ("yesterday", None),
        ("", None),
    ] {
        let at = match read(&[("payment_date", written)]) {
            Ok(WebhookEvent::Report(_, said)) => said.facts.into_iter().find_map(|fact| match fact {
                PaymentFact::Paid(receipt) => Some(receipt.at.to_string()),
                _ => None,
            }),
            other => {
                assert_eq!(other, Err(IpnError::Field("payment_date")));
                None
            }
        };
        assert_eq!(at.as_deref(), time, "{written}");
    }
}

#[test]
fn pp8_what_goes_back_and_comes_again_is_found_by_its_parent() {
    let (id, money) = (|| CHILD.to_owned(), |amount| Money::new(amount, Currency::Usd));
    let refund = |amount| PaymentFact::Refund { id: id(), amount: money(amount), state: RefundState::Succeeded };
    assert_eq!(child("Refunded", "-5.01"), refund(501));
    assert_eq!(child("Partially_Refunded", "-5.01"), refund(501));
    assert_eq!(child("Reversed", "-20.00"), PaymentFact::Reversal { id: id(), amount: money(2000) });
    assert_eq!(child("Canceled_Reversal", "20.00"), PaymentFact::Restoration { id: id(), amount: money(2000) });
    assert_eq!(read(&[("payment_status", "Refunded")]), Err(IpnError::Field("parent_txn_id")));
}

#[test]
fn pp9_a_case_moves_nothing() {
    let case = read(&[("txn_type", "new_case"), ("payment_status", ""), ("case_id", "PP-D-27803")]);
    assert_eq!(about_the_transaction(case), PaymentFact::Case { id: "PP-D-27803".to_owned() });
}

/// A settled chargeback as PayPal sends it: without a receiver, the merchant as payer.
fn settlement(fields: &[(&'static str, &'static str)]) -> Result<WebhookEvent, IpnError> {
    let mut all = vec![
        ("txn_type", "adjustment"),
        ("reason_code", "chargeback_settlement"),
        ("txn_id", CHILD),
        ("parent_txn_id", PARENT),
        ("receiver_id", ""),
        ("receiver_email", ""),
        ("payer_id", "S8XGHLYDW9T3S"),
        ("payer_email", "seller@darkroom.example"),
        ("custom", ""),
        ("mc_gross", "-20.00"),
    ];
    all.extend(fields);
    let mut last: Vec<(&str, &str)> = Vec::new();
    for field in all {
        last.retain(|(name, _)| *name != field.0);
        last.push(field);
    }
    read(&last)
}

#[test]
fn pp9_a_settled_chargeback_reverses_and_a_restored_one_restores() {
    let money = Money::new(2000, Currency::Usd);
    let reference = PaymentReference::Transaction(PaymentProvider::Paypal, PARENT.to_owned());
    let reversed = |reference: &PaymentReference| {
        let reversal = PaymentFact::Reversal { id: CHILD.to_owned(), amount: money };
        let facts = vec![PaymentFact::Case { id: CHILD.to_owned() }, reversal];
        Ok(WebhookEvent::Report(reference.clone(), ProviderReport { facts, instrument: None }))
    };
    assert_eq!(settlement(&[]), reversed(&reference));
    let by_invoice = PaymentReference::Payment(payment(PaymentProvider::Paypal).id);
    assert_eq!(settlement(&[("parent_txn_id", "")]), reversed(&by_invoice));
    let restored = PaymentFact::Restoration { id: CHILD.to_owned(), amount: money };
    assert_eq!(settlement(&[("mc_gross", "20.00")]), Ok(WebhookEvent::Report(reference, restored.into())));
    assert_eq!(settlement(&[("parent_txn_id", ""), ("invoice", "")]), Ok(WebhookEvent::Ignored));
    assert_eq!(settlement(&[("payment_status", "Pending")]), Ok(WebhookEvent::Ignored));
}

#[test]
fn pp4_a_settlement_of_another_merchant_is_refused() {
    for fields in [[("payer_id", "OTHERMERCHANT")], [("payer_id", "")], [("receiver_id", "OTHERMERCHANT")]] {
        assert_eq!(settlement(&fields), Err(IpnError::Receiver), "{fields:?}");
    }
}

#[test]
fn pp11_a_message_claims_to_be_about_every_payment_that_it_names() {
    let ours = PaymentReference::Payment(payment(PaymentProvider::Paypal).id);
    let theirs = |id: &str| PaymentReference::Transaction(PaymentProvider::Paypal, id.to_owned());
    let claim = |fields: &[(&str, &str)]| ipn_claim(message(fields).as_bytes()).unwrap();
    assert_eq!(claim(&[]), MessageClaim { references: vec![ours.clone(), theirs(PARENT)], is_paid: true });
    let refund = [("payment_status", "Refunded"), ("parent_txn_id", PARENT), ("txn_id", CHILD)];
    let references = vec![ours, theirs(PARENT), theirs(CHILD)];
    assert_eq!(claim(&refund), MessageClaim { references, is_paid: false });
    let foreign = claim(&[("custom", "order 7"), ("invoice", "")]);
    assert_eq!(foreign, MessageClaim { references: vec![theirs(PARENT)], is_paid: false });
    // Another merchant, or the other kind of money, is for staff to see once PayPal says that it sent this.
    assert!(claim(&[("receiver_id", "OTHERMERCHANT"), ("test_ipn", "")]).is_paid);
}

#[test]
fn pp11_a_body_that_can_be_read_in_two_ways_is_refused() {
    let check = |raw: &[u8], error: IpnError| {
        assert_eq!(offline().read_ipn(raw), Err(error), "{}", String::from_utf8_lossy(&raw[..raw.len().min(60)]));
        assert_eq!(ipn_claim(raw), Err(error));
    };
    check(b"", IpnError::Empty);
    check(&vec![b'a'; 1024 * 1024], IpnError::TooLarge);
    check(format!("{}&txn_id=2", message(&[])).as_bytes(), IpnError::Duplicate);
    check(format!("{}&tx%6e_id=2", message(&[])).as_bytes(), IpnError::Duplicate);
    for broken in ["a=%", "a=%4", "a=%zz", "a", "a=1&&b=2", "a=1\nb=2", "a=\u{e9}", "{\"a\": 1}"] {
        check(broken.as_bytes(), IpnError::Encoding);
    }
    assert_eq!(read(&[("charset", "")]), about_the_payment(paid()));
}

#[test]
fn b2_amounts_are_read_in_their_currency() {
    let amount = |fields: &[(&str, &str)]| match read(fields) {
        Ok(WebhookEvent::Report(_, said)) => said.facts.into_iter().find_map(|fact| match fact {
            PaymentFact::Paid(receipt) => Some(receipt.total),
            _ => None,
        }),
        _ => None,
    };
    assert_eq!(amount(&[("mc_currency", "JPY"), ("mc_gross", "3000")]), Some(Money::new(3000, Currency::Jpy)));
    assert_eq!(amount(&[("mc_gross", "20.1")]), Some(Money::new(2010, Currency::Usd)));
    for wrong in ["20.001", "2e3", "1,000.00", "+20"] {
        assert_eq!(amount(&[("mc_gross", wrong)]), None, "{wrong}");
    }
    assert_eq!(amount(&[("mc_currency", "JPY"), ("mc_gross", "3000.00")]), None);
}

#[test]
fn p7_no_card_number_gets_into_a_fact() {
    let card = "4242424242424242";
    for name in ["txn_id", "parent_txn_id", "case_id", "payer_email", "memo", "first_name", "custom", "invoice"] {
        for kind in [("payment_status", "Completed"), ("payment_status", "Refunded"), ("txn_type", "new_case")] {
            let fields = [("parent_txn_id", PARENT), kind, (name, card)];
            let notice = format!("{:?}", read(&fields));
            assert!(!notice.contains(card), "{notice}");
            assert!(ipn_has_card_number(message(&fields).as_bytes()), "{name}");
        }
    }
    assert!(!ipn_has_card_number(message(&[("receipt_id", "4242-4242-4242-4242")]).as_bytes()));
}

#[test]
fn pp11_no_body_breaks_the_reader() {
    let payments = offline();
    proptest!(|(raw in proptest::collection::vec(any::<u8>(), 0..200), tail in "[a-z%&=0-9+]{0,80}")| {
        let _ = payments.read_ipn(&raw);
        let _ = payments.read_ipn(format!("{}&{tail}", message(&[])).as_bytes());
        let _ = ipn_has_card_number(&raw);
    });
}
