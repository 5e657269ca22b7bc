//! What must hold of everything that the suite left behind.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, anyhow, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AccountId, GenerationId, ledger, registry};
use jiff::Timestamp;
use libtest_mimic::Trial;
use store::Table;

use crate::{
    authorization::kept,
    world::{Person, World, trial},
};

/// The looks, in the order in which they are taken.
pub fn trials(world: &'static World) -> Vec<Trial> {
    let world = Some(world);
    vec![
        trial(world, "afterwards::every_ledger_adds_up".to_owned(), |world| Box::pin(every_ledger_adds_up(world))),
        trial(world, "afterwards::everything_kept_is_declared".to_owned(), |world| {
            Box::pin(everything_kept_is_declared(world))
        }),
    ]
}

type Item = HashMap<String, AttributeValue>;

/// Every item of the table.
pub async fn scan(world: &World) -> Result<Vec<Item>> {
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
pub async fn drawer(world: &World, account: &str) -> Result<Vec<String>> {
    let pk = format!("ACCOUNT#{account}");
    let items = scan(world).await?;
    Ok(items.iter().filter(|item| string(item, "pk") == pk).map(|item| string(item, "sk").to_owned()).collect())
}

/// Replaying its entries gives the account's balance, every hold of an ended generation has one end, every entry sums to
/// zero.
pub async fn the_ledger_adds_up(person: &Person) -> Result<()> {
    adds_up(&person.world.table()?, &person.account_id, &kept(person).await?).await
}

async fn every_ledger_adds_up(world: &'static World) -> Result<()> {
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

async fn everything_kept_is_declared(world: &'static World) -> Result<()> {
    for item in scan(world).await? {
        let (pk, sk) = (string(&item, "pk"), string(&item, "sk"));
        ensure!(registry::item_kind(pk, sk).is_some(), "an item that the registry does not know: {pk} {sk}");
    }
    let bucket = world.output("BucketName")?;
    let listed = world.clients()?.s3().list_object_versions().bucket(bucket).send().await?;
    ensure!(!listed.versions().is_empty(), "the bucket is empty: nothing was looked at");
    for version in listed.versions() {
        let key = version.key().unwrap_or_default();
        ensure!(registry::object_kind(key).is_some(), "an object that the registry does not know: {key}");
    }
    Ok(())
}
