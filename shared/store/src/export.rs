//! What an export reads: the other exports of its account, and everything in the drawer, whatever it is.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AccountId, privacy::export::Export};
use serde_json::{Map, Value};

use crate::{
    Page, StoreError, Table,
    item::{Item, TTL, key, keys, string},
    listing::{all, decode_all},
};

/// One thing in a drawer, as JSON: without its keys, and without what only the indexes and the time to live need.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportContent {
    /// Its sort key.
    pub sk: String,
    /// What it holds.
    pub value: Map<String, Value>,
}

impl Table {
    /// Every export of an account as things stand, oldest first: there are few.
    ///
    /// # Errors
    /// A call failed.
    pub async fn exports(&self, account: AccountId) -> Result<Vec<Export>, StoreError> {
        let mut exports = Vec::new();
        let mut start = None;
        loop {
            let query = self.in_partition(account, all("EXPORT#")).consistent_read(true);
            let answer = query.set_exclusive_start_key(start).send().await.map_err(StoreError::of("Query"))?;
            exports.extend(decode_all::<Export>(answer.items)?);
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(exports);
            }
        }
    }

    /// What lies in a drawer as things stand, in the order of the sort keys, as much as one call gives (1 MB).
    ///
    /// # Errors
    /// The call failed.
    pub async fn contents(
        &self,
        account: AccountId,
        after: Option<String>,
    ) -> Result<Page<ExportContent, String>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(key::account(account)))
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|sk| keys(key::account(account), sk)))
            .send()
            .await
            .map_err(StoreError::of("Query"))?;
        let items = answer.items.unwrap_or_default().into_iter().map(content).collect::<Result<_, _>>()?;
        let next = answer.last_evaluated_key.and_then(|mut last| sort_key(&mut last));
        Ok(Page { items, next })
    }
}

fn content(mut item: Item) -> Result<ExportContent, StoreError> {
    let sk = sort_key(&mut item).ok_or("an item without a sort key").map_err(StoreError::of("decode"))?;
    item.retain(|name, _| name != "pk" && name != TTL && !name.starts_with("due_") && !name.starts_with("gallery_"));
    Ok(ExportContent { sk, value: serde_dynamo::from_item(item).map_err(StoreError::of("decode"))? })
}

fn sort_key(item: &mut Item) -> Option<String> {
    match item.remove("sk") {
        Some(AttributeValue::S(sk)) => Some(sk),
        _ => None,
    }
}
