//! Profile, corrections, address, session.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn stale_version_cannot_be_corrected() -> Result<()> {
    let world = World::new().await?;
    let stale = json!({"headers": {"if-match": "\"99\""}});
    world.send("account/correct", stale).await?.refused(412, "precondition-failed")?;
    let tag = world.send("account/read", json!({})).await?.is(200)?.headers["etag"].clone();
    world.send("account/correct", json!({"headers": {"if-match": tag}})).await?.is(200)?;
    ensure!(world.account().await?.display_name.as_deref() == Some("Ada"));
    Ok(())
}

#[tokio::test]
async fn correction_names_what_breaks_a_rule() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"display_name": "two\nlines", "preferences": {"theme": "dark", "language": "not a language"}});
    world.send("account/correct", json!({"body": body})).await?.names(&["display_name", "preferences.language"])?;
    world.send("account/correct", json!({"body": {"plan": "pro"}})).await?.names(&["plan"])?;
    Ok(())
}

#[tokio::test]
async fn address_cannot_change_without_mail() -> Result<()> {
    World::new().await?.send("account/email-without-mail", json!({})).await?.refused(409, "conflict")?;
    Ok(())
}

#[tokio::test]
async fn sign_in_sets_a_host_only_cookie_and_hides_the_refresh_token() -> Result<()> {
    let world = World::new().await?;
    let answer = world.send("session/sign-in", json!({})).await?.is(200)?;
    ensure!(!answer.body.to_string().contains("a-refresh-token"), "{answer:?}");
    ensure!(answer.body["access_token"].is_string() && answer.body["csrf_token"].is_string(), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn wrong_password_is_unauthorized() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("InitiateAuth", json!({"__type": "NotAuthorizedException", "message": "no"})).await;
    let answer = world.send("session/sign-in", json!({})).await?;
    ensure!(answer.status == 401, "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn refresh_needs_the_csrf_token_of_its_cookie() -> Result<()> {
    let world = World::new().await?;
    let forged = json!({"headers": {"x-csrf-token": "forged"}});
    let answer = world.send("session/refresh", forged).await?;
    ensure!(answer.status == 401 && !answer.calls.contains(&"GetTokensFromRefreshToken".to_owned()), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn sign_up_names_an_address_that_is_none() -> Result<()> {
    World::new()
        .await?
        .send("session/sign-up", json!({"body": {"email": "ada", "terms": "2026-11-30"}}))
        .await?
        .names(&["email"])?;
    Ok(())
}

#[tokio::test]
async fn sign_up_names_terms_that_are_missing_or_older() -> Result<()> {
    for body in [json!({"email": "ada@example.com"}), json!({"email": "ada@example.com", "terms": "2020-01-01"})] {
        let world = World::new().await?;
        let answer = world.send("session/sign-up", json!({"body": body})).await?;
        ensure!(!answer.calls.iter().any(|call| call == "SignUp"), "{answer:?}");
        answer.names(&["terms"])?;
    }
    Ok(())
}

#[tokio::test]
async fn page_of_the_client_forbids_foreign_scripts() -> Result<()> {
    let answer = World::new().await?.send("site/page", json!({})).await?.is(200)?;
    let policy = answer.headers["content-security-policy"].as_str().unwrap_or_default();
    ensure!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    Ok(())
}

#[tokio::test]
async fn api_describes_itself() -> Result<()> {
    let answer = World::new().await?.send("openapi/read", json!({})).await?.is(200)?;
    ensure!(answer.body["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{answer:?}");
    Ok(())
}

const DAILY_LIMIT: &str = "Exceeded daily email limit for the operation or the account.";

#[tokio::test]
async fn exhausted_mail_quota_is_503_for_every_address() -> Result<()> {
    for event in ["session/sign-up", "session/forgot"] {
        let world = World::new().await?;
        world.aws.play("ForgotPassword", json!({"__type": "LimitExceededException", "message": DAILY_LIMIT})).await;
        // An address that is registered, and one that is not, for which the user pool claims that it sent a code.
        for code in [None, Some("UsernameExistsException")] {
            if let Some(code) = code {
                world.aws.play("SignUp", json!({"__type": code})).await;
            }
            let answer = world.send(event, json!({})).await?;
            ensure!(answer.status == 503 && answer.headers["retry-after"] == "900", "{answer:?}");
            ensure!(answer.body["type"] == "urn:darkroom:problem:mail-unavailable", "{answer:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn after_the_mail_quota_ran_out_unregistered_addresses_get_the_same_response() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("ForgotPassword", json!({"__type": "LimitExceededException", "message": DAILY_LIMIT})).await;
    world.send("session/forgot", json!({})).await?.refused(503, "mail-unavailable")?;
    // The fake counts nothing: this is what the counter is after that.
    world.aws.play("GetItem", json!({"Item": {"hits": {"N": "1"}}})).await;
    world.aws.play("ForgotPassword", json!({})).await;
    let stranger = world.send("session/forgot", json!({"body": {"email": "nobody@example.com"}})).await?;
    ensure!(!stranger.calls.iter().any(|call| call == "ForgotPassword"), "{stranger:?}");
    stranger.refused(503, "mail-unavailable")?;
    Ok(())
}

#[tokio::test]
async fn codes_that_one_user_asked_for_too_often_stop_no_other_mail() -> Result<()> {
    let world = World::new().await?;
    let attempts =
        json!({"__type": "LimitExceededException", "message": "Attempt limit exceeded, please try after some time."});
    world.aws.play("ForgotPassword", attempts).await;
    let before = world.send("session/forgot", json!({})).await?.is(202)?;
    let counted = |calls: &[String]| calls.iter().filter(|call| *call == "UpdateItem").count();
    world.aws.play("ForgotPassword", json!({})).await;
    let after = world.send("session/forgot", json!({})).await?.is(202)?;
    ensure!(counted(&before.calls) == counted(&after.calls), "{before:?} {after:?}");
    Ok(())
}

#[tokio::test]
async fn mail_that_is_not_accepted_is_503_where_every_address_is_mailed() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("ForgotPassword", json!({"__type": "CodeDeliveryFailureException"})).await;
    world.send("session/sign-up", json!({})).await?.refused(503, "mail-unavailable")?;
    // A forgotten password is mailed to registered addresses only.
    world.send("session/forgot", json!({})).await?.is(202)?;
    Ok(())
}

/// Says for each text whether the pattern matches it, as Node.js reads patterns.
fn matches(pattern: &Value, texts: &[&str]) -> Result<Vec<bool>> {
    let program =
        format!("console.log(JSON.stringify({}.map((text) => new RegExp({pattern}).test(text))))", json!(texts));
    let output = interpreters::node(&mut ())?.command("node").args(["-e", &program]).output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn described_idempotency_keys_are_those_that_are_accepted() -> Result<()> {
    let world = World::new().await?;
    let document = world.send("openapi/read", json!({})).await?.is(200)?.body;
    let parameters = document["paths"]["/v1/uploads"]["post"]["parameters"].as_array().context("no parameters")?;
    let key = parameters.iter().find(|parameter| parameter["name"] == "Idempotency-Key").context("no key")?;
    let (longest, longer) = ("k".repeat(64), "k".repeat(65));
    let keys =
        ["k-1", "\"k-1\"", "~!#[]+", &longest, &longer, "\"", "\"\"", "\"k", "k\"", "a\"b", "a,b", "a\\b", "a b"];
    let described = matches(&key["schema"]["pattern"], &keys)?;
    ensure!(described.contains(&true) && described.contains(&false), "{described:?}");
    for (key, is_described) in keys.iter().zip(described) {
        let answer = world.send("upload-presign/create", json!({"headers": {"idempotency-key": key}})).await?;
        ensure!((answer.status != 400) == is_described, "{key}: {answer:?}");
    }
    Ok(())
}
