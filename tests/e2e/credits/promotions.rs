//! Promotions: each account redeems a code once, and no more accounts than its limit.

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use jiff::SignedDuration;
use runtime::clock;
use serde_json::json;

use crate::env::{
    checkouts::Checkout,
    erasures::{request_erasure, wait_for_erasure},
    http::text,
    test_env::{TestEnv, TestUser, new_address},
    trial::tests,
};

tests![
    code_is_redeemed_once_by_each_account_and_by_no_more_than_its_limit,
    code_is_redeemed_once_with_an_address,
    ended_code_gives_nothing_and_attempts_are_limited,
];

/// Publishes a promotion with a code of its own, and returns the code.
pub async fn publish(staff: &TestUser, credits: i64, limit: u32) -> Result<String> {
    let now = clock::now();
    let code = format!("P-{}", &clock::uuid_at(now).simple().to_string()[8..]).to_uppercase();
    let body = json!({"code": code, "credits": credits, "limit": limit, "until": now + SignedDuration::from_hours(24)});
    staff.post("/v1/staff/promotions", &body).await?.is(201)?;
    Ok(code)
}

async fn code_is_redeemed_once_by_each_account_and_by_no_more_than_its_limit(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    let code = publish(&grace, 30, 2).await?;
    grace.post("/v1/account/redemptions", &json!({"code": code})).await?.is(403)?;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(env.user().await?);
    }
    // All of them at once, and each of them twice.
    let body = json!({"code": code.to_lowercase()});
    let attempts = people.iter().chain(&people).map(|person| person.post("/v1/account/redemptions", &body));
    let answers = join_all(attempts).await.into_iter().collect::<Result<Vec<_>>>()?;
    let redeemed = answers.iter().filter(|answer| answer.status == 201).count();
    ensure!(redeemed == 2, "{answers:?}");
    ensure!(answers.iter().all(|answer| [201, 400, 409].contains(&answer.status.as_u16())), "{answers:?}");
    let mut richer = 0;
    for person in &people {
        let statement = person.get("/v1/account/statement").await?.is(200)?.json;
        let entries = statement["entries"].as_array().context("no entries")?;
        let redemptions = entries.iter().filter(|entry| entry["cause"]["kind"] == "redemption").count();
        ensure!(redemptions <= 1, "{statement}");
        richer += redemptions;
    }
    ensure!(richer == 2);
    let listed = grace.get("/v1/staff/promotions?limit=100").await?.is(200)?.json;
    let found = listed["items"].as_array().context("no items")?.iter().find(|one| one["code"] == code.as_str());
    let found = found.context("the promotion is not listed")?;
    ensure!(found["redeemed"] == 2 && found["limit"] == 2, "{found}");
    // Credits of a promotion are not bought: the account stays on its plan.
    for person in &people {
        ensure!(person.get("/v1/account").await?.is(200)?.json["plan"] == "free");
    }
    Ok(())
}

async fn code_is_redeemed_once_with_an_address(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    let (code, email) = (publish(&grace, 30, 100).await?, new_address());
    let body = json!({"code": code});
    let first = env.user_at(email.clone()).await?;
    first.post("/v1/account/redemptions", &body).await?.is(201)?;
    let tagged = env.user_at(email.replace('@', "+2@")).await?;
    tagged.post("/v1/account/redemptions", &body).await?.is(409)?;
    wait_for_erasure(env, &request_erasure(&first).await?).await?;
    let again = env.user_at(email).await?;
    again.post("/v1/account/redemptions", &body).await?.is(409)?;
    ensure!(again.credits().await? == (0, 0));
    Ok(())
}

async fn ended_code_gives_nothing_and_attempts_are_limited(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let code = publish(&grace, 30, 100).await?;
    for _ in 0..2 {
        let ended = grace.post("/v1/staff/promotions/end", &json!({"code": code})).await?.is(200)?.json;
        ensure!(text(&ended, "code")? == code, "{ended}");
    }
    let members = grace.get("/v1/staff/members").await?.is(200)?.json;
    let mut members = members["members"].as_array().context("no members")?.iter();
    let name = &members.find(|member| member["account"] == grace.account_id).context("not a member")?["staff"];
    let record = grace.get("/v1/staff/record?limit=100").await?.is(200)?.json;
    let acts = record["items"].as_array().context("no entries")?.iter();
    let ended =
        acts.filter(|entry| entry["act"]["kind"] == "ended_promotion" && entry["act"]["staff"] == *name).count();
    ensure!(ended == 1, "{record}");
    let before = ada.credits().await?;
    for _ in 0..10 {
        let refused = ada.post("/v1/account/redemptions", &json!({"code": code})).await?.is(400)?;
        ensure!(refused.fields() == ["code"], "{}", refused.json);
    }
    ada.post("/v1/account/redemptions", &json!({"code": code})).await?.is(429)?;
    ensure!(ada.credits().await? == before);
    // What others buy meanwhile is not affected.
    Checkout::paid(&ada, "stripe", "starter").await?;
    Ok(())
}
