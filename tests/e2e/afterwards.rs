//! What must hold of everything that the suite left behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result, anyhow, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountId, GenerationId,
    credits::ledger,
    registry::{ACTIVITY_DAYS, DataField, DataKind},
};
use jiff::Timestamp;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use store::{
    Table,
    registry::{self, DataLocation, StoredKind},
};

use crate::{
    authorization::kept,
    observability, privileges,
    world::{Person, TestEnv, TestEnvs, trial},
};

/// The look at all worlds together when no test was left out.
pub fn whole(worlds: &[&'static TestEnv]) -> Trial {
    let worlds = worlds.to_vec();
    Trial::test("afterwards::everything_declared_is_kept", move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(everything_declared_is_kept(&worlds)).map_err(|error| Failed::from(format!("{error:#}")))
    })
}

/// The looks at a world, in the order in which they are taken.
pub fn trials(worlds: Option<&'static TestEnvs>) -> Vec<Trial> {
    vec![
        trial(worlds, "afterwards::every_ledger_adds_up".to_owned(), |world| Box::pin(every_ledger_adds_up(world))),
        trial(worlds, "afterwards::everything_kept_is_declared".to_owned(), |world| {
            Box::pin(everything_kept_is_declared(world))
        }),
        trial(worlds, "afterwards::p22_every_log_and_every_activity_has_its_end".to_owned(), |world| {
            Box::pin(p22_every_log_and_every_activity_has_its_end(world))
        }),
    ]
}

type Item = HashMap<String, AttributeValue>;

/// Every item of the table.
pub async fn scan(world: &TestEnv) -> Result<Vec<Item>> {
    let clients = world.clients()?;
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let table = world.output("TableName")?;
        let page = clients.dynamodb().scan().table_name(table).set_exclusive_start_key(start).send().await?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

/// A text attribute, empty if there is none.
pub fn string<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// The sort keys of everything in an account's drawer.
pub async fn drawer(world: &TestEnv, account: &str) -> Result<Vec<String>> {
    let pk = format!("ACCOUNT#{account}");
    let items = scan(world).await?;
    Ok(items.iter().filter(|item| string(item, "pk") == pk).map(|item| string(item, "sk").to_owned()).collect())
}

/// Replaying its entries gives the account's balance, every hold of an ended generation has one end, every entry sums to
/// zero.
pub async fn the_ledger_adds_up(person: &Person) -> Result<()> {
    adds_up(&person.world.table()?, &person.account_id, &kept(person).await?).await
}

async fn every_ledger_adds_up(world: &'static TestEnv) -> Result<()> {
    let mut drawers: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for item in scan(world).await? {
        if let Some(account) = string(&item, "pk").strip_prefix("ACCOUNT#") {
            drawers.entry(account.to_owned()).or_default().push(item);
        }
    }
    ensure!(!drawers.is_empty(), "nobody has an account: nothing was looked at");
    let table = world.table()?;
    for (account, drawer) in drawers {
        adds_up(&table, &account, &drawer).await?;
    }
    Ok(())
}

async fn adds_up(table: &Table, account: &str, drawer: &[Item]) -> Result<()> {
    let id: AccountId = account.parse()?;
    let is_open = |item: &&Item| matches!(string(item, "status"), "queued" | "running");
    let open = drawer.iter().filter(is_open).filter_map(|item| string(item, "sk").strip_prefix("GENERATION#"));
    let open = open.map(str::parse).collect::<Result<Vec<GenerationId>, _>>()?;
    let mut entries = Vec::new();
    let mut after = None;
    loop {
        let page = table.entries(id, (Timestamp::UNIX_EPOCH, Timestamp::MAX), 100, after).await?;
        entries.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let balance = table.account(id).await?.with_context(|| format!("{id}: the account is gone"))?.balance;
    ledger::audit(&entries, balance, &open).map_err(|drift| anyhow!("{id}: {drift}"))
}

async fn p22_every_log_and_every_activity_has_its_end(world: &'static TestEnv) -> Result<()> {
    let template = privileges::template(world, "Sweep").await?;
    let resources = template["Resources"].as_object().context("the template has no resources")?;
    let ends = |log: &Value| !log["Properties"]["RetentionInDays"].is_null();
    let functions = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function");
    let mut looked_at = 0;
    for (name, function) in functions {
        let log =
            function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().and_then(|log| resources.get(log));
        ensure!(log.is_some_and(ends), "what {name} logs never ends");
        looked_at += 1;
    }
    let endless: Vec<_> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Logs::LogGroup" && !ends(resource))
        .map(|(name, _)| name)
        .collect();
    ensure!(looked_at > 0 && endless.is_empty(), "of {looked_at} functions; logs without an end: {endless:?}");
    let number = |item: &Item| item.get("ttl")?.as_n().ok()?.parse::<i64>().ok();
    let longest = i64::from(ACTIVITY_DAYS) * 24 * 60 * 60;
    for item in scan(world).await?.iter().filter(|item| string(item, "sk").starts_with("ACTIVITY#")) {
        let at: Timestamp = string(item, "at").parse()?;
        let end = number(item).with_context(|| format!("an activity without an end: {item:?}"))?;
        ensure!(end <= at.as_second() + longest + 1, "{item:?} stays for longer than {} days", ACTIVITY_DAYS);
    }
    Ok(())
}

/// What was seen of each kind: the paths of its fields.
type Seen = BTreeMap<&'static str, BTreeSet<String>>;

async fn everything_kept_is_declared(world: &'static TestEnv) -> Result<()> {
    let seen = seen(world).await?;
    ensure!(seen.len() > 5, "next to nothing was looked at: {seen:?}");
    let undeclared: Vec<_> = seen
        .iter()
        .flat_map(|(kind, paths)| paths.iter().map(move |path| (kind, path)))
        .filter(|(kind, path)| !registry::fields(kind).iter().any(|field| field.matches(path)))
        .collect();
    ensure!(undeclared.is_empty(), "kept, and not declared in the registry: {undeclared:#?}");
    Ok(())
}

/// Fields that no test brings about: a drawer of more than a megabyte.
const UNSEEN: [&str; 1] = ["hold-check: after"];

/// A kind or a field that is declared and was never kept by any test is no longer true, or not tested. Of the logs only
/// that there are any: what a line says of a fault there is only with the fault.
async fn everything_declared_is_kept(worlds: &[&'static TestEnv]) -> Result<()> {
    let mut all = Seen::new();
    for world in worlds {
        for (kind, paths) in seen(world).await? {
            all.entry(kind).or_default().extend(paths);
        }
    }
    // What a browser keeps is held to its declaration where it is made.
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

/// Everything that was ever written to a table or a queue, and that is kept elsewhere. What belongs to no kind fails.
async fn seen(world: &TestEnv) -> Result<Seen> {
    let mut seen = written(world)?;
    let (clients, bucket) = (world.clients()?, world.output("BucketName")?);
    let mut pages = clients.s3().list_object_versions().bucket(bucket);
    loop {
        let listed = pages.clone().send().await?;
        for key in listed.versions().iter().filter_map(|version| version.key()) {
            let kind = registry::object_kind(key).with_context(|| format!("an object of no kind: {key}"))?;
            seen.entry(kind.name).or_default();
        }
        if listed.is_truncated() != Some(true) {
            break;
        }
        pages = pages.set_key_marker(listed.next_key_marker).set_version_id_marker(listed.next_version_id_marker);
    }
    let users = clients.cognito().list_users().user_pool_id(world.output("UserPoolId")?).limit(60).send().await?;
    let attributes = users.users().iter().flat_map(|user| user.attributes());
    seen.entry("user").or_default().extend(attributes.map(|attribute| attribute.name().to_owned()));
    // What is measured is no log: it has names of its own.
    for line in observability::logged(world).await?.iter().filter(|line| !line["_aws"].is_object()) {
        json_paths("", line, seen.entry("log").or_default());
    }
    Ok(seen)
}

/// Everything that was ever written to a table or a queue.
fn written(world: &TestEnv) -> Result<Seen> {
    let (mut seen, records) = (Seen::new(), world.output("RecordsName")?);
    for line in std::fs::read_to_string(&world.shapes)?.lines() {
        let shape: Value = serde_json::from_str(line)?;
        let part = |name: &str| shape[name].as_str().unwrap_or_default();
        let kind = if let Some(queue) = shape["queue"].as_str() {
            let output = world.outputs.iter().find(|(_, url)| *url == queue);
            output.and_then(|(output, _)| message_kind(output))
        } else if part("table") == records {
            registry::record_kind(part("pk"))
        } else {
            registry::item_kind(part("pk"), part("sk"))
        };
        let kind = kind.with_context(|| format!("what is written there is of no kind: {line}"))?;
        let paths = shape["paths"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let paths = paths.filter(|path| !OF_THE_TABLE.contains(path)).map(str::to_owned);
        seen.entry(kind.name).or_default().extend(paths);
    }
    Ok(seen)
}

/// The kind of the messages of a queue, by the name of the output that has its address. What is given up stays what it was.
fn message_kind(output: &str) -> Option<&'static DataKind> {
    let queue = output.strip_suffix("DeadLettersUrl").unwrap_or(output);
    let of_queue = |location| matches!(location, DataLocation::Messages { output } if output.starts_with(queue));
    registry::kinds().find(|stored| of_queue(stored.location)).map(|stored| stored.kind)
}

/// What the table needs beside a thing, in whatever it keeps.
const OF_THE_TABLE: [&str; 7] = ["pk", "sk", "ttl", "due_kind", "due_at", "gallery_partition", "gallery_at"];

/// What an item says, by the path of each field.
pub fn values_of(item: &Item) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for (name, value) in item.iter().filter(|(name, _)| !OF_THE_TABLE.contains(&name.as_str())) {
        collect_values(name, value, &mut values);
    }
    values
}

fn collect_values(path: &str, value: &AttributeValue, values: &mut Vec<(String, String)>) {
    match value {
        AttributeValue::M(parts) => {
            parts.iter().for_each(|(name, part)| collect_values(&format!("{path}.{name}"), part, values));
        }
        AttributeValue::L(parts) => parts.iter().for_each(|part| collect_values(&format!("{path}.*"), part, values)),
        AttributeValue::S(text) => values.push((path.to_owned(), text.clone())),
        other => values.push((path.to_owned(), format!("{other:?}"))),
    }
}

fn json_paths(path: &str, value: &Value, paths: &mut BTreeSet<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(parts) => parts.iter().for_each(|(name, part)| json_paths(&below(name), part, paths)),
        Value::Array(parts) => parts.iter().for_each(|part| json_paths(&below("*"), part, paths)),
        // What Lambda itself writes about an invocation is text.
        _ if path.is_empty() => {}
        _ => {
            paths.insert(path.to_owned());
        }
    }
}
