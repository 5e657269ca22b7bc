//! Reports of shared images.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, text},
    test_env::{TestEnv, TestUser},
};

/// An image with a share link, which everyone can report.
pub struct SharedImage {
    /// The generation.
    pub id: String,
    /// The path of the link.
    pub link: String,
}

impl SharedImage {
    /// Generates an image of this user, and shares it.
    pub async fn of(user: &TestUser) -> Result<Self> {
        Self::link_to(user, text(&user.finished_image("a house by the sea").await?, "id")?).await
    }

    /// Shares the image of a generation.
    pub async fn link_to(user: &TestUser, id: String) -> Result<Self> {
        let share =
            user.post(&format!("/v1/generations/{id}/outputs/1/shares"), &json!({"expires_in_s": 3600})).await?;
        let link = format!("/v1/shared/{}", text(&share.is(201)?.json, "token")?);
        Ok(Self { id, link })
    }

    /// Returns a report of it from this address.
    pub async fn report(&self, env: &'static TestEnv, reason: &str, email: &str) -> Result<Value> {
        let item = env.visitor()?.get(&self.link).await?.is(200)?.json["report_token"].clone();
        Ok(json!({
            "item": item, "reason": reason, "explanation": "It shows my house.", "signature": "Bob Roberts",
            "email": email, "good_faith": true,
        }))
    }
}

/// Returns the cases of an account, newest first.
pub async fn cases(user: &TestUser) -> Result<Vec<Value>> {
    let page = user.get("/v1/moderation/cases").await?.is(200)?.json;
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

/// Returns the staff path of a case.
pub fn case_path(owner: &TestUser, case: &Value) -> Result<String> {
    Ok(format!("/v1/staff/accounts/{}/cases/{}", owner.account_id, text(case, "id")?))
}

/// Reads a case as staff.
pub async fn read_case(staff: &TestUser, path: &str) -> Result<ApiResponse> {
    ApiResponse::read(staff.request(Method::POST, &format!("{path}/reads")).send().await?).await
}

/// Decides a case, with an `Idempotency-Key`.
pub async fn decide(staff: &TestUser, path: &str, action: &str) -> Result<ApiResponse> {
    let body = json!({"action": action, "reason": "privacy", "explanation": "It shows a private house."});
    let path = format!("{path}/decision");
    let request = staff.request(Method::POST, &path).header("idempotency-key", &path[path.len() - 60..]);
    ApiResponse::read(request.json(&body).send().await?).await
}
