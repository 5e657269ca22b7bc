//! Stripe's events: out of order, repeated, late, missing and forged.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};
use stack::payments::WEBHOOK_SECRET;

use crate::env::{
    checkouts::{Checkout, deliver_message, post_control, with_messages_held},
    http::{PATIENCE, text},
    logs::{measurements, wait_for_metric},
    stripe::{
        SESSION_COMPLETED, after_first_poll, begin_stripe, now_s, payment_item, post_event, post_signed_event,
        stripe_signature,
    },
    table::{account_item, account_items, put_item, scan, string},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    s5_rotated_webhook_secret_is_accepted,
    s1_b1_concurrent_webhook_return_and_sweep_grant_once,
    s2_delayed_payment_method_grants_when_the_money_arrives,
    s3_repeated_event_completes_a_failed_one,
    s4_signed_event_that_names_another_order_grants_nothing,
    s4_payment_that_differs_from_our_checkout_grants_nothing,
    s5_event_without_a_recent_valid_signature_is_refused,
    s5_unknown_values_are_acknowledged_and_measured,
    s5_forged_and_unreadable_events_are_measured,
    s6_refund_that_arrives_before_its_payment_is_parked,
];

async fn entries(user: &TestUser) -> Result<usize> {
    let items = account_items(user).await?;
    Ok(items.iter().filter(|item| string(item, "sk").starts_with("LEDGER#")).count())
}

async fn s1_b1_concurrent_webhook_return_and_sweep_grant_once(env: &'static TestEnv) -> Result<()> {
    for _ in 0..3 {
        let ada = env.user().await?;
        let checkout = begin_stripe(&ada).await?;
        with_messages_held(env, async || {
            checkout.act("pay", &[]).await?;
            let event = text(&checkout.message(SESSION_COMPLETED).await?, "body")?;
            let webhook = || async { post_signed_event(env, &event).await?.is(204) };
            let (page, other_page, first, second, swept) =
                tokio::join!(checkout.poll(), checkout.poll(), webhook(), webhook(), env.sweep(after_first_poll()));
            for done in [page.map(drop), other_page.map(drop), first.map(drop), second.map(drop), swept.map(drop)] {
                done?;
            }
            checkout.check("paid", 200, 0, 240).await
        })
        .await?;
        checkout.check("paid", 200, 0, 240).await?;
        ensure!(entries(&ada).await? == 2, "not only a welcome and a purchase");
    }
    Ok(())
}

async fn s2_delayed_payment_method_grants_when_the_money_arrives(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_stripe(&ada).await?;
    checkout.act("pay-delayed", &[]).await?;
    ensure!(checkout.poll().await?["status"] == "pending");
    checkout.check("pending", 0, 0, 40).await?;
    let delays = measurements(env, Metric::GrantDelayMs).await?;
    checkout.act("succeed-delayed", &[]).await?;
    checkout.check("paid", 200, 0, 240).await?;
    // The time that the bank took is not measured as our delay.
    Checkout::paid(&ada, "stripe", "starter").await?;
    wait_for_metric(env, Metric::GrantDelayMs, delays).await?;
    ensure!(measurements(env, Metric::GrantDelayMs).await? == delays + 1, "not only the second was measured");

    let bob = env.user().await?;
    let bounced = begin_stripe(&bob).await?;
    bounced.act("pay-delayed", &[]).await?;
    bounced.act("fail-delayed", &[]).await?;
    bounced.check("failed", 0, 0, 40).await?;
    let expired = begin_stripe(&bob).await?;
    expired.act("decline", &[]).await?;
    ensure!(expired.poll().await?["status"] == "created");
    expired.act("expire", &[]).await?;
    expired.check("expired", 0, 0, 40).await
}

async fn s3_repeated_event_completes_a_failed_one(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_stripe(&ada).await?;
    // The payment is found and Stripe is asked, but the account cannot be read.
    let account = account_item(&ada).await?;
    let mut broken = account.clone();
    broken.insert("version".to_owned(), AttributeValue::N("-1".to_owned()));
    put_item(env, broken).await?;
    checkout.act("pay", &[]).await?;
    put_item(env, account).await?;
    let event = checkout.message(SESSION_COMPLETED).await?;
    let attempts = event["attempts"].as_array().context("no attempts")?;
    ensure!(!attempts.is_empty() && attempts.iter().all(|attempt| attempt["status"] == 500), "{event}");
    checkout.check("created", 0, 0, 40).await?;
    for _ in 0..2 {
        deliver_message(env, &event).await?;
        checkout.check("paid", 200, 0, 240).await?;
    }
    ensure!(checkout.message(SESSION_COMPLETED).await?["state"] == "delivered");
    Ok(())
}

async fn s4_signed_event_that_names_another_order_grants_nothing(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let (hers, his) = (begin_stripe(&ada).await?, begin_stripe(&bob).await?);
    let before = account_items(&bob).await?;
    with_messages_held(env, async || {
        hers.act("pay", &[]).await?;
        let event = text(&hers.message(SESSION_COMPLETED).await?, "body")?;
        // Her event with his order; with his order and session; and an invented event with only his order.
        let names_his = event.replace(&hers.id, &his.id);
        let all_his = names_his.replace(&hers.hosted, &his.hosted);
        let object = json!({"id": "cs_test_x", "client_reference_id": his.id, "payment_status": "paid"});
        let invented = json!({
            "id": "evt_1", "type": SESSION_COMPLETED, "livemode": false,
            "data": {"object": object, "metadata": {"account": bob.account_id, "credits": "200"}},
        });
        for body in [names_his, all_his, invented.to_string()] {
            post_signed_event(env, &body).await?.is(204)?;
            ensure!(account_items(&bob).await? == before, "it was accepted: {body}");
        }
        // The same event in live mode.
        post_signed_event(env, &event.replace("\"livemode\": false", "\"livemode\": true")).await?.is(400)?;
        hers.check("created", 0, 0, 40).await
    })
    .await?;
    hers.check("paid", 200, 0, 240).await?;
    his.check("created", 0, 0, 40).await
}

async fn s4_payment_that_differs_from_our_checkout_grants_nothing(env: &'static TestEnv) -> Result<()> {
    let money = |amount: &str, currency: &str| {
        let fields = [
            ("amount".to_owned(), AttributeValue::N(amount.to_owned())),
            ("currency".to_owned(), AttributeValue::S(currency.to_owned())),
        ];
        AttributeValue::M(fields.into())
    };
    let (ada, bob) = (env.user().await?, env.user().await?);
    let his = Checkout::start(&bob, "stripe", "starter").await?;
    his.act("pay", &[]).await?;
    for (name, other) in [
        ("price", money("499", "EUR")),
        ("price", money("501", "EUR")),
        ("price", money("500", "USD")),
        ("checkout", AttributeValue::S(his.hosted.clone())),
    ] {
        let checkout = begin_stripe(&ada).await?;
        let record = payment_item(&checkout).await?;
        let mut altered = record.clone();
        altered.insert(name.to_owned(), other);
        put_item(env, altered).await?;
        let before = (account_items(&ada).await?, measurements(env, Metric::PaymentMismatches).await?);
        checkout.act("pay", &[]).await?;
        ensure!(checkout.message(SESSION_COMPLETED).await?["state"] == "delivered", "Stripe must not retry it");
        ensure!(checkout.poll().await?["status"] == "created");
        ensure!(account_items(&ada).await? == before.0, "{name} is not compared");
        wait_for_metric(env, Metric::PaymentMismatches, before.1).await?;
        put_item(env, record).await?;
    }
    Ok(())
}

async fn s5_event_without_a_recent_valid_signature_is_refused(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_stripe(&ada).await?;
    let before = account_items(&ada).await?;
    with_messages_held(env, async || {
        checkout.act("pay", &[]).await?;
        let event = text(&checkout.message(SESSION_COMPLETED).await?, "body")?;
        let now = now_s();
        let right = stripe_signature(WEBHOOK_SECRET, now, &event);
        let (time, tag) = right.split_once(",v1=").context("no signature")?;
        let cases = [
            ("no signature", &*event, None),
            ("an empty one", &event, Some(String::new())),
            ("garbage", &event, Some("garbage".to_owned())),
            ("no time", &event, Some(format!("v1={tag}"))),
            ("two times", &event, Some(format!("{time},{right}"))),
            ("another scheme", &event, Some(format!("{time},v0={tag}"))),
            ("half a signature", &event, Some(format!("{time},v1={}", &tag[..32]))),
            ("another secret", &event, Some(stripe_signature("whsec_of_another_account", now, &event))),
            ("no secret", &event, Some(stripe_signature("", now, &event))),
            ("long ago", &event, Some(stripe_signature(WEBHOOK_SECRET, now - 301, &event))),
            ("not yet", &event, Some(stripe_signature(WEBHOOK_SECRET, now + 400, &event))),
            ("another time", &event, Some(format!("t={},v1={tag}", now - 1))),
            ("an altered body", &format!("{event} "), Some(right.clone())),
            ("an empty body", "", Some(right.clone())),
        ];
        for (name, body, signature) in cases {
            let response = post_event(env, body, signature.as_deref()).await?;
            ensure!(response.status == 400, "{name}: {}", response.status);
            ensure!(account_items(&ada).await? == before, "{name} changed something");
        }
        let unknown = event.replace(SESSION_COMPLETED, "customer.created");
        post_signed_event(env, &unknown).await?.is(204)?;
        ensure!(account_items(&ada).await? == before, "an unknown event changed something");
        let in_time = stripe_signature(WEBHOOK_SECRET, now_s() - 290, &event);
        post_event(env, &event, Some(&in_time)).await?.is(204)?;
        checkout.check("paid", 200, 0, 240).await
    })
    .await
}

/// The rotation adds a secret to the deployment before Stripe signs with it.
/// An event about an object with this payment intent.
fn event_about(intent: &str, kind: &str, mut object: Value) -> String {
    object["payment_intent"] = json!(intent);
    json!({"id": "evt_1", "type": kind, "livemode": false, "data": {"object": object}}).to_string()
}

async fn s5_unknown_values_are_acknowledged_and_measured(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    let receipt = payment_item(&checkout).await?;
    let receipt = receipt.get("receipt").and_then(|receipt| receipt.as_m().ok()).context("no receipt")?;
    let intent = receipt.get("transaction").and_then(|id| id.as_s().ok()).context("no transaction")?.clone();
    let before = account_items(&ada).await?;
    let refund = |status: Value| json!({"id": "re_1", "amount": 100, "currency": "eur", "status": status});
    let dispute = json!({"id": "du_1", "amount": 500, "currency": "eur", "status": "arbitration"});
    for event in [
        event_about(&intent, "refund.created", refund(json!(null))),
        event_about(&intent, "refund.updated", refund(json!("reversed_by_bank"))),
        event_about(&intent, "charge.dispute.updated", dispute),
    ] {
        let measured = measurements(env, Metric::UnknownWebhookValues).await?;
        post_signed_event(env, &event).await?.is(204)?;
        wait_for_metric(env, Metric::UnknownWebhookValues, measured).await?;
    }
    // A currency in which nothing is sold contradicts a known payment, and no other.
    let krona = json!({"id": "re_1", "amount": 100, "currency": "sek", "status": "succeeded"});
    let measured = measurements(env, Metric::PaymentMismatches).await?;
    post_signed_event(env, &event_about("pi_other", "refund.created", krona.clone())).await?.is(204)?;
    ensure!(measurements(env, Metric::PaymentMismatches).await? == measured);
    post_signed_event(env, &event_about(&intent, "refund.created", krona)).await?.is(204)?;
    wait_for_metric(env, Metric::PaymentMismatches, measured).await?;
    ensure!(account_items(&ada).await? == before, "an unknown value moved something");
    Ok(())
}

async fn s5_forged_and_unreadable_events_are_measured(env: &'static TestEnv) -> Result<()> {
    let event = json!({"id": "evt_1", "type": "refund.created", "livemode": false, "data": {"object": {}}}).to_string();
    let measured = measurements(env, Metric::RefusedWebhooks).await?;
    post_event(env, &event, None).await?.is(400)?;
    let forged = stripe_signature("whsec_of_another", now_s(), &event);
    post_event(env, &event, Some(&forged)).await?.is(400)?;
    wait_for_metric(env, Metric::RefusedWebhooks, measured).await?;
    post_signed_event(env, &event).await?.is(500)?;
    wait_for_metric(env, Metric::RefusedWebhooks, measured + 1).await
}

async fn s5_rotated_webhook_secret_is_accepted(env: &'static TestEnv) -> Result<()> {
    let (clients, arn) = (env.clients()?, env.output("PaymentKeysArn")?);
    let before = clients.secret(arn).await?;
    let mut keys: Value = serde_json::from_str(&before)?;
    keys["stripe_webhook_secrets"] = json!([WEBHOOK_SECRET, "whsec_of_tomorrow"]);
    let ada = env.user().await?;
    let checkout = begin_stripe(&ada).await?;
    with_messages_held(env, async || {
        checkout.act("pay", &[]).await?;
        let event = text(&checkout.message(SESSION_COMPLETED).await?, "body")?;
        let post_as =
            async |secret: &str| post_event(env, &event, Some(&stripe_signature(secret, now_s(), &event))).await;
        post_as("whsec_of_tomorrow").await?.is(400)?;
        checkout.check("created", 0, 0, 40).await?;
        clients.secrets().put_secret_value().secret_id(arn).secret_string(keys.to_string()).send().await?;
        // A process reloads the secrets after a minute; until then Stripe must retry.
        let started = std::time::Instant::now();
        while post_as("whsec_of_tomorrow").await?.status != 204 {
            ensure!(started.elapsed() < 2 * PATIENCE, "the new secret is not taken");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        checkout.check("paid", 200, 0, 240).await?;
        post_as(WEBHOOK_SECRET).await?.is(204)?;
        post_as("whsec_of_another_account").await?.is(400)?;
        Ok(())
    })
    .await?;
    clients.secrets().put_secret_value().secret_id(arn).secret_string(before).send().await?;
    Ok(())
}

async fn s6_refund_that_arrives_before_its_payment_is_parked(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_stripe(&ada).await?;
    let parked = async || -> Result<usize> {
        let items = scan(env).await?;
        Ok(items.iter().filter(|item| string(item, "sk").starts_with("PARKED#refund-")).count())
    };
    let before = parked().await?;
    with_messages_held(env, async || {
        checkout.act("pay", &[]).await?;
        checkout.act("refund", &[("amount", "125")]).await?;
        deliver_message(env, &checkout.message("refund.created").await?).await?;
        ensure!(parked().await? == before + 1, "the refund is not parked");
        checkout.check("created", 0, 0, 40).await?;
        post_control(env, "/control/deliveries/release", &[("order", "reversed")]).await
    })
    .await?;
    env.sweep(clock::now() + SignedDuration::from_secs(90)).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    ensure!(parked().await? == before, "the applied refund is still parked");

    let bob = env.user().await?;
    let disputed = begin_stripe(&bob).await?;
    with_messages_held(env, async || {
        for action in ["pay", "dispute", "withdraw-funds", "lose"] {
            disputed.act(action, &[]).await?;
        }
        deliver_message(env, &disputed.message("charge.dispute.closed").await?).await?;
        disputed.check("created", 0, 0, 40).await?;
        post_control(env, "/control/deliveries/release", &[("order", "reversed")]).await
    })
    .await?;
    env.sweep(clock::now() + SignedDuration::from_secs(90)).await?;
    disputed.check("lost", 200, 200, 40).await
}
