//! Uploads in the table.

use domain::{AccountId, UploadId, accounts::account::Account, generations::upload::Upload};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, primary_key},
    keys,
    query::{Page, page},
    table::Table,
};

pub(crate) fn to_item(upload: &Upload) -> Result<Item, StoreError> {
    let mut item = encode(upload, keys::account(upload.account), keys::upload(upload.id))?;
    if !upload.held {
        mark_due(&mut item, DueKind::Upload, upload.expires_at);
    }
    Ok(item)
}

impl Table {
    /// Reads an upload.
    ///
    /// # Errors
    /// The call failed.
    pub async fn upload(&self, account: AccountId, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.read(keys::account(account), keys::upload(id)).await
    }

    /// Reads an account and one of its uploads in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_upload(
        &self,
        account: AccountId,
        id: UploadId,
    ) -> Result<(Option<Account>, Option<Upload>), StoreError> {
        self.read_with_account(account, keys::upload(id)).await
    }

    /// Lists uploads, newest first, including those that are being deleted.
    ///
    /// # Errors
    /// The call failed.
    pub async fn uploads(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<UploadId>,
    ) -> Result<Page<Upload, UploadId>, StoreError> {
        let start = after.map(|id| primary_key(keys::account(account), keys::upload(id)));
        let query = self.query_prefix(account, keys::UPLOAD).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |upload: &Upload| upload.id).await
    }
}
