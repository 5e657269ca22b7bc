//! A process dies at each of its AWS calls in turn: before the call is sent, and after it is done but before the answer
//! arrives. Then the system goes on, and credits are conserved and every generation has ended.
//!
//! The calls are not listed here: the function counts them down, and the walk is over when it comes through alive. So a
//! new call is covered without a word. The stack is this file's own, as a death would disturb others, and so is the clock:
//! `sweep` takes its `now` from the event.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use domain::accounts::email_change::{EmailChange, EmailChangeStage};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use store::Write;

use crate::{
    afterwards,
    buying::{Checkout, play},
    deaths::check_address,
    erasure::{self, Traces},
    exports,
    notifications::drained,
    sessions::address,
    tests,
    unpacked::Unpacked,
    world::{Answer, PATIENCE, Person, TestEnv, text},
};

tests![
    submit_dies_at_each_call,
    generate_image_dies_at_each_call,
    abandon_dies_at_each_call,
    sweep_dies_at_each_call,
    checkout_dies_at_each_call,
    stripe_webhook_dies_at_each_call,
    paypal_ipn_dies_at_each_call,
    paypal_verify_dies_at_each_call,
    sweep_dies_at_each_call_of_a_reconciliation,
    erase_account_dies_at_each_call,
    p20_p21_p36_a_year_goes_by_and_nothing_is_left_but_what_was_bought,
    export_archive_dies_at_each_call,
    a_picture_that_goes_while_its_archive_is_made_is_not_in_it,
    a_part_that_somebody_else_wrote_is_found_and_the_archive_begun_anew,
    p32_an_archive_whose_maker_died_goes_with_its_account,
    what_is_not_done_by_its_deadline_fails_and_is_refunded,
    a_lost_message_is_sent_again,
    a_lost_message_of_an_erasure_is_sent_again,
];

/// A stack of this name whose functions take orders to die.
pub fn world(name: &str) -> Result<&'static TestEnv> {
    let orders = orders(name);
    let _ = std::fs::remove_dir_all(&orders);
    std::fs::create_dir_all(&orders)?;
    let variable = ("FAULT_INJECTION_DIR".to_owned(), orders.display().to_string());
    TestEnv::with(name, 2, BTreeMap::from([variable]))
}

/// Where the orders for the functions of a stack lie.
fn orders(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("orders")
}

/// An order to die, given to one function.
pub struct Order {
    path: PathBuf,
    done: PathBuf,
}

impl Order {
    /// Put in place whole, as the function may look at any time.
    pub async fn give(world: &TestEnv, function: &str, phase: &str, skip: u32) -> Result<Self> {
        Self::put(world, function, json!({"phase": phase, "skip": skip})).await
    }

    /// An order to die at the first call of an operation.
    pub async fn at(world: &TestEnv, function: &str, phase: &str, operation: &str) -> Result<Self> {
        Self::put(world, function, json!({"phase": phase, "skip": 0, "operation": operation})).await
    }

    async fn put(world: &TestEnv, function: &str, order: Value) -> Result<Self> {
        let function = world.function_name(function).await?;
        let folder = world.folder.with_extension("orders");
        let (path, done) = (folder.join(&function), folder.join(&function).with_extension("done"));
        let written = folder.join("written");
        std::fs::write(&written, order.to_string())?;
        std::fs::rename(written, &path)?;
        Ok(Self { path, done })
    }

    /// Waits until it is carried out.
    pub async fn carried_out(self) -> Result<()> {
        let begun = Instant::now();
        while !self.done.exists() {
            ensure!(begun.elapsed() < PATIENCE, "nobody died");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(std::fs::remove_file(&self.done)?)
    }

    /// The call at which it died, if it did. The order is taken back otherwise; a process that is counting has it for a
    /// moment.
    pub async fn outcome(self) -> Result<Option<Value>> {
        let begun = Instant::now();
        loop {
            if self.done.exists() {
                let call = serde_json::from_slice(&std::fs::read(&self.done)?)?;
                std::fs::remove_file(&self.done)?;
                return Ok(Some(call));
            }
            if std::fs::remove_file(&self.path).is_ok() {
                return Ok(None);
            }
            ensure!(begun.elapsed() < PATIENCE, "the order is gone and nobody died of it");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Lets `act` meet a death at each call of `function` in turn, and looks at the ledger after each.
pub async fn walk(
    world: &'static TestEnv,
    function: &str,
    least_calls: usize,
    act: impl AsyncFn(&Person) -> Result<()>,
) -> Result<()> {
    for phase in ["before", "after"] {
        let mut calls = Vec::new();
        loop {
            let person = world.person().await?;
            let skip = u32::try_from(calls.len())?;
            let order = Order::give(world, function, phase, skip).await?;
            let acted = act(&person).await;
            let call = order.outcome().await?;
            acted.with_context(|| format!("{function} died {phase} call {skip}: {call:?}"))?;
            // Whoever was erased has none.
            if !afterwards::drawer(world, &person.account_id).await?.is_empty() {
                let adds_up = afterwards::the_ledger_adds_up(&person).await;
                adds_up.with_context(|| format!("{function} died {phase} call {skip}: {call:?}"))?;
            }
            let Some(call) = call else { break };
            calls.push(call);
            ensure!(calls.len() < 100, "{function} never comes through: {calls:?}");
        }
        ensure!(calls.len() >= least_calls, "{function} was to make {least_calls} calls at least: {calls:?}");
    }
    Ok(())
}

async fn submit_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "Submit", 3, async |ada| {
        let body = json!({"model": "sketch-image", "prompt": "a wreck", "width": 320, "height": 320});
        let begun = Instant::now();
        let submitted = until_answered(async || {
            let request = ada.request(Method::POST, "/v1/generations").header("idempotency-key", "again");
            Answer::read(request.json(&body).send().await?).await
        });
        let id = text(&submitted.await?.is(202)?.json, "id")?;
        // The schedule sweeps every minute: here a minute is as long as a sweep takes.
        let mut minutes = 1;
        let generation = loop {
            let generation = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
            if !matches!(generation["status"].as_str(), Some("queued" | "running")) {
                break generation;
            }
            ensure!(begun.elapsed() < PATIENCE, "{generation}");
            world.sweep(now_and(SignedDuration::from_mins(minutes.min(8)))).await?;
            minutes += 1;
        };
        ensure!(generation["status"] == "succeeded", "{generation}");
        ensure!(ada.credits().await? == (39, 0), "one charge");
        Ok(())
    })
    .await
}

async fn generate_image_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "GenerateImage", 5, async |ada| {
        let generation = ada.finished_picture("a wreck").await?;
        ada.fetch(&text(&generation["media"][0], "url")?).await?.is(200)?;
        ensure!(ada.credits().await? == (39, 0), "one charge");
        Ok(())
    })
    .await
}

async fn abandon_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "Abandon", 2, async |ada| {
        let id = ada.picture("[sketch:busy]").await?;
        let body = json!({"account": ada.account_id, "generation": id}).to_string();
        let clients = world.clients()?;
        let letters = world.output("ImageDeadLettersUrl")?;
        // Dead letters are sent until one finds the generation without a lease.
        let begun = Instant::now();
        loop {
            clients.sqs().send_message().queue_url(letters).message_body(&body).send().await?;
            let generation = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
            if generation["status"] == "failed" {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "{generation}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        ensure!(ada.credits().await? == (40, 0));
        Ok(())
    })
    .await
}

async fn sweep_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "Sweep", 10, async |ada| {
        let picture = text(&ada.finished_picture("a wreck").await?, "id")?;
        let busy = ada.picture("[sketch:busy]").await?;
        declare(ada).await?;
        let new = confirmed_address(ada).await?;
        // Thirty-one days later: a picture past its retention, a generation past its deadline, an upload that never came, an
        // address that was confirmed.
        let later = now_and(SignedDuration::from_hours(24 * 31));
        sweep_through(world, later).await?;
        // What a death left half done is due again, an address a minute later.
        sweep_through(world, later + SignedDuration::from_mins(2)).await?;
        ada.get(&format!("/v1/generations/{picture}")).await?.is(404)?;
        ensure!(files(world, ada).await? == 0, "files are left");
        let account = ada.get("/v1/account").await?.is(200)?.json;
        ensure!(account["limits"]["uploads"]["used"] == 0, "{account}");
        let gone = ada.get(&format!("/v1/generations/{busy}")).await?;
        ensure!(gone.status == 404 || gone.json["status"] == "failed", "{gone:?}");
        ensure!(ada.credits().await? == (39, 0));
        check_address(ada, &new, &new).await?;
        let told = world.mails(&ada.email).await?;
        ensure!(told.iter().any(|mail| mail.contains("was changed")), "the old address is not told: {told:?}");
        Ok(())
    })
    .await
}

async fn checkout_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "Checkout", 10, async |ada| {
        let body = json!({"package": "starter", "currency": "EUR", "provider": "paypal"});
        let begun = until_answered(async || {
            let request = ada.request(Method::POST, "/v1/checkout").header("idempotency-key", "again");
            Answer::read(request.json(&body).send().await?).await
        });
        let checkout = Checkout::of(ada, "paypal", &begun.await?.is(201)?.json)?;
        checkout.act("approve", &[]).await?;
        // The buyer comes back, and tries again until the credits are there.
        until_answered(async || checkout.capture().await).await?.is(200)?;
        check_bought(ada, 200).await
    })
    .await
}

async fn stripe_webhook_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "StripeWebhook", 10, async |ada| {
        let checkout = Checkout::begin(ada, "stripe", "starter").await?;
        // Stripe sends again what was not answered.
        checkout.act("pay", &[]).await?;
        ensure!(ada.credits().await? == (240, 0), "the webhook alone grants");
        checkout.act("refund", &[("amount", "100")]).await?;
        ensure!(ada.credits().await? == (200, 0), "and takes back");
        check_bought(ada, 160).await
    })
    .await
}

async fn paypal_ipn_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "PaypalIpn", 1, async |ada| paid_later_with_paypal(ada).await).await
}

async fn paypal_verify_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    // A message that was not dealt with comes back after a second, not after five minutes.
    let clients = world.clients()?;
    let queue = clients.sqs().set_queue_attributes().queue_url(world.output("NotificationsUrl")?);
    queue.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await?;
    walk(world, "PaypalVerify", 5, async |ada| paid_later_with_paypal(ada).await).await
}

/// Nobody but a notification says that the money came.
async fn paid_later_with_paypal(ada: &Person) -> Result<()> {
    let checkout = Checkout::begin(ada, "paypal", "starter").await?;
    checkout.act("approve-pending", &[]).await?;
    let pending = checkout.capture().await?.is(200)?.json;
    ensure!(pending["status"] == "pending", "{pending}");
    checkout.act("complete", &[]).await?;
    drained(ada.world).await?;
    ensure!(ada.credits().await? == (240, 0), "the notification alone grants");
    check_bought(ada, 200).await
}

async fn sweep_dies_at_each_call_of_a_reconciliation(world: &'static TestEnv) -> Result<()> {
    walk(world, "Sweep", 15, async |ada| {
        let checkout = Checkout::begin(ada, "stripe", "starter").await?;
        // Stripe says nothing of the payment: what it says of the refund waits.
        play(world, "/control/stripe/endpoint", &[("enabled_events", "refund.created")]).await?;
        checkout.act("pay", &[]).await?;
        checkout.act("refund", &[("amount", "100")]).await?;
        play(world, "/control/stripe/endpoint", &[("enabled_events", "*")]).await?;
        ensure!(ada.credits().await? == (40, 0), "nobody has told us");
        check_bought(ada, 160).await
    })
    .await
}

async fn erase_account_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    // What was not done comes back after a second, not after three.
    let clients = world.clients()?;
    let queue = clients.sqs().set_queue_attributes().queue_url(world.output("ErasuresUrl")?);
    queue.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await?;
    walk(world, "EraseAccount", 15, async |ada| {
        let traces = Traces::leave(ada).await?;
        let receipt = erasure::ask(ada).await?;
        traces.gone(&receipt).await?;
        Ok(())
    })
    .await
}

async fn export_archive_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    walk(world, "ExportArchive", 20, async |ada| {
        exports::leave_large_files(ada).await?;
        let id = exports::ask(ada).await?;
        exports::goes_on(ada, &id).await?;
        let archive = Unpacked::download(ada, &id).await?;
        ensure!(archive.files()? == exports::held_files(ada).await?, "other files are in it");
        exports::nothing_but_the_archive_is_left(ada, &id).await
    })
    .await
}

async fn a_picture_that_goes_while_its_archive_is_made_is_not_in_it(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let picture = text(&ada.finished_picture("a snowman").await?, "id")?;
    exports::leave_large_files(&ada).await?;
    let order = Order::at(world, "ExportArchive", "after", "CreateMultipartUpload").await?;
    let id = exports::ask(&ada).await?;
    order.carried_out().await?;
    ada.delete(&format!("/v1/generations/{picture}")).await?.is(204)?;
    exports::goes_on(&ada, &id).await?;
    let archive = Unpacked::download(&ada, &id).await?;
    ensure!(archive.files()? == exports::held_files(&ada).await?, "other files are in it");
    ensure!(archive.items("generation")?.len() == 1, "what was found in the beginning is told all the same");
    Ok(())
}

async fn a_part_that_somebody_else_wrote_is_found_and_the_archive_begun_anew(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    exports::leave_large_files(&ada).await?;
    let order = Order::at(world, "ExportArchive", "before", "ListParts").await?;
    let id = exports::ask(&ada).await?;
    order.carried_out().await?;
    exports::write_over_part(&ada, &id).await?;
    exports::goes_on(&ada, &id).await?;
    let archive = Unpacked::download(&ada, &id).await?;
    ensure!(archive.files()? == exports::held_files(&ada).await?, "other files are in it");
    exports::nothing_but_the_archive_is_left(&ada, &id).await
}

async fn p32_an_archive_whose_maker_died_goes_with_its_account(world: &'static TestEnv) -> Result<()> {
    for (phase, call) in [
        ("after", "PutObject"),
        ("after", "CreateMultipartUpload"),
        ("after", "UploadPart"),
        ("before", "CompleteMultipartUpload"),
        ("after", "CompleteMultipartUpload"),
    ] {
        let ada = world.person().await?;
        exports::leave_large_files(&ada).await?;
        let order = Order::at(world, "ExportArchive", phase, call).await?;
        exports::ask(&ada).await?;
        order.carried_out().await?;
        erasure::erased(world, &erasure::ask(&ada).await?).await?;
        erasure::nothing_is_left(&ada).await.with_context(|| format!("the export died {phase} {call}"))?;
    }
    Ok(())
}

/// What was bought and not taken back must be there, once, and no checkout open when its time is over.
async fn check_bought(ada: &Person, credits: i64) -> Result<()> {
    // What a death left half done is due again.
    for hours in [2, 3] {
        sweep_through(ada.world, now_and(SignedDuration::from_hours(hours))).await?;
    }
    let listed = until_answered(async || ada.get("/v1/checkout").await).await?.is(200)?.json;
    let payments = listed["items"].as_array().context("no payments")?;
    let paid = payments.iter().filter(|payment| payment["granted"] == 200).count();
    ensure!(paid == 1 && payments.iter().all(|payment| payment["status"] != "created"), "{listed}");
    ensure!(ada.credits().await? == (40 + credits, 0), "one grant");
    Ok(())
}

/// Does what clients do: the same request with the same key, for as long as the answer is that something broke.
pub async fn until_answered(ask: impl AsyncFn() -> Result<Answer>) -> Result<Answer> {
    let begun = Instant::now();
    loop {
        let answer = ask().await?;
        if !answer.status.is_server_error() {
            return Ok(answer);
        }
        ensure!(begun.elapsed() < PATIENCE, "{answer:?}");
    }
}

async fn p20_p21_p36_a_year_goes_by_and_nothing_is_left_but_what_was_bought(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let picture = ada.finished_picture("a calendar").await?;
    let id = text(&picture, "id")?;
    ada.post(&format!("/v1/generations/{id}/shares"), &json!({"expires_in_s": 31_536_000})).await?.is(201)?;
    declare(&ada).await?;
    Checkout::paid(&ada, "stripe", "starter").await?;
    world.sweep(now_and(SignedDuration::from_hours(24 * 29))).await?;
    ada.get(&format!("/v1/generations/{id}")).await?.is(200)?;
    for month in 1..=12 {
        world.sweep(now_and(SignedDuration::from_hours(24 * 31 * month))).await?;
    }
    ada.get(&format!("/v1/generations/{id}")).await?.is(404)?;
    ensure!(files(world, &ada).await? == 0, "files are left");
    let mut left: Vec<String> = afterwards::drawer(world, &ada.account_id).await?;
    left.retain(|sk| !["LEDGER#", "ACTIVITY#", "PAYMENT#"].iter().any(|kind| sk.starts_with(kind)));
    ensure!(left == ["ACCOUNT"], "{left:?}");
    // The credits are all there, and buy what they bought before.
    ensure!(ada.credits().await? == (239, 0), "one picture was made of 240 credits");
    ada.finished_picture("a new calendar").await?;
    ensure!(ada.credits().await? == (238, 0));
    Ok(())
}

async fn what_is_not_done_by_its_deadline_fails_and_is_refunded(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let picture = ada.picture("[sketch:endless]").await?;
    let film = json!({"model": "sketch-video", "prompt": "[sketch:endless]", "duration_ms": 1000});
    let film = ada.submit(&film).await?;
    ensure!(ada.credits().await? == (37, 3));
    world.sweep(now_and(SignedDuration::from_mins(9))).await?;
    ensure!(ada.credits().await? == (37, 3), "nothing is overdue yet");
    world.sweep(now_and(SignedDuration::from_mins(11))).await?;
    ensure!(ada.ended(&picture).await?["failure"]["code"] == "deadline_passed");
    ensure!(ada.credits().await? == (38, 2), "the film has thirty minutes");
    world.sweep(now_and(SignedDuration::from_mins(31))).await?;
    ensure!(ada.ended(&film).await?["failure"]["code"] == "deadline_passed");
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn a_lost_message_is_sent_again(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    // Whatever a process does only once, it has done.
    let first = ada.request(Method::POST, "/v1/generations").header("idempotency-key", "first");
    Answer::read(first.json(&json!({"model": "sketch-image", "prompt": "[sketch:reject]"})).send().await?)
        .await?
        .is(202)?;
    // It dies when everything is written and nothing is sent.
    let order = Order::give(world, "Submit", "before", 3).await?;
    let request = ada.request(Method::POST, "/v1/generations").header("idempotency-key", "lost");
    let body = json!({"model": "sketch-image", "prompt": "a bottle", "width": 320, "height": 320});
    let lost = Answer::read(request.json(&body).send().await?).await?;
    ensure!(lost.status.is_server_error(), "{lost:?}");
    let call = order.outcome().await?.context("nobody died")?;
    ensure!(call["operation"] == "SendMessage", "it died at another call: {call}");
    let page = ada.get("/v1/generations").await?.is(200)?.json;
    let id = text(&page["items"][0], "id")?;
    ensure!(page["items"][0]["status"] == "queued", "{page}");
    world.sweep(now_and(SignedDuration::from_secs(61))).await?;
    ensure!(ada.ended(&id).await?["status"] == "succeeded");
    Ok(())
}

async fn a_lost_message_of_an_erasure_is_sent_again(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    // Everything is written, and nothing is sent.
    let receipt = erasure::close(&ada, SignedDuration::ZERO, Vec::new()).await?;
    world.sweep(now_and(SignedDuration::from_secs(61))).await?;
    erasure::erased(world, &receipt).await?;
    erasure::nothing_is_left(&ada).await
}

/// Sweeps until it comes through, as the schedule does.
pub async fn sweep_through(world: &TestEnv, now: Timestamp) -> Result<()> {
    let begun = Instant::now();
    while world.sweep(now).await.is_err() {
        ensure!(begun.elapsed() < PATIENCE, "the sweep never comes through");
    }
    Ok(())
}

/// A new address, confirmed by both codes, and nobody went on from there.
async fn confirmed_address(ada: &Person) -> Result<String> {
    let (to, now) = (address(), now_and(SignedDuration::ZERO));
    let account = ada.account_id.parse()?;
    let change =
        EmailChange { account, to, stage: EmailChangeStage::Confirmed, requested_at: now, next_at: now, version: 1 };
    ada.world.table()?.commit(&[Write::EmailChange(&change)]).await?;
    Ok(change.to)
}

async fn declare(person: &Person) -> Result<()> {
    let body = json!({"content_type": "image/png", "bytes": 100, "sha256": "0".repeat(64)});
    person.post("/v1/uploads", &body).await?.is(201)?;
    Ok(())
}

pub fn now_and(later: SignedDuration) -> Timestamp {
    runtime::clock::now() + later
}

/// Versions and delete markers under a person's prefix.
pub async fn files(world: &TestEnv, person: &Person) -> Result<usize> {
    let prefix = format!("accounts/{}/", person.account_id);
    let clients = world.clients()?;
    let listed = clients.s3().list_object_versions().bucket(world.output("BucketName")?).prefix(prefix).send().await?;
    Ok(listed.versions().len() + listed.delete_markers().len())
}
