//! Limits of requests: those of one account that change something, and those that everyone can send.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::env::{test_env::TestEnv, trial::tests, windows::use_up};

tests![p11_mutating_requests_per_account_are_rate_limited, p11_open_reads_per_network_are_rate_limited,];

async fn p11_mutating_requests_per_account_are_rate_limited(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    ada.patch("/v1/account", &json!({"display_name": "Ada"})).await?.is(200)?;
    use_up(env, "writes", ada.account()?.0.as_bytes(), 1).await?;
    let generation = json!({"model": "sketch-image", "prompt": "a vase"});
    for (path, body) in
        [("/v1/generations", &generation), ("/v1/support/tickets", &json!({"subject": "A", "text": "B"}))]
    {
        let refused = ada.post(path, body).await?.is(429)?;
        ensure!(refused.json["type"] == "urn:darkroom:problem:rate-limited", "{}", refused.json);
        let wait: u64 = refused.header("retry-after").context("no Retry-After")?.parse()?;
        ensure!((1..=60).contains(&wait), "{wait}");
    }
    ada.patch("/v1/account", &json!({"display_name": "Grace"})).await?.is(429)?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["display_name"] == "Ada");
    ensure!(ada.credits().await? == (40, 0));
    bob.patch("/v1/account", &json!({"display_name": "Bob"})).await?.is(200).map(drop)
}

async fn p11_open_reads_per_network_are_rate_limited(env: &'static TestEnv) -> Result<()> {
    let reads = [
        ("Gallery", "gallery/public", 200),
        ("Gallery", "gallery/shared", 404),
        ("PrivacyDelete", "privacy-delete/receipt", 404),
        ("Site", "site/shared", 404),
        ("Site", "site/card", 404),
    ];
    for (function, event, status) in reads {
        ensure!(read_from(env, function, event, "203.0.113.200").await? == (status, false), "{event}");
    }
    // The requests of the /24 are counted together. It may send four times as many as one address.
    use_up(env, "reads", b"203.0.113.0/24", 3).await?;
    ensure!(read_from(env, "Gallery", "gallery/public", "203.0.113.201").await?.0 == 200);
    use_up(env, "reads", b"203.0.113.0/24", 1).await?;
    for (function, event, status) in reads {
        ensure!(read_from(env, function, event, "203.0.113.201").await? == (429, true), "{event}");
        ensure!(read_from(env, function, event, "198.51.100.201").await? == (status, false), "{event}");
    }
    Ok(())
}

/// Sends a request from an address. Returns the status, and whether the response says when to try again.
async fn read_from(env: &TestEnv, function: &str, event: &str, address: &str) -> Result<(u64, bool)> {
    let event = std::fs::read_to_string(stack::workspace().join(format!("events/{event}.json")))?;
    let mut event: Value = serde_json::from_str(&event)?;
    event["requestContext"]["http"]["sourceIp"] = json!(address);
    let response = env.invoke(function, &event).await?;
    let status = response["statusCode"].as_u64().with_context(|| format!("no status: {response}"))?;
    Ok((status, response["headers"]["retry-after"].is_string()))
}
