//! The versions of the documents of the operator in the table, and the latest one as functions read it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

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

/// How long the latest version is used before it is asked for again, in seconds. With the 30 seconds for which clients may keep
/// what they were told, everyone has a new version within a minute.
pub const CACHE_S: i64 = 30;

pub(crate) fn version_item(document: &str, version: &DocumentVersion) -> Result<Item, StoreError> {
    encode(version, keys::document(document), keys::document_version(version.number))
}

/// Keeps the latest version of a document for [`CACHE_S`].
pub struct Latest<D>(Mutex<Option<(Arc<D>, Timestamp)>>);

impl<D> Default for Latest<D> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<D> fmt::Debug for Latest<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Latest")
    }
}

impl<D: Document> Latest<D> {
    /// Returns the version that counts: the latest one, or the compiled default if none was published, after `prepare`.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn get(&self, table: &Table, now: Timestamp, prepare: impl FnOnce(D) -> D) -> Result<Arc<D>, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((document, since)) = known
            && now.duration_since(since).as_secs() < CACHE_S
        {
            return Ok(document);
        }
        let document = match table.latest_document_version::<D>().await? {
            None => D::compiled().clone(),
            Some(version) => version.parse().map_err(StoreError::of("decode"))?,
        };
        let document = Arc::new(prepare(document));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&document), now));
        Ok(document)
    }
}

impl Table {
    /// Returns the settings of the service, at most [`CACHE_S`] old.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn settings(&self, now: Timestamp) -> Result<Arc<ServiceSettings>, StoreError> {
        self.settings.get(self, now, |settings| settings).await
    }

    /// Returns the texts of the operator, at most [`CACHE_S`] old.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn texts(&self, now: Timestamp) -> Result<Arc<ServiceTexts>, StoreError> {
        self.texts.get(self, now, |texts| texts).await
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
