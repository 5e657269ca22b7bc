//! One message, from claim to settlement.

use std::time::{Duration, Instant};

use domain::{
    AccountId, GenerationId,
    accounts::plan::Retention,
    catalogue::models::{MediaKind, Offer},
    generations::generation::{
        Failure, FailureResponse, Generation, GenerationClaim, GenerationStatus, Media, ProviderFailure,
    },
    generations::submission::GenerationOutcome,
    generations::upload,
};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{EndResult, LifecycleError};
use providers::{Output, Provider, ReferenceImage};
use runtime::{
    clients::Clients,
    clock,
    config::Environment,
    secrets::SecretUnreadable,
    sqs::Record,
    telemetry::{Metric, metric},
};
use store::{Bucket, CommitError, GenerationMessage, Queue, StoreError, Table, Write};

use crate::{
    ask::{self, Call, ProviderAnswer},
    configuration::{ConfigurationError, Configured},
    follow::{Step, Wait, follow},
    output,
};

/// Kept of an invocation's time for checking, storing and settling, in seconds. A provider has the rest.
const STORING_S: i64 = 30;
/// Most times that a step is decided anew because its owner changed something beside it.
const ATTEMPTS: usize = 8;

/// Why a message is to be delivered again: always our own failure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The table, the bucket or the queue.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be ended.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// The providers' keys.
    #[error(transparent)]
    Keys(#[from] SecretUnreadable),
    /// Its owner changed it every time.
    #[error("it is being changed by others")]
    Contended,
}

/// Works on the messages of one queue.
pub(crate) struct Worker {
    table: Table,
    bucket: Bucket,
    queue: Queue,
    providers: Configured,
    lease_s: u32,
    retention: Retention,
}

/// What became of a write.
enum Written {
    /// It is there.
    Now,
    /// Something else is: this, or nothing.
    Stale(Option<Box<Generation>>),
}

impl Worker {
    pub(crate) fn new(environment: &Environment, kind: MediaKind) -> Result<Self, ConfigurationError> {
        let clients = Clients::new(environment)?;
        let queue_url = match kind {
            MediaKind::Image => "IMAGE_QUEUE_URL",
            MediaKind::Video => "VIDEO_QUEUE_URL",
        };
        Ok(Self {
            table: Table::new(clients.dynamodb().clone(), environment.required("TABLE")?),
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queue: Queue::new(clients.sqs().clone(), environment.required(queue_url)?),
            providers: Configured::new(environment, clients)?,
            lease_s: u32::try_from(environment.integer("LEASE_SECONDS")?).unwrap_or(u32::MAX),
            retention: lifecycle::retention(environment)?,
        })
    }

    /// Does what a message asks for, if it is still to be done and nobody else is doing it.
    pub(crate) async fn work(&self, record: Record<GenerationMessage>) -> Result<(), WorkError> {
        let GenerationMessage { account, generation: id } = record.body;
        let Some(mut generation) = self.table.generation(account, id).await? else {
            // An attempt that came too late and died may have written files after the rest was removed.
            return Ok(self.bucket.remove_all(&Bucket::generation_prefix(account, id)).await?);
        };
        for _ in 0..ATTEMPTS {
            let now = clock::now();
            if generation.is_overdue(now) {
                return self.end(&generation, GenerationOutcome::Failed(Failure::DeadlinePassed)).await;
            }
            let (claimed, offer) = match generation.claim(self.providers.enabled(), self.lease_s, now) {
                GenerationClaim::Ended | GenerationClaim::Leased { .. } => return Ok(()),
                GenerationClaim::NoOffer => {
                    return self.end(&generation, GenerationOutcome::Failed(Failure::ProviderUnavailable)).await;
                }
                GenerationClaim::Work { generation: claimed, offer } => (claimed, offer),
            };
            let provider = self.providers.provider(offer.provider).await?;
            match self.write(&claimed).await? {
                Written::Now => {
                    if generation.status == GenerationStatus::Queued {
                        let waited = Duration::try_from(now.duration_since(generation.created_at)).unwrap_or_default();
                        metric(Metric::QueueAgeMs, milliseconds(waited), &[kind_name(generation.kind)]);
                    }
                    return self.attempt(&claimed, &offer, provider, record.deadline).await;
                }
                Written::Stale(None) => return Ok(()),
                // It need not be a claim: the sweep notes that it sent this message, and may do so only now.
                Written::Stale(Some(current)) => generation = *current,
            }
        }
        Err(WorkError::Contended)
    }

    async fn attempt(
        &self,
        generation: &Generation,
        offer: &Offer,
        provider: Option<&dyn Provider>,
        deadline: Timestamp,
    ) -> Result<(), WorkError> {
        let answer = match provider {
            Some(provider) => {
                let Some(call) = self.call(generation, offer).await? else {
                    return self.end(generation, GenerationOutcome::Failed(Failure::InputMissing)).await;
                };
                ask(provider, &call, deadline).await
            }
            None => {
                tracing::error!(provider = offer.provider, "enabled, and without a key that can be used");
                ProviderAnswer::OurMistake
            }
        };
        metric(Metric::ProviderOutcome, 1, &[offer.provider, answer.outcome()]);
        if matches!(answer, ProviderAnswer::OurMistake) {
            metric(Metric::OurMistake, 1, &[offer.provider]);
        }
        match follow(answer, offer.provider) {
            Step::Store(outputs) => self.deliver(generation, offer, outputs).await,
            Step::Wait(wait) => self.wait(generation, &wait).await,
            Step::End(end) => self.end(generation, end).await,
        }
    }

    /// What to ask: how the job stands if there is one, else for everything. `None` if the input image is gone.
    async fn call(&self, generation: &Generation, offer: &Offer) -> Result<Option<Call>, WorkError> {
        if let Some(job) = &generation.provider_job {
            return Ok(Some(Call::Poll(job.id.clone())));
        }
        let input = match generation.settings.input_upload {
            None => None,
            Some(id) => {
                let Some(upload) = self.table.upload(generation.account, id).await? else { return Ok(None) };
                if upload.check_usable_as_input(clock::now()).is_err() {
                    return Ok(None);
                }
                let key = Bucket::inspected_key(generation.account, id);
                let Some(bytes) = self.bucket.read(&key, upload::IMAGE_BYTES).await? else { return Ok(None) };
                Some(ReferenceImage { bytes, mime: upload.content_type })
            }
        };
        Ok(Some(Call::Start(Box::new(ask::request(generation.kind, &generation.settings, offer, input)))))
    }

    /// Stores what was made and settles. Files that are not what they should be are left out, and not paid for.
    async fn deliver(&self, generation: &Generation, offer: &Offer, outputs: Vec<Output>) -> Result<(), WorkError> {
        let media = self.store(generation, outputs).await?;
        if media.is_empty() {
            metric(Metric::ProviderOutcome, 1, &[offer.provider, "unusable"]);
            return self.wait(generation, &Wait::Retry(ProviderFailure::Unknown)).await;
        }
        let (account, id) = (generation.account, generation.id);
        let too_late = match self.settle(account, id, GenerationOutcome::Succeeded(media)).await? {
            EndResult::Ended(_) => false,
            EndResult::AlreadyEnded(ended) => ended.deleting || ended.status != GenerationStatus::Succeeded,
            EndResult::Gone => true,
        };
        if too_late {
            metric(Metric::ProviderOutcome, 1, &[offer.provider, "late"]);
            tracing::warn!(%account, generation = %id, "made after it had ended: the files are dropped");
            self.bucket.remove_all(&Bucket::generation_prefix(account, id)).await?;
        }
        Ok(())
    }

    async fn store(&self, generation: &Generation, outputs: Vec<Output>) -> Result<Vec<Media>, WorkError> {
        let (account, id) = (generation.account, generation.id);
        let prefix = Bucket::generation_prefix(account, id);
        let mut media = Vec::new();
        for (number, Output { bytes }) in outputs.into_iter().take(generation.settings.count.into()).enumerate() {
            let (kind, model) = (generation.kind, generation.settings.model.clone());
            let file = match tokio::task::spawn_blocking(move || output::finish(bytes, kind, &model)).await {
                Ok(Ok(file)) => file,
                Ok(Err(error)) => {
                    tracing::warn!(%account, generation = %id, number, error = %error, "a file is not what it should be");
                    continue;
                }
                Err(error) => {
                    tracing::error!(%account, generation = %id, number, error = %error, "a file could not be checked");
                    continue;
                }
            };
            let media_type = file.measured.media_type;
            let key = format!("{prefix}{number}.{}", media_type.extension());
            let bytes = file.bytes.len() as u64;
            self.bucket.write(&key, media_type.mime(), file.bytes).await?;
            let (thumbnail_key, thumbhash) = match file.preview {
                Some(preview) => {
                    let key = format!("{prefix}{number}.thumb.jpg");
                    self.bucket.write(&key, media::MediaType::Jpeg.mime(), preview.jpeg).await?;
                    (Some(key), Some(preview.thumbhash))
                }
                None => (None, None),
            };
            media.push(Media {
                key,
                content_type: media_type.mime().to_owned(),
                bytes,
                width: file.measured.width,
                height: file.measured.height,
                duration_ms: file.measured.duration_ms,
                thumbnail_key,
                thumbhash,
            });
        }
        Ok(media)
    }

    /// Writes what is waited for, then sends the message for it. One that cannot be sent is sent by the sweep.
    async fn wait(&self, claimed: &Generation, wait: &Wait) -> Result<(), WorkError> {
        let mut generation = claimed.clone();
        for _ in 0..ATTEMPTS {
            let (next, delay_s) = match wait.begin(&generation, self.providers.enabled(), clock::now()) {
                FailureResponse::Retry { generation, delay_s } => (generation, delay_s),
                FailureResponse::GiveUp => {
                    return self.end(claimed, GenerationOutcome::Failed(Failure::ProviderUnavailable)).await;
                }
            };
            let (account, id) = (claimed.account, claimed.id);
            match self.write(&next).await? {
                Written::Now => {
                    if let Err(error) = self.queue.send(&GenerationMessage { account, generation: id }, delay_s).await {
                        tracing::warn!(%account, generation = %id, error = %error, "the message was not sent: the sweep will");
                    }
                    return Ok(());
                }
                // Its owner changed something beside our work, such as who may see it: the lease is still ours.
                Written::Stale(Some(current)) if current.lease_until == claimed.lease_until => generation = *current,
                Written::Stale(_) => {
                    tracing::warn!(%account, generation = %id, "it ended, or somebody else has it: this attempt is dropped");
                    return Ok(());
                }
            }
        }
        Err(WorkError::Contended)
    }

    async fn write(&self, generation: &Generation) -> Result<Written, WorkError> {
        match self.table.commit(&[Write::Generation(generation)]).await {
            Ok(()) => Ok(Written::Now),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(_) => {
                let current = self.table.generation(generation.account, generation.id).await?;
                // The SDK repeats a write whose answer was lost, and that repeat finds the write itself.
                let is_ours = current.as_ref() == Some(generation);
                Ok(if is_ours { Written::Now } else { Written::Stale(current.map(Box::new)) })
            }
        }
    }

    async fn end(&self, generation: &Generation, end: GenerationOutcome) -> Result<(), WorkError> {
        self.settle(generation.account, generation.id, end).await.map(drop)
    }

    async fn settle(
        &self,
        account: AccountId,
        generation: GenerationId,
        end: GenerationOutcome,
    ) -> Result<EndResult, WorkError> {
        let ids = (account, generation);
        Ok(lifecycle::end_generation(&self.table, ids, end, self.retention, clock::now()).await?)
    }
}

/// Asks, within the invocation's time, and measures how long it took.
async fn ask(provider: &dyn Provider, call: &Call, deadline: Timestamp) -> ProviderAnswer {
    let left = (deadline - SignedDuration::from_secs(STORING_S)).duration_since(clock::now());
    let begun = Instant::now();
    let answer = ask::ask(provider, call, Duration::try_from(left).unwrap_or_default()).await;
    metric(Metric::ProviderLatencyMs, milliseconds(begun.elapsed()), &[provider.name()]);
    answer
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

const fn kind_name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Video => "video",
    }
}
