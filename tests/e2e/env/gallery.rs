//! Listings, files and pages of images.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::env::{
    http::{ApiResponse, text},
    test_env::TestUser,
};

/// Downloads a link, which must exist.
pub async fn download(user: &TestUser, url: &Value) -> Result<Vec<u8>> {
    Ok(user.fetch(url.as_str().context("no link")?).await?.is(200)?.bytes)
}

/// Returns the ids on a page.
pub async fn listed_ids(user: &TestUser, path: &str) -> Result<Vec<String>> {
    let page = user.get(path).await?.is(200)?.json;
    page["items"].as_array().context("no items")?.iter().map(|item| text(item, "id")).collect()
}

/// Returns the HTML of a page.
pub fn html_of(page: &ApiResponse) -> Result<String> {
    ensure!(page.header("content-type") == Some("text/html; charset=utf-8"));
    Ok(String::from_utf8(page.bytes.clone())?)
}
