//! Rate windows: counters of a period, under keyed hashes.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::Credits;
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
        Ok(hits_of(&updated).unwrap_or(u64::MAX))
    }

    /// Says whether something was counted in the window of `now`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn is_counted_in_window(
        &self,
        (kind, keyed_hash): (&str, &str),
        window_s: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.window((kind, keyed_hash), window_s, now).await?.as_ref().and_then(hits_of).is_some())
    }

    /// Adds credits to the sum of the window of `now`. Returns the sum, these included. A repeat adds them again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn add_credits_in_window(
        &self,
        (kind, key): (&str, &str),
        credits: Credits,
        window_s: i64,
        now: Timestamp,
    ) -> Result<Credits, StoreError> {
        Ok(credits_of(&self.add_to_window((kind, key), ("credits", number(credits.0)), window_s, now).await?))
    }

    /// Reads the sum of credits of the window of `now`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn credits_in_window(
        &self,
        (kind, key): (&str, &str),
        window_s: i64,
        now: Timestamp,
    ) -> Result<Credits, StoreError> {
        Ok(self.window((kind, key), window_s, now).await?.as_ref().map_or(Credits::ZERO, credits_of))
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

    async fn window(
        &self,
        (kind, key): (&str, &str),
        window_s: i64,
        now: Timestamp,
    ) -> Result<Option<Item>, StoreError> {
        let pk = keys::window(kind, &window_key(key, window_s, now));
        let request = self.db.get_item().table_name(&self.name).set_key(Some(primary_key(pk, keys::WINDOW)));
        Ok(request.send().await.map_err(StoreError::call("GetItem"))?.item)
    }

    async fn add_to_window(
        &self,
        (kind, keyed_hash): (&str, &str),
        (name, value): (&str, AttributeValue),
        window_s: i64,
        now: Timestamp,
    ) -> Result<Item, StoreError> {
        let pk = keys::window(kind, &window_key(keyed_hash, window_s, now));
        let window = now.as_second() / window_s.max(1);
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
            .map_err(StoreError::call("UpdateItem"))?;
        Ok(answer.attributes.unwrap_or_default())
    }
}

fn window_key(key: &str, window_s: i64, now: Timestamp) -> String {
    format!("{key}#{}", now.as_second() / window_s.max(1))
}

fn hits_of(item: &Item) -> Option<u64> {
    item.get("hits")?.as_n().ok()?.parse().ok()
}

fn credits_of(item: &Item) -> Credits {
    let credits = item.get("credits").and_then(|credits| credits.as_n().ok());
    Credits(credits.and_then(|credits| credits.parse().ok()).unwrap_or(0))
}
