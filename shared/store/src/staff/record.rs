//! The record of the acts of staff in the table.

use domain::{
    AccountId,
    registry::STAFF_RECORD_DAYS,
    staff::{
        audit::AuditEntry,
        record::{RecordEntry, StaffAct},
    },
};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::{
    error::StoreError,
    item::{Item, days_after, decode_all, encode, expire_at, primary_key, string},
    keys,
    query::{Page, page},
    table::Table,
};

/// Hashes a text with SHA-256, in hexadecimal digits.
#[must_use]
pub fn record_hash(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns what stands in the record for the account, or the thing, with this id. An id is random, so nobody finds it by trial.
#[must_use]
pub fn record_subject(id: Uuid) -> String {
    record_hash(&id.to_string())
}

/// Makes the act that an entry of the audit log is about.
pub(crate) fn act_of(entry: &AuditEntry) -> Result<StaffAct, StoreError> {
    let value = serde_json::to_value(&entry.action).map_err(StoreError::of("encode an action"))?;
    let kind = value.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let whole = serde_json::to_string(entry).map_err(StoreError::of("encode an audit entry"))?;
    let AccountId(account) = entry.account;
    Ok(StaffAct {
        staff: entry.staff.clone(),
        at: entry.at,
        kind,
        subject: record_subject(account),
        digest: record_hash(&whole),
    })
}

pub(crate) fn to_item(entry: &RecordEntry) -> Result<Item, StoreError> {
    let mut item = encode(entry, keys::STAFF_RECORD_PARTITION.to_owned(), keys::staff_record(entry.number))?;
    expire_at(&mut item, days_after(entry.act.at, STAFF_RECORD_DAYS));
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
