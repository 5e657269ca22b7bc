//! Reconciliation: payments that no message reported are found by polling.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    PaymentId, catalogue,
    money::Currency,
    payments::payment::{Payment, PaymentProvider},
    staff::role::Role,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};
use store::Write;

use crate::env::{
    checkouts::{Checkout, delete_account_items, drop_message, post_control, with_messages_held},
    http::ApiResponse,
    logs::{measurements, wait_for_metric},
    paypal::drain_ipn_queue,
    stripe::{SESSION_COMPLETED, after_first_poll, begin_stripe, payment_item, sweep_lists},
    table::put_item,
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    s1_p35_returning_buyer_is_granted_before_any_webhook,
    s11_payment_without_a_webhook_is_found_by_the_sweep,
    s11_checkout_unknown_to_stripe_is_measured_and_polled_again,
    s11_rotated_stripe_key_is_loaded_after_a_refusal,
    s11_unresponsive_provider_does_not_delay_other_payments,
    s11_missing_stripe_event_subscriptions_are_measured,
    s11_refund_that_the_provider_declines_is_left,
    s11_refunds_and_disputes_without_a_webhook_are_listed,
    s11_undelivered_fraud_warning_is_listed,
    s11_paypal_refund_without_a_message_is_polled,
];

/// Pays a checkout whose event is dropped.
async fn paid_without_webhook(user: &TestUser) -> Result<Checkout<'_>> {
    let (env, checkout) = (user.env, begin_stripe(user).await?);
    with_messages_held(env, async || {
        checkout.act("pay", &[]).await?;
        drop_message(env, &checkout.message(SESSION_COMPLETED).await?).await
    })
    .await?;
    Ok(checkout)
}

async fn s1_p35_returning_buyer_is_granted_before_any_webhook(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid_without_webhook(&ada).await?;
    checkout.check("created", 0, 0, 40).await?;
    ensure!(checkout.poll().await?["status"] == "paid");
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_payment_without_a_webhook_is_found_by_the_sweep(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid_without_webhook(&ada).await?;
    env.sweep(clock::now()).await?;
    checkout.check("created", 0, 0, 40).await?;
    let swept = env.sweep(after_first_poll()).await?;
    ensure!(swept["settled"].as_u64() >= Some(1), "{swept}");
    checkout.check("paid", 200, 0, 240).await?;
    env.sweep(after_first_poll() + SignedDuration::from_hours(1)).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_checkout_unknown_to_stripe_is_measured_and_polled_again(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_stripe(&ada).await?;
    let record = payment_item(&checkout).await?;
    let mut unknown = record.clone();
    unknown.insert("checkout".to_owned(), AttributeValue::S("cs_test_of_nobody".to_owned()));
    put_item(env, unknown).await?;
    with_messages_held(env, async || {
        checkout.act("pay", &[]).await?;
        drop_message(env, &checkout.message(SESSION_COMPLETED).await?).await
    })
    .await?;
    let before = measurements(env, Metric::UnansweredCheckouts).await?;
    let swept = env.sweep(after_first_poll()).await?;
    ensure!(swept["failed"].as_u64() >= Some(1), "{swept}");
    wait_for_metric(env, Metric::UnansweredCheckouts, before).await?;
    checkout.check("created", 0, 0, 40).await?;
    let mut asked = payment_item(&checkout).await?;
    asked.extend(record.get("checkout").map(|checkout| ("checkout".to_owned(), checkout.clone())));
    put_item(env, asked).await?;
    env.sweep(after_first_poll() + SignedDuration::from_mins(6)).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_rotated_stripe_key_is_loaded_after_a_refusal(env: &'static TestEnv) -> Result<()> {
    let (clients, arn) = (env.clients()?, env.output("PaymentKeysArn")?);
    let ada = env.user().await?;
    let checkout = paid_without_webhook(&ada).await?;
    let good = clients.secret(arn).await?;
    let mut revoked: Value = serde_json::from_str(&good)?;
    revoked["stripe_secret_key"] = json!("sk-of-yesterday_test_");
    let put = async |keys: &str| clients.secrets().put_secret_value().secret_id(arn).secret_string(keys).send().await;
    put(&revoked.to_string()).await?;
    // The sweep takes its time from the event, and keeps keys for an hour of it. No other test sweeps at five hours from
    // now, so this sweep reads the revoked key, and the next one the new key.
    let later = clock::now() + SignedDuration::from_hours(5);
    let asked_in_vain = env.sweep(later).await;
    put(&good).await?;
    ensure!(asked_in_vain?["failed"].as_u64() >= Some(1), "the revoked key was not used");
    checkout.check("created", 0, 0, 40).await?;
    let other = paid_without_webhook(&ada).await?;
    env.sweep(later + SignedDuration::from_secs(90)).await?;
    ensure!(other.known().await?["status"] == "paid", "the new key was not used");
    checkout.poll().await?;
    checkout.check("paid", 200, 0, 440).await
}

async fn s11_unresponsive_provider_does_not_delay_other_payments(env: &'static TestEnv) -> Result<()> {
    // A sweep takes 200 checkouts, and stops polling a provider after ten failures.
    const MORE_THAN_A_SWEEP_TAKES: usize = 230;
    let (ada, bob) = (env.user().await?, env.user().await?);
    let table = env.table()?;
    let choice = catalogue::compiled().choose("starter", Currency::Eur)?;
    let before = clock::now() - SignedDuration::from_mins(10);
    for _ in 0..MORE_THAN_A_SWEEP_TAKES {
        let id = PaymentId(clock::uuid_at(before));
        let opened = Payment::open(id, ada.account_id.parse()?, PaymentProvider::Paypal, choice, before);
        let unanswered = Payment { checkout: Some("OFNOBODY".to_owned()), ..opened };
        table.commit(&[Write::Payment(&unanswered)]).await?;
    }
    let checkout = paid_without_webhook(&bob).await?;
    post_control(env, "/control/outage", &[("provider", "paypal")]).await?;
    let swept = async {
        let first = env.sweep(after_first_poll()).await?;
        ensure!(first["failed"].as_u64() < Some(50), "an unresponsive provider is polled again and again: {first}");
        env.sweep(after_first_poll()).await
    };
    let swept = swept.await;
    post_control(env, "/control/outage", &[]).await?;
    swept?;
    delete_account_items(&ada).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_missing_stripe_event_subscriptions_are_measured(env: &'static TestEnv) -> Result<()> {
    let now_s = clock::now().as_second();
    let midnight = Timestamp::from_second(now_s - now_s.rem_euclid(86_400))?;
    let before = measurements(env, Metric::MissingWebhookEvents).await?;
    env.sweep(midnight).await?;
    ensure!(measurements(env, Metric::MissingWebhookEvents).await? == before, "nothing is missing");
    let subscribe =
        async |events: &str| post_control(env, "/control/stripe/endpoint", &[("enabled_events", events)]).await;
    subscribe("checkout.session.completed charge.dispute.created").await?;
    let swept = env.sweep(midnight).await;
    subscribe("*").await?;
    swept?;
    wait_for_metric(env, Metric::MissingWebhookEvents, before).await
}

/// Performs these actions at the provider, and drops every message about them.
async fn without_messages(checkout: &Checkout<'_>, actions: &[(&str, &str)]) -> Result<()> {
    let env = checkout.user.env;
    with_messages_held(env, async || {
        for (action, amount) in actions {
            checkout.act(action, &[("amount", amount)]).await?;
        }
        for message in checkout.messages().await?.iter().filter(|message| message["state"] == "held") {
            drop_message(env, message).await?;
        }
        Ok(())
    })
    .await
}

async fn s11_refund_that_the_provider_declines_is_left(env: &'static TestEnv) -> Result<()> {
    let finance = env.staff_with(Role::Finance).await?;
    for provider in ["stripe", "paypal"] {
        let ada = env.user().await?;
        let checkout = Checkout::paid(&ada, provider, "starter").await?;
        let path = format!("/v1/staff/accounts/{}/payments/{}/refunds", ada.account_id, checkout.id);
        let ask = async |amount: Option<i64>, key: &str| {
            let request = finance.request(Method::POST, &path).header("idempotency-key", format!("{provider}-{key}"));
            ApiResponse::read(request.json(&json!({"amount": amount, "note": "it failed"})).send().await?).await
        };
        // The operator refunded a part in the provider's own console.
        without_messages(&checkout, &[("refund", "125")]).await?;
        for _ in 0..2 {
            let declined = ask(None, "all").await?.is(409)?.json;
            ensure!(declined["type"] == "urn:darkroom:problem:refund-declined", "{declined}");
        }
        let total = ada.get(&format!("/v1/checkout/{}", checkout.id)).await?.is(200)?.json["total"]["amount"].clone();
        let rest = total.as_i64().context("no total")? - 125;
        ask(Some(rest), "rest").await?.is(202)?;
        // Before and after its report.
        ask(Some(126), "more").await?.is(400)?;
    }
    Ok(())
}

async fn s11_refunds_and_disputes_without_a_webhook_are_listed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    without_messages(&checkout, &[("refund", "125"), ("dispute", "250"), ("withdraw-funds", ""), ("lose", "")]).await?;
    checkout.check("paid", 200, 0, 240).await?;
    for _ in 0..2 {
        sweep_lists(env).await?;
        checkout.check("lost", 200, 150, 90).await?;
    }
    without_messages(&checkout, &[("fail-refund", "")]).await?;
    sweep_lists(env).await?;
    checkout.check("lost", 200, 100, 140).await
}

async fn s11_undelivered_fraud_warning_is_listed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    without_messages(&checkout, &[("early-fraud-warning", "")]).await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "active");
    sweep_lists(env).await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "frozen", "the warning is lost");
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_paypal_refund_without_a_message_is_polled(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::paid(&ada, "paypal", "starter").await?;
    checkout.messages().await?;
    drain_ipn_queue(env).await?;
    without_messages(&checkout, &[("refund", "250")]).await?;
    env.sweep(clock::now() + SignedDuration::from_hours(23)).await?;
    checkout.check("paid", 200, 0, 240).await?;
    env.sweep(clock::now() + SignedDuration::from_hours(25)).await?;
    checkout.check("partly_refunded", 200, 100, 140).await?;
    without_messages(&checkout, &[("fail-refund", "")]).await?;
    env.sweep(clock::now() + SignedDuration::from_hours(51)).await?;
    checkout.check("paid", 200, 0, 240).await
}
