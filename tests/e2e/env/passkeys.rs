//! Passkeys of the users.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

pub use crate::authenticator::Authenticator;
use crate::env::{
    http::ApiResponse,
    test_env::{PASSWORD, TestUser},
};

pub const PASSKEYS: &str = "/v1/account/second-factor/passkeys";

/// Begins to add a passkey.
pub async fn begin(user: &TestUser) -> Result<ApiResponse> {
    ApiResponse::read(user.request(Method::POST, PASSKEYS).send().await?).await
}

/// Adds a passkey to the account of a user. Returns the response to the confirmation.
pub async fn register(user: &TestUser, passkey: &Authenticator, name: &str) -> Result<ApiResponse> {
    let setup = begin(user).await?.is(200)?.json;
    user.post(&format!("{PASSKEYS}/confirmation"), &passkey.creation(&user.env.base_url, &setup, name)?).await
}

/// Sends the right password alone, and returns what the response asks a passkey for.
pub async fn challenge(user: &TestUser) -> Result<Value> {
    let credentials = json!({"email": user.email, "password": PASSWORD});
    let refused = user.post("/v1/session/sign-in", &credentials).await?.is(401)?.json;
    ensure!(refused["type"] == "urn:darkroom:problem:second-factor-needed", "{refused}");
    Ok(refused["passkey"].clone())
}

/// Signs a challenge, and sends it with the password.
pub async fn answer(user: &TestUser, passkey: &mut Authenticator, challenge: &Value) -> Result<ApiResponse> {
    send(user, &passkey.assertion(&user.env.base_url, challenge)?).await
}

/// Signs a user in with the password and a passkey. Returns the second response.
pub async fn sign_in(user: &TestUser, passkey: &mut Authenticator) -> Result<ApiResponse> {
    answer(user, passkey, &challenge(user).await?).await
}

/// Sends the password with what a passkey signed.
pub async fn send(user: &TestUser, assertion: &Value) -> Result<ApiResponse> {
    let credentials = json!({"email": user.email, "password": PASSWORD, "passkey": assertion});
    user.post("/v1/session/sign-in", &credentials).await
}
