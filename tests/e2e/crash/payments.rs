//! Crashes of the functions that take payments.

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use domain::{accounts::plan::Plan, staff::daily_sum::SumKind};
use jiff::{SignedDuration, tz::TimeZone};
use reqwest::Method;
use runtime::clock;
use serde_json::json;

use crate::{
    credits::gifts::buy_gift,
    env::{
        checkouts::{Checkout, drop_message, post_control, with_messages_held},
        faults::{crash_at_each_call, now_plus, retry_until_answered, sweep_until_done},
        http::{ApiResponse, text},
        paypal::{drain_ipn_queue, with_paypal_events},
        test_env::{TestEnv, TestUser, settings},
        trial::tests,
    },
};

tests![
    checkout_crash_at_any_call_grants_credits_once,
    stripe_webhook_crash_at_any_call_applies_each_event_once,
    paypal_ipn_crash_at_any_call_grants_credits_once,
    paypal_verify_crash_at_any_call_grants_credits_once,
    paypal_webhook_crash_at_any_call_grants_credits_once,
    reconciliation_crash_at_any_call_grants_credits_once,
    gift_crash_at_any_call_is_issued_and_lessened_once,
    gift_crash_at_any_call_is_redeemed_once,
];

async fn checkout_crash_at_any_call_grants_credits_once(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Checkout", 10, async |ada| {
        let checkout = Checkout::start_until_answered(ada, "paypal").await?;
        checkout.act("approve", &[]).await?;
        // The buyer returns and retries until the credits are granted.
        retry_until_answered(async || checkout.capture().await).await?.is(200)?;
        check_bought(ada, 200).await
    })
    .await
}

async fn stripe_webhook_crash_at_any_call_applies_each_event_once(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "StripeWebhook", 3, async |ada| {
        let (sold, returned) = (moved(env, SumKind::Sold).await?, moved(env, SumKind::Returned).await?);
        let checkout = Checkout::start(ada, "stripe", "starter").await?;
        // Stripe retries events without a successful response.
        checkout.act("pay", &[]).await?;
        ensure!(ada.credits().await? == (240, 0), "the webhook alone grants");
        checkout.act("refund", &[("amount", "100")]).await?;
        ensure!(ada.credits().await? == (200, 0), "and takes back");
        let now = (moved(env, SumKind::Sold).await?, moved(env, SumKind::Returned).await?);
        let paid = checkout.known().await?["total"]["amount"].as_i64().context("no total")?;
        ensure!(now.0 == (sold.0 + 1, sold.1 + 200, sold.2 + paid), "the sale was not counted once: {now:?}");
        ensure!(
            now.1 == (returned.0 + 1, returned.1 + 40, returned.2 + 100),
            "the refund was not counted once: {now:?}"
        );
        check_bought(ada, 160).await
    })
    .await
}

async fn paypal_ipn_crash_at_any_call_grants_credits_once(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "PaypalIpn", 1, async |ada| check_pending_paypal_payment(ada).await).await
}

async fn paypal_verify_crash_at_any_call_grants_credits_once(env: &'static TestEnv) -> Result<()> {
    // An unprocessed message becomes visible after a second, not after five minutes.
    let clients = env.clients()?;
    let queue = clients.sqs().set_queue_attributes().queue_url(env.output("NotificationsUrl")?);
    queue.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await?;
    crash_at_each_call(env, "PaypalVerify", 2, async |ada| check_pending_paypal_payment(ada).await).await
}

async fn paypal_webhook_crash_at_any_call_grants_credits_once(env: &'static TestEnv) -> Result<()> {
    with_paypal_events(env, "PAYMENT.CAPTURE.COMPLETED", async || {
        crash_at_each_call(env, "PaypalWebhook", 4, async |ada| {
            let checkout = Checkout::start(ada, "paypal", "starter").await?;
            checkout.act("approve-pending", &[]).await?;
            checkout.capture().await?.is(200)?;
            with_messages_held(env, async || {
                checkout.act("complete", &[]).await?;
                drop_message(env, &checkout.message("Completed").await?).await
            })
            .await?;
            ensure!(ada.credits().await? == (240, 0), "the event alone grants");
            drain_ipn_queue(env).await?;
            check_bought(ada, 200).await
        })
        .await
    })
    .await
}

/// Returns how many payments were counted in this way today, with their credits and their money.
async fn moved(env: &TestEnv, kind: SumKind) -> Result<(i64, i64, i64)> {
    let today = clock::now().to_zoned(TimeZone::UTC).date();
    let sums = env.table()?.daily_sums(today, today).await?;
    let of_kind = sums.iter().filter(|sum| sum.kind == kind);
    Ok(of_kind.fold((0, 0, 0), |(count, credits, amount), sum| {
        (count + sum.count, credits + sum.credits.0, amount + sum.amount)
    }))
}

/// Pays so that only an IPN reports that the money arrived.
async fn check_pending_paypal_payment(ada: &TestUser) -> Result<()> {
    let checkout = Checkout::start(ada, "paypal", "starter").await?;
    checkout.act("approve-pending", &[]).await?;
    let pending = checkout.capture().await?.is(200)?.json;
    ensure!(pending["status"] == "pending", "{pending}");
    checkout.act("complete", &[]).await?;
    drain_ipn_queue(ada.env).await?;
    ensure!(ada.credits().await? == (240, 0), "the notification alone grants");
    check_bought(ada, 200).await
}

async fn reconciliation_crash_at_any_call_grants_credits_once(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Sweep", 6, async |ada| {
        let image = ada.finished_image("a wreck").await?;
        let checkout = Checkout::start(ada, "stripe", "starter").await?;
        // Stripe sends no event of the payment: the refund is parked.
        post_control(env, "/control/stripe/endpoint", &[("enabled_events", "refund.created")]).await?;
        checkout.act("pay", &[]).await?;
        checkout.act("refund", &[("amount", "100")]).await?;
        post_control(env, "/control/stripe/endpoint", &[("enabled_events", "*")]).await?;
        ensure!(ada.credits().await? == (39, 0), "no message was sent");
        check_bought(ada, 159).await?;
        // The first sweep changed the plan, and the second one has the image follow it.
        let found = ada.get(&format!("/v1/generations/{}", text(&image, "id")?)).await?.is(200)?.json;
        let expires_at = settings().plans.expires_at(Plan::Plus, text(&image, "ended_at")?.parse()?);
        ensure!(found["expires_at"] == json!(expires_at), "{found}");
        ensure!(env.table()?.plan_change(ada.account()?).await?.is_none(), "the change of the plan is still due");
        Ok(())
    })
    .await
}

/// Checks that the credits were granted once, less what was clawed back, and that no expired checkout is open.
async fn check_bought(ada: &TestUser, credits: i64) -> Result<()> {
    // What a crash left unfinished is due again.
    for hours in [2, 3] {
        sweep_until_done(ada.env, now_plus(SignedDuration::from_hours(hours))).await?;
    }
    let listed = retry_until_answered(async || ada.get("/v1/checkout").await).await?.is(200)?.json;
    let payments = listed["items"].as_array().context("no payments")?;
    let paid = payments.iter().filter(|payment| payment["granted"] == 200).count();
    ensure!(paid == 1 && payments.iter().all(|payment| payment["status"] != "created"), "{listed}");
    ensure!(ada.credits().await? == (40 + credits, 0), "one grant");
    Ok(())
}

async fn gift_crash_at_any_call_is_issued_and_lessened_once(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "StripeWebhook", 3, async |ada| {
        let body = json!({"package": "starter", "currency": "EUR", "provider": "stripe", "gift": true});
        let checkout = Checkout::of(ada, "stripe", &ada.post("/v1/checkout", &body).await?.is(201)?.json)?;
        checkout.act("pay", &[]).await?;
        checkout.act("refund", &[("amount", "100")]).await?;
        checkout.check("partly_refunded", 200, 40, 40).await?;
        let code = text(&checkout.poll().await?["gift"], "code")?;
        let ben = env.user().await?;
        let redeemed = ben.post("/v1/account/redemptions", &json!({"code": code})).await?.is(201)?.json;
        ensure!(redeemed == json!({"credits": 160, "available": 200}), "{redeemed}");
        Ok(())
    })
    .await
}

async fn gift_crash_at_any_call_is_redeemed_once(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Account", 4, async |ada| {
        // A larger plan, so that the change of it is written too.
        let ben = env.user().await?;
        let (checkout, code) = buy_gift(&ben, "stripe", "maker").await?;
        let body = json!({"code": code});
        let redeem = async || {
            let request = ada.request(Method::POST, "/v1/account/redemptions").header("idempotency-key", "redeem");
            ApiResponse::read(request.json(&body).send().await?).await
        };
        let redeemed = retry_until_answered(redeem).await?.is(201)?.json;
        ensure!(redeemed == json!({"credits": 1_000, "available": 1_040}), "{redeemed}");
        retry_until_answered(async || ada.post("/v1/account/redemptions", &body).await).await?.is(400)?;
        ensure!(ada.get("/v1/account").await?.is(200)?.json["plan"] == "plus");
        ensure!(checkout.poll().await?["gift"]["state"] == "redeemed");
        Ok(())
    })
    .await
}
