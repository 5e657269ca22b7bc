//! The catalogue as functions read it: cached, and narrowed to the providers that this deployment has configured.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    catalogue::{self, Catalogue},
    documents::DocumentVersion,
};
use jiff::Timestamp;
use store::{Latest, StoreError, Table};

/// The most versions that are kept for generations that were submitted with them.
const VERSIONS: usize = 16;

/// Reads the catalogue.
pub struct Catalogues {
    enabled: Vec<String>,
    present: Latest<Catalogue>,
    /// By number. They never change.
    versions: Mutex<BTreeMap<u32, Arc<Catalogue>>>,
}

impl Catalogues {
    /// Reads the catalogue for a deployment with these providers. Models that none of them offers are left out.
    #[must_use]
    pub fn new(enabled: Vec<String>) -> Self {
        Self { enabled, present: Latest::default(), versions: Mutex::default() }
    }

    /// Returns the names of the enabled providers.
    #[must_use]
    pub fn enabled(&self) -> &[String] {
        &self.enabled
    }

    /// Returns the version that counts, with the offers of the enabled providers.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn present(&self, table: &Table, now: Timestamp) -> Result<Arc<Catalogue>, StoreError> {
        self.present.get(table, now, |catalogue| catalogue.offered_by(&self.enabled)).await
    }

    /// Returns the version with this number, which a generation was submitted with.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn version(&self, table: &Table, number: u32, now: Timestamp) -> Result<Arc<Catalogue>, StoreError> {
        let known = self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned();
        if let Some(catalogue) = known {
            return Ok(catalogue);
        }
        let catalogue = if number == 0 {
            self.compiled()
        } else {
            match table.document_version::<Catalogue>(number).await? {
                Some(version) => self.narrowed(&version)?,
                // A table that was restored from a backup may lack the latest versions.
                None => return self.present(table, now).await,
            }
        };
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.len() >= VERSIONS {
            versions.clear();
        }
        versions.insert(number, Arc::clone(&catalogue));
        Ok(catalogue)
    }

    fn compiled(&self) -> Arc<Catalogue> {
        Arc::new(catalogue::compiled().offered_by(&self.enabled))
    }

    fn narrowed(&self, version: &DocumentVersion) -> Result<Arc<Catalogue>, StoreError> {
        let catalogue: Catalogue =
            version.parse().map_err(|error| StoreError { operation: "decode", source: error.into() })?;
        Ok(Arc::new(catalogue.offered_by(&self.enabled)))
    }
}
