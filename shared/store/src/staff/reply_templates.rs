//! Reply templates in the table: one item.

use domain::staff::reply_templates::ReplyTemplates;

use crate::{
    error::StoreError,
    item::{Item, encode},
    keys,
    table::Table,
};

pub(crate) fn to_item(templates: &ReplyTemplates) -> Result<Item, StoreError> {
    encode(templates, keys::REPLY_TEMPLATES.to_owned(), keys::REPLY_TEMPLATES)
}

impl Table {
    /// Reads the reply templates.
    ///
    /// # Errors
    /// The call failed.
    pub async fn reply_templates(&self) -> Result<Option<ReplyTemplates>, StoreError> {
        self.read(keys::REPLY_TEMPLATES.to_owned(), keys::REPLY_TEMPLATES).await
    }
}
