//! What the gate blocks: nothing is charged, the person reads which rule it was, and strikes freeze the account.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use domain::{
    AccountId, GenerationId, LedgerEntryId, catalogue,
    generations::{
        generation::{Failure, FailureResponse},
        settings::{self, RequestedSettings},
        submission::{self, GenerationOutcome, SubmissionIds},
    },
    moderation::verdict::{Category, Decision, Stage, Verdict},
};
use runtime::clock;
use serde_json::json;
use store::Write;

use crate::env::{
    test_env::{self, TestEnv, TestUser},
    trial::tests,
};

tests![strikes_freeze_the_account_and_nothing_is_charged, blocked_generation_is_refunded_and_says_why];

/// The strikes that freeze an account: the default of the template.
const STRIKES: u32 = 30;

async fn strikes_freeze_the_account_and_nothing_is_charged(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let corpus = std::fs::read_to_string(stack::workspace().join("shared/moderation/corpus/blocked.txt"))?;
    let mut prompts = corpus.lines().filter_map(|line| line.strip_prefix("violence | "));
    let prompt = prompts.next().context("no prompt")?;
    for strike in 0..STRIKES {
        ensure!(ada.get("/v1/account").await?.is(200)?.json["frozen_for"] == json!([]), "frozen after {strike}");
        let body = json!({"model": "sketch-image", "prompt": prompt, "width": 320, "height": 320});
        let refused = ada.post("/v1/generations", &body).await?.is(422)?.json;
        ensure!(refused["type"] == "urn:darkroom:problem:content-blocked", "{refused}");
        ensure!(refused["categories"] == json!(["violence"]), "{refused}");
    }
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["frozen_for"][0]["reason"] == "blocked_content", "{account}");
    ensure!(ada.credits().await? == (40, 0), "something was charged");
    Ok(())
}

async fn blocked_generation_is_refunded_and_says_why(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let id = reserve(&ada).await?;
    ensure!(ada.credits().await? == (39, 1));
    let (table, account, now) = (env.table()?, ada.account_id.parse()?, clock::now());
    let generation = table.generation(account, id).await?.context("no generation")?;
    // The classifier does not answer once, and then blocks the starting image.
    let FailureResponse::Retry { generation, .. } = generation.check_failed(500, now) else { bail!("no retry") };
    table.commit(&[Write::Generation(&generation)]).await?;
    let owner = table.account(account).await?.context("no account")?;
    let categories: BTreeSet<_> = [Category::Violence].into();
    let verdict = Verdict {
        stage: Stage::StartingImage,
        decision: Decision::Blocked,
        categories: categories.clone(),
        classifier: "local".to_owned(),
        version: "1".to_owned(),
    };
    let generation = generation.with_verdicts(&[verdict]);
    let end = GenerationOutcome::Failed(Failure::Blocked { stage: Stage::StartingImage, categories });
    let entry = LedgerEntryId(clock::uuid_at(now));
    let ended = submission::finish(&owner, &generation, end, &test_env::settings().plans, entry, now)?;
    let entry = Write::LedgerEntry(account, &ended.entry);
    table.commit(&[Write::Account(&ended.account), Write::Generation(&ended.generation), entry]).await?;
    let shown = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    let failure = json!({"code": "blocked", "stage": "starting_image", "categories": ["violence"]});
    ensure!(shown["status"] == "failed" && shown["failure"] == failure, "{shown}");
    ensure!(ada.credits().await? == (40, 0), "it was not refunded");
    Ok(())
}

/// Reserves the credits of a generation whose message was not sent, so that no worker has it.
async fn reserve(ada: &TestUser) -> Result<GenerationId> {
    let (table, account, now) = (ada.env.table()?, ada.account_id.parse::<AccountId>()?, clock::now());
    let owner = table.account(account).await?.context("no account")?;
    let asked = RequestedSettings {
        model: "sketch-image".to_owned(),
        prompt: "a fox in the snow".to_owned(),
        ..RequestedSettings::default()
    };
    let plans = test_env::settings().plans;
    let (settings, quote) =
        settings::validate(asked, plans.limits(owner.plan), &catalogue::compiled().offered_by(&["sketch"]))?;
    let ids =
        SubmissionIds { generation: GenerationId(clock::uuid_at(now)), entry: LedgerEntryId(clock::uuid_at(now)) };
    let reserved = submission::reserve(&owner, &plans, settings, quote, None, ids, now)?;
    let entry = Write::LedgerEntry(account, &reserved.entry);
    table.commit(&[Write::Account(&reserved.account), Write::Generation(&reserved.generation), entry]).await?;
    Ok(reserved.generation.id)
}
