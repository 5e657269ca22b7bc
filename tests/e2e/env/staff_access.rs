//! Staff access to an account, its access log, and the review list.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, text},
    test_env::TestUser,
};

/// Returns all open cases of this kind on the review list.
pub async fn reviews(staff: &TestUser, kind: &str) -> Result<Vec<Value>> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = staff.get(&format!("/v1/staff/reviews?limit=100{next}")).await?.is(200)?.json;
        let items = page["items"].as_array().context("no items")?;
        found.extend(items.iter().filter(|item| item["kind"] == kind).cloned());
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return Ok(found),
        }
    }
}

/// A staff member's access to an account.
pub struct StaffAccess<'a> {
    pub staff: &'a TestUser,
    pub path: String,
    pub id: String,
    pub name: String,
}

impl<'a> StaffAccess<'a> {
    /// Opens an access for ten minutes.
    pub async fn to(staff: &'a TestUser, owner: &TestUser) -> Result<Self> {
        Self::with(staff, owner, json!({})).await
    }

    pub async fn with(staff: &'a TestUser, owner: &TestUser, more: Value) -> Result<Self> {
        let path = format!("/v1/staff/accounts/{}/accesses", owner.account_id);
        let mut body = json!({"reference": "T-17", "reason": "she asked why it failed", "minutes": 10});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let opened = staff.post(&path, &body).await?.is(201)?.json;
        let (id, name) = (text(&opened, "id")?, text(&opened, "staff")?);
        Ok(Self { staff, path: format!("{path}/{id}"), id, name })
    }

    /// Has another staff member approve it.
    pub async fn approve(&self, other: &TestUser) -> Result<()> {
        approve(other, &self.path).await?.is(204).map(drop)
    }

    /// Replies to a ticket under this access.
    pub async fn reply(&self, ticket: &str, body: &Value) -> Result<ApiResponse> {
        self.staff.post(&format!("{}/tickets/{ticket}/messages", self.path), body).await
    }

    /// Reads something under this access.
    pub async fn read(&self, at: &str) -> Result<ApiResponse> {
        self.staff.get(&format!("{}/{at}", self.path)).await
    }
}

/// Approves the access or disclosure at this path.
pub async fn approve(staff: &TestUser, path: &str) -> Result<ApiResponse> {
    let mut parts: Vec<_> = path.split('/').collect();
    let kind = parts.len().checked_sub(2).and_then(|at| parts.get_mut(at)).context("no path of an access")?;
    *kind = "approvals";
    ApiResponse::read(staff.request(Method::POST, &parts.join("/")).send().await?).await
}

/// Returns the access log as the account owner sees it.
pub async fn access_log(owner: &TestUser) -> Result<Vec<Value>> {
    let page = owner.get("/v1/account/access-log?limit=100").await?.is(200)?.json;
    ensure!(page["next"].is_null(), "the access log is longer than a page");
    Ok(page["items"].as_array().context("no lines")?.clone())
}
