//! What nobody told us, and is found out by asking.

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    PaymentId,
    catalogue::packages,
    money::Currency,
    payments::payment::{Payment, PaymentProvider},
};
use jiff::{SignedDuration, Timestamp};
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};
use store::Write;

use crate::{
    buying::{Checkout, erase, held, lose, play},
    observability::{measured_again, measurements, put_item},
    stripe_messages::{COMPLETED, begin, later, payment_item},
    tests,
    world::{Person, TestEnv},
};

tests![
    s1_p35_whoever_comes_back_is_granted_at_once_though_no_webhook_came,
    s11_a_payment_whose_webhook_never_came_is_found,
    s11_a_checkout_of_which_stripe_says_nothing_is_measured_and_asked_about_again,
    s11_a_key_that_was_rotated_is_looked_for_where_the_old_one_is_refused,
    s11_a_provider_that_is_silent_keeps_nobody_else_waiting,
    s11_events_that_stripe_does_not_send_are_noticed,
];

/// One that is paid, and nobody tells us.
async fn paid_unheard(person: &Person) -> Result<Checkout<'_>> {
    let (world, checkout) = (person.world, begin(person).await?);
    held(world, async || {
        checkout.act("pay", &[]).await?;
        lose(world, &checkout.message(COMPLETED).await?).await
    })
    .await?;
    Ok(checkout)
}

async fn s1_p35_whoever_comes_back_is_granted_at_once_though_no_webhook_came(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = paid_unheard(&ada).await?;
    checkout.check("created", 0, 0, 40).await?;
    ensure!(checkout.look().await?["status"] == "paid");
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_a_payment_whose_webhook_never_came_is_found(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = paid_unheard(&ada).await?;
    world.sweep(clock::now()).await?;
    checkout.check("created", 0, 0, 40).await?;
    let swept = world.sweep(later()).await?;
    ensure!(swept["settled"].as_u64() >= Some(1), "{swept}");
    checkout.check("paid", 200, 0, 240).await?;
    world.sweep(later() + SignedDuration::from_hours(1)).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_a_checkout_of_which_stripe_says_nothing_is_measured_and_asked_about_again(
    world: &'static TestEnv,
) -> Result<()> {
    let ada = world.person().await?;
    let checkout = begin(&ada).await?;
    let record = payment_item(&checkout).await?;
    let mut unknown = record.clone();
    unknown.insert("checkout".to_owned(), AttributeValue::S("cs_test_of_nobody".to_owned()));
    put_item(world, unknown).await?;
    held(world, async || {
        checkout.act("pay", &[]).await?;
        lose(world, &checkout.message(COMPLETED).await?).await
    })
    .await?;
    let before = measurements(world, Metric::UnansweredCheckouts).await?;
    let swept = world.sweep(later()).await?;
    ensure!(swept["failed"].as_u64() >= Some(1), "{swept}");
    measured_again(world, Metric::UnansweredCheckouts, before).await?;
    checkout.check("created", 0, 0, 40).await?;
    let mut asked = payment_item(&checkout).await?;
    asked.extend(record.get("checkout").map(|checkout| ("checkout".to_owned(), checkout.clone())));
    put_item(world, asked).await?;
    world.sweep(later() + SignedDuration::from_mins(6)).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_a_key_that_was_rotated_is_looked_for_where_the_old_one_is_refused(world: &'static TestEnv) -> Result<()> {
    let (clients, arn) = (world.clients()?, world.output("PaymentKeysArn")?);
    let ada = world.person().await?;
    let checkout = paid_unheard(&ada).await?;
    let good = clients.secret(arn).await?;
    let mut revoked: Value = serde_json::from_str(&good)?;
    revoked["stripe_secret_key"] = json!("sk-of-yesterday_test_");
    let put = async |keys: &str| clients.secrets().put_secret_value().secret_id(arn).secret_string(keys).send().await;
    put(&revoked.to_string()).await?;
    // The sweep's clock goes by the event. Two hours on it has no newer keys to ask with; then there are some.
    let asked_in_vain = world.sweep(clock::now() + SignedDuration::from_hours(2)).await;
    put(&good).await?;
    ensure!(asked_in_vain?["failed"].as_u64() >= Some(1), "the revoked key was not used");
    checkout.check("created", 0, 0, 40).await?;
    let other = paid_unheard(&ada).await?;
    world.sweep(clock::now() + SignedDuration::from_secs(2 * 3_600 + 90)).await?;
    ensure!(other.known().await?["status"] == "paid", "the new key was not used");
    checkout.look().await?;
    checkout.check("paid", 200, 0, 440).await
}

async fn s11_a_provider_that_is_silent_keeps_nobody_else_waiting(world: &'static TestEnv) -> Result<()> {
    // A sweep takes 200, and asks ten before it knows that nobody answers.
    const MORE_THAN_A_SWEEP_TAKES: usize = 230;
    let (ada, bob) = (world.person().await?, world.person().await?);
    let table = world.table()?;
    let choice = packages::choose("starter", Currency::Eur)?;
    let before = clock::now() - SignedDuration::from_mins(10);
    for _ in 0..MORE_THAN_A_SWEEP_TAKES {
        let id = PaymentId(clock::uuid_at(before));
        let opened = Payment::open(id, ada.account_id.parse()?, PaymentProvider::Paypal, choice, before);
        let unanswered = Payment { checkout: Some("OFNOBODY".to_owned()), ..opened };
        table.commit(&[Write::Payment(&unanswered)]).await?;
    }
    let checkout = paid_unheard(&bob).await?;
    play(world, "/control/outage", &[("provider", "paypal")]).await?;
    let swept = async {
        let first = world.sweep(later()).await?;
        ensure!(first["failed"].as_u64() < Some(50), "who does not answer is asked again and again: {first}");
        world.sweep(later()).await
    };
    let swept = swept.await;
    play(world, "/control/outage", &[]).await?;
    swept?;
    erase(&ada).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn s11_events_that_stripe_does_not_send_are_noticed(world: &'static TestEnv) -> Result<()> {
    let now_s = clock::now().as_second();
    let midnight = Timestamp::from_second(now_s - now_s.rem_euclid(86_400))?;
    let before = measurements(world, Metric::MissingWebhookEvents).await?;
    world.sweep(midnight).await?;
    ensure!(measurements(world, Metric::MissingWebhookEvents).await? == before, "nothing is missing");
    let subscribe = async |events: &str| play(world, "/control/stripe/endpoint", &[("enabled_events", events)]).await;
    subscribe("checkout.session.completed charge.dispute.created").await?;
    let swept = world.sweep(midnight).await;
    subscribe("*").await?;
    swept?;
    measured_again(world, Metric::MissingWebhookEvents, before).await
}
