//! The files of a provider, stored as they come.

use async_trait::async_trait;
use domain::generations::{generation::Generation, output::max_file_bytes};
use providers::Outputs;
use store::{Bucket, StoreError};
use tokio::sync::Mutex;

use crate::ask::ProviderAnswer;

/// Stores the outputs of one call as they are, one after another, for the function that finishes them. Files that are too large are
/// left out and not charged.
pub(crate) struct Received<'a> {
    bucket: &'a Bucket,
    generation: &'a Generation,
    stored: Mutex<Result<u32, StoreError>>,
}

impl<'a> Received<'a> {
    pub(crate) fn new(bucket: &'a Bucket, generation: &'a Generation) -> Self {
        Self { bucket, generation, stored: Mutex::new(Ok(0)) }
    }

    /// Returns the answer to a call whose outputs came here: a start that was not waited for to its end is done if any came, as they
    /// are paid for.
    pub(crate) fn keep(&mut self, answer: ProviderAnswer) -> ProviderAnswer {
        match answer {
            ProviderAnswer::Unconfirmed if self.any() => ProviderAnswer::Done,
            other => other,
        }
    }

    /// Says whether any file was stored.
    pub(crate) fn any(&mut self) -> bool {
        !matches!(self.stored.get_mut(), Ok(0))
    }

    /// Returns how many files were stored.
    ///
    /// # Errors
    /// One could not be stored.
    pub(crate) fn files(self) -> Result<u32, StoreError> {
        self.stored.into_inner()
    }
}

#[async_trait]
impl Outputs for Received<'_> {
    async fn take(&self, bytes: Vec<u8>) {
        let (account, id) = (self.generation.account, self.generation.id);
        let mut stored = self.stored.lock().await;
        let Ok(number) = *stored else { return };
        if number >= self.generation.settings.count.into() {
            return;
        }
        if bytes.len() as u64 > max_file_bytes(self.generation.kind) {
            tracing::warn!(%account, generation = %id, "a file of a provider is too large");
            return;
        }
        let key = Bucket::received_key(account, id, number);
        *stored = self.bucket.write(&key, "application/octet-stream", bytes).await.map(|()| number + 1);
    }
}
