//! A request that becomes several jobs at the provider, under one id of ours.

use async_trait::async_trait;

use crate::outbound::{Outbound, poll_after};
use crate::{GenerationRequest, OutputKind, PollResponse, Provider, ProviderError, StartResponse};

/// A provider that takes jobs.
#[async_trait]
pub(crate) trait Queue: Provider {
    fn outbound(&self) -> &Outbound;

    /// Starts one job and gives its name.
    async fn begin(&self, request: &GenerationRequest, share: Share) -> Result<String, ProviderError>;

    /// Asks how one job stands.
    async fn ask(&self, place: &str, job: &str) -> Result<Standing, ProviderError>;
}

/// The provider's jobs for one request. As an id: `kind:place:job,job`.
pub(crate) struct Batch {
    pub(crate) kind: OutputKind,
    /// What the provider's addresses need besides the job; may be empty.
    pub(crate) place: String,
    pub(crate) jobs: Vec<String>,
}

/// How one of them stands.
pub(crate) enum Standing {
    Pending,
    /// The addresses of its results.
    Done(Vec<String>),
    /// It ended without result. (A failure to ask is not that.)
    Failed(ProviderError),
}

/// A share of the request's outputs that one job makes.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pub(crate) count: u8,
    pub(crate) seed: Option<u64>,
}

impl Batch {
    /// Divides a request among jobs of at most `per_job` outputs and starts them. If one cannot be started, those before
    /// it are kept: they are paid for.
    pub(crate) async fn start(
        queue: &dyn Queue,
        request: &GenerationRequest,
        per_job: u8,
        place: &str,
    ) -> Result<StartResponse, ProviderError> {
        let mut jobs = Vec::new();
        for first in (0..request.count).step_by(per_job.max(1).into()) {
            let count = per_job.min(request.count - first);
            let seed = request.seed.map(|seed| seed.wrapping_add(first.into()) % (1 << 31));
            let begun = queue.begin(request, Share { count, seed }).await;
            match begun.and_then(|job| checked(queue.name(), &job).map(str::to_owned)) {
                Ok(job) => jobs.push(job),
                Err(error) if jobs.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        let batch = Self { kind: request.kind, place: place.to_owned(), jobs };
        Ok(StartResponse::Job { id: batch.id(), poll_after: poll_after(request.kind) })
    }

    /// Asks after every job, and when all have ended fetches what those that succeeded made.
    pub(crate) async fn poll(&self, queue: &dyn Queue) -> Result<PollResponse, ProviderError> {
        let (mut results, mut failure) = (Vec::new(), None);
        for job in &self.jobs {
            match queue.ask(&self.place, checked(queue.name(), job)?).await? {
                Standing::Pending => return Ok(PollResponse::Pending { job: None, poll_after: poll_after(self.kind) }),
                Standing::Done(addresses) => results.extend(addresses),
                Standing::Failed(error) => failure = failure.or(Some(error)),
            }
        }
        match (results.is_empty(), failure) {
            (true, Some(failure)) => Err(failure),
            (true, None) => Err(ProviderError::invalid_response(queue.name(), "no results")),
            (false, _) => queue.outbound().download(&results, self.kind).await.map(PollResponse::Done),
        }
    }

    pub(crate) fn from_id(provider: &'static str, id: &str) -> Result<Self, ProviderError> {
        let not_ours = || ProviderError::invalid_request(provider, "not a job of this provider");
        let mut parts = id.split(':');
        let (Some(kind), Some(place), Some(jobs), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(not_ours());
        };
        let kind = match kind {
            "image" => OutputKind::Image,
            "video" => OutputKind::Video,
            _ => return Err(not_ours()),
        };
        Ok(Self { kind, place: place.to_owned(), jobs: jobs.split(',').map(str::to_owned).collect() })
    }

    fn id(&self) -> String {
        let kind = match self.kind {
            OutputKind::Image => "image",
            OutputKind::Video => "video",
        };
        format!("{kind}:{}:{}", self.place, self.jobs.join(","))
    }
}

/// A job's name becomes part of an address, so it has letters, digits, hyphens and underscores only.
pub(crate) fn checked<'a>(provider: &'static str, job: &'a str) -> Result<&'a str, ProviderError> {
    let plain = !job.is_empty() && job.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain { Ok(job) } else { Err(ProviderError::invalid_response(provider, "a job without a usable name")) }
}
