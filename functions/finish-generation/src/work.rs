//! One message, from received files to settlement.

use std::sync::Arc;

use domain::{
    GenerationId,
    accounts::strikes::StrikePolicy,
    catalogue::{Catalogue, models::MediaKind},
    generations::{
        generation::{Failure, FailureResponse, FinishClaim, Generation, GenerationStatus, ProviderFailure},
        output::{Media, max_file_bytes},
        submission::GenerationOutcome,
    },
    moderation::verdict::{Stage, Verdict},
};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{EndResult, LifecycleError, Waiting, Written, catalogue::Catalogues};
use media::{
    VisibleLabel,
    watermark::{WATERMARK_KEY, WatermarkKey},
};
use moderation::Content;
use provenance::{Claim, EarlierManifest, SignError, TimeStamp};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    sqs::Record,
    telemetry::{Metric, metric},
};
use store::{Bucket, FileVersion, GenerationMessage, GenerationQueues, Queue, Table};
use worker::{CheckError, Classifiers, Share, log_failed_check};

use crate::{
    output::{self, Mark, OutputError},
    signing::{Signing, failed},
};

/// Most times that a claim is decided anew because its owner changed something beside it.
const ATTEMPTS: usize = 8;
/// What a file may take: the checks by slow classifiers, and to mark, sign and store it.
const FILE_TIME: SignedDuration = SignedDuration::from_secs(90);

/// What became of received files.
#[derive(Default)]
struct Stored {
    /// The outputs that were written.
    media: Vec<Media>,
    /// The versions of the files that were read.
    received: Vec<FileVersion>,
    /// What the classifiers decided about the outputs.
    verdicts: Vec<Verdict>,
    /// Whether a file that could be read was not finished with the visible label that it is to have.
    unlabelled: bool,
    /// Why the first of the files that could not be checked could not.
    unchecked: Option<CheckError>,
}

impl Stored {
    /// Returns why the generation failed if an output was blocked, and none was written.
    fn blocked(&self) -> Option<Failure> {
        let categories = self.verdicts.iter().flat_map(|verdict| verdict.categories.clone()).collect();
        let is_blocked = self.verdicts.iter().any(Verdict::is_blocked);
        is_blocked.then_some(Failure::Blocked { stage: Stage::Outputs, categories })
    }
}

/// Works on the messages of the finish queue.
pub(crate) struct Worker {
    table: Table,
    bucket: Bucket,
    signing: Signing,
    clients: Arc<Clients>,
    app_key_secret: String,
    /// The queues of the functions that call providers.
    queues: GenerationQueues,
    /// The queue whose messages this works on.
    queue: Queue,
    share: Share,
    catalogues: Catalogues,
    lease_s: u32,
    classifiers: Classifiers,
    strikes: StrikePolicy,
    visible_label: VisibleLabel,
    aigc_producer: Option<String>,
}

impl Worker {
    pub(crate) fn new(environment: &Environment) -> Result<Self, Error> {
        let clients = Arc::new(Clients::new(environment)?);
        let table = Table::new(
            clients.dynamodb().clone(),
            environment.required("TABLE")?,
            environment.integer("INDEX_SHARDS")?,
        );
        Ok(Self {
            bucket: Bucket::new(clients.s3().clone(), environment.required("BUCKET")?),
            queues: GenerationQueues::new(
                clients.sqs().clone(),
                environment.required("IMAGE_QUEUE_URL")?,
                environment.required("VIDEO_QUEUE_URL")?,
            ),
            queue: Queue::new(clients.sqs().clone(), environment.required("FINISH_QUEUE_URL")?),
            share: Share::new(environment)?,
            signing: Signing::new(environment, clients.clone(), table.clone())?,
            clients: clients.clone(),
            app_key_secret: environment.required("APP_KEY_SECRET")?,
            table,
            catalogues: Catalogues::new(lifecycle::enabled_providers(environment)?),
            lease_s: environment.integer("LEASE_SECONDS")?,
            strikes: lifecycle::gate::strike_policy(environment)?,
            visible_label: visible_label(environment)?,
            aigc_producer: environment.optional("AIGC_PRODUCER").map(str::to_owned),
            classifiers: Classifiers::new(environment, clients)?,
        })
    }

    /// Does what a message asks for, unless it is done or another worker has it.
    pub(crate) async fn work(&self, record: Record<GenerationMessage>) -> Result<(), LifecycleError> {
        let GenerationMessage { account, generation: id, .. } = record.body;
        let (owner, generation) = self.table.account_and_generation(account, id).await?;
        let Some(mut generation) = generation else {
            // An attempt that came too late and crashed may have written files after the rest was removed.
            return Ok(self.bucket.remove_all(&Bucket::generation_prefix(account, id)).await?);
        };
        for _ in 0..ATTEMPTS {
            let now = clock::now();
            if generation.is_overdue(now) {
                let end = GenerationOutcome::Failed(Failure::DeadlinePassed);
                return self.end(&generation, end, Stored::default(), now).await;
            }
            let claimed = match generation.claim_to_finish(self.lease_s, now) {
                FinishClaim::Ended => return self.clean_up(&generation, Vec::new()).await,
                FinishClaim::Leased => return Ok(()),
                FinishClaim::NothingReceived => return self.send_back(&generation, 0).await,
                FinishClaim::Work(claimed) => claimed,
            };
            let is_finished = |other: &Generation| other.is_being_finished(now);
            if let Some(turn_s) = self.share.turn_s(&self.table, (owner.as_ref(), &generation), is_finished).await? {
                return Ok(self.queue.send(&record.body, turn_s).await?);
            }
            match lifecycle::write_generation(&self.table, &claimed).await? {
                Written::Now => return self.finish(&claimed, record.deadline).await,
                Written::Stale(None) => return Ok(()),
                Written::Stale(Some(current)) => generation = *current,
            }
        }
        Err(LifecycleError::Contended)
    }

    /// Stores the outputs and settles. Files that are not what they should be are left out and not charged; if none is left,
    /// another job is started.
    async fn finish(&self, generation: &Generation, deadline: Timestamp) -> Result<(), LifecycleError> {
        let catalogue = self.catalogues.version(&self.table, generation.catalogue, clock::now()).await?;
        let mut stored = self.store(generation, &catalogue, deadline).await?;
        if let Some(error) = stored.unchecked.take() {
            log_failed_check(&error);
            let retry =
                |generation: &Generation, jitter, now| generation.check_failed(jitter, now).not_before_delay(now);
            let failure = stored.blocked().unwrap_or(Failure::Unchecked);
            return self.try_again(generation, retry, (failure, stored)).await;
        }
        if !stored.media.is_empty() {
            let end = GenerationOutcome::Succeeded(std::mem::take(&mut stored.media));
            return self.end(generation, end, stored, clock::now()).await;
        }
        if let Some(failure) = stored.blocked() {
            return self.end(generation, GenerationOutcome::Failed(failure), stored, clock::now()).await;
        }
        if stored.unlabelled {
            // Another job of the model would give the same, and cost the operator as much.
            let reason = "A visible label cannot be drawn into what the model returned: choose another model or size.";
            let end = GenerationOutcome::Failed(Failure::InvalidInput { reason: reason.to_owned() });
            return self.end(generation, end, stored, clock::now()).await;
        }
        if let Some(offer) = generation.present_offer(&catalogue) {
            metric(Metric::ProviderOutcome, 1, &[&offer.provider, "unusable"]);
        }
        self.bucket.remove_all(&Bucket::received_prefix(generation.account, generation.id)).await?;
        let retry = |generation: &Generation, jitter, now| {
            let failure = ProviderFailure::JobEnded;
            generation.provider_failed(failure, &catalogue, jitter, now).not_before_delay(now)
        };
        self.try_again(generation, retry, (Failure::ProviderUnavailable, Stored::default())).await
    }

    /// Records what `retry` decides, and sends the message for another attempt. If none is left, ends the generation with the outputs
    /// of this one, and fails it if there are none.
    async fn try_again(
        &self,
        generation: &Generation,
        retry: impl Fn(&Generation, u32, Timestamp) -> FailureResponse,
        (failure, mut stored): (Failure, Stored),
    ) -> Result<(), LifecycleError> {
        match lifecycle::record_wait(&self.table, generation, retry).await? {
            Waiting::Recorded { generation, delay_s } => {
                if let Err(error) = self.send_back(&generation, delay_s).await {
                    let (account, id) = (generation.account, generation.id);
                    tracing::warn!(%account, generation = %id, error = %error, "the message was not sent: the sweep will");
                }
                Ok(())
            }
            Waiting::GiveUp => {
                let end = if stored.media.is_empty() {
                    GenerationOutcome::Failed(failure)
                } else {
                    GenerationOutcome::Succeeded(std::mem::take(&mut stored.media))
                };
                self.end(generation, end, stored, clock::now()).await
            }
            Waiting::Lost(_) => Ok(()),
        }
    }

    /// Has the classifiers check what is seen of a received file, if there are any that look at images.
    async fn check(&self, seen: Option<&(Vec<u8>, media::MediaType)>) -> Result<Vec<Verdict>, CheckError> {
        let Some((bytes, media_type)) = seen else { return Ok(Vec::new()) };
        let content = Content::Image { bytes, media_type: media_type.mime() };
        self.classifiers.check(Stage::Outputs, &content, clock::now()).await
    }

    /// Does what blocks or takes a whole processor. Returns nothing for a file that cannot be used: the log says why.
    async fn compute<T: Send + 'static>(
        (generation, number): (&Generation, u32),
        work: impl FnOnce() -> Result<T, OutputError> + Send + 'static,
    ) -> Result<Option<T>, LifecycleError> {
        let (account, id) = (generation.account, generation.id);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(done)) => Ok(Some(done)),
            Ok(Err(OutputError::Sign(SignError::Key(error)))) => Err(failed("Sign")(error)),
            Ok(Err(error)) => {
                tracing::warn!(%account, generation = %id, number, error = %error, "a file is not what it should be");
                Ok(None)
            }
            Err(error) => {
                tracing::error!(%account, generation = %id, number, error = %error, "a file could not be checked");
                Ok(None)
            }
        }
    }

    /// Writes the outputs that the received files give and that are not blocked. What is blocked is neither marked nor signed. A
    /// check that failed leaves some unwritten. So do checks so slow that no time is left for the next file: the outputs that are
    /// written by then are all there will be, as another attempt would come no further.
    async fn store(
        &self,
        generation: &Generation,
        catalogue: &Catalogue,
        deadline: Timestamp,
    ) -> Result<Stored, LifecycleError> {
        let (account, id) = (generation.account, generation.id);
        let (now, prefix) = (clock::now(), Bucket::generation_prefix(account, id));
        let label = generation.settings.visible_label.then(|| self.visible_label.clone());
        let claim = OwnedClaim::of(generation, (catalogue, label), now);
        let mut stored = Stored::default();
        for number in 0..generation.received_files {
            if number > 0 && clock::now() + FILE_TIME > deadline {
                if stored.media.is_empty() {
                    stored.unchecked = Some(CheckError::NoTime);
                } else {
                    tracing::warn!(%account, generation = %id, number, "slow checks leave no time for this file and those after it");
                }
                return Ok(stored);
            }
            let key = Bucket::received_key(account, id, number);
            let Some((bytes, version)) = self.bucket.read_version(&key, max_file_bytes(generation.kind)).await? else {
                tracing::warn!(%account, generation = %id, number, "a received file is not there");
                continue;
            };
            stored.received.push(version);
            let (kind, shows) = (claim.kind, self.classifiers.see_images());
            let read = move || {
                let received = output::read(bytes, kind)?;
                let seen = shows.then(|| received.seen()).transpose()?;
                Ok((received, seen))
            };
            let Some((received, seen)) = Self::compute((generation, number), read).await? else { continue };
            let verdicts = match self.check(seen.as_ref()).await {
                Ok(verdicts) => verdicts,
                Err(error) => {
                    stored.unchecked.get_or_insert(error);
                    continue;
                }
            };
            let is_blocked = verdicts.iter().any(Verdict::is_blocked);
            stored.verdicts.extend(verdicts);
            if is_blocked {
                tracing::info!(%account, generation = %id, number, "an output is blocked: it is not stored");
                continue;
            }
            let (claim, signer) = (claim.clone(), self.signing.signer(now).await?);
            let mark = self.mark((id, number), claim.visible_label.clone()).await?;
            let finish = move || received.finish(&mark, (&claim.borrowed(), &signer));
            let Some(file) = Self::compute((generation, number), finish).await? else {
                stored.unlabelled |= generation.settings.visible_label;
                continue;
            };
            match &file.earlier {
                EarlierManifest::None => {}
                EarlierManifest::Kept { valid: true, .. } => {
                    tracing::info!(generation = %id, number, "the manifest of the provider is valid, and kept as an ingredient");
                }
                EarlierManifest::Kept { valid: false, problems } => {
                    let what = problems.as_str();
                    tracing::warn!(generation = %id, number, what, "the manifest of the provider is not valid, and kept as an ingredient");
                }
                EarlierManifest::Unreadable => {
                    tracing::warn!(generation = %id, number, "the manifest of the provider cannot be read, and is lost");
                }
            }
            if let TimeStamp::Missing(error) = &file.time_stamp {
                tracing::warn!(generation = %id, number, error = %error, "an output is signed without a time stamp");
                metric(Metric::MissingTimeStamps, 1, &[]);
            }
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
            stored.media.push(Media {
                key,
                content_type: media_type.mime().to_owned(),
                bytes,
                width: file.measured.width,
                height: file.measured.height,
                duration_ms: file.measured.duration_ms,
                thumbnail_key,
                thumbhash,
                fingerprints: Some(file.fingerprints),
            });
        }
        Ok(stored)
    }

    /// Returns the marks of an output. The bits of its watermark are a keyed hash: nobody can link them to the generation without
    /// the key, so nothing about them is stored.
    async fn mark(
        &self,
        (generation, number): (GenerationId, u32),
        visible_label: Option<VisibleLabel>,
    ) -> Result<Mark, LifecycleError> {
        let sealer = self.clients.sealer(&self.app_key_secret).await.map_err(failed("GetSecretValue"))?;
        let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = sealer.mac("watermark", format!("{generation} {number}").as_bytes());
        let bits = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
        let key = WatermarkKey::new(sealer.mac(WATERMARK_KEY, &[]));
        Ok(Mark { bits, key, visible_label, aigc_producer: self.aigc_producer.clone() })
    }

    /// Ends a generation, and deletes what is not needed after that, with the received files. If not all of them were read, they are
    /// listed.
    async fn end(
        &self,
        generation: &Generation,
        end: GenerationOutcome,
        stored: Stored,
        now: Timestamp,
    ) -> Result<(), LifecycleError> {
        let (account, id) = (generation.account, generation.id);
        let Stored { mut received, verdicts, .. } = stored;
        if u32::try_from(received.len()) != Ok(generation.received_files) {
            received.clear();
        }
        let checked = (verdicts, self.strikes);
        let ended = lifecycle::end_checked_generation(&self.table, (account, id), end, checked, now).await?;
        match ended {
            EndResult::Ended(ended) => self.clean_up(&ended.generation, received).await,
            EndResult::AlreadyEnded(ended) if !ended.deleting => self.clean_up(&ended, received).await,
            EndResult::AlreadyEnded(_) | EndResult::Gone => {
                Ok(self.bucket.remove_all(&Bucket::generation_prefix(account, id)).await?)
            }
        }
    }

    /// Deletes the received files of a generation that has ended, and all its files if it has no output. Has the function that
    /// calls providers delete their copies. The received files need no listing if they were just read.
    async fn clean_up(&self, ended: &Generation, received: Vec<FileVersion>) -> Result<(), LifecycleError> {
        let (account, id) = (ended.account, ended.id);
        if ended.status == GenerationStatus::Succeeded && !received.is_empty() {
            self.bucket.remove_versions(received).await?;
        } else if ended.status == GenerationStatus::Succeeded {
            self.bucket.remove_all(&Bucket::received_prefix(account, id)).await?;
        } else {
            tracing::info!(%account, generation = %id, "ended without output: files are deleted");
            self.bucket.remove_all(&Bucket::generation_prefix(account, id)).await?;
        }
        if ended.jobs_with_copies().next().is_some() {
            self.send_back(ended, 0).await?;
        }
        Ok(())
    }

    /// Sends the message of a generation to the function that calls providers for its kind.
    async fn send_back(&self, generation: &Generation, delay_s: u32) -> Result<(), LifecycleError> {
        let message = GenerationMessage::new(generation.account, generation.id);
        Ok(self.queues.send(generation.kind, message, delay_s).await?)
    }
}

/// Reads the text of the visible label.
fn visible_label(environment: &Environment) -> Result<VisibleLabel, Error> {
    let text = environment.required("VISIBLE_LABEL_TEXT")?;
    VisibleLabel::new(&text).map_err(|error| format!("VISIBLE_LABEL_TEXT: {error}: correct it in template.yaml").into())
}

/// What the manifests of the outputs of a generation say.
#[derive(Clone)]
struct OwnedClaim {
    kind: MediaKind,
    model: String,
    provider: String,
    has_starting_image: bool,
    visible_label: Option<VisibleLabel>,
    at: Timestamp,
}

impl OwnedClaim {
    fn of(
        generation: &Generation,
        (catalogue, visible_label): (&Catalogue, Option<VisibleLabel>),
        at: Timestamp,
    ) -> Self {
        let provider = generation.present_offer(catalogue).map_or("unknown", |offer| offer.provider.as_str());
        Self {
            kind: generation.kind,
            model: generation.settings.model.clone(),
            provider: provider.to_owned(),
            has_starting_image: generation.settings.input_upload.is_some(),
            visible_label,
            at,
        }
    }

    fn borrowed(&self) -> Claim<'_> {
        let Self { model, provider, has_starting_image, visible_label, at, .. } = self;
        let visible_label = visible_label.as_ref().map(VisibleLabel::text);
        Claim { model, provider, has_starting_image: *has_starting_image, visible_label, at: *at }
    }
}

#[cfg(test)]
mod tests;
