//! The second factor: set up with the first code of an app, asked for at every sign-in, and replaced by recovery codes.

use anyhow::{Result, ensure};
use domain::accounts::second_factor::RECOVERY_CODES;
use reqwest::Method;
use runtime::{clock, totp};
use serde_json::json;

use crate::env::{
    http::{ApiResponse, text},
    second_factor::{APP, Factor, SECOND_FACTOR, begin, confirm, secret},
    sessions::token_with_claims,
    table::{account_items, string},
    test_env::{PASSWORD, TestEnv, TestUser},
    trial::tests,
};

tests![
    sign_in_needs_a_code_once_a_second_factor_is_on,
    code_of_a_second_factor_works_once,
    recovery_code_signs_in_once,
    codes_of_a_second_factor_are_limited,
    setup_of_a_second_factor_is_for_its_account_and_first_code,
    second_factor_is_turned_off_only_with_a_recent_sign_in,
    secret_and_recovery_codes_are_not_stored_readably,
];

async fn sign_in(user: &TestUser, password: &str, code: Option<&str>) -> Result<ApiResponse> {
    let mut credentials = json!({"email": user.email, "password": password});
    if let Some(code) = code {
        credentials["code"] = json!(code);
    }
    user.post("/v1/session/sign-in", &credentials).await
}

fn check_refused(response: &ApiResponse, kind: &str) -> Result<()> {
    ensure!(response.status == 401, "{}: {}", response.status, response.json);
    ensure!(response.json["type"] == format!("urn:darkroom:problem:{kind}"), "{}", response.json);
    ensure!(response.header("set-cookie").is_none(), "a refused sign-in opens a session");
    ensure!(response.json["access_token"].is_null(), "{}", response.json);
    Ok(())
}

async fn sign_in_needs_a_code_once_a_second_factor_is_on(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    ensure!(ada.get(SECOND_FACTOR).await?.is(200)?.json == json!({"app": false, "passkeys": [], "recovery_codes": 0}));
    // A code that is not needed is ignored.
    sign_in(&ada, PASSWORD, Some("123456")).await?.is(200)?;
    let factor = Factor::set_up(&ada).await?;
    let shown = ada.get(SECOND_FACTOR).await?.is(200)?.json;
    ensure!(shown == json!({"app": true, "passkeys": [], "recovery_codes": RECOVERY_CODES}), "{shown}");
    check_refused(&sign_in(&ada, PASSWORD, None).await?, "second-factor-needed")?;
    check_refused(&sign_in(&ada, PASSWORD, Some("000000")).await?, "wrong-second-factor")?;
    // A wrong password does not tell that there is a second factor, whatever the code.
    for code in [None, Some(factor.code(1))] {
        check_refused(&sign_in(&ada, "wrong-horse-7-battery", code.as_deref()).await?, "wrong-credentials")?;
    }
    let code = factor.code(1);
    sign_in(&ada, PASSWORD, Some(&format!("{} {}", &code[..3], &code[3..]))).await?.is(200)?;
    begin(&ada).await?.is(409)?;
    Ok(())
}

async fn code_of_a_second_factor_works_once(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let factor = Factor::set_up(&ada).await?;
    check_refused(&sign_in(&ada, PASSWORD, Some(&factor.code(0))).await?, "wrong-second-factor")?;
    // Of two sign-ins with one code at the same time one is accepted.
    let code = factor.code(1);
    let (one, other) = tokio::join!(sign_in(&ada, PASSWORD, Some(&code)), sign_in(&ada, PASSWORD, Some(&code)));
    let accepted = [one?, other?].iter().filter(|response| response.status == 200).count();
    ensure!(accepted == 1, "{accepted} were accepted");
    check_refused(&sign_in(&ada, PASSWORD, Some(&code)).await?, "wrong-second-factor")
}

async fn recovery_code_signs_in_once(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let (factor, bobs) = (Factor::set_up(&ada).await?, Factor::set_up(&bob).await?);
    check_refused(&sign_in(&ada, PASSWORD, Some(bobs.recovery_code(0)?)).await?, "wrong-second-factor")?;
    let code = factor.recovery_code(3)?;
    sign_in(&ada, PASSWORD, Some(&code.to_uppercase())).await?.is(200)?;
    check_refused(&sign_in(&ada, PASSWORD, Some(code)).await?, "wrong-second-factor")?;
    ensure!(ada.get(SECOND_FACTOR).await?.is(200)?.json["recovery_codes"] == RECOVERY_CODES - 1);
    // The app still works, and so do the other codes.
    sign_in(&ada, PASSWORD, Some(&factor.code(1))).await?.is(200)?;
    sign_in(&ada, PASSWORD, Some(factor.recovery_code(4)?)).await?.is(200)?;
    Ok(())
}

async fn codes_of_a_second_factor_are_limited(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let setup = begin(&ada).await?.is(200)?.json;
    let setup = text(&setup, "setup")?;
    let mut refused = 0;
    loop {
        let response = confirm(&ada, &setup, "000000").await?;
        if response.status == 429 {
            break;
        }
        refused += 1;
        ensure!(refused <= 20, "{refused} codes were tried");
    }
    ensure!(refused == 20, "only {refused} codes could be tried");
    ensure!(ada.get(SECOND_FACTOR).await?.is(200)?.json["app"] == false);
    Ok(())
}

async fn setup_of_a_second_factor_is_for_its_account_and_first_code(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let setup = begin(&ada).await?.is(200)?.json;
    ensure!(text(&setup, "uri")?.contains(&format!("secret={}", text(&setup, "secret")?)), "{setup}");
    let (sealed, code) = (text(&setup, "setup")?, totp::code(&secret(&setup)?, totp::step(clock::now())));
    ensure!(confirm(&bob, &sealed, &code).await?.is(400)?.fields() == ["setup"]);
    ensure!(confirm(&ada, "unknown", &code).await?.is(400)?.fields() == ["setup"]);
    ensure!(confirm(&ada, &sealed, "000000").await?.is(400)?.fields() == ["code"]);
    ensure!(ada.get(SECOND_FACTOR).await?.is(200)?.json["app"] == false);
    // With one key a repeat gets the same recovery codes.
    let path = format!("{APP}/confirmation");
    let send = async || {
        let request = ada.request(Method::POST, &path).header("idempotency-key", "confirm");
        ApiResponse::read(request.json(&json!({"setup": sealed, "code": code})).send().await?).await
    };
    let (first, second) = (send().await?.is(200)?, send().await?.is(200)?);
    ensure!(first.bytes == second.bytes && second.header("idempotent-replayed") == Some("true"));
    confirm(&ada, &sealed, &code).await?.is(409)?;
    Ok(())
}

async fn second_factor_is_turned_off_only_with_a_recent_sign_in(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let factor = Factor::set_up(&ada).await?;
    let at = clock::now().as_second() - 601;
    let token = token_with_claims(&ada, |claims| claims["auth_time"] = json!(at))?;
    let stale = TestUser { token: Some(token), ..env.visitor()? };
    stale.delete(APP).await?.is(403)?;
    begin(&stale).await?.is(403)?;
    ensure!(ada.get(SECOND_FACTOR).await?.is(200)?.json["app"] == true);
    ada.delete(APP).await?.is(204)?;
    ada.delete(APP).await?.is(204)?;
    sign_in(&ada, PASSWORD, None).await?.is(200)?;
    // Codes of before are worth nothing after that.
    let again = Factor::set_up(&ada).await?;
    check_refused(&sign_in(&ada, PASSWORD, Some(factor.recovery_code(0)?)).await?, "wrong-second-factor")?;
    sign_in(&ada, PASSWORD, Some(again.recovery_code(0)?)).await?.is(200)?;
    Ok(())
}

async fn secret_and_recovery_codes_are_not_stored_readably(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let setup = begin(&ada).await?.is(200)?.json;
    let code = totp::code(&secret(&setup)?, totp::step(clock::now()));
    let on = confirm(&ada, &text(&setup, "setup")?, &code).await?.is(200)?.json;
    let items = account_items(&ada).await?;
    ensure!(items.iter().any(|item| string(item, "sk") == "SECONDFACTOR"), "it is not stored with the account");
    let stored = format!("{items:?}");
    let codes = on["recovery_codes"].as_array().into_iter().flatten().filter_map(|code| code.as_str());
    for secret in codes.chain([setup["secret"].as_str().unwrap_or_default()]) {
        ensure!(!stored.contains(secret) && !stored.contains(&secret.replace('-', "")), "{secret} is stored");
    }
    Ok(())
}
