//! Items of the tables, read and written without the API.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::env::test_env::{TestEnv, TestUser};

/// Returns every item of the table.
pub async fn scan(env: &TestEnv) -> Result<Vec<Item>> {
    let clients = env.clients()?;
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let table = env.output("TableName")?;
        let page = clients.dynamodb().scan().table_name(table).set_exclusive_start_key(start).send().await?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

/// Returns a text attribute, or an empty text without one.
pub fn string<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// Returns the sort keys of all items of an account.
pub async fn sort_keys(env: &TestEnv, account: &str) -> Result<Vec<String>> {
    let pk = format!("ACCOUNT#{account}");
    let items = scan(env).await?;
    Ok(items.iter().filter(|item| string(item, "pk") == pk).map(|item| string(item, "sk").to_owned()).collect())
}

/// Attributes of keys and indexes, which are no part of the stored data.
pub const OF_THE_TABLE: [&str; 8] =
    ["pk", "sk", "ttl", "due_partition", "due_at", "gallery_partition", "gallery_at", "find_id"];

/// Returns the values of an item with their paths.
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

/// An item of the table.
pub type Item = HashMap<String, AttributeValue>;

/// Returns all items of an account, once its files follow its plan: the sweep of the minute changes nothing between two reads.
/// Fails if there are none.
pub async fn account_items(user: &TestUser) -> Result<Vec<Item>> {
    user.settle_plan().await?;
    let items = items_of_account(user.env, &user.account_id).await?;
    ensure!(!items.is_empty(), "the account has no items");
    Ok(items)
}

/// Returns all items of the account with this id.
pub async fn items_of_account(env: &TestEnv, account: &str) -> Result<Vec<Item>> {
    let clients = env.clients()?;
    let pages = clients
        .dynamodb()
        .query()
        .table_name(env.output("TableName")?)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(format!("ACCOUNT#{account}")));
    let mut items: Vec<Item> = Vec::new();
    let mut start = None;
    loop {
        let page = pages.clone().consistent_read(true).set_exclusive_start_key(start).send().await?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

/// Returns the items of the records table.
pub async fn records(env: &TestEnv) -> Result<Vec<Item>> {
    let clients = env.clients()?;
    let page = clients.dynamodb().scan().table_name(env.output("RecordsName")?).send().await?;
    ensure!(page.last_evaluated_key.is_none(), "there are more records than a page holds");
    Ok(page.items.unwrap_or_default())
}

/// Returns the stored account item.
pub async fn account_item(user: &TestUser) -> Result<Item> {
    let key = |text: String| AttributeValue::S(text);
    let clients = user.env.clients()?;
    let read = clients.dynamodb().get_item().table_name(user.env.output("TableName")?).consistent_read(true);
    let read = read.key("pk", key(format!("ACCOUNT#{}", user.account_id))).key("sk", key("ACCOUNT".to_owned()));
    read.send().await?.item.context("the account does not exist")
}

/// Writes an item to the table without the API.
pub async fn put_item(env: &TestEnv, item: Item) -> Result<()> {
    let clients = env.clients()?;
    clients.dynamodb().put_item().table_name(env.output("TableName")?).set_item(Some(item)).send().await?;
    Ok(())
}
