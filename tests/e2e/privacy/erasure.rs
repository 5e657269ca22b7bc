//! Account deletion: requested, canceled, completed everywhere with a receipt, and repeated after a restore.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::privacy::hold::Hold;
use jiff::{SignedDuration, Timestamp};
use runtime::clock;
use serde_json::json;
use store::{EraseAccountMessage, Queue, Write, registry};

use crate::env::{
    checkouts::Checkout,
    erasures::{
        AccountTraces, check_no_access, check_nothing_left, request_erasure, schedule_deletion, wait_for_erasure,
    },
    http::{PATIENCE, text},
    table::{Item, account_items, put_item, scan, sort_keys, string},
    test_env::{PASSWORD, TestEnv, TestUser},
    trial::tests,
    uploads::{declare_upload, put_file},
};

tests![
    p32_erasure_deletes_all_account_data_and_issues_a_receipt,
    p32_deletion_needs_the_address_and_is_requested_once,
    p32_deletion_can_be_canceled_in_the_grace_period,
    p18_content_is_hidden_as_soon_as_account_deletion_is_requested,
    p32_erasure_ends_running_generations_and_waits_for_leases,
    p32_late_upload_and_payment_do_not_restore_account_data,
    p32_repeated_erasure_messages_erase_once,
    p16_hold_retains_exactly_the_named_kinds,
    p23_restored_data_of_erased_accounts_is_erased_again,
];

/// Sends a message to erase an account.
async fn send_erasure_message(user: &TestUser) -> Result<()> {
    let (env, account) = (user.env, user.account()?);
    let queue = Queue::new(env.clients()?.sqs().clone(), env.output("ErasuresUrl")?.to_owned());
    Ok(queue.send(&EraseAccountMessage { account }, 0).await?)
}

async fn p32_erasure_deletes_all_account_data_and_issues_a_receipt(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let hers = AccountTraces::store(&ada).await?;
    bob.finished_image("a stone").await?;
    let before = account_items(&bob).await?;
    let receipt = request_erasure(&ada).await?;
    check_no_access(&ada).await?;
    let receipt = hers.check_erased(&receipt).await?;
    for (kind, least) in
        [("account", 1), ("generation", 1), ("generations", 2), ("payment", 1), ("share", 1), ("upload", 1)]
    {
        ensure!(receipt["erased"][kind].as_u64().is_some_and(|count| count >= least), "{kind}: {receipt}");
    }
    ensure!(receipt["reason"] == "requested" && receipt["payments_retained_until"].is_string(), "{receipt}");
    let credentials = json!({"email": ada.email, "password": PASSWORD});
    env.visitor()?.post("/v1/session/sign-in", &credentials).await?.is(401)?;
    ensure!(account_items(&bob).await? == before, "another account lost data");
    Ok(())
}

async fn p32_deletion_needs_the_address_and_is_requested_once(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    ada.get("/v1/privacy/deletion").await?.is(404)?;
    let bob = json!({"confirmation": "bob@example.com"});
    ensure!(ada.post("/v1/privacy/deletion", &bob).await?.is(400)?.fields() == ["confirmation"]);
    ada.get("/v1/account").await?.is(200)?;
    schedule_deletion(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    send_erasure_message(&ada).await?;
    let again = json!({"confirmation": ada.email.to_uppercase()});
    ada.post("/v1/privacy/deletion", &again).await?.is(409)?;
    Ok(())
}

async fn p32_deletion_can_be_canceled_in_the_grace_period(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let traces = AccountTraces::store(&ada).await?;
    schedule_deletion(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    send_erasure_message(&ada).await?;
    check_no_access(&ada).await?;
    let shown = ada.get("/v1/privacy/deletion").await?.is(200)?.json;
    ensure!(shown["can_be_canceled"] == true, "{shown}");
    visitor.get(&traces.share).await?.is(404)?;
    let started = Instant::now();
    while account_items(&ada).await?.iter().any(|item| string(item, "sk").starts_with("OUTPUT#")) {
        ensure!(started.elapsed() < PATIENCE, "the image is still in the gallery");
    }
    // The owner can sign in and cancel the deletion, and nothing else.
    let credentials = json!({"email": ada.email, "password": PASSWORD});
    let session = visitor.post("/v1/session/sign-in", &credentials).await?.is(200)?.json;
    ensure!(session["account_id"] == ada.account_id.as_str(), "another account: {session}");
    check_no_access(&ada).await?;
    ada.delete("/v1/privacy/deletion").await?.is(204)?;
    ada.delete("/v1/privacy/deletion").await?.is(404)?;
    ensure!(ada.credits().await? == (239, 0));
    let page = ada.get("/v1/generations").await?.is(200)?.json;
    ensure!(page["items"][0]["outputs"][0]["visibility"] == "private", "{page}");
    Ok(())
}

async fn p18_content_is_hidden_as_soon_as_account_deletion_is_requested(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let traces = AccountTraces::store(&ada).await?;
    let page = traces.share.replace("/v1/shared/", "/s/");
    visitor.get(&traces.share).await?.is(200)?;
    ensure!(visitor.get("/v1/gallery?limit=100").await?.json.to_string().contains("a footprint"));
    // No message reaches the worker, as if it were lost.
    schedule_deletion(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    visitor.get(&traces.share).await?.is(404)?;
    visitor.get(&page).await?.is(404)?;
    visitor.get(&format!("{page}/card")).await?.is(404)?;
    let gallery = visitor.get("/v1/gallery?limit=100").await?.is(200)?.json;
    ensure!(!gallery.to_string().contains(&ada.account_id), "{gallery}");
    let ids = gallery["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str());
    let own = account_items(&ada).await?;
    for id in ids {
        ensure!(!own.iter().any(|item| string(item, "sk") == format!("GENERATION#{id}")), "still in the gallery: {id}");
    }
    Ok(())
}

async fn p32_erasure_ends_running_generations_and_waits_for_leases(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let running = ada.image("[sketch:endless]").await?;
    ada.eventually(&format!("/v1/generations/{running}"), |generation| generation["status"] == "running").await?;
    // A worker holds the lease until then, and the provider charges for what it has sent.
    let lease_until = clock::now() + SignedDuration::from_secs(8);
    let (clients, at) = (env.clients()?, |text: String| AttributeValue::S(text));
    let lease = clients.dynamodb().update_item().table_name(env.output("TableName")?);
    let lease =
        lease.key("pk", at(format!("ACCOUNT#{}", ada.account_id))).key("sk", at(format!("GENERATION#{running}")));
    let lease = lease.update_expression("SET lease_until = :until, cost_microusd = :cost");
    let lease = lease.expression_attribute_values(":cost", AttributeValue::N("1000".to_owned()));
    lease.expression_attribute_values(":until", at(lease_until.to_string())).send().await?;
    let receipt = wait_for_erasure(env, &request_erasure(&ada).await?).await?;
    ensure!(receipt["erased"]["generation"] == 1, "{receipt}");
    let erased_at: Timestamp = text(&receipt, "erased_at")?.parse()?;
    ensure!(erased_at >= lease_until, "the erasure did not wait for the lease");
    check_nothing_left(&ada).await
}

async fn p32_late_upload_and_payment_do_not_restore_account_data(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let bytes = b"not a picture at all";
    let upload = declare_upload(&ada, "image/png", bytes).await?;
    let checkout = Checkout::start(&ada, "stripe", "starter").await?;
    wait_for_erasure(env, &request_erasure(&ada).await?).await?;
    // The presigned request is valid for fifteen minutes.
    put_file(&upload, bytes, |_, _| {}).await?.is(200)?;
    checkout.act("pay", &[]).await?;
    let started = Instant::now();
    while check_nothing_left(&ada).await.is_err() {
        ensure!(started.elapsed() < PATIENCE, "{:?}", check_nothing_left(&ada).await);
    }
    let items = scan(env).await?;
    let unclaimed = items.iter().find(|item| string(item, "pk") == format!("PAYMENT#{}", checkout.id));
    ensure!(
        unclaimed.is_some_and(|item| string(item, "sk") == "UNCLAIMED"),
        "the money is not recorded: {unclaimed:?}"
    );
    Ok(())
}

async fn p32_repeated_erasure_messages_erase_once(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let traces = AccountTraces::store(&ada).await?;
    let receipt = request_erasure(&ada).await?;
    for _ in 0..5 {
        send_erasure_message(&ada).await?;
    }
    traces.check_erased(&receipt).await?;
    Ok(())
}

async fn p16_hold_retains_exactly_the_named_kinds(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    AccountTraces::store(&ada).await?;
    let now = clock::now();
    let hold = |covers: &[&str], undisclosed_until| Hold {
        id: clock::uuid_at(now).into(),
        reference: "court-7".to_owned(),
        reason: "an order of the court".to_owned(),
        covers: covers.iter().map(|&kind| kind.to_owned()).collect(),
        at: now,
        undisclosed_until,
        undisclosed_basis: None,
        case: None,
        ends_at: None,
        released_at: None,
    };
    let silent = hold(&["upload"], Some(now + SignedDuration::from_hours(24)));
    let holds = vec![hold(&["generation", "generations"], None), silent];
    let receipt = schedule_deletion(&ada, SignedDuration::ZERO, holds).await?;
    send_erasure_message(&ada).await?;
    let started = Instant::now();
    loop {
        let left = sort_keys(env, &ada.account_id).await?;
        let kinds: std::collections::BTreeSet<_> =
            left.iter().filter_map(|sk| registry::account_item_kind(sk)).map(|kind| kind.name).collect();
        if kinds == ["account", "generation", "upload"].into() {
            break;
        }
        ensure!(started.elapsed() < PATIENCE, "{kinds:?}");
    }
    check_no_access(&ada).await?;
    // The owner sees only the disclosed hold.
    let shown = ada.get("/v1/privacy/deletion").await?.is(200)?.json;
    ensure!(shown["held"].as_array().is_some_and(|held| held.len() == 1), "{shown}");
    ensure!(shown["held"][0]["reason"] == "an order of the court", "{shown}");
    let bucket = env.output("BucketName")?;
    let files = env.clients()?.s3().list_object_versions().bucket(bucket);
    let files = files.prefix(format!("accounts/{}/generations/", ada.account_id)).send().await?;
    ensure!(!files.versions().is_empty(), "held files were deleted");

    let table = env.table()?;
    let account = table.account(ada.account()?).await?.context("the account does not exist")?;
    let released = account.holds.iter().cloned().map(|hold| Hold { released_at: Some(now), ..hold }).collect();
    let account = domain::accounts::account::Account { holds: released, ..account.deletion_due_next(now) };
    table.commit(&[Write::Account(&account)]).await?;
    send_erasure_message(&ada).await?;
    let receipt = wait_for_erasure(env, &receipt).await?;
    ensure!(receipt["erased"]["generation"] == 1 && receipt["erased"]["generations"].is_u64(), "{receipt}");
    check_nothing_left(&ada).await
}

async fn p23_restored_data_of_erased_accounts_is_erased_again(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let traces = AccountTraces::store(&ada).await?;
    let account = domain::AccountId(ada.account_id.parse()?).to_string();
    let points_there = |item: &&Item| string(item, "account") == account || string(item, "pk").ends_with(&account);
    let backup: Vec<Item> = scan(env).await?.iter().filter(points_there).cloned().collect();
    ensure!(backup.len() > 10, "the backup is too small: {}", backup.len());
    traces.check_erased(&request_erasure(&ada).await?).await?;
    let before = account_items(&bob).await?;

    for item in backup {
        put_item(env, item).await?;
    }
    ensure!(check_nothing_left(&ada).await.is_err(), "the restore brought nothing back");
    let mut replay = json!({"replay": {}});
    let mut again = 0;
    loop {
        let replayed = env.invoke("EraseAccount", &replay).await?;
        again += replayed["erased"].as_u64().with_context(|| format!("{replayed}"))?;
        if replayed["next"].is_null() {
            break;
        }
        replay = json!({"replay": {"after": replayed["next"]}});
    }
    ensure!(again >= 1, "no account was erased again");
    check_nothing_left(&ada).await?;
    ensure!(account_items(&bob).await? == before, "an account that was not erased lost data");
    Ok(())
}
