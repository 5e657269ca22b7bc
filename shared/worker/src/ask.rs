//! One call to a provider: the request, and the meaning of the response.

use std::time::Duration;

use domain::{
    catalogue::models::{MediaKind, Offer, Quality},
    generations::generation::ProviderFailure,
    generations::settings::GenerationSettings,
};
use providers::{
    Outputs, PollResponse, Provider, ProviderError, ProviderErrorKind, ProviderRequest, ReferenceImage, StartResponse,
};

/// How much rarer a job is polled whose end the provider reports.
const REPORTED_POLLS: u32 = 5;

/// A call to a provider.
pub(crate) enum Call {
    /// Starts a generation.
    Start(Box<ProviderRequest>),
    /// Asks for the status of a job. Its id may contain the prompt, so it is never logged.
    Poll(String),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum ProviderAnswer {
    /// It handed over files, unchecked.
    Done,
    /// The provider works on it.
    Pending {
        /// The job to poll.
        job: String,
        /// When to poll it.
        poll_after_s: u32,
    },
    /// The provider's moderation rejects it.
    Rejected {
        /// The reason, for the account owner.
        reason: String,
    },
    /// The provider cannot use what the account owner entered.
    InvalidInput {
        /// What to change, for the account owner.
        reason: String,
    },
    /// The provider does not serve this deployment, for the operator to mend.
    Refused(Refused),
    /// A start of which it is not known whether it began.
    Unconfirmed,
    /// It may work later or at another provider.
    Failed(ProviderFailure),
}

/// Why a provider does not serve this deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its key, its funds, a spending limit.
    Account,
    /// The model no longer exists.
    Model,
    /// The request is malformed.
    Request,
}

impl ProviderAnswer {
    /// Says whether the provider may charge for a start with this response.
    pub(crate) const fn may_be_charged(&self) -> bool {
        match self {
            Self::Done
            | Self::Pending { .. }
            | Self::Rejected { .. }
            | Self::InvalidInput { .. }
            | Self::Unconfirmed
            | Self::Failed(ProviderFailure::JobEnded) => true,
            Self::Refused(_) | Self::Failed(_) => false,
        }
    }

    /// Says when a job is polled. One that just began is usually not done before `usual_s` seconds. The polls of a job whose end
    /// is reported are for reports that are lost: they are five times as rare, and the first comes after twice the usual time.
    pub(crate) fn polled_after(self, usual_s: u32, is_reported: bool) -> Self {
        let (rarer, later) = if is_reported { (REPORTED_POLLS, 2) } else { (1, 1) };
        match self {
            Self::Pending { job, poll_after_s } => Self::Pending {
                job,
                poll_after_s: poll_after_s.saturating_mul(rarer).max(usual_s.saturating_mul(later)),
            },
            other => other,
        }
    }

    /// Returns its name in metrics.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Pending { .. } => "pending",
            Self::Rejected { .. } => "rejected",
            Self::InvalidInput { .. } => "invalid_input",
            Self::Refused(Refused::Account) => "account_problem",
            Self::Refused(Refused::Model) => "model_gone",
            Self::Refused(Refused::Request) => "invalid_request",
            Self::Unconfirmed => "unconfirmed",
            Self::Failed(ProviderFailure::Throttled { .. }) => "throttled",
            Self::Failed(ProviderFailure::Fault { .. }) => "fault",
            Self::Failed(ProviderFailure::JobEnded) => "job_ended",
            Self::Failed(ProviderFailure::Unusable) => "unusable",
        }
    }
}

/// Makes the request to a provider: settings, an address that names nothing to it, and nothing about the account.
pub(crate) fn request(
    kind: MediaKind,
    settings: &GenerationSettings,
    offer: &Offer,
    reference_image: Option<ReferenceImage>,
    callback: Option<String>,
) -> ProviderRequest {
    ProviderRequest {
        kind: match kind {
            MediaKind::Image => providers::OutputKind::Image,
            MediaKind::Video => providers::OutputKind::Video,
        },
        model: offer.model.clone(),
        prompt: settings.prompt.clone(),
        negative_prompt: settings.negative_prompt.clone(),
        width: settings.size.width,
        height: settings.size.height,
        quality: settings.quality.map(|quality| match quality {
            Quality::Low => providers::Quality::Low,
            Quality::Medium => providers::Quality::Medium,
            Quality::High => providers::Quality::High,
        }),
        count: settings.count,
        seed: settings.seed.map(u64::from),
        duration_ms: settings.duration_ms.map(u64::from),
        reference_image,
        callback,
    }
}

/// Calls the provider, hands its outputs over as they come, and waits for the rest of a response as long as `allowed`. A start that
/// takes longer may have begun, and what it still generates is lost.
pub(crate) async fn ask(
    provider: &dyn Provider,
    call: &Call,
    outputs: &dyn Outputs,
    allowed: Duration,
) -> ProviderAnswer {
    let answer = async {
        match call {
            Call::Start(request) => provider.start(request, outputs).await.map(|started| match started {
                StartResponse::Done => ProviderAnswer::Done,
                StartResponse::Job { id, poll_after } => {
                    ProviderAnswer::Pending { job: id, poll_after_s: seconds(poll_after) }
                }
            }),
            Call::Poll(job) => provider.poll(job, outputs).await.map(|polled| match polled {
                PollResponse::Done => ProviderAnswer::Done,
                PollResponse::Pending { job: renamed, poll_after } => ProviderAnswer::Pending {
                    job: renamed.unwrap_or_else(|| job.clone()),
                    poll_after_s: seconds(poll_after),
                },
            }),
        }
    };
    match (tokio::time::timeout(allowed, answer).await, call) {
        (Ok(Ok(answer)), _) => answer,
        (Ok(Err(error)), _) => failed(error),
        (Err(_), Call::Start(_)) => {
            tracing::warn!(provider = provider.name(), "no response to a start in the time that is left");
            ProviderAnswer::Unconfirmed
        }
        (Err(_), Call::Poll(_)) => {
            tracing::warn!(provider = provider.name(), "no response to a poll in the time that is left");
            ProviderAnswer::Failed(ProviderFailure::Fault { retry_after_s: None })
        }
    }
}

fn failed(error: ProviderError) -> ProviderAnswer {
    match &error.kind {
        ProviderErrorKind::AccountProblem | ProviderErrorKind::ModelGone | ProviderErrorKind::InvalidRequest => {
            tracing::error!(error = %error, "a provider does not serve this deployment")
        }
        ProviderErrorKind::Rejected { .. } | ProviderErrorKind::InvalidInput { .. } => {
            tracing::info!(error = %error, "a provider rejected a request")
        }
        ProviderErrorKind::Throttled { .. }
        | ProviderErrorKind::Unavailable { .. }
        | ProviderErrorKind::InvalidResponse
        | ProviderErrorKind::JobEnded
        | ProviderErrorKind::Unconfirmed => tracing::warn!(error = %error, "a provider failed"),
    }
    match error.kind {
        ProviderErrorKind::Rejected { reason } => ProviderAnswer::Rejected { reason },
        ProviderErrorKind::InvalidInput { reason } => ProviderAnswer::InvalidInput { reason },
        ProviderErrorKind::AccountProblem => ProviderAnswer::Refused(Refused::Account),
        ProviderErrorKind::ModelGone => ProviderAnswer::Refused(Refused::Model),
        ProviderErrorKind::InvalidRequest => ProviderAnswer::Refused(Refused::Request),
        ProviderErrorKind::Throttled { retry_after } => {
            ProviderAnswer::Failed(ProviderFailure::Throttled { retry_after_s: retry_after.map(seconds) })
        }
        ProviderErrorKind::Unavailable { retry_after } => {
            ProviderAnswer::Failed(ProviderFailure::Fault { retry_after_s: retry_after.map(seconds) })
        }
        ProviderErrorKind::InvalidResponse => ProviderAnswer::Failed(ProviderFailure::Fault { retry_after_s: None }),
        ProviderErrorKind::JobEnded => ProviderAnswer::Failed(ProviderFailure::JobEnded),
        ProviderErrorKind::Unconfirmed => ProviderAnswer::Unconfirmed,
    }
}

/// Rounds up to whole seconds, so that a provider is not asked too early.
fn seconds(duration: Duration) -> u32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use async_trait::async_trait;
    use domain::catalogue::{compiled, models::Size};
    use providers::Sketch;

    use super::*;

    fn offer() -> &'static Offer {
        &compiled().model("sketch-image").unwrap().offers[0]
    }

    fn settings(prompt: &str) -> GenerationSettings {
        GenerationSettings {
            model: "sketch-image".to_owned(),
            prompt: prompt.to_owned(),
            negative_prompt: None,
            size: Size { width: 64, height: 64 },
            duration_ms: None,
            quality: None,
            count: 2,
            seed: Some(7),
            input_upload: None,
            visible_label: false,
        }
    }

    fn start(prompt: &str) -> Call {
        Call::Start(Box::new(request(MediaKind::Image, &settings(prompt), offer(), None, None)))
    }

    /// Counts outputs.
    #[derive(Default)]
    pub(crate) struct Counted(AtomicUsize);

    #[async_trait]
    impl Outputs for Counted {
        async fn take(&self, _: Vec<u8>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    async fn sketched(call: &Call) -> ProviderAnswer {
        ask(&Sketch::scripted(), call, &Counted::default(), Duration::from_secs(60)).await
    }

    async fn check(prompt: &str, outcomes: &[&str]) {
        let mut found = Vec::new();
        let mut call = start(prompt);
        loop {
            let answer = sketched(&call).await;
            found.push(answer.outcome());
            match answer {
                ProviderAnswer::Pending { job, .. } => call = Call::Poll(job),
                _ => break,
            }
        }
        assert_eq!(found, outcomes, "{prompt}");
    }

    #[tokio::test]
    async fn each_kind_of_response_is_classified_with_and_without_a_job() {
        check("a lighthouse", &["done"]).await;
        check("[sketch:reject]", &["rejected"]).await;
        check("[sketch:input]", &["invalid_input"]).await;
        check("[sketch:account]", &["account_problem"]).await;
        check("[sketch:ours]", &["invalid_request"]).await;
        check("[sketch:busy]", &["throttled"]).await;
        check("[sketch:unknown]", &["fault"]).await;
        check("[sketch:job]", &["pending", "pending", "done"]).await;
        check("[sketch:job-reject]", &["pending", "pending", "rejected"]).await;
        check("[sketch:job-busy]", &["pending", "pending", "throttled"]).await;
        check("[sketch:job-unknown]", &["pending", "pending", "fault"]).await;
        check("[sketch:job-ended]", &["pending", "pending", "job_ended"]).await;
    }

    #[tokio::test]
    async fn requested_number_of_files_is_handed_over() {
        let counted = Counted::default();
        ask(&Sketch::scripted(), &start("a lighthouse"), &counted, Duration::from_secs(60)).await;
        assert_eq!(counted.0.into_inner(), 2);
    }

    #[tokio::test]
    async fn delay_that_a_provider_asks_for_is_kept() {
        let ProviderAnswer::Failed(failure) = sketched(&start("[sketch:busy]")).await else { panic!("no failure") };
        assert_eq!(failure, ProviderFailure::Throttled { retry_after_s: Some(1) });
    }

    /// Never answers.
    struct Silent;

    #[async_trait]
    impl Provider for Silent {
        fn name(&self) -> &'static str {
            "silent"
        }

        async fn start(&self, _: &ProviderRequest, _: &dyn Outputs) -> Result<StartResponse, ProviderError> {
            std::future::pending().await
        }

        async fn poll(&self, _: &str, _: &dyn Outputs) -> Result<PollResponse, ProviderError> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn start_without_a_response_may_have_begun_and_a_poll_may_be_repeated() {
        let outcome = async |call: &Call| ask(&Silent, call, &Counted::default(), Duration::ZERO).await.outcome();
        assert_eq!(outcome(&start("a lighthouse")).await, "unconfirmed");
        assert_eq!(outcome(&Call::Poll("job".to_owned())).await, "fault");
    }

    /// Works on it for ever, under the id that it gave at first.
    struct Endless;

    #[async_trait]
    impl Provider for Endless {
        fn name(&self) -> &'static str {
            "endless"
        }

        async fn start(&self, _: &ProviderRequest, _: &dyn Outputs) -> Result<StartResponse, ProviderError> {
            Ok(StartResponse::Job { id: "first".to_owned(), poll_after: Duration::from_millis(1500) })
        }

        async fn poll(&self, _: &str, _: &dyn Outputs) -> Result<PollResponse, ProviderError> {
            Ok(PollResponse::Pending { job: None, poll_after: Duration::from_secs(10) })
        }
    }

    #[tokio::test]
    async fn job_keeps_its_id_and_is_not_polled_too_early() {
        let asked = async |call: &Call| ask(&Endless, call, &Counted::default(), Duration::from_secs(1)).await;
        let answer = asked(&start("a lighthouse")).await;
        let ProviderAnswer::Pending { job, poll_after_s } = answer else { panic!("not pending") };
        assert_eq!((job.as_str(), poll_after_s), ("first", 2));
        let answer = asked(&Call::Poll(job)).await;
        let ProviderAnswer::Pending { job, poll_after_s } = answer else { panic!("not pending") };
        assert_eq!((job.as_str(), poll_after_s), ("first", 10));
    }

    #[tokio::test]
    async fn job_is_polled_first_when_it_is_usually_done_and_rarely_if_reported() {
        for (usual_s, is_reported, expected) in
            [(0, false, 2), (1, false, 2), (12, false, 12), (0, true, 10), (4, true, 10), (12, true, 24)]
        {
            let call = start("a lighthouse");
            let answer = ask(&Endless, &call, &Counted::default(), Duration::from_secs(1)).await;
            let ProviderAnswer::Pending { poll_after_s, .. } = answer.polled_after(usual_s, is_reported) else {
                panic!("not pending")
            };
            assert_eq!(poll_after_s, expected);
        }
    }
}
