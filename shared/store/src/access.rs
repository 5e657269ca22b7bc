//! What staff leave in a drawer and need of it: the log of accesses, disclosures, and things as they lie.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountId, AuditEntryId, DisclosureId, UploadId, accounts::account::Account, generations::upload::Upload,
    privacy::disclosure::Disclosure, staff::audit::AuditEntry,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    DueKind, Page, StoreError, Table,
    item::{Item, TTL, decode, due, encode, key, keys},
    listing::{all, decode_all, page},
};

pub(crate) fn access(access: &AuditEntry) -> Result<Item, StoreError> {
    encode(access, key::account(access.account), key::audit_entry(access.id))
}

pub(crate) fn disclosure(disclosure: &Disclosure) -> Result<Item, StoreError> {
    let mut item = encode(disclosure, key::account(disclosure.account), key::disclosure(disclosure.id))?;
    due(&mut item, DueKind::Disclosure, disclosure.expires_at);
    Ok(item)
}

impl Table {
    /// An account and a line of the log of accesses to it, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_audit_entry(
        &self,
        account: AccountId,
        id: AuditEntryId,
    ) -> Result<(Option<Account>, Option<AuditEntry>), StoreError> {
        let (first, second) = self.pair(account, key::audit_entry(id)).await?;
        Ok((first.map(decode).transpose()?, second.map(decode).transpose()?))
    }

    /// An account and a disclosure of its data, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_disclosure(
        &self,
        account: AccountId,
        id: DisclosureId,
    ) -> Result<(Option<Account>, Option<Disclosure>), StoreError> {
        let (first, second) = self.pair(account, key::disclosure(id)).await?;
        Ok((first.map(decode).transpose()?, second.map(decode).transpose()?))
    }

    /// The lines of the log that its owner may know of, newest first. A page is full unless it is the last one, so that it
    /// does not tell how many lines are left out.
    ///
    /// # Errors
    /// A call failed.
    pub async fn audit_entries(
        &self,
        account: AccountId,
        now: Timestamp,
        limit: usize,
        after: Option<AuditEntryId>,
    ) -> Result<Page<AuditEntry, AuditEntryId>, StoreError> {
        let mut start = after.map(|id| keys(key::account(account), key::audit_entry(id)));
        let mut items: Vec<AuditEntry> = Vec::new();
        loop {
            let query = self.in_partition(account, all("ACCESS#")).scan_index_forward(false);
            let answer = query.set_exclusive_start_key(start).send().await.map_err(StoreError::of("Query"))?;
            let lines = decode_all::<AuditEntry>(answer.items)?;
            items.extend(lines.into_iter().filter(|line| line.is_disclosed(now)));
            start = answer.last_evaluated_key;
            if items.len() > limit || start.is_none() {
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().map(|last| last.id).filter(|_| more);
        Ok(Page { items, next })
    }

    /// Uploads, newest first, those being removed included.
    ///
    /// # Errors
    /// The call failed.
    pub async fn uploads(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<UploadId>,
    ) -> Result<Page<Upload, UploadId>, StoreError> {
        let start = after.map(|id| keys(key::account(account), key::upload(id)));
        let query = self.in_partition(account, all("UPLOAD#")).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |upload: &Upload| upload.id).await
    }

    /// What lies in a drawer under sort keys with this beginning, as things stand, as JSON, without what only the table
    /// needs: as much as one call gives (1 MB).
    ///
    /// # Errors
    /// The call failed.
    pub async fn items_of_kind(
        &self,
        account: AccountId,
        prefix: &str,
        after: Option<String>,
    ) -> Result<Page<Map<String, Value>, String>, StoreError> {
        let start = after.map(|sk| keys(key::account(account), sk));
        let query = self.in_partition(account, all(prefix)).consistent_read(true).set_exclusive_start_key(start);
        let answer = query.send().await.map_err(StoreError::of("Query"))?;
        let next = answer.last_evaluated_key.and_then(|mut last| match last.remove("sk") {
            Some(AttributeValue::S(sk)) => Some(sk),
            _ => None,
        });
        let things = answer.items.unwrap_or_default().into_iter().map(item_of_kind);
        Ok(Page { items: things.collect::<Result<_, _>>()?, next })
    }
}

fn item_of_kind(mut item: Item) -> Result<Map<String, Value>, StoreError> {
    let ours = |name: &str| {
        matches!(name, "pk" | "sk" | TTL) || ["due_", "gallery_"].iter().any(|start| name.starts_with(start))
    };
    item.retain(|name, _| !ours(name));
    serde_dynamo::from_item(item).map_err(StoreError::of("decode"))
}

/// Takes what must not be told at `now` out of a thing, as JSON; `false` if that is all of it.
#[must_use]
pub fn redact_undisclosed(thing: &mut Map<String, Value>, now: Timestamp) -> bool {
    let is_told = |thing: &Map<String, Value>| {
        let until = thing.get("undisclosed_until").and_then(Value::as_str);
        until.is_none_or(|until| until.parse::<Timestamp>().is_ok_and(|until| until <= now))
    };
    if let Some(Value::Array(holds)) = thing.get_mut("holds") {
        holds.retain(|hold| hold.as_object().is_some_and(is_told));
    }
    is_told(thing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(thing: Value, told: Option<Value>) {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let Value::Object(mut found) = thing.clone() else { panic!("no object") };
        let is_told = redact_undisclosed(&mut found, now);
        assert_eq!(is_told.then_some(Value::Object(found)), told, "{thing}");
    }

    #[test]
    fn what_must_not_be_told_yet_is_left_out_until_its_time_is_over() {
        let with = |until: &str| json!({"id": 7, "undisclosed_until": until});
        check(json!({"id": 7}), Some(json!({"id": 7})));
        check(with("2026-03-01T12:00:00.001Z"), None);
        check(with("2026-03-01T12:00:00Z"), Some(with("2026-03-01T12:00:00Z")));
        check(with("never"), None);
        let account = |holds: Value| json!({"email": "ada@example.com", "holds": holds});
        check(account(json!([with("2027-01-01T00:00:00Z"), {"id": 8}])), Some(account(json!([{"id": 8}]))));
    }
}
