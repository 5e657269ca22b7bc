//! Runs one request as several jobs at the provider, under one job id.

use async_trait::async_trait;

use crate::api_client::{ApiClient, poll_after};
use crate::error::ProviderError;
use crate::provider::Provider;
use crate::request::{OutputKind, ProviderRequest};
use crate::response::{Outputs, PollResponse, StartResponse};

/// Is implemented by providers that generate in jobs.
#[async_trait]
pub(crate) trait JobApi: Provider {
    fn api_client(&self) -> &ApiClient;

    /// Submits one job and returns its id.
    async fn submit(&self, request: &ProviderRequest, part: BatchPart) -> Result<String, ProviderError>;

    /// Cancels one job if the provider charges nothing for that. Returns whether it confirms this.
    async fn cancel_job(&self, app: &str, job: &str) -> Result<bool, ProviderError>;

    /// Returns the status of one job.
    async fn job_status(&self, app: &str, job: &str) -> Result<JobStatus, ProviderError>;
}

/// The provider's jobs for one request. The job id of the whole is `kind:app:job,job`.
pub(crate) struct Batch {
    pub(crate) kind: OutputKind,
    /// The part of the provider's paths that precedes the job; may be empty.
    pub(crate) app: String,
    pub(crate) jobs: Vec<String>,
}

/// The status of one job.
pub(crate) enum JobStatus {
    Pending,
    /// The job is finished. Holds the URLs of its results.
    Done(Vec<String>),
    /// The job ended without a result. A failed status call is an `Err` instead.
    Failed(ProviderError),
}

/// The outputs of a request that one job generates.
#[derive(Clone, Copy)]
pub(crate) struct BatchPart {
    pub(crate) count: u8,
    pub(crate) seed: Option<u64>,
    /// Whether no job follows it. Its end is reported, and the jobs before it have usually ended then.
    pub(crate) is_last: bool,
}

impl Batch {
    /// Divides a request into jobs of at most `per_job` outputs and starts them. If one of them cannot be started, the jobs
    /// before it are kept, since they are paid for.
    pub(crate) async fn start(
        api: &dyn JobApi,
        request: &ProviderRequest,
        per_job: u8,
        app: &str,
    ) -> Result<StartResponse, ProviderError> {
        let mut jobs = Vec::new();
        for first in (0..request.count).step_by(per_job.max(1).into()) {
            let count = per_job.min(request.count - first);
            let seed = request.seed.map(|seed| seed.wrapping_add(first.into()) % (1 << 31));
            let is_last = first + count >= request.count;
            let submitted = api.submit(request, BatchPart { count, seed, is_last }).await;
            // A job without a usable id may be charged.
            let checked = |job: String| match checked_job_id(api.name(), &job) {
                Ok(_) => Ok(job),
                Err(error) => Err(error.of_start()),
            };
            match submitted.and_then(checked) {
                Ok(job) => jobs.push(job),
                Err(error) if jobs.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        let batch = Self { kind: request.kind, app: app.to_owned(), jobs };
        Ok(StartResponse::Job { id: batch.id(), poll_after: poll_after(request.kind) })
    }

    /// Reads the status of every job. When all have ended, downloads the results of those that succeeded.
    pub(crate) async fn poll(&self, api: &dyn JobApi, outputs: &dyn Outputs) -> Result<PollResponse, ProviderError> {
        let (mut results, mut failure) = (Vec::new(), None);
        for job in &self.jobs {
            match api.job_status(&self.app, checked_job_id(api.name(), job)?).await? {
                JobStatus::Pending => {
                    return Ok(PollResponse::Pending { job: None, poll_after: poll_after(self.kind) });
                }
                JobStatus::Done(urls) => results.extend(urls),
                JobStatus::Failed(error) => failure = failure.or(Some(error)),
            }
        }
        match (results.is_empty(), failure) {
            (true, Some(failure)) => Err(failure),
            (true, None) => Err(ProviderError::job_ended(api.name(), "no results")),
            (false, _) => {
                api.api_client().download(&results, self.kind, outputs).await?;
                Ok(PollResponse::Done)
            }
        }
    }

    /// Cancels every job for which the provider charges nothing then. Returns whether it confirms this for all of them.
    pub(crate) async fn cancel(&self, api: &dyn JobApi) -> Result<bool, ProviderError> {
        let mut is_free = true;
        for job in &self.jobs {
            is_free &= api.cancel_job(&self.app, checked_job_id(api.name(), job)?).await?;
        }
        Ok(is_free)
    }

    pub(crate) fn from_id(provider: &'static str, id: &str) -> Result<Self, ProviderError> {
        let invalid = || ProviderError::invalid_request(provider, "not a job of this provider");
        let mut parts = id.split(':');
        let (Some(kind), Some(app), Some(jobs), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(invalid());
        };
        let kind = match kind {
            "image" => OutputKind::Image,
            "video" => OutputKind::Video,
            _ => return Err(invalid()),
        };
        Ok(Self { kind, app: app.to_owned(), jobs: jobs.split(',').map(str::to_owned).collect() })
    }

    fn id(&self) -> String {
        let kind = match self.kind {
            OutputKind::Image => "image",
            OutputKind::Video => "video",
        };
        format!("{kind}:{}:{}", self.app, self.jobs.join(","))
    }
}

/// Checks that a job id has ASCII alphanumerics, hyphens and underscores only, since it becomes part of a URL.
pub(crate) fn checked_job_id<'a>(provider: &'static str, job: &'a str) -> Result<&'a str, ProviderError> {
    let plain = !job.is_empty() && job.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain { Ok(job) } else { Err(ProviderError::invalid_response(provider, "a job without a usable id")) }
}
