//! The audit log in the table.

use domain::{AccountId, AuditEntryId, staff::audit::AuditEntry};
use jiff::Timestamp;

use crate::{
    error::StoreError,
    item::{Item, decode_all, encode, primary_key},
    keys,
    query::Page,
    table::Table,
};

pub(crate) fn to_item(entry: &AuditEntry) -> Result<Item, StoreError> {
    encode(entry, keys::account(entry.account), keys::audit_entry(entry.id))
}

impl Table {
    /// Lists the audit entries that the account owner may know of at `now`, newest first. Every page but the last is full,
    /// so that a page does not tell how many entries are left out.
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
        let mut start = after.map(|id| primary_key(keys::account(account), keys::audit_entry(id)));
        let mut items: Vec<AuditEntry> = Vec::new();
        loop {
            let query = self.query_prefix(account, keys::AUDIT_ENTRY).scan_index_forward(false);
            let answer = query.set_exclusive_start_key(start).send().await.map_err(StoreError::call("Query"))?;
            let entries = decode_all::<AuditEntry>(answer.items)?;
            items.extend(entries.into_iter().filter(|entry| entry.is_disclosed(now)));
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
}
