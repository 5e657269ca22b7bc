//! Data exports: requested, built, read by other software than ours, and deleted in time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ExportId,
    accounts::account::Account,
    privacy::{
        deletion::DeletionReason,
        export::{self, Export, ExportState},
        hold::Hold,
    },
    registry::ExportRule,
};
use futures_util::future::join_all;
use image::ImageFormat;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::clock;
use serde_json::{Map, Value, json};
use store::{
    Bucket, ExportMessage, Queue, Write,
    registry::{self, DataLocation, StoredKind},
};

use crate::{
    credits::promotions::publish,
    env::{
        archive::ExportArchive,
        checkouts::Checkout,
        erasures::{check_nothing_left, request_erasure, wait_for_erasure},
        exports::{
            EXPORTS, bucket_of, check_only_archive_left, export_object_count, request_export, store_large_files,
            stored_file_hashes, wait_for_export,
        },
        http::{ApiResponse, PATIENCE, text},
        moderation::SharedImage,
        passkeys::{Authenticator, register},
        sessions::token_with_claims,
        table::{Item, account_items, string},
        test_env::{TestEnv, TestUser, new_address},
        trial::tests,
        uploads::{declare_upload, put_file},
    },
};

tests![
    p30_export_contains_all_stored_account_data,
    p30_export_needs_a_recent_sign_in,
    p30_concurrent_export_requests_build_one_archive,
    p16_undisclosed_holds_are_not_in_the_export,
    p20_export_is_downloadable_for_a_day_and_deleted_after_seven,
    p30_export_not_ready_within_a_day_is_shown_as_failed,
    p30_lost_or_repeated_export_messages_build_one_archive,
    p30_export_with_an_unusable_checkpoint_restarts,
    p32_export_stops_while_its_account_is_pending_deletion,
    p32_erasure_during_an_export_removes_the_archive,
];

/// Markup that must be shown as text.
const MARKUP: &str = "a \"harbour\" <script>alert('1')</script> & =cmd()";

async fn send(user: &TestUser, export: ExportId) -> Result<()> {
    let queue = Queue::new(user.env.clients()?.sqs().clone(), user.env.output("ExportsUrl")?.to_owned());
    Ok(queue.send(&ExportMessage { account: user.account()?, export }, 0).await?)
}

/// Stores an export without a message to the worker, after `change` altered it.
async fn export_without_message(
    user: &TestUser,
    asked_at: Timestamp,
    change: impl FnOnce(Export) -> Export,
) -> Result<Export> {
    let (table, account) = (user.env.table()?, user.account()?);
    let owner = table.account(account).await?.context("the account does not exist")?;
    let id = ExportId(clock::uuid_at(asked_at));
    let (owner, export) = export::request(&owner, &table.exports(account).await?, id, asked_at)?;
    let export = Export { version: 1, ..change(export) };
    table.commit(&[Write::Account(&owner), Write::Export(&export)]).await?;
    Ok(export)
}

/// Stores what a crashed worker leaves of an export.
async fn store_partial_export(user: &TestUser, export: ExportId) -> Result<()> {
    let (bucket, account) = (bucket_of(user.env)?, user.account()?);
    let key = Bucket::archive_key(account, export);
    bucket.begin_upload(&key, "application/zip", "x.zip").await?;
    bucket
        .write(&format!("{}work/items-000000", Bucket::export_prefix(account, export)), "text/plain", vec![7])
        .await?;
    ensure!(export_object_count(user, export).await? == 2);
    Ok(())
}

/// Stores some data of every kind, with markup in every text field.
async fn fill(ada: &TestUser) -> Result<()> {
    ada.patch("/v1/account", &json!({"display_name": MARKUP, "preferences": {"theme": "dark"}})).await?.is(200)?;
    let image = text(&ada.finished_image(MARKUP).await?, "id")?;
    ada.post(&format!("/v1/generations/{image}/outputs/1/shares"), &json!({"expires_in_s": 3600})).await?.is(201)?;
    let video = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    ada.ended(&ada.submit(&video).await?).await?;
    ada.ended(&ada.image("[sketch:reject]").await?).await?;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(9, 7, image::Rgb([1, 2, 3])).write_to(&mut png, ImageFormat::Png)?;
    let mut declared = declare_upload(ada, "image/png", png.get_ref()).await?;
    put_file(&declared, png.get_ref(), |_, _| {}).await?.is(200)?;
    declared = ada
        .eventually(&format!("/v1/uploads/{}", text(&declared, "id")?), |upload| upload["state"]["status"] != "pending")
        .await?;
    ensure!(declared["state"]["status"] == "ready", "{declared}");
    Checkout::paid(ada, "stripe", "starter").await?;
    ada.settle_plan().await?;
    let grace = ada.env.staff().await?;
    let code = publish(&grace, 5, 1).await?;
    ada.post("/v1/account/redemptions", &json!({"code": code})).await?.is(201)?;
    let accesses = format!("/v1/staff/accounts/{}/accesses", ada.account_id);
    let why = json!({"reference": "T-1", "reason": "she asked for help", "minutes": 5});
    let access = text(&grace.post(&accesses, &why).await?.is(201)?.json, "id")?;
    grace.get(&format!("{accesses}/{access}/generations/{image}")).await?.is(200)?;
    ada.post("/v1/account/email", &json!({"email": new_address()})).await?.is(202)?;
    register(ada, &Authenticator::new()?, "Phone").await?.is(200)?;
    let ticket = ada.post("/v1/support/tickets", &json!({"subject": MARKUP, "text": MARKUP})).await?.is(201)?.json;
    let case = json!({"kind": "ticket", "account": ada.account_id, "id": ticket["id"]});
    grace.post("/v1/staff/reviews/notes", &json!({"case": case, "text": MARKUP})).await?.is(201)?;
    let report = SharedImage::of(ada).await?.report(ada.env, "privacy", &new_address()).await?;
    ada.env.visitor()?.post("/v1/reports", &report).await?.is(201)?;
    ask_keyed(ada).await
}

/// Sends a request whose response is stored under its key.
async fn ask_keyed(ada: &TestUser) -> Result<()> {
    let request = ada.request(Method::PATCH, "/v1/account").header("idempotency-key", "kept");
    ApiResponse::read(request.json(&json!({"preferences": {"language": "de"}})).send().await?).await?.is(200)?;
    Ok(())
}

async fn p30_export_contains_all_stored_account_data(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    bob.finished_image("of another account").await?;
    fill(&ada).await?;
    let before = account_items(&ada).await?;
    let archive = ExportArchive::download(&ada, &request_export(&ada).await?).await?;
    for StoredKind { kind, location } in registry::kinds() {
        let DataLocation::AccountItem { sk } = location else { continue };
        if kind.export != ExportRule::Json {
            ensure!(archive.items(kind.name).is_err(), "{} must not be exported", kind.name);
            continue;
        }
        let there: Vec<_> = before.iter().filter(|item| string(item, "sk").starts_with(sk)).collect();
        let found = archive.items(kind.name)?;
        match kind.name {
            // The export request adds an export, an idempotency record, and a version of the account.
            "export" => ensure!(there.is_empty() && found.len() == 1, "{found:?}"),
            "idempotency" => ensure!(there.len() + 1 == found.len(), "{found:?}"),
            "account" => ensure!(found.len() == 1 && found[0]["email"] == ada.email.as_str(), "{found:?}"),
            kind => {
                let there: Vec<_> = there.into_iter().map(|item| exported(kind, item)).collect::<Result<_>>()?;
                ensure!(!there.is_empty(), "no stored {kind} to compare");
                ensure!(there == found, "{kind}: {there:#?}\n{found:#?}");
            }
        }
    }
    archive.check_forward()?;
    ensure!(archive.files()? == stored_file_hashes(&ada).await?, "the files are not those that are stored");
    for other in [&bob.email, &bob.account_id] {
        ensure!(!archive.contains(other)?, "the archive contains another account's data");
    }
    can_be_read_offline(&archive)
}

/// Returns an item as the export must contain it, converted independently.
fn exported(kind: &str, item: &Item) -> Result<Value> {
    let technical = ["pk", "sk", "ttl", "due_partition", "due_at", "gallery_partition", "gallery_at", "find_id"];
    let left_out = |name: &str| technical.contains(&name) || export::withheld(kind).contains(&name);
    let fields = item.iter().filter(|(name, _)| !left_out(name));
    let fields = fields.map(|(name, value)| Ok((name.clone(), json_of(value)?)));
    Ok(Value::Object(fields.collect::<Result<Map<_, _>>>()?))
}

fn json_of(value: &AttributeValue) -> Result<Value> {
    Ok(match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => serde_json::from_str(number)?,
        AttributeValue::Bool(value) => json!(value),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::L(values) => Value::Array(values.iter().map(json_of).collect::<Result<_>>()?),
        AttributeValue::M(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), json_of(value)?)));
            Value::Object(fields.collect::<Result<_>>()?)
        }
        other => bail!("{other:?} was not thought of"),
    })
}

/// Checks that the page shows everything from the archive alone and runs no script.
fn can_be_read_offline(archive: &ExportArchive) -> Result<()> {
    let page = archive.text("index.html")?;
    ensure!(!page.contains("<script"), "the page contains a script");
    ensure!(page.contains("a &quot;harbour&quot; &lt;script&gt;"), "the prompt is not there");
    let mut files = 0;
    for link in page.split(['"']).filter(|part| !part.contains(['<', '>', ' '])) {
        ensure!(!link.contains("//"), "{link} leads out of the archive");
        if link.starts_with("media/") || link.starts_with("uploads/") || link.starts_with("data/") {
            ensure!(archive.folder.join(link).is_file(), "{link} is not there");
            files += 1;
        }
    }
    ensure!(files > 8, "only {files} files are shown");
    for part in [
        "<img src=\"media/",
        "<video src=\"media/",
        "<img src=\"uploads/",
        "Der KI-Anbieter hat es abgelehnt:",
        "5,00 EUR",
    ] {
        ensure!(page.contains(part), "{part} is not in {page}");
    }
    let payments = archive.text("data/payment.csv")?;
    ensure!(payments.contains(",stripe,starter,200,"), "{payments}");
    Ok(())
}

async fn p30_export_needs_a_recent_sign_in(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let attempt = async |minutes: i64| -> Result<ApiResponse> {
        let token =
            token_with_claims(&ada, |claims| claims["auth_time"] = json!(clock::now().as_second() - 60 * minutes))?;
        let request = env.visitor()?.request(Method::POST, EXPORTS).bearer_auth(token);
        ApiResponse::read(request.send().await?).await
    };
    let refused = attempt(11).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:recent-sign-in-needed", "{}", refused.json);
    ensure!(ada.get(EXPORTS).await?.is(200)?.json["items"] == json!([]));
    attempt(9).await?.is(202)?;
    Ok(())
}

async fn p30_concurrent_export_requests_build_one_archive(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    // The archive takes longer to build than the requests take.
    store_large_files(&ada).await?;
    // These requests start a process for each concurrent request.
    join_all((0..12).map(|_| ada.get(EXPORTS))).await.into_iter().collect::<Result<Vec<_>>>()?;
    let asked =
        join_all((0..12).map(|_| async { ApiResponse::read(ada.request(Method::POST, EXPORTS).send().await?).await }));
    let mut statuses: Vec<_> =
        asked.await.into_iter().map(|response| Ok(response?.status.as_u16())).collect::<Result<_>>()?;
    statuses.sort_unstable();
    let first = text(&ada.get(EXPORTS).await?.is(200)?.json["items"][0], "id")?;
    ensure!(statuses.first() == Some(&202) && statuses.iter().skip(1).all(|status| *status == 409), "{statuses:?}");
    let made = ada.get(EXPORTS).await?.is(200)?.json["items"].as_array().map_or(0, Vec::len);
    ensure!(made == 1, "{made} exports exist");
    ExportArchive::download(&ada, &first).await?;
    let bob = env.user().await?;
    ensure!(request_export(&bob).await? == request_export(&bob).await?, "the same key gives the same archive");
    bob.get(&format!("{EXPORTS}/{first}")).await?.is(404)?;
    Ok(())
}

async fn p16_undisclosed_holds_are_not_in_the_export(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let now = clock::now();
    let hold = |reason: &str, undisclosed_until| Hold {
        id: clock::uuid_at(now).into(),
        reference: "court-7".to_owned(),
        reason: reason.to_owned(),
        covers: ["upload".to_owned()].into(),
        at: now,
        undisclosed_until,
        undisclosed_basis: None,
        case: None,
        ends_at: None,
        released_at: None,
    };
    let later = now + SignedDuration::from_hours(1);
    let holds =
        [hold("canary-disclosed", Some(now)), hold("canary-undisclosed", Some(later)), hold("canary-open", None)];
    let holds = holds.into_iter().collect();
    let table = env.table()?;
    let account = table.account(ada.account()?).await?.context("the account does not exist")?;
    let version = account.version + 1;
    table.commit(&[Write::Account(&Account { holds, version, ..account })]).await?;
    let archive = ExportArchive::download(&ada, &request_export(&ada).await?).await?;
    ensure!(archive.contains("canary-disclosed")? && archive.contains("canary-open")?, "disclosed holds are missing");
    ensure!(!archive.contains("canary-undisclosed")?, "an undisclosed hold is in the archive");
    Ok(())
}

async fn p20_export_is_downloadable_for_a_day_and_deleted_after_seven(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let now = clock::now();
    let ready_for = async |hours: i64| {
        let at = now - SignedDuration::from_hours(hours);
        export_without_message(&ada, at, |export| Export { state: ExportState::Ready { at, bytes: 1 }, ..export }).await
    };
    let (fresh, old, more) = (ready_for(23).await?, ready_for(25).await?, ready_for(26).await?);
    let one_more = ada.request(Method::POST, EXPORTS).send().await?;
    ApiResponse::read(one_more).await?.is(403)?;
    env.table()?.commit(&[Write::RemoveExport(&more)]).await?;
    let oldest = ready_for(24 * 7).await?;
    for export in [&fresh, &old, &oldest] {
        store_partial_export(&ada, export.id).await?;
    }
    let path = |export: &Export| format!("{EXPORTS}/{}", export.id);
    ensure!(ada.get(&path(&fresh)).await?.is(200)?.json["download"]["url"].is_string());
    let shown = ada.get(&path(&old)).await?.is(200)?.json;
    ensure!(shown["status"] == "ready" && shown["download"].is_null(), "{shown}");
    ada.get(&path(&oldest)).await?.is(404)?;
    ensure!(ada.get(EXPORTS).await?.json["items"].as_array().is_some_and(|items| items.len() == 2));
    env.sweep(now).await?;
    ensure!(export_object_count(&ada, oldest.id).await? == 0 && export_object_count(&ada, old.id).await? == 2);
    let left = env.table()?.exports(ada.account()?).await?;
    ensure!(left.iter().map(|export| export.id).collect::<Vec<_>>() == [old.id, fresh.id], "{left:?}");
    request_export(&ada).await?;
    Ok(())
}

async fn p30_export_not_ready_within_a_day_is_shown_as_failed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let now = clock::now();
    let late = export_without_message(&ada, now - SignedDuration::from_hours(24), |export| Export {
        lease_until: Some(now + SignedDuration::from_hours(1)),
        ..export
    });
    let late = late.await?;
    store_partial_export(&ada, late.id).await?;
    ApiResponse::read(ada.request(Method::POST, EXPORTS).send().await?).await?.is(409)?;
    let started = Instant::now();
    let shown = loop {
        // Of two concurrent sweeps the one with the earlier time may win: then the export is due again.
        env.sweep(now).await?;
        let shown = ada.get(&format!("{EXPORTS}/{}", late.id)).await?.is(200)?.json;
        if shown["status"] != "building" {
            break shown;
        }
        ensure!(started.elapsed() < PATIENCE, "{shown}");
    };
    ensure!(shown["status"] == "failed" && shown["download"].is_null(), "{shown}");
    ensure!(export_object_count(&ada, late.id).await? == 0, "something is left");
    wait_for_export(&ada, &request_export(&ada).await?).await?;
    Ok(())
}

async fn p30_lost_or_repeated_export_messages_build_one_archive(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let lost = export_without_message(&ada, clock::now() - SignedDuration::from_mins(2), |export| export).await?;
    env.sweep(clock::now()).await?;
    wait_for_export(&ada, &lost.id.to_string()).await?;

    bob.finished_image("a bottle").await?;
    let repeated = export_without_message(&bob, clock::now(), |export| export).await?;
    for _ in 0..5 {
        send(&bob, repeated.id).await?;
    }
    let archive = ExportArchive::download(&bob, &repeated.id.to_string()).await?;
    ensure!(archive.files()? == stored_file_hashes(&bob).await?);
    send(&bob, repeated.id).await?;
    check_only_archive_left(&bob, &repeated.id.to_string()).await
}

async fn p30_export_with_an_unusable_checkpoint_restarts(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    ada.finished_image("a phoenix").await?;
    let contents = json!({
        "runs": [], "pages": [7], "item_bytes": 1, "lists": [7], "files": 1, "file_bytes": 1, "moved": {}, "language": "english",
    });
    let zip = json!({"position": 0, "files": 0, "stage": "BetweenFiles"});
    let (position, parts) = (json!({"section": 0, "piece": 0, "byte": 0}), json!({"count": 0, "digest": ""}));
    let writing =
        json!({"upload": "gone", "parts": parts, "part_bytes": 1, "zip": zip, "position": position, "directory": []});
    let totals = json!({"files": 0, "bytes": 0});
    let gone = json!({"contents": contents, "stage": {"Archive": writing}, "totals": totals}).to_string();
    for checkpoint in [gone, "of another version".to_owned()] {
        let export =
            export_without_message(&ada, clock::now(), |export| Export { checkpoint: Some(checkpoint), ..export })
                .await?;
        send(&ada, export.id).await?;
        let table = env.table()?;
        let started = Instant::now();
        // The worker restarts after a minute, which this test does not wait for.
        while table.export(ada.account()?, export.id).await?.context("it does not exist")?.state
            == ExportState::Building
        {
            ensure!(started.elapsed() < PATIENCE, "the export is not ready");
            send(&ada, export.id).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let archive = ExportArchive::download(&ada, &export.id.to_string()).await?;
        ensure!(archive.files()? == stored_file_hashes(&ada).await?);
    }
    Ok(())
}

async fn p32_export_stops_while_its_account_is_pending_deletion(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let export = export_without_message(&ada, clock::now(), |export| export).await?;
    store_partial_export(&ada, export.id).await?;
    let (table, now) = (env.table()?, clock::now());
    let account = table.account(ada.account()?).await?.context("the account does not exist")?;
    // No erasure message is sent, so only the export worker deletes anything.
    let grace = SignedDuration::from_hours(24);
    let closing = account.request_deletion(clock::uuid_at(now).into(), DeletionReason::Requested, grace, now)?;
    table.commit(&[Write::Account(&closing)]).await?;
    send(&ada, export.id).await?;
    let started = Instant::now();
    while export_object_count(&ada, export.id).await? > 0 {
        ensure!(started.elapsed() < PATIENCE, "something of the archive is left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let account = table.account(ada.account()?).await?.context("the account does not exist")?;
    table
        .commit(&[Write::Account(&account.cancel_deletion(clock::now())?)])
        .await
        .map_err(|error| anyhow!("{error}"))?;
    send(&ada, export.id).await?;
    wait_for_export(&ada, &export.id.to_string()).await?;
    Ok(())
}

async fn p32_erasure_during_an_export_removes_the_archive(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    for _ in 0..4 {
        store_large_files(&ada).await?;
    }
    let export = request_export(&ada).await?.parse()?;
    let started = Instant::now();
    while export_object_count(&ada, export).await? == 0 {
        ensure!(started.elapsed() < PATIENCE, "the export does not start");
    }
    ensure!(
        ada.get(&format!("{EXPORTS}/{export}")).await?.is(200)?.json["status"] == "building",
        "too late to disturb it"
    );
    wait_for_erasure(env, &request_erasure(&ada).await?).await?;
    check_nothing_left(&ada).await?;
    // Leftovers of a worker that resumes late, and a late message.
    store_partial_export(&ada, export).await?;
    send(&ada, export).await?;
    let started = Instant::now();
    while export_object_count(&ada, export).await? > 0 {
        ensure!(started.elapsed() < PATIENCE, "something of the archive is left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    check_nothing_left(&ada).await
}
