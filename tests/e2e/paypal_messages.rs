//! What PayPal says, or somebody in its name, and what becomes of it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::SignedDuration;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};

use crate::{
    authorization::kept,
    buying::{Checkout, deliver, held, lose, play},
    crash::Order,
    notifications::{drained, post, questions, say, waiting},
    observability::{measured_again, measurements},
    tests,
    world::{Answer, PATIENCE, Person, TestEnv, text},
};

tests![
    pp1_what_cannot_be_kept_is_answered_so_that_paypal_sends_it_again,
    pp2_pp6_the_very_bytes_that_paypal_sent_count_and_no_others,
    pp3_what_paypal_cannot_say_credits_nothing_until_it_can,
    pp1_what_nobody_could_verify_waits_among_the_dead_letters_for_a_redrive,
    pp4_what_is_verified_must_also_be_about_our_order,
    pp5_a_message_about_real_money_is_refused_here,
    pp6_a_forgery_before_it_and_repeats_after_it_change_nothing,
    pp7_only_a_completed_payment_grants_and_a_denied_one_closes,
    pp7_a_capture_whose_answer_was_lost_grants_once_whoever_comes_first,
    pp8_refunds_reversals_and_their_cancellation_take_and_restore_to_the_unit,
    pp9_a_case_freezes_and_an_adjustment_moves_no_credits,
    pp10_an_approved_order_is_not_paid,
    pp10_a_buyer_whose_money_is_not_taken_is_told_what_to_do,
    pp11_a_body_that_is_no_message_does_no_harm,
];

/// The message with another value of a field, which it may lack.
fn with(message: &str, name: &str, value: &str) -> String {
    let rest = without(message, name);
    format!("{rest}&{name}={value}")
}

fn without(message: &str, name: &str) -> String {
    let is_other = |field: &&str| field.split('=').next() != Some(name);
    message.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

async fn begin(person: &Person) -> Result<Checkout<'_>> {
    Checkout::begin(person, "paypal", "starter").await
}

/// One that the buyer confirmed, whose money is still on its way: from now on only messages tell of it.
pub async fn pending(person: &Person) -> Result<Checkout<'_>> {
    let checkout = begin(person).await?;
    checkout.act("approve-pending", &[]).await?;
    ensure!(checkout.capture().await?.is(200)?.json["status"] == "pending");
    checkout.messages().await?;
    drained(person.world).await?;
    checkout.check("pending", 0, 0, 40).await?;
    Ok(checkout)
}

async fn paid(person: &Person) -> Result<Checkout<'_>> {
    let checkout = Checkout::paid(person, "paypal", "starter").await?;
    checkout.messages().await?;
    drained(person.world).await?;
    checkout.check("paid", 200, 0, 240).await?;
    Ok(checkout)
}

/// The message that a pending payment is complete. It is lost on its way.
async fn completion(checkout: &Checkout<'_>) -> Result<String> {
    let world = checkout.person.world;
    held(world, async || {
        checkout.act("complete", &[]).await?;
        lose(world, &checkout.message("Completed").await?).await
    })
    .await?;
    text(&checkout.message("Completed").await?, "body")
}

/// Something happens to it, and what PayPal says about it is dealt with.
pub async fn act(checkout: &Checkout<'_>, action: &str, fields: &[(&str, &str)]) -> Result<()> {
    checkout.act(action, fields).await?;
    drained(checkout.person.world).await
}

async fn pp1_what_cannot_be_kept_is_answered_so_that_paypal_sends_it_again(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let order = Order::give(world, "PaypalIpn", "before", 0).await?;
    act(&checkout, "complete", &[]).await?;
    ensure!(order.outcome().await?.is_some(), "nothing was to be kept");
    let message = checkout.message("Completed").await?;
    let attempts = message["attempts"].as_array().context("no attempts")?;
    ensure!(attempts[0]["status"].as_u64() >= Some(500) && attempts[1]["status"] == 200, "{message}");
    checkout.check("paid", 200, 0, 240).await?;

    // So is what the queue does not take.
    let (clients, queue) = (world.clients()?, world.output("NotificationsUrl")?);
    let take = async |bytes: u32| {
        let request = clients.sqs().set_queue_attributes().queue_url(queue);
        request.attributes(QueueAttributeName::MaximumMessageSize, bytes.to_string()).send().await
    };
    take(1_024).await?;
    let refused = post(world, "a".repeat(2_048)).await;
    take(1_024 * 1_024).await?;
    refused?.is(500)?;
    Ok(())
}

async fn pp2_pp6_the_very_bytes_that_paypal_sent_count_and_no_others(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let message = completion(&checkout).await?;
    ensure!(message.contains("first_name=Jos%E9"), "not in windows-1252: {message}");
    let before = kept(&ada).await?;
    let (first, rest) = message.split_once('&').context("one field")?;
    let again = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form_urlencoded::parse(message.as_bytes()))
        .finish();
    // PayPal has not sent this one either: it was lost on its way.
    for other in
        [message.clone(), message.replace("%E9", "%e9"), again, format!("{rest}&{first}"), format!("{message}&")]
    {
        post(world, other).await?.is(200)?;
        drained(world).await?;
        ensure!(kept(&ada).await? == before, "it counted");
    }
    deliver(world, &checkout.message("Completed").await?).await?;
    drained(world).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp3_what_paypal_cannot_say_credits_nothing_until_it_can(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    for (already, answer) in [(0, "error"), (1, "garbage")] {
        let checkout = begin(&ada).await?;
        checkout.act("approve-pending", &[]).await?;
        checkout.capture().await?.is(200)?;
        checkout.messages().await?;
        drained(world).await?;
        let before = kept(&ada).await?;
        play(world, "/control/paypal/postback", &[("answer", answer)]).await?;
        let asked = async {
            checkout.act("complete", &[]).await?;
            // It is tried again and again.
            let begun = Instant::now();
            while checkout.message("Completed").await?["postbacks"].as_u64() < Some(2) {
                ensure!(begun.elapsed() < PATIENCE, "PayPal was not asked again");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            ensure!(kept(&ada).await? == before, "something was made of {answer}");
            ensure!(waiting(world, "NotificationsUrl").await? == 1, "the message is not tried again");
            Ok(())
        };
        let asked = asked.await;
        play(world, "/control/paypal/postback", &[("answer", "honest")]).await?;
        asked?;
        drained(world).await?;
        checkout.check("paid", 200, 0, 240 + 200 * already).await?;
    }
    Ok(())
}

async fn pp1_what_nobody_could_verify_waits_among_the_dead_letters_for_a_redrive(
    world: &'static TestEnv,
) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let (clients, queue) = (world.clients()?, world.output("NotificationsUrl")?);
    let policy = QueueAttributeName::RedrivePolicy;
    let request = clients.sqs().get_queue_attributes().queue_url(queue).attribute_names(policy.clone());
    let declared = request.send().await?.attributes.and_then(|mut all| all.remove(&policy));
    let declared = declared.context("messages are tried for ever, or given up")?;
    let redrive = async |to: String| {
        clients.sqs().set_queue_attributes().queue_url(queue).attributes(policy.clone(), to).send().await
    };
    // The policy as it is declared, but sooner.
    let mut sooner: Value = serde_json::from_str(&declared)?;
    sooner["maxReceiveCount"] = json!(2);
    redrive(sooner.to_string()).await?;
    play(world, "/control/paypal/postback", &[("answer", "error")]).await?;
    let given_up = async {
        checkout.act("complete", &[]).await?;
        let begun = Instant::now();
        while waiting(world, "NotificationDeadLettersUrl").await? == 0 {
            ensure!(begun.elapsed() < PATIENCE, "it is not given up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        checkout.check("pending", 0, 0, 40).await
    };
    let given_up = given_up.await;
    play(world, "/control/paypal/postback", &[("answer", "honest")]).await?;
    redrive(declared).await?;
    given_up?;

    let letters = world.output("NotificationDeadLettersUrl")?;
    let received = clients.sqs().receive_message().queue_url(letters).send().await?;
    let [letter] = received.messages() else { bail!("not one letter: {received:?}") };
    let body = letter.body().context("an empty letter")?;
    clients.sqs().send_message().queue_url(queue).message_body(body).send().await?;
    let handle = letter.receipt_handle().context("no handle")?;
    clients.sqs().delete_message().queue_url(letters).receipt_handle(handle).send().await?;
    drained(world).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp4_what_is_verified_must_also_be_about_our_order(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let (hers, his) = (pending(&ada).await?, begin(&bob).await?);
    let message = completion(&hers).await?;
    let before = (kept(&ada).await?, kept(&bob).await?);
    for (name, value) in [
        ("receiver_id", "SOMEBODYELSE1"),
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
        let mismatches = measurements(world, Metric::PaymentMismatches).await?;
        say(world, &with(&message, name, value)).await?;
        ensure!((kept(&ada).await?, kept(&bob).await?) == before, "{name}={value} was believed");
        // What looks like a card number is not even kept.
        if value != "4242424242424242" {
            measured_again(world, Metric::PaymentMismatches, mismatches)
                .await
                .with_context(|| format!("{name}={value}"))?;
        }
    }
    for other in [without(&message, "receiver_id"), without(&message, "mc_gross"), without(&message, "txn_id")] {
        say(world, &other).await?;
        ensure!((kept(&ada).await?, kept(&bob).await?) == before, "it was believed: {other}");
    }
    say(world, &message).await?;
    hers.check("paid", 200, 0, 240).await?;
    // Now that her money has paid her order, it pays no other.
    let mismatches = measurements(world, Metric::PaymentMismatches).await?;
    say(world, &message.replace(&hers.id, &his.id)).await?;
    measured_again(world, Metric::PaymentMismatches, mismatches).await?;
    ensure!(kept(&bob).await? == before.1, "his order was paid with her money");
    hers.check("paid", 200, 0, 240).await
}

async fn pp5_a_message_about_real_money_is_refused_here(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let message = completion(&checkout).await?;
    let before = kept(&ada).await?;
    for other in [without(&message, "test_ipn"), with(&message, "test_ipn", "0"), with(&message, "test_ipn", "")] {
        let mismatches = measurements(world, Metric::PaymentMismatches).await?;
        say(world, &other).await?;
        ensure!(kept(&ada).await? == before, "it was believed");
        measured_again(world, Metric::PaymentMismatches, mismatches).await?;
    }
    say(world, &message).await?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp6_a_forgery_before_it_and_repeats_after_it_change_nothing(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let message = completion(&checkout).await?;
    // The same transaction and status, before PayPal says so itself.
    post(world, message).await?.is(200)?;
    drained(world).await?;
    checkout.check("pending", 0, 0, 40).await?;
    for _ in 0..3 {
        for kind in ["Pending", "Completed", "Completed"] {
            deliver(world, &checkout.message(kind).await?).await?;
        }
        drained(world).await?;
        checkout.check("paid", 200, 0, 240).await?;
    }
    Ok(())
}

async fn pp7_only_a_completed_payment_grants_and_a_denied_one_closes(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let message = completion(&checkout).await?;
    let before = kept(&ada).await?;
    for status in ["Created", "Processed", "Pending", "Unheard_Of", ""] {
        say(world, &with(&message, "payment_status", status)).await?;
        ensure!(kept(&ada).await? == before, "{status} changed something");
    }
    for status in ["Denied", "Failed", "Voided", "Expired"] {
        let bob = world.person().await?;
        let his = pending(&bob).await?;
        let known = if status == "Expired" { "expired" } else { "failed" };
        say(world, &with(&completion(&his).await?, "payment_status", status)).await?;
        his.check(known, 0, 0, 40).await?;
    }
    let denied = begin(&ada).await?;
    denied.act("approve-pending", &[]).await?;
    denied.capture().await?.is(200)?;
    denied.messages().await?;
    act(&denied, "deny", &[]).await?;
    denied.check("failed", 0, 0, 40).await
}

/// PayPal takes the money, but its answer does not reach us.
async fn captured_unseen(checkout: &Checkout<'_>) -> Result<()> {
    let path = format!("{}/v2/checkout/orders/{}/capture", checkout.person.world.fake_payments, checkout.hosted);
    let request = reqwest::Client::new().post(path).bearer_auth("A21AAtest");
    Answer::read(request.header("content-type", "application/json").send().await?).await?.is(201)?;
    Ok(())
}

async fn pp7_a_capture_whose_answer_was_lost_grants_once_whoever_comes_first(world: &'static TestEnv) -> Result<()> {
    // The message, then our own capture.
    let ada = world.person().await?;
    let first = begin(&ada).await?;
    first.act("approve", &[]).await?;
    captured_unseen(&first).await?;
    first.messages().await?;
    drained(world).await?;
    first.check("paid", 200, 0, 240).await?;
    ensure!(first.capture().await?.is(200)?.json["status"] == "paid");
    first.check("paid", 200, 0, 240).await?;

    // Our own capture, which was made before; then the message.
    let bob = world.person().await?;
    let second = begin(&bob).await?;
    held(world, async || {
        second.act("approve", &[]).await?;
        captured_unseen(&second).await?;
        ensure!(second.capture().await?.is(200)?.json["granted"] == 200);
        second.check("paid", 200, 0, 240).await
    })
    .await?;
    drained(world).await?;
    second.check("paid", 200, 0, 240).await
}

async fn pp8_refunds_reversals_and_their_cancellation_take_and_restore_to_the_unit(
    world: &'static TestEnv,
) -> Result<()> {
    let ada = world.person().await?;
    let checkout = paid(&ada).await?;
    act(&checkout, "refund", &[("amount", "125")]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    act(&checkout, "reverse", &[("amount", "124")]).await?;
    checkout.check("reversed", 200, 99, 141).await?;
    act(&checkout, "cancel-reversal", &[]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    for message in checkout.messages().await?.iter().rev() {
        deliver(world, message).await?;
    }
    drained(world).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    act(&checkout, "reverse", &[]).await?;
    checkout.check("reversed", 200, 200, 40).await?;

    // What goes back before the payment is known waits for it.
    let bob = world.person().await?;
    let early = begin(&bob).await?;
    held(world, async || {
        early.act("approve", &[]).await?;
        captured_unseen(&early).await?;
        early.act("refund", &[("amount", "250")]).await?;
        deliver(world, &early.message("Refunded").await?).await?;
        drained(world).await?;
        early.check("created", 0, 0, 40).await
    })
    .await?;
    drained(world).await?;
    world.sweep(clock::now() + SignedDuration::from_secs(90)).await?;
    early.check("partly_refunded", 200, 100, 140).await
}

async fn pp9_a_case_freezes_and_an_adjustment_moves_no_credits(world: &'static TestEnv) -> Result<()> {
    for action in ["open-case", "adjust"] {
        let ada = world.person().await?;
        let checkout = paid(&ada).await?;
        ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "active");
        act(&checkout, action, &[]).await?;
        checkout.check("paid", 200, 0, 240).await?;
        ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "frozen", "{action} freezes nothing");
    }
    Ok(())
}

async fn pp10_an_approved_order_is_not_paid(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = begin(&ada).await?;
    checkout.capture().await?.is(409)?;
    checkout.act("approve", &[]).await?;
    ensure!(checkout.look().await?["status"] == "created");
    world.sweep(clock::now() + SignedDuration::from_mins(6)).await?;
    checkout.check("created", 0, 0, 40).await?;
    checkout.capture().await?.is(200)?;
    checkout.capture().await?.is(200)?;
    checkout.check("paid", 200, 0, 240).await?;

    let refused = begin(&ada).await?;
    refused.act("approve-instrument-declined", &[]).await?;
    refused.capture().await?.is(409)?;
    refused.check("created", 0, 0, 240).await?;
    let declined = begin(&ada).await?;
    declined.act("approve-declined", &[]).await?;
    ensure!(declined.capture().await?.is(200)?.json["status"] == "failed");
    declined.check("failed", 0, 0, 240).await
}

async fn pp10_a_buyer_whose_money_is_not_taken_is_told_what_to_do(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    for (action, problem) in
        [("approve-instrument-declined", "payment-not-approved"), ("approve-transaction-refused", "payment-declined")]
    {
        let checkout = begin(&ada).await?;
        checkout.act(action, &[]).await?;
        let refused = checkout.capture().await?.is(409)?.json;
        ensure!(refused["type"] == format!("urn:darkroom:problem:{problem}"), "{refused}");
        ensure!(refused["detail"].as_str().is_some_and(|detail| detail.contains("another means of payment")));
        checkout.check("created", 0, 0, 40).await?;
    }
    let checkout = begin(&ada).await?;
    checkout.act("approve", &[]).await?;
    play(world, "/control/outage", &[("provider", "paypal")]).await?;
    let silent = checkout.capture().await;
    play(world, "/control/outage", &[]).await?;
    let silent = silent?.is(502)?;
    ensure!(silent.header("retry-after").is_some(), "{silent:?}");
    checkout.capture().await?.is(200)?;
    checkout.check("paid", 200, 0, 240).await
}

async fn pp11_a_body_that_is_no_message_does_no_harm(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let message = completion(&checkout).await?;
    let before = kept(&ada).await?;
    post(world, "").await?.is(400)?;
    post(world, "a".repeat(1 << 20)).await?.is(413)?;
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
    for body in &bodies {
        post(world, body.clone()).await?.is(200)?;
        drained(world).await?;
        ensure!(kept(&ada).await? == before, "it was believed: {}", &body[..body.len().min(99)]);
    }
    // Nor does it if PayPal says that it sent it, where it can be read in two ways; and PayPal is not even asked.
    for body in bodies.iter().take(12) {
        say(world, body).await?;
        ensure!(kept(&ada).await? == before, "it was believed: {}", &body[..body.len().min(99)]);
        ensure!(questions(world, body).await? == 0, "PayPal was asked about {}", &body[..body.len().min(99)]);
    }
    // Without a charset it is windows-1252, and whole.
    let whole = without(&message, "charset");
    say(world, &whole).await?;
    ensure!(questions(world, &whole).await? == 1, "PayPal was not asked");
    checkout.check("paid", 200, 0, 240).await
}
