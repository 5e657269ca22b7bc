//! Observability: metrics and alarms, finding the cause of an error, and logs without personal data.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalogue;
use jiff::SignedDuration;
use libtest_mimic::{Failed, Trial};
use reqwest::{Method, header};
use runtime::telemetry::{Metric, namespace};
use serde_json::{Value, json};

use crate::{
    env::{
        checkouts::Checkout,
        http::{ApiResponse, text},
        logs::{log_events, measurements, wait_for_logs, wait_for_metric},
        table::{account_item, put_item, scan, string},
        test_env::{MAIL_IDENTITY, PASSWORD, TestEnv, new_address},
        trial::{TestEnvs, tests, trial},
    },
    template::deployed,
};

tests![
    balance_that_differs_from_the_ledger_is_measured,
    account_without_welcome_credits_is_measured,
    mail_that_is_not_accepted_is_measured,
];

/// Lists the checks that run on each stack after its tests.
pub fn checks(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    vec![
        trial(envs, "observability::p15_metrics_and_alarms_match".to_owned(), |env| {
            Box::pin(p15_metrics_and_alarms_match(env))
        }),
        trial(envs, "observability::p13_logs_trace_errors_without_personal_data".to_owned(), |env| {
            Box::pin(p13_logs_trace_errors_without_personal_data(env))
        }),
    ]
}

/// Returns the check of all stacks together, for a run of the whole suite.
pub fn check_all_envs(envs: &[&'static TestEnv]) -> Trial {
    let envs = envs.to_vec();
    Trial::test("observability::every_metric_is_measured", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(every_metric_is_measured(&envs)).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Checks that the suite makes the functions measure every metric.
async fn every_metric_is_measured(envs: &[&TestEnv]) -> Result<()> {
    let mut events = Vec::new();
    for env in envs {
        events.extend(log_events(env).await?);
    }
    let is_measured = |metric: &Metric| {
        let definition = |event: &Value| {
            let of = &event["_aws"]["CloudWatchMetrics"][0];
            of["Metrics"][0]["Name"] == metric.name() && of["Namespace"] == namespace(STAGE)
        };
        events.iter().any(definition)
    };
    let can_be = |metric: &Metric| !LOCALLY_UNMEASURED.contains(metric);
    let missing: Vec<_> = Metric::ALL.into_iter().filter(|metric| can_be(metric) && !is_measured(metric)).collect();
    ensure!(missing.is_empty(), "never measured: {missing:?}");
    Ok(())
}

/// The stage of the tests.
const STAGE: &str = "dev";

/// The local user pool has no quota of mails, and `dev` no certificate. The test of metrics in `infra/bench` plays both.
const LOCALLY_UNMEASURED: [Metric; 2] = [Metric::UnsentCodes, Metric::SiteCertificateDays];

/// Metrics by name and names of dimensions.
type Watched = BTreeSet<(String, Vec<String>)>;

async fn p15_metrics_and_alarms_match(env: &'static TestEnv) -> Result<()> {
    let monitoring = deployed(env, "Dashboard").await?;
    let (alarms, watched_providers) = alarms(&monitoring)?;
    ensure!(alarms.iter().any(|(name, _)| name == Metric::LedgerDrift.name()));
    let dimensions = |metric: &Metric| metric.dimensions().iter().map(|&name| name.to_owned()).collect();
    let measured: Watched = Metric::ALL.iter().map(|metric| (metric.name().to_owned(), dimensions(metric))).collect();
    let watched: Watched = alarms.union(&dashboard(&monitoring)?).cloned().collect();
    let unknown: Vec<_> = watched.difference(&measured).collect();
    ensure!(unknown.is_empty(), "watched, and never measured: {unknown:?}");
    let unwatched: Vec<_> = measured.difference(&watched).collect();
    ensure!(unwatched.is_empty(), "measured, and never watched: {unwatched:?}");

    let providers =
        catalogue::compiled().models.iter().flat_map(|model| &model.offers).map(|offer| offer.provider.as_str());
    let generating: BTreeSet<_> = providers.filter(|provider| *provider != "sketch").map(str::to_owned).collect();
    let paid: BTreeSet<_> = ["paypal", "stripe"].map(str::to_owned).into();
    let reporting = paid.iter().cloned().chain(["replicate", "fal"].map(str::to_owned)).collect();
    for (metric, providers) in [
        (Metric::ProviderRefusals, &generating),
        (Metric::ProviderBudgets, &generating),
        (Metric::UnansweredCheckouts, &paid),
        (Metric::PaymentMismatches, &paid),
        (Metric::UnknownWebhookValues, &paid),
        (Metric::RefusedWebhooks, &reporting),
    ] {
        let found = watched_providers.get(metric.name()).cloned().unwrap_or_default();
        ensure!(found == *providers, "alarms of {} for {found:?}, providers are {providers:?}", metric.name());
    }
    Ok(())
}

/// Returns our metrics with an alarm, and for each the providers that have one.
fn alarms(monitoring: &Value) -> Result<(Watched, BTreeMap<String, BTreeSet<String>>)> {
    let (mut watched, mut providers) = (Watched::new(), BTreeMap::<_, BTreeSet<_>>::new());
    for (name, alarm) in monitoring["Resources"].as_object().context("no resources")? {
        let properties = &alarm["Properties"];
        if alarm["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let of = &properties["Namespace"];
        let of = of["Fn::Sub"].as_str().or(of.as_str()).with_context(|| format!("{name} has no namespace"))?;
        if is_of_aws(&of.replace("${Stage}", STAGE))? {
            continue;
        }
        let metric = text(properties, "MetricName")?;
        let mut dimensions = Vec::new();
        for dimension in properties["Dimensions"].as_array().into_iter().flatten() {
            dimensions.push(text(dimension, "Name")?);
            if dimension["Name"] == "provider" {
                providers.entry(metric.clone()).or_default().insert(text(dimension, "Value")?);
            }
        }
        ensure!(properties["AlarmActions"].is_array(), "{name} has no action");
        watched.insert((metric, dimensions));
    }
    Ok((watched, providers))
}

/// Returns our metrics on the dashboard: `[namespace, metric, dimension, value, ..]`, or a search
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>).
fn dashboard(monitoring: &Value) -> Result<Watched> {
    let body = text(&monitoring["Resources"]["Dashboard"]["Properties"]["DashboardBody"], "Fn::Sub")?;
    let body: Value = serde_json::from_str(&body.replace("${Stage}", STAGE))?;
    let mut watched = Watched::new();
    for widget in body["widgets"].as_array().context("no widgets")? {
        for metric in widget["properties"]["metrics"].as_array().context("no metrics")? {
            if let Some(expression) = metric[0]["expression"].as_str() {
                watched.extend(search(expression)?);
                continue;
            }
            let words: Vec<_> = metric.as_array().context("no metric")?.iter().filter_map(Value::as_str).collect();
            let [of, name, dimensions @ ..] = words.as_slice() else { continue };
            if !is_of_aws(of)? {
                let dimensions = dimensions.iter().step_by(2).map(|&dimension| dimension.to_owned()).collect();
                watched.insert(((*name).to_owned(), dimensions));
            }
        }
    }
    Ok(watched)
}

/// Parses `SEARCH('{Namespace,dimension} MetricName="Name"', ..)`.
fn search(expression: &str) -> Result<Option<(String, Vec<String>)>> {
    let parts = || {
        let (schema, rest) = expression.split_once('{')?.1.split_once('}')?;
        let name = rest.split_once("MetricName=\"")?.1.split_once('"')?.0;
        Some((schema.split(','), name.to_owned()))
    };
    let (mut schema, name) = parts().with_context(|| format!("{expression} is not understood"))?;
    Ok(if is_of_aws(schema.next().unwrap_or_default())? {
        None
    } else {
        Some((name, schema.map(str::to_owned).collect()))
    })
}

/// Returns whether a namespace is one of AWS. Fails for an unknown one.
fn is_of_aws(name: &str) -> Result<bool> {
    let is_ours = name == namespace(STAGE);
    // What CloudWatch counts in the access log of the API is a metric of AWS as well.
    ensure!(is_ours || name.starts_with("AWS/") || name.starts_with("DarkroomApi/"), "{name} is not a known namespace");
    Ok(!is_ours)
}

async fn balance_that_differs_from_the_ledger_is_measured(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let account = account_item(&ada).await?;
    let mut richer = account.clone();
    let balance = richer.get_mut("balance").and_then(|balance| match balance {
        AttributeValue::M(balance) => balance.get_mut("available"),
        _ => None,
    });
    *balance.context("no balance")? = AttributeValue::N("43".to_owned());
    for (item, drift) in [(account.clone(), 0), (richer, 3)] {
        put_item(env, item).await?;
        let body = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64)});
        ada.post("/v1/uploads", &body).await?.is(201)?;
        // The upload never arrives, so it is due an hour later.
        env.sweep(runtime::clock::now() + SignedDuration::from_hours(2)).await?;
        let measured = wait_for_logs(env, |events| {
            events.iter().any(|event| event["_aws"].is_object() && event[Metric::LedgerDrift.name()] == drift)
        });
        measured.await.with_context(|| format!("a drift of {drift} was not measured"))?;
    }
    put_item(env, account).await
}

async fn account_without_welcome_credits_is_measured(env: &'static TestEnv) -> Result<()> {
    let before = measurements(env, Metric::WithheldWelcomes).await?;
    let ada = env.user().await?;
    ensure!(ada.credits().await? == (40, 0) && measurements(env, Metric::WithheldWelcomes).await? == before);
    let items = scan(env).await?;
    let counters: Vec<_> =
        items.into_iter().filter(|item| string(item, "pk").starts_with("WINDOW#welcome-grants#")).collect();
    for counter in &counters {
        let used_up = AttributeValue::N("1000000".to_owned());
        put_item(env, counter.clone().into_iter().chain([("hits".to_owned(), used_up)]).collect()).await?;
    }
    let alan = env.user().await;
    for counter in counters {
        put_item(env, counter).await?;
    }
    ensure!(alan?.credits().await? == (0, 0), "more accounts are welcomed than a day has");
    ensure!(env.user().await?.credits().await? == (40, 0));
    wait_for_metric(env, Metric::WithheldWelcomes, before).await
}

async fn mail_that_is_not_accepted_is_measured(env: &'static TestEnv) -> Result<()> {
    let before = measurements(env, Metric::UnsentMails).await?;
    let (ada, clients) = (env.user().await?, env.clients()?);
    let change = json!({"email": new_address()});
    clients.ses().delete_email_identity().email_identity(MAIL_IDENTITY).send().await?;
    let refused = ada.post("/v1/account/email", &change).await;
    clients.ses().create_email_identity().email_identity(MAIL_IDENTITY).send().await?;
    refused?.is(500)?;
    ada.post("/v1/account/email", &change).await?.is(202)?;
    wait_for_metric(env, Metric::UnsentMails, before).await
}

async fn p13_logs_trace_errors_without_personal_data(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let agent = "canary-agent/7 (custom)";
    let ask = async |method: Method, path: &str, body: Value| -> Result<ApiResponse> {
        let request =
            ada.request(method, path).header(header::USER_AGENT, agent).header("idempotency-key", "canary-key");
        ApiResponse::read(request.json(&body).send().await?).await
    };
    ask(Method::PATCH, "/v1/account", json!({"display_name": "canary-name"})).await?.is(200)?;
    for prompt in ["canary-prompt", "canary-prompt [sketch:reject]", "canary-prompt [sketch:ours]"] {
        ada.ended(&ada.image(prompt).await?).await?;
    }
    let shown = text(&ada.finished_image("canary-prompt").await?, "id")?;
    let share =
        ada.post(&format!("/v1/generations/{shown}/outputs/1/shares"), &json!({"expires_in_s": 60})).await?.is(201)?;
    let share = text(&share.json, "token")?;
    let file = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64), "file_name": "canary-file"});
    ada.post("/v1/uploads", &file).await?.is(201)?;
    let payer = [("email", "canary-payer@buyer.example"), ("name", "canary-given canary-surname")];
    for (provider, action) in [("stripe", "pay"), ("paypal", "approve")] {
        let checkout = Checkout::start(&ada, provider, "starter").await?;
        checkout.act(action, &payer).await?;
        if provider == "paypal" {
            checkout.capture().await?.is(200)?;
        }
        checkout.act("refund", &[]).await?;
        ada.eventually("/v1/checkout", |listed| listed["items"][0]["status"] == "refunded").await?;
    }

    // An internal error: an account that cannot be read.
    let account = account_item(&ada).await?;
    let mut broken = account.clone();
    broken.insert("version".to_owned(), AttributeValue::N("-1".to_owned()));
    put_item(env, broken).await?;
    let failed =
        ask(Method::POST, "/v1/generations", json!({"model": "sketch-image", "prompt": "canary-prompt"})).await?;
    put_item(env, account).await?;
    let failed = failed.is(500)?;
    let request_id = text(&failed.json, "request_id")?;
    ensure!(failed.header("x-request-id") == Some(request_id.as_str()), "{failed:?}");
    let is_cause = |event: &Value| event["span"]["request_id"] == request_id.as_str() && event["error"].is_string();
    let events = wait_for_logs(env, |events| events.iter().any(is_cause)).await?;
    let cause = text(events.iter().find(|event| is_cause(event)).context("no cause")?, "error")?;
    ensure!(!failed.json.to_string().contains(&cause), "the response reveals the cause");

    let token = ada.token.clone().context("no token")?;
    let secret = token.rsplit('.').next().unwrap_or_default();
    let canaries = [
        "canary-",
        "@example.com",
        "buyer.example",
        "Müller",
        "M%FCller",
        PASSWORD,
        secret,
        "Bearer",
        "X-Amz-Signature",
        &share,
    ];
    for event in &events {
        let line = event.to_string();
        let leaked: Vec<_> = canaries.iter().filter(|canary| line.contains(**canary)).collect();
        ensure!(leaked.is_empty(), "a log line contains {leaked:?}: {line}");
    }
    Ok(())
}
