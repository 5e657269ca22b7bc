//! Submitting: what it costs, what is refused, what a repeat does, how it ends.

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    tests,
    world::{Answer, Person, TestEnv, text},
};

tests![
    fifty_submits_at_once_with_one_key_are_one_generation_and_one_charge,
    a_key_gives_its_answer_again_and_refuses_another_request,
    what_costs_more_than_allowed_or_there_is_is_refused_and_moves_nothing,
    a_refused_prompt_says_why_and_gives_the_credits_back,
    p26_our_mistake_and_a_busy_provider_give_the_credits_back,
    a_canceled_generation_gives_the_credits_back_once,
    p14_the_plan_limits_generations_at_once,
    p11_submitting_too_often_is_told_when_to_come_back,
    a_message_delivered_ten_times_at_once_makes_one_picture,
    p4_a_statement_opens_and_closes_with_the_balance_and_activity_is_shown,
    p28_the_account_is_corrected_only_over_the_version_that_was_seen,
    pages_hold_while_things_come_and_go,
];

fn small(prompt: &str) -> Value {
    json!({"model": "sketch-image", "prompt": prompt, "width": 320, "height": 320})
}

async fn keyed(person: &Person, key: &str, body: &Value) -> Result<Answer> {
    let request = person.request(Method::POST, "/v1/generations").header("idempotency-key", key);
    Answer::read(request.json(body).send().await?).await
}

async fn fifty_submits_at_once_with_one_key_are_one_generation_and_one_charge(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let body = small("one and only");
    let answers = join_all((0..50).map(|_| keyed(&ada, "the-same", &body))).await;
    let mut ids = Vec::new();
    for answer in answers {
        ids.push(text(&answer?.is(202)?.json, "id")?);
    }
    ids.dedup();
    ensure!(ids.len() == 1, "{ids:?}");
    ada.ended(&ids[0]).await?;
    ensure!(ada.credits().await? == (39, 0));
    let page = ada.get("/v1/generations").await?.is(200)?.json;
    ensure!(page["items"].as_array().is_some_and(|items| items.len() == 1), "{page}");
    Ok(())
}

async fn a_key_gives_its_answer_again_and_refuses_another_request(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let first = keyed(&ada, "k", &small("first")).await?.is(202)?;
    ensure!(first.header("idempotent-replayed").is_none());
    let again = keyed(&ada, "k", &small("first")).await?.is(202)?;
    ensure!(again.bytes == first.bytes && again.header("location") == first.header("location"));
    ensure!(again.header("idempotent-replayed") == Some("true"));
    keyed(&ada, "k", &small("second")).await?.is(422)?;
    let bob = world.person().await?;
    let other = keyed(&bob, "k", &small("first")).await?.is(202)?;
    ensure!(other.json["id"] != first.json["id"], "a key counts within one account");
    let bad = keyed(&ada, &"x".repeat(65), &small("first")).await?.is(400)?;
    ensure!(bad.fields() == ["Idempotency-Key"]);
    Ok(())
}

async fn what_costs_more_than_allowed_or_there_is_is_refused_and_moves_nothing(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let film = json!({"model": "sketch-video", "prompt": "[sketch:busy] dunes", "duration_ms": 8000});
    let quote = ada.post("/v1/generations/quote", &film).await?.is(200)?.json;
    ensure!(quote["credits"] == 16 && quote["available"] == 40, "{quote}");
    let mut capped = film.clone();
    capped["max_credits"] = json!(15);
    let refused = ada.post("/v1/generations", &capped).await?.is(402)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:price-above-maximum");
    ensure!(ada.credits().await? == (40, 0));
    let ids = [ada.submit(&film).await?, ada.submit(&film).await?];
    let refused = ada.post("/v1/generations", &film).await?.is(402)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:insufficient-credits", "{}", refused.json);
    for id in ids {
        cancel(&ada, &id).await?;
    }
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn a_refused_prompt_says_why_and_gives_the_credits_back(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let generation = ada.ended(&ada.picture("[sketch:reject] no").await?).await?;
    ensure!(generation["status"] == "failed" && generation["failure"]["code"] == "rejected", "{generation}");
    ensure!(generation["failure"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn p26_our_mistake_and_a_busy_provider_give_the_credits_back(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let (ours, busy, unknown) = (
        ada.picture("[sketch:ours]").await?,
        ada.picture("[sketch:busy]").await?,
        ada.picture("[sketch:unknown]").await?,
    );
    let ours = ada.ended(&ours).await?;
    ensure!(ours["failure"]["code"] == "internal", "{ours}");
    for id in [busy, unknown] {
        let given_up = ada.ended(&id).await?;
        ensure!(given_up["failure"]["code"] == "provider_unavailable", "{given_up}");
    }
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn cancel(person: &Person, id: &str) -> Result<Answer> {
    let request = person.request(Method::POST, &format!("/v1/generations/{id}/cancel"));
    Answer::read(request.send().await?).await?.is(200)
}

async fn a_canceled_generation_gives_the_credits_back_once(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let id = ada.picture("[sketch:busy]").await?;
    let path = format!("/v1/generations/{id}/cancel");
    Answer::read(bob.request(Method::POST, &path).send().await?).await?.is(404)?;
    ensure!(ada.credits().await? == (39, 1));
    let answers = join_all((0..5).map(|_| cancel(&ada, &id))).await;
    for answer in answers {
        ensure!(answer?.json["status"] == "canceled");
    }
    ensure!(ada.credits().await? == (40, 0));
    let repeated = async || -> Result<Answer> {
        let request = ada.request(Method::POST, &path).header("idempotency-key", "cancel");
        Answer::read(request.send().await?).await?.is(200)
    };
    let (first, again) = (repeated().await?, repeated().await?);
    ensure!(again.bytes == first.bytes && again.header("idempotent-replayed") == Some("true"));
    let done = text(&ada.finished_picture("a gate").await?, "id")?;
    let late = ada.request(Method::POST, &format!("/v1/generations/{done}/cancel"));
    Answer::read(late.send().await?).await?.is(409)?;
    ensure!(ada.credits().await? == (39, 0));
    Ok(())
}

async fn p14_the_plan_limits_generations_at_once(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let ids =
        [ada.picture("[sketch:busy]").await?, ada.picture("[sketch:busy]").await?, ada.picture("[sketch:busy]").await?];
    let refused = ada.post("/v1/generations", &small("one more")).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:plan-limit", "{}", refused.json);
    for id in ids {
        cancel(&ada, &id).await?;
    }
    ada.picture("one more").await?;
    Ok(())
}

async fn p11_submitting_too_often_is_told_when_to_come_back(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    for number in 0..10 {
        let id = ada.picture(&format!("[sketch:busy] {number}")).await?;
        cancel(&ada, &id).await?;
    }
    let refused = ada.post("/v1/generations", &small("eleventh")).await?.is(429)?;
    let wait: u64 = refused.header("retry-after").context("no Retry-After")?.parse()?;
    ensure!((1..=6).contains(&wait), "a token comes every 6 s, not in {wait}");
    ensure!(refused.header("ratelimit-policy").is_some_and(|policy| policy.contains("q=10;w=60")));
    Ok(())
}

async fn a_message_delivered_ten_times_at_once_makes_one_picture(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let id = ada.picture("ten times").await?;
    let body = json!({"account": ada.account_id, "generation": id}).to_string();
    let queue = world.output("ImageQueueUrl")?;
    let clients = world.clients()?;
    let sqs = clients.sqs();
    for sent in join_all((0..10).map(|_| sqs.send_message().queue_url(queue).message_body(&body).send())).await {
        sent?;
    }
    let generation = ada.ended(&id).await?;
    ensure!(generation["status"] == "succeeded" && generation["media"].as_array().is_some_and(|m| m.len() == 1));
    ensure!(ada.credits().await? == (39, 0));
    let statement = ada.get("/v1/account/statement").await?.is(200)?.json;
    let entries = statement["entries"].as_array().context("no entries")?;
    ensure!(entries.len() == 3, "welcome, reserve, settle: {statement}");
    Ok(())
}

async fn p4_a_statement_opens_and_closes_with_the_balance_and_activity_is_shown(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    for _ in 0..2 {
        ada.finished_picture("a page").await?;
    }
    let whole = ada.get("/v1/account/statement").await?.is(200)?.json;
    ensure!(whole["opening"] == json!({"available": 0, "held": 0}), "{whole}");
    ensure!(whole["closing"] == json!({"available": 38, "held": 0}), "{whole}");
    let mut pages = Vec::new();
    let mut path = "/v1/account/statement?limit=2".to_owned();
    loop {
        let page = ada.get(&path).await?.is(200)?.json;
        let next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) => path = format!("/v1/account/statement?limit=2&cursor={next}"),
            None => break,
        }
    }
    ensure!(pages.len() == 3, "five entries on pages of two");
    for pair in pages.windows(2) {
        ensure!(pair[0]["closing"] == pair[1]["opening"]);
    }
    let later = ada.get("/v1/account/statement?from=2100-01-01T00:00:00Z&to=2101-01-01T00:00:00Z").await?.is(200)?;
    ensure!(later.json["opening"] == whole["closing"] && later.json["closing"] == whole["closing"]);
    let upside_down = ada.get("/v1/account/statement?from=2101-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").await?;
    ensure!(upside_down.is(400)?.fields() == ["from"]);
    let activity = ada.get("/v1/account/activity").await?.is(200)?.json.to_string();
    ensure!(activity.contains("sign_in") && activity.contains("submit"), "{activity}");
    Ok(())
}

async fn p28_the_account_is_corrected_only_over_the_version_that_was_seen(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let seen = ada.get("/v1/account").await?.is(200)?;
    let tag = seen.header("etag").context("no ETag")?.to_owned();
    let correct = async |tag: &str, body: Value| -> Result<Answer> {
        Answer::read(ada.request(Method::PATCH, "/v1/account").header("if-match", tag).json(&body).send().await?).await
    };
    let named = correct(&tag, json!({"display_name": "Ada", "preferences": {"theme": "dark"}})).await?.is(200)?.json;
    ensure!(named["display_name"] == "Ada" && named["preferences"] == json!({"theme": "dark", "language": "en"}));
    correct(&tag, json!({"display_name": "Eve"})).await?.is(412)?;
    let cleared = ada.patch("/v1/account", &json!({"display_name": null})).await?.is(200)?.json;
    ensure!(cleared["display_name"].is_null() && cleared["preferences"]["theme"] == "dark");
    let bad =
        ada.patch("/v1/account", &json!({"display_name": "", "preferences": {"language": "<b>"}})).await?.is(400)?;
    ensure!(bad.fields() == ["display_name", "preferences.language"], "{:?}", bad.fields());
    Ok(())
}

async fn pages_hold_while_things_come_and_go(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(text(&ada.finished_picture(&format!("number {number}")).await?, "id")?);
    }
    ids.reverse();
    let page = ada.get("/v1/generations?limit=2").await?.is(200)?.json;
    ensure!(page["items"][0]["id"] == ids[0].as_str() && page["items"][1]["id"] == ids[1].as_str());
    let cursor = text(&page, "next")?;
    // The one that the cursor stands on goes, and a new one comes.
    ada.delete(&format!("/v1/generations/{}", ids[1])).await?.is(204)?;
    ada.finished_picture("a newcomer").await?;
    let path = format!("/v1/generations?limit=3&cursor={cursor}");
    let rest = ada.get(&path).await?.is(200)?.json;
    let found: Vec<_> = rest["items"].as_array().context("no items")?.iter().filter_map(|i| i["id"].as_str()).collect();
    ensure!(found == ids[2..], "{found:?}");
    ensure!(rest["next"].is_null(), "a page that is exactly full has no cursor to an empty one");
    ensure!(bob.get(&path).await?.is(400)?.fields() == ["cursor"], "a cursor is its owner's");
    ensure!(ada.get(&format!("{path}&kind=image")).await?.is(400)?.fields() == ["cursor"]);
    for bad in ["limit=0", "limit=101", "limit=x", "cursor=x", "stature=1", "status=done", "limit=1&limit=2"] {
        ada.get(&format!("/v1/generations?{bad}")).await?.is(400)?;
    }
    Ok(())
}
