//! PayPal's notifications, from its address at the door through the queue in which they wait.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::registry;
use reqwest::Method;
use serde_json::Value;

use crate::{
    buying::fake_payments,
    tests,
    world::{Answer, PATIENCE, TestEnv, text},
};

tests![
    pp1_the_raw_bytes_are_kept_and_then_an_empty_answer_goes_out,
    pp1_p20_what_nobody_could_verify_stays_as_long_as_it_is_declared,
];

/// Posts a body to the address that PayPal has.
pub async fn post(world: &'static TestEnv, body: impl Into<Vec<u8>>) -> Result<Answer> {
    let request = world.stranger()?.request(Method::POST, "/v1/webhooks/paypal");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    Answer::read(request.body(body.into()).send().await?).await
}

/// Has PayPal send this, so that it says afterwards that it did.
pub async fn say(world: &'static TestEnv, body: &str) -> Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let request = client.post(format!("{}/control/paypal/messages", world.fake_payments)).body(body.to_owned());
    Answer::read(request.send().await?).await?.is(303)?;
    drained(world).await
}

/// How often PayPal was asked about what it [said](say).
pub async fn questions(world: &TestEnv, body: &str) -> Result<u64> {
    let all = fake_payments(world, "/control/deliveries").await?;
    let said = all.as_array().and_then(|all| all.iter().rev().find(|message| message["body"] == body));
    said.and_then(|message| message["postbacks"].as_u64()).context("PayPal never said this")
}

pub async fn waiting(world: &TestEnv, queue: &str) -> Result<u32> {
    use QueueAttributeName as Name;
    let (clients, names) =
        (world.clients()?, [Name::ApproximateNumberOfMessages, Name::ApproximateNumberOfMessagesNotVisible]);
    let request = clients.sqs().get_queue_attributes().queue_url(world.output(queue)?);
    let answer = request.set_attribute_names(Some(names.to_vec())).send().await?;
    let attributes = answer.attributes.context("a queue without attributes")?;
    names.iter().map(|name| Ok(attributes.get(name).context("no such attribute")?.parse::<u32>()?)).sum()
}

/// Waits until every message that was kept is dealt with.
pub async fn drained(world: &TestEnv) -> Result<()> {
    let begun = Instant::now();
    while waiting(world, "NotificationsUrl").await? > 0 {
        ensure!(begun.elapsed() < PATIENCE, "messages come back for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ensure!(waiting(world, "NotificationDeadLettersUrl").await? == 0, "a message was given up");
    Ok(())
}

/// What is kept of messages while nobody takes them from the queue: `last` is the last of them.
pub async fn kept_bodies(
    world: &'static TestEnv,
    last: &[u8],
    act: impl AsyncFnOnce() -> Result<()>,
) -> Result<Vec<Vec<u8>>> {
    let (lambda, clients) = (world.lambda(), world.clients()?);
    let function = world.function_name("PaypalVerify").await?;
    let mappings = lambda.list_event_source_mappings().function_name(function).send().await?;
    let mapping = mappings.event_source_mappings().first().and_then(|mapping| mapping.uuid());
    let mapping = mapping.context("nothing takes messages from the queue")?;
    let take = async |enabled| lambda.update_event_source_mapping().uuid(mapping).enabled(enabled).send().await;
    take(false).await?;
    let looked = async {
        act().await?;
        let (begun, mut bodies) = (Instant::now(), Vec::new());
        while !bodies.iter().any(|body| body == last) {
            ensure!(begun.elapsed() < PATIENCE, "what was sent is not among {} messages", bodies.len());
            let request = clients.sqs().receive_message().queue_url(world.output("NotificationsUrl")?);
            let received = request.max_number_of_messages(10).send().await?;
            for message in received.messages() {
                let notification: Value = serde_json::from_str(message.body().context("a message without a body")?)?;
                bodies.push(STANDARD.decode(text(&notification, "raw")?)?);
            }
        }
        Ok(bodies)
    };
    let looked = looked.await;
    take(true).await?;
    drained(world).await?;
    looked
}

async fn pp1_the_raw_bytes_are_kept_and_then_an_empty_answer_goes_out(world: &'static TestEnv) -> Result<()> {
    let raw = b"charset=windows-1252&first_name=Jos%E9&b=1&a=+%7e%7E~&&last_name=M\xfcller".as_slice();
    // The local gateway makes U+FFFD of what is not UTF-8.
    let raw = String::from_utf8_lossy(raw).replace('\u{fffd}', "u").into_bytes();
    let bodies = kept_bodies(world, &raw, async || {
        let answer = post(world, raw.clone()).await?.is(200)?;
        ensure!(answer.bytes.is_empty(), "{answer:?}");
        Ok(())
    })
    .await?;
    ensure!(bodies == [raw], "{bodies:?}");
    Ok(())
}

async fn pp1_p20_what_nobody_could_verify_stays_as_long_as_it_is_declared(world: &'static TestEnv) -> Result<()> {
    for queue in ["NotificationsUrl", "NotificationDeadLettersUrl"] {
        let clients = world.clients()?;
        let request = clients.sqs().get_queue_attributes().queue_url(world.output(queue)?);
        let answer = request.attribute_names(QueueAttributeName::MessageRetentionPeriod).send().await?;
        let period_s = answer.attributes().and_then(|all| all.get(&QueueAttributeName::MessageRetentionPeriod));
        let period_s: u32 = period_s.context("no period")?.parse()?;
        ensure!(
            period_s == registry::NOTIFICATION_DAYS * 24 * 3_600,
            "{queue}: the payer's name and address stay for {period_s} seconds"
        );
    }
    Ok(())
}
