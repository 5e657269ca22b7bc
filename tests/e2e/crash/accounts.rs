//! Crashes in a change of the email address.

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    faults::{crash_at_each_call, now_plus, retry_until_answered, sweep_until_done},
    http::{ApiResponse, text},
    sessions::{check_sign_in_address, last_mailed_code},
    test_env::{TestEnv, TestUser, new_address},
    trial::tests,
};

tests![email_change_crash_at_any_call_completes_on_retry, sweep_completes_an_email_change_after_a_crash,];

async fn email_change_crash_at_any_call_completes_on_retry(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Account", 13, async |ada| {
        let new = new_address();
        ask_for(ada, &new).await?;
        let codes = codes(ada, &new).await?;
        retry_until_answered(async || {
            let request = ada.request(Method::POST, "/v1/account/email/confirm").header("idempotency-key", "again");
            ApiResponse::read(request.json(&codes).send().await?).await
        })
        .await?
        .is(204)?;
        check_sign_in_address(ada, &new, &new).await
    })
    .await
}

async fn sweep_completes_an_email_change_after_a_crash(env: &'static TestEnv) -> Result<()> {
    crash_at_each_call(env, "Account", 8, async |ada| {
        let new = new_address();
        ask_for(ada, &new).await?;
        let codes = codes(ada, &new).await?;
        // The client does not retry.
        let response = ada.post("/v1/account/email/confirm", &codes).await?;
        for minutes in [2, 4] {
            sweep_until_done(env, now_plus(SignedDuration::from_mins(minutes))).await?;
        }
        let account = retry_until_answered(async || ada.get("/v1/account").await).await?.is(200)?.json;
        let email = text(&account, "email")?;
        ensure!(response.status != 204 || email == new, "it was done, and is not: {account}");
        check_sign_in_address(ada, &new, &email).await
    })
    .await
}

/// Requests an email change, and retries until the response is not a server error.
async fn ask_for(ada: &TestUser, new: &str) -> Result<()> {
    retry_until_answered(async || ada.post("/v1/account/email", &json!({"email": new})).await).await?.is(202).map(drop)
}

/// Returns the codes in the latest mails.
async fn codes(ada: &TestUser, new: &str) -> Result<Value> {
    let (present_code, new_code) =
        (last_mailed_code(ada.env, &ada.email).await?, last_mailed_code(ada.env, new).await?);
    Ok(json!({"present_code": present_code, "new_code": new_code}))
}
