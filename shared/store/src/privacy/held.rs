//! Items that a legal hold keeps past their retention, and the time to live, which is suspended while a kind is held.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AccountId, GenerationId, UploadId};
use jiff::Timestamp;

use crate::{
    error::StoreError,
    item::{Item, TTL, days_after, id_of, number, primary_key, text},
    keys,
    query::{Page, all_items},
    table::Table,
};

/// An item that a hold keeps past its retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldItem {
    /// A generation.
    Generation(GenerationId),
    /// An upload.
    Upload(UploadId),
}

impl Table {
    /// Lists the items of an account that holds keep past their retention, as many as one call finds.
    ///
    /// # Errors
    /// The call failed.
    pub async fn held_items(
        &self,
        account: AccountId,
        after: Option<String>,
    ) -> Result<Page<HeldItem, String>, StoreError> {
        let answer = self
            .query_partition(account)
            .filter_expression("held = :true")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .projection_expression("sk")
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|sk| primary_key(keys::account(account), sk)))
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        let held = answer.items.unwrap_or_default().into_iter().filter_map(|item| {
            let generation = id_of(&item, keys::GENERATION).map(|id| HeldItem::Generation(GenerationId(id)));
            generation.or_else(|| id_of(&item, keys::UPLOAD).map(|id| HeldItem::Upload(UploadId(id))))
        });
        let next = answer.last_evaluated_key.and_then(|last| text(&last, "sk"));
        Ok(Page { items: held.collect(), next })
    }

    /// Removes the time to live of the items of an account whose sort keys begin with `prefix`. A repeat does the rest.
    ///
    /// # Errors
    /// A call failed.
    pub async fn stop_expiry(&self, account: AccountId, prefix: &str) -> Result<(), StoreError> {
        for item in self.items_to_update(account, prefix, "attribute_exists(#ttl)").await? {
            self.update_expiry(item, "REMOVE #ttl", None).await?;
        }
        Ok(())
    }

    /// Restores the time to live of the items of an account whose sort keys begin with `prefix`: this many days from their
    /// last update. A repeat does the rest.
    ///
    /// # Errors
    /// A call failed.
    pub async fn resume_expiry(&self, account: AccountId, prefix: &str, days: u32) -> Result<(), StoreError> {
        for item in self.items_to_update(account, prefix, "attribute_not_exists(#ttl)").await? {
            let time = |name| text(&item, name)?.parse::<Timestamp>().ok();
            let last = time("updated_at").or_else(|| time("at"));
            let at = last.ok_or("an item without a time").map_err(StoreError::of("decode"))?;
            self.update_expiry(item, "SET #ttl = :ttl", Some(days_after(at, days))).await?;
        }
        Ok(())
    }

    async fn items_to_update(&self, account: AccountId, prefix: &str, filter: &str) -> Result<Vec<Item>, StoreError> {
        let query = self
            .query_prefix(account, prefix)
            .filter_expression(filter)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_names("#at", "at")
            .projection_expression("pk, sk, #at, updated_at");
        all_items(query).await
    }

    /// Changes the time to live of an item, unless it was deleted.
    async fn update_expiry(&self, mut item: Item, change: &str, until: Option<Timestamp>) -> Result<(), StoreError> {
        item.retain(|name, _| ["pk", "sk"].contains(&name.as_str()));
        let update = self
            .db
            .update_item()
            .table_name(&self.name)
            .set_key(Some(item))
            .update_expression(change)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", TTL)
            .set_expression_attribute_values(until.map(|at| Item::from([(":ttl".to_owned(), number(at.as_second()))])));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(StoreError::call("UpdateItem")(error)),
        }
    }
}
