//! Everything that is held, taken out by whom it is about: asked for, made, read by others than us, and gone in time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountId, ExportId,
    accounts::account::Account,
    privacy::deletion::DeletionReason,
    privacy::export::{self, Export, ExportState},
    privacy::hold::Hold,
    registry::ExportRule,
};
use futures_util::future::join_all;
use image::ImageFormat;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use ring::digest::{SHA256, digest};
use runtime::clock;
use serde_json::{Map, Value, json};
use store::{
    Bucket, ExportMessage, Queue, Write,
    registry::{self, DataLocation, StoredKind},
};

use crate::{
    afterwards::string,
    authorization::{Item, kept, like_hers},
    buying::Checkout,
    erasure, sessions, tests,
    unpacked::Unpacked,
    uploads::{declare, put},
    world::{Answer, PATIENCE, Person, TestEnv, text},
};

tests![
    p30_everything_that_is_held_comes_out_in_one_archive,
    p30_an_archive_takes_a_recent_sign_in,
    p30_of_many_that_are_asked_for_at_once_one_is_made,
    p16_what_must_not_be_told_yet_is_not_in_the_archive,
    p20_an_archive_can_be_downloaded_for_a_day_and_goes_after_seven,
    p30_an_archive_that_is_not_ready_in_a_day_fails_visibly,
    p30_a_lost_message_is_sent_again_and_many_do_no_harm,
    p30_what_cannot_be_gone_on_with_is_begun_anew,
    p32_an_archive_stops_when_its_account_closes,
    p32_an_erasure_while_an_archive_is_made_leaves_nothing_of_it,
];

const EXPORTS: &str = "/v1/privacy/exports";
/// What somebody might write to see whether it is run.
const MARKUP: &str = "a \"harbour\" <script>alert('1')</script> & =cmd()";

/// Asks for an archive, as often as it takes to be answered. Answers its id.
pub async fn ask(person: &Person) -> Result<String> {
    let begun = Instant::now();
    loop {
        let request = person.request(Method::POST, EXPORTS).header("idempotency-key", "all-of-it");
        let answer = Answer::read(request.send().await?).await?;
        if !answer.status.is_server_error() {
            let answer = answer.is(202)?;
            let id = text(&answer.json, "id")?;
            ensure!(answer.header("location") == Some(format!("{EXPORTS}/{id}").as_str()), "{answer:?}");
            ensure!(answer.header("retry-after").is_some(), "{answer:?}");
            return Ok(id);
        }
        ensure!(begun.elapsed() < PATIENCE, "{answer:?}");
    }
}

/// Waits for an archive.
pub async fn ready(person: &Person, id: &str) -> Result<Value> {
    let export = person.eventually(&format!("{EXPORTS}/{id}"), |export| export["status"] != "building").await?;
    ensure!(export["status"] == "ready", "{export}");
    let progress = &export["progress"];
    ensure!(progress["files"] == progress["files_total"] && progress["bytes"] == progress["bytes_total"], "{export}");
    Ok(export)
}

/// SHA-256 of every file that lies in the bucket for a person, archives left out.
pub async fn held_files(person: &Person) -> Result<BTreeSet<Vec<u8>>> {
    let (bucket, prefix) = (bucket(person.world)?, format!("accounts/{}/", person.account_id));
    let mut hashes = BTreeSet::new();
    let listed = bucket.list(&prefix, None).await?;
    for file in listed.items.iter().filter(|file| !file.key.starts_with(&format!("{prefix}exports/"))) {
        let bytes = bucket.read(&file.key, u64::MAX).await?.context("a file is gone")?;
        hashes.insert(digest(&SHA256, &bytes).as_ref().to_vec());
    }
    ensure!(!hashes.is_empty(), "there are no files: nothing was looked at");
    Ok(hashes)
}

/// Waits for an archive that somebody died of, on a stack whose time is this test's own. A message that came while the dead
/// one's lease lasted was dropped: the schedule sweeps every minute, here as soon as the lease is over.
pub async fn goes_on(person: &Person, id: &str) -> Result<()> {
    let (table, begun) = (person.world.table()?, Instant::now());
    loop {
        let export = table.export(id_of(person)?, id.parse()?).await?.context("it is gone")?;
        if export.state != ExportState::Building {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "it never becomes ready: {export:?}");
        if export.lease_until.is_none_or(|until| until < clock::now()) {
            person.world.sweep(export.next_message_at + SignedDuration::from_secs(1)).await?;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Writes over the first part of an archive that is being made.
pub async fn write_over_part(person: &Person, id: &str) -> Result<()> {
    let (bucket, clients) = (bucket(person.world)?, person.world.clients()?);
    let key = Bucket::archive_key(id_of(person)?, id.parse()?);
    let uploads = clients.s3().list_multipart_uploads().bucket(person.world.output("BucketName")?).prefix(&key);
    let uploads = uploads.send().await?;
    let upload = uploads.uploads().first().and_then(|upload| upload.upload_id()).context("there is no upload")?;
    bucket.upload_part((&key, upload), 1, vec![9; 8 << 20]).await?.context("there is no upload")?;
    Ok(())
}

/// Files that make more than one part of an archive.
pub async fn leave_large_files(person: &Person) -> Result<()> {
    let (bucket, now) = (bucket(person.world)?, clock::now());
    for number in 0..2_u8 {
        let prefix = Bucket::generation_prefix(id_of(person)?, clock::uuid_at(now).into());
        bucket.write(&format!("{prefix}0.png"), "image/png", vec![number; 6 << 20]).await?;
    }
    Ok(())
}

/// Neither what was needed to make an archive is left, nor older versions of it, nor parts.
pub async fn nothing_but_the_archive_is_left(person: &Person, id: &str) -> Result<()> {
    let begun = Instant::now();
    while beside(person, id.parse()?).await? != 1 {
        ensure!(begun.elapsed() < PATIENCE, "more than the archive is left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn bucket(world: &TestEnv) -> Result<Bucket> {
    Ok(Bucket::new(world.clients()?.s3().clone(), world.output("BucketName")?.to_owned()))
}

fn id_of(person: &Person) -> Result<AccountId> {
    Ok(person.account_id.parse()?)
}

async fn send(person: &Person, export: ExportId) -> Result<()> {
    let queue = Queue::new(person.world.clients()?.sqs().clone(), person.world.output("ExportsUrl")?.to_owned());
    Ok(queue.send(&ExportMessage { account: id_of(person)?, export }, 0).await?)
}

/// An export that was asked for behind the API's back, so that nobody has a message for it, and then changed.
async fn unsent(person: &Person, asked_at: Timestamp, change: impl FnOnce(Export) -> Export) -> Result<Export> {
    let (table, account) = (person.world.table()?, id_of(person)?);
    let owner = table.account(account).await?.context("there is no account")?;
    let id = ExportId(clock::uuid_at(asked_at));
    let (owner, export) = export::request(&owner, &table.exports(account).await?, id, asked_at)?;
    let export = Export { version: 1, ..change(export) };
    table.commit(&[Write::Account(&owner), Write::Export(&export)]).await?;
    Ok(export)
}

/// What lies in the bucket for an export: files in all versions, and uploads in parts.
async fn beside(person: &Person, export: ExportId) -> Result<usize> {
    let (clients, name) = (person.world.clients()?, person.world.output("BucketName")?);
    let prefix = Bucket::export_prefix(id_of(person)?, export);
    let files = clients.s3().list_object_versions().bucket(name).prefix(&prefix).send().await?;
    let parts = clients.s3().list_multipart_uploads().bucket(name).prefix(&prefix).send().await?;
    Ok(files.versions().len() + files.delete_markers().len() + parts.uploads().len())
}

/// As if somebody had died in the middle of it.
async fn leave_behind(person: &Person, export: ExportId) -> Result<()> {
    let (bucket, account) = (bucket(person.world)?, id_of(person)?);
    let key = Bucket::archive_key(account, export);
    bucket.begin_upload(&key, "application/zip", "x.zip").await?;
    bucket
        .write(&format!("{}work/items-000000", Bucket::export_prefix(account, export)), "text/plain", vec![7])
        .await?;
    ensure!(beside(person, export).await? == 2);
    Ok(())
}

/// A little of everything, with markup wherever somebody can write.
async fn fill(ada: &Person) -> Result<()> {
    ada.patch("/v1/account", &json!({"display_name": MARKUP, "preferences": {"theme": "dark"}})).await?.is(200)?;
    let picture = text(&ada.finished_picture(MARKUP).await?, "id")?;
    ada.post(&format!("/v1/generations/{picture}/shares"), &json!({"expires_in_s": 3600})).await?.is(201)?;
    let film = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    ada.ended(&ada.submit(&film).await?).await?;
    ada.ended(&ada.picture("[sketch:reject]").await?).await?;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(9, 7, image::Rgb([1, 2, 3])).write_to(&mut png, ImageFormat::Png)?;
    let mut declared = declare(ada, "image/png", png.get_ref()).await?;
    put(&declared, png.get_ref(), |_, _| {}).await?.is(200)?;
    declared = ada
        .eventually(&format!("/v1/uploads/{}", text(&declared, "id")?), |upload| upload["state"]["status"] != "pending")
        .await?;
    ensure!(declared["state"]["status"] == "ready", "{declared}");
    Checkout::paid(ada, "stripe", "starter").await?;
    let grace = ada.world.staff().await?;
    let accesses = format!("/v1/staff/accounts/{}/accesses", ada.account_id);
    let why = json!({"reference": "T-1", "reason": "she asked for help", "minutes": 5});
    let access = text(&grace.post(&accesses, &why).await?.is(201)?.json, "id")?;
    grace.get(&format!("{accesses}/{access}/generations/{picture}")).await?.is(200)?;
    ada.post("/v1/account/email", &json!({"email": sessions::address()})).await?.is(202)?;
    ada.post("/v1/support/tickets", &json!({"subject": MARKUP, "text": MARKUP})).await?.is(201)?;
    ask_keyed(ada).await
}

/// Something whose answer is kept.
async fn ask_keyed(ada: &Person) -> Result<()> {
    let request = ada.request(Method::PATCH, "/v1/account").header("idempotency-key", "kept");
    Answer::read(request.json(&json!({"preferences": {"language": "de"}})).send().await?).await?.is(200)?;
    Ok(())
}

async fn p30_everything_that_is_held_comes_out_in_one_archive(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    bob.finished_picture("somebody else's").await?;
    fill(&ada).await?;
    let before = kept(&ada).await?;
    let archive = Unpacked::download(&ada, &ask(&ada).await?).await?;
    for StoredKind { kind, location } in registry::kinds() {
        let DataLocation::AccountItem { sk } = location else { continue };
        if kind.export != ExportRule::Json {
            ensure!(archive.items(kind.name).is_err(), "{} is not for its owner", kind.name);
            continue;
        }
        let there: Vec<_> = before.iter().filter(|item| string(item, "sk").starts_with(sk)).collect();
        let found = archive.items(kind.name)?;
        match kind.name {
            // To ask for an archive is kept as well: it is one more export, one more answer, and the account counts on.
            "export" => ensure!(there.is_empty() && found.len() == 1, "{found:?}"),
            "idempotency" => ensure!(there.len() + 1 == found.len(), "{found:?}"),
            "account" => ensure!(found.len() == 1 && found[0]["email"] == ada.email.as_str(), "{found:?}"),
            kind => {
                let there: Vec<_> = there.into_iter().map(|item| told(kind, item)).collect::<Result<_>>()?;
                ensure!(!there.is_empty(), "there is no {kind}: nothing was looked at");
                ensure!(there == found, "{kind}: {there:#?}\n{found:#?}");
            }
        }
    }
    ensure!(archive.files()? == held_files(&ada).await?, "the files are not those that are held");
    for other in [&bob.email, &bob.account_id] {
        ensure!(!archive.tells(other)?, "the archive tells of somebody else");
    }
    can_be_read_offline(&archive)
}

/// An item as its owner is told of it, converted here once more.
fn told(kind: &str, item: &Item) -> Result<Value> {
    let technical = ["pk", "sk", "ttl", "due_kind", "due_at", "gallery_partition", "gallery_at"];
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

/// The page shows everything from the archive alone, and runs nothing.
fn can_be_read_offline(archive: &Unpacked) -> Result<()> {
    let page = archive.text("index.html")?;
    ensure!(!page.contains("<script"), "something would be run");
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
    for part in ["<img src=\"media/", "<video src=\"media/", "<img src=\"uploads/", "refused:", "5.00 EUR"] {
        ensure!(page.contains(part), "{part} is not in {page}");
    }
    let payments = archive.text("data/payment.csv")?;
    ensure!(payments.contains(",stripe,starter,200,"), "{payments}");
    Ok(())
}

async fn p30_an_archive_takes_a_recent_sign_in(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let ask = async |minutes: i64| -> Result<Answer> {
        let token = like_hers(&ada, |claims| claims["auth_time"] = json!(clock::now().as_second() - 60 * minutes))?;
        let request = world.stranger()?.request(Method::POST, EXPORTS).bearer_auth(token);
        Answer::read(request.send().await?).await
    };
    let refused = ask(11).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:recent-sign-in-needed", "{}", refused.json);
    ensure!(ada.get(EXPORTS).await?.is(200)?.json["items"] == json!([]));
    ask(9).await?.is(202)?;
    Ok(())
}

async fn p30_of_many_that_are_asked_for_at_once_one_is_made(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    // It takes longer to make the archive than to ask for it so often.
    leave_large_files(&ada).await?;
    // There is a process for each who asks.
    join_all((0..12).map(|_| ada.get(EXPORTS))).await.into_iter().collect::<Result<Vec<_>>>()?;
    let asked =
        join_all((0..12).map(|_| async { Answer::read(ada.request(Method::POST, EXPORTS).send().await?).await }));
    let mut statuses: Vec<_> =
        asked.await.into_iter().map(|answer| Ok(answer?.status.as_u16())).collect::<Result<_>>()?;
    statuses.sort_unstable();
    let first = text(&ada.get(EXPORTS).await?.is(200)?.json["items"][0], "id")?;
    ensure!(statuses.first() == Some(&202) && statuses.iter().skip(1).all(|status| *status == 409), "{statuses:?}");
    let made = ada.get(EXPORTS).await?.is(200)?.json["items"].as_array().map_or(0, Vec::len);
    ensure!(made == 1, "{made} are made");
    Unpacked::download(&ada, &first).await?;
    let bob = world.person().await?;
    ensure!(ask(&bob).await? == ask(&bob).await?, "the same key gives the same archive");
    bob.get(&format!("{EXPORTS}/{first}")).await?.is(404)?;
    Ok(())
}

async fn p16_what_must_not_be_told_yet_is_not_in_the_archive(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let now = clock::now();
    let hold = |reason: &str, undisclosed_until| Hold {
        id: clock::uuid_at(now).into(),
        reference: "court-7".to_owned(),
        reason: reason.to_owned(),
        covers: ["upload".to_owned()].into(),
        at: now,
        undisclosed_until,
        undisclosed_basis: None,
        released_at: None,
    };
    let later = now + SignedDuration::from_hours(1);
    let holds = [hold("canary-told", Some(now)), hold("canary-silent", Some(later)), hold("canary-open", None)];
    let holds = holds.into_iter().collect();
    let table = world.table()?;
    let account = table.account(id_of(&ada)?).await?.context("there is no account")?;
    let version = account.version + 1;
    table.commit(&[Write::Account(&Account { holds, version, ..account })]).await?;
    let archive = Unpacked::download(&ada, &ask(&ada).await?).await?;
    ensure!(archive.tells("canary-told")? && archive.tells("canary-open")?, "what may be told is not there");
    ensure!(!archive.tells("canary-silent")?, "what must not be told is there");
    Ok(())
}

async fn p20_an_archive_can_be_downloaded_for_a_day_and_goes_after_seven(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let now = clock::now();
    let ready_for = async |hours: i64| {
        let at = now - SignedDuration::from_hours(hours);
        unsent(&ada, at, |export| Export { state: ExportState::Ready { at, bytes: 1 }, ..export }).await
    };
    let (fresh, old, oldest) = (ready_for(23).await?, ready_for(25).await?, ready_for(24 * 7).await?);
    for export in [&fresh, &old, &oldest] {
        leave_behind(&ada, export.id).await?;
    }
    let path = |export: &Export| format!("{EXPORTS}/{}", export.id);
    ensure!(ada.get(&path(&fresh)).await?.is(200)?.json["download"]["url"].is_string());
    let shown = ada.get(&path(&old)).await?.is(200)?.json;
    ensure!(shown["status"] == "ready" && shown["download"].is_null(), "{shown}");
    ada.get(&path(&oldest)).await?.is(404)?;
    ensure!(ada.get(EXPORTS).await?.json["items"].as_array().is_some_and(|items| items.len() == 2));
    let one_more = ada.request(Method::POST, EXPORTS).send().await?;
    Answer::read(one_more).await?.is(403)?;
    world.sweep(now).await?;
    ensure!(beside(&ada, oldest.id).await? == 0 && beside(&ada, old.id).await? == 2);
    let left = world.table()?.exports(id_of(&ada)?).await?;
    ensure!(left.iter().map(|export| export.id).collect::<Vec<_>>() == [old.id, fresh.id], "{left:?}");
    ask(&ada).await?;
    Ok(())
}

async fn p30_an_archive_that_is_not_ready_in_a_day_fails_visibly(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let now = clock::now();
    let late = unsent(&ada, now - SignedDuration::from_hours(24), |export| Export {
        lease_until: Some(now + SignedDuration::from_hours(1)),
        ..export
    });
    let late = late.await?;
    leave_behind(&ada, late.id).await?;
    Answer::read(ada.request(Method::POST, EXPORTS).send().await?).await?.is(409)?;
    let begun = Instant::now();
    let shown = loop {
        // Of two sweeps at once the one with the earlier time may win: then it is due again.
        world.sweep(now).await?;
        let shown = ada.get(&format!("{EXPORTS}/{}", late.id)).await?.is(200)?.json;
        if shown["status"] != "building" {
            break shown;
        }
        ensure!(begun.elapsed() < PATIENCE, "{shown}");
    };
    ensure!(shown["status"] == "failed" && shown["download"].is_null(), "{shown}");
    ensure!(beside(&ada, late.id).await? == 0, "something is left");
    ready(&ada, &ask(&ada).await?).await?;
    Ok(())
}

async fn p30_a_lost_message_is_sent_again_and_many_do_no_harm(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let lost = unsent(&ada, clock::now() - SignedDuration::from_mins(2), |export| export).await?;
    world.sweep(clock::now()).await?;
    ready(&ada, &lost.id.to_string()).await?;

    bob.finished_picture("a bottle").await?;
    let repeated = unsent(&bob, clock::now(), |export| export).await?;
    for _ in 0..5 {
        send(&bob, repeated.id).await?;
    }
    let archive = Unpacked::download(&bob, &repeated.id.to_string()).await?;
    ensure!(archive.files()? == held_files(&bob).await?);
    send(&bob, repeated.id).await?;
    nothing_but_the_archive_is_left(&bob, &repeated.id.to_string()).await
}

async fn p30_what_cannot_be_gone_on_with_is_begun_anew(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    ada.finished_picture("a phoenix").await?;
    let stock =
        json!({"runs": [], "pages": [7], "item_bytes": 1, "lists": [7], "files": 1, "file_bytes": 1, "moved": {}});
    let zip = json!({"position": 0, "files": 0, "stage": "BetweenFiles"});
    let (place, parts) = (json!({"section": 0, "piece": 0, "byte": 0}), json!({"count": 0, "digest": ""}));
    let writing =
        json!({"upload": "gone", "parts": parts, "part_bytes": 1, "zip": zip, "place": place, "directory": []});
    let done = json!({"files": 0, "bytes": 0});
    let gone = json!({"stock": stock, "stage": {"Archive": writing}, "done": done}).to_string();
    for checkpoint in [gone, "of another version".to_owned()] {
        let export = unsent(&ada, clock::now(), |export| Export { checkpoint: Some(checkpoint), ..export }).await?;
        send(&ada, export.id).await?;
        let table = world.table()?;
        let begun = Instant::now();
        // It is begun anew after a minute, which a test does not wait for.
        while table.export(id_of(&ada)?, export.id).await?.context("it is gone")?.state == ExportState::Building {
            ensure!(begun.elapsed() < PATIENCE, "it is not made");
            send(&ada, export.id).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let archive = Unpacked::download(&ada, &export.id.to_string()).await?;
        ensure!(archive.files()? == held_files(&ada).await?);
    }
    Ok(())
}

async fn p32_an_archive_stops_when_its_account_closes(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let export = unsent(&ada, clock::now(), |export| export).await?;
    leave_behind(&ada, export.id).await?;
    let (table, now) = (world.table()?, clock::now());
    let account = table.account(id_of(&ada)?).await?.context("there is no account")?;
    // Nobody is told of its end, so that nobody but the archive's own worker removes anything.
    let grace = SignedDuration::from_hours(24);
    let closing = account.request_deletion(clock::uuid_at(now).into(), DeletionReason::Requested, grace, now)?;
    table.commit(&[Write::Account(&closing)]).await?;
    send(&ada, export.id).await?;
    let begun = Instant::now();
    while beside(&ada, export.id).await? > 0 {
        ensure!(begun.elapsed() < PATIENCE, "something of the archive is left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let account = table.account(id_of(&ada)?).await?.context("there is no account")?;
    table
        .commit(&[Write::Account(&account.cancel_deletion(clock::now())?)])
        .await
        .map_err(|error| anyhow!("{error}"))?;
    send(&ada, export.id).await?;
    ready(&ada, &export.id.to_string()).await?;
    Ok(())
}

async fn p32_an_erasure_while_an_archive_is_made_leaves_nothing_of_it(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    for _ in 0..4 {
        leave_large_files(&ada).await?;
    }
    let export = ask(&ada).await?.parse()?;
    let begun = Instant::now();
    while beside(&ada, export).await? == 0 {
        ensure!(begun.elapsed() < PATIENCE, "nobody begins to make it");
    }
    ensure!(
        ada.get(&format!("{EXPORTS}/{export}")).await?.is(200)?.json["status"] == "building",
        "too late to disturb it"
    );
    erasure::erased(world, &erasure::ask(&ada).await?).await?;
    erasure::nothing_is_left(&ada).await?;
    // What somebody leaves who wakes after all that, and a message that comes as late.
    leave_behind(&ada, export).await?;
    send(&ada, export).await?;
    let begun = Instant::now();
    while beside(&ada, export).await? > 0 {
        ensure!(begun.elapsed() < PATIENCE, "something of the archive is left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    erasure::nothing_is_left(&ada).await
}
