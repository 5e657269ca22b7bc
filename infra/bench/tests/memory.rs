//! What `generate-image` needs of its memory for the largest files and the most outputs. Without room for them Lambda kills it, and
//! what the provider charges is lost.

use std::path::Path;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bench::function::Function;
use domain::catalogue::models::MediaKind;
use domain::generations::generation::{Generation, GenerationStatus, ProviderJob};
use domain::generations::output::max_file_bytes;
use domain::generations::upload::{self, Upload, UploadState};
use domain::{AccountId, GenerationId, UploadId};
use fake_aws::aws::Aws;
use fake_aws::environment::{TABLE, environment};
use fake_aws::seed;
use jiff::SignedDuration;
use runtime::{clients::Clients, clock, config::Environment};
use serde_json::json;
use store::{Bucket, Table, Write};
use tokio::net::TcpListener;

/// The part of a function's memory for Lambda itself and for a function that does nothing. The rest is for its files.
const AT_REST_MIB: u64 = 36;
/// The largest PNG of OpenAI's largest size: 1536 by 1024 pixels that cannot be compressed.
const OPENAI_BYTES: usize = 1536 * 1024 * 3;
const OUTPUTS: u8 = 8;
/// The queued generation and the upload of the events.
const QUEUED: &str = "0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a";
const UPLOAD: &str = "0199c8a4-7e3b-7d21-9c44-5b0f6a1e2d3c";

/// Returns the memory of `generate-image` while it decodes nothing, in MiB.
fn memory_mib() -> Result<u64> {
    let template = std::fs::read_to_string(stack::workspace().join("template.yaml"))?;
    let function = template.split("\n  GenerateImage:\n").nth(1).context("no GenerateImage")?;
    let memory = function.split("MemorySize: !If [DecodesStartingImages, 1024, ").nth(1).context("no MemorySize")?;
    Ok(memory.split(']').next().unwrap_or_default().parse()?)
}

/// Has `generate-image` work on the changed generation. Returns how much more memory it needed than at rest, in KiB, and the sizes of
/// the files that it stored.
async fn needed(
    change: impl FnOnce(Generation) -> Generation,
    providers: Router,
    variables: &[(&str, &str)],
) -> Result<(u64, Vec<usize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let result = format!("{address}/result");
    let done = json!({"images": [{"url": result}, {"url": result}, {"url": result}, {"url": result}]}).to_string();
    let providers =
        providers.route("/fal-ai/flux/requests/job", get(|| async { done })).layer(DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, providers).await });

    let aws = seed::aws(MediaKind::Image).await?;
    aws.play("GetSecretValue", json!({"SecretString": r#"{"openai": "key", "fal": "key"}"#})).await;
    let (account, id) = prepared(&aws, change).await?;
    let endpoints = json!({"openai": address, "fal": address}).to_string();
    let variables = [variables, &[("PROVIDER_ENDPOINTS", &endpoints)]].concat();
    let binary = bench::build("dev")?.join("generate-image");
    let mut function = Function::start_with(&binary, &aws, &variables).await?;
    let at_rest = function.peak_memory_kib()?;
    let event = std::fs::read(stack::workspace().join(Path::new("events/generate-image/queued.json")))?;
    let answer = function.invoke(event.into()).await?;
    assert_eq!(answer.body, r#"{"batchItemFailures":[]}"#);
    let needed = function.peak_memory_kib()? - at_rest;
    let mut sizes = Vec::new();
    while let Some(bytes) = aws.written(&Bucket::received_key(account, id, u32::try_from(sizes.len())?)).await {
        sizes.push(bytes.len());
    }
    Ok((needed, sizes))
}

/// Changes the queued generation, and makes the upload a starting image of the largest size.
async fn prepared(aws: &Aws, change: impl FnOnce(Generation) -> Generation) -> Result<(AccountId, GenerationId)> {
    let variables: Environment = environment(aws)?.into_iter().collect();
    let shards = variables.integer("INDEX_SHARDS")?;
    let table = Table::new(Clients::new(&variables)?.dynamodb().clone(), TABLE.to_owned(), shards);
    let (account, id, image): (AccountId, GenerationId, UploadId) =
        (aws.account().parse()?, QUEUED.parse()?, UPLOAD.parse()?);
    let generation = table.generation(account, id).await?.context("no generation")?;
    let upload = table.upload(account, image).await?.context("no upload")?;
    let state = UploadState::Ready { width: 8000, height: 8000, duration_ms: None, stored_bytes: upload::IMAGE_BYTES };
    let expires_at = clock::now() + SignedDuration::from_hours(1);
    let upload = Upload { state, expires_at, version: upload.version + 1, ..upload };
    let generation = Generation { version: generation.version + 1, ..change(generation) };
    table.commit(&[Write::Generation(&generation), Write::Upload(&upload)]).await?;
    aws.put_object(Bucket::inspected_key(account, image), vec![7; usize::try_from(upload::IMAGE_BYTES)?]).await;
    Ok((account, id))
}

fn check(needed_kib: u64) -> Result<()> {
    let most = memory_mib()? - AT_REST_MIB;
    assert!(needed_kib < most << 10, "{} MiB for files are too much: {most} are left", needed_kib >> 10);
    Ok(())
}

#[tokio::test]
async fn largest_starting_image_and_most_outputs_of_openai_fit_into_memory() -> Result<()> {
    // Zeros are `A` in base64.
    let image = format!(r#"{{"created":1,"data":[{{"b64_json":"{}"}}]}}"#, "A".repeat(OPENAI_BYTES / 3 * 4));
    let image = Bytes::from(image);
    let scores = r#"{"model":"omni","results":[{"flagged":false,"category_scores":{"sexual":0.0}}]}"#;
    let reply = move |body: Bytes| {
        let image = image.clone();
        async move {
            assert!(body.len() as u64 > upload::IMAGE_BYTES);
            image.into_response()
        }
    };
    let openai = Router::new()
        .route("/v1/images/edits", post(reply))
        .route("/v1/moderations", post(move |_: Bytes| async move { scores }));
    let change = |generation: Generation| {
        let mut generation = generation;
        generation.settings.model = "gpt-image".to_owned();
        generation.settings.count = OUTPUTS;
        generation.settings.input_upload = UPLOAD.parse().ok();
        generation
    };
    let variables = [("PROVIDERS", "openai"), ("MODERATION", "local,openai")];
    let (needed, sizes) = needed(change, openai, &variables).await?;
    assert_eq!(sizes, [OPENAI_BYTES; OUTPUTS as usize]);
    check(needed)
}

#[tokio::test]
async fn largest_outputs_of_a_job_fit_into_memory() -> Result<()> {
    let bytes = usize::try_from(max_file_bytes(MediaKind::Image))?;
    let file = Bytes::from(vec![7; bytes]);
    let result = move || {
        let file = file.clone();
        async move { ([("content-type", "image/png")], file) }
    };
    let completed = r#"{"status":"COMPLETED"}"#;
    let fal = Router::new()
        .route("/fal-ai/flux/requests/job/status", get(move || async move { completed }))
        .route("/result", get(result));
    let change = |generation: Generation| {
        let job = ProviderJob { provider: "fal".to_owned(), id: "image:fal-ai/flux:job".to_owned() };
        let mut generation = Generation {
            status: GenerationStatus::Running,
            provider_job: Some(job),
            offer: Some("fal".to_owned()),
            ..generation
        };
        generation.settings.model = "flux-schnell".to_owned();
        generation.settings.count = 4;
        generation
    };
    let (needed, sizes) = needed(change, fal, &[("PROVIDERS", "fal")]).await?;
    assert_eq!(sizes, [bytes; 4]);
    check(needed)
}
