//! What takes money: the stand-in for Stripe and PayPal, one for all functions.

use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::{
    Credits, LedgerEntryId,
    accounts::account::Account,
    catalogue::packages,
    credits::ledger::LedgerEntry,
    money::Currency,
    payments::fraud::FraudRules,
    payments::payment::{Payment, PaymentFact, PaymentProvider, PaymentReceipt, PaymentReference, UnclaimedPayment},
    payments::settlement::{self, SettlementContext},
};
use fake_payments::{FakePayments, Options};
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use ring::hmac;
use runtime::clock;
use serde_json::{Value, json};

/// What Stripe's events are signed with.
const WEBHOOK_SECRET: &str = "whsec_example";
/// Whom PayPal's notifications are for.
const RECEIVER: &str = "EXAMPLESELLER";
const PAID: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a4";
const OPEN: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a5";
const HELD: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a6";
const CAPTURED: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a7";
const UNCLAIMED: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a8";
const NOTIFICATION: &str = "events/paypal-verify/completed.json";

/// What the secret with the keys of the payment providers holds.
#[must_use]
pub fn keys() -> Value {
    json!({
        "stripe_secret_key": "sk_test_example",
        "stripe_webhook_secrets": [WEBHOOK_SECRET],
        "paypal_client_id": "example",
        "paypal_client_secret": "example",
        "paypal_receiver_id": RECEIVER,
    })
}

/// Where the stand-in is. It is started by whoever asks first, and serves as long as this process.
///
/// # Errors
/// No port is free.
pub fn fake_payments() -> Result<&'static str> {
    static FAKE_PAYMENTS: OnceLock<FakePayments> = OnceLock::new();
    if let Some(fake_payments) = FAKE_PAYMENTS.get() {
        return Ok(fake_payments.base_url());
    }
    let options = Options {
        stripe_webhook_secret: WEBHOOK_SECRET.to_owned(),
        paypal_receiver_id: RECEIVER.to_owned(),
        ..Options::default()
    };
    let started = FakePayments::start(options)?;
    Ok(FAKE_PAYMENTS.get_or_init(|| started).base_url())
}

/// Has the stand-in's PayPal know the notification in the events as its own.
///
/// # Errors
/// The stand-in does not take it.
pub async fn know_notification() -> Result<()> {
    let event: Value = serde_json::from_slice(&std::fs::read(stack::workspace().join(NOTIFICATION))?)?;
    let text = |value: &Value, place: &str| value.pointer(place).and_then(Value::as_str).map(str::to_owned);
    let body = text(&event, "/Records/0/body").context("the event has no body")?;
    let raw = text(&serde_json::from_str(&body)?, "/raw").context("the body has no notification")?;
    let raw = STANDARD.decode(raw)?;
    // Somebody in this process may have chosen already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let request = client.post(format!("{}/control/paypal/messages", fake_payments()?));
    let answer = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(raw).send().await?;
    ensure!(answer.status().is_redirection(), "the stand-in does not take a notification: {}", answer.status());
    Ok(())
}

/// The event, and if it is one of Stripe's with a signature, signed anew: a signature is good for five minutes.
///
/// # Errors
/// It is no JSON.
pub fn signed(event: &[u8], now: Timestamp) -> Result<Bytes> {
    let mut event: Value = serde_json::from_slice(event)?;
    let body = event.pointer("/body").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(signature) = event.pointer_mut("/headers/stripe-signature")
        && !signature.as_str().is_some_and(|signature| signature.ends_with("00000000"))
    {
        let at = now.as_second();
        let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes());
        let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
        let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        *signature = format!("t={at},v1={tag}").into();
    }
    Ok(event.to_string().into())
}

/// An account after it bought, and what it bought with: a payment with Stripe and one with PayPal that are paid, one with
/// PayPal that is open, and one with Stripe that waits for staff.
///
/// # Errors
/// The domain refuses one of them.
pub fn sell(mut account: Account, now: Timestamp) -> Result<(Account, Vec<Payment>, Vec<LedgerEntry>)> {
    let (mut payments, mut entries) = (Vec::new(), Vec::new());
    for (id, rail, package, transaction, ceiling) in [
        (PAID, PaymentProvider::Stripe, "maker", Some("pi_3TExample0000000000000001"), i64::MAX),
        (OPEN, PaymentProvider::Paypal, "starter", None, i64::MAX),
        (CAPTURED, PaymentProvider::Paypal, "starter", Some("5YB12345CD678901F"), i64::MAX),
        (HELD, PaymentProvider::Stripe, "studio", Some("pi_3TExample0000000000000002"), 0),
    ] {
        let choice = packages::choose(package, Currency::Eur)?;
        let opened = Payment::open(id.parse()?, account.id, rail, choice, now).with_checkout(format!("checkout-{id}"));
        let Some(transaction) = transaction else {
            payments.push(opened);
            continue;
        };
        let receipt = PaymentReceipt {
            provider: rail,
            net: opened.price,
            total: opened.price,
            transaction: transaction.to_owned(),
            billing_email: Some("ada@example.com".to_owned()),
            country: Some("DE".to_owned()),
            at: now,
        };
        let rules = FraudRules {
            payments_per_hour: u32::MAX,
            cards_per_hour: u32::MAX,
            new_account_days: 1,
            new_account_credits: Credits(ceiling),
            lost_disputes: u32::MAX,
        };
        let around = SettlementContext { account: &account, others: &payments, cards_in_hour: 1, rules: &rules };
        let settled = settlement::apply_facts(
            &opened,
            &[PaymentFact::Paid(receipt)],
            around,
            LedgerEntryId(clock::uuid_at(now)),
            now,
        )?;
        let settled = settled.context("a payment that was not paid before was paid before")?;
        payments.push(settled.payment);
        entries.extend(settled.entry);
        account = settled.account.unwrap_or(account);
    }
    Ok((account, payments, entries))
}

/// Money that came for a payment that was gone.
///
/// # Errors
/// Its id is none.
pub fn unclaimed(now: Timestamp) -> Result<UnclaimedPayment> {
    Ok(UnclaimedPayment::new(UNCLAIMED.parse()?, PaymentProvider::Stripe, "cs_live_example".to_owned(), None, now))
}

/// What a payment is found by: its own id, and its transaction if it is paid.
#[must_use]
pub fn references(payment: &Payment) -> Vec<PaymentReference> {
    let transaction = payment.receipt.as_ref().map(|receipt| receipt.transaction.clone());
    let own = [PaymentReference::Payment(payment.id)];
    own.into_iter().chain(transaction.map(|id| PaymentReference::Transaction(payment.provider, id))).collect()
}
