//! Questions to staff: asked, gone on with, closed, and nobody else's.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::json;

use crate::{
    tests,
    world::{Answer, World, text},
};

tests![
    a_question_is_asked_about_a_picture_gone_on_with_and_closed,
    a_question_about_what_is_not_ones_own_is_refused,
    a_day_has_ten_questions,
    a_question_that_is_sent_twice_is_asked_once,
];

const TICKETS: &str = "/v1/support/tickets";

async fn a_question_is_asked_about_a_picture_gone_on_with_and_closed(world: &'static World) -> Result<()> {
    let ada = world.person().await?;
    let picture = text(&ada.finished_picture("a cracked vase").await?, "id")?;
    let about = json!({"kind": "generation", "id": picture});
    let question = json!({"subject": "<b>Cracked</b>", "text": "It has a crack.\nCan it be mended?", "about": about});
    let asked = ada.post(TICKETS, &question).await?.is(201)?;
    let id = text(&asked.json, "id")?;
    ensure!(asked.json["status"] == "waiting" && asked.json["about"] == about, "{}", asked.json);
    ensure!(asked.json["subject"] == "<b>Cracked</b>" && asked.json["messages"][0]["text"] == question["text"]);

    let messages = format!("{TICKETS}/{id}/messages");
    let said = ada.post(&messages, &json!({"text": "I still have the prompt."})).await?.is(200)?.json;
    ensure!(said["messages"].as_array().is_some_and(|messages| messages.len() == 2), "{said}");
    let closed = ada.post(&messages, &json!({"close": true})).await?.is(200)?.json;
    ensure!(closed["status"] == "closed", "{closed}");
    ada.post(&messages, &json!({"text": "one more thing"})).await?.is(409)?;

    let list = ada.get(TICKETS).await?.is(200)?.json;
    ensure!(list["items"] == json!([closed]), "{list}");
    Ok(())
}

async fn a_question_about_what_is_not_ones_own_is_refused(world: &'static World) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let hers = text(&ada.finished_picture("a vase").await?, "id")?;
    for kind in ["generation", "payment"] {
        let about = json!({"kind": kind, "id": hers});
        let answer = bob.post(TICKETS, &json!({"subject": "a", "text": "b", "about": about})).await?.is(400)?;
        ensure!(answer.fields() == ["about.id"], "{}", answer.json);
    }
    let asked = ada.post(TICKETS, &json!({"subject": "a", "text": "b"})).await?.is(201)?.json;
    bob.post(&format!("{TICKETS}/{}/messages", text(&asked, "id")?), &json!({"text": "mine"})).await?.is(404)?;
    Ok(())
}

async fn a_day_has_ten_questions(world: &'static World) -> Result<()> {
    let ada = world.person().await?;
    let question = json!({"subject": "again", "text": "and again"});
    for _ in 0..10 {
        ada.post(TICKETS, &question).await?.is(201)?;
    }
    let refused = ada.post(TICKETS, &question).await?.is(429)?;
    ensure!(refused.header("ratelimit-policy") == Some("\"support\";q=10;w=86400"), "{:?}", refused.headers);
    Ok(())
}

async fn a_question_that_is_sent_twice_is_asked_once(world: &'static World) -> Result<()> {
    let ada = world.person().await?;
    let send = || {
        let request = ada.request(Method::POST, TICKETS).header("idempotency-key", "question");
        request.json(&json!({"subject": "a", "text": "b"})).send()
    };
    let first = Answer::read(send().await?).await?.is(201)?;
    let second = Answer::read(send().await?).await?.is(201)?;
    ensure!(first.bytes == second.bytes && second.header("idempotent-replayed") == Some("true"));
    let list = ada.get(TICKETS).await?.is(200)?.json;
    ensure!(list["items"].as_array().is_some_and(|items| items.len() == 1), "{list}");
    Ok(())
}
