//! The versions of the catalogue in the table, and what providers say about its models.

use domain::catalogue::{version::CatalogueVersion, watch::ModelWatch};

use crate::{
    error::StoreError,
    item::{Item, encode, primary_key, string},
    keys,
    query::{Page, page},
    table::Table,
};

pub(crate) fn version_item(version: &CatalogueVersion) -> Result<Item, StoreError> {
    encode(version, keys::CATALOGUE_PARTITION.to_owned(), keys::catalogue_version(version.number))
}

pub(crate) fn watch_item(watch: &ModelWatch) -> Result<Item, StoreError> {
    encode(watch, keys::MODEL_WATCH_PARTITION.to_owned(), keys::MODEL_WATCH)
}

impl Table {
    /// Reads a version of the catalogue.
    ///
    /// # Errors
    /// The call failed.
    pub async fn catalogue_version(&self, number: u32) -> Result<Option<CatalogueVersion>, StoreError> {
        self.read(keys::CATALOGUE_PARTITION.to_owned(), keys::catalogue_version(number)).await
    }

    /// Reads the version of the catalogue that counts: the latest one. `None` if none was published.
    ///
    /// # Errors
    /// The call failed.
    pub async fn latest_catalogue_version(&self) -> Result<Option<CatalogueVersion>, StoreError> {
        Ok(self.catalogue_versions(1, None).await?.items.pop())
    }

    /// Lists the versions of the catalogue, the latest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn catalogue_versions(
        &self,
        limit: usize,
        after: Option<u32>,
    ) -> Result<Page<CatalogueVersion, u32>, StoreError> {
        let start =
            after.map(|number| primary_key(keys::CATALOGUE_PARTITION.to_owned(), keys::catalogue_version(number)));
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", string(keys::CATALOGUE_PARTITION))
            .expression_attribute_values(":sk", string(keys::CATALOGUE_VERSION))
            .scan_index_forward(false)
            .consistent_read(true);
        page(query.set_exclusive_start_key(start), limit, |version: &CatalogueVersion| version.number).await
    }

    /// Reads what providers said about the models of the catalogue; `None` if they were never asked.
    ///
    /// # Errors
    /// The call failed.
    pub async fn model_watch(&self) -> Result<Option<ModelWatch>, StoreError> {
        self.read(keys::MODEL_WATCH_PARTITION.to_owned(), keys::MODEL_WATCH.to_owned()).await
    }
}
