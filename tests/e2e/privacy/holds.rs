//! Legal holds: held data outlives its retention and its deletion by the owner, and is deleted once released.

use anyhow::{Context, Result, ensure};
use domain::{
    CaseId, CaseNoticeId,
    privacy::hold::{EVIDENCE_DAYS, Hold},
};
use jiff::SignedDuration;
use runtime::clock;
use serde_json::{Value, json};
use store::{HoldCheck, Write};

use crate::env::{
    http::text,
    staff_access::approve,
    table::{account_items, sort_keys, string},
    test_env::{TestEnv, TestUser},
    trial::tests,
    uploads::{photo, upload_file},
};

tests![
    p16_held_data_outlives_expiry_and_deletion_until_release,
    p16_hold_that_ends_within_a_check_leaves_nothing_behind,
    p16_disclosure_is_deleted_after_a_week,
];

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn hold(staff: &TestUser, owner: &TestUser, covers: &[&str]) -> Result<String> {
    let body = json!({"reference": "court-7", "reason": "an order of the court", "covers": covers});
    let path = format!("/v1/staff/accounts/{}/holds", owner.account_id);
    Ok(format!("{path}/{}", text(&staff.post(&path, &body).await?.is(201)?.json, "id")?))
}

/// Counts the versions of files in this folder of the owner's prefix.
async fn files(owner: &TestUser, folder: &str) -> Result<usize> {
    let bucket = owner.env.output("BucketName")?;
    let prefix = format!("accounts/{}/{folder}/", owner.account_id);
    let listed = owner.env.clients()?.s3().list_object_versions().bucket(bucket).prefix(prefix).send().await?;
    Ok(listed.versions().len())
}

/// Counts the items of this kind, and those of them that expire.
async fn items(owner: &TestUser, prefix: &str) -> Result<(usize, usize)> {
    let mut items = account_items(owner).await?;
    items.retain(|item| string(item, "sk").starts_with(prefix));
    Ok((items.len(), items.iter().filter(|item| item.contains_key("ttl")).count()))
}

async fn sweep(env: &TestEnv, days: i32) -> Result<Value> {
    env.sweep(clock::now() + DAY * days).await
}

async fn p16_held_data_outlives_expiry_and_deletion_until_release(env: &'static TestEnv) -> Result<()> {
    let (grace, ada, bob) = (env.staff().await?, env.user().await?, env.user().await?);
    let mut images = Vec::new();
    for prompt in ["deleted", "old"] {
        images.push(format!("/v1/generations/{}", text(&ada.finished_image(prompt).await?, "id")?));
    }
    let upload = upload_file(&ada, "image/png", &photo("image/png")?).await?;
    let upload = format!("/v1/uploads/{}", text(&upload, "id")?);
    bob.finished_image("not held").await?;
    let question = json!({"subject": "Cracked", "text": "It has a crack."});
    ada.post("/v1/support/tickets", &question).await?.is(201)?;
    let everything = hold(&grace, &ada, &["generations", "activity", "ticket"]).await?;
    let some = hold(&grace, &ada, &["generation", "uploads"]).await?;
    sweep(env, 0).await?;
    let (activities, expiring) = items(&ada, "ACTIVITY#").await?;
    ensure!(activities >= 3 && expiring == 0, "{expiring} of {activities} records of activity expire");

    ensure!(items(&ada, "TICKET#").await? == (1, 0), "a held ticket expires");

    // The owner deletes one, and the rest expires.
    ada.delete(&images[0]).await?.is(204)?;
    ada.delete(&upload).await?.is(204)?;
    // Items that are added now are held at the next check.
    ada.image("[sketch:reject]").await?;
    sweep(env, 31).await?;
    sweep(env, 32).await?;
    for gone in images.iter().chain([&upload]) {
        ada.get(gone).await?.is(404)?;
    }
    ensure!(ada.get("/v1/generations").await?.is(200)?.json["items"] == json!([]));
    ensure!(ada.get("/v1/account").await?.is(200)?.json["limits"]["uploads"]["used"] == 0);
    ensure!(files(&ada, "generations").await? == 4 && files(&ada, "uploads").await? == 1, "held files were deleted");
    ensure!(items(&ada, "GENERATION#").await?.0 == 3 && items(&ada, "UPLOAD#").await?.0 == 1);
    let (activities, expiring) = items(&ada, "ACTIVITY#").await?;
    ensure!(activities >= 4 && expiring == 0, "{expiring} of {activities} records of activity expire");
    ensure!(files(&bob, "generations").await? == 0, "files without a hold are still stored");
    let idle = sweep(env, 32).await?;
    ensure!(idle["removed"] == 0 && idle["checked"] == 0 && idle["failed"] == 0, "held data is due: {idle}");

    // One of two holds is released: what only it covered is deleted.
    grace.delete(&everything).await?.is(204)?;
    let before = account_items(&ada).await?;
    grace.delete(&everything).await?.is(204)?;
    ensure!(account_items(&ada).await? == before, "a repeat changed something");
    sweep(env, 32).await?;
    ensure!(files(&ada, "generations").await? == 0, "files without a hold are still stored");
    ensure!(items(&ada, "GENERATION#").await?.0 == 3 && files(&ada, "uploads").await? == 1);
    let (activities, expiring) = items(&ada, "ACTIVITY#").await?;
    ensure!(activities == expiring, "{expiring} of {activities} records of activity expire");
    ensure!(items(&ada, "TICKET#").await? == (1, 1), "a ticket without a hold does not expire");

    grace.delete(&some).await?.is(204)?;
    sweep(env, 32).await?;
    ensure!(files(&ada, "uploads").await? == 0);
    let mut left = sort_keys(env, &ada.account_id).await?;
    left.retain(|sk| !["LEDGER#", "ACTIVITY#", "ACCESS#", "TICKET#"].iter().any(|kept| sk.starts_with(kept)));
    ensure!(left == ["ACCOUNT"], "{left:?}");
    Ok(())
}

/// The account is so large that a check takes several runs of the sweep, and the hold ends between two of them.
async fn p16_hold_that_ends_within_a_check_leaves_nothing_behind(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = text(&ada.finished_image("evidence").await?, "id")?;
    let (table, now, id) = (env.table()?, clock::now(), ada.account_id.parse()?);
    let account = table.account(id).await?.context("no account")?;
    let evidence = Hold::of_evidence(CaseNoticeId(clock::uuid_at(now)), CaseId(clock::uuid_at(now)), now);
    let held = account.place_hold(evidence)?;
    table.commit(&[Write::Account(&held), Write::HoldCheck(&HoldCheck::new(&held, now))]).await?;
    sweep(env, 0).await?;
    ada.delete(&format!("/v1/generations/{image}")).await?.is(204)?;
    ensure!(items(&ada, "GENERATION#").await?.0 == 1 && files(&ada, "generations").await? == 2, "it was deleted");
    let check = table.hold_check(id).await?.context("no check")?;
    let ends = i32::try_from(EVIDENCE_DAYS)? + 1;
    let unfinished = HoldCheck { after: Some("UPLOAD#".to_owned()), ..check };
    table.commit(&[Write::HoldCheckLater(&unfinished)]).await?;
    sweep(env, ends).await?;
    ensure!(files(&ada, "generations").await? == 0 && items(&ada, "GENERATION#").await?.0 == 0, "it is still stored");
    let (activities, expiring) = items(&ada, "ACTIVITY#").await?;
    ensure!(activities == expiring, "{expiring} of {activities} records of activity expire");
    Ok(())
}

async fn p16_disclosure_is_deleted_after_a_week(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    let wanted = json!({"reference": "court-7", "reason": "an order of the court", "kinds": ["account"]});
    let made = grace.post(&path, &wanted).await?.is(201)?;
    let at = made.header("location").context("no location")?.to_owned();
    approve(&alan, &at).await?.is(204)?;
    sweep(env, 6).await?;
    grace.get(&at).await?.is(200)?;
    ensure!(files(&ada, "disclosures").await? == 1);
    sweep(env, 7).await?;
    grace.get(&at).await?.is(404)?;
    ensure!(files(&ada, "disclosures").await? == 0 && items(&ada, "DISCLOSURE#").await?.0 == 0);
    Ok(())
}
