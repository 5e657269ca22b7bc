//! Crashes of exports and erasures, and a year of retention.

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::SignedDuration;
use serde_json::json;

use crate::env::{
    archive::ExportArchive,
    checkouts::Checkout,
    erasures::{AccountTraces, check_nothing_left, request_erasure, schedule_deletion, wait_for_erasure},
    exports::{
        check_only_archive_left, finish_export, overwrite_part, request_export, store_large_files, stored_file_hashes,
    },
    faults::{Fault, crash_at_each_call, declare_any_upload, now_plus, object_count},
    http::text,
    table::sort_keys,
    test_env::TestEnv,
    trial::tests,
};

tests![
    erase_account_crash_at_any_call_still_erases_everything,
    p20_p21_p36_after_a_year_only_bought_credits_remain,
    export_archive_crash_at_any_call_still_builds_the_archive,
    image_deleted_during_an_export_is_not_in_the_archive,
    overwritten_archive_part_restarts_the_export,
    p32_archive_of_a_crashed_export_is_erased_with_its_account,
    lost_erasure_message_is_sent_again,
];

async fn erase_account_crash_at_any_call_still_erases_everything(env: &'static TestEnv) -> Result<()> {
    // An unprocessed message becomes visible after a second, not after three.
    let clients = env.clients()?;
    let queue = clients.sqs().set_queue_attributes().queue_url(env.output("ErasuresUrl")?);
    queue.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await?;
    crash_at_each_call(env, "EraseAccount", 15, async |ada| {
        let traces = AccountTraces::store(ada).await?;
        let receipt = request_erasure(ada).await?;
        traces.check_erased(&receipt).await?;
        Ok(())
    })
    .await
}

async fn export_archive_crash_at_any_call_still_builds_the_archive(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "ExportArchive", 15, async |ada| {
        store_large_files(ada).await?;
        let id = request_export(ada).await?;
        finish_export(ada, &id).await?;
        let archive = ExportArchive::download(ada, &id).await?;
        ensure!(archive.files()? == stored_file_hashes(ada).await?, "other files are in it");
        check_only_archive_left(ada, &id).await
    })
    .await
}

async fn image_deleted_during_an_export_is_not_in_the_archive(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = text(&ada.finished_image("a snowman").await?, "id")?;
    store_large_files(&ada).await?;
    let fault = Fault::at(env, "ExportArchive", "after", "CreateMultipartUpload").await?;
    let id = request_export(&ada).await?;
    fault.triggered().await?;
    ada.delete(&format!("/v1/generations/{image}")).await?.is(204)?;
    finish_export(&ada, &id).await?;
    let archive = ExportArchive::download(&ada, &id).await?;
    ensure!(archive.files()? == stored_file_hashes(&ada).await?, "other files are in it");
    ensure!(archive.items("generation")?.len() == 1, "the item list is taken when the export starts");
    Ok(())
}

async fn overwritten_archive_part_restarts_the_export(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    store_large_files(&ada).await?;
    let fault = Fault::at(env, "ExportArchive", "before", "ListParts").await?;
    let id = request_export(&ada).await?;
    fault.triggered().await?;
    overwrite_part(&ada, &id).await?;
    finish_export(&ada, &id).await?;
    let archive = ExportArchive::download(&ada, &id).await?;
    ensure!(archive.files()? == stored_file_hashes(&ada).await?, "other files are in it");
    check_only_archive_left(&ada, &id).await
}

async fn p32_archive_of_a_crashed_export_is_erased_with_its_account(env: &'static TestEnv) -> Result<()> {
    for (phase, call) in [
        ("after", "PutObject"),
        ("after", "CreateMultipartUpload"),
        ("after", "UploadPart"),
        ("before", "CompleteMultipartUpload"),
        ("after", "CompleteMultipartUpload"),
    ] {
        let ada = env.user().await?;
        store_large_files(&ada).await?;
        let fault = Fault::at(env, "ExportArchive", phase, call).await?;
        request_export(&ada).await?;
        fault.triggered().await?;
        wait_for_erasure(env, &request_erasure(&ada).await?).await?;
        check_nothing_left(&ada).await.with_context(|| format!("the export crashed {phase} {call}"))?;
    }
    Ok(())
}

async fn p20_p21_p36_after_a_year_only_bought_credits_remain(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = ada.finished_image("a calendar").await?;
    let id = text(&image, "id")?;
    ada.post(&format!("/v1/generations/{id}/outputs/1/shares"), &json!({"expires_in_s": 31_536_000})).await?.is(201)?;
    declare_any_upload(&ada).await?;
    Checkout::paid(&ada, "stripe", "starter").await?;
    env.sweep(now_plus(SignedDuration::from_hours(24 * 29))).await?;
    ada.get(&format!("/v1/generations/{id}")).await?.is(200)?;
    for month in 1..=12 {
        env.sweep(now_plus(SignedDuration::from_hours(24 * 31 * month))).await?;
    }
    ada.get(&format!("/v1/generations/{id}")).await?.is(404)?;
    ensure!(object_count(env, &ada).await? == 0, "files are left");
    let mut left: Vec<String> = sort_keys(env, &ada.account_id).await?;
    left.retain(|sk| !["LEDGER#", "ACTIVITY#", "PAYMENT#"].iter().any(|kind| sk.starts_with(kind)));
    ensure!(left == ["ACCOUNT"], "{left:?}");
    // The credits remain and can be spent.
    ensure!(ada.credits().await? == (239, 0), "one image was paid from 240 credits");
    ada.finished_image("a new calendar").await?;
    ensure!(ada.credits().await? == (238, 0));
    Ok(())
}

async fn lost_erasure_message_is_sent_again(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    // Everything is written, and no message is sent.
    let receipt = schedule_deletion(&ada, SignedDuration::ZERO, Vec::new()).await?;
    env.sweep(now_plus(SignedDuration::from_secs(61))).await?;
    wait_for_erasure(env, &receipt).await?;
    check_nothing_left(&ada).await
}
