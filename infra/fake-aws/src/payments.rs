//! Payments of the seed, and the fake payment providers, one for all functions.

use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::{
    Credits, LedgerEntryId,
    accounts::account::Account,
    catalogue,
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

/// The secret that signs the events of Stripe.
const WEBHOOK_SECRET: &str = "whsec_example";
/// The receiver of the notifications of PayPal.
const RECEIVER: &str = "EXAMPLESELLER";
const PAID: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a4";
const OPEN: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a5";
const HELD: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a6";
const CAPTURED: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a7";
const UNCLAIMED: &str = "0199c8a4-2b4c-7e11-8d31-5f60718293a8";
const NOTIFICATION: &str = "events/paypal-verify/completed.json";
const PAYPAL_EVENT: &str = "events/paypal-webhook/completed.json";
/// The transmission that the fake PayPal did not make.
const FORGED: &str = "00000000-0000-0000-0000-000000000000";
/// The transmission of that event, once the fake PayPal knows it.
static TRANSMISSION: OnceLock<Value> = OnceLock::new();

/// Returns the content of the secret with the keys of the payment providers.
#[must_use]
pub fn keys() -> Value {
    json!({
        "stripe_secret_key": "sk_test_example",
        "stripe_webhook_secrets": [WEBHOOK_SECRET],
        "paypal_client_id": "example",
        "paypal_client_secret": "example",
        "paypal_receiver_id": RECEIVER,
        "paypal_webhook_id": Options::default().paypal_webhook_id,
    })
}

/// Returns the base URL of the fake payment providers. The first call starts them; they serve until this process ends.
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

/// Registers the notification and the event of PayPal in the events with the fake PayPal, which then verifies them.
///
/// # Errors
/// The fake PayPal refuses one of them.
pub async fn know_messages() -> Result<()> {
    let text = |value: &Value, place: &str| value.pointer(place).and_then(Value::as_str).map(str::to_owned);
    let event: Value = serde_json::from_slice(&std::fs::read(stack::workspace().join(PAYPAL_EVENT))?)?;
    let paypal_event = text(&event, "/body").context("the event has no body")?;
    let event: Value = serde_json::from_slice(&std::fs::read(stack::workspace().join(NOTIFICATION))?)?;
    let body = text(&event, "/Records/0/body").context("the event has no body")?;
    let raw = text(&serde_json::from_str(&body)?, "/raw").context("the body has no notification")?;
    let raw = STANDARD.decode(raw)?;
    // Fails if a provider is installed already, which has the same effect.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let control = format!("{}/control", fake_payments()?);
    for (path, body) in [("messages", raw), ("events", paypal_event.clone().into_bytes())] {
        let request = client.post(format!("{control}/paypal/{path}"));
        let answer = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body).send().await?;
        ensure!(answer.status().is_redirection(), "fake PayPal refuses {path}: {}", answer.status());
    }
    let deliveries = client.get(format!("{control}/deliveries")).send().await?.bytes().await?;
    let deliveries: Vec<Value> = serde_json::from_slice(&deliveries)?;
    let is_event = |delivery: &&Value| delivery.get("body") == Some(&Value::from(paypal_event.as_str()));
    let transmission = deliveries.iter().find(is_event).and_then(|delivery| delivery.get("transmission"));
    TRANSMISSION.get_or_init(|| transmission.cloned().unwrap_or_default());
    Ok(())
}

/// Returns the event with a new signature if it is a signed event of Stripe, where a signature is valid for five minutes, or with
/// the transmission of the fake PayPal if it is one of its webhook.
///
/// # Errors
/// The event is not JSON.
pub fn signed(event: &[u8], now: Timestamp) -> Result<Bytes> {
    let mut event: Value = serde_json::from_slice(event)?;
    let body = event.pointer("/body").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(signature) = event.pointer_mut("/headers/stripe-signature")
        && !signature.as_str().is_some_and(|signature| signature.ends_with("00000000"))
    {
        let at = now.as_second();
        let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes());
        let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
        let tag = hex::encode(tag);
        *signature = format!("t={at},v1={tag}").into();
    }
    if let (Some(transmission), Some(Value::Object(headers))) = (TRANSMISSION.get(), event.pointer_mut("/headers"))
        && headers.get("paypal-transmission-id").is_some_and(|id| id != FORGED)
    {
        let certificate = format!("{}/v1/notifications/certs/CERT-EXAMPLE", fake_payments()?);
        headers.insert("paypal-cert-url".to_owned(), certificate.into());
        for (name, field) in [
            ("paypal-transmission-id", "id"),
            ("paypal-transmission-sig", "signature"),
            ("paypal-transmission-time", "time"),
        ] {
            headers.insert(name.to_owned(), transmission.get(field).cloned().unwrap_or_default());
        }
    }
    Ok(event.to_string().into())
}

/// Adds payments to an account: a paid one with Stripe, a paid and an open one with PayPal, and one with Stripe that staff
/// must review. Returns the account, the payments and their ledger entries.
///
/// # Errors
/// The domain refuses one of them.
pub fn sell(mut account: Account, now: Timestamp) -> Result<(Account, Vec<Payment>, Vec<LedgerEntry>)> {
    let (mut payments, mut entries) = (Vec::new(), Vec::new());
    for (id, provider, package, transaction, ceiling) in [
        (PAID, PaymentProvider::Stripe, "maker", Some("pi_3TExample0000000000000001"), i64::MAX),
        (OPEN, PaymentProvider::Paypal, "starter", None, i64::MAX),
        (CAPTURED, PaymentProvider::Paypal, "starter", Some("5YB12345CD678901F"), i64::MAX),
        (HELD, PaymentProvider::Stripe, "maker", Some("pi_3TExample0000000000000002"), 0),
    ] {
        let choice = catalogue::compiled().choose(package, Currency::Eur)?;
        let opened =
            Payment::open(id.parse()?, account.id, provider, choice, now).with_checkout(format!("checkout-{id}"));
        let Some(transaction) = transaction else {
            payments.push(opened);
            continue;
        };
        let receipt = PaymentReceipt {
            provider,
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
        let around =
            SettlementContext { account: &account, others: &payments, cards_in_hour: 1, rules: &rules, gift: None };
        let settled = settlement::apply_facts(
            &opened,
            &[PaymentFact::Paid(receipt)],
            around,
            LedgerEntryId(clock::uuid_at(now)),
            now,
        )?;
        let settled = settled.context("the payment was paid before")?;
        payments.push(settled.payment);
        entries.extend(settled.entry);
        account = settled.account.unwrap_or(account);
    }
    Ok((account, payments, entries))
}

/// Returns an unclaimed payment.
///
/// # Errors
/// Its id is malformed.
pub fn unclaimed(now: Timestamp) -> Result<UnclaimedPayment> {
    Ok(UnclaimedPayment::new(UNCLAIMED.parse()?, PaymentProvider::Stripe, "cs_live_example".to_owned(), None, now))
}

/// Returns the references of a payment: its id, and its transaction if it is paid.
#[must_use]
pub fn references(payment: &Payment) -> Vec<PaymentReference> {
    let transaction = payment.receipt.as_ref().map(|receipt| receipt.transaction.clone());
    let own = [PaymentReference::Payment(payment.id)];
    own.into_iter().chain(transaction.map(|id| PaymentReference::Transaction(payment.provider, id))).collect()
}
