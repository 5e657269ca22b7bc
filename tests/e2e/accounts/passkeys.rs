//! Passkeys: added with a recent sign-in, asked for at every sign-in, and removed.

use anyhow::{Result, ensure};
use domain::accounts::second_factor::RECOVERY_CODES;
use reqwest::Method;
use runtime::clock;
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, text},
    passkeys::{Authenticator, PASSKEYS, answer, begin, challenge, register, send, sign_in},
    second_factor::{self, APP, Factor, SECOND_FACTOR, confirm},
    sessions::token_with_claims,
    test_env::{PASSWORD, TestEnv, TestUser},
    trial::tests,
};

tests![
    passkey_signs_in_after_the_password,
    challenge_of_a_passkey_is_accepted_once_and_for_its_account,
    passkeys_share_the_recovery_codes_of_the_app,
    passkeys_and_codes_are_limited_together,
    passkey_is_added_and_removed_only_with_a_recent_sign_in,
];

fn check_refused(response: &ApiResponse, kind: &str) -> Result<()> {
    ensure!(response.status == 401, "{}: {}", response.status, response.json);
    ensure!(response.json["type"] == format!("urn:darkroom:problem:{kind}"), "{}", response.json);
    ensure!(response.header("set-cookie").is_none(), "a refused sign-in opens a session");
    Ok(())
}

async fn with_password(user: &TestUser, password: &str) -> Result<ApiResponse> {
    user.post("/v1/session/sign-in", &json!({"email": user.email, "password": password})).await
}

async fn shown(user: &TestUser) -> Result<Value> {
    Ok(user.get(SECOND_FACTOR).await?.is(200)?.json)
}

async fn passkey_signs_in_after_the_password(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let (mut phone, mut laptop) = (Authenticator::new()?, Authenticator::new()?);
    let codes = register(&ada, &phone, "Phone").await?.is(200)?.json;
    ensure!(codes["recovery_codes"].as_array().map(Vec::len) == Some(RECOVERY_CODES), "{codes}");
    register(&ada, &laptop, "Laptop").await?.is(200)?;
    // A wrong password does not tell that there is a passkey.
    let refused = with_password(&ada, "wrong-horse-7-battery").await?;
    check_refused(&refused, "wrong-credentials")?;
    ensure!(refused.json["passkey"].is_null(), "{}", refused.json);
    let request = challenge(&ada).await?;
    ensure!(request["credential_ids"].as_array().map(Vec::len) == Some(2), "{request}");
    sign_in(&ada, &mut phone).await?.is(200)?;
    sign_in(&ada, &mut laptop).await?.is(200)?;
    sign_in(&ada, &mut laptop).await?.is(200)?;
    check_refused(&sign_in(&ada, &mut Authenticator::new()?).await?, "wrong-second-factor")?;
    let passkeys = shown(&ada).await?["passkeys"].clone();
    ensure!(passkeys[0]["name"] == "Phone" && passkeys[1]["name"] == "Laptop", "{passkeys}");
    ensure!(passkeys[0]["last_used_at"].is_string() && passkeys[0]["added_at"].is_string(), "{passkeys}");
    // The one that is left still protects the account.
    let path = |number: usize| Ok::<_, anyhow::Error>(format!("{PASSKEYS}/{}", text(&passkeys[number], "id")?));
    ada.delete(&path(0)?).await?.is(204)?;
    ada.delete(&path(0)?).await?.is(404)?;
    check_refused(&sign_in(&ada, &mut phone).await?, "wrong-second-factor")?;
    sign_in(&ada, &mut laptop).await?.is(200)?;
    ada.delete(&path(1)?).await?.is(204)?;
    with_password(&ada, PASSWORD).await?.is(200)?;
    ensure!(shown(&ada).await? == json!({"app": false, "passkeys": [], "recovery_codes": 0}));
    Ok(())
}

async fn challenge_of_a_passkey_is_accepted_once_and_for_its_account(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let mut phone = Authenticator::new()?;
    register(&ada, &phone, "Phone").await?.is(200)?;
    register(&bob, &phone, "Phone").await?.is(200)?;
    let (earlier, request) = (challenge(&ada).await?, challenge(&ada).await?);
    let assertion = phone.assertion(&env.base_url, &request)?;
    check_refused(&send(&bob, &assertion).await?, "wrong-second-factor")?;
    let (one, other) = tokio::join!(send(&ada, &assertion), send(&ada, &assertion));
    let accepted = [one?, other?].iter().filter(|response| response.status == 200).count();
    ensure!(accepted == 1, "{accepted} were accepted");
    check_refused(&send(&ada, &assertion).await?, "wrong-second-factor")?;
    check_refused(&answer(&ada, &mut phone, &earlier).await?, "wrong-second-factor")?;
    let forged = json!({"challenge": "Y2hhbGxlbmdl", "rp_id": request["rp_id"]});
    check_refused(&answer(&ada, &mut phone, &forged).await?, "wrong-second-factor")?;
    // The challenge of a setup signs nobody in.
    let setup = begin(&ada).await?.is(200)?.json;
    check_refused(&answer(&ada, &mut phone, &setup).await?, "wrong-second-factor")?;
    sign_in(&ada, &mut phone).await?.is(200)?;
    Ok(())
}

async fn passkeys_share_the_recovery_codes_of_the_app(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let app = Factor::set_up(&ada).await?;
    let mut phone = Authenticator::new()?;
    ensure!(register(&ada, &phone, "Phone").await?.is(200)?.json == json!({"recovery_codes": []}));
    let with_code = async |code: &str| {
        let credentials = json!({"email": ada.email, "password": PASSWORD, "code": code});
        ada.post("/v1/session/sign-in", &credentials).await
    };
    with_code(&app.code(1)).await?.is(200)?;
    ada.delete(APP).await?.is(204)?;
    ensure!(shown(&ada).await?["recovery_codes"] == RECOVERY_CODES);
    with_code(app.recovery_code(0)?).await?.is(200)?;
    check_refused(&with_code(&app.code(2)).await?, "wrong-second-factor")?;
    let assertion = phone.assertion(&env.base_url, &challenge(&ada).await?)?;
    let both = json!({"email": ada.email, "password": PASSWORD, "code": "123456", "passkey": assertion});
    ensure!(ada.post("/v1/session/sign-in", &both).await?.is(400)?.fields() == ["passkey"]);
    Ok(())
}

async fn passkeys_and_codes_are_limited_together(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let mut phone = Authenticator::new()?;
    register(&ada, &phone, "Phone").await?.is(200)?;
    let setup = text(&second_factor::begin(&ada).await?.is(200)?.json, "setup")?;
    for _ in 0..20 {
        confirm(&ada, &setup, "000000").await?.is(400)?;
    }
    sign_in(&ada, &mut phone).await?.is(429)?;
    Ok(())
}

async fn passkey_is_added_and_removed_only_with_a_recent_sign_in(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let phone = Authenticator::new()?;
    let setup = begin(&ada).await?.is(200)?.json;
    let confirmation = format!("{PASSKEYS}/confirmation");
    ensure!(
        bob.post(&confirmation, &phone.creation(&env.base_url, &setup, "Phone")?).await?.is(400)?.fields()
            == ["client_data"]
    );
    ensure!(ada.post(&confirmation, &phone.creation(&env.base_url, &setup, " ")?).await?.is(400)?.fields() == ["name"]);
    // With one key a repeat gets the same recovery codes.
    let body = phone.creation(&env.base_url, &setup, "Phone")?;
    let send = async || {
        let request = ada.request(Method::POST, &confirmation).header("idempotency-key", "confirm");
        ApiResponse::read(request.json(&body).send().await?).await
    };
    let (first, second) = (send().await?.is(200)?, send().await?.is(200)?);
    ensure!(first.bytes == second.bytes && second.header("idempotent-replayed") == Some("true"));
    ada.post(&confirmation, &body).await?.is(409)?;
    let again = Authenticator::new()?;
    ada.post(&confirmation, &again.creation(&env.base_url, &setup, "Again")?).await?.is(409)?;
    let id = text(&shown(&ada).await?["passkeys"][0], "id")?;
    let at = clock::now().as_second() - 601;
    let token = token_with_claims(&ada, |claims| claims["auth_time"] = json!(at))?;
    let stale = TestUser { token: Some(token), ..env.visitor()? };
    begin(&stale).await?.is(403)?;
    stale.delete(&format!("{PASSKEYS}/{id}")).await?.is(403)?;
    bob.delete(&format!("{PASSKEYS}/{id}")).await?.is(404)?;
    ensure!(shown(&ada).await?["passkeys"].as_array().map(Vec::len) == Some(1));
    Ok(())
}
