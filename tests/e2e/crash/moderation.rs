//! Crashes of reports and of decisions.

use anyhow::{Result, ensure};
use jiff::SignedDuration;

use crate::env::{
    faults::{crash_at_each_call, now_plus, retry_until_answered, sweep_until_done},
    moderation::{SharedImage, case_path, cases, decide},
    table::sort_keys,
    test_env::{TestEnv, TestUser, new_address},
    trial::tests,
};

tests![
    report_crash_at_any_call_hides_the_image_and_tells_its_owner,
    decision_crash_at_any_call_tells_owner_and_reporter,
];

async fn report_crash_at_any_call_hides_the_image_and_tells_its_owner(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Report", 6, async |ada| {
        let image = SharedImage::of(ada).await?;
        let report = image.report(env, "intimate_image", &new_address()).await?;
        retry_until_answered(async || env.visitor()?.post("/v1/reports", &report).await).await?.is(201)?;
        env.visitor()?.get(&image.link).await?.is(404)?;
        ensure!(cases(ada).await?.len() == 1, "a repeat opened another case");
        check_notices_sent(env, ada, "hidden automatically").await
    })
    .await
}

async fn decision_crash_at_any_call_tells_owner_and_reporter(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    crash_at_each_call(env, "ModerationCases", 5, async |ada| {
        let (image, email) = (SharedImage::of(ada).await?, new_address());
        let report = image.report(env, "privacy", &email).await?;
        env.visitor()?.post("/v1/reports", &report).await?.is(201)?;
        let open = retry_until_answered(async || ada.get("/v1/moderation/cases").await).await?.is(200)?.json;
        let path = case_path(ada, &open["items"][0])?;
        retry_until_answered(async || decide(&grace, &path, "restrict").await).await?.is(200)?;
        env.visitor()?.get(&image.link).await?.is(404)?;
        check_notices_sent(env, ada, "decided about a report").await?;
        let mails = env.mails(&email).await?;
        ensure!(mails.iter().any(|mail| mail.contains("a private house")), "the reporter was not told: {mails:?}");
        Ok(())
    })
    .await
}

/// Checks that the owner has the mail with these words once the sweep has run, and that no notice is left.
async fn check_notices_sent(env: &'static TestEnv, owner: &TestUser, words: &str) -> Result<()> {
    sweep_until_done(env, now_plus(SignedDuration::from_mins(2))).await?;
    let mails = env.mails(&owner.email).await?;
    ensure!(mails.iter().any(|mail| mail.contains(words)), "the owner was not told: {mails:?}");
    let left = sort_keys(env, &owner.account_id).await?;
    ensure!(!left.iter().any(|sk| sk.starts_with("CASENOTICE")), "{left:?}");
    Ok(())
}
