//! Data exports in the table.

use domain::{AccountId, ExportId, privacy::export::Export};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode},
    keys,
    query::all,
    table::Table,
};

pub(crate) fn to_item(export: &Export) -> Result<Item, StoreError> {
    let mut item = encode(export, keys::account(export.account), keys::export(export.id))?;
    mark_due(&mut item, DueKind::Export, export.due_at());
    Ok(item)
}

impl Table {
    /// Reads an export.
    ///
    /// # Errors
    /// The call failed.
    pub async fn export(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, StoreError> {
        self.read(keys::account(account), keys::export(id)).await
    }

    /// Lists every export of an account, oldest first.
    ///
    /// # Errors
    /// A call failed.
    pub async fn exports(&self, account: AccountId) -> Result<Vec<Export>, StoreError> {
        all(self.query_prefix(account, keys::EXPORT)).await
    }
}
