//! The end of an account: asked for, taken back, carried out everywhere, receipted, and done again after a restore.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AccountId, ReceiptId, privacy::deletion::DeletionReason, privacy::hold::Hold};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::clock;
use serde_json::{Value, json};
use store::{EraseAccountMessage, Queue, Write, registry};

use crate::{
    afterwards::{drawer, scan, string},
    authorization::{Item, kept},
    buying::Checkout,
    observability::put_item,
    tests, uploads,
    world::{Answer, PASSWORD, PATIENCE, Person, TestEnv, text},
};

tests![
    p32_an_account_is_erased_everywhere_and_leaves_a_receipt,
    p32_a_deletion_needs_the_address_and_is_asked_for_once,
    p32_a_deletion_can_be_taken_back_in_its_grace,
    p32_an_erasure_ends_what_still_runs_and_waits_for_whoever_works,
    p32_what_arrives_after_an_erasure_brings_nothing_back,
    p32_many_erasures_at_once_are_one,
    p16_a_hold_keeps_exactly_what_it_names,
    p23_what_a_restore_brings_back_is_erased_again,
];

/// What somebody leaves in every place there is.
pub struct Traces<'a> {
    person: &'a Person,
    share: String,
    transaction: String,
}

impl<'a> Traces<'a> {
    /// A picture that is public and shared, an upload, a payment.
    pub async fn leave(person: &'a Person) -> Result<Self> {
        let picture = text(&person.finished_picture("a footprint").await?, "id")?;
        let show = json!({"visibility": "public", "show_prompt": true});
        person.put(&format!("/v1/generations/{picture}/visibility"), &show).await?.is(200)?;
        let shares = format!("/v1/generations/{picture}/shares");
        let share = text(&person.post(&shares, &json!({"expires_in_s": 3600})).await?.is(201)?.json, "token")?;
        uploads::declare(person, "image/png", &[0; 100]).await?;
        let clients = person.world.clients()?;
        let parts = clients.s3().create_multipart_upload().bucket(person.world.output("BucketName")?);
        parts.key(format!("accounts/{}/exports/begun", person.account_id)).send().await?;
        let checkout = Checkout::paid(person, "stripe", "starter").await?;
        let items = kept(person).await?;
        let payment = items.iter().find(|item| string(item, "sk") == format!("PAYMENT#{}", checkout.id));
        let receipt = payment.and_then(|item| item.get("receipt")?.as_m().ok()).context("it is not paid")?;
        Ok(Self {
            person,
            share: format!("/v1/shared/{share}"),
            transaction: string(receipt, "transaction").to_owned(),
        })
    }

    /// Waits for the receipt, and looks that nothing else is left, anywhere.
    pub async fn gone(&self, receipt: &str) -> Result<Value> {
        let receipt = erased(self.person.world, receipt).await?;
        let stranger = self.person.world.stranger()?;
        stranger.get(&self.share).await?.is(404)?;
        nothing_is_left(self.person).await?;
        ensure!(receipt["payments_retained"] == 1, "{receipt}");
        let records = records(self.person.world).await?;
        let pk = format!("PAYMENT#stripe#{}", self.transaction);
        let payment = records.iter().find(|item| string(item, "pk") == pk).context("the payment is not kept")?;
        ensure!(string(payment, "country") == "DE", "{payment:?}");
        ensure!(!format!("{payment:?}").contains(&self.person.account_id), "{payment:?}");
        Ok(receipt)
    }
}

/// Asks for the end of an account, as often as it takes to be answered. Answers the id of the receipt.
pub async fn ask(person: &Person) -> Result<String> {
    let begun = Instant::now();
    loop {
        let request = person.request(Method::POST, "/v1/privacy/deletion").header("idempotency-key", "end");
        let request = request.json(&json!({"confirmation": person.email}));
        let answer = Answer::read(request.send().await?).await?;
        if !answer.status.is_server_error() {
            let answer = answer.is(202)?;
            let receipt = text(&answer.json, "receipt")?;
            let location = format!("/v1/privacy/receipts/{receipt}");
            ensure!(answer.header("location") == Some(location.as_str()), "{answer:?}");
            return Ok(receipt);
        }
        ensure!(begun.elapsed() < PATIENCE, "{answer:?}");
    }
}

/// Waits until a receipt says that everything is erased.
pub async fn erased(world: &'static TestEnv, receipt: &str) -> Result<Value> {
    let (stranger, begun) = (world.stranger()?, Instant::now());
    loop {
        let answer = stranger.get(&format!("/v1/privacy/receipts/{receipt}")).await?;
        if answer.json["erased_at"].is_string() && drawer_is_empty(world, &answer.json).await? {
            return Ok(answer.json);
        }
        ensure!(begun.elapsed() < PATIENCE, "not erased: {answer:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The account goes right after the receipt is written.
async fn drawer_is_empty(world: &TestEnv, receipt: &Value) -> Result<bool> {
    let closing = |item: &Item| item.get("deletion").and_then(|closing| closing.as_m().ok()).cloned();
    let items = scan(world).await?;
    let mut receipts = items.iter().filter_map(closing).map(|closing| string(&closing, "receipt").to_owned());
    Ok(!receipts.any(|id| receipt["id"] == id.as_str()))
}

/// Nothing in the table, the bucket or the user pool is about this person.
pub async fn nothing_is_left(person: &Person) -> Result<()> {
    let (world, clients) = (person.world, person.world.clients()?);
    for item in scan(world).await? {
        let text = format!("{item:?}");
        let about = [&person.account_id, &person.email].into_iter().find(|canary| text.contains(canary.as_str()));
        ensure!(about.is_none(), "still there: {text}");
    }
    let prefix = format!("accounts/{}/", person.account_id);
    let bucket = world.output("BucketName")?;
    let listed = clients.s3().list_object_versions().bucket(bucket).prefix(&prefix).send().await?;
    ensure!(listed.versions().is_empty() && listed.delete_markers().is_empty(), "files are left: {listed:?}");
    let parts = clients.s3().list_multipart_uploads().bucket(bucket).prefix(&prefix).send().await?;
    ensure!(parts.uploads().is_empty(), "parts of files are left: {parts:?}");
    let user = clients.cognito().admin_get_user().user_pool_id(world.output("UserPoolId")?).username(&person.email);
    match user.send().await {
        Err(error) if error.as_service_error().is_some_and(|error| error.is_user_not_found_exception()) => {}
        other => bail!("the user is still there: {other:?}"),
    }
    is_dead(person).await
}

/// No route knows the token any more.
pub async fn is_dead(person: &Person) -> Result<()> {
    for path in ["/v1/account", "/v1/generations", "/v1/checkout", "/v1/account/statement", "/v1/account/activity"] {
        person.get(path).await?.is(401)?;
    }
    person.post("/v1/generations", &json!({"model": "sketch-image", "prompt": "a ghost"})).await?.is(401)?;
    let declared = json!({"content_type": "image/png", "bytes": 100, "sha256": "0".repeat(64)});
    person.post("/v1/uploads", &declared).await?.is(401)?;
    person.patch("/v1/account", &json!({"display_name": "Ghost"})).await?.is(401)?;
    Ok(())
}

/// What the other table holds.
pub async fn records(world: &TestEnv) -> Result<Vec<Item>> {
    let clients = world.clients()?;
    let page = clients.dynamodb().scan().table_name(world.output("RecordsName")?).send().await?;
    ensure!(page.last_evaluated_key.is_none(), "there are more records than a page holds");
    Ok(page.items.unwrap_or_default())
}

fn id_of(person: &Person) -> Result<AccountId> {
    Ok(person.account_id.parse()?)
}

/// Has the erasure of an account go on.
async fn go_on(person: &Person) -> Result<()> {
    let (world, account) = (person.world, id_of(person)?);
    let queue = Queue::new(world.clients()?.sqs().clone(), world.output("ErasuresUrl")?.to_owned());
    Ok(queue.send(&EraseAccountMessage { account }, 0).await?)
}

/// Has an account end after a time of grace that the deployment under test does not give. Nobody is told.
pub async fn close(person: &Person, grace: SignedDuration, holds: Vec<Hold>) -> Result<String> {
    let (table, now) = (person.world.table()?, clock::now());
    let receipt = ReceiptId(clock::uuid_at(now));
    let account = table.account(id_of(person)?).await?.context("there is no account")?;
    let closing = account.request_deletion(receipt, DeletionReason::Requested, grace, now)?;
    table
        .commit(&[Write::Account(&domain::accounts::account::Account {
            holds: holds.into_iter().collect(),
            ..closing
        })])
        .await?;
    Ok(receipt.to_string())
}

async fn p32_an_account_is_erased_everywhere_and_leaves_a_receipt(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let hers = Traces::leave(&ada).await?;
    bob.finished_picture("a stone").await?;
    let before = kept(&bob).await?;
    let receipt = ask(&ada).await?;
    is_dead(&ada).await?;
    let receipt = hers.gone(&receipt).await?;
    for (kind, least) in
        [("account", 1), ("generation", 1), ("generations", 2), ("payment", 1), ("share", 1), ("upload", 1)]
    {
        ensure!(receipt["erased"][kind].as_u64().is_some_and(|count| count >= least), "{kind}: {receipt}");
    }
    ensure!(receipt["reason"] == "requested" && receipt["payments_retained_until"].is_string(), "{receipt}");
    let credentials = json!({"email": ada.email, "password": PASSWORD});
    world.stranger()?.post("/v1/session/sign-in", &credentials).await?.is(401)?;
    ensure!(kept(&bob).await? == before, "somebody else lost something");
    Ok(())
}

async fn p32_a_deletion_needs_the_address_and_is_asked_for_once(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    ada.get("/v1/privacy/deletion").await?.is(404)?;
    let bob = json!({"confirmation": "bob@example.com"});
    ensure!(ada.post("/v1/privacy/deletion", &bob).await?.is(400)?.fields() == ["confirmation"]);
    ada.get("/v1/account").await?.is(200)?;
    close(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    go_on(&ada).await?;
    let again = json!({"confirmation": ada.email.to_uppercase()});
    ada.post("/v1/privacy/deletion", &again).await?.is(409)?;
    Ok(())
}

async fn p32_a_deletion_can_be_taken_back_in_its_grace(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let traces = Traces::leave(&ada).await?;
    close(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    go_on(&ada).await?;
    is_dead(&ada).await?;
    let shown = ada.get("/v1/privacy/deletion").await?.is(200)?.json;
    ensure!(shown["can_be_canceled"] == true, "{shown}");
    // What was public or shared goes at once.
    let begun = Instant::now();
    while stranger.get(&traces.share).await?.status != 404 {
        ensure!(begun.elapsed() < PATIENCE, "the link still leads somewhere");
    }
    // Whoever comes back may take it back, and nothing else.
    let credentials = json!({"email": ada.email, "password": PASSWORD});
    let session = stranger.post("/v1/session/sign-in", &credentials).await?.is(200)?.json;
    ensure!(session["account_id"] == ada.account_id.as_str(), "another account: {session}");
    is_dead(&ada).await?;
    ada.delete("/v1/privacy/deletion").await?.is(204)?;
    ada.delete("/v1/privacy/deletion").await?.is(404)?;
    ensure!(ada.credits().await? == (239, 0));
    let page = ada.get("/v1/generations").await?.is(200)?.json;
    ensure!(page["items"][0]["visibility"] == "private", "{page}");
    Ok(())
}

async fn p32_an_erasure_ends_what_still_runs_and_waits_for_whoever_works(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let running = ada.picture("[sketch:endless]").await?;
    ada.eventually(&format!("/v1/generations/{running}"), |generation| generation["status"] == "running").await?;
    // Somebody works at it until then, at least.
    let lease_until = clock::now() + SignedDuration::from_secs(8);
    let (clients, at) = (world.clients()?, |text: String| AttributeValue::S(text));
    let lease = clients.dynamodb().update_item().table_name(world.output("TableName")?);
    let lease =
        lease.key("pk", at(format!("ACCOUNT#{}", ada.account_id))).key("sk", at(format!("GENERATION#{running}")));
    let lease = lease.update_expression("SET lease_until = :until");
    lease.expression_attribute_values(":until", at(lease_until.to_string())).send().await?;
    let receipt = erased(world, &ask(&ada).await?).await?;
    ensure!(receipt["erased"]["generation"] == 1, "{receipt}");
    let erased_at: Timestamp = text(&receipt, "erased_at")?.parse()?;
    ensure!(erased_at >= lease_until, "it did not wait for whoever works");
    nothing_is_left(&ada).await
}

async fn p32_what_arrives_after_an_erasure_brings_nothing_back(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let bytes = b"not a picture at all";
    let upload = uploads::declare(&ada, "image/png", bytes).await?;
    let checkout = Checkout::begin(&ada, "stripe", "starter").await?;
    erased(world, &ask(&ada).await?).await?;
    // The link is good for fifteen minutes.
    uploads::put(&upload, bytes, |_, _| {}).await?.is(200)?;
    checkout.act("pay", &[]).await?;
    let begun = Instant::now();
    while nothing_is_left(&ada).await.is_err() {
        ensure!(begun.elapsed() < PATIENCE, "{:?}", nothing_is_left(&ada).await);
    }
    let items = scan(world).await?;
    let unclaimed = items.iter().find(|item| string(item, "pk") == format!("PAYMENT#{}", checkout.id));
    ensure!(
        unclaimed.is_some_and(|item| string(item, "sk") == "UNCLAIMED"),
        "the money is not recorded: {unclaimed:?}"
    );
    Ok(())
}

async fn p32_many_erasures_at_once_are_one(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let traces = Traces::leave(&ada).await?;
    let receipt = ask(&ada).await?;
    for _ in 0..5 {
        go_on(&ada).await?;
    }
    traces.gone(&receipt).await?;
    Ok(())
}

async fn p16_a_hold_keeps_exactly_what_it_names(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    Traces::leave(&ada).await?;
    let now = clock::now();
    let hold = |covers: &[&str], undisclosed_until| Hold {
        id: clock::uuid_at(now).into(),
        reference: "court-7".to_owned(),
        reason: "an order of the court".to_owned(),
        covers: covers.iter().map(|&kind| kind.to_owned()).collect(),
        at: now,
        undisclosed_until,
        undisclosed_basis: None,
        released_at: None,
    };
    let silent = hold(&["upload"], Some(now + SignedDuration::from_hours(24)));
    let holds = vec![hold(&["generation", "generations"], None), silent];
    let receipt = close(&ada, SignedDuration::ZERO, holds).await?;
    go_on(&ada).await?;
    let begun = Instant::now();
    loop {
        let left = drawer(world, &ada.account_id).await?;
        let kinds: std::collections::BTreeSet<_> =
            left.iter().filter_map(|sk| registry::account_item_kind(sk)).map(|kind| kind.name).collect();
        if kinds == ["account", "generation", "upload"].into() {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "{kinds:?}");
    }
    is_dead(&ada).await?;
    // She is told of the one that she may be told of.
    let shown = ada.get("/v1/privacy/deletion").await?.is(200)?.json;
    ensure!(shown["held"].as_array().is_some_and(|held| held.len() == 1), "{shown}");
    ensure!(shown["held"][0]["reason"] == "an order of the court", "{shown}");
    let bucket = world.output("BucketName")?;
    let files = world.clients()?.s3().list_object_versions().bucket(bucket);
    let files = files.prefix(format!("accounts/{}/generations/", ada.account_id)).send().await?;
    ensure!(!files.versions().is_empty(), "files that are held are gone");

    let table = world.table()?;
    let account = table.account(id_of(&ada)?).await?.context("the account is gone")?;
    let released = account.holds.iter().cloned().map(|hold| Hold { released_at: Some(now), ..hold }).collect();
    let account = domain::accounts::account::Account { holds: released, ..account.deletion_due_next(now) };
    table.commit(&[Write::Account(&account)]).await?;
    go_on(&ada).await?;
    let receipt = erased(world, &receipt).await?;
    ensure!(receipt["erased"]["generation"] == 1 && receipt["erased"]["generations"].is_u64(), "{receipt}");
    nothing_is_left(&ada).await
}

async fn p23_what_a_restore_brings_back_is_erased_again(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let traces = Traces::leave(&ada).await?;
    let account = domain::AccountId(ada.account_id.parse()?).to_string();
    let points_there = |item: &&Item| string(item, "account") == account || string(item, "pk").ends_with(&account);
    let backup: Vec<Item> = scan(world).await?.iter().filter(points_there).cloned().collect();
    ensure!(backup.len() > 10, "the backup is too small: {}", backup.len());
    traces.gone(&ask(&ada).await?).await?;
    let before = kept(&bob).await?;

    for item in backup {
        put_item(world, item).await?;
    }
    ensure!(nothing_is_left(&ada).await.is_err(), "the restore brought nothing back");
    let mut replay = json!({"replay": {}});
    let mut again = 0;
    loop {
        let replayed = world.invoke("EraseAccount", &replay).await?;
        again += replayed["erased"].as_u64().with_context(|| format!("{replayed}"))?;
        if replayed["next"].is_null() {
            break;
        }
        replay = json!({"replay": {"after": replayed["next"]}});
    }
    ensure!(again >= 1, "nothing was erased again");
    nothing_is_left(&ada).await?;
    ensure!(kept(&bob).await? == before, "somebody who was not erased lost something");
    Ok(())
}
