//! The blocklist in the table, in one partition. It is read whole: what looks the same is not found by a key.

use domain::{CaseId, moderation::blocklist::BlockedFile};

use crate::{
    error::StoreError,
    item::{Item, encode, expire_at, primary_key, string},
    keys,
    query::all,
    table::Table,
};

pub(crate) fn to_item(file: &BlockedFile) -> Result<Item, StoreError> {
    let mut item = encode(file, keys::BLOCKLIST_PARTITION.to_owned(), keys::blocked_file(file.case))?;
    expire_at(&mut item, file.expires_at());
    Ok(item)
}

pub(crate) fn key(case: CaseId) -> Item {
    primary_key(keys::BLOCKLIST_PARTITION.to_owned(), keys::blocked_file(case))
}

impl Table {
    /// Lists the files that were removed for the gravest reasons.
    ///
    /// # Errors
    /// A call failed.
    pub async fn blocklist(&self) -> Result<Vec<BlockedFile>, StoreError> {
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(keys::BLOCKLIST_PARTITION));
        all(query).await
    }
}
