//! The files of a provider, stored as they come.

use async_trait::async_trait;
use domain::generations::{generation::Generation, output::max_file_bytes};
use jiff::Timestamp;
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

/// What became of the files.
#[derive(Default)]
struct Stored {
    /// How many have a number.
    numbered: u32,
    /// How many of these were stored.
    stored: u32,
    /// Why one of them could not be stored.
    failed: Option<StoreError>,
}

impl<'a> Received<'a> {
    pub(crate) fn new(bucket: &'a Bucket, generation: &'a Generation) -> Self {
        Self { bucket, generation, stored: Mutex::default() }
    }

    /// Returns the answer to a call whose outputs came here. A start is paid for and returns its files once: it is done if any was
    /// stored, though it was not waited for to its end, and not to be repeated if none of those that came could be stored. A job that
    /// fails is done with the files that were stored if it is too late to poll it again.
    pub(crate) fn keep(&mut self, answer: ProviderAnswer, now: Timestamp) -> ProviderAnswer {
        let (is_start, is_late) = (self.is_start(), self.generation.is_last_poll(now));
        let Stored { stored, failed, .. } = self.stored.get_mut();
        match answer {
            ProviderAnswer::Unconfirmed if *stored > 0 => ProviderAnswer::Done,
            ProviderAnswer::Failed(_) if !is_start && is_late && *stored > 0 => ProviderAnswer::Done,
            ProviderAnswer::Done if is_start && *stored == 0 && failed.is_some() => ProviderAnswer::Unconfirmed,
            other => other,
        }
    }

    /// Says whether any file came.
    pub(crate) fn any(&mut self) -> bool {
        self.stored.get_mut().numbered > 0
    }

    /// Returns how many files have a number. Those of a start that could not be stored are left out and not charged.
    ///
    /// # Errors
    /// One of a job could not be stored. The message is delivered again, and the job returns all of its files again.
    pub(crate) fn files(self) -> Result<u32, StoreError> {
        let is_start = self.is_start();
        let Stored { numbered, failed, .. } = self.stored.into_inner();
        failed.filter(|_| !is_start).map_or(Ok(numbered), Err)
    }

    const fn is_start(&self) -> bool {
        self.generation.provider_job.is_none()
    }
}

#[async_trait]
impl Outputs for Received<'_> {
    async fn take(&self, bytes: Vec<u8>) {
        let (account, id) = (self.generation.account, self.generation.id);
        let mut stored = self.stored.lock().await;
        if stored.numbered >= self.generation.settings.count.into() {
            return;
        }
        if bytes.len() as u64 > max_file_bytes(self.generation.kind) {
            tracing::warn!(%account, generation = %id, "a file of a provider is too large");
            return;
        }
        let key = Bucket::received_key(account, id, stored.numbered);
        // The number of one that could not be stored is not used again: it may have been stored.
        stored.numbered += 1;
        match self.bucket.write(&key, "application/octet-stream", bytes).await {
            Ok(()) => stored.stored += 1,
            Err(error) => {
                tracing::error!(%account, generation = %id, error = %error, "a file of a provider could not be stored");
                stored.failed = Some(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{catalogue::models::MediaKind, generations::generation::ProviderJob};
    use fake_aws::{aws::Aws, environment::environment, seed};
    use http::StatusCode;
    use runtime::{clients::Clients, clock, config::Environment};
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
    async fn file_that_cannot_be_stored_does_not_cost_those_beside_it() {
        let World { aws, bucket, mut generation } = world(3).await;
        let key = |number| Bucket::received_key(generation.account, generation.id, number);
        let keys = [key(0), key(1), key(2)];
        aws.fail_object(keys[1].clone(), StatusCode::FORBIDDEN).await;
        let job = ProviderJob { provider: "fal".to_owned(), id: "job".to_owned() };
        for (provider_job, files) in [(None, Some(3)), (Some(job), None)] {
            generation.provider_job = provider_job;
            let mut received = Received::new(&bucket, &generation);
            for bytes in [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()] {
                received.take(bytes).await;
            }
            assert_eq!(received.keep(ProviderAnswer::Done, clock::now()).outcome(), "done");
            assert_eq!(received.files().ok(), files, "a job returns its files again, a start does not");
            assert_eq!(
                (aws.written(&keys[0]).await.unwrap(), aws.written(&keys[2]).await.unwrap()),
                (b"one".to_vec(), b"three".to_vec())
            );
        }
    }

    #[tokio::test]
    async fn start_whose_files_could_not_be_stored_is_not_done_and_not_repeated() {
        let World { aws, bucket, generation } = world(1).await;
        aws.fail_object(Bucket::received_key(generation.account, generation.id, 0), StatusCode::FORBIDDEN).await;
        let mut received = Received::new(&bucket, &generation);
        received.take(b"one".to_vec()).await;
        assert!(received.any(), "it may have been stored, and is to be removed");
        for answer in [ProviderAnswer::Done, ProviderAnswer::Unconfirmed] {
            assert_eq!(received.keep(answer, clock::now()).outcome(), "unconfirmed");
        }
    }

    #[tokio::test]
    async fn what_came_of_a_start_that_took_too_long_is_kept() {
        let World { aws: _, bucket, generation } = world(2).await;
        let mut received = Received::new(&bucket, &generation);
        assert_eq!(received.keep(ProviderAnswer::Unconfirmed, clock::now()).outcome(), "unconfirmed");
        received.take(b"one".to_vec()).await;
        assert_eq!(received.keep(ProviderAnswer::Unconfirmed, clock::now()).outcome(), "done");
        let rejected = ProviderAnswer::Rejected { reason: "not this".to_owned() };
        assert_eq!(received.keep(rejected, clock::now()).outcome(), "rejected");
    }
}
