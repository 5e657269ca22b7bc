//! Correction records in the table.

use domain::{AccountId, CorrectionId, accounts::correction::CorrectionRecord, registry::CORRECTION_DAYS};

use crate::{
    error::StoreError,
    item::{Item, days_after, encode, expire_at, primary_key},
    keys,
    query::{Page, page},
    table::Table,
};

pub(crate) fn to_item(record: &CorrectionRecord) -> Result<Item, StoreError> {
    let mut item = encode(record, keys::account(record.account), keys::correction(record.id))?;
    expire_at(&mut item, days_after(record.at, CORRECTION_DAYS));
    Ok(item)
}

impl Table {
    /// Lists the corrections of an account, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn corrections(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<CorrectionId>,
    ) -> Result<Page<CorrectionRecord, CorrectionId>, StoreError> {
        let start = after.map(|id| primary_key(keys::account(account), keys::correction(id)));
        let query = self.query_prefix(account, keys::CORRECTION).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |record: &CorrectionRecord| record.id).await
    }
}
