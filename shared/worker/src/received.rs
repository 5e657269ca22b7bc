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
    stored: Mutex<Stored>,
}

/// What was stored, and why something could not be.
#[derive(Default)]
struct Stored {
    files: u32,
    failed: Option<StoreError>,
}

impl<'a> Received<'a> {
    pub(crate) fn new(bucket: &'a Bucket, generation: &'a Generation) -> Self {
        Self { bucket, generation, stored: Mutex::default() }
    }

    /// Returns the answer to a call whose outputs came here: a start that was not waited for to its end is done if any came, as they
    /// are paid for.
    pub(crate) fn keep(&mut self, answer: ProviderAnswer) -> ProviderAnswer {
        match answer {
            ProviderAnswer::Unconfirmed if self.any() => ProviderAnswer::Done,
            other => other,
        }
    }

    /// Says whether any file came.
    pub(crate) fn any(&mut self) -> bool {
        let stored = self.stored.get_mut();
        stored.files > 0 || stored.failed.is_some()
    }

    /// Returns how many files were stored.
    ///
    /// # Errors
    /// One could not be stored.
    pub(crate) fn files(self) -> Result<u32, StoreError> {
        let Stored { files, failed } = self.stored.into_inner();
        failed.map_or(Ok(files), Err)
    }
}

#[async_trait]
impl Outputs for Received<'_> {
    async fn take(&self, bytes: Vec<u8>) {
        let (account, id) = (self.generation.account, self.generation.id);
        let mut stored = self.stored.lock().await;
        if stored.files >= self.generation.settings.count.into() {
            return;
        }
        if bytes.len() as u64 > max_file_bytes(self.generation.kind) {
            tracing::warn!(%account, generation = %id, "a file of a provider is too large");
            return;
        }
        let key = Bucket::received_key(account, id, stored.files);
        // After one that could not be stored come others, which the next delivery finds.
        match self.bucket.write(&key, "application/octet-stream", bytes).await {
            Ok(()) => stored.files += 1,
            Err(error) => stored.failed = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::catalogue::models::MediaKind;
    use fake_aws::{aws::Aws, environment::environment, seed};
    use http::StatusCode;
    use runtime::{clients::Clients, config::Environment};
    use store::Table;

    use super::*;

    struct World {
        aws: Aws,
        bucket: Bucket,
        generation: Generation,
    }

    async fn world(count: u8) -> World {
        let aws = seed::aws(MediaKind::Image).await.unwrap();
        let environment: Environment = environment(&aws).unwrap().into_iter().collect();
        let clients = Clients::new(&environment).unwrap();
        let shards = environment.integer("INDEX_SHARDS").unwrap();
        let table = Table::new(clients.dynamodb().clone(), environment.required("TABLE").unwrap(), shards);
        let id = "0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a".parse().unwrap();
        let mut generation = table.generation(aws.account().parse().unwrap(), id).await.unwrap().unwrap();
        generation.settings.count = count;
        World { bucket: Bucket::new(clients.s3().clone(), "bucket".to_owned()), aws, generation }
    }

    #[tokio::test]
    async fn files_are_numbered_and_those_too_large_or_too_many_are_left_out() {
        let World { aws, bucket, generation } = world(2).await;
        let received = Received::new(&bucket, &generation);
        let too_large = vec![0; usize::try_from(max_file_bytes(MediaKind::Image)).unwrap() + 1];
        for bytes in [b"one".to_vec(), too_large, b"two".to_vec(), b"three".to_vec()] {
            received.take(bytes).await;
        }
        assert_eq!(received.files().unwrap(), 2);
        let stored = async |number| aws.written(&Bucket::received_key(generation.account, generation.id, number)).await;
        assert_eq!(
            (stored(0).await, stored(1).await, stored(2).await),
            (Some(b"one".to_vec()), Some(b"two".to_vec()), None)
        );
    }

    #[tokio::test]
    async fn file_that_cannot_be_stored_does_not_cost_those_after_it() {
        let World { aws, bucket, generation } = world(3).await;
        let key = |number| Bucket::received_key(generation.account, generation.id, number);
        let mut received = Received::new(&bucket, &generation);
        received.take(b"one".to_vec()).await;
        aws.fail_object(key(1), StatusCode::FORBIDDEN).await;
        received.take(b"two".to_vec()).await;
        aws.put_object(key(1), Vec::new()).await;
        received.take(b"three".to_vec()).await;
        assert!(received.any());
        assert!(received.files().is_err(), "the message is delivered again, and finds the others");
        assert_eq!(
            (aws.written(&key(0)).await.unwrap(), aws.written(&key(1)).await.unwrap()),
            (b"one".to_vec(), b"three".to_vec())
        );
    }

    #[tokio::test]
    async fn what_came_of_a_start_that_took_too_long_is_kept() {
        let World { aws: _, bucket, generation } = world(2).await;
        let mut received = Received::new(&bucket, &generation);
        assert_eq!(received.keep(ProviderAnswer::Unconfirmed).outcome(), "unconfirmed");
        received.take(b"one".to_vec()).await;
        assert_eq!(received.keep(ProviderAnswer::Unconfirmed).outcome(), "done");
        let rejected = ProviderAnswer::Rejected { reason: "not this".to_owned() };
        assert_eq!(received.keep(rejected).outcome(), "rejected");
    }
}
