//! Requesting an export, and the objects in the bucket that belong to it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use domain::{ExportId, privacy::export::ExportState};
use jiff::SignedDuration;
use reqwest::Method;
use ring::digest::{SHA256, digest};
use runtime::clock;
use serde_json::Value;
use store::Bucket;

use crate::env::{
    http::{ApiResponse, PATIENCE, text},
    test_env::{TestEnv, TestUser},
};

/// The route of the exports.
pub const EXPORTS: &str = "/v1/privacy/exports";

/// Requests an export, retries until the response is not a server error, and returns its id.
pub async fn request_export(user: &TestUser) -> Result<String> {
    let started = Instant::now();
    loop {
        let request = user.request(Method::POST, EXPORTS).header("idempotency-key", "all-of-it");
        let response = ApiResponse::read(request.send().await?).await?;
        if !response.status.is_server_error() {
            let response = response.is(202)?;
            let id = text(&response.json, "id")?;
            ensure!(response.header("location") == Some(format!("{EXPORTS}/{id}").as_str()), "{response:?}");
            ensure!(response.header("retry-after").is_some(), "{response:?}");
            return Ok(id);
        }
        ensure!(started.elapsed() < PATIENCE, "{response:?}");
    }
}

/// Waits until an export is ready, and returns it.
pub async fn wait_for_export(user: &TestUser, id: &str) -> Result<Value> {
    let export = user.eventually(&format!("{EXPORTS}/{id}"), |export| export["status"] != "building").await?;
    ensure!(export["status"] == "ready", "{export}");
    let progress = &export["progress"];
    ensure!(progress["files"] == progress["files_total"] && progress["bytes"] == progress["bytes_total"], "{export}");
    Ok(export)
}

/// Returns the SHA-256 of every file of a user in the bucket, export archives left out.
pub async fn stored_file_hashes(user: &TestUser) -> Result<BTreeSet<Vec<u8>>> {
    let (bucket, prefix) = (bucket_of(user.env)?, format!("accounts/{}/", user.account_id));
    let mut hashes = BTreeSet::new();
    let listed = bucket.list(&prefix, None).await?;
    for file in listed.items.iter().filter(|file| !file.key.starts_with(&format!("{prefix}exports/"))) {
        let bytes = bucket.read(&file.key, u64::MAX).await?.context("a file does not exist")?;
        hashes.insert(digest(&SHA256, &bytes).as_ref().to_vec());
    }
    ensure!(!hashes.is_empty(), "the account has no files to compare");
    Ok(hashes)
}

/// Waits for an export whose worker crashed, on a stack whose time the test controls. A message that arrives during
/// the lease of the crashed worker is dropped: this sweeps as soon as the lease expires.
pub async fn finish_export(user: &TestUser, id: &str) -> Result<()> {
    let (table, started) = (user.env.table()?, Instant::now());
    loop {
        let export = table.export(user.account()?, id.parse()?).await?.context("it does not exist")?;
        if export.state != ExportState::Building {
            return Ok(());
        }
        ensure!(started.elapsed() < PATIENCE, "it never becomes ready: {export:?}");
        if export.lease_until.is_none_or(|until| until < clock::now()) {
            user.env.sweep(export.next_message_at + SignedDuration::from_secs(1)).await?;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Overwrites the first part of an archive that is being built.
pub async fn overwrite_part(user: &TestUser, id: &str) -> Result<()> {
    let (bucket, clients) = (bucket_of(user.env)?, user.env.clients()?);
    let key = Bucket::archive_key(user.account()?, id.parse()?);
    let uploads = clients.s3().list_multipart_uploads().bucket(user.env.output("BucketName")?).prefix(&key);
    let uploads = uploads.send().await?;
    let upload =
        uploads.uploads().first().and_then(|upload| upload.upload_id()).context("no multipart upload exists")?;
    bucket.upload_part((&key, upload), 1, vec![9; 8 << 20]).await?.context("no multipart upload exists")?;
    Ok(())
}

/// Stores files that need more than one part of an archive.
pub async fn store_large_files(user: &TestUser) -> Result<()> {
    let (bucket, now) = (bucket_of(user.env)?, clock::now());
    for number in 0..2_u8 {
        let prefix = Bucket::generation_prefix(user.account()?, clock::uuid_at(now).into());
        bucket.write(&format!("{prefix}0.png"), "image/png", vec![number; 6 << 20]).await?;
    }
    Ok(())
}

/// Waits until the archive is the only object of the export: no work files, older versions or parts.
pub async fn check_only_archive_left(user: &TestUser, id: &str) -> Result<()> {
    let started = Instant::now();
    while export_object_count(user, id.parse()?).await? != 1 {
        ensure!(started.elapsed() < PATIENCE, "more than the archive is left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Returns the bucket of the stack.
pub fn bucket_of(env: &TestEnv) -> Result<Bucket> {
    Ok(Bucket::new(env.clients()?.s3().clone(), env.output("BucketName")?.to_owned()))
}

/// Counts the objects of an export in the bucket: all versions, and multipart uploads.
pub async fn export_object_count(user: &TestUser, export: ExportId) -> Result<usize> {
    let (clients, name) = (user.env.clients()?, user.env.output("BucketName")?);
    let prefix = Bucket::export_prefix(user.account()?, export);
    let files = clients.s3().list_object_versions().bucket(name).prefix(&prefix).send().await?;
    let parts = clients.s3().list_multipart_uploads().bucket(name).prefix(&prefix).send().await?;
    Ok(files.versions().len() + files.delete_markers().len() + parts.uploads().len())
}
