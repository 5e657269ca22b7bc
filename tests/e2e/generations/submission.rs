//! Submitting: prices, refusals, repeats and outcomes.

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    checkouts::Checkout,
    gallery::check_same_picture,
    http::{ApiResponse, text},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    fifty_concurrent_submits_with_one_key_charge_once,
    idempotency_key_repeats_its_response_only_for_that_request,
    price_above_maximum_or_balance_is_refused,
    model_of_a_paid_provider_needs_bought_credits,
    random_seed_is_recorded_and_gives_the_same_image_again,
    rejected_prompt_states_the_reason_and_is_refunded,
    p26_refusal_and_fault_of_the_provider_are_refunded,
    canceled_generation_is_refunded_once,
    p14_plan_limits_concurrent_generations,
    p11_submits_per_account_are_rate_limited,
    message_delivered_ten_times_generates_one_image,
];

fn small(prompt: &str) -> Value {
    json!({"model": "sketch-image", "prompt": prompt, "width": 320, "height": 320})
}

async fn keyed(user: &TestUser, key: &str, body: &Value) -> Result<ApiResponse> {
    let request = user.request(Method::POST, "/v1/generations").header("idempotency-key", key);
    ApiResponse::read(request.json(body).send().await?).await
}

async fn fifty_concurrent_submits_with_one_key_charge_once(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let body = small("one and only");
    let responses = join_all((0..50).map(|_| keyed(&ada, "the-same", &body))).await;
    let mut ids = Vec::new();
    for response in responses {
        ids.push(text(&response?.is(202)?.json, "id")?);
    }
    ids.dedup();
    ensure!(ids.len() == 1, "{ids:?}");
    ada.ended(&ids[0]).await?;
    ensure!(ada.credits().await? == (39, 0));
    let page = ada.get("/v1/generations").await?.is(200)?.json;
    ensure!(page["items"].as_array().is_some_and(|items| items.len() == 1), "{page}");
    Ok(())
}

async fn idempotency_key_repeats_its_response_only_for_that_request(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let first = keyed(&ada, "k", &small("first")).await?.is(202)?;
    ensure!(first.header("idempotent-replayed").is_none());
    let again = keyed(&ada, "k", &small("first")).await?.is(202)?;
    ensure!(again.bytes == first.bytes && again.header("location") == first.header("location"));
    ensure!(again.header("idempotent-replayed") == Some("true"));
    keyed(&ada, "k", &small("second")).await?.is(422)?;
    let bob = env.user().await?;
    let other = keyed(&bob, "k", &small("first")).await?.is(202)?;
    ensure!(other.json["id"] != first.json["id"], "keys of different accounts must not collide");
    let bad = keyed(&ada, &"x".repeat(65), &small("first")).await?.is(400)?;
    ensure!(bad.fields() == ["Idempotency-Key"]);
    Ok(())
}

async fn price_above_maximum_or_balance_is_refused(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let video = json!({"model": "sketch-video", "prompt": "[sketch:busy] dunes", "duration_ms": 8000});
    let quote = ada.post("/v1/generations/quote", &video).await?.is(200)?.json;
    ensure!(quote["credits"] == 16 && quote["available"] == 40, "{quote}");
    let mut capped = video.clone();
    capped["max_credits"] = json!(15);
    let refused = ada.post("/v1/generations", &capped).await?.is(402)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:price-above-maximum");
    ensure!(ada.credits().await? == (40, 0));
    let ids = [ada.submit(&video).await?, ada.submit(&video).await?];
    let refused = ada.post("/v1/generations", &video).await?.is(402)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:insufficient-credits", "{}", refused.json);
    for id in ids {
        canceled(&ada, &id).await?;
    }
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn model_of_a_paid_provider_needs_bought_credits(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let models = ada.get("/v1/models").await?.is(200)?.json;
    let needs_purchase = |id: &str| {
        let listed = models["models"].as_array().and_then(|models| models.iter().find(|model| model["id"] == id));
        listed.is_some_and(|model| model["needs_purchase"] == true)
    };
    ensure!(needs_purchase("gpt-image") && !needs_purchase("sketch-image"), "{models}");
    let paid = json!({"model": "gpt-image", "prompt": format!("a vase for {}", ada.account_id)});
    let refused = ada.post("/v1/generations", &paid).await?.is(402)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:purchase-needed", "{}", refused.json);
    ensure!(ada.credits().await? == (40, 0));
    ada.finished_image("a vase").await?;

    Checkout::paid(&ada, "stripe", "starter").await?;
    ensure!(ada.ended(&ada.submit(&paid).await?).await?["status"] == "succeeded");
    ensure!(ada.credits().await? == (231, 0));
    Ok(())
}

async fn random_seed_is_recorded_and_gives_the_same_image_again(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let first = ada.finished_image("a lighthouse").await?;
    let mut again = small("a lighthouse");
    again["seed"] = first["settings"]["seed"].clone();
    ensure!(again["seed"].is_u64(), "no seed is recorded: {first}");
    let second = ada.ended(&ada.submit(&again).await?).await?;
    let other = ada.finished_image("a lighthouse").await?;
    ensure!(other["settings"]["seed"] != first["settings"]["seed"], "{other}");
    let mut files = Vec::new();
    for generation in [&first, &second, &other] {
        files.push(ada.fetch(&text(&generation["outputs"][0]["file"], "url")?).await?.is(200)?.bytes);
    }
    check_same_picture(&files[0], &files[1], true)?;
    check_same_picture(&files[0], &files[2], false)
}

async fn rejected_prompt_states_the_reason_and_is_refunded(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let generation = ada.ended(&ada.image("[sketch:reject] no").await?).await?;
    ensure!(generation["status"] == "failed" && generation["failure"]["code"] == "rejected", "{generation}");
    ensure!(generation["failure"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn p26_refusal_and_fault_of_the_provider_are_refunded(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let ids =
        [ada.image("[sketch:ours]").await?, ada.image("[sketch:account]").await?, ada.image("[sketch:unknown]").await?];
    for id in ids {
        let given_up = ada.ended(&id).await?;
        ensure!(given_up["failure"]["code"] == "provider_unavailable", "{given_up}");
    }
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn cancel(user: &TestUser, id: &str) -> Result<ApiResponse> {
    let request = user.request(Method::POST, &format!("/v1/generations/{id}/cancel"));
    ApiResponse::read(request.send().await?).await?.is(200)
}

/// Cancels, and waits until it is settled.
async fn canceled(user: &TestUser, id: &str) -> Result<Value> {
    let response = cancel(user, id).await?.json;
    ensure!(response["status"] == "canceling" || response["status"] == "canceled", "{response}");
    let ended = user.ended(id).await?;
    ensure!(ended["status"] == "canceled" && ended["credits"]["spent"] == 0, "{ended}");
    Ok(ended)
}

async fn canceled_generation_is_refunded_once(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let id = ada.image("[sketch:busy]").await?;
    let path = format!("/v1/generations/{id}/cancel");
    ApiResponse::read(bob.request(Method::POST, &path).send().await?).await?.is(404)?;
    ensure!(ada.credits().await? == (39, 1));
    let responses = join_all((0..5).map(|_| cancel(&ada, &id))).await;
    for response in responses {
        let response = response?.json;
        ensure!(response["status"] == "canceling" || response["status"] == "canceled", "{response}");
    }
    canceled(&ada, &id).await?;
    ensure!(ada.credits().await? == (40, 0));
    let repeated = async || -> Result<ApiResponse> {
        let request = ada.request(Method::POST, &path).header("idempotency-key", "cancel");
        ApiResponse::read(request.send().await?).await?.is(200)
    };
    let (first, again) = (repeated().await?, repeated().await?);
    ensure!(again.bytes == first.bytes && again.header("idempotent-replayed") == Some("true"));
    let done = text(&ada.finished_image("a gate").await?, "id")?;
    let late = ada.request(Method::POST, &format!("/v1/generations/{done}/cancel"));
    ApiResponse::read(late.send().await?).await?.is(409)?;
    ensure!(ada.credits().await? == (39, 0));
    Ok(())
}

async fn p14_plan_limits_concurrent_generations(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let ids = [ada.image("[sketch:busy]").await?, ada.image("[sketch:busy]").await?, ada.image("[sketch:busy]").await?];
    let refused = ada.post("/v1/generations", &small("one more")).await?.is(429)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:too-many-jobs", "{}", refused.json);
    ensure!(refused.header("retry-after") == Some("5"));
    for id in ids {
        canceled(&ada, &id).await?;
    }
    ada.image("one more").await?;
    Ok(())
}

async fn p11_submits_per_account_are_rate_limited(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    // Ten at once, and one more each six seconds while the test cancels them.
    let mut refused = None;
    for number in 0..20 {
        let response = ada.post("/v1/generations", &small(&format!("[sketch:busy] {number}"))).await?;
        if response.status == 429 {
            ensure!(number >= 10, "refused after {number}");
            refused = Some(response);
            break;
        }
        canceled(&ada, &text(&response.is(202)?.json, "id")?).await?;
    }
    let refused = refused.context("twenty submissions were accepted at once")?;
    let wait: u64 = refused.header("retry-after").context("no Retry-After")?.parse()?;
    ensure!((1..=6).contains(&wait), "a token comes every 6 s, not in {wait}");
    ensure!(refused.header("ratelimit-policy").is_some_and(|policy| policy.contains("q=10;w=60")));
    Ok(())
}

async fn message_delivered_ten_times_generates_one_image(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let id = ada.image("ten times").await?;
    let body = json!({"account": ada.account_id, "generation": id}).to_string();
    let queue = env.output("ImageQueueUrl")?;
    let clients = env.clients()?;
    let sqs = clients.sqs();
    for sent in join_all((0..10).map(|_| sqs.send_message().queue_url(queue).message_body(&body).send())).await {
        sent?;
    }
    let generation = ada.ended(&id).await?;
    ensure!(generation["status"] == "succeeded" && generation["outputs"].as_array().is_some_and(|m| m.len() == 1));
    ensure!(ada.credits().await? == (39, 0));
    let statement = ada.get("/v1/account/statement").await?.is(200)?.json;
    let entries = statement["entries"].as_array().context("no entries")?;
    ensure!(entries.len() == 3, "welcome, reserve, settle: {statement}");
    Ok(())
}
