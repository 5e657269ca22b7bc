//! What legal holds need of a drawer: when to look at it again, what is kept though its time is over, and the table's time
//! to live, which waits as long as something is held.

use domain::{AccountId, GenerationId, UploadId, accounts::account::Account};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    DueKind, Page, StoreError, Table,
    item::{Item, TTL, decode, due, encode, key, keys, number, string},
    listing::{all, id_of},
};

/// That a drawer must be brought in line with the holds on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldCheck {
    /// Whose drawer.
    pub account: AccountId,
    /// The version of the account that had its holds changed last.
    pub version: u64,
    /// When the drawer is looked at.
    pub next_at: Timestamp,
    /// Where a look that was not finished goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl HoldCheck {
    /// Due at once, since the holds of this account are changed.
    #[must_use]
    pub fn new(account: &Account, now: Timestamp) -> Self {
        Self { account: account.id, version: account.version, next_at: now, after: None }
    }

    pub(crate) fn keys(&self) -> Item {
        keys(key::account(self.account), key::HOLD_CHECK)
    }
}

pub(crate) fn hold_check(check: &HoldCheck) -> Result<Item, StoreError> {
    let mut item = encode(check, key::account(check.account), key::HOLD_CHECK)?;
    due(&mut item, DueKind::HoldCheck, check.next_at);
    Ok(item)
}

/// Something that is kept by a hold though its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldItem {
    /// A generation.
    Generation(GenerationId),
    /// An upload.
    Upload(UploadId),
}

impl Table {
    /// That a drawer must be looked at, if it must.
    ///
    /// # Errors
    /// The call failed.
    pub async fn hold_check(&self, account: AccountId) -> Result<Option<HoldCheck>, StoreError> {
        self.item(keys(key::account(account), key::HOLD_CHECK)).await?.map(decode).transpose()
    }

    /// What holds keep in a drawer though its time is over, as things stand, as much as one call finds.
    ///
    /// # Errors
    /// The call failed.
    pub async fn held_items(
        &self,
        account: AccountId,
        after: Option<String>,
    ) -> Result<Page<HeldItem, String>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .filter_expression("held = :true")
            .expression_attribute_values(":pk", string(key::account(account)))
            .expression_attribute_values(":true", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
            .projection_expression("sk")
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|sk| keys(key::account(account), sk)))
            .send()
            .await
            .map_err(StoreError::of("Query"))?;
        let held = answer.items.unwrap_or_default().into_iter().filter_map(|item| {
            let generation = id_of(&item, "GENERATION#").map(|id| HeldItem::Generation(GenerationId(id)));
            generation.or_else(|| id_of(&item, "UPLOAD#").map(|id| HeldItem::Upload(UploadId(id))))
        });
        let next = answer.last_evaluated_key.and_then(|last| last.get("sk")?.as_s().ok().cloned());
        Ok(Page { items: held.collect(), next })
    }

    /// Takes the time to live off everything in a drawer under sort keys with this beginning.
    ///
    /// # Errors
    /// A call failed; a repeat does the rest.
    pub async fn stop_expiry(&self, account: AccountId, prefix: &str) -> Result<(), StoreError> {
        for item in self.to_mark(account, prefix, "attribute_exists(#ttl)").await? {
            self.mark(item, "REMOVE #ttl", None).await?;
        }
        Ok(())
    }

    /// Gives everything in a drawer under sort keys with this beginning its time to live again, this many days from when
    /// something happened to it last.
    ///
    /// # Errors
    /// A call failed; a repeat does the rest.
    pub async fn resume_expiry(&self, account: AccountId, prefix: &str, days: u32) -> Result<(), StoreError> {
        for item in self.to_mark(account, prefix, "attribute_not_exists(#ttl)").await? {
            let time = |name| item.get(name)?.as_s().ok()?.parse::<Timestamp>().ok();
            let last = time("updated_at").or_else(|| time("at"));
            let at = last.ok_or("it does not say when it was made").map_err(StoreError::of("decode"))?;
            let until = at + SignedDuration::from_hours(24 * i64::from(days));
            self.mark(item, "SET #ttl = :ttl", Some(until)).await?;
        }
        Ok(())
    }

    async fn to_mark(&self, account: AccountId, prefix: &str, filter: &str) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .in_partition(account, all(prefix))
                .filter_expression(filter)
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_names("#at", "at")
                .projection_expression("pk, sk, #at, updated_at")
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::of("Query"))?;
            found.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Changes the time to live of an item, unless it is gone.
    async fn mark(&self, mut item: Item, change: &str, until: Option<Timestamp>) -> Result<(), StoreError> {
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
            Err(error) => Err(StoreError::of("UpdateItem")(error)),
        }
    }
}
