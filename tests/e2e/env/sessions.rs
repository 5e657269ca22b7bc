//! Sessions: signing in, tokens, mailed codes.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::accounts::email_change::{EmailChange, EmailChangeStage};
use reqwest::Method;
use ring::{rand::SystemRandom, signature};
use serde_json::{Value, json};

use crate::env::{
    faults::retry_until_answered,
    http::{ApiResponse, text},
    test_env::{PASSWORD, TestEnv, TestUser},
};

/// Splits a token into header, payload and signature.
pub fn token_parts(token: &str) -> Result<(&str, &str, &str)> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature)) => Ok((header, payload, signature)),
        _ => bail!("not a token"),
    }
}

/// Returns the user's token with changed claims, signed with the private key of the local user pool.
pub fn token_with_claims(ada: &TestUser, change: impl FnOnce(&mut Value)) -> Result<String> {
    let (header, payload, _) = token_parts(ada.token.as_deref().context("the user has no token")?)?;
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    change(&mut claims);
    let pool = ada.env.output("UserPoolId")?;
    sign_token(&ada.env.folder.join(format!("services/cognito-pool-keys/{pool}-access.pem")), header, &claims)
}

/// Signs a token with the private key in this file.
fn sign_token(key: &Path, header: &str, claims: &Value) -> Result<String> {
    let pem = std::fs::read_to_string(key).with_context(|| format!("no key at {}", key.display()))?;
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = signature::RsaKeyPair::from_pkcs8(&STANDARD.decode(der)?).map_err(|error| anyhow!("{error}"))?;
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public().modulus_len()];
    let signing = key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
    signing.map_err(|error| anyhow!("{error}"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Returns the code in the latest mail to an address.
pub async fn last_mailed_code(env: &TestEnv, to: &str) -> Result<String> {
    let mails = env.mails(to).await?;
    let last = mails.last().with_context(|| format!("{to} got no mail"))?;
    let is_code = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    let code = last.split([' ', '.', '\n']).find(is_code);
    Ok(code.with_context(|| format!("no code in {last}"))?.to_owned())
}

/// Checks that of the old and the new address only `expected` is the account's and signs in, and that no email change
/// is left.
pub async fn check_sign_in_address(ada: &TestUser, new: &str, expected: &str) -> Result<()> {
    let account = retry_until_answered(async || ada.get("/v1/account").await).await?.is(200)?.json;
    ensure!(account["email"] == expected, "{account}");
    for email in [&ada.email, new] {
        let status = if email == expected { 200 } else { 401 };
        let signed_in = try_sign_in(ada, email, PASSWORD).await?;
        signed_in.is(status).with_context(|| format!("{expected} is to be the address"))?;
    }
    let corrections = retry_until_answered(async || ada.get("/v1/account/corrections").await).await?.is(200)?.json;
    let times = corrections["items"].as_array().context("no corrections")?.len();
    ensure!(times == usize::from(expected == new), "{corrections}");
    let pending = ada.env.table()?.email_change(ada.account_id.parse()?).await?;
    let is_asked = |change: &EmailChange| matches!(change.stage, EmailChangeStage::Requested { .. });
    ensure!(pending.as_ref().is_none_or(is_asked), "{pending:?}");
    Ok(())
}

/// What a browser has of a session.
pub struct Session {
    pub access_token: String,
    /// The sealed value of the cookie.
    pub cookie: String,
    pub csrf_token: String,
}

impl Session {
    pub fn of(response: &ApiResponse) -> Result<Self> {
        let mut cookies = response.headers.get_all("set-cookie").into_iter();
        let cookie = cookies.next().context("no cookie")?.to_str()?;
        ensure!(cookies.next().is_none(), "more than one cookie");
        let value = cookie.split(';').next().and_then(|pair| pair.strip_prefix("__Host-refresh="));
        Ok(Self {
            access_token: text(&response.json, "access_token")?,
            cookie: value.context("another cookie")?.to_owned(),
            csrf_token: text(&response.json, "csrf_token")?,
        })
    }

    /// Signs in.
    pub async fn open(visitor: &TestUser, email: &str, password: &str) -> Result<Self> {
        Self::of(&try_sign_in(visitor, email, password).await?.is(200)?)
    }

    /// Refreshes the session.
    pub async fn refresh(&self, visitor: &TestUser) -> Result<ApiResponse> {
        send_tokens(visitor, "refresh", Some(&self.cookie), Some(&self.csrf_token)).await
    }
}

/// Posts to a session route.
pub async fn post_session(visitor: &TestUser, route: &str, body: &Value) -> Result<ApiResponse> {
    visitor.post(&format!("/v1/session/{route}"), body).await
}

/// Sends a sign-in request, which may be refused.
pub async fn try_sign_in(visitor: &TestUser, email: &str, password: &str) -> Result<ApiResponse> {
    post_session(visitor, "sign-in", &json!({"email": email, "password": password})).await
}

/// Sends a request without a body, with this cookie and CSRF token.
pub async fn send_tokens(
    visitor: &TestUser,
    route: &str,
    cookie: Option<&str>,
    csrf_token: Option<&str>,
) -> Result<ApiResponse> {
    let mut request = visitor.request(Method::POST, &format!("/v1/session/{route}"));
    if let Some(cookie) = cookie {
        request = request.header("cookie", format!("theme=dark; __Host-refresh={cookie}"));
    }
    if let Some(token) = csrf_token {
        request = request.header("x-csrf-token", token);
    }
    ApiResponse::read(request.send().await?).await
}
