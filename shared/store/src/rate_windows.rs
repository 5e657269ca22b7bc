//! Rate windows: counters of a period, under keyed hashes.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use crate::{
    error::StoreError,
    item::{Item, TTL, number, primary_key},
    keys,
    table::Table,
};

impl Table {
    /// Counts a request in the window of `now`. Returns how many there were, this one included.
    ///
    /// # Errors
    /// The call failed.
    pub async fn count_in_window(
        &self,
        kind: &str,
        keyed_hash: &str,
        window_s: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let updated = self.add_to_window((kind, keyed_hash), ("hits", number(1)), window_s, now).await?;
        let hits = updated.get("hits");
        Ok(hits.and_then(|hits| hits.as_n().ok()).and_then(|hits| hits.parse().ok()).unwrap_or(u64::MAX))
    }

    /// Adds `what` to the set of `who` in the window of `now`. Returns how many different values the set has. Both are keyed
    /// hashes.
    ///
    /// # Errors
    /// The call failed.
    pub async fn count_different_in_window(
        &self,
        kind: &str,
        (who, what): (&str, &str),
        window_s: i64,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let value = AttributeValue::Ss(vec![what.to_owned()]);
        let updated = self.add_to_window((kind, who), ("seen", value), window_s, now).await?;
        let seen = updated.get("seen").and_then(|seen| seen.as_ss().ok()).map_or(usize::MAX, Vec::len);
        Ok(u32::try_from(seen).unwrap_or(u32::MAX))
    }

    async fn add_to_window(
        &self,
        (kind, keyed_hash): (&str, &str),
        (name, value): (&str, AttributeValue),
        window_s: i64,
        now: Timestamp,
    ) -> Result<Item, StoreError> {
        let window = now.as_second() / window_s.max(1);
        let pk = keys::window(kind, &format!("{keyed_hash}#{window}"));
        let answer = self
            .db
            .update_item()
            .table_name(&self.name)
            .set_key(Some(primary_key(pk, keys::WINDOW)))
            .update_expression(format!("ADD {name} :value SET #ttl = :ttl"))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":value", value)
            .expression_attribute_values(":ttl", number((window + 2) * window_s))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(StoreError::of("UpdateItem"))?;
        Ok(answer.attributes.unwrap_or_default())
    }
}
