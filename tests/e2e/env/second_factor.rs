//! Second factors: what a person has in their authenticator app and on paper.

use anyhow::{Context, Result};
use domain::staff::role::Role;
use runtime::{clock, totp};
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, text},
    test_env::{TestEnv, TestUser},
};

pub const SECOND_FACTOR: &str = "/v1/account/second-factor";
pub const APP: &str = "/v1/account/second-factor/app";

/// An authenticator app that is set up.
pub struct Factor {
    secret: Vec<u8>,
    /// The step of the code that turned it on.
    step: i64,
    recovery_codes: Vec<Value>,
}

impl Factor {
    /// Sets up an authenticator app, with its first code.
    pub async fn set_up(user: &TestUser) -> Result<Self> {
        let setup = begin(user).await?.is(200)?.json;
        let secret = secret(&setup)?;
        let step = totp::step(clock::now());
        let on = confirm(user, &text(&setup, "setup")?, &totp::code(&secret, step)).await?.is(200)?.json;
        let recovery_codes = on["recovery_codes"].as_array().context("no recovery codes")?.clone();
        Ok(Self { secret, step, recovery_codes })
    }

    /// Returns the code that the app shows this many steps after the first code.
    pub fn code(&self, later: i64) -> String {
        totp::code(&self.secret, self.step + later)
    }

    pub fn recovery_code(&self, number: usize) -> Result<&str> {
        self.recovery_codes.get(number).and_then(Value::as_str).context("no such recovery code")
    }
}

impl TestEnv {
    /// Creates a staff member who may do everything.
    pub async fn staff(&'static self) -> Result<TestUser> {
        self.staff_with(Role::Administrator).await
    }

    /// Creates a staff member with a role.
    pub async fn staff_with(&'static self, role: Role) -> Result<TestUser> {
        let mut user = self.user().await?;
        let (pool, clients) = (self.output("UserPoolId")?, self.clients()?);
        let group = clients.cognito().admin_add_user_to_group().user_pool_id(pool).group_name(role.group());
        group.username(&user.email).send().await?;
        let factor = Factor::set_up(&user).await?;
        // Only tokens that are issued from now on contain the group, and are protected by the second factor.
        user.sign_in_with(factor.recovery_code(0)?).await?.is(200)?;
        Ok(user)
    }
}

/// Begins to set up an authenticator app.
pub async fn begin(user: &TestUser) -> Result<ApiResponse> {
    ApiResponse::read(user.request(reqwest::Method::POST, APP).send().await?).await
}

/// Sends the first code of the app.
pub async fn confirm(user: &TestUser, setup: &str, code: &str) -> Result<ApiResponse> {
    user.post(&format!("{APP}/confirmation"), &json!({"setup": setup, "code": code})).await
}

/// Decodes the secret of a setup, as an authenticator app does.
pub fn secret(setup: &Value) -> Result<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for symbol in text(setup, "secret")?.bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'2'..=b'7' => symbol - b'2' + 26,
            _ => anyhow::bail!("not base32: {setup}"),
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff)?);
        }
    }
    Ok(bytes)
}
