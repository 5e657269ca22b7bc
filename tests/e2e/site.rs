//! The web client as it is served: security headers, caching, and unknown paths.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use crate::env::{gallery::html_of, http::ApiResponse, test_env::TestEnv, trial::tests};

tests![
    web_client_is_served_with_a_strict_security_policy,
    assets_are_immutable_and_the_page_is_revalidated,
    unknown_page_returns_html_and_unknown_route_a_problem,
];

async fn web_client_is_served_with_a_strict_security_policy(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    for path in ["/", "/gallery", "/privacy/deletion", "/nothing/like/this", "/s/nothing"] {
        let page = visitor.get(path).await?;
        let policy = page.header("content-security-policy").context("no policy")?;
        ensure!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}: {policy}");
        for part in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "trusted-types 'none'"] {
            ensure!(policy.contains(part), "{path}: {part} is missing in {policy}");
        }
        ensure!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        ensure!(policy.contains(&format!("connect-src 'self' {};", env.endpoint)), "{path}: {policy}");
        ensure!(page.header("referrer-policy") == Some("no-referrer"), "{path}");
        ensure!(page.header("x-content-type-options") == Some("nosniff"), "{path}");
        ensure!(page.header("set-cookie").is_none(), "{path} sets a cookie");
    }
    Ok(())
}

async fn assets_are_immutable_and_the_page_is_revalidated(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    let page = visitor.get("/").await?.is(200)?;
    ensure!(page.header("cache-control") == Some("no-cache"));
    let tag = page.header("etag").context("no tag")?.to_owned();
    let again = visitor.request(reqwest::Method::GET, "/").header("if-none-match", &tag).send().await?;
    ensure!(again.status() == 304, "{}", again.status());

    let assets = assets_of(&html_of(&page)?);
    ensure!(assets.len() > 3, "{assets:?}");
    for asset in assets {
        let request = visitor.request(reqwest::Method::GET, &asset).header("accept-encoding", "br");
        let response = ApiResponse::read(request.send().await?).await?.is(200)?;
        ensure!(response.header("cache-control") == Some("public, max-age=31536000, immutable"), "{asset}");
        ensure!(asset.ends_with(".woff2") || response.header("content-encoding") == Some("br"), "{asset}");
    }
    visitor.get("/assets/none.js").await?.is(404)?;
    // Link checkers send HEAD.
    for (path, status) in [("/", 200), ("/gallery", 200), ("/nothing/like/this", 404), ("/s/nothing", 404)] {
        let head = ApiResponse::read(visitor.request(reqwest::Method::HEAD, path).send().await?).await?.is(status)?;
        ensure!(head.bytes.is_empty() && head.header("content-security-policy").is_some(), "{path}: {head:?}");
    }
    Ok(())
}

async fn unknown_page_returns_html_and_unknown_route_a_problem(env: &'static TestEnv) -> Result<()> {
    let visitor = env.visitor()?;
    let page = visitor.get("/nothing/like/this").await?.is(404)?;
    ensure!(page.header("content-type") == Some("text/html; charset=utf-8"));
    let route = visitor.get("/v1/nothing/like/this").await?.is(404)?;
    ensure!(route.json["type"] == "urn:darkroom:problem:not-found", "{:?}", route.json);
    Ok(())
}

/// Returns the paths under `/assets/` that the page names.
fn assets_of(html: &str) -> BTreeSet<String> {
    html.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned).collect()
}
