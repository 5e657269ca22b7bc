//! Invariants over everything that the suite stored, queued and logged.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use domain::registry::{ACTIVITY_DAYS, DataField, DataKind};
use jiff::Timestamp;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use store::registry::{self, DataLocation, StoredKind};

use crate::{
    env::{
        ledger::check_entries,
        logs::log_events,
        table::{Item, OF_THE_TABLE, items_of_account, scan, string},
        test_env::TestEnv,
        trial::{TestEnvs, trial},
    },
    template::deployed,
};

/// Returns the check of all stacks together, for a run of the whole suite.
pub fn check_all_envs(envs: &[&'static TestEnv]) -> Trial {
    let envs = envs.to_vec();
    Trial::test("invariants::all_declared_data_is_stored_by_some_test", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime
            .block_on(all_declared_data_is_stored_by_some_test(&envs))
            .map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// Lists the checks of one stack, in the order in which they run.
pub fn trials(envs: Option<&'static TestEnvs>) -> Vec<Trial> {
    vec![
        trial(envs, "invariants::every_ledger_matches_its_balance".to_owned(), |env| {
            Box::pin(every_ledger_matches_its_balance(env))
        }),
        trial(envs, "invariants::all_stored_data_is_declared".to_owned(), |env| {
            Box::pin(all_stored_data_is_declared(env))
        }),
        trial(envs, "invariants::p22_every_log_and_activity_record_expires".to_owned(), |env| {
            Box::pin(p22_every_log_and_activity_record_expires(env))
        }),
    ]
}

async fn every_ledger_matches_its_balance(env: &'static TestEnv) -> Result<()> {
    let items = scan(env).await?;
    // A user who has not signed in has no account yet.
    let of_accounts = items.iter().filter(|item| string(item, "sk") == "ACCOUNT");
    let accounts: BTreeSet<_> = of_accounts.filter_map(|item| string(item, "pk").strip_prefix("ACCOUNT#")).collect();
    ensure!(!accounts.is_empty(), "no account exists");
    let table = env.table()?;
    for account in accounts {
        // The scan is older: the sweep goes on meanwhile.
        let items = items_of_account(env, account).await?;
        check_entries(&table, account, &items).await?;
    }
    Ok(())
}

async fn p22_every_log_and_activity_record_expires(env: &'static TestEnv) -> Result<()> {
    let template = deployed(env, "Sweep").await?;
    let resources = template["Resources"].as_object().context("the template has no resources")?;
    let ends = |log: &Value| !log["Properties"]["RetentionInDays"].is_null();
    let functions = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function");
    let mut looked_at = 0;
    for (name, function) in functions {
        let log =
            function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().and_then(|log| resources.get(log));
        ensure!(log.is_some_and(ends), "the log group of {name} never expires");
        looked_at += 1;
    }
    let endless: Vec<_> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Logs::LogGroup" && !ends(resource))
        .map(|(name, _)| name)
        .collect();
    ensure!(looked_at > 0 && endless.is_empty(), "of {looked_at} functions; log groups without retention: {endless:?}");
    let number = |item: &Item| item.get("ttl")?.as_n().ok()?.parse::<i64>().ok();
    let longest = i64::from(ACTIVITY_DAYS) * 24 * 60 * 60;
    for item in scan(env).await?.iter().filter(|item| string(item, "sk").starts_with("ACTIVITY#")) {
        let at: Timestamp = string(item, "at").parse()?;
        let end = number(item).with_context(|| format!("an activity record without expiry: {item:?}"))?;
        ensure!(end <= at.as_second() + longest + 1, "{item:?} is retained for longer than {} days", ACTIVITY_DAYS);
    }
    Ok(())
}

/// The field paths that were stored of each kind.
type Seen = BTreeMap<&'static str, BTreeSet<String>>;

async fn all_stored_data_is_declared(env: &'static TestEnv) -> Result<()> {
    let seen = seen(env).await?;
    ensure!(seen.len() > 5, "too few kinds were seen: {seen:?}");
    let undeclared: Vec<_> = seen
        .iter()
        .flat_map(|(kind, paths)| paths.iter().map(move |path| (kind, path)))
        .filter(|(kind, path)| !registry::fields(kind).iter().any(|field| field.matches(path)))
        .collect();
    ensure!(undeclared.is_empty(), "stored, but not declared in the registry: {undeclared:#?}");
    Ok(())
}

/// Fields that no test stores: they need an account with more than a megabyte of items.
const UNSEEN: [&str; 2] = ["hold-check: after", "finish-message: job_reported"];

/// Checks that some test stored every declared kind and field: one that is never stored is out of date or untested.
/// Fields of log lines are left out, as some appear only with a fault.
async fn all_declared_data_is_stored_by_some_test(envs: &[&'static TestEnv]) -> Result<()> {
    let mut all = Seen::new();
    for env in envs {
        for (kind, paths) in seen(env).await? {
            all.entry(kind).or_default().extend(paths);
        }
    }
    // What the browser stores is checked by the tests of the web client.
    let kinds = || {
        registry::kinds()
            .filter(|stored| !matches!(stored.location, DataLocation::Cookie { .. } | DataLocation::Browser { .. }))
    };
    let never: Vec<_> = kinds().map(|stored| stored.kind.name).filter(|kind| !all.contains_key(kind)).collect();
    ensure!(never.is_empty(), "declared in the registry, and never seen: {never:?}");
    let seen_at = |kind: &DataKind, field: &DataField| {
        all.get(kind.name).is_some_and(|paths| paths.iter().any(|path| field.matches(path)))
    };
    let fields =
        kinds().flat_map(|stored| registry::fields(stored.kind.name).into_iter().map(move |field| (stored, field)));
    let never: Vec<_> = fields
        .filter(|(StoredKind { kind, location }, field)| *location != DataLocation::Logs && !seen_at(kind, field))
        .map(|(stored, field)| format!("{}: {}", stored.kind.name, field.path))
        .filter(|field| !UNSEEN.contains(&field.as_str()))
        .collect();
    ensure!(never.is_empty(), "fields that are declared in the registry, and never seen: {never:#?}");
    Ok(())
}

/// Returns the field paths of everything that was written to a table or a queue, or is stored in another place. Fails for
/// data of no declared kind.
async fn seen(env: &TestEnv) -> Result<Seen> {
    let mut seen = written(env)?;
    let (clients, bucket) = (env.clients()?, env.output("BucketName")?);
    let mut pages = clients.s3().list_object_versions().bucket(bucket);
    loop {
        let listed = pages.clone().send().await?;
        for key in listed.versions().iter().filter_map(|version| version.key()) {
            let kind = registry::object_kind(key).with_context(|| format!("an object of no declared kind: {key}"))?;
            seen.entry(kind.name).or_default();
        }
        if listed.is_truncated() != Some(true) {
            break;
        }
        pages = pages.set_key_marker(listed.next_key_marker).set_version_id_marker(listed.next_version_id_marker);
    }
    let users = clients.cognito().list_users().user_pool_id(env.output("UserPoolId")?).limit(60).send().await?;
    let attributes = users.users().iter().flat_map(|user| user.attributes());
    seen.entry("user").or_default().extend(attributes.map(|attribute| attribute.name().to_owned()));
    // Metric events are no log lines: their fields are the metrics.
    for line in log_events(env).await?.iter().filter(|line| !line["_aws"].is_object()) {
        json_paths("", line, seen.entry("log").or_default());
    }
    Ok(seen)
}

/// Returns the field paths of everything that was written to a table or a queue.
fn written(env: &TestEnv) -> Result<Seen> {
    let (mut seen, records) = (Seen::new(), env.output("RecordsName")?);
    for line in std::fs::read_to_string(&env.shapes)?.lines() {
        let shape: Value = serde_json::from_str(line)?;
        let part = |name: &str| shape[name].as_str().unwrap_or_default();
        let kind = if let Some(queue) = shape["queue"].as_str() {
            let output = env.outputs.iter().find(|(_, url)| *url == queue);
            output.and_then(|(output, _)| message_kind(output))
        } else if part("table") == records {
            registry::record_kind(part("pk"))
        } else {
            registry::item_kind(part("pk"), part("sk"))
        };
        let kind = kind.with_context(|| format!("an item or message of no declared kind: {line}"))?;
        let paths = shape["paths"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let paths = paths.filter(|path| !OF_THE_TABLE.contains(path)).map(str::to_owned);
        seen.entry(kind.name).or_default().extend(paths);
    }
    Ok(seen)
}

/// Returns the kind of the messages of a queue by the name of its output. A dead-letter queue has the kind of its
/// queue.
fn message_kind(output: &str) -> Option<&'static DataKind> {
    let queue = output.strip_suffix("DeadLettersUrl").unwrap_or(output);
    let of_queue = |location| matches!(location, DataLocation::Messages { output } if output.starts_with(queue));
    registry::kinds().find(|stored| of_queue(stored.location)).map(|stored| stored.kind)
}

fn json_paths(path: &str, value: &Value, paths: &mut BTreeSet<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(parts) => parts.iter().for_each(|(name, part)| json_paths(&below(name), part, paths)),
        Value::Array(parts) => parts.iter().for_each(|part| json_paths(&below("*"), part, paths)),
        // Lambda's own lines about an invocation are text.
        _ if path.is_empty() => {}
        _ => {
            paths.insert(path.to_owned());
        }
    }
}
