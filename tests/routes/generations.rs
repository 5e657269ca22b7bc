//! Submitting, canceling, showing, publishing, sharing and deleting; uploads.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::{
    Credits,
    accounts::plan::Plan,
    generations::{generation::GenerationStatus, output::Output},
    privacy::deletion::DeletionReason,
    service_settings,
};
use jiff::SignedDuration;
use runtime::clock;
use serde_json::json;
use store::Write;

use crate::world::{Answer, World};

const SUCCEEDED: &str = "0199c8a3-55d0-7c1b-a4e6-90b1c2d3e4f5";
const QUEUED: &str = "0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a";

#[tokio::test]
async fn submit_reserves_the_price_and_sends_one_message() -> Result<()> {
    let world = World::new().await?;
    let before = world.account().await?;
    let answer = world.send("submit/create", json!({})).await?.is(202)?;
    let price = Credits(answer.body["credits"]["reserved"].as_i64().unwrap_or_default());
    let after = world.account().await?;
    ensure!(price > Credits(0) && after.balance.available == before.balance.available.minus(price), "{after:?}");
    ensure!(after.jobs_in_flight == before.jobs_in_flight + 1, "{after:?}");
    ensure!(answer.calls.iter().filter(|call| *call == "SendMessage").count() == 1, "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn submit_is_three_round_trips() -> Result<()> {
    let world = World::new().await?;
    world.aws.hold_for_each_other("GetItem", "UpdateItem").await;
    let answer = tokio::time::timeout(Duration::from_secs(30), world.send("submit/create", json!({}))).await;
    let mut calls = answer.context("the account is read before or after the request is counted")??.is(202)?.calls;
    // Once in the life of a process.
    calls.retain(|call| call != "GetSecretValue");
    calls.sort_unstable();
    // The catalogue and the settings are read during the start, and then every half a minute.
    ensure!(calls == ["GetItem", "SendMessage", "TransactWriteItems", "UpdateItem"], "{calls:?}");
    Ok(())
}

#[tokio::test]
async fn account_that_is_about_to_be_deleted_gets_no_quote_and_no_generation() -> Result<()> {
    let world = World::new().await?;
    let world = world
        .with_account(|account| {
            let now = clock::now();
            let grace = SignedDuration::from_hours(24);
            account.request_deletion(clock::uuid_at(now).into(), DeletionReason::Requested, grace, now).unwrap()
        })
        .await?;
    for event in ["submit/create", "submit/quote", "submit/cancel"] {
        let answer = world.send(event, json!({})).await?.is(401)?;
        ensure!(!answer.calls.iter().any(|call| call == "TransactWriteItems"), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn message_names_its_account_so_that_no_account_delays_others() -> Result<()> {
    let world = World::new().await?;
    world.aws.take_messages().await;
    world.send("submit/create", json!({})).await?.is(202)?;
    let messages = world.aws.take_messages().await;
    ensure!(messages.len() == 1 && messages[0]["MessageGroupId"] == world.account.to_string(), "{messages:?}");
    Ok(())
}

#[tokio::test]
async fn submit_without_enough_credits_states_price_and_balance() -> Result<()> {
    let world = World::new().await?;
    let world = world
        .with_account(|mut account| {
            account.balance.available = Credits(0);
            account
        })
        .await?;
    let refused = world.send("submit/create", json!({})).await?.refused(402, "insufficient-credits")?;
    ensure!(refused.body["detail"] == "This costs 1 credits and you have 0. Buy credits and try again.", "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn submit_above_the_maximum_price_is_refused() -> Result<()> {
    World::new().await?.send("submit/create-above-maximum", json!({})).await?.refused(402, "price-above-maximum")?;
    Ok(())
}

#[tokio::test]
async fn frozen_account_cannot_submit() -> Result<()> {
    let world = World::new().await?.with_account(|account| account.frozen("a note".to_owned(), clock::now())).await?;
    world.send("submit/create", json!({})).await?.refused(403, "account-status")?;
    Ok(())
}

#[tokio::test]
async fn plan_limits_generations_at_once() -> Result<()> {
    let world = World::new().await?;
    let world = world
        .with_account(|mut account| {
            account.jobs_in_flight = service_settings::compiled().plans.limits(account.plan).jobs_in_flight;
            account
        })
        .await?;
    let refused = world.send("submit/create", json!({})).await?.refused(429, "too-many-jobs")?;
    ensure!(refused.headers["retry-after"] == "5", "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn submit_names_every_setting_that_breaks_a_rule() -> Result<()> {
    let world = World::new().await?;
    world.send("submit/create", json!({"body": {"model": "no-model", "prompt": "x"}})).await?.names(&["model"])?;
    let body = json!({"model": "sketch-image", "prompt": " ", "count": 0});
    world.send("submit/create", json!({"body": body})).await?.names(&["count", "prompt"])?;
    world.send("submit/create", json!({"body": {"prompt": 7}})).await?.names(&["prompt"])?;
    Ok(())
}

/// A submission of this prompt, each with a key of its own.
fn prompted(prompt: &str) -> serde_json::Value {
    let key = format!("\"{}\"", clock::uuid_at(clock::now()));
    json!({"body": {"model": "sketch-image", "prompt": prompt}, "headers": {"idempotency-key": key}})
}

/// Checks that a prompt is refused for these rules.
fn check_blocked(answer: &Answer, categories: &[&str]) -> Result<()> {
    ensure!(answer.body["type"] == "urn:darkroom:problem:content-blocked", "{answer:?}");
    ensure!(answer.body["categories"] == json!(categories), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn forbidden_prompt_is_refused_before_anything_is_reserved_or_queued() -> Result<()> {
    let world = World::new().await?;
    let before = world.account().await?;
    let refused = world.send("submit/create", prompted("n4ked schoolgirl")).await?.is(422)?;
    check_blocked(&refused, &["sexual_minors", "sexual_explicit"])?;
    let detail = refused.body["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains("sexual content with minors") && detail.contains("support ticket"), "{refused:?}");
    ensure!(!refused.body.to_string().contains("n4ked"), "the response repeats the prompt");
    ensure!(!refused.calls.iter().any(|call| call == "SendMessage"), "{refused:?}");
    let stored = serde_json::to_string(&world.aws.items().await)?;
    ensure!(stored.contains("strikes") && !stored.contains("n4ked"), "the prompt is stored");
    let after = world.account().await?;
    ensure!(after.balance == before.balance && after.jobs_in_flight == before.jobs_in_flight, "{after:?}");
    ensure!(after.strikes.count == 1 && !after.is_frozen(), "{after:?}");
    Ok(())
}

#[tokio::test]
async fn prompt_that_passes_keeps_the_verdict_and_no_strike() -> Result<()> {
    let world = World::new().await?;
    let answer = world.send("submit/create", json!({})).await?.is(202)?;
    let verdicts = world.generation(answer.body["id"].as_str().unwrap_or_default()).await?.verdicts;
    let [verdict] = verdicts.as_slice() else { anyhow::bail!("{verdicts:?}") };
    ensure!(!verdict.is_blocked() && verdict.classifier == "local" && !verdict.version.is_empty(), "{verdict:?}");
    ensure!(world.account().await?.strikes.is_unused());
    Ok(())
}

#[tokio::test]
async fn forbidden_prompts_freeze_the_account_at_the_limit_for_a_reason_that_its_owner_sees() -> Result<()> {
    let world = World::new().await?;
    for strike in 1..=3 {
        ensure!(!world.account().await?.is_frozen(), "frozen before strike {strike}");
        let refused = world.send("submit/create", prompted("naked woman")).await?.is(422)?;
        check_blocked(&refused, &["sexual_explicit"])?;
    }
    let profile = world.send("account/read", json!({})).await?.is(200)?;
    ensure!(profile.body["status"] == "frozen", "{profile:?}");
    ensure!(profile.body["frozen_for"][0]["reason"] == "blocked_content", "{profile:?}");
    // A frozen account gets no further strikes.
    world.send("submit/create", prompted("naked woman")).await?.refused(403, "account-status")?;
    ensure!(world.account().await?.strikes.is_unused());
    Ok(())
}

#[tokio::test]
async fn settings_of_the_operator_decide_what_is_blocked_but_for_the_floor() -> Result<()> {
    let world = World::new().await?.with_variables([("MODERATION_THRESHOLDS", "violence=off,sexual_suggestive=60")]);
    world.send("submit/create", prompted("gore")).await?.is(202)?;
    let refused = world.send("submit/create", prompted("sexy woman")).await?.is(422)?;
    check_blocked(&refused, &["sexual_suggestive"])?;
    let refused = world.send("submit/create", prompted("porn")).await?.is(422)?;
    check_blocked(&refused, &["sexual_explicit", "sexual_suggestive"])?;
    Ok(())
}

#[tokio::test]
async fn visible_label_is_drawn_if_its_owner_asks_for_it_or_the_operator_always_wants_it() -> Result<()> {
    let body =
        |labelled: bool| json!({"body": {"model": "sketch-image", "prompt": "a vase", "visible_label": labelled}});
    for (rule, asked, labelled) in
        [("optional", false, false), ("optional", true, true), ("always", false, true), ("always", true, true)]
    {
        let world = World::new().await?.with_variables([("VISIBLE_LABEL", rule)]);
        let answer = world.send("submit/create", body(asked)).await?.is(202)?;
        ensure!(answer.body["settings"]["visible_label"] == labelled, "{rule}, {asked}: {answer:?}");
        let stored = world.generation(answer.body["id"].as_str().context("no id")?).await?;
        ensure!(stored.settings.visible_label == labelled, "{rule}, {asked}");
        let models = world.send("submit/models", json!({})).await?.is(200)?;
        ensure!(models.body["always_labelled"] == (rule == "always"), "{models:?}");
    }
    let body = json!({"body": {"model": "sketch-image", "prompt": "a vase"}});
    let absent = World::new().await?.send("submit/create", body).await?;
    ensure!(absent.is(202)?.body["settings"]["visible_label"] == false);
    Ok(())
}

#[tokio::test]
async fn prompt_with_invalid_settings_is_no_strike() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"body": {"model": "no-model", "prompt": "porn"}});
    world.send("submit/create", body).await?.names(&["model"])?;
    ensure!(world.account().await?.strikes.is_unused());
    Ok(())
}

#[tokio::test]
async fn quote_changes_nothing() -> Result<()> {
    let answer = World::new().await?.send("submit/quote", json!({})).await?.is(200)?;
    // The catalogue and the settings are read during the start, and then every half a minute.
    ensure!(answer.calls == ["GetItem"], "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn canceled_queued_generation_is_refunded() -> Result<()> {
    let world = World::new().await?;
    let reserved = world.generation(QUEUED).await?.reserved;
    let before = world.account().await?.balance;
    let answer = world.send("submit/cancel", json!({})).await?.is(200)?;
    ensure!(answer.body["status"] == "canceled" && answer.body["credits"]["spent"] == 0, "{answer:?}");
    let after = world.account().await?.balance;
    ensure!(before.available == after.available.minus(reserved), "{after:?}");
    ensure!(world.generation(QUEUED).await?.status == GenerationStatus::Canceled);
    Ok(())
}

#[tokio::test]
async fn ended_generation_cannot_be_canceled() -> Result<()> {
    let path = json!({"path": format!("/v1/generations/{SUCCEEDED}/cancel")});
    World::new().await?.send("submit/cancel", path).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn generations_of_another_account_are_not_found() -> Result<()> {
    let world = World::new().await?;
    for event in [
        "gallery/read",
        "gallery/delete",
        "gallery/delete-output",
        "visibility/publish",
        "visibility/favorite",
        "visibility/share",
    ] {
        world.send(event, world.stranger().await?).await?.refused(404, "not-found")?;
    }
    Ok(())
}

#[tokio::test]
async fn running_generation_cannot_be_deleted() -> Result<()> {
    let path = json!({"path": format!("/v1/generations/{QUEUED}")});
    World::new().await?.send("gallery/delete", path).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn public_gallery_names_no_account() -> Result<()> {
    let world = World::new().await?;
    world.send("visibility/publish", json!({"body": {"visibility": "public", "show_prompt": false}})).await?.is(200)?;
    let listed = world.send("gallery/public", json!({})).await?.is(200)?;
    for hidden in ["ada@example.com", "cabin in the snow"] {
        ensure!(!listed.body.to_string().contains(hidden), "{hidden}: {listed:?}");
    }
    Ok(())
}

/// The index of the gallery is behind the table for a moment.
#[tokio::test]
async fn gallery_gives_no_link_to_what_is_private_again_while_its_index_is_behind() -> Result<()> {
    let world = World::new().await?;
    world.send("visibility/publish", json!({"body": {"visibility": "public", "show_prompt": true}})).await?.is(200)?;
    let entries: Vec<_> =
        world.aws.items().await.into_iter().filter(|item| item["gallery_partition"].is_object()).collect();
    let shown = world.send("gallery/public", json!({})).await?.is(200)?;
    ensure!(!entries.is_empty() && shown.body.to_string().contains(SUCCEEDED), "{shown:?}");

    world
        .send("visibility/publish", json!({"body": {"visibility": "private", "show_prompt": false}}))
        .await?
        .is(200)?;
    for entry in &entries {
        world.aws.put_item(entry).await;
    }
    let shown = world.send("gallery/public", json!({})).await?.is(200)?;
    ensure!(!shown.body.to_string().contains(SUCCEEDED), "{shown:?}");
    Ok(())
}

#[tokio::test]
async fn stale_version_cannot_be_published() -> Result<()> {
    let stale = json!({"headers": {"if-match": "\"99\""}});
    World::new().await?.send("visibility/publish", stale).await?.refused(412, "precondition-failed")?;
    Ok(())
}

#[tokio::test]
async fn favorite_is_marked_and_unmarked_with_the_same_result_on_a_repeat() -> Result<()> {
    let world = World::new().await?;
    for favorite in [true, true, false, false] {
        let answer = world.send("visibility/favorite", json!({"body": {"favorite": favorite}})).await?.is(200)?;
        ensure!(answer.body["outputs"][0]["favorite"] == favorite && answer.headers["etag"].is_string(), "{answer:?}");
        ensure!(answer.body["outputs"][0]["visibility"] == "public", "{answer:?}");
        ensure!(world.generation(SUCCEEDED).await?.outputs[0].favorite == favorite);
    }
    Ok(())
}

#[tokio::test]
async fn favorite_of_an_unknown_output_or_a_stale_version_is_refused() -> Result<()> {
    let world = World::new().await?;
    for (id, output) in [(SUCCEEDED, 9), (QUEUED, 1)] {
        let path = json!({"path": format!("/v1/generations/{id}/outputs/{output}/favorite")});
        world.send("visibility/favorite", path).await?.refused(404, "not-found")?;
    }
    let stale = json!({"headers": {"if-match": "\"99\""}});
    world.send("visibility/favorite", stale).await?.refused(412, "precondition-failed")?;
    world.send("visibility/favorite", json!({"body": {"favorite": "yes"}})).await?.names(&["favorite"])?;
    Ok(())
}

#[tokio::test]
async fn filter_by_favorite_and_visibility_wants_one_image_that_is_both() -> Result<()> {
    let world = World::new().await?;
    let listed = async |query: &str| -> Result<bool> {
        let answer = world.send("gallery/list", json!({"rawQueryString": query})).await?.is(200)?;
        Ok(answer.body["items"].as_array().is_some_and(|items| items.iter().any(|item| item["id"] == SUCCEEDED)))
    };
    ensure!(!listed("favorite=true").await? && listed("favorite=false").await?);
    world.send("visibility/favorite", json!({})).await?.is(200)?;
    ensure!(listed("favorite=true").await? && !listed("favorite=false").await?);
    let mut two = world.generation(SUCCEEDED).await?;
    two.outputs.push(Output::new(2, two.outputs[0].file.clone()));
    two.version += 1;
    world.table.commit(&[Write::Generation(&two)]).await?;
    ensure!(listed("favorite=true&visibility=public").await? && listed("favorite=false&visibility=private").await?);
    ensure!(!listed("favorite=true&visibility=private").await? && !listed("favorite=false&visibility=public").await?);
    Ok(())
}

#[tokio::test]
async fn share_link_needs_a_possible_duration() -> Result<()> {
    let body = json!({"body": {"expires_in_s": 1}});
    World::new().await?.send("visibility/share", body).await?.names(&["expires_in_s"])?;
    Ok(())
}

#[tokio::test]
async fn plan_limits_share_links_of_one_image() -> Result<()> {
    let world =
        World::new().await?.with_account(|account| domain::accounts::account::Account { plan: Plan::Free, ..account });
    let world = world.await?;
    let most = service_settings::compiled().plans.free.shares_per_output;
    for _ in 1..most {
        world.send("visibility/share", json!({})).await?.is(201)?;
    }
    world.send("visibility/share", json!({})).await?.refused(403, "plan-limit")?;
    Ok(())
}

#[tokio::test]
async fn upload_declaration_names_what_breaks_a_rule() -> Result<()> {
    let body = json!({"content_type": "image/heic", "bytes": 0, "sha256": "no hash"});
    let world = World::new().await?;
    world.send("upload-presign/create", json!({"body": body})).await?.names(&["bytes", "content_type", "sha256"])?;
    Ok(())
}

#[tokio::test]
async fn plan_limits_uploads() -> Result<()> {
    let world = World::new().await?;
    let world = world
        .with_account(|mut account| {
            account.uploads = service_settings::compiled().plans.limits(account.plan).uploads;
            account
        })
        .await?;
    world.send("upload-presign/create", json!({})).await?.refused(403, "plan-limit")?;
    Ok(())
}

#[tokio::test]
async fn deletion_of_an_image_is_repeated_without_harm() -> Result<()> {
    let world = World::new().await?;
    world.send("gallery/delete", json!({})).await?.is(204)?;
    world.send("gallery/delete", json!({})).await?.refused(404, "not-found")?;
    world.send("gallery/read", json!({})).await?.refused(404, "not-found")?;
    Ok(())
}

#[tokio::test]
async fn signed_report_sends_one_message_that_polls_the_job_and_reads_no_table() -> Result<()> {
    // The keys of fal are served by the bucket here.
    for (provider, keys) in [("replicate", "GetSecretValue"), ("fal", "GetObject")] {
        let world = World::new().await?;
        let answer = world.send(&format!("provider-webhook/{provider}"), json!({})).await?.is(204)?;
        ensure!(answer.calls == ["GetSecretValue", keys, "SendMessage"], "{answer:?}");
        let messages = world.aws.take_messages().await;
        let [message] = messages.as_slice() else { anyhow::bail!("not one message: {messages:?}") };
        let body: serde_json::Value = serde_json::from_str(message["MessageBody"].as_str().unwrap_or_default())?;
        ensure!(body == json!({"account": world.account, "generation": QUEUED, "job_reported": true}), "{body}");
        ensure!(message["QueueUrl"].as_str().is_some_and(|url| url.ends_with("/images")), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn report_without_the_signature_of_the_provider_or_to_no_job_sends_nothing() -> Result<()> {
    let world = World::new().await?;
    for (event, unsigned) in [("replicate", "webhook-id"), ("fal", "x-fal-webhook-user-id")] {
        for (event, headers) in [(format!("{event}-forged"), json!({})), (event.to_owned(), json!({unsigned: null}))] {
            let changes = json!({ "headers": headers });
            let refused =
                world.send(&format!("provider-webhook/{event}"), changes).await?.refused(400, "invalid-request")?;
            ensure!(!refused.calls.contains(&"SendMessage".to_owned()), "{refused:?}");
        }
    }
    // The secret with the keys of the providers is not even read.
    let unknown =
        world.send("provider-webhook/replicate-unknown-address", json!({})).await?.refused(404, "not-found")?;
    ensure!(unknown.calls == ["GetSecretValue"], "{unknown:?}");
    Ok(())
}
