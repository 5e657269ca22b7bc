//! The catalogue as data: a version that staff publish reaches every function within a minute, and no submitted job.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::env::{
    http::PATIENCE,
    logs::log_events,
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![published_version_changes_quotes_within_a_minute_and_no_submitted_job,];

/// A model that only this test uses, so that its versions disturb no other test.
const MODEL: &str = "sketch-of-a-test";

/// Held by a test while it publishes: a version replaces the whole document, so two tests at once would undo each other's.
pub static PUBLISHING: Mutex<()> = Mutex::const_new(());

/// What no price of the test covers, in millionths of a US dollar.
const HIGH_COST: i64 = 500_000;

/// Why it is published: the words of staff are in no log.
const REASON: &str = "a price for a test";

/// Publishes a version with this model at this price and cost, or retired. A price below the cost has a reason.
async fn publish(staff: &TestUser, (credits, cost_microusd, state): (i64, i64, Value)) -> Result<Value> {
    let versions = staff.get("/v1/staff/catalogue/versions").await?.is(200)?.json;
    let expected = versions["items"].as_array().and_then(|items| Some(items.first()?["number"].clone()));
    let mut document = staff.get("/v1/staff/catalogue/versions/0").await?.is(200)?.json["document"].clone();
    let models = document["models"].as_array_mut().context("no models")?;
    let sketch = models.iter().find(|model| model["id"] == "sketch-image").context("no sketch")?;
    let mut model = sketch.clone();
    model["id"] = json!(MODEL);
    model["state"] = state;
    model["price"]["credits"] = json!(credits);
    model["offers"][0]["cost"]["microusd"] = json!(cost_microusd);
    model["sizes"].as_array_mut().context("no sizes")?.push(json!({"width": 64, "height": 64}));
    models.push(model);
    let mut body = json!({"expected": expected.unwrap_or(json!(0)), "reason": REASON, "document": document});
    if cost_microusd == HIGH_COST {
        body["low_prices_reason"] = json!("an offer for a week");
    }
    Ok(staff.post("/v1/staff/catalogue/versions", &body).await?.is(201)?.json)
}

fn request(prompt: &str) -> Value {
    json!({"model": MODEL, "prompt": prompt, "width": 320, "height": 320})
}

/// How long a process of a function keeps a version. Another process may still have the one before when the first quote is new.
const KEPT: Duration = Duration::from_secs(31);

/// Waits until every process has the version that was just published, and the quote says this, for a minute at most.
async fn quoted(user: &TestUser, is: impl Fn(u16, &Value) -> bool) -> Result<Value> {
    let started = Instant::now();
    loop {
        let quote = user.post("/v1/generations/quote", &request("a")).await?;
        if started.elapsed() > KEPT && is(quote.status.as_u16(), &quote.json) {
            return Ok(quote.json);
        }
        ensure!(started.elapsed() < PATIENCE, "{quote:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn published_version_changes_quotes_within_a_minute_and_no_submitted_job(env: &'static TestEnv) -> Result<()> {
    let _publishing = PUBLISHING.lock().await;
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let first = publish(&grace, (2, 1_000, json!("active"))).await?["number"].clone();
    let quote = quoted(&ada, |status, _| status == 200).await?;
    ensure!(quote["credits"] == 2 && quote["catalogue"] == first, "{quote}");

    // No other job is paid for what is too small for its label: it ends at once, and nothing is spent.
    let small =
        json!({"model": MODEL, "prompt": "[sketch:job] small", "width": 64, "height": 64, "visible_label": true});
    let ended = ada.ended(&ada.submit(&small).await?).await?;
    ensure!(ended["failure"]["code"] == "invalid_input" && ended["credits"]["spent"] == 0, "{ended}");

    // What is submitted before a version keeps its price, and ends after its model was retired.
    let before = ada.submit(&request("[sketch:job] before")).await?;
    publish(&grace, (5, HIGH_COST, json!("active"))).await?;
    quoted(&ada, |_, quote| quote["credits"] == 5).await?;
    let after = ada.submit(&request("[sketch:job] after")).await?;
    publish(&grace, (5, 1_000, json!({"retired": "2026-01-01"}))).await?;
    quoted(&ada, |status, _| status == 400).await?;
    let started = Instant::now();
    loop {
        let models = env.visitor()?.get("/v1/models").await?.is(200)?.json;
        let listed = models["models"].as_array().context("no models")?.iter().any(|model| model["id"] == MODEL);
        if !listed {
            break;
        }
        ensure!(started.elapsed() < PATIENCE, "the retired model is still listed");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for (id, spent) in [(before, 2), (after, 5)] {
        let ended = ada.ended(&id).await?;
        ensure!(ended["status"] == "succeeded" && ended["credits"]["spent"] == spent, "{ended}");
    }
    ensure!(ada.credits().await? == (33, 0));

    // What they earned and cost is known without them.
    let day = runtime::clock::now().to_zoned(TimeZone::UTC).date().to_string();
    let margins = grace.get(&format!("/v1/staff/margins/{}", &day[..7])).await?.is(200)?.json;
    let of_model = margins["days"].as_array().context("no days")?.iter().filter(|sum| sum["model"] == MODEL);
    let sum = |field: &str| of_model.clone().filter_map(|sum| sum[field].as_i64()).sum::<i64>();
    let sums = ["generations", "outputs", "credits", "cost_microusd"].map(sum);
    ensure!(sums == [3, 2, 7, 2_000 + HIGH_COST], "{margins}");
    ensure!(!margins.to_string().contains(&ada.account_id), "{margins}");
    let logged = log_events(env).await?.iter().any(|line| line.to_string().contains(REASON));
    ensure!(!logged, "the reason is in a log");
    Ok(())
}
