//! What can be seen of the system from outside, and what cannot: metrics that are watched, a fault that is found, and logs
//! that tell nothing about anybody.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalogue::models;
use jiff::SignedDuration;
use libtest_mimic::{Failed, Trial};
use reqwest::{Method, header};
use runtime::telemetry::{Metric, NAMESPACE};
use serde_json::{Value, json};

use crate::{
    authorization::Item,
    buying::Checkout,
    privileges::template,
    tests,
    world::{Answer, PASSWORD, PATIENCE, Person, TestEnv, TestEnvs, text, trial},
};

tests![a_balance_that_its_ledger_does_not_give_is_measured];

/// What is looked at in each world when all tests are done.
pub fn looks(worlds: Option<&'static TestEnvs>) -> Vec<Trial> {
    vec![
        trial(worlds, "observability::p15_metrics_are_watched_and_what_is_watched_is_measured".to_owned(), |world| {
            Box::pin(p15_metrics_are_watched_and_what_is_watched_is_measured(world))
        }),
        trial(
            worlds,
            "observability::p13_logs_lead_from_an_answer_to_its_cause_and_tell_nothing_else".to_owned(),
            |world| Box::pin(p13_logs_lead_from_an_answer_to_its_cause_and_tell_nothing_else(world)),
        ),
    ]
}

/// What is looked at in all worlds together when no test was left out.
pub fn whole(worlds: &[&'static TestEnv]) -> Trial {
    let worlds = worlds.to_vec();
    Trial::test("observability::every_metric_is_measured", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(every_metric_is_measured(&worlds)).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Whatever the suite makes happen, somebody counts.
async fn every_metric_is_measured(worlds: &[&TestEnv]) -> Result<()> {
    let mut events = Vec::new();
    for world in worlds {
        events.extend(logged(world).await?);
    }
    let is_measured = |metric: &Metric| {
        let definition = |event: &Value| event["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] == metric.name();
        events.iter().any(definition)
    };
    let missing: Vec<_> = Metric::ALL.into_iter().filter(|metric| !is_measured(metric)).collect();
    ensure!(missing.is_empty(), "never measured: {missing:?}");
    Ok(())
}

/// A metric that somebody looks at: its name, and the names of its dimensions.
type Watched = BTreeSet<(String, Vec<String>)>;

async fn p15_metrics_are_watched_and_what_is_watched_is_measured(world: &'static TestEnv) -> Result<()> {
    let monitoring = template(world, "Dashboard").await?;
    let (alarms, mistakes) = alarms(&monitoring)?;
    ensure!(alarms.iter().any(|(name, _)| name == Metric::LedgerDrift.name()));
    let dimensions = |metric: &Metric| metric.dimensions().iter().map(|&name| name.to_owned()).collect();
    let measured: Watched = Metric::ALL.iter().map(|metric| (metric.name().to_owned(), dimensions(metric))).collect();
    let watched: Watched = alarms.union(&dashboard(&monitoring)?).cloned().collect();
    let unknown: Vec<_> = watched.difference(&measured).collect();
    ensure!(unknown.is_empty(), "watched, and never measured: {unknown:?}");
    let unwatched: Vec<_> = measured.difference(&watched).collect();
    ensure!(unwatched.is_empty(), "measured, and never watched: {unwatched:?}");

    let providers = models::MODELS.iter().flat_map(|model| model.offers).map(|offer| offer.provider);
    let with_keys: BTreeSet<_> = providers.filter(|provider| *provider != "sketch").map(str::to_owned).collect();
    ensure!(mistakes == with_keys, "alarms for {mistakes:?}, providers are {with_keys:?}");
    Ok(())
}

/// What of ours the alarms watch, and the providers whose answers to our mistakes are watched.
fn alarms(monitoring: &Value) -> Result<(Watched, BTreeSet<String>)> {
    let (mut watched, mut providers) = (Watched::new(), BTreeSet::new());
    for (name, alarm) in monitoring["Resources"].as_object().context("no resources")? {
        let properties = &alarm["Properties"];
        if alarm["Type"] != "AWS::CloudWatch::Alarm" || is_of_aws(&text(properties, "Namespace")?)? {
            continue;
        }
        let metric = text(properties, "MetricName")?;
        let mut dimensions = Vec::new();
        for dimension in properties["Dimensions"].as_array().into_iter().flatten() {
            dimensions.push(text(dimension, "Name")?);
            if metric == Metric::OurMistake.name() {
                providers.insert(text(dimension, "Value")?);
            }
        }
        ensure!(properties["AlarmActions"].is_array(), "{name} tells nobody");
        watched.insert((metric, dimensions));
    }
    Ok((watched, providers))
}

/// What of ours the dashboard shows: `[namespace, metric, dimension, value, ..]`, or a search
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>).
fn dashboard(monitoring: &Value) -> Result<Watched> {
    let body = text(&monitoring["Resources"]["Dashboard"]["Properties"]["DashboardBody"], "Fn::Sub")?;
    let body: Value = serde_json::from_str(&body)?;
    let mut watched = Watched::new();
    for widget in body["widgets"].as_array().context("no widgets")? {
        for metric in widget["properties"]["metrics"].as_array().context("no metrics")? {
            if let Some(expression) = metric[0]["expression"].as_str() {
                watched.extend(search(expression)?);
                continue;
            }
            let words: Vec<_> = metric.as_array().context("no metric")?.iter().filter_map(Value::as_str).collect();
            let [namespace, name, dimensions @ ..] = words.as_slice() else { continue };
            if !is_of_aws(namespace)? {
                let dimensions = dimensions.iter().step_by(2).map(|&dimension| dimension.to_owned()).collect();
                watched.insert(((*name).to_owned(), dimensions));
            }
        }
    }
    Ok(watched)
}

/// `SEARCH('{Namespace,dimension} MetricName="Name"', ..)`.
fn search(expression: &str) -> Result<Option<(String, Vec<String>)>> {
    let parts = || {
        let (schema, rest) = expression.split_once('{')?.1.split_once('}')?;
        let name = rest.split_once("MetricName=\"")?.1.split_once('"')?.0;
        Some((schema.split(','), name.to_owned()))
    };
    let (mut schema, name) = parts().with_context(|| format!("{expression} is not understood"))?;
    let namespace = schema.next().unwrap_or_default();
    Ok(if is_of_aws(namespace)? { None } else { Some((name, schema.map(str::to_owned).collect())) })
}

/// Metrics are ours or those that AWS measures by itself.
fn is_of_aws(namespace: &str) -> Result<bool> {
    ensure!(namespace == NAMESPACE || namespace.starts_with("AWS/"), "nobody measures anything in {namespace}");
    Ok(namespace != NAMESPACE)
}

async fn a_balance_that_its_ledger_does_not_give_is_measured(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let account = account_item(&ada).await?;
    let mut richer = account.clone();
    let balance = richer.get_mut("balance").and_then(|balance| match balance {
        AttributeValue::M(balance) => balance.get_mut("available"),
        _ => None,
    });
    *balance.context("no balance")? = AttributeValue::N("43".to_owned());
    for (item, drift) in [(account.clone(), 0), (richer, 3)] {
        put_item(world, item).await?;
        let body = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64)});
        ada.post("/v1/uploads", &body).await?.is(201)?;
        // The upload never comes, so it is due an hour later.
        world.sweep(runtime::clock::now() + SignedDuration::from_hours(2)).await?;
        let measured = until(world, |events| {
            events.iter().any(|event| event["_aws"].is_object() && event[Metric::LedgerDrift.name()] == drift)
        });
        measured.await.with_context(|| format!("a drift of {drift} was not measured"))?;
    }
    put_item(world, account).await
}

/// Somebody's account, as it is kept.
pub async fn account_item(person: &Person) -> Result<Item> {
    let key = |text: String| AttributeValue::S(text);
    let clients = person.world.clients()?;
    let read = clients.dynamodb().get_item().table_name(person.world.output("TableName")?).consistent_read(true);
    let read = read.key("pk", key(format!("ACCOUNT#{}", person.account_id))).key("sk", key("ACCOUNT".to_owned()));
    read.send().await?.item.context("there is no account")
}

/// Puts an item in place of another, behind everybody's back.
pub async fn put_item(world: &TestEnv, item: Item) -> Result<()> {
    let clients = world.clients()?;
    clients.dynamodb().put_item().table_name(world.output("TableName")?).set_item(Some(item)).send().await?;
    Ok(())
}

async fn p13_logs_lead_from_an_answer_to_its_cause_and_tell_nothing_else(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let agent = "canary-agent/7 (somebody's own)";
    let ask = async |method: Method, path: &str, body: Value| -> Result<Answer> {
        let request =
            ada.request(method, path).header(header::USER_AGENT, agent).header("idempotency-key", "canary-key");
        Answer::read(request.json(&body).send().await?).await
    };
    ask(Method::PATCH, "/v1/account", json!({"display_name": "canary-name"})).await?.is(200)?;
    for prompt in ["canary-prompt", "canary-prompt [sketch:reject]", "canary-prompt [sketch:ours]"] {
        ada.ended(&ada.picture(prompt).await?).await?;
    }
    let shown = text(&ada.finished_picture("canary-prompt").await?, "id")?;
    let share = ada.post(&format!("/v1/generations/{shown}/shares"), &json!({"expires_in_s": 60})).await?.is(201)?;
    let share = text(&share.json, "token")?;
    let file = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64), "file_name": "canary-file"});
    ada.post("/v1/uploads", &file).await?.is(201)?;
    let payer = [("email", "canary-payer@buyer.example"), ("name", "canary-given canary-surname")];
    for (provider, action) in [("stripe", "pay"), ("paypal", "approve")] {
        let checkout = Checkout::begin(&ada, provider, "starter").await?;
        checkout.act(action, &payer).await?;
        if provider == "paypal" {
            checkout.capture().await?.is(200)?;
        }
        checkout.act("refund", &[]).await?;
        ada.eventually("/v1/checkout", |listed| listed["items"][0]["status"] == "refunded").await?;
    }

    // A fault that is ours: an account that cannot be read.
    let account = account_item(&ada).await?;
    let mut broken = account.clone();
    broken.insert("version".to_owned(), AttributeValue::N("-1".to_owned()));
    put_item(world, broken).await?;
    let failed =
        ask(Method::POST, "/v1/generations", json!({"model": "sketch-image", "prompt": "canary-prompt"})).await?;
    put_item(world, account).await?;
    let failed = failed.is(500)?;
    let request_id = text(&failed.json, "request_id")?;
    ensure!(failed.header("x-request-id") == Some(request_id.as_str()), "{failed:?}");
    let is_cause = |event: &Value| event["span"]["request_id"] == request_id.as_str() && event["error"].is_string();
    let events = until(world, |events| events.iter().any(is_cause)).await?;
    let cause = text(events.iter().find(|event| is_cause(event)).context("no cause")?, "error")?;
    ensure!(!failed.json.to_string().contains(&cause), "the cause is told to the client");

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
        let told: Vec<_> = canaries.iter().filter(|canary| line.contains(**canary)).collect();
        ensure!(told.is_empty(), "a log tells {told:?}: {line}");
    }
    Ok(())
}

/// Waits until what is logged is as it should be, and answers all of it: lines of JSON as such, others as text.
pub async fn until(world: &'static TestEnv, is: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
    let (anybody, begun) = (world.stranger()?, Instant::now());
    loop {
        // The local AWS takes in the end of a function's log when that process is woken next: this wakes all there are.
        futures_util::future::try_join_all((0..8).map(|_| anybody.get("/v1/models"))).await?;
        let events = logged(world).await?;
        if is(&events) {
            return Ok(events);
        }
        ensure!(begun.elapsed() < PATIENCE, "it is not among {} log events", events.len());
    }
}

/// Everything that is logged: lines of JSON as such, others as text.
pub async fn logged(world: &TestEnv) -> Result<Vec<Value>> {
    let groups = logs(world, "DescribeLogGroups", json!({})).await?;
    let mut events = Vec::new();
    for group in groups["logGroups"].as_array().context("no log groups")? {
        let mut request = BTreeMap::from([("logGroupName", group["logGroupName"].clone())]);
        loop {
            let page = logs(world, "FilterLogEvents", json!(request)).await?;
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

/// How often something was measured.
pub async fn measurements(world: &TestEnv, metric: Metric) -> Result<usize> {
    Ok(of(metric, &logged(world).await?))
}

/// Waits until something was measured more often than this.
pub async fn measured_again(world: &'static TestEnv, metric: Metric, before: usize) -> Result<()> {
    let again = until(world, |events| of(metric, events) > before).await;
    again.map(drop).with_context(|| format!("{} was not measured", metric.name()))
}

fn of(metric: Metric, events: &[Value]) -> usize {
    events.iter().filter(|event| event["_aws"].is_object() && event.get(metric.name()).is_some()).count()
}

/// A call of CloudWatch Logs. The local one asks for a name, not for a signature.
pub async fn logs(world: &TestEnv, operation: &str, request: Value) -> Result<Value> {
    let scope =
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0";
    let call = reqwest::Client::new()
        .post(&world.endpoint)
        .header("x-amz-target", format!("Logs_20140328.{operation}"))
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(header::AUTHORIZATION, scope);
    Ok(Answer::read(call.body(request.to_string()).send().await?).await?.is(200)?.json)
}
