//! Log events and measurements of the functions.

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result, ensure};
use reqwest::header;
use runtime::telemetry::Metric;
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, PATIENCE, text},
    test_env::TestEnv,
};

/// Waits until the log events satisfy a condition, and returns them: lines of JSON parsed, others as text.
pub async fn wait_for_logs(env: &'static TestEnv, is: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
    let (visitor, started) = (env.visitor()?, Instant::now());
    loop {
        // The local AWS reads the end of a function's log at its next invocation: this invokes all processes.
        futures_util::future::try_join_all((0..8).map(|_| visitor.get("/v1/models"))).await?;
        let events = log_events(env).await?;
        if is(&events) {
            return Ok(events);
        }
        ensure!(started.elapsed() < PATIENCE, "not found among {} log events", events.len());
    }
}

/// Returns all log events: lines of JSON parsed, others as text.
pub async fn log_events(env: &TestEnv) -> Result<Vec<Value>> {
    let groups = cloudwatch_logs(env, "DescribeLogGroups", json!({})).await?;
    let mut events = Vec::new();
    for group in groups["logGroups"].as_array().context("no log groups")? {
        let mut request = BTreeMap::from([("logGroupName", group["logGroupName"].clone())]);
        loop {
            let page = cloudwatch_logs(env, "FilterLogEvents", json!(request)).await?;
            for event in page["events"].as_array().into_iter().flatten() {
                let message = text(event, "message")?;
                events.push(serde_json::from_str(&message).unwrap_or(Value::String(message)));
            }
            match page.get("nextToken") {
                Some(next) if !next.is_null() => request.insert("nextToken", next.clone()),
                _ => break,
            };
        }
    }
    Ok(events)
}

/// Counts the measurements of a metric.
pub async fn measurements(env: &TestEnv, metric: Metric) -> Result<usize> {
    Ok(count_of(metric, &log_events(env).await?))
}

/// Waits until a metric was measured more often than this.
pub async fn wait_for_metric(env: &'static TestEnv, metric: Metric, before: usize) -> Result<()> {
    let again = wait_for_logs(env, |events| count_of(metric, events) > before).await;
    again.map(drop).with_context(|| format!("{} was not measured", metric.name()))
}

fn count_of(metric: Metric, events: &[Value]) -> usize {
    events.iter().filter(|event| event["_aws"].is_object() && event.get(metric.name()).is_some()).count()
}

/// Calls CloudWatch Logs. The local AWS checks a service name, not the signature.
pub async fn cloudwatch_logs(env: &TestEnv, operation: &str, request: Value) -> Result<Value> {
    let scope =
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0";
    let call = reqwest::Client::new()
        .post(&env.endpoint)
        .header("x-amz-target", format!("Logs_20140328.{operation}"))
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(header::AUTHORIZATION, scope);
    Ok(ApiResponse::read(call.body(request.to_string()).send().await?).await?.is(200)?.json)
}
