//! PayPal's notifications (IPN), and the queue in which they wait.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::Value;

use crate::env::{
    checkouts::{Checkout, post_control, read_control},
    http::{ApiResponse, PATIENCE, text},
    test_env::{TestEnv, TestUser},
};

/// Posts a body to the IPN route.
pub async fn post_ipn(env: &'static TestEnv, body: impl Into<Vec<u8>>) -> Result<ApiResponse> {
    let request = env.visitor()?.request(Method::POST, "/v1/webhooks/paypal");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    ApiResponse::read(request.body(body.into()).send().await?).await
}

/// Makes PayPal send this body, so that it verifies it later, and waits until it is processed.
pub async fn send_ipn(env: &'static TestEnv, body: &str) -> Result<()> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let request = client.post(format!("{}/control/paypal/messages", env.fake_payments)).body(body.to_owned());
    ApiResponse::read(request.send().await?).await?.is(303)?;
    drain_ipn_queue(env).await
}

/// Counts the verifications that PayPal received for a body of [`send_ipn`].
pub async fn verification_count(env: &TestEnv, body: &str) -> Result<u64> {
    let all = read_control(env, "/control/deliveries").await?;
    let said = all.as_array().and_then(|all| all.iter().rev().find(|message| message["body"] == body));
    said.and_then(|message| message["postbacks"].as_u64()).context("PayPal did not send this")
}

/// Counts the messages in a queue, those in flight included. `queue` is the name of an output.
pub async fn queue_length(env: &TestEnv, queue: &str) -> Result<u32> {
    use QueueAttributeName as Name;
    let (clients, names) =
        (env.clients()?, [Name::ApproximateNumberOfMessages, Name::ApproximateNumberOfMessagesNotVisible]);
    let request = clients.sqs().get_queue_attributes().queue_url(env.output(queue)?);
    let response = request.set_attribute_names(Some(names.to_vec())).send().await?;
    let attributes = response.attributes.context("a queue without attributes")?;
    names.iter().map(|name| Ok(attributes.get(name).context("no such attribute")?.parse::<u32>()?)).sum()
}

async fn wait_for_empty_queue(env: &TestEnv) -> Result<()> {
    let started = Instant::now();
    while queue_length(env, "NotificationsUrl").await? > 0 {
        ensure!(started.elapsed() < PATIENCE, "messages come back for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Waits until every queued IPN is processed.
pub async fn drain_ipn_queue(env: &TestEnv) -> Result<()> {
    wait_for_empty_queue(env).await?;
    ensure!(queue_length(env, "NotificationDeadLettersUrl").await? == 0, "a message was given up");
    Ok(())
}

/// Runs `act` while a notification is given up after one attempt, and returns the bodies that were given up. The queues are
/// empty then.
pub async fn given_up_ipn_bodies(env: &'static TestEnv, act: impl AsyncFnOnce() -> Result<()>) -> Result<Vec<Vec<u8>>> {
    let (clients, queue) = (env.clients()?, env.output("NotificationsUrl")?);
    let policy = QueueAttributeName::RedrivePolicy;
    let request = clients.sqs().get_queue_attributes().queue_url(queue).attribute_names(policy.clone());
    let declared = request.send().await?.attributes.and_then(|mut all| all.remove(&policy));
    let declared = declared.context("messages are tried for ever, or given up")?;
    let redrive = async |to: String| {
        clients.sqs().set_queue_attributes().queue_url(queue).attributes(policy.clone(), to).send().await
    };
    let mut sooner: Value = serde_json::from_str(&declared)?;
    sooner["maxReceiveCount"] = 1.into();
    redrive(sooner.to_string()).await?;
    let acted = async {
        act().await?;
        wait_for_empty_queue(env).await
    };
    let acted = acted.await;
    redrive(declared).await?;
    acted?;
    let (mut bodies, dead_letters) = (Vec::new(), env.output("NotificationDeadLettersUrl")?);
    while queue_length(env, "NotificationDeadLettersUrl").await? > 0 {
        bodies.extend(take_bodies(env, dead_letters).await?);
    }
    Ok(bodies)
}

/// Receives some notifications of a queue, and deletes them from it.
async fn take_bodies(env: &TestEnv, queue: &str) -> Result<Vec<Vec<u8>>> {
    let (clients, mut bodies) = (env.clients()?, Vec::new());
    let received = clients.sqs().receive_message().queue_url(queue).max_number_of_messages(10).send().await?;
    for message in received.messages() {
        let notification: Value = serde_json::from_str(message.body().context("a message without a body")?)?;
        bodies.push(STANDARD.decode(text(&notification, "raw")?)?);
        let handle = message.receipt_handle().context("no handle")?;
        clients.sqs().delete_message().queue_url(queue).receipt_handle(handle).send().await?;
    }
    Ok(bodies)
}

/// Takes the queued bodies of what `act` posts, while the queue's consumer is off. `last` is the last of them.
pub async fn queued_ipn_bodies(
    env: &'static TestEnv,
    last: &[u8],
    act: impl AsyncFnOnce() -> Result<()>,
) -> Result<Vec<Vec<u8>>> {
    let lambda = env.lambda();
    let function = env.function_name("PaypalVerify").await?;
    let mappings = lambda.list_event_source_mappings().function_name(function).send().await?;
    let mapping = mappings.event_source_mappings().first().and_then(|mapping| mapping.uuid());
    let mapping = mapping.context("nothing takes messages from the queue")?;
    let take = async |enabled| lambda.update_event_source_mapping().uuid(mapping).enabled(enabled).send().await;
    take(false).await?;
    let looked = async {
        act().await?;
        let (started, mut bodies) = (Instant::now(), Vec::new());
        while !bodies.iter().any(|body| body == last) {
            ensure!(started.elapsed() < PATIENCE, "the last body is not among {} messages", bodies.len());
            bodies.extend(take_bodies(env, env.output("NotificationsUrl")?).await?);
        }
        Ok(bodies)
    };
    let looked = looked.await;
    take(true).await?;
    drain_ipn_queue(env).await?;
    looked
}

/// Has PayPal's webhook subscribe to these events while `act` runs; usually there is only IPN. Only for tests that have the stack to
/// themselves.
pub async fn with_paypal_events(env: &TestEnv, events: &str, act: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    let subscribe = async |events| post_control(env, "/control/paypal/webhook", &[("enabled_events", events)]).await;
    subscribe(events).await?;
    let acted = act().await;
    subscribe("").await?;
    acted
}

/// Starts a checkout with PayPal.
pub async fn begin_paypal(user: &TestUser) -> Result<Checkout<'_>> {
    Checkout::start(user, "paypal", "starter").await
}

/// Starts a checkout that the buyer approved and whose payment is pending: only IPNs report on it.
pub async fn pending_paypal(user: &TestUser) -> Result<Checkout<'_>> {
    let checkout = begin_paypal(user).await?;
    checkout.act("approve-pending", &[]).await?;
    ensure!(checkout.capture().await?.is(200)?.json["status"] == "pending");
    checkout.messages().await?;
    drain_ipn_queue(user.env).await?;
    checkout.check("pending", 0, 0, 40).await?;
    Ok(checkout)
}

/// Performs an action at PayPal, and waits until its IPNs are processed.
pub async fn act_and_drain(checkout: &Checkout<'_>, action: &str, fields: &[(&str, &str)]) -> Result<()> {
    checkout.act(action, fields).await?;
    drain_ipn_queue(checkout.user.env).await
}
