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

/// Checks that two image files show the same picture, or do not. Their signatures and watermarks differ all the same.
pub fn check_same_picture(one: &[u8], other: &[u8], same: bool) -> Result<()> {
    let (one, other) = (image::load_from_memory(one)?.into_rgba8(), image::load_from_memory(other)?.into_rgba8());
    let sum: u64 = one.iter().zip(other.iter()).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    let difference = sum / u64::try_from(one.len().max(1))?;
    // A watermark changes each value by at most five, and by one on average.
    ensure!(one.dimensions() == other.dimensions() && (difference < 4) == same, "they differ by {difference}");
    Ok(())
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
