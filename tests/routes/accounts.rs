//! Profile, corrections, address, session.

use anyhow::{Result, ensure};
use serde_json::json;

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
    World::new().await?.send("session/sign-up", json!({"body": {"email": "ada"}})).await?.names(&["email"])?;
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
