//! The catalogue as data: a version that staff publish reaches every function within a minute, and no submitted job.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use runtime::telemetry::Metric;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::env::{
    http::{PATIENCE, text},
    logs::{log_events, measurements, wait_for_metric},
    provider_stub::{ModelFate, provider_stub},
    recorder::locked,
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    published_version_changes_quotes_within_a_minute_and_no_submitted_job,
    providers_are_asked_about_models_once_a_day_and_what_ends_is_shown,
];

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
    model["offers"][0]["usual_s"] = json!(4);
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
    let before = ada.post("/v1/generations", &request("[sketch:job] before")).await?.is(202)?.json;
    ensure!(before["poll_after_s"] == 2, "it usually takes 4 seconds, so nobody need ask after one: {before}");
    let before = text(&before, "id")?;
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

/// A day that no other test and no schedule reaches.
const DAY: &str = "2031-03-01T00:07:00Z";

async fn providers_are_asked_about_models_once_a_day_and_what_ends_is_shown(env: &'static TestEnv) -> Result<()> {
    let (stub, grace) = (provider_stub()?, env.staff().await?);
    let first: Timestamp = DAY.parse()?;
    let ask = async |hours: i64| {
        let at = first + SignedDuration::from_hours(hours);
        env.invoke("WatchExpiry", &json!({"time": at.to_string()})).await
    };
    let shown = async || Ok::<_, anyhow::Error>(grace.get("/v1/staff/models").await?.is(200)?.json);
    let notice = |models: &Value, provider: &str| {
        let findings = models["findings"].as_array().into_iter().flatten();
        let mut of = findings.filter(|finding| finding["model"] == "flux-schnell" && finding["provider"] == provider);
        of.next().map(|finding| (finding["notice"].clone(), finding["since"].clone()))
    };
    let [openai, replicate, fal] = ["gpt-image-2", "black-forest-labs/flux-schnell", "fal-ai/flux/schnell"];
    stub.decide(openai, ModelFate::ShutsDown("2031-03-31".to_owned()));
    stub.decide(replicate, ModelFate::Gone);
    stub.decide(fal, ModelFate::Deprecated);
    let (ending, silent) =
        (measurements(env, Metric::EndingModels).await?, measurements(env, Metric::UnansweredModels).await?);

    let asked = ask(0).await?;
    ensure!(asked["pressing"] == 3 && asked["unanswered"] == 0, "{asked}");
    let requests = stub.asked_about_models().len();
    ensure!(requests > 3, "{requests} requests");
    let models = shown().await?;
    ensure!(models["asked_at"] == DAY && models["unanswered"] == 0, "{models}");
    ensure!(notice(&models, "replicate") == Some((json!({"kind": "gone"}), json!(DAY))), "{models}");
    ensure!(notice(&models, "fal") == Some((json!({"kind": "deprecated"}), json!(DAY))), "{models}");
    let findings = models["findings"].as_array().context("no findings")?;
    let ends = json!({"kind": "shuts_down", "on": "2031-03-31"});
    ensure!(
        findings.iter().any(|finding| finding["provider_model"] == openai && finding["notice"] == ends),
        "{models}"
    );
    wait_for_metric(env, Metric::EndingModels, ending).await?;

    // The events of the other hours find that it was done.
    let again = ask(23).await?;
    ensure!(again["asked"] == 0 && stub.asked_about_models().len() == requests, "{again}");
    ensure!(shown().await? == models, "another event of the day changed something");

    // On the next day a provider is down: that is no finding, and ends none, and it alone is asked again. What another says anew
    // counts.
    stub.decide(replicate, ModelFate::Down);
    locked(&stub.fates).remove(fal);
    let next = ask(24).await?;
    ensure!(next["pressing"] == 2 && next["unanswered"] == 1, "{next}");
    let models = shown().await?;
    ensure!(models["unanswered"] == 1 && notice(&models, "fal").is_none(), "{models}");
    ensure!(notice(&models, "replicate") == Some((json!({"kind": "gone"}), json!(DAY))), "{models}");
    wait_for_metric(env, Metric::UnansweredModels, silent).await?;
    let still = ask(25).await?;
    ensure!(still["asked"] == 1 && still["unanswered"] == 1 && still["pressing"] == 2, "{still}");
    locked(&stub.fates).remove(replicate);
    let answered = ask(26).await?;
    ensure!(answered["asked"] == 1 && answered["unanswered"] == 0 && answered["pressing"] == 1, "{answered}");
    ensure!(ask(27).await?["asked"] == 0, "it is asked again although it has answered");

    // A provider that is down for a whole day is an alarm on the next.
    stub.decide(replicate, ModelFate::Down);
    ensure!(ask(48).await?["silent_all_day"] == 0, "a day with an answer is an alarm");
    let silent = measurements(env, Metric::SilentModels).await?;
    ensure!(ask(71).await?["unanswered"] == 1, "it is not asked in the last hour");
    let next = ask(72).await?;
    ensure!(next["silent_all_day"] == 1, "{next}");
    wait_for_metric(env, Metric::SilentModels, silent).await?;
    locked(&stub.fates).clear();
    let last = ask(96).await?;
    ensure!(last["pressing"] == 0 && shown().await?["findings"] == json!([]), "{last}");

    // Providers learn nothing but which models are asked about.
    let seen = locked(&stub.seen).clone();
    let bodies = seen.iter().filter(|asked| asked.line.starts_with("GET /v1/models") && !asked.body.is_empty());
    ensure!(bodies.count() == 0, "a question has a body");
    Ok(())
}
