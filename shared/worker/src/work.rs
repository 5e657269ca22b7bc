//! One message, from claim to received files.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    AccountId, GenerationId,
    accounts::strikes::StrikePolicy,
    catalogue::{
        Catalogue,
        models::{MediaKind, Offer},
    },
    generations::budget::DailyBudget,
    generations::generation::{Failure, Generation, GenerationClaim, GenerationStatus, ProviderFailure, ProviderJob},
    generations::submission::GenerationOutcome,
    generations::upload,
    moderation::verdict::{Stage, Verdict},
};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{EndResult, LifecycleError, Waiting, Written, callback, catalogue::Catalogues};
use moderation::Content;
use providers::{Outputs, Provider, ReferenceImage};
use runtime::{
    clients::{AppKeyError, Clients},
    clock,
    config::Environment,
    secrets::SecretUnreadable,
    sqs::Record,
    telemetry::{Metric, metric},
};
use store::{Bucket, GenerationMessage, Queue, StoreError, Table, Write};

use crate::{
    ask::{self, Call, ProviderAnswer, Refused},
    breaker::Breakers,
    classifiers::{CheckError, Classifiers, log_failed_check},
    configuration::{ConfigurationError, Configured},
    follow::{Step, Wait, follow},
    received::Received,
    share::Share,
};

/// The part of an invocation's time for storing files, in seconds. A provider has the rest.
const STORING_S: i64 = 30;
/// The time limit of a call that cancels or deletes at a provider.
const ASIDE: Duration = Duration::from_secs(10);
/// Seconds until a reported job is looked for again whose start is not recorded.
const RECORDED_S: u32 = 1;
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
    /// The application key.
    #[error(transparent)]
    AppKey(#[from] AppKeyError),
    /// Its owner changed it every time.
    #[error("it is being changed by others")]
    Contended,
}

/// Works on the messages of one queue.
pub(crate) struct Worker {
    table: Table,
    bucket: Bucket,
    queue: Queue,
    finishing: Queue,
    providers: Arc<Configured>,
    catalogues: Catalogues,
    classifiers: Classifiers,
    strikes: StrikePolicy,
    breakers: Breakers,
    budget: DailyBudget,
    callbacks: Option<Callbacks>,
    lease_s: u32,
    share: Share,
}

/// Makes the addresses at which providers report the end of a job.
struct Callbacks {
    /// The address, without the name of the provider and what names the generation.
    url: String,
    clients: Arc<Clients>,
    app_key_secret: String,
}

impl Worker {
    pub(crate) fn new(environment: &Environment, kind: MediaKind) -> Result<Self, ConfigurationError> {
        let clients = Arc::new(Clients::new(environment)?);
        let queue_url = match kind {
            MediaKind::Image => "IMAGE_QUEUE_URL",
            MediaKind::Video => "VIDEO_QUEUE_URL",
        };
        let table = Table::new(
            clients.dynamodb().clone(),
            environment.required("TABLE")?,
            environment.integer("INDEX_SHARDS")?,
        );
        let bucket = Bucket::new(clients.s3().clone(), environment.required("BUCKET")?);
        let queue = Queue::new(clients.sqs().clone(), environment.required(queue_url)?);
        let finishing = Queue::new(clients.sqs().clone(), environment.required("FINISH_QUEUE_URL")?);
        let providers = Arc::new(Configured::new(environment, Arc::clone(&clients))?);
        let callbacks = match environment.optional("CALLBACK_URL") {
            None => None,
            Some(url) => Some(Callbacks {
                url: url.to_owned(),
                clients: Arc::clone(&clients),
                app_key_secret: environment.required("APP_KEY_SECRET")?,
            }),
        };
        Ok(Self {
            table,
            bucket,
            queue,
            finishing,
            classifiers: Classifiers::with_keys(environment, &providers, &clients)?,
            strikes: lifecycle::gate::strike_policy(environment)?,
            catalogues: Catalogues::new(providers.enabled().to_vec()),
            providers,
            breakers: Breakers::default(),
            budget: lifecycle::provider_budget(environment)?,
            callbacks,
            lease_s: environment.integer("LEASE_SECONDS")?,
            share: Share::new(environment)?,
        })
    }

    /// Does what a message asks for, unless it is done or another worker has it.
    pub(crate) async fn work(&self, record: Record<GenerationMessage>) -> Result<(), WorkError> {
        let GenerationMessage { account, generation: id, job_reported } = record.body;
        let (owner, generation) = self.table.account_and_generation(account, id).await?;
        let Some(mut generation) = generation else {
            // An attempt that came too late and crashed may have written files after the rest was removed.
            return Ok(self.bucket.remove_all(&Bucket::generation_prefix(account, id)).await?);
        };
        let catalogue = self.catalogues.version(&self.table, generation.catalogue, clock::now()).await?;
        let catalogue = catalogue.as_ref();
        for _ in 0..ATTEMPTS {
            let now = clock::now();
            if job_reported {
                generation = generation.with_job_reported();
            }
            if generation.is_overdue(now) {
                self.end(&generation, GenerationOutcome::Failed(Failure::DeadlinePassed)).await?;
                // The last attempt crashed and may have received files.
                if generation.in_call {
                    self.bucket.remove_all(&Bucket::received_prefix(account, id)).await?;
                }
                return Ok(());
            }
            let (claimed, offer) = match generation.claim(catalogue, self.lease_s, now) {
                GenerationClaim::Ended => {
                    // An attempt that came too late and crashed may have received files. Its message is delivered again. That of
                    // a job whose end was reported, which comes as well, need not look.
                    if record.receive_count > 1 {
                        self.bucket.remove_all(&Bucket::received_prefix(account, id)).await?;
                    }
                    return self.delete_copies(&generation).await;
                }
                GenerationClaim::Leased { .. } => {
                    // The provider may be faster than the worker that starts the job and has to record it.
                    if job_reported && generation.in_call && generation.provider_job.is_none() {
                        self.queue.send(&record.body, RECORDED_S).await?;
                    }
                    return Ok(());
                }
                GenerationClaim::Received => {
                    return Ok(self.finishing.send(&GenerationMessage::new(account, id), 0).await?);
                }
                GenerationClaim::NoOffer => {
                    return self.end(&generation, GenerationOutcome::Failed(Failure::ProviderUnavailable)).await;
                }
                GenerationClaim::Work { generation: claimed, offer } => (claimed, offer),
            };
            // An attempt that crashed never waits here: what it received is looked for, which a wait would forget.
            let has_worker = |other: &Generation| other.kind == generation.kind && other.has_worker(now);
            if let Some(turn_s) = self.share.turn_s(&self.table, (owner.as_ref(), &generation), has_worker).await? {
                return self.wait((&generation, catalogue), &Wait::Turn(turn_s), None).await;
            }
            let provider = self.providers.provider(&offer.provider, now).await?;
            match lifecycle::write_generation(&self.table, &claimed).await? {
                Written::Now => {
                    if generation.in_call
                        && let Some(files) = self.left_by_crash(&claimed).await?
                    {
                        return self.wait((&claimed, catalogue), &Wait::Finish(files), None).await;
                    }
                    if generation.status == GenerationStatus::Queued {
                        let waited = Duration::try_from(now.duration_since(generation.created_at)).unwrap_or_default();
                        metric(Metric::QueueAgeMs, milliseconds(waited), &[kind_name(generation.kind)]);
                    }
                    let job = (claimed.as_ref(), catalogue);
                    return self.attempt(job, &offer, provider.as_deref(), record.deadline).await;
                }
                Written::Stale(None) => return Ok(()),
                // It need not be a claim: the sweep notes that it sent this message, and may do so only now.
                Written::Stale(Some(current)) => generation = *current,
            }
        }
        Err(WorkError::Contended)
    }

    /// Returns the number of files that an attempt received before it crashed, if they are all that can be had: those of a start,
    /// which is paid for and returns no more, or all those of a job. A job of which some are missing is polled again and returns all
    /// of them, so those that came are removed.
    async fn left_by_crash(&self, generation: &Generation) -> Result<Option<u32>, WorkError> {
        let prefix = Bucket::received_prefix(generation.account, generation.id);
        let found = self.bucket.count(&prefix).await?;
        let numbers: Vec<u32> = found.keys().filter_map(|number| number.parse().ok()).collect();
        if generation.provider_job.is_some() && numbers.len() < generation.settings.count.into() {
            if !found.is_empty() {
                self.bucket.remove_all(&prefix).await?;
            }
            return Ok(None);
        }
        Ok(numbers.into_iter().max().map(|last| last + 1))
    }

    async fn attempt(
        &self,
        (generation, catalogue): (&Generation, &Catalogue),
        offer: &Offer,
        provider: Option<&dyn Provider>,
        deadline: Timestamp,
    ) -> Result<(), WorkError> {
        if generation.is_canceled_without_job() || self.is_canceled_for_free(generation, provider).await {
            return self.end(generation, GenerationOutcome::Canceled).await;
        }
        let is_start = generation.provider_job.is_none();
        if is_start
            && self.breakers.is_open(&offer.provider, clock::now())
            && generation.next_offer(catalogue).is_some()
        {
            return self.wait((generation, catalogue), &Wait::Retry(ProviderFailure::Unusable), None).await;
        }
        if is_start && !lifecycle::has_budget(&self.table, self.budget, offer, clock::now()).await? {
            metric(Metric::ProviderBudgets, 1, &[&offer.provider]);
            tracing::error!(provider = offer.provider.as_str(), "the budget of the day for a provider is spent");
            return self.wait((generation, catalogue), &Wait::Retry(ProviderFailure::Unusable), None).await;
        }
        let mut received = Received::new(&self.bucket, generation);
        let (generation, answer) = match provider {
            Some(provider) => {
                let reports = self.callbacks.as_ref().filter(|_| provider.reports_jobs());
                let Some(call) = self.call(generation, offer, reports).await? else {
                    return self.end(generation, GenerationOutcome::Failed(Failure::InputMissing)).await;
                };
                let verdicts = match self.check(&call).await {
                    Ok(verdicts) => verdicts,
                    Err(error) => {
                        log_failed_check(&error);
                        return self.wait((generation, catalogue), &Wait::Check, None).await;
                    }
                };
                if let Some(blocked) = verdicts.iter().find(|verdict| verdict.is_blocked()) {
                    let failure = Failure::Blocked { stage: blocked.stage, categories: blocked.categories.clone() };
                    return self.end_checked(generation, GenerationOutcome::Failed(failure), verdicts).await;
                }
                let answer = ask(provider, &call, &received, offer, deadline).await;
                let answer = received.keep(answer, clock::now());
                let usual_s = if is_start { offer.usual_s } else { 0 };
                (generation.with_verdicts(&verdicts), answer.polled_after(usual_s, reports.is_some()))
            }
            None => {
                tracing::error!(provider = offer.provider.as_str(), "the provider is enabled and has no usable key");
                (generation.clone(), ProviderAnswer::Refused(Refused::Account))
            }
        };
        let generation = &generation;
        metric(Metric::ProviderOutcome, 1, &[&offer.provider, answer.outcome()]);
        if matches!(answer, ProviderAnswer::Refused(_)) {
            metric(Metric::ProviderRefusals, 1, &[&offer.provider]);
            self.providers.refused(clock::now());
        }
        self.breakers.record(&offer.provider, &answer, clock::now());
        if is_start && answer.may_be_charged() {
            let spent =
                lifecycle::spend_budget(&self.table, self.budget, offer, generation.reserved, clock::now()).await;
            if let Err(error) = spent {
                // What the provider accepted is not lost for that: it would be started, and paid for, again.
                tracing::error!(error = %error, "a call to a provider is not counted in the budget of the day");
            }
        }
        let step = follow(answer, &offer.provider);
        let (any_came, prefix) = (received.any(), Bucket::received_prefix(generation.account, generation.id));
        match step {
            Step::Receive => self.receive((generation, catalogue), offer, received, provider).await,
            Step::Wait(wait) => {
                // A poll failed after the first files. If it is repeated, they come again.
                if any_came {
                    self.bucket.remove_all(&prefix).await?;
                }
                self.wait((generation, catalogue), &wait, provider).await
            }
            Step::End(end) => {
                let is_refused = matches!(end, GenerationOutcome::Failed(Failure::Rejected { .. }));
                let refusal = is_refused.then(|| Verdict::of_provider(&offer.provider, &offer.model));
                self.end_checked(generation, end, refusal.into_iter().collect()).await?;
                // After the end: what cannot be removed must not start it again.
                if any_came {
                    self.bucket.remove_all(&prefix).await?;
                }
                Ok(())
            }
        }
    }

    /// Has the classifiers check what is to be sent to a provider. Returns the verdicts, none after one that blocks.
    async fn check(&self, call: &Call) -> Result<Vec<Verdict>, CheckError> {
        let Call::Start(request) = call else { return Ok(Vec::new()) };
        let negative_prompt = request.negative_prompt.as_deref();
        let prompt = Content::Prompt { prompt: &request.prompt, negative_prompt };
        let mut verdicts = self.classifiers.check(Stage::Prompt, &prompt, clock::now()).await?;
        if let Some(image) = &request.reference_image
            && !verdicts.iter().any(Verdict::is_blocked)
        {
            let image = Content::Image { bytes: &image.bytes, media_type: &image.mime };
            verdicts.extend(self.classifiers.check(Stage::StartingImage, &image, clock::now()).await?);
        }
        Ok(verdicts)
    }

    /// Cancels the job of a generation that its owner canceled. Returns whether the provider confirms that nothing is
    /// charged; otherwise the generation goes on and is settled.
    async fn is_canceled_for_free(&self, generation: &Generation, provider: Option<&dyn Provider>) -> bool {
        let (GenerationStatus::Canceling, Some(job), Some(provider)) =
            (generation.status, &generation.provider_job, provider)
        else {
            return false;
        };
        match tokio::time::timeout(ASIDE, provider.cancel(&job.id)).await {
            Ok(Ok(is_free)) => is_free,
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "a provider did not cancel a job");
                false
            }
            Err(_) => false,
        }
    }

    /// Returns the call to make: a poll if a job exists, else a start. `None` if the input image is gone.
    async fn call(
        &self,
        generation: &Generation,
        offer: &Offer,
        reports: Option<&Callbacks>,
    ) -> Result<Option<Call>, WorkError> {
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
                Some(ReferenceImage { bytes: bytes.into(), mime: upload.content_type })
            }
        };
        let callback = match reports {
            None => None,
            Some(callbacks) => Some(callbacks.address(generation, offer).await?),
        };
        Ok(Some(Call::Start(Box::new(ask::request(generation.kind, &generation.settings, offer, input, callback)))))
    }

    /// Leaves the received files to the function that finishes them.
    async fn receive(
        &self,
        (generation, catalogue): (&Generation, &Catalogue),
        offer: &Offer,
        received: Received<'_>,
        provider: Option<&dyn Provider>,
    ) -> Result<(), WorkError> {
        let files = received.files()?;
        if files == 0 {
            metric(Metric::ProviderOutcome, 1, &[&offer.provider, "unusable"]);
            return self.wait((generation, catalogue), &Wait::Retry(ProviderFailure::JobEnded), None).await;
        }
        self.wait((generation, catalogue), &Wait::Finish(files), provider).await
    }

    /// Records what is waited for, then sends the message for it. One that cannot be sent is sent by the sweep. A job that
    /// cannot be recorded, because the generation has ended, is canceled at the provider, and received files are deleted.
    async fn wait(
        &self,
        (claimed, catalogue): (&Generation, &Catalogue),
        wait: &Wait,
        provider: Option<&dyn Provider>,
    ) -> Result<(), WorkError> {
        let (account, id) = (claimed.account, claimed.id);
        let begin = |generation: &Generation, jitter, now| {
            wait.begin(&generation.with_verdicts(&claimed.verdicts), catalogue, jitter, now)
        };
        match lifecycle::record_wait(&self.table, claimed, begin).await? {
            Waiting::Recorded { delay_s, .. } => {
                let queue = if matches!(wait, Wait::Finish(_)) { &self.finishing } else { &self.queue };
                if let Err(error) = queue.send(&GenerationMessage::new(account, id), delay_s).await {
                    tracing::warn!(%account, generation = %id, error = %error, "the message was not sent: the sweep will");
                }
            }
            Waiting::GiveUp => {
                let failure = if *wait == Wait::Check { Failure::Unchecked } else { Failure::ProviderUnavailable };
                return self.end(claimed, GenerationOutcome::Failed(failure)).await;
            }
            Waiting::Lost(current) => {
                if let (Wait::Job { job, .. }, Some(provider), None) = (wait, provider, &claimed.provider_job) {
                    drop_job(provider, job).await;
                }
                if matches!(wait, Wait::Finish(_)) && current.is_none_or(|current| current.status.is_final()) {
                    if let Some(provider) = provider {
                        metric(Metric::ProviderOutcome, 1, &[provider.name(), "late"]);
                    }
                    tracing::info!(%account, generation = %id, "received after it had ended: files are deleted");
                    self.bucket.remove_all(&Bucket::received_prefix(account, id)).await?;
                }
            }
        }
        Ok(())
    }

    async fn end(&self, generation: &Generation, end: GenerationOutcome) -> Result<(), WorkError> {
        self.settle(generation.account, generation.id, end, Vec::new()).await.map(drop)
    }

    /// Ends a generation, and keeps these verdicts.
    async fn end_checked(
        &self,
        generation: &Generation,
        end: GenerationOutcome,
        verdicts: Vec<Verdict>,
    ) -> Result<(), WorkError> {
        self.settle(generation.account, generation.id, end, verdicts).await.map(drop)
    }

    async fn settle(
        &self,
        account: AccountId,
        generation: GenerationId,
        end: GenerationOutcome,
        verdicts: Vec<Verdict>,
    ) -> Result<EndResult, WorkError> {
        let (ids, checked) = ((account, generation), (verdicts, self.strikes));
        let result = lifecycle::end_checked_generation(&self.table, ids, end, checked, clock::now()).await?;
        if let EndResult::Ended(ended) = &result {
            self.delete_copies(&ended.generation).await?;
        }
        Ok(result)
    }

    /// Has the providers delete what they store of a generation that has ended, and records that they did. What a provider
    /// refuses to delete is for the operator; what it could not delete now is tried again before the generation is removed.
    async fn delete_copies(&self, ended: &Generation) -> Result<(), WorkError> {
        if ended.jobs_with_copies().next().is_none() {
            return Ok(());
        }
        for job in ended.jobs_with_copies() {
            let Some(provider) = self.providers.provider(&job.provider, clock::now()).await? else { return Ok(()) };
            if ended.status == GenerationStatus::Failed {
                let _ = tokio::time::timeout(ASIDE, provider.cancel(&job.id)).await;
            }
            match tokio::time::timeout(ASIDE, provider.delete_remote(&job.id)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if !error.retryable() => {
                    metric(Metric::ProviderRefusals, 1, &[provider.name()]);
                    self.providers.refused(clock::now());
                    tracing::error!(error = %error, "a provider keeps a copy of a generation");
                }
                Ok(Err(_)) | Err(_) => return Ok(()),
            }
        }
        self.table.try_commit(&[Write::Generation(&ended.copies_deleted())]).await?;
        Ok(())
    }
}

impl Callbacks {
    async fn address(&self, generation: &Generation, offer: &Offer) -> Result<String, AppKeyError> {
        let sealer = self.clients.sealer(&self.app_key_secret).await?;
        let sealed = callback::seal(sealer, generation.kind, generation.account, generation.id);
        Ok(format!("{}/{}/{sealed}", self.url, offer.provider))
    }
}

/// Has a provider cancel and delete a job that no generation can have any more. It may fail: the provider deletes by itself
/// later.
async fn drop_job(provider: &dyn Provider, job: &ProviderJob) {
    let dropped = async {
        provider.cancel(&job.id).await?;
        provider.delete_remote(&job.id).await
    };
    if !matches!(tokio::time::timeout(ASIDE, dropped).await, Ok(Ok(()))) {
        tracing::warn!(provider = provider.name(), "a job that is not needed could not be dropped");
    }
}

/// Asks, within the time of the invocation and of the offer, and measures how long it took.
async fn ask(
    provider: &dyn Provider,
    call: &Call,
    outputs: &dyn Outputs,
    offer: &Offer,
    deadline: Timestamp,
) -> ProviderAnswer {
    let left = (deadline - SignedDuration::from_secs(STORING_S)).duration_since(clock::now());
    let begun = Instant::now();
    let allowed = Duration::try_from(left).unwrap_or_default().min(Duration::from_secs(offer.timeout_s.into()));
    let answer = ask::ask(provider, call, outputs, allowed).await;
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

#[cfg(test)]
mod tests;
