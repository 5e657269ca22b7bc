//! The latest version of a document, as functions keep it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use domain::documents::{Document, DocumentVersion};
use jiff::Timestamp;

use crate::error::StoreError;

/// How long the latest version is used before it is asked for again, in seconds. With the 30 seconds for which clients may keep
/// what they were told, everyone has a new version within a minute.
pub const CACHE_S: i64 = 30;

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
    /// Returns the version that counts: the latest one, which `read` reads, or the compiled default if none was published, after
    /// `prepare`.
    ///
    /// # Errors
    /// The call failed, or the version cannot be read by this code.
    pub async fn get(
        &self,
        now: Timestamp,
        read: impl Future<Output = Result<Option<DocumentVersion>, StoreError>>,
        prepare: impl FnOnce(D) -> D,
    ) -> Result<Arc<D>, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((document, since)) = &known
            && now.duration_since(*since).as_secs() < CACHE_S
        {
            return Ok(Arc::clone(document));
        }
        let read = async {
            match read.await? {
                None => Ok(D::compiled().clone()),
                Some(version) => version.parse().map_err(StoreError::of("decode")),
            }
        };
        let document = match (read.await, known) {
            (Ok(document), _) => document,
            // A version that this code cannot read must not keep it from refunding, for one.
            (Err(error), Some((document, _))) => {
                tracing::error!(error = %error, document = D::NAME, "the latest version was not read: the one before is used");
                return Ok(document);
            }
            (Err(error), None) => return Err(error),
        };
        let document = Arc::new(prepare(document));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&document), now));
        Ok(document)
    }
}
