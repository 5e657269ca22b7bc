//! More deaths at each call: where staff look at what is somebody's, and where somebody changes their address.

use anyhow::{Context, Result, ensure};
use domain::accounts::email_change::{EmailChange, EmailChangeStage};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    afterwards,
    corrections::last_code,
    crash::{files, now_and, sweep_through, until_answered, walk},
    sessions::{address, sign_in},
    tests,
    world::{Answer, PASSWORD, Person, TestEnv, text},
};

tests![
    staff_access_dies_at_each_call,
    account_dies_at_each_call_of_a_change_of_the_address,
    sweep_goes_on_wherever_account_dies_in_a_change_of_the_address,
];

async fn account_dies_at_each_call_of_a_change_of_the_address(world: &'static TestEnv) -> Result<()> {
    walk(world, "Account", 15, async |ada| {
        let new = address();
        ask_for(ada, &new).await?;
        let codes = codes(ada, &new).await?;
        until_answered(async || {
            let request = ada.request(Method::POST, "/v1/account/email/confirm").header("idempotency-key", "again");
            Answer::read(request.json(&codes).send().await?).await
        })
        .await?
        .is(204)?;
        check_address(ada, &new, &new).await
    })
    .await
}

async fn sweep_goes_on_wherever_account_dies_in_a_change_of_the_address(world: &'static TestEnv) -> Result<()> {
    walk(world, "Account", 8, async |ada| {
        let new = address();
        ask_for(ada, &new).await?;
        let codes = codes(ada, &new).await?;
        // Whatever is answered, nobody asks again.
        let answer = ada.post("/v1/account/email/confirm", &codes).await?;
        for minutes in [2, 4] {
            sweep_through(world, now_and(SignedDuration::from_mins(minutes))).await?;
        }
        let account = until_answered(async || ada.get("/v1/account").await).await?.is(200)?.json;
        let email = text(&account, "email")?;
        ensure!(answer.status != 204 || email == new, "it was done, and is not: {account}");
        check_address(ada, &new, &email).await
    })
    .await
}

/// Asks for another address as often as it takes to be answered.
async fn ask_for(ada: &Person, new: &str) -> Result<()> {
    until_answered(async || ada.post("/v1/account/email", &json!({"email": new})).await).await?.is(202).map(drop)
}

/// The codes that were sent last.
async fn codes(ada: &Person, new: &str) -> Result<Value> {
    let (present_code, new_code) = (last_code(ada.world, &ada.email).await?, last_code(ada.world, new).await?);
    Ok(json!({"present_code": present_code, "new_code": new_code}))
}

/// Of the old and the new address, this one alone must be the account's and sign in, and nothing be left to do.
pub async fn check_address(ada: &Person, new: &str, expected: &str) -> Result<()> {
    let account = until_answered(async || ada.get("/v1/account").await).await?.is(200)?.json;
    ensure!(account["email"] == expected, "{account}");
    for email in [&ada.email, new] {
        let status = if email == expected { 200 } else { 401 };
        let signed_in = sign_in(ada, email, PASSWORD).await?;
        signed_in.is(status).with_context(|| format!("{expected} is to be the address"))?;
    }
    let corrections = until_answered(async || ada.get("/v1/account/corrections").await).await?.is(200)?.json;
    let times = corrections["items"].as_array().context("no corrections")?.len();
    ensure!(times == usize::from(expected == new), "{corrections}");
    let pending = ada.world.table()?.email_change(ada.account_id.parse()?).await?;
    let is_asked = |change: &EmailChange| matches!(change.stage, EmailChangeStage::Requested { .. });
    ensure!(pending.as_ref().is_none_or(is_asked), "{pending:?}");
    Ok(())
}

async fn staff_access_dies_at_each_call(world: &'static TestEnv) -> Result<()> {
    let grace = world.staff().await?;
    walk(world, "StaffAccess", 20, async |ada| {
        let accounts = format!("/v1/staff/accounts/{}", ada.account_id);
        let post = async |what: &str, more: Value| {
            let mut body = json!({"reference": "T-17", "reason": "she asked for it"});
            if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
                body.extend(more.clone());
            }
            let request = grace.request(Method::POST, &format!("{accounts}/{what}"));
            let request = request.header("idempotency-key", format!("{what}-{}", ada.account_id)).json(&body);
            Answer::read(request.send().await?).await
        };
        let opened = until_answered(async || post("accesses", json!({"minutes": 5})).await).await?.is(201)?.json;
        let profile = format!("{accounts}/accesses/{}/profile", text(&opened, "id")?);
        until_answered(async || grace.get(&profile).await).await?.is(200)?;
        let hold = until_answered(async || post("holds", json!({"covers": ["account"]})).await).await?.is(201)?.json;
        let release = format!("{accounts}/holds/{}", text(&hold, "id")?);
        until_answered(async || grace.delete(&release).await).await?.is(204)?;
        let made = until_answered(async || post("disclosures", json!({"kinds": ["account"]})).await).await?.is(201)?;
        let fetch = format!("{accounts}/disclosures/{}", text(&made.json, "id")?);
        let fetched = until_answered(async || grace.get(&fetch).await).await?.is(200)?.json;
        grace.fetch(&text(&fetched, "url")?).await?.is(200)?;

        // Whatever was answered is in the log, and what a death left goes in its time.
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        let kinds: Vec<_> = log["items"].as_array().into_iter().flatten().map(|line| &line["action"]["kind"]).collect();
        for kind in ["opened", "read", "held", "released", "disclosed", "downloaded"] {
            ensure!(kinds.iter().any(|found| *found == kind), "{kind} is not in the log: {log}");
        }
        sweep_through(world, now_and(SignedDuration::from_hours(24 * 8))).await?;
        ensure!(files(world, ada).await? == 0, "files are left");
        let left = afterwards::drawer(world, &ada.account_id).await?;
        ensure!(!left.iter().any(|sk| sk.starts_with("DISCLOSURE#") || sk.starts_with("HOLDCHECK")), "{left:?}");
        Ok(())
    })
    .await
}
