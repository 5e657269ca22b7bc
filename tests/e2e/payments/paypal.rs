//! PayPal's notifications (IPN): genuine, forged, repeated, malformed and unverifiable ones.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::SignedDuration;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};

use crate::env::{
    checkouts::{Checkout, deliver_message, drop_message, post_control, with_messages_held},
    faults::Fault,
    http::{ApiResponse, PATIENCE, text},
    logs::{measurements, wait_for_metric},
    paypal::{
        act_and_drain, begin_paypal, drain_ipn_queue, given_up_ipn_bodies, pending_paypal, post_ipn, queue_length,
        queued_ipn_bodies, send_ipn, verification_count,
    },
    table::{Item, account_items, put_item, scan, string},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    pp1_ipn_that_cannot_be_queued_is_sent_again_by_paypal,
    pp2_pp6_only_the_exact_bytes_paypal_sent_are_accepted,
    pp3_ipn_grants_nothing_while_paypal_cannot_verify_it,
    pp3_genuine_ipn_that_paypal_calls_invalid_is_tried_again,
    pp1_unverified_ipn_waits_in_the_dead_letter_queue,
    pp4_verified_ipn_must_match_our_order,
    pp5_live_mode_ipn_is_refused_in_test_mode,
    pp6_forged_and_repeated_ipns_change_nothing,
    pp7_completed_payment_grants_and_denied_payment_closes,
    pp7_capture_with_a_lost_response_grants_once,
    pp8_refunds_and_reversals_move_exact_credits,
    pp9_case_freezes_without_moving_credits,
    pp9_settled_chargeback_claws_back_until_it_is_restored,
    pp10_approved_order_grants_nothing_before_capture,
    pp10_approved_order_is_captured_by_the_sweep,
    pp10_declined_capture_tells_the_buyer_what_to_do,
    pp11_malformed_ipn_bodies_change_nothing,
    pp11_ipn_about_no_payment_of_ours_is_not_queued,
    pp11_applied_ipn_is_not_queued_again,
    pp11_ipn_flood_from_one_network_is_sent_again_later,
];

/// Returns the message with another value of a field.
fn with(message: &str, name: &str, value: &str) -> String {
    let rest = without(message, name);
    format!("{rest}&{name}={value}")
}

fn without(message: &str, name: &str) -> String {
    let is_other = |field: &&str| field.split('=').next() != Some(name);
    message.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

async fn paid(user: &TestUser) -> Result<Checkout<'_>> {
    let checkout = Checkout::paid(user, "paypal", "starter").await?;
    checkout.messages().await?;
    drain_ipn_queue(user.env).await?;
    checkout.check("paid", 200, 0, 240).await?;
    Ok(checkout)
}

/// Completes a pending payment, drops the message about it, and returns its body.
async fn completion(checkout: &Checkout<'_>) -> Result<String> {
    let env = checkout.user.env;
    with_messages_held(env, async || {
        checkout.act("complete", &[]).await?;
        drop_message(env, &checkout.message("Completed").await?).await
    })
    .await?;
    text(&checkout.message("Completed").await?, "body")
}

async fn pp1_ipn_that_cannot_be_queued_is_sent_again_by_paypal(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let fault = Fault::inject(env, "PaypalIpn", "before", 0).await?;
    act_and_drain(&checkout, "complete", &[]).await?;
    ensure!(fault.outcome().await?.is_some(), "the function did not crash");
    let message = checkout.message("Completed").await?;
    let attempts = message["attempts"].as_array().context("no attempts")?;
    ensure!(attempts[0]["status"].as_u64() >= Some(500) && attempts[1]["status"] == 200, "{message}");
    checkout.check("paid", 200, 0, 240).await?;

    // A body that the queue refuses gets a server error as well.
    let (clients, queue) = (env.clients()?, env.output("NotificationsUrl")?);
    let take = async |bytes: u32| {
        let request = clients.sqs().set_queue_attributes().queue_url(queue);
        request.attributes(QueueAttributeName::MaximumMessageSize, bytes.to_string()).send().await
    };
    take(1_024).await?;
    let refused = post_ipn(env, format!("custom={}&txn_id=1&memo={}", checkout.id, "a".repeat(2_048))).await;
    take(1_024 * 1_024).await?;
    refused?.is(500)?;
    Ok(())
}

async fn pp2_pp6_only_the_exact_bytes_paypal_sent_are_accepted(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let message = completion(&checkout).await?;
    ensure!(message.contains("first_name=Jos%E9"), "not in windows-1252: {message}");
    let before = account_items(&ada).await?;
    let (first, rest) = message.split_once('&').context("one field")?;
    let again = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form_urlencoded::parse(message.as_bytes()))
        .finish();
    // PayPal does not verify the original body either, as it was dropped before delivery.
    let others = [message.clone(), message.replace("%E9", "%e9"), again, format!("{rest}&{first}")];
    let bodies = given_up_ipn_bodies(env, async || {
        for other in &others {
            post_ipn(env, other.as_str()).await?.is(200)?;
        }
        post_ipn(env, format!("{message}&")).await?.is(200).map(drop)
    })
    .await?;
    ensure!(account_items(&ada).await? == before, "one of them was accepted");
    // They wait for the operator as they came, except the one that is no form.
    let kept: BTreeSet<_> = bodies.into_iter().collect();
    ensure!(kept == others.map(String::into_bytes).into(), "{kept:?}");
    deliver_message(env, &checkout.message("Completed").await?).await?;
    drain_ipn_queue(env).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp3_ipn_grants_nothing_while_paypal_cannot_verify_it(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    for (already, response) in [(0, "error"), (1, "garbage")] {
        let checkout = begin_paypal(&ada).await?;
        checkout.act("approve-pending", &[]).await?;
        checkout.capture().await?.is(200)?;
        checkout.messages().await?;
        drain_ipn_queue(env).await?;
        let before = account_items(&ada).await?;
        post_control(env, "/control/paypal/postback", &[("answer", response)]).await?;
        let asked = async {
            checkout.act("complete", &[]).await?;
            // The message is retried.
            let started = Instant::now();
            while checkout.message("Completed").await?["postbacks"].as_u64() < Some(2) {
                ensure!(started.elapsed() < PATIENCE, "PayPal got no second verification");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            ensure!(account_items(&ada).await? == before, "something was made of {response}");
            ensure!(queue_length(env, "NotificationsUrl").await? == 1, "the message is not tried again");
            Ok(())
        };
        let asked = asked.await;
        post_control(env, "/control/paypal/postback", &[("answer", "honest")]).await?;
        asked?;
        drain_ipn_queue(env).await?;
        checkout.check("paid", 200, 0, 240 + 200 * already).await?;
    }
    Ok(())
}

async fn pp3_genuine_ipn_that_paypal_calls_invalid_is_tried_again(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let before = measurements(env, Metric::RefusedWebhooks).await?;
    post_control(env, "/control/paypal/postback", &[("answer", "invalid")]).await?;
    let refused = async {
        checkout.act("complete", &[]).await?;
        wait_for_metric(env, Metric::RefusedWebhooks, before).await?;
        checkout.check("pending", 0, 0, 40).await
    };
    let refused = refused.await;
    post_control(env, "/control/paypal/postback", &[("answer", "honest")]).await?;
    refused?;
    drain_ipn_queue(env).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp1_unverified_ipn_waits_in_the_dead_letter_queue(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let (clients, queue) = (env.clients()?, env.output("NotificationsUrl")?);
    let policy = QueueAttributeName::RedrivePolicy;
    let request = clients.sqs().get_queue_attributes().queue_url(queue).attribute_names(policy.clone());
    let declared = request.send().await?.attributes.and_then(|mut all| all.remove(&policy));
    let declared = declared.context("messages are tried for ever, or given up")?;
    let redrive = async |to: String| {
        clients.sqs().set_queue_attributes().queue_url(queue).attributes(policy.clone(), to).send().await
    };
    // The declared policy with fewer attempts.
    let mut sooner: Value = serde_json::from_str(&declared)?;
    sooner["maxReceiveCount"] = json!(2);
    redrive(sooner.to_string()).await?;
    post_control(env, "/control/paypal/postback", &[("answer", "error")]).await?;
    let given_up = async {
        checkout.act("complete", &[]).await?;
        let started = Instant::now();
        while queue_length(env, "NotificationDeadLettersUrl").await? == 0 {
            ensure!(started.elapsed() < PATIENCE, "the message is not in the dead-letter queue");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        checkout.check("pending", 0, 0, 40).await
    };
    let given_up = given_up.await;
    post_control(env, "/control/paypal/postback", &[("answer", "honest")]).await?;
    redrive(declared).await?;
    given_up?;

    let dead_letters = env.output("NotificationDeadLettersUrl")?;
    let received = clients.sqs().receive_message().queue_url(dead_letters).send().await?;
    let [dead_letter] = received.messages() else { bail!("not one dead letter: {received:?}") };
    let body = dead_letter.body().context("an empty dead letter")?;
    clients.sqs().send_message().queue_url(queue).message_body(body).send().await?;
    let handle = dead_letter.receipt_handle().context("no handle")?;
    clients.sqs().delete_message().queue_url(dead_letters).receipt_handle(handle).send().await?;
    drain_ipn_queue(env).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp4_verified_ipn_must_match_our_order(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let (hers, his) = (pending_paypal(&ada).await?, begin_paypal(&bob).await?);
    let message = completion(&hers).await?;
    let before = (account_items(&ada).await?, account_items(&bob).await?);
    for (name, value) in [
        ("receiver_id", "OTHERMERCHANT"),
        ("mc_gross", "4.99"),
        ("mc_gross", "5.01"),
        ("mc_gross", "-5.00"),
        ("mc_gross", "5.000"),
        ("mc_gross", "5e0"),
        ("mc_currency", "USD"),
        ("mc_currency", "JPY"),
        ("mc_currency", "XXX"),
        ("custom", &his.id),
        ("invoice", &his.id),
        ("txn_id", "4242424242424242"),
        ("payment_date", "yesterday"),
    ] {
        let mismatches = measurements(env, Metric::PaymentMismatches).await?;
        send_ipn(env, &with(&message, name, value)).await?;
        ensure!((account_items(&ada).await?, account_items(&bob).await?) == before, "{name}={value} was accepted");
        // A body with a card number is not queued.
        if value != "4242424242424242" {
            wait_for_metric(env, Metric::PaymentMismatches, mismatches)
                .await
                .with_context(|| format!("{name}={value}"))?;
        }
    }
    for other in [without(&message, "receiver_id"), without(&message, "mc_gross"), without(&message, "txn_id")] {
        send_ipn(env, &other).await?;
        ensure!((account_items(&ada).await?, account_items(&bob).await?) == before, "it was accepted: {other}");
    }
    send_ipn(env, &message).await?;
    hers.check("paid", 200, 0, 240).await?;
    // Her transaction has paid her order and pays no other.
    let mismatches = measurements(env, Metric::PaymentMismatches).await?;
    send_ipn(env, &message.replace(&hers.id, &his.id)).await?;
    wait_for_metric(env, Metric::PaymentMismatches, mismatches).await?;
    ensure!(account_items(&bob).await? == before.1, "his order was paid with her money");
    hers.check("paid", 200, 0, 240).await
}

async fn pp5_live_mode_ipn_is_refused_in_test_mode(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let message = completion(&checkout).await?;
    let before = account_items(&ada).await?;
    for other in [without(&message, "test_ipn"), with(&message, "test_ipn", "0"), with(&message, "test_ipn", "")] {
        let mismatches = measurements(env, Metric::PaymentMismatches).await?;
        send_ipn(env, &other).await?;
        ensure!(account_items(&ada).await? == before, "it was accepted");
        wait_for_metric(env, Metric::PaymentMismatches, mismatches).await?;
    }
    send_ipn(env, &message).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp6_forged_and_repeated_ipns_change_nothing(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let message = completion(&checkout).await?;
    // The same transaction and status, forged before PayPal sends it.
    let refused = measurements(env, Metric::RefusedWebhooks).await?;
    post_ipn(env, message).await?.is(200)?;
    wait_for_metric(env, Metric::RefusedWebhooks, refused).await?;
    checkout.check("pending", 0, 0, 40).await?;
    for _ in 0..3 {
        for kind in ["Pending", "Completed", "Completed"] {
            deliver_message(env, &checkout.message(kind).await?).await?;
        }
        drain_ipn_queue(env).await?;
        checkout.check("paid", 200, 0, 240).await?;
    }
    Ok(())
}

async fn pp7_completed_payment_grants_and_denied_payment_closes(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let message = completion(&checkout).await?;
    let before = account_items(&ada).await?;
    for status in ["Created", "Processed", "Pending", "Unheard_Of", ""] {
        send_ipn(env, &with(&message, "payment_status", status)).await?;
        ensure!(account_items(&ada).await? == before, "{status} changed something");
    }
    for status in ["Denied", "Failed", "Voided", "Expired"] {
        let bob = env.user().await?;
        let his = pending_paypal(&bob).await?;
        let known = if status == "Expired" { "expired" } else { "failed" };
        send_ipn(env, &with(&completion(&his).await?, "payment_status", status)).await?;
        his.check(known, 0, 0, 40).await?;
    }
    let denied = begin_paypal(&ada).await?;
    denied.act("approve-pending", &[]).await?;
    denied.capture().await?.is(200)?;
    denied.messages().await?;
    act_and_drain(&denied, "deny", &[]).await?;
    denied.check("failed", 0, 0, 40).await
}

/// Captures at PayPal without telling the API.
async fn capture_without_response(checkout: &Checkout<'_>) -> Result<()> {
    let path = format!("{}/v2/checkout/orders/{}/capture", checkout.user.env.fake_payments, checkout.hosted);
    let request = reqwest::Client::new().post(path).bearer_auth("A21AAtest");
    ApiResponse::read(request.header("content-type", "application/json").send().await?).await?.is(201)?;
    Ok(())
}

async fn pp7_capture_with_a_lost_response_grants_once(env: &'static TestEnv) -> Result<()> {
    // The message arrives before our capture.
    let ada = env.user().await?;
    let first = begin_paypal(&ada).await?;
    first.act("approve", &[]).await?;
    capture_without_response(&first).await?;
    first.messages().await?;
    drain_ipn_queue(env).await?;
    first.check("paid", 200, 0, 240).await?;
    ensure!(first.capture().await?.is(200)?.json["status"] == "paid");
    first.check("paid", 200, 0, 240).await?;

    // Our capture is repeated before the message arrives.
    let bob = env.user().await?;
    let second = begin_paypal(&bob).await?;
    with_messages_held(env, async || {
        second.act("approve", &[]).await?;
        capture_without_response(&second).await?;
        ensure!(second.capture().await?.is(200)?.json["granted"] == 200);
        second.check("paid", 200, 0, 240).await
    })
    .await?;
    drain_ipn_queue(env).await?;
    second.check("paid", 200, 0, 240).await
}

async fn pp8_refunds_and_reversals_move_exact_credits(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    act_and_drain(&checkout, "refund", &[("amount", "125")]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    act_and_drain(&checkout, "reverse", &[("amount", "124")]).await?;
    checkout.check("reversed", 200, 99, 141).await?;
    act_and_drain(&checkout, "cancel-reversal", &[]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    for message in checkout.messages().await?.iter().rev() {
        deliver_message(env, message).await?;
    }
    drain_ipn_queue(env).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    act_and_drain(&checkout, "reverse", &[]).await?;
    checkout.check("reversed", 200, 200, 40).await?;

    // A refund that arrives before its payment is parked.
    let bob = env.user().await?;
    let early = begin_paypal(&bob).await?;
    with_messages_held(env, async || {
        early.act("approve", &[]).await?;
        capture_without_response(&early).await?;
        early.act("refund", &[("amount", "250")]).await?;
        deliver_message(env, &early.message("Refunded").await?).await?;
        drain_ipn_queue(env).await?;
        early.check("created", 0, 0, 40).await
    })
    .await?;
    drain_ipn_queue(env).await?;
    env.sweep(clock::now() + SignedDuration::from_secs(90)).await?;
    early.check("partly_refunded", 200, 100, 140).await
}

async fn pp9_case_freezes_without_moving_credits(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "active");
    act_and_drain(&checkout, "open-case", &[]).await?;
    checkout.check("paid", 200, 0, 240).await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "frozen", "a case freezes nothing");
    Ok(())
}

async fn pp9_settled_chargeback_claws_back_until_it_is_restored(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    act_and_drain(&checkout, "settle-chargeback", &[("amount", "250")]).await?;
    checkout.check("reversed", 200, 100, 140).await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "frozen", "a chargeback freezes nothing");
    act_and_drain(&checkout, "restore-chargeback", &[]).await?;
    checkout.check("restored", 200, 0, 240).await
}

async fn pp10_approved_order_grants_nothing_before_capture(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_paypal(&ada).await?;
    checkout.capture().await?.is(409)?;
    checkout.act("approve", &[]).await?;
    ensure!(checkout.poll().await?["status"] == "created");
    checkout.check("created", 0, 0, 40).await?;
    checkout.capture().await?.is(200)?;
    checkout.capture().await?.is(200)?;
    checkout.check("paid", 200, 0, 240).await?;

    let refused = begin_paypal(&ada).await?;
    refused.act("approve-instrument-declined", &[]).await?;
    // The buyer is sent to PayPal again, and pays with something else.
    let restarted = refused.capture().await?.is(200)?.json;
    ensure!(restarted["status"] == "created", "{restarted}");
    ensure!(restarted["url"].as_str().is_some_and(|url| url.contains(&refused.hosted)), "{restarted}");
    refused.check("created", 0, 0, 240).await?;
    refused.act("approve", &[]).await?;
    ensure!(refused.capture().await?.is(200)?.json["status"] == "paid");
    refused.check("paid", 200, 0, 440).await?;
    let declined = begin_paypal(&ada).await?;
    declined.act("approve-declined", &[]).await?;
    ensure!(declined.capture().await?.is(200)?.json["status"] == "failed");
    declined.check("failed", 0, 0, 440).await
}

async fn pp10_approved_order_is_captured_by_the_sweep(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let [checkout, declined] = [begin_paypal(&ada).await?, begin_paypal(&ada).await?];
    checkout.act("approve", &[]).await?;
    declined.act("approve-instrument-declined", &[]).await?;
    for _ in 0..2 {
        env.sweep(clock::now() + SignedDuration::from_mins(6)).await?;
        checkout.check("paid", 200, 0, 240).await?;
        declined.check("created", 0, 0, 240).await?;
    }
    checkout.messages().await?;
    drain_ipn_queue(env).await
}

async fn pp10_declined_capture_tells_the_buyer_what_to_do(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = begin_paypal(&ada).await?;
    for (action, problem) in [(None, "payment-not-approved"), (Some("approve-transaction-refused"), "payment-declined")]
    {
        if let Some(action) = action {
            checkout.act(action, &[]).await?;
        }
        let refused = checkout.capture().await?.is(409)?.json;
        ensure!(refused["type"] == format!("urn:darkroom:problem:{problem}"), "{refused}");
        ensure!(refused["detail"].as_str().is_some_and(|detail| detail.contains("another means of payment")));
        checkout.check("created", 0, 0, 40).await?;
    }
    let checkout = begin_paypal(&ada).await?;
    checkout.act("approve", &[]).await?;
    post_control(env, "/control/outage", &[("provider", "paypal")]).await?;
    let silent = checkout.capture().await;
    post_control(env, "/control/outage", &[]).await?;
    let silent = silent?.is(502)?;
    ensure!(silent.header("retry-after").is_some(), "{silent:?}");
    checkout.capture().await?.is(200)?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp11_malformed_ipn_bodies_change_nothing(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let message = completion(&checkout).await?;
    let before = account_items(&ada).await?;
    post_ipn(env, "").await?.is(400)?;
    post_ipn(env, "a".repeat(1 << 20)).await?.is(413)?;
    let bodies = [
        "junk".to_owned(),
        "{\"json\":true}".to_owned(),
        "&&&===".to_owned(),
        "%".to_owned(),
        "a=%zz&b=%2".to_owned(),
        "\u{0}=\u{1}".to_owned(),
        "a=é".to_owned(),
        "a".repeat(64 * 1024),
        format!("{message}&mc_gross=5.00"),
        format!("{message}&payment_status=Completed"),
        format!("{message}&memo=%zz"),
        format!("{message}&memo"),
        format!("{message}&memo={}", "a".repeat(60_000)),
        with(&message, "charset", "%00"),
        format!("{}&custom%00=1", without(&message, "custom")),
    ];
    let forms = given_up_ipn_bodies(env, async || {
        for body in &bodies {
            post_ipn(env, body.clone()).await?.is(200)?;
        }
        Ok(())
    })
    .await?;
    ensure!(account_items(&ada).await? == before, "one of them was accepted");
    ensure!(forms.len() == 3, "{} bodies were queued: the last three are forms", forms.len());
    // An ambiguous body is ignored even if PayPal sent it, and PayPal is not asked to verify it.
    for body in bodies.iter().take(12) {
        send_ipn(env, body).await?;
        ensure!(account_items(&ada).await? == before, "it was accepted: {}", &body[..body.len().min(99)]);
        ensure!(
            verification_count(env, body).await? == 0,
            "PayPal was asked to verify {}",
            &body[..body.len().min(99)]
        );
    }
    // Without a charset the body is read as windows-1252.
    let whole = without(&message, "charset");
    send_ipn(env, &whole).await?;
    ensure!(verification_count(env, &whole).await? == 1, "PayPal was not asked to verify it");
    checkout.check("paid", 200, 0, 240).await
}

async fn pp11_ipn_about_no_payment_of_ours_is_not_queued(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let message = completion(&checkout).await?;
    let foreign = without(&without(&message, "custom"), "invoice");
    let nobody = clock::uuid_at(clock::now()).to_string();
    let unpaid = with(&message, "payment_status", "Refunded").replace(&checkout.id, &nobody);
    let bodies = queued_ipn_bodies(env, message.as_bytes(), async || {
        for other in [
            foreign.as_str(),
            &with(&foreign, "custom", "their-order-7"),
            &with(&foreign, "parent_txn_id", "1A"),
            &unpaid,
        ] {
            let response = post_ipn(env, other).await?.is(200)?;
            ensure!(response.bytes.is_empty(), "{response:?}");
        }
        post_ipn(env, message.as_str()).await?.is(200).map(drop)
    })
    .await?;
    ensure!(bodies == [message.as_bytes()], "{bodies:?}");

    // Money for a payment that was deleted is about nothing known, and must not be lost. Nobody paid here.
    let paid = message.replace(&checkout.id, &nobody);
    let bodies =
        queued_ipn_bodies(env, paid.as_bytes(), async || post_ipn(env, paid.as_str()).await?.is(200).map(drop)).await?;
    ensure!(bodies == [paid.as_bytes()], "{bodies:?}");
    let (before, alarms) = (measurements(env, Metric::RefusedWebhooks).await?, account_items(&ada).await?);
    post_ipn(env, paid).await?.is(200)?;
    drain_ipn_queue(env).await?;
    ensure!(measurements(env, Metric::RefusedWebhooks).await? == before, "a stranger raises an alarm");
    ensure!(account_items(&ada).await? == alarms, "it changed something");
    Ok(())
}

async fn pp11_applied_ipn_is_not_queued_again(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    act_and_drain(&checkout, "complete", &[]).await?;
    checkout.check("paid", 200, 0, 240).await?;
    let message = checkout.message("Completed").await?;
    let other = with(&text(&message, "body")?, "memo", "another");
    let bodies = queued_ipn_bodies(env, other.as_bytes(), async || {
        deliver_message(env, &message).await?;
        post_ipn(env, other.as_str()).await?.is(200).map(drop)
    })
    .await?;
    ensure!(bodies == [other.as_bytes()], "{bodies:?}");
    Ok(())
}

async fn pp11_ipn_flood_from_one_network_is_sent_again_later(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let message = completion(&checkout).await?;
    let [first, flood] = ["first", "flood"].map(|memo| with(&message, "memo", memo));
    let bodies = queued_ipn_bodies(env, message.as_bytes(), async || {
        post_ipn(env, first.as_str()).await?.is(200)?;
        let is_counter = |item: &Item| string(item, "pk").starts_with("WINDOW#ipn-network#");
        let counters: Vec<_> = scan(env).await?.into_iter().filter(is_counter).collect();
        ensure!(!counters.is_empty(), "the network is not counted");
        // As if the network had used up this minute and the next.
        for counter in &counters {
            let (network, minute) = string(counter, "pk").rsplit_once('#').context("a window without its time")?;
            for later in [0, 1] {
                let mut full = counter.clone();
                let pk = format!("{network}#{}", minute.parse::<i64>()? + later);
                full.insert("pk".to_owned(), AttributeValue::S(pk));
                full.insert("hits".to_owned(), AttributeValue::N("100000".to_owned()));
                put_item(env, full).await?;
            }
        }
        let refused = post_ipn(env, flood.as_str()).await?.is(429)?;
        ensure!(refused.header("retry-after").is_some(), "{refused:?}");
        for full in scan(env).await?.into_iter().filter(is_counter) {
            put_item(env, Item::from_iter(full.into_iter().filter(|(name, _)| name != "hits"))).await?;
        }
        post_ipn(env, message.as_str()).await?.is(200).map(drop)
    })
    .await?;
    ensure!(bodies == [first.into_bytes(), message.into_bytes()], "{bodies:?}");
    Ok(())
}
