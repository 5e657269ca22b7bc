//! Providers with a key, played by a local server: the requests, their order, the price, and what they must not
//! receive.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::{
    GenerationId,
    accounts::account::Account,
    generations::generation::{Generation, GenerationStatus},
};
use jiff::SignedDuration;
use reqwest::{Method, header};
use runtime::clock;
use serde_json::{Value, json};
use store::{GenerationMessage, Write};

use crate::env::{
    erasures::{request_erasure, wait_for_erasure},
    http::{ApiResponse, PATIENCE, text},
    provider_stub::{BUSY, FAILS, HELD, ProviderRequest, ProviderStub, Report, WAITS, provider_stub},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    p24_p26_busy_provider_falls_back_and_charges_once,
    image_that_arrives_after_cancellation_is_charged_and_discarded,
    video_that_arrives_after_cancellation_is_charged_and_discarded,
    file_of_another_kind_starts_other_jobs_and_is_refunded,
    cancel_is_refunded_when_the_provider_confirms_that_nothing_is_charged,
    p32_erasure_has_providers_cancel_jobs_and_delete_copies,
    jobs_of_one_account_leave_workers_to_others,
    reported_job_is_polled_at_once_and_a_repeat_changes_nothing,
    forged_report_does_nothing_and_one_of_the_provider_polls_once,
];

async fn p24_p26_busy_provider_falls_back_and_charges_once(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let prompt = format!("{BUSY} a lighthouse for {}", ada.account_id.split('-').next().unwrap_or_default());
    let request = ada.request(Method::POST, "/v1/generations").header(header::USER_AGENT, "canary-agent/9");
    let request = request.header("x-forwarded-for", "203.0.113.77");
    let body = json!({"model": "flux-schnell", "prompt": prompt, "seed": 7});
    let id = text(&ApiResponse::read(request.json(&body).send().await?).await?.is(202)?.json, "id")?;
    let generation = ada.ended(&id).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    ada.fetch(&text(&generation["outputs"][0]["file"], "url")?).await?.is(200)?;
    ensure!(ada.credits().await? == (38, 0));
    let statement = ada.get("/v1/account/statement").await?.is(200)?.json;
    ensure!(statement["entries"].as_array().is_some_and(|entries| entries.len() == 3), "{statement}");

    // The worker has the provider delete its copies as soon as it has stored the files.
    let is_deletion = |asked: &ProviderRequest| {
        asked.line.starts_with("DELETE /v1/models/requests/job-") && asked.line.ends_with("/payloads")
    };
    let started = Instant::now();
    while !provider_stub()?.about(&prompt).iter().any(is_deletion) {
        ensure!(started.elapsed() < PATIENCE, "the copies were not deleted: {:?}", provider_stub()?.about(&prompt));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seen = provider_stub()?.about(&prompt);
    let paths: Vec<_> = seen.iter().map(|asked| asked.line.as_str()).collect();
    let (tries, rest) = paths.split_at(3);
    ensure!(
        tries.iter().all(|line| *line == "POST /v1/models/black-forest-labs/flux-schnell/predictions"),
        "{paths:?}"
    );
    let at_fal =
        rest.first().is_some_and(|line| line.starts_with("POST /fal-ai/flux/schnell?fal_webhook=https%3A%2F%2F"));
    ensure!(at_fal, "{paths:?}");
    ensure!(seen[0].says("authorization: Bearer key-of-replicate"), "{:?}", seen[0]);
    ensure!(seen[3].says("authorization: Key key-of-fal") && seen[3].says(&prompt), "{:?}", seen[3]);
    ensure!(!seen[6].says("key-of"), "a key was sent to where files are: {:?}", seen[6]);
    for asked in &seen {
        for canary in [ada.account_id.as_str(), &id, &ada.email, "canary-agent", "203.0.113.77", "x-forwarded"] {
            ensure!(!asked.says(canary), "a provider received {canary}: {asked:?}");
        }
    }

    let receipt = wait_for_erasure(env, &request_erasure(&ada).await?).await?;
    ensure!(receipt["provider_copies_left"] == 0, "{receipt}");
    Ok(())
}

async fn image_that_arrives_after_cancellation_is_charged_and_discarded(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    check_late_file(&ada, &json!({"model": "flux-schnell"})).await
}

async fn video_that_arrives_after_cancellation_is_charged_and_discarded(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.plus_user().await?, env.user().await?);
    let video = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    let video = bob.ended(&bob.submit(&video).await?).await?;
    let video = bob.fetch(&text(&video["outputs"][0]["file"], "url")?).await?.is(200)?.bytes;
    let _ = provider_stub()?.video.set(video);
    check_late_file(&ada, &json!({"model": "wan-video"})).await
}

async fn file_of_another_kind_starts_other_jobs_and_is_refunded(env: &'static TestEnv) -> Result<()> {
    let (ada, stub) = (env.plus_user().await?, provider_stub()?);
    let prompt = format!("an image for {}", ada.account_id);
    let before = ada.credits().await?;
    let id = ada.submit(&json!({"model": "wan-video", "prompt": prompt})).await?;
    let ended = ada.ended(&id).await?;
    ensure!(ended["failure"]["code"] == "provider_unavailable", "{ended}");
    ensure!(ada.credits().await? == before);
    let starts = stub.about(&prompt).into_iter().filter(|asked| asked.line.starts_with("POST ")).count();
    ensure!(starts == 4, "not two at each provider: {:?}", stub.about(&prompt));
    let prefix = format!("accounts/{}/generations/{id}/", ada.account_id);
    let (bucket, clients) = (env.output("BucketName")?, env.clients()?);
    let left = clients.s3().list_object_versions().bucket(bucket).prefix(&prefix).send().await?;
    ensure!(left.versions().is_empty() && left.delete_markers().is_empty(), "files are left: {left:?}");
    Ok(())
}

async fn cancel_is_refunded_when_the_provider_confirms_that_nothing_is_charged(env: &'static TestEnv) -> Result<()> {
    let (ada, stub) = (env.plus_user().await?, provider_stub()?);
    let prompt = format!("{WAITS} for {}", ada.account_id);
    let before = ada.credits().await?;
    let id = ada.submit(&json!({"model": "flux-schnell", "prompt": prompt})).await?;
    let started = Instant::now();
    let polled = |stub: &ProviderStub| stub.about(&prompt).iter().any(|asked| asked.line.starts_with("GET "));
    while !polled(stub) {
        ensure!(started.elapsed() < PATIENCE, "the job was not polled: {:?}", stub.about(&prompt));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let path = format!("/v1/generations/{id}/cancel");
    let response = ApiResponse::read(ada.request(Method::POST, &path).send().await?).await?.is(200)?.json;
    ensure!(response["status"] == "canceling", "{response}");
    let ended = ada.ended(&id).await?;
    ensure!(ended["status"] == "canceled" && ended["credits"]["spent"] == 0, "{ended}");
    ensure!(ada.credits().await? == before, "the credits were not refunded");
    let canceled = stub.about(&prompt).into_iter().filter(|asked| asked.line.ends_with("/cancel")).count();
    ensure!(canceled == 1, "{:?}", stub.about(&prompt));
    Ok(())
}

/// The first job fails at its provider, so that another is started; the erasure finds that one waiting.
async fn p32_erasure_has_providers_cancel_jobs_and_delete_copies(env: &'static TestEnv) -> Result<()> {
    let (ada, stub) = (env.plus_user().await?, provider_stub()?);
    let prompt = format!("{FAILS} {WAITS} for {}", ada.account_id);
    ada.submit(&json!({"model": "flux-schnell", "prompt": prompt})).await?;
    let is_start = |asked: &ProviderRequest| asked.line.starts_with("POST ") && !asked.line.ends_with("/cancel");
    let started = Instant::now();
    while stub.about(&prompt).into_iter().filter(is_start).count() < 2 {
        ensure!(started.elapsed() < PATIENCE, "no second job was started: {:?}", stub.about(&prompt));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let receipt = wait_for_erasure(env, &request_erasure(&ada).await?).await?;
    ensure!(receipt["provider_copies_left"] == 0, "{receipt}");
    let seen = stub.about(&prompt);
    ensure!(seen.iter().any(|asked| asked.line.ends_with("/cancel")), "the job was not canceled: {seen:?}");
    // Only fal stores copies until it is asked to delete them.
    let at_fal = seen.iter().filter(|asked| asked.line.starts_with("POST /fal-ai/")).count();
    let deleted = seen.iter().filter(|asked| asked.line.starts_with("DELETE ")).count();
    ensure!(deleted >= at_fal, "copies were not deleted: {seen:?}");
    Ok(())
}

/// Cancels while the provider sends the file; checks that the slot is kept until the worker has ended, that what the
/// provider generated is charged, and that the file is deleted.
async fn check_late_file(ada: &TestUser, body: &Value) -> Result<()> {
    let (env, stub) = (ada.env, provider_stub()?);
    let prompt = format!("{HELD} {}", body["model"]);
    let mut body = body.clone();
    body["prompt"] = prompt.clone().into();
    let before = ada.credits().await?;
    let id = ada.submit(&body).await?;
    let started = Instant::now();
    let fetched = |stub: &ProviderStub| stub.about(&prompt).iter().any(|asked| asked.line.starts_with("GET /files/"));
    while !fetched(stub) {
        ensure!(started.elapsed() < PATIENCE, "the file was not downloaded: {:?}", stub.about(&prompt));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stored = env.table()?.generation(ada.account_id.parse()?, id.parse()?).await?.context("it does not exist")?;
    let job = stored.provider_job.context("the provider job was not stored before polling")?;
    ensure!(job.id.contains("job-"), "{job:?}");
    let canceling = ApiResponse::read(ada.request(Method::POST, &format!("/v1/generations/{id}/cancel")).send().await?)
        .await?
        .is(200)?
        .json;
    ensure!(canceling["status"] == "canceling", "{canceling}");
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["limits"]["jobs_in_flight"]["used"] == 1, "the slot is free while the provider is paid: {account}");
    stub.release(&prompt);

    // The worker has finished when the files were stored and deleted.
    let prefix = format!("accounts/{}/generations/{id}/", ada.account_id);
    let calls = || Ok::<_, anyhow::Error>(std::fs::read_to_string(&env.calls)?);
    let removed = |calls: &str| {
        let mut lines = calls.lines();
        lines.any(|line| line.contains(&prefix) && line.contains("s3:DeleteObject"))
    };
    while !removed(&calls()?) {
        ensure!(started.elapsed() < PATIENCE, "the files were never removed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let bucket = env.output("BucketName")?;
    let clients = env.clients()?;
    loop {
        let left = clients.s3().list_object_versions().bucket(bucket).prefix(&prefix).send().await?;
        if left.versions().is_empty() && left.delete_markers().is_empty() {
            break;
        }
        ensure!(started.elapsed() < PATIENCE, "files are left: {left:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let generation = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    ensure!(generation["status"] == "canceled" && generation["outputs"] == json!([]), "{generation}");
    let price = generation["credits"]["reserved"].as_i64().context("no price")?;
    ensure!(generation["credits"]["spent"] == price && price > 0, "{generation}");
    let (available, held) = ada.credits().await?;
    ensure!((available, held) == (before.0 - price, before.1), "the provider is paid and nobody is charged");
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["limits"]["jobs_in_flight"]["used"] == 0, "{account}");
    Ok(())
}

async fn jobs_of_one_account_leave_workers_to_others(env: &'static TestEnv) -> Result<()> {
    let (ada, bob, table) = (env.plus_user().await?, env.user().await?, env.table()?);
    let done = text(&ada.finished_image("a vase").await?, "id")?.parse()?;
    let done = table.generation(ada.account()?, done).await?.context("the generation is gone")?;
    // The stack has ten workers for images. Five of them are in a call for this account.
    let soon = clock::now() + SignedDuration::from_mins(10);
    let in_call = (1..=5).map(|_| Generation {
        id: GenerationId(clock::uuid_at(clock::now())),
        status: GenerationStatus::Running,
        in_call: true,
        lease_until: Some(soon),
        next_message_at: soon,
        deadline_at: soon,
        outputs: Vec::new(),
        ended_at: None,
        expires_at: None,
        version: 1,
        ..done.clone()
    });
    let in_call: Vec<_> = in_call.collect();
    let with_jobs = async |jobs_in_flight: u32| {
        let account = table.account(ada.account()?).await?.context("the account is gone")?;
        let version = account.version + 1;
        anyhow::Ok(table.commit(&[Write::Account(&Account { jobs_in_flight, version, ..account })]).await?)
    };
    for generation in &in_call {
        table.commit(&[Write::Generation(generation)]).await?;
    }
    with_jobs(5).await?;

    let sixth = ada.image("a sixth vase").await?;
    bob.finished_image("a vase").await?;
    let video = ada.submit(&json!({"model": "sketch-video", "prompt": "a vase", "duration_ms": 1000})).await?;
    ensure!(ada.ended(&video).await?["status"] == "succeeded", "videos have workers of their own");
    let waiting = ada.get(&format!("/v1/generations/{sixth}")).await?.is(200)?.json;
    ensure!(waiting["status"] == "queued", "{waiting}");

    // The same is true of the ten that finish.
    let finished = |other: &Generation| Generation { received_files: 1, version: other.version + 1, ..other.clone() };
    let finished: Vec<_> = in_call.iter().map(finished).collect();
    for generation in &finished {
        table.commit(&[Write::Generation(generation)]).await?;
    }
    let started = Instant::now();
    while table.generation(ada.account()?, sixth.parse()?).await?.is_none_or(|sixth| sixth.received_files == 0) {
        ensure!(started.elapsed() < PATIENCE, "the sixth got no worker");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bob.finished_image("a vase").await?;
    let waiting = ada.get(&format!("/v1/generations/{sixth}")).await?.is(200)?.json;
    ensure!(waiting["status"] == "running", "{waiting}");

    for generation in &finished {
        table.commit(&[Write::RemoveGeneration(generation)]).await?;
    }
    ensure!(ada.ended(&sixth).await?["status"] == "succeeded", "a job that waited for a worker did not end");
    with_jobs(0).await
}

/// The time before which nothing polls a job whose end is reported, but a report.
const FIRST_POLL: Duration = Duration::from_secs(10);

async fn reported_job_is_polled_at_once_and_a_repeat_changes_nothing(env: &'static TestEnv) -> Result<()> {
    let (ada, stub) = (env.plus_user().await?, provider_stub()?);
    // While Replicate is busy, fal has the job.
    for (provider, mark) in [("replicate", ""), ("fal", BUSY)] {
        let prompt = format!("{mark} a reported lighthouse for {}", ada.account_id);
        let id = ada.submit(&json!({"model": "flux-schnell", "prompt": prompt})).await?;
        let ended = ada.ended(&id).await?;
        ensure!(ended["status"] == "succeeded", "{ended}");
        let report = stub.report_about(&prompt).context("no report was asked for")?;
        ensure!(report.url.contains(&format!("/v1/webhooks/{provider}/")), "{}", report.url);
        for named in [&id, &ada.account_id] {
            ensure!(!report.url.contains(named.as_str()), "the provider learns {named}: {}", report.url);
        }
        let seen = stub.about(&prompt);
        let start = seen.iter().rfind(|asked| asked.line.starts_with("POST ")).context("no job was started")?;
        let poll = seen.iter().find(|asked| asked.line.starts_with("GET ")).context("no job was polled")?;
        let waited = poll.at.duration_since(start.at);
        ensure!(waited < FIRST_POLL, "no report had the job polled, which was after {waited:?}");

        // The report comes again, and the message that polls the job later is delivered.
        let (credits, requests) = (ada.credits().await?, without_deletions(stub, &prompt));
        send_report(&ada, &report, &report.headers()?).await?.is(204)?;
        for job_reported in [true, false] {
            handle_message(&ada, "GenerateImage", &id, job_reported).await?;
        }
        let after = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
        // Links to files are signed anew.
        ensure!(after["status"] == ended["status"] && after["credits"] == ended["credits"], "{after}");
        ensure!(ada.credits().await? == credits, "a report moved credits");
        ensure!(without_deletions(stub, &prompt) == requests, "{:?}", stub.about(&prompt));
    }
    Ok(())
}

/// Returns the number of requests about a prompt, but for those that delete the copies of the provider, which may come late.
fn without_deletions(stub: &ProviderStub, prompt: &str) -> usize {
    stub.about(prompt).iter().filter(|asked| !asked.line.starts_with("DELETE ")).count()
}

async fn forged_report_does_nothing_and_one_of_the_provider_polls_once(env: &'static TestEnv) -> Result<()> {
    let (ada, stub) = (env.plus_user().await?, provider_stub()?);
    for model in ["flux-schnell", "wan-video"] {
        let prompt = format!("{WAITS} {model} for {}", ada.account_id);
        let id = ada.submit(&json!({"model": model, "prompt": prompt})).await?;
        let started = Instant::now();
        let has_job = async || {
            let generation = env.table()?.generation(ada.account()?, id.parse()?).await?;
            anyhow::Ok(generation.is_some_and(|generation| generation.provider_job.is_some()))
        };
        while !has_job().await? {
            ensure!(started.elapsed() < PATIENCE, "no job was started: {:?}", stub.about(&prompt));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let report = stub.report_about(&prompt).context("no report was asked for")?;
        let forged = Report { body: report.body.replace("succeeded", "failed"), ..report.clone() };
        send_report(&ada, &forged, &report.headers()?).await?.is(400)?;
        let misdirected = Report { url: format!("{}x", report.url), ..report.clone() };
        send_report(&ada, &misdirected, &misdirected.headers()?).await?.is(404)?;
        let polls = || stub.about(&prompt).iter().filter(|asked| asked.line.starts_with("GET ")).count();
        ensure!(polls() == 0, "a forged report polls the job: {:?}", stub.about(&prompt));

        send_report(&ada, &report, &report.headers()?).await?.is(204)?;
        while polls() == 0 {
            ensure!(started.elapsed() < FIRST_POLL, "the report polls nothing: {:?}", stub.about(&prompt));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let cancel = ada.request(Method::POST, &format!("/v1/generations/{id}/cancel"));
        ApiResponse::read(cancel.send().await?).await?.is(200)?;
        ensure!(ada.ended(&id).await?["status"] == "canceled");
    }
    Ok(())
}

async fn send_report(user: &TestUser, report: &Report, headers: &[(&'static str, String)]) -> Result<ApiResponse> {
    let request = user.http.post(&report.url).header("content-type", "application/json").body(report.body.clone());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    ApiResponse::read(request.send().await?).await
}

/// Has a worker handle a message about a generation, and returns when it has.
async fn handle_message(user: &TestUser, worker: &str, id: &str, job_reported: bool) -> Result<()> {
    let message = GenerationMessage { job_reported, ..GenerationMessage::new(user.account()?, id.parse()?) };
    let record = json!({
        "messageId": clock::uuid_at(clock::now()).to_string(),
        "receiptHandle": "none",
        "body": serde_json::to_string(&message)?,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772366400000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:images",
        "awsRegion": "us-east-1",
    });
    let failures = user.env.invoke(worker, &json!({"Records": [record]})).await?;
    ensure!(failures["batchItemFailures"] == json!([]), "{failures}");
    Ok(())
}
