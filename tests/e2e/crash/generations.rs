//! Crashes of the functions that submit, generate and end generations.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::{
    Credits,
    accounts::email_change::{EmailChange, EmailChangeStage},
    catalogue::margin::Margin,
    generations::generation::Generation,
    staff::daily_sum::SumKind,
};
use jiff::{SignedDuration, tz::TimeZone};
use reqwest::Method;
use serde_json::json;
use store::{Bucket, Write};

use crate::env::{
    faults::{
        Fault, crash_at_each_call, declare_any_upload, now_plus, object_count, retry_until_answered, sweep_until_done,
    },
    http::{ApiResponse, PATIENCE, text},
    provider_stub::{HELD, provider_stub},
    sessions::check_sign_in_address,
    table::sort_keys,
    test_env::{TestEnv, TestUser, new_address},
    trial::tests,
};

tests![
    submit_crash_at_any_call_keeps_credits_consistent,
    generate_image_crash_at_any_call_keeps_credits_consistent,
    finish_generation_crash_at_any_call_keeps_credits_consistent,
    crash_after_files_were_received_calls_the_provider_once,
    received_files_of_an_overdue_generation_are_deleted_by_the_sweep,
    generation_canceled_after_its_files_were_received_is_charged_and_discarded,
    abandon_crash_at_any_call_keeps_credits_consistent,
    sweep_crash_at_any_call_is_completed_by_the_next_sweep,
    gallery_crash_at_any_call_deletes_one_image_whole,
    visibility_crash_at_any_call_publishes_whole_or_not_at_all,
    generation_past_its_deadline_fails_and_is_refunded,
    lost_generation_message_is_sent_again,
    lost_message_to_finish_is_sent_again,
    files_that_arrive_after_the_deadline_are_deleted,
    spent_daily_budget_of_a_provider_leads_to_the_next_one_or_a_refusal,
];

async fn submit_crash_at_any_call_keeps_credits_consistent(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Submit", 3, async |ada| {
        let body = json!({"model": "sketch-image", "prompt": "a wreck", "width": 320, "height": 320});
        let started = Instant::now();
        let submitted = retry_until_answered(async || {
            let request = ada.request(Method::POST, "/v1/generations").header("idempotency-key", "again");
            ApiResponse::read(request.json(&body).send().await?).await
        });
        let id = text(&submitted.await?.is(202)?.json, "id")?;
        // The schedule sweeps every minute; here a minute takes as long as a sweep.
        let mut minutes = 1;
        let generation = loop {
            let generation = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
            if !matches!(generation["status"].as_str(), Some("queued" | "running")) {
                break generation;
            }
            ensure!(started.elapsed() < PATIENCE, "{generation}");
            env.sweep(now_plus(SignedDuration::from_mins(minutes.min(8)))).await?;
            minutes += 1;
        };
        ensure!(generation["status"] == "succeeded", "{generation}");
        ensure!(ada.credits().await? == (39, 0), "one charge");
        Ok(())
    })
    .await
}

async fn generate_image_crash_at_any_call_keeps_credits_consistent(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "GenerateImage", 4, async |ada| {
        let generation = ada.finished_image("a wreck").await?;
        ada.fetch(&text(&generation["outputs"][0]["file"], "url")?).await?.is(200)?;
        ensure!(ada.credits().await? == (39, 0), "one charge");
        Ok(())
    })
    .await
}

async fn finish_generation_crash_at_any_call_keeps_credits_consistent(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "FinishGeneration", 6, async |ada| {
        let (earned, _) = earned_and_cost(env).await?;
        let succeeded = ended_as(env, SumKind::Succeeded).await?;
        let generation = ada.finished_image("a wreck").await?;
        ada.fetch(&text(&generation["outputs"][0]["file"], "url")?).await?.is(200)?;
        ensure!(ada.credits().await? == (39, 0), "one charge");
        ensure!(earned_and_cost(env).await?.0 == earned + 1, "it was not counted once");
        ensure!(ended_as(env, SumKind::Succeeded).await? == succeeded + 1, "its success was not counted once");
        wait_until_none_is_left(env, &received_prefix(ada, &text(&generation, "id")?)?).await
    })
    .await
}

async fn crash_after_files_were_received_calls_the_provider_once(env: &'static TestEnv) -> Result<()> {
    let (ada, stub) = (env.plus_user().await?, provider_stub()?);
    let prompt = format!("paid once by {}", ada.account_id);
    let fault = Fault::at(env, "GenerateImage", "after", "PutObject").await?;
    let id = ada.submit(&json!({"model": "stable-image-core", "prompt": prompt})).await?;
    fault.triggered().await?;
    let ended = ada.ended(&id).await?;
    ensure!(ended["status"] == "succeeded", "{ended}");
    let seen = stub.about(&prompt);
    ensure!(seen.len() == 1, "{seen:?}");
    wait_until_none_is_left(env, &received_prefix(&ada, &id)?).await
}

async fn received_files_of_an_overdue_generation_are_deleted_by_the_sweep(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let fault = Fault::at(env, "FinishGeneration", "before", "BatchGetItem").await?;
    let id = ada.image("a wreck").await?;
    fault.triggered().await?;
    // The message is delivered again.
    let fault = Fault::at(env, "FinishGeneration", "before", "BatchGetItem").await?;
    ensure!(object_count(env, &ada).await? == 1, "no file was received");
    sweep_until_done(env, now_plus(SignedDuration::from_mins(11))).await?;
    ensure!(ada.ended(&id).await?["failure"]["code"] == "deadline_passed");
    ensure!(ada.credits().await? == (40, 0));
    sweep_until_done(env, now_plus(SignedDuration::from_mins(12))).await?;
    ensure!(object_count(env, &ada).await? == 0, "the received file is left");
    let found = env.table()?.generation(ada.account()?, id.parse()?).await?.context("no generation")?;
    ensure!(found.received_files == 0, "{found:?}");
    fault.outcome().await.map(drop)
}

async fn generation_canceled_after_its_files_were_received_is_charged_and_discarded(
    env: &'static TestEnv,
) -> Result<()> {
    let ada = env.user().await?;
    let fault = Fault::at(env, "FinishGeneration", "before", "BatchGetItem").await?;
    let id = ada.image("a wreck").await?;
    fault.triggered().await?;
    let canceled = ada.request(Method::POST, &format!("/v1/generations/{id}/cancel")).send().await?;
    let canceled = ApiResponse::read(canceled).await?.is(200)?.json;
    ensure!(canceled["status"] == "canceling", "{canceled}");
    let ended = ada.ended(&id).await?;
    ensure!(ended["status"] == "canceled" && ended["credits"]["spent"] == 1, "{ended}");
    ensure!(ada.credits().await? == (39, 0));
    wait_until_none_is_left(env, &Bucket::account_prefix(ada.account()?)).await
}

async fn abandon_crash_at_any_call_keeps_credits_consistent(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Abandon", 1, async |ada| {
        let (earned, cost) = earned_and_cost(env).await?;
        let failed = ended_as(env, SumKind::Failed).await?;
        let id = ada.image("[sketch:unknown]").await?;
        // As if a file had been received that its provider charges for.
        let (table, started) = (env.table()?, Instant::now());
        loop {
            let found = table.generation(ada.account()?, id.parse()?).await?.context("no generation")?;
            let (lease_until, version) = (None, found.version + 1);
            let charged =
                Generation { received_files: 1, cost_microusd: 1_000, in_call: false, lease_until, version, ..found };
            if table.try_commit(&[Write::Generation(&charged)]).await? {
                break;
            }
            ensure!(started.elapsed() < PATIENCE, "it changes all the time");
        }
        let body = json!({"account": ada.account_id, "generation": id}).to_string();
        let clients = env.clients()?;
        let dead_letters = env.output("ImageDeadLettersUrl")?;
        // Dead letters are sent until the generation has no lease.
        let started = Instant::now();
        loop {
            clients.sqs().send_message().queue_url(dead_letters).message_body(&body).send().await?;
            let generation = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
            if generation["status"] == "failed" {
                break;
            }
            ensure!(started.elapsed() < PATIENCE, "{generation}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        ensure!(ada.credits().await? == (40, 0));
        ensure!(earned_and_cost(env).await? == (earned, cost + 1_000), "its cost was not counted once");
        ensure!(ended_as(env, SumKind::Failed).await? == failed + 1, "its failure was not counted once");
        Ok(())
    })
    .await
}

/// Returns how many generations ended today in this way.
async fn ended_as(env: &TestEnv, kind: SumKind) -> Result<i64> {
    let today = runtime::clock::now().to_zoned(TimeZone::UTC).date();
    let sums = env.table()?.daily_sums(today, today).await?;
    Ok(sums.iter().filter(|sum| sum.kind == kind).map(|sum| sum.count).sum())
}

/// Returns the credits that all models earned today, and what they cost.
async fn earned_and_cost(env: &TestEnv) -> Result<(i64, i64)> {
    let today = runtime::clock::now().to_zoned(TimeZone::UTC).date();
    let margins = env.table()?.margins(today, today).await?;
    let sum = |value: fn(&Margin) -> i64| margins.iter().map(value).sum::<i64>();
    Ok((sum(|margin| margin.credits.0), sum(|margin| margin.cost_microusd)))
}

async fn sweep_crash_at_any_call_is_completed_by_the_next_sweep(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Sweep", 10, async |ada| {
        let image = text(&ada.finished_image("a wreck").await?, "id")?;
        let busy = ada.image("[sketch:busy]").await?;
        declare_any_upload(ada).await?;
        let new = confirmed_address(ada).await?;
        // After 31 days: an image past its retention, a generation past its deadline, an upload that never arrived, a
        // confirmed email change.
        let later = now_plus(SignedDuration::from_hours(24 * 31));
        sweep_until_done(env, later).await?;
        // What a crash left unfinished is due again, an email change after a minute.
        sweep_until_done(env, later + SignedDuration::from_mins(2)).await?;
        ada.get(&format!("/v1/generations/{image}")).await?.is(404)?;
        ensure!(object_count(env, ada).await? == 0, "files are left");
        let account = ada.get("/v1/account").await?.is(200)?.json;
        ensure!(account["limits"]["uploads"]["used"] == 0, "{account}");
        let gone = ada.get(&format!("/v1/generations/{busy}")).await?;
        ensure!(gone.status == 404 || gone.json["status"] == "failed", "{gone:?}");
        ensure!(ada.credits().await? == (39, 0));
        check_sign_in_address(ada, &new, &new).await?;
        let mails = env.mails(&ada.email).await?;
        ensure!(mails.iter().any(|mail| mail.contains("was changed")), "the old address got no mail: {mails:?}");
        Ok(())
    })
    .await
}

async fn gallery_crash_at_any_call_deletes_one_image_whole(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Gallery", 7, async |ada| {
        // The image is made without the function that crashes.
        let (table, account) = (env.table()?, ada.account()?);
        let body = json!({"model": "sketch-image", "prompt": "a wreck", "width": 320, "height": 320, "count": 2});
        let id = ada.submit(&body).await?;
        let generation = id.parse()?;
        let started = Instant::now();
        while table.generation(account, generation).await?.is_none_or(|found| found.outputs.len() != 2) {
            ensure!(started.elapsed() < PATIENCE, "not generated");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let output = format!("/v1/generations/{id}/outputs/1");
        ada.put(&format!("{output}/visibility"), &json!({"visibility": "public"})).await?.is(200)?;
        ada.post(&format!("{output}/shares"), &json!({"expires_in_s": 600})).await?.is(201)?;
        let deleted = retry_until_answered(async || {
            let request = ada.request(Method::DELETE, &output).header("idempotency-key", "again");
            ApiResponse::read(request.send().await?).await
        });
        deleted.await?.is(204)?;
        sweep_until_done(env, now_plus(SignedDuration::from_secs(1))).await?;
        let found = table.generation(account, generation).await?.context("the generation is gone")?;
        ensure!(found.outputs.iter().map(|output| output.number).eq([2]), "{found:?}");
        ensure!(object_count(env, ada).await? == 2, "files are left");
        let left = sort_keys(env, &ada.account_id).await?;
        ensure!(!left.iter().any(|sk| sk.starts_with("SHARE#") || sk.starts_with("OUTPUT#")), "{left:?}");
        Ok(())
    })
    .await
}

async fn visibility_crash_at_any_call_publishes_whole_or_not_at_all(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Visibility", 2, async |ada| {
        let id = text(&ada.finished_image("a wreck").await?, "id")?;
        let path = format!("/v1/generations/{id}/outputs/1/visibility");
        let request = ada.request(Method::PUT, &path).json(&json!({"visibility": "public"}));
        let first = ApiResponse::read(request.send().await?).await?;
        let found = env.table()?.generation(ada.account()?, id.parse()?).await?.context("no generation")?;
        let is_public = found.gallery_entry(1).is_some();
        let is_listed = sort_keys(env, &ada.account_id).await?.iter().any(|sk| sk.starts_with("OUTPUT#"));
        ensure!(is_public == is_listed, "half public");
        ensure!(is_public || first.status.is_server_error(), "{first:?}");
        Ok(())
    })
    .await
}

async fn generation_past_its_deadline_fails_and_is_refunded(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = ada.image("[sketch:endless]").await?;
    let video = json!({"model": "sketch-video", "prompt": "[sketch:endless]", "duration_ms": 1000});
    let video = ada.submit(&video).await?;
    ensure!(ada.credits().await? == (37, 3));
    env.sweep(now_plus(SignedDuration::from_mins(9))).await?;
    ensure!(ada.credits().await? == (37, 3), "nothing is overdue yet");
    env.sweep(now_plus(SignedDuration::from_mins(11))).await?;
    ensure!(ada.ended(&image).await?["failure"]["code"] == "deadline_passed");
    ensure!(ada.credits().await? == (38, 2), "the deadline of a video is thirty minutes");
    env.sweep(now_plus(SignedDuration::from_mins(31))).await?;
    ensure!(ada.ended(&video).await?["failure"]["code"] == "deadline_passed");
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn lost_generation_message_is_sent_again(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    // It crashes when everything is written and no message is sent.
    let fault = Fault::at(env, "Submit", "before", "SendMessage").await?;
    let request = ada.request(Method::POST, "/v1/generations").header("idempotency-key", "lost");
    let body = json!({"model": "sketch-image", "prompt": "a bottle", "width": 320, "height": 320});
    let lost = ApiResponse::read(request.json(&body).send().await?).await?;
    ensure!(lost.status.is_server_error(), "{lost:?}");
    fault.triggered().await?;
    let page = ada.get("/v1/generations").await?.is(200)?.json;
    let id = text(&page["items"][0], "id")?;
    ensure!(page["items"][0]["status"] == "queued", "{page}");
    env.sweep(now_plus(SignedDuration::from_secs(61))).await?;
    ensure!(ada.ended(&id).await?["status"] == "succeeded");
    Ok(())
}

async fn lost_message_to_finish_is_sent_again(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let fault = Fault::at(env, "GenerateImage", "before", "SendMessage").await?;
    let id = ada.image("a bottle").await?;
    fault.triggered().await?;
    // The message of the image queue is delivered again, and would be sent on.
    let fault = Fault::at(env, "GenerateImage", "before", "BatchGetItem").await?;
    let found = env.table()?.generation(ada.account()?, id.parse()?).await?.context("no generation")?;
    ensure!(found.received_files == 1, "{found:?}");
    env.sweep(now_plus(SignedDuration::from_secs(61))).await?;
    ensure!(ada.ended(&id).await?["status"] == "succeeded");
    fault.outcome().await.map(drop)
}

async fn files_that_arrive_after_the_deadline_are_deleted(env: &'static TestEnv) -> Result<()> {
    let (ada, stub) = (env.plus_user().await?, provider_stub()?);
    for (model, function) in [("flux-schnell", "GenerateImage"), ("wan-video", "GenerateVideo")] {
        let prompt = format!("{HELD} by {function} for {}", ada.account_id);
        let before = ada.credits().await?;
        let id = ada.submit(&json!({"model": model, "prompt": prompt})).await?;
        let started = Instant::now();
        while !stub.about(&prompt).iter().any(|asked| asked.line.starts_with("GET /files/")) {
            ensure!(started.elapsed() < PATIENCE, "the file was not downloaded: {:?}", stub.about(&prompt));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        env.sweep(now_plus(SignedDuration::from_mins(31))).await?;
        ensure!(ada.ended(&id).await?["failure"]["code"] == "deadline_passed");
        stub.release(&prompt);
        let (role, prefix) = (format!("-{function}Role-"), received_prefix(&ada, &id)?);
        let is_deletion =
            |call: &str| [role.as_str(), &prefix, "s3:DeleteObject"].iter().all(|text| call.contains(text));
        while !std::fs::read_to_string(&env.calls)?.lines().any(is_deletion) {
            ensure!(started.elapsed() < PATIENCE, "{function} deleted no file");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        wait_until_none_is_left(env, &Bucket::account_prefix(ada.account()?)).await?;
        ensure!(ada.credits().await? == before, "charged");
    }
    Ok(())
}

/// Runs beside the crash tests, as no other test of this stack calls a provider with a key.
async fn spent_daily_budget_of_a_provider_leads_to_the_next_one_or_a_refusal(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let (table, stub) = (env.table()?, provider_stub()?);
    for provider in ["openai", "replicate"] {
        table
            .add_credits_in_window(
                ("provider-budget", provider),
                Credits(20_000),
                86_400,
                now_plus(SignedDuration::ZERO),
            )
            .await?;
    }
    let refused = ada.post("/v1/generations", &json!({"model": "gpt-image", "prompt": "a vase"})).await?.is(503)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:daily-limit", "{}", refused.json);
    let wait: i64 = refused.header("retry-after").context("no Retry-After")?.parse()?;
    ensure!((1..=86_400).contains(&wait), "{wait}");
    ensure!(ada.credits().await? == (40, 0));

    let prompt = format!("a budget for {}", ada.account_id);
    let id = ada.submit(&json!({"model": "flux-schnell", "prompt": prompt})).await?;
    ensure!(ada.ended(&id).await?["status"] == "succeeded");
    let seen = stub.about(&prompt);
    ensure!(seen.iter().all(|asked| !asked.line.starts_with("POST /v1/models/")), "{seen:?}");
    ensure!(seen.iter().any(|asked| asked.line.starts_with("POST /fal-ai/")), "{seen:?}");
    let spent = table.credits_in_window(("provider-budget", "fal"), 86_400, now_plus(SignedDuration::ZERO)).await?;
    ensure!(spent == Credits(2), "{spent}");
    Ok(())
}

fn received_prefix(ada: &TestUser, id: &str) -> Result<String> {
    Ok(Bucket::received_prefix(ada.account()?, id.parse()?))
}

/// Waits until no version of a file with this prefix is left: received files are deleted after a generation has ended.
async fn wait_until_none_is_left(env: &TestEnv, prefix: &str) -> Result<()> {
    let (started, clients) = (Instant::now(), env.clients()?);
    let bucket = Bucket::new(clients.s3().clone(), env.output("BucketName")?.to_owned());
    while !bucket.count(prefix).await?.is_empty() {
        ensure!(started.elapsed() < PATIENCE, "files are left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Stores an email change that both codes confirmed and that nothing completed.
async fn confirmed_address(ada: &TestUser) -> Result<String> {
    let (to, now) = (new_address(), now_plus(SignedDuration::ZERO));
    let account = ada.account_id.parse()?;
    let change =
        EmailChange { account, to, stage: EmailChangeStage::Confirmed, requested_at: now, next_at: now, version: 1 };
    ada.env.table()?.commit(&[Write::EmailChange(&change)]).await?;
    Ok(change.to)
}
