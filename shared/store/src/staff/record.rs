//! The record of the acts of staff in the table.

use std::fmt::Display;

use domain::staff::{
    audit::AuditEntry,
    record::{RecordEntry, StaffAct},
};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use crate::{
    error::StoreError,
    item::{Item, decode_all, encode, expire_at, primary_key, string},
    keys,
    query::{Page, page},
    table::Table,
};

/// Hashes a text with SHA-256, in hexadecimal digits.
#[must_use]
pub fn record_hash(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}

/// Makes an act of a staff member, for the record. What it is about stands there as a hash. Its id is random, so nobody finds it by trial.
/// `content` is what the act wrote, if the record must tell it from another.
#[must_use]
pub fn staff_act(staff: &str, kind: &str, (subject, content): (impl Display, &str), now: Timestamp) -> StaffAct {
    let digest = if content.is_empty() { String::new() } else { record_hash(content) };
    let subject = record_hash(&subject.to_string());
    StaffAct { staff: staff.to_owned(), at: now, kind: kind.to_owned(), subject, digest }
}

/// Makes the act that an entry of the audit log is about.
pub(crate) fn act_of(entry: &AuditEntry) -> Result<StaffAct, StoreError> {
    let value = serde_json::to_value(&entry.action).map_err(StoreError::of("encode an action"))?;
    let kind = value.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let whole = serde_json::to_string(entry).map_err(StoreError::of("encode an audit entry"))?;
    Ok(staff_act(&entry.staff, &kind, (entry.account, &whole), entry.at))
}

pub(crate) fn to_item(entry: &RecordEntry) -> Result<Item, StoreError> {
    let mut item = encode(entry, keys::STAFF_RECORD_PARTITION.to_owned(), keys::staff_record(entry.number))?;
    expire_at(&mut item, entry.expires_at());
    Ok(item)
}

impl Table {
    /// Makes the entries of these acts, which follow the last entry that is stored.
    pub(crate) async fn next_record_entries(&self, acts: Vec<StaffAct>) -> Result<Vec<RecordEntry>, StoreError> {
        let answer = self.query_record(false).limit(1).send().await.map_err(StoreError::call("Query"))?;
        let mut last = decode_all::<RecordEntry>(answer.items)?.pop();
        let mut entries = Vec::new();
        for act in acts {
            let entry = RecordEntry::after(last.as_ref(), act, record_hash);
            entries.push(entry.clone());
            last = Some(entry);
        }
        Ok(entries)
    }

    /// Lists the record, newest first, or oldest first if it is `forward`.
    ///
    /// # Errors
    /// A call failed.
    pub async fn staff_record(
        &self,
        forward: bool,
        limit: usize,
        after: Option<u64>,
    ) -> Result<Page<RecordEntry, u64>, StoreError> {
        let start =
            after.map(|number| primary_key(keys::STAFF_RECORD_PARTITION.to_owned(), keys::staff_record(number)));
        let query = self.query_record(forward).set_exclusive_start_key(start);
        page(query, limit, |entry: &RecordEntry| entry.number).await
    }

    fn query_record(&self, forward: bool) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.db
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .scan_index_forward(forward)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(keys::STAFF_RECORD_PARTITION))
    }
}
