//! Passkeys as second factors.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    authenticator::Authenticator,
    world::{Answer, World, and, recent},
};

const ORIGIN: &str = "https://darkroom.example.com";
const PASSKEYS: &str = "/v1/account/second-factor/passkeys";

/// Begins to add a passkey.
async fn begin(world: &World) -> Result<Answer> {
    let change = and(recent(), json!({"path": PASSKEYS}));
    world.send("account/second-factor-begin-without-recent-sign-in", change).await
}

/// Confirms a passkey with this body.
async fn confirm(world: &World, body: Value) -> Result<Answer> {
    let change = json!({"path": format!("{PASSKEYS}/confirmation"), "body": body});
    world.send("account/second-factor-confirm-unknown-setup", change).await
}

/// Creates a world whose account has this passkey.
async fn world_with(passkey: &Authenticator) -> Result<World> {
    let world = World::new().await?;
    let setup = begin(&world).await?.is(200)?.body;
    confirm(&world, passkey.creation(ORIGIN, &setup, "Phone")?).await?.is(200)?;
    Ok(world)
}

/// Signs in with the right password and this beside it.
async fn sign_in(world: &World, proof: Value) -> Result<Answer> {
    let body = and(json!({"email": "ada@example.com", "password": "correct horse battery"}), proof);
    world.send("session/sign-in", json!({"body": body})).await
}

/// Sends the right password, and returns what the response asks a passkey for.
async fn challenge(world: &World) -> Result<Value> {
    let needed = sign_in(world, json!({})).await?.refused(401, "second-factor-needed")?;
    ensure!(needed.headers["set-cookie"].is_null(), "{needed:?}");
    Ok(needed.body["passkey"].clone())
}

#[tokio::test]
async fn passkey_signs_in_once_for_a_challenge() -> Result<()> {
    let mut phone = Authenticator::new()?;
    let world = world_with(&phone).await?;
    let request = challenge(&world).await?;
    ensure!(request["rp_id"] == "darkroom.example.com", "{request}");
    let proof = json!({"passkey": phone.assertion(ORIGIN, &request)?});
    sign_in(&world, proof.clone()).await?.is(200)?;
    sign_in(&world, proof).await?.refused(401, "wrong-second-factor")?;
    let proof = json!({"passkey": phone.assertion(ORIGIN, &challenge(&world).await?)?});
    sign_in(&world, proof).await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn wrong_password_does_not_tell_of_a_passkey() -> Result<()> {
    let world = world_with(&Authenticator::new()?).await?;
    world.aws.play("InitiateAuth", json!({"__type": "NotAuthorizedException", "message": "no"})).await;
    let answer = sign_in(&world, json!({})).await?.refused(401, "wrong-credentials")?;
    ensure!(answer.body["passkey"].is_null() && !answer.calls.contains(&"GetItem".to_owned()), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn assertion_of_another_site_key_or_challenge_is_refused() -> Result<()> {
    let mut phone = Authenticator::new()?;
    let world = world_with(&phone).await?;
    let setup = begin(&world).await?.is(200)?.body;
    let request = challenge(&world).await?;
    let of = |field: &str, value: &Value| and(request.clone(), json!({field: value}));
    let mut signed = phone.assertion(ORIGIN, &request)?;
    signed["signature"] = Authenticator::new()?.assertion(ORIGIN, &request)?["signature"].take();
    let wrong = [
        phone.assertion("https://darkroom.example.org", &request)?,
        phone.assertion(ORIGIN, &of("rp_id", &json!("example.com")))?,
        phone.assertion(ORIGIN, &of("challenge", &json!("Y2hhbGxlbmdl")))?,
        phone.assertion(ORIGIN, &of("challenge", &setup["challenge"]))?,
        Authenticator::new()?.assertion(ORIGIN, &request)?,
        signed,
    ];
    for assertion in wrong {
        sign_in(&world, json!({"passkey": assertion})).await?.refused(401, "wrong-second-factor")?;
    }
    sign_in(&world, json!({"passkey": phone.assertion(ORIGIN, &request)?})).await?.is(200)?;
    Ok(())
}

#[tokio::test]
async fn passkey_whose_count_falls_is_refused() -> Result<()> {
    let mut phone = Authenticator::new()?;
    phone.count = 5;
    let world = world_with(&phone).await?;
    for (before, accepted) in [(5, true), (4, false), (5, false), (6, true)] {
        phone.count = before;
        let proof = json!({"passkey": phone.assertion(ORIGIN, &challenge(&world).await?)?});
        let answer = sign_in(&world, proof).await?;
        ensure!((answer.status == 200) == accepted, "{before}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn passkey_and_code_are_not_sent_together() -> Result<()> {
    let mut phone = Authenticator::new()?;
    let world = world_with(&phone).await?;
    let passkey = phone.assertion(ORIGIN, &challenge(&world).await?)?;
    sign_in(&world, json!({"passkey": passkey, "code": "123456"})).await?.names(&["passkey"])?;
    Ok(())
}

#[tokio::test]
async fn passkey_is_added_for_its_account_challenge_and_site() -> Result<()> {
    let (world, phone) = (World::new().await?, Authenticator::new()?);
    let change = json!({"path": PASSKEYS});
    let stale = world.send("account/second-factor-begin-without-recent-sign-in", change).await?;
    stale.refused(403, "recent-sign-in-needed")?;
    let setup = begin(&world).await?.is(200)?.body;
    confirm(&world, phone.creation(ORIGIN, &setup, "two\nlines")?).await?.names(&["name"])?;
    let other_site = phone.creation("https://darkroom.example.org", &setup, "Phone")?;
    confirm(&world, other_site).await?.names(&["attestation_object"])?;
    let forged = and(setup.clone(), json!({"challenge": "Y2hhbGxlbmdl"}));
    confirm(&world, phone.creation(ORIGIN, &forged, "Phone")?).await?.names(&["client_data"])?;
    let body = phone.creation(ORIGIN, &setup, "Phone")?;
    let path = format!("{PASSKEYS}/confirmation");
    let stranger = and(world.stranger().await?, json!({"path": path, "body": body}));
    world.send("account/second-factor-confirm-unknown-setup", stranger).await?.names(&["client_data"])?;
    let codes = confirm(&world, body.clone()).await?.is(200)?.body;
    ensure!(codes["recovery_codes"].as_array().map(Vec::len) == Some(10), "{codes}");
    confirm(&world, body).await?.refused(409, "conflict")?;
    // One challenge adds one passkey.
    confirm(&world, Authenticator::new()?.creation(ORIGIN, &setup, "Laptop")?).await?.refused(409, "conflict")?;
    let next = begin(&world).await?.is(200)?.body;
    ensure!(next["exclude"].as_array().map(Vec::len) == Some(1), "{next}");
    let codes = confirm(&world, Authenticator::new()?.creation(ORIGIN, &next, "Laptop")?).await?.is(200)?.body;
    ensure!(codes["recovery_codes"] == json!([]), "{codes}");
    Ok(())
}

#[tokio::test]
async fn passkey_is_removed_by_its_owner_with_a_recent_sign_in() -> Result<()> {
    let world = world_with(&Authenticator::new()?).await?;
    let shown = world.send("account/second-factor", json!({})).await?.is(200)?.body;
    ensure!(
        shown["app"] == false && shown["passkeys"][0]["name"] == "Phone" && shown["recovery_codes"] == 10,
        "{shown}"
    );
    let path = format!("{PASSKEYS}/{}", shown["passkeys"][0]["id"].as_str().unwrap_or_default());
    let delete = json!({"path": path, "requestContext": {"http": {"method": "DELETE"}}});
    let event = "account/second-factor-begin-without-recent-sign-in";
    world.send(event, delete.clone()).await?.refused(403, "recent-sign-in-needed")?;
    let stranger = and(and(recent(), world.stranger().await?), delete.clone());
    world.send(event, stranger).await?.refused(404, "not-found")?;
    world.send(event, and(recent(), delete.clone())).await?.is(204)?;
    world.send(event, and(recent(), delete)).await?.refused(404, "not-found")?;
    let shown = world.send("account/second-factor", json!({})).await?.is(200)?.body;
    ensure!(shown == json!({"app": false, "passkeys": [], "recovery_codes": 0}), "{shown}");
    sign_in(&world, json!({})).await?.is(200)?;
    Ok(())
}
