//! PayPal's webhook, the second source of what IPN reports.

use anyhow::{Context, Result, ensure};
use jiff::SignedDuration;
use reqwest::Method;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};

use crate::env::{
    checkouts::{
        Checkout, delete_account_items, deliver_message, drop_message, post_control, read_control, with_messages_held,
    },
    http::{ApiResponse, text},
    logs::{measurements, wait_for_metric},
    paypal::{begin_paypal, drain_ipn_queue, with_paypal_events},
    table::{account_items, scan, string},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    pp7_b1_either_messenger_grants_and_both_grant_once,
    pp8_refund_and_reversal_count_once_in_either_order,
    pp8_refund_that_fails_is_restored,
    pp9_dispute_event_freezes_as_a_case_does,
    pp10_approved_order_is_captured_after_its_event,
    pp4_verified_event_must_match_our_order,
    pp2_pp3_only_what_paypal_signed_for_our_webhook_counts,
    pp11_event_about_no_payment_of_ours_is_not_verified,
    b4_captured_payment_of_an_erased_account_is_recorded,
];

/// Posts an event with these headers in place of PayPal's.
async fn post_event(env: &'static TestEnv, body: &str, headers: &[(&str, &str)]) -> Result<ApiResponse> {
    let certificate = format!("{}/v1/notifications/certs/CERT-FAKE", env.fake_payments);
    let usual = [
        ("paypal-auth-algo", "SHA256withRSA"),
        ("paypal-cert-url", certificate.as_str()),
        ("paypal-transmission-id", "d938e770-8046-11e6-8103-6b62a8a99ac4"),
        ("paypal-transmission-sig", "Zm9yZ2Vk"),
        ("paypal-transmission-time", "2026-11-22T22:00:46.000Z"),
    ];
    let mut request = env.visitor()?.request(Method::POST, "/v1/webhooks/paypal-events");
    for (name, value) in usual {
        let value = headers.iter().find(|(given, _)| *given == name).map_or(value, |(_, given)| given);
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    ApiResponse::read(request.header("content-type", "application/json").body(body.to_owned()).send().await?).await
}

/// Makes PayPal sign and send this event. Returns its delivery.
async fn send_event(env: &'static TestEnv, body: &Value) -> Result<Value> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let body = body.to_string();
    let request = client.post(format!("{}/control/paypal/events", env.fake_payments)).body(body.clone());
    ApiResponse::read(request.send().await?).await?.is(303)?;
    let all = read_control(env, "/control/deliveries").await?;
    let sent = all.as_array().and_then(|all| all.iter().rev().find(|message| message["body"] == body.as_str()));
    sent.cloned().context("PayPal did not send this")
}

/// Starts a checkout that PayPal captured, with all messages about it held back.
async fn captured<'a>(user: &'a TestUser, approval: &str) -> Result<Checkout<'a>> {
    let checkout = begin_paypal(user).await?;
    checkout.act(approval, &[]).await?;
    checkout.capture().await?.is(200)?;
    Ok(checkout)
}

async fn deliver_in_turn(checkout: &Checkout<'_>, kinds: [&str; 2]) -> Result<()> {
    for kind in kinds {
        deliver_message(checkout.user.env, &checkout.message(kind).await?).await?;
        drain_ipn_queue(checkout.user.env).await?;
    }
    Ok(())
}

async fn pp7_b1_either_messenger_grants_and_both_grant_once(env: &'static TestEnv) -> Result<()> {
    for kinds in [["Completed", "PAYMENT.CAPTURE.COMPLETED"], ["PAYMENT.CAPTURE.COMPLETED", "Completed"]] {
        let ada = env.user().await?;
        with_paypal_events(env, "*", async || {
            with_messages_held(env, async || {
                let checkout = captured(&ada, "approve-pending").await?;
                checkout.check("pending", 0, 0, 40).await?;
                checkout.act("complete", &[]).await?;
                deliver_message(env, &checkout.message(kinds[0]).await?).await?;
                drain_ipn_queue(env).await?;
                checkout.check("paid", 200, 0, 240).await?;
                deliver_in_turn(&checkout, [kinds[1], kinds[0]]).await?;
                checkout.check("paid", 200, 0, 240).await
            })
            .await?;
            drain_ipn_queue(env).await
        })
        .await?;
        // IPN names the payer, the event does not: the receipt has the address from whichever comes.
        let items = account_items(&ada).await?;
        let payment = items.iter().find(|item| string(item, "sk").starts_with("PAYMENT#")).context("no payment")?;
        let receipt = payment.get("receipt").and_then(|receipt| receipt.as_m().ok()).context("no receipt")?;
        ensure!(string(receipt, "billing_email") == "jose@buyer.example", "{receipt:?}");
    }
    Ok(())
}

async fn pp8_refund_and_reversal_count_once_in_either_order(env: &'static TestEnv) -> Result<()> {
    for turned in [false, true] {
        let ada = env.user().await?;
        with_paypal_events(env, "*", async || {
            let checkout = captured(&ada, "approve").await?;
            checkout.check("paid", 200, 0, 240).await?;
            with_messages_held(env, async || {
                for (action, amount, kinds, status, clawed_back) in [
                    ("refund", "125", ["Refunded", "PAYMENT.CAPTURE.REFUNDED"], "partly_refunded", 50),
                    ("reverse", "125", ["Reversed", "PAYMENT.CAPTURE.REVERSED"], "reversed", 100),
                ] {
                    checkout.act(action, &[("amount", amount)]).await?;
                    let kinds = if turned { [kinds[1], kinds[0]] } else { kinds };
                    deliver_message(env, &checkout.message(kinds[0]).await?).await?;
                    drain_ipn_queue(env).await?;
                    checkout.check(status, 200, clawed_back, 240 - clawed_back).await?;
                    deliver_in_turn(&checkout, [kinds[1], kinds[0]]).await?;
                    checkout.check(status, 200, clawed_back, 240 - clawed_back).await?;
                }
                Ok(())
            })
            .await?;
            drain_ipn_queue(env).await?;
            checkout.check("reversed", 200, 100, 140).await
        })
        .await?;
    }
    Ok(())
}

async fn pp8_refund_that_fails_is_restored(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    with_paypal_events(env, "*", async || {
        let checkout = captured(&ada, "approve").await?;
        checkout.act("refund", &[("amount", "250")]).await?;
        drain_ipn_queue(env).await?;
        checkout.check("partly_refunded", 200, 100, 140).await?;
        checkout.act("fail-refund", &[]).await?;
        checkout.check("paid", 200, 0, 240).await?;
        // What was reported of the refund before does not count any more.
        deliver_in_turn(&checkout, ["Refunded", "PAYMENT.CAPTURE.REFUNDED"]).await?;
        checkout.check("paid", 200, 0, 240).await
    })
    .await
}

async fn pp9_dispute_event_freezes_as_a_case_does(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    with_paypal_events(env, "*", async || {
        let checkout = captured(&ada, "approve").await?;
        drain_ipn_queue(env).await?;
        with_messages_held(env, async || {
            checkout.act("open-case", &[]).await?;
            deliver_message(env, &checkout.message("CUSTOMER.DISPUTE.CREATED").await?).await
        })
        .await?;
        ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "frozen", "a dispute freezes nothing");
        drain_ipn_queue(env).await?;
        let account = account_items(&ada).await?;
        let account = account.iter().find(|item| string(item, "sk") == "ACCOUNT").context("no account")?;
        let cases = format!("{account:?}").matches("PP-D-").count();
        ensure!(cases == 1, "one case freezes {cases} times: {account:?}");
        checkout.check("paid", 200, 0, 240).await
    })
    .await
}

async fn pp10_approved_order_is_captured_after_its_event(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    with_paypal_events(env, "*", async || {
        let checkout = begin_paypal(&ada).await?;
        // Nothing is due yet, as the first poll is minutes away.
        env.sweep(clock::now() + SignedDuration::from_secs(5)).await?;
        checkout.act("approve", &[]).await?;
        checkout.check("created", 0, 0, 40).await?;
        env.sweep(clock::now() + SignedDuration::from_secs(5)).await?;
        checkout.check("paid", 200, 0, 240).await?;
        // A late event changes nothing.
        deliver_message(env, &checkout.message("CHECKOUT.ORDER.APPROVED").await?).await?;
        env.sweep(clock::now() + SignedDuration::from_secs(5)).await?;
        checkout.messages().await?;
        drain_ipn_queue(env).await?;
        checkout.check("paid", 200, 0, 240).await
    })
    .await
}

/// Returns the body of the event that reports a completed capture, which is not delivered.
async fn completion(env: &'static TestEnv, checkout: &Checkout<'_>) -> Result<Value> {
    with_paypal_events(env, "*", async || {
        with_messages_held(env, async || {
            checkout.act("complete", &[]).await?;
            for kind in ["Completed", "PAYMENT.CAPTURE.COMPLETED"] {
                drop_message(env, &checkout.message(kind).await?).await?;
            }
            Ok(())
        })
        .await
    })
    .await?;
    Ok(serde_json::from_str(&text(&checkout.message("PAYMENT.CAPTURE.COMPLETED").await?, "body")?)?)
}

async fn pp4_verified_event_must_match_our_order(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = captured(&ada, "approve-pending").await?;
    checkout.messages().await?;
    drain_ipn_queue(env).await?;
    let event = completion(env, &checkout).await?;
    let before = account_items(&ada).await?;
    for (place, value) in [
        ("/resource/amount/value", "4.99"),
        ("/resource/amount/value", "5.01"),
        ("/resource/amount/value", "5.000"),
        ("/resource/amount/currency_code", "USD"),
        ("/resource/amount/currency_code", "XXX"),
        ("/resource/id", "4242424242424242"),
    ] {
        let mismatches = measurements(env, Metric::PaymentMismatches).await?;
        let mut other = event.clone();
        *other.pointer_mut(place).context("no such field")? = json!(value);
        let sent = send_event(env, &other).await?;
        ensure!(sent["state"] == "delivered", "it is sent again for ever: {sent}");
        ensure!(account_items(&ada).await? == before, "{place} {value} was accepted");
        wait_for_metric(env, Metric::PaymentMismatches, mismatches)
            .await
            .with_context(|| format!("{place} {value}"))?;
    }
    send_event(env, &event).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp2_pp3_only_what_paypal_signed_for_our_webhook_counts(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = captured(&ada, "approve-pending").await?;
    checkout.messages().await?;
    drain_ipn_queue(env).await?;
    let event = completion(env, &checkout).await?.to_string();
    let before = account_items(&ada).await?;
    let refused = measurements(env, Metric::RefusedWebhooks).await?;
    post_event(env, &event, &[]).await?.is(400)?;
    wait_for_metric(env, Metric::RefusedWebhooks, refused).await?;
    // Unsigned, or nothing that PayPal would send: PayPal is not asked.
    let refused = measurements(env, Metric::RefusedWebhooks).await?;
    for missing in ["paypal-auth-algo", "paypal-cert-url", "paypal-transmission-id", "paypal-transmission-sig"] {
        post_event(env, &event, &[(missing, "")]).await?.is(400)?;
    }
    for junk in ["", "{", "[]", "null", r#"{"event_type": 7}"#] {
        post_event(env, junk, &[]).await?.is(400)?;
    }
    post_event(env, &" ".repeat(1_100_000), &[]).await?.is(413)?;
    ensure!(account_items(&ada).await? == before, "it was accepted");
    ensure!(measurements(env, Metric::RefusedWebhooks).await? == refused, "a stranger raises an alarm");

    // A signature of another event, or of other bytes.
    let message = checkout.message("PAYMENT.CAPTURE.COMPLETED").await?;
    let transmission = |field| text(&message["transmission"], field);
    let [id, signature, time] = [transmission("id")?, transmission("signature")?, transmission("time")?];
    let genuine = [
        ("paypal-transmission-id", id.as_str()),
        ("paypal-transmission-sig", signature.as_str()),
        ("paypal-transmission-time", time.as_str()),
    ];
    post_event(env, &format!("{event} "), &genuine).await?.is(400)?;
    ensure!(account_items(&ada).await? == before, "it was accepted");
    // PayPal does not answer: it sends the event again.
    post_control(env, "/control/outage", &[("provider", "paypal")]).await?;
    let sent = deliver_message(env, &message).await;
    post_control(env, "/control/outage", &[]).await?;
    sent?;
    let message = checkout.message("PAYMENT.CAPTURE.COMPLETED").await?;
    ensure!(message["attempts"][0]["status"].as_u64() >= Some(500) && message["state"] == "failed", "{message}");
    ensure!(account_items(&ada).await? == before, "it was accepted");
    post_event(env, &text(&message, "body")?, &genuine).await?.is(204)?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp11_event_about_no_payment_of_ours_is_not_verified(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = captured(&ada, "approve-pending").await?;
    checkout.messages().await?;
    drain_ipn_queue(env).await?;
    let event = completion(env, &checkout).await?;
    let refused = measurements(env, Metric::RefusedWebhooks).await?;
    let mut foreign = event.clone();
    foreign["resource"]["custom_id"] = json!("their-order-7");
    foreign["resource"]["invoice_id"] = Value::Null;
    let mut unpaid = event.clone();
    unpaid["event_type"] = json!("PAYMENT.CAPTURE.PENDING");
    unpaid["resource"]["custom_id"] = json!(clock::uuid_at(clock::now()));
    unpaid["resource"]["invoice_id"] = Value::Null;
    for other in [foreign, unpaid, json!({"event_type": "BILLING.PLAN.CREATED", "resource": {"id": "P-1"}})] {
        let sent = send_event(env, &other).await?;
        ensure!(sent["state"] == "delivered" && sent["postbacks"] == 0, "PayPal was asked to verify it: {sent}");
        post_event(env, &other.to_string(), &[]).await?.is(204)?;
    }
    // Money for a payment that was deleted is about nothing known. This event is forged, and raises no alarm.
    let mut paid = event;
    paid["resource"]["custom_id"] = json!(clock::uuid_at(clock::now()));
    paid["resource"]["invoice_id"] = Value::Null;
    post_event(env, &paid.to_string(), &[]).await?.is(400)?;
    ensure!(measurements(env, Metric::RefusedWebhooks).await? == refused, "a stranger raises an alarm");
    Ok(())
}

async fn b4_captured_payment_of_an_erased_account_is_recorded(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = captured(&ada, "approve-pending").await?;
    checkout.messages().await?;
    drain_ipn_queue(env).await?;
    let event = completion(env, &checkout).await?;
    delete_account_items(&ada).await?;
    let before = measurements(env, Metric::UnclaimedPayments).await?;
    send_event(env, &event).await?;
    wait_for_metric(env, Metric::UnclaimedPayments, before).await?;
    let pk = format!("PAYMENT#{}", checkout.id);
    let items = scan(env).await?;
    let unclaimed = items.iter().find(|item| string(item, "pk") == pk && string(item, "sk") == "UNCLAIMED");
    let unclaimed = unclaimed.context("it is not recorded")?;
    let capture = event["resource"]["id"].as_str().context("no capture")?;
    ensure!(string(unclaimed, "transaction") == capture, "{unclaimed:?}");
    Ok(())
}
