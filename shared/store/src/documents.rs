//! The versions of the documents of the operator in the table, and the latest one as functions read it.

use std::sync::Arc;

use domain::{
    documents::{Document, DocumentVersion},
    service_settings::ServiceSettings,
    service_texts::ServiceTexts,
};
use jiff::Timestamp;

use crate::{
    error::StoreError,
    item::{Item, encode, primary_key, string},
    keys,
    query::{Page, page},
    table::Table,
};

pub(crate) fn version_item(document: &str, version: &DocumentVersion) -> Result<Item, StoreError> {
    encode(version, keys::document(document), keys::document_version(version.number))
}

impl Table {
    /// Returns the settings of the service, at most [`CACHE_S`](crate::CACHE_S) old.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn settings(&self, now: Timestamp) -> Result<Arc<ServiceSettings>, StoreError> {
        self.settings.get(now, self.latest_document_version::<ServiceSettings>(), |settings| settings).await
    }

    /// Returns the texts of the operator, at most [`CACHE_S`](crate::CACHE_S) old.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn texts(&self, now: Timestamp) -> Result<Arc<ServiceTexts>, StoreError> {
        self.texts.get(now, self.latest_document_version::<ServiceTexts>(), |texts| texts).await
    }

    /// Reads a version of a document.
    ///
    /// # Errors
    /// The call failed.
    pub async fn document_version<D: Document>(&self, number: u32) -> Result<Option<DocumentVersion>, StoreError> {
        self.read(keys::document(D::NAME), keys::document_version(number)).await
    }

    /// Reads the version of a document that counts: the latest one. `None` if none was published.
    ///
    /// # Errors
    /// The call failed.
    pub async fn latest_document_version<D: Document>(&self) -> Result<Option<DocumentVersion>, StoreError> {
        Ok(self.document_versions::<D>(1, None).await?.items.pop())
    }

    /// Lists the versions of a document, the latest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn document_versions<D: Document>(
        &self,
        limit: usize,
        after: Option<u32>,
    ) -> Result<Page<DocumentVersion, u32>, StoreError> {
        let partition = keys::document(D::NAME);
        let start = after.map(|number| primary_key(partition.clone(), keys::document_version(number)));
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", string(partition))
            .expression_attribute_values(":sk", string(keys::DOCUMENT_VERSION))
            .scan_index_forward(false)
            .consistent_read(true);
        page(query.set_exclusive_start_key(start), limit, |version: &DocumentVersion| version.number).await
    }
}
