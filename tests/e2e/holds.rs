//! What a legal hold keeps when its time is over or its owner deletes it, and how it goes once the hold is released.

use anyhow::{Context, Result, ensure};
use jiff::SignedDuration;
use runtime::clock;
use serde_json::{Value, json};

use crate::{
    afterwards::{drawer, string},
    authorization::kept,
    tests, uploads,
    world::{Person, TestEnv, text},
};

tests![
    p16_what_is_held_outlives_its_time_and_its_owners_wish_and_goes_when_it_is_released,
    p16_a_disclosure_goes_after_a_week,
];

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn hold(staff: &Person, owner: &Person, covers: &[&str]) -> Result<String> {
    let body = json!({"reference": "court-7", "reason": "an order of the court", "covers": covers});
    let path = format!("/v1/staff/accounts/{}/holds", owner.account_id);
    Ok(format!("{path}/{}", text(&staff.post(&path, &body).await?.is(201)?.json, "id")?))
}

/// How many versions of files lie under this folder of somebody's prefix.
async fn files(owner: &Person, folder: &str) -> Result<usize> {
    let bucket = owner.world.output("BucketName")?;
    let prefix = format!("accounts/{}/{folder}/", owner.account_id);
    let listed = owner.world.clients()?.s3().list_object_versions().bucket(bucket).prefix(prefix).send().await?;
    Ok(listed.versions().len())
}

/// How many items of this kind there are, and how many of them expire.
async fn items(owner: &Person, prefix: &str) -> Result<(usize, usize)> {
    let mut items = kept(owner).await?;
    items.retain(|item| string(item, "sk").starts_with(prefix));
    Ok((items.len(), items.iter().filter(|item| item.contains_key("ttl")).count()))
}

async fn sweep(world: &TestEnv, days: i32) -> Result<Value> {
    world.sweep(clock::now() + DAY * days).await
}

async fn p16_what_is_held_outlives_its_time_and_its_owners_wish_and_goes_when_it_is_released(
    world: &'static TestEnv,
) -> Result<()> {
    let (grace, ada, bob) = (world.staff().await?, world.person().await?, world.person().await?);
    let mut pictures = Vec::new();
    for prompt in ["deleted", "old"] {
        pictures.push(format!("/v1/generations/{}", text(&ada.finished_picture(prompt).await?, "id")?));
    }
    let upload = uploads::arrived(&ada, "image/png", &uploads::photograph("image/png")?).await?;
    let upload = format!("/v1/uploads/{}", text(&upload, "id")?);
    bob.finished_picture("nobody asks for it").await?;
    let question = json!({"subject": "Cracked", "text": "It has a crack."});
    ada.post("/v1/support/tickets", &question).await?.is(201)?;
    let everything = hold(&grace, &ada, &["generations", "activity", "ticket"]).await?;
    let some = hold(&grace, &ada, &["generation", "uploads"]).await?;
    sweep(world, 0).await?;
    let (activities, expiring) = items(&ada, "ACTIVITY#").await?;
    ensure!(activities >= 3 && expiring == 0, "{expiring} of {activities} records of activity expire");

    ensure!(items(&ada, "TICKET#").await? == (1, 0), "a question that is held expires");

    // She deletes one, and the time of the rest goes by.
    ada.delete(&pictures[0]).await?.is(204)?;
    ada.delete(&upload).await?.is(204)?;
    // What comes now is found by a later look.
    ada.picture("[sketch:reject]").await?;
    sweep(world, 31).await?;
    sweep(world, 32).await?;
    for gone in pictures.iter().chain([&upload]) {
        ada.get(gone).await?.is(404)?;
    }
    ensure!(ada.get("/v1/generations").await?.is(200)?.json["items"] == json!([]));
    ensure!(ada.get("/v1/account").await?.is(200)?.json["limits"]["uploads"]["used"] == 0);
    ensure!(
        files(&ada, "generations").await? == 4 && files(&ada, "uploads").await? == 1,
        "files that are held are gone"
    );
    ensure!(items(&ada, "GENERATION#").await?.0 == 3 && items(&ada, "UPLOAD#").await?.0 == 1);
    let (activities, expiring) = items(&ada, "ACTIVITY#").await?;
    ensure!(activities >= 4 && expiring == 0, "{expiring} of {activities} records of activity expire");
    ensure!(files(&bob, "generations").await? == 0, "what nobody holds is still there");
    let idle = sweep(world, 32).await?;
    ensure!(idle["removed"] == 0 && idle["checked"] == 0 && idle["failed"] == 0, "what is held is due: {idle}");

    // One of two holds is released: what only it kept goes.
    grace.delete(&everything).await?.is(204)?;
    let before = kept(&ada).await?;
    grace.delete(&everything).await?.is(204)?;
    ensure!(kept(&ada).await? == before, "a repeat changed something");
    sweep(world, 32).await?;
    ensure!(files(&ada, "generations").await? == 0, "files that nothing holds are still there");
    ensure!(items(&ada, "GENERATION#").await?.0 == 3 && files(&ada, "uploads").await? == 1);
    let (activities, expiring) = items(&ada, "ACTIVITY#").await?;
    ensure!(activities == expiring, "{expiring} of {activities} records of activity expire");
    ensure!(items(&ada, "TICKET#").await? == (1, 1), "a question that nothing holds does not expire");

    grace.delete(&some).await?.is(204)?;
    sweep(world, 32).await?;
    ensure!(files(&ada, "uploads").await? == 0);
    let mut left = drawer(world, &ada.account_id).await?;
    left.retain(|sk| !["LEDGER#", "ACTIVITY#", "ACCESS#", "TICKET#"].iter().any(|kept| sk.starts_with(kept)));
    ensure!(left == ["ACCOUNT"], "{left:?}");
    Ok(())
}

async fn p16_a_disclosure_goes_after_a_week(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (world.staff().await?, world.person().await?);
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    let wanted = json!({"reference": "court-7", "reason": "an order of the court", "kinds": ["account"]});
    let made = grace.post(&path, &wanted).await?.is(201)?;
    let at = made.header("location").context("no location")?.to_owned();
    sweep(world, 6).await?;
    grace.get(&at).await?.is(200)?;
    ensure!(files(&ada, "disclosures").await? == 1);
    sweep(world, 7).await?;
    grace.get(&at).await?.is(404)?;
    ensure!(files(&ada, "disclosures").await? == 0 && items(&ada, "DISCLOSURE#").await?.0 == 0);
    Ok(())
}
