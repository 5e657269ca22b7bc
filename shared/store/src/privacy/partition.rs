//! The partition of an account as a whole: every item in it, and their deletion.

use domain::{AccountId, GiftId};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    error::StoreError,
    item::{Item, decode_json, primary_key, text},
    keys,
    query::Page,
    table::Table,
};

/// An item of an account, of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionItem {
    /// Its sort key.
    pub sk: String,
    /// Until when a worker has leased it.
    pub lease_until: Option<Timestamp>,
    /// The gift that it records the redemption of.
    pub gift: Option<GiftId>,
}

/// An item of an account as JSON, without its keys and the attributes that only the indexes and the time to live need.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportContent {
    /// Its sort key.
    pub sk: String,
    /// Its value.
    pub value: Map<String, Value>,
}

impl Table {
    /// Lists the items of an account in the order of their sort keys, at most `limit`, with consistent reads.
    ///
    /// # Errors
    /// The call failed.
    pub async fn partition(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<String>,
    ) -> Result<Page<PartitionItem, String>, StoreError> {
        let answer = self
            .query_partition(account)
            .projection_expression("sk, lease_until, cause.gift")
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|sk| primary_key(keys::account(account), sk)))
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        let items = answer.items.unwrap_or_default().into_iter().filter_map(|item| {
            let lease_until = text(&item, "lease_until").and_then(|at| at.parse().ok());
            let cause = item.get("cause").and_then(|cause| cause.as_m().ok());
            let gift = cause.and_then(|cause| text(cause, "gift")).and_then(|id| id.parse().ok());
            Some(PartitionItem { sk: text(&item, "sk")?, lease_until, gift })
        });
        let next = answer.last_evaluated_key.and_then(|last| text(&last, "sk"));
        Ok(Page { items: items.collect(), next })
    }

    /// Reads the items of an account in the order of their sort keys, with consistent reads, as many as one call returns
    /// (1 MB).
    ///
    /// # Errors
    /// The call failed.
    pub async fn contents(
        &self,
        account: AccountId,
        after: Option<String>,
    ) -> Result<Page<ExportContent, String>, StoreError> {
        let answer = self
            .query_partition(account)
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|sk| primary_key(keys::account(account), sk)))
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        let items = answer.items.unwrap_or_default().into_iter().map(content).collect::<Result<_, _>>()?;
        let next = answer.last_evaluated_key.and_then(|last| text(&last, "sk"));
        Ok(Page { items, next })
    }

    /// Reads the items of an account whose sort keys begin with `prefix`, with consistent reads, as many as one call returns
    /// (1 MB).
    ///
    /// # Errors
    /// The call failed.
    pub async fn items_of_kind(
        &self,
        account: AccountId,
        prefix: &str,
        after: Option<String>,
    ) -> Result<Page<Map<String, Value>, String>, StoreError> {
        let start = after.map(|sk| primary_key(keys::account(account), sk));
        let query = self.query_prefix(account, prefix).consistent_read(true).set_exclusive_start_key(start);
        let answer = query.send().await.map_err(StoreError::call("Query"))?;
        let next = answer.last_evaluated_key.and_then(|last| text(&last, "sk"));
        let items = answer.items.unwrap_or_default().into_iter().map(decode_json);
        Ok(Page { items: items.collect::<Result<_, _>>()?, next })
    }

    /// Deletes items of an account. A repeat deletes the rest.
    ///
    /// # Errors
    /// A call failed; some may be deleted.
    pub async fn remove_items(&self, account: AccountId, sort_keys: &[String]) -> Result<(), StoreError> {
        self.delete_all(sort_keys.iter().map(|sk| primary_key(keys::account(account), sk)).collect()).await
    }
}

fn content(item: Item) -> Result<ExportContent, StoreError> {
    let sk = text(&item, "sk").ok_or("an item without a sort key").map_err(StoreError::of("decode"))?;
    Ok(ExportContent { sk, value: decode_json(item)? })
}
