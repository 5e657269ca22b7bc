//! What providers say about the models of the catalogue, in the table.

use domain::catalogue::watch::ModelWatch;

use crate::{
    error::StoreError,
    item::{Item, encode},
    keys,
    table::Table,
};

pub(crate) fn watch_item(watch: &ModelWatch) -> Result<Item, StoreError> {
    encode(watch, keys::MODEL_WATCH_PARTITION.to_owned(), keys::MODEL_WATCH)
}

impl Table {
    /// Reads what providers said about the models of the catalogue; `None` if they were never asked.
    ///
    /// # Errors
    /// The call failed.
    pub async fn model_watch(&self) -> Result<Option<ModelWatch>, StoreError> {
        self.read(keys::MODEL_WATCH_PARTITION.to_owned(), keys::MODEL_WATCH.to_owned()).await
    }
}
