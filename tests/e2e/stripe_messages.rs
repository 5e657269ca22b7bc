//! What Stripe says, and what becomes of it: in the wrong order, twice, late, never, and in somebody else's name.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use ring::hmac;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};
use stack::payments::WEBHOOK_SECRET;

use crate::{
    afterwards::{scan, string},
    authorization::{Item, kept},
    buying::{Checkout, deliver, held, play},
    observability::{account_item, measured_again, measurements, put_item},
    tests,
    world::{Answer, PATIENCE, Person, TestEnv, text},
};

tests![
    s5_a_secret_that_is_new_in_the_rotation_is_taken,
    s1_b1_whoever_comes_first_and_at_once_there_is_one_grant,
    s2_a_delayed_method_is_granted_when_the_money_is_there,
    s3_an_event_that_failed_half_way_is_done_by_its_repeat,
    s4_a_right_signature_over_another_payload_grants_nothing,
    s4_what_is_not_in_our_record_of_the_checkout_is_not_granted,
    s5_what_is_not_signed_just_now_with_our_secret_is_refused,
    s6_a_refund_that_comes_before_its_payment_waits_for_it,
];

/// The event of a purchase.
pub const COMPLETED: &str = "checkout.session.completed";

/// The header that Stripe would send with this body.
fn signature(secret: &str, at_s: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at_s}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at_s},v1={hex}")
}

fn now_s() -> i64 {
    clock::now().as_second()
}

async fn post(world: &'static TestEnv, body: &str, signature: Option<&str>) -> Result<Answer> {
    let mut request = world.stranger()?.request(Method::POST, "/v1/webhooks/stripe");
    request = request.header("content-type", "application/json").body(body.to_owned());
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    Answer::read(request.send().await?).await
}

/// Posts a body that is rightly signed.
pub async fn post_signed(world: &'static TestEnv, body: &str) -> Result<Answer> {
    post(world, body, Some(&signature(WEBHOOK_SECRET, now_s(), body))).await
}

/// Posts a body that is signed by somebody else.
pub async fn post_forged(world: &'static TestEnv, body: &str) -> Result<Answer> {
    post(world, body, Some(&signature("whsec_of_somebody", now_s(), body))).await
}

/// Begins to buy 200 credits for 500 cents. Everybody has 40 before.
pub async fn begin(person: &Person) -> Result<Checkout<'_>> {
    Checkout::begin(person, "stripe", "starter").await
}

/// Later than the first question to the provider about a checkout that begins now.
pub fn later() -> Timestamp {
    clock::now() + SignedDuration::from_mins(6)
}

async fn entries(person: &Person) -> Result<usize> {
    let items = kept(person).await?;
    Ok(items.iter().filter(|item| string(item, "sk").starts_with("LEDGER#")).count())
}

/// A payment, as it is kept.
pub async fn payment_item(checkout: &Checkout<'_>) -> Result<Item> {
    let sk = format!("PAYMENT#{}", checkout.id);
    let items = kept(checkout.person).await?;
    items.into_iter().find(|item| string(item, "sk") == sk).context("the payment is not kept")
}

async fn s1_b1_whoever_comes_first_and_at_once_there_is_one_grant(world: &'static TestEnv) -> Result<()> {
    for _ in 0..3 {
        let ada = world.person().await?;
        let checkout = begin(&ada).await?;
        held(world, async || {
            checkout.act("pay", &[]).await?;
            let event = text(&checkout.message(COMPLETED).await?, "body")?;
            let webhook = || async { post_signed(world, &event).await?.is(204) };
            let (page, other_page, first, second, swept) =
                tokio::join!(checkout.look(), checkout.look(), webhook(), webhook(), world.sweep(later()));
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

async fn s2_a_delayed_method_is_granted_when_the_money_is_there(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = begin(&ada).await?;
    checkout.act("pay-delayed", &[]).await?;
    ensure!(checkout.look().await?["status"] == "pending");
    checkout.check("pending", 0, 0, 40).await?;
    let delays = measurements(world, Metric::GrantDelayMs).await?;
    checkout.act("succeed-delayed", &[]).await?;
    checkout.check("paid", 200, 0, 240).await?;
    // That the bank took its time is no delay of ours.
    Checkout::paid(&ada, "stripe", "starter").await?;
    measured_again(world, Metric::GrantDelayMs, delays).await?;
    ensure!(measurements(world, Metric::GrantDelayMs).await? == delays + 1, "not only the second was measured");

    let bob = world.person().await?;
    let bounced = begin(&bob).await?;
    bounced.act("pay-delayed", &[]).await?;
    bounced.act("fail-delayed", &[]).await?;
    bounced.check("failed", 0, 0, 40).await?;
    let expired = begin(&bob).await?;
    expired.act("decline", &[]).await?;
    ensure!(expired.look().await?["status"] == "created");
    expired.act("expire", &[]).await?;
    expired.check("expired", 0, 0, 40).await
}

async fn s3_an_event_that_failed_half_way_is_done_by_its_repeat(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = begin(&ada).await?;
    // The payment is found and Stripe is asked, but the account cannot be read.
    let account = account_item(&ada).await?;
    let mut broken = account.clone();
    broken.insert("version".to_owned(), AttributeValue::N("-1".to_owned()));
    put_item(world, broken).await?;
    checkout.act("pay", &[]).await?;
    put_item(world, account).await?;
    let event = checkout.message(COMPLETED).await?;
    let attempts = event["attempts"].as_array().context("no attempts")?;
    ensure!(!attempts.is_empty() && attempts.iter().all(|attempt| attempt["status"] == 500), "{event}");
    checkout.check("created", 0, 0, 40).await?;
    for _ in 0..2 {
        deliver(world, &event).await?;
        checkout.check("paid", 200, 0, 240).await?;
    }
    ensure!(checkout.message(COMPLETED).await?["state"] == "delivered");
    Ok(())
}

async fn s4_a_right_signature_over_another_payload_grants_nothing(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let (hers, his) = (begin(&ada).await?, begin(&bob).await?);
    let before = kept(&bob).await?;
    held(world, async || {
        hers.act("pay", &[]).await?;
        let event = text(&hers.message(COMPLETED).await?, "body")?;
        // Her money names his order; it even names his session; and one that he made up of nothing but his order.
        let names_his = event.replace(&hers.id, &his.id);
        let all_his = names_his.replace(&hers.hosted, &his.hosted);
        let object = json!({"id": "cs_test_x", "client_reference_id": his.id, "payment_status": "paid"});
        let made_up = json!({
            "id": "evt_1", "type": COMPLETED, "livemode": false,
            "data": {"object": object, "metadata": {"account": bob.account_id, "credits": "200"}},
        });
        for body in [names_his, all_his, made_up.to_string()] {
            post_signed(world, &body).await?.is(204)?;
            ensure!(kept(&bob).await? == before, "it was believed: {body}");
        }
        // The same about real money.
        post_signed(world, &event.replace("\"livemode\": false", "\"livemode\": true")).await?.is(400)?;
        hers.check("created", 0, 0, 40).await
    })
    .await?;
    hers.check("paid", 200, 0, 240).await?;
    his.check("created", 0, 0, 40).await
}

async fn s4_what_is_not_in_our_record_of_the_checkout_is_not_granted(world: &'static TestEnv) -> Result<()> {
    let money = |amount: &str, currency: &str| {
        let fields = [
            ("amount".to_owned(), AttributeValue::N(amount.to_owned())),
            ("currency".to_owned(), AttributeValue::S(currency.to_owned())),
        ];
        AttributeValue::M(fields.into())
    };
    let (ada, bob) = (world.person().await?, world.person().await?);
    let his = Checkout::begin(&bob, "stripe", "starter").await?;
    his.act("pay", &[]).await?;
    for (name, other) in [
        ("price", money("499", "EUR")),
        ("price", money("501", "EUR")),
        ("price", money("500", "USD")),
        ("checkout", AttributeValue::S(his.hosted.clone())),
    ] {
        let checkout = begin(&ada).await?;
        let record = payment_item(&checkout).await?;
        let mut altered = record.clone();
        altered.insert(name.to_owned(), other);
        put_item(world, altered).await?;
        let before = (kept(&ada).await?, measurements(world, Metric::PaymentMismatches).await?);
        checkout.act("pay", &[]).await?;
        ensure!(checkout.message(COMPLETED).await?["state"] == "delivered", "it would come again, and be as wrong");
        ensure!(checkout.look().await?["status"] == "created");
        ensure!(kept(&ada).await? == before.0, "{name} is not looked at");
        measured_again(world, Metric::PaymentMismatches, before.1).await?;
        put_item(world, record).await?;
    }
    Ok(())
}

async fn s5_what_is_not_signed_just_now_with_our_secret_is_refused(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = begin(&ada).await?;
    let before = kept(&ada).await?;
    held(world, async || {
        checkout.act("pay", &[]).await?;
        let event = text(&checkout.message(COMPLETED).await?, "body")?;
        let now = now_s();
        let right = signature(WEBHOOK_SECRET, now, &event);
        let (time, tag) = right.split_once(",v1=").context("no signature")?;
        let cases = [
            ("no signature", &*event, None),
            ("an empty one", &event, Some(String::new())),
            ("garbage", &event, Some("garbage".to_owned())),
            ("no time", &event, Some(format!("v1={tag}"))),
            ("two times", &event, Some(format!("{time},{right}"))),
            ("another scheme", &event, Some(format!("{time},v0={tag}"))),
            ("half a signature", &event, Some(format!("{time},v1={}", &tag[..32]))),
            ("another secret", &event, Some(signature("whsec_of_somebody", now, &event))),
            ("no secret", &event, Some(signature("", now, &event))),
            ("long ago", &event, Some(signature(WEBHOOK_SECRET, now - 301, &event))),
            ("not yet", &event, Some(signature(WEBHOOK_SECRET, now + 400, &event))),
            ("another time", &event, Some(format!("t={},v1={tag}", now - 1))),
            ("an altered body", &format!("{event} "), Some(right.clone())),
            ("an empty body", "", Some(right.clone())),
        ];
        for (name, body, signature) in cases {
            let answer = post(world, body, signature.as_deref()).await?;
            ensure!(answer.status == 400, "{name}: {}", answer.status);
            ensure!(kept(&ada).await? == before, "{name} changed something");
        }
        let unknown = event.replace(COMPLETED, "customer.created");
        post_signed(world, &unknown).await?.is(204)?;
        ensure!(kept(&ada).await? == before, "an unknown event changed something");
        let in_time = signature(WEBHOOK_SECRET, now_s() - 290, &event);
        post(world, &event, Some(&in_time)).await?.is(204)?;
        checkout.check("paid", 200, 0, 240).await
    })
    .await
}

/// First a secret is added in the deployment, then Stripe signs with it.
async fn s5_a_secret_that_is_new_in_the_rotation_is_taken(world: &'static TestEnv) -> Result<()> {
    let (clients, arn) = (world.clients()?, world.output("PaymentKeysArn")?);
    let before = clients.secret(arn).await?;
    let mut keys: Value = serde_json::from_str(&before)?;
    keys["stripe_webhook_secrets"] = json!([WEBHOOK_SECRET, "whsec_of_tomorrow"]);
    let ada = world.person().await?;
    let checkout = begin(&ada).await?;
    held(world, async || {
        checkout.act("pay", &[]).await?;
        let event = text(&checkout.message(COMPLETED).await?, "body")?;
        let post_as = async |secret: &str| post(world, &event, Some(&signature(secret, now_s(), &event))).await;
        post_as("whsec_of_tomorrow").await?.is(400)?;
        checkout.check("created", 0, 0, 40).await?;
        clients.secrets().put_secret_value().secret_id(arn).secret_string(keys.to_string()).send().await?;
        // A process looks again after a minute; until then Stripe is told to come again.
        let begun = std::time::Instant::now();
        while post_as("whsec_of_tomorrow").await?.status != 204 {
            ensure!(begun.elapsed() < 2 * PATIENCE, "the new secret is not taken");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        checkout.check("paid", 200, 0, 240).await?;
        post_as(WEBHOOK_SECRET).await?.is(204)?;
        post_as("whsec_of_somebody").await?.is(400)?;
        Ok(())
    })
    .await?;
    clients.secrets().put_secret_value().secret_id(arn).secret_string(before).send().await?;
    Ok(())
}

async fn s6_a_refund_that_comes_before_its_payment_waits_for_it(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = begin(&ada).await?;
    let parked = async || -> Result<usize> {
        let items = scan(world).await?;
        Ok(items.iter().filter(|item| string(item, "sk").starts_with("PARKED#refund-")).count())
    };
    let before = parked().await?;
    held(world, async || {
        checkout.act("pay", &[]).await?;
        checkout.act("refund", &[("amount", "125")]).await?;
        deliver(world, &checkout.message("refund.created").await?).await?;
        ensure!(parked().await? == before + 1, "the refund does not wait");
        checkout.check("created", 0, 0, 40).await?;
        play(world, "/control/deliveries/release", &[("order", "reversed")]).await
    })
    .await?;
    world.sweep(clock::now() + SignedDuration::from_secs(90)).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    ensure!(parked().await? == before, "what was settled still waits");

    let bob = world.person().await?;
    let disputed = begin(&bob).await?;
    held(world, async || {
        for action in ["pay", "dispute", "withdraw-funds", "lose"] {
            disputed.act(action, &[]).await?;
        }
        deliver(world, &disputed.message("charge.dispute.closed").await?).await?;
        disputed.check("created", 0, 0, 40).await?;
        play(world, "/control/deliveries/release", &[("order", "reversed")]).await
    })
    .await?;
    world.sweep(clock::now() + SignedDuration::from_secs(90)).await?;
    disputed.check("lost", 200, 200, 40).await
}
