//! Ledger entries in the table.

use domain::{AccountId, LedgerEntryId, credits::ledger::LedgerEntry};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    error::StoreError,
    item::{Item, decode_all, encode, primary_key},
    keys,
    query::{Page, page},
    table::Table,
};

pub(crate) fn to_item(owner: AccountId, entry: &LedgerEntry) -> Result<Item, StoreError> {
    encode(entry, keys::account(owner), keys::ledger_entry(entry.id))
}

impl Table {
    /// Lists the ledger entries made in `from..to`, oldest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn entries(
        &self,
        account: AccountId,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
        after: Option<LedgerEntryId>,
    ) -> Result<Page<LedgerEntry, LedgerEntryId>, StoreError> {
        // The range includes its last key, which no entry has: its random part is zero.
        let period = (keys::ledger_entry(first_id_at(from)), keys::ledger_entry(first_id_at(to)));
        let start = after.map(|id| primary_key(keys::account(account), keys::ledger_entry(id)));
        let query = self.query_range(account, period).set_exclusive_start_key(start);
        page(query, limit, |entry: &LedgerEntry| entry.id).await
    }

    /// Reads the last entry made before `at`. Its balance is the opening balance of a statement that begins there.
    ///
    /// # Errors
    /// The call failed.
    pub async fn last_entry_before(
        &self,
        account: AccountId,
        at: Timestamp,
    ) -> Result<Option<LedgerEntry>, StoreError> {
        let before = (keys::LEDGER_ENTRY.to_owned(), keys::ledger_entry(first_id_at(at)));
        let query = self.query_range(account, before).scan_index_forward(false).limit(1);
        let answer = query.send().await.map_err(StoreError::call("Query"))?;
        Ok(decode_all(answer.items)?.pop())
    }
}

/// Returns the smallest UUIDv7 of a millisecond: 48 bits of Unix time in milliseconds, then the version
/// ([RFC 9562, 5.7](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)).
fn first_id_at(at: Timestamp) -> LedgerEntryId {
    let millisecond = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let id: Uuid = uuid::Builder::from_unix_timestamp_millis(millisecond, &[0; 10]).into_uuid();
    id.into()
}
