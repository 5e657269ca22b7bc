//! One call to a provider: what it is told, and what its answer means to us.

use std::time::Duration;

use domain::{
    catalogue::models::{MediaKind, Offer},
    generations::generation::ProviderFailure,
    generations::settings::GenerationSettings,
};
use providers::{
    Output, PollResponse, Provider, ProviderError, ProviderErrorKind, ProviderRequest, ReferenceImage, StartResponse,
};

/// What is asked.
pub(crate) enum Call {
    /// Begin.
    Start(Box<ProviderRequest>),
    /// How does this job stand? Its id may hold the prompt, so it is not for the log.
    Poll(String),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum ProviderAnswer {
    /// These files, unchecked.
    Made(Vec<Output>),
    /// The provider works on it.
    Working {
        /// What to ask with.
        job: String,
        /// When to ask.
        poll_after_s: u32,
    },
    /// The provider refuses it.
    Rejected {
        /// Why, for its owner.
        reason: String,
    },
    /// We asked wrongly, or are not let in.
    OurMistake,
    /// It may work out later or elsewhere.
    Trouble(ProviderFailure),
}

impl ProviderAnswer {
    /// What it counts as.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Made(_) => "made",
            Self::Working { .. } => "working",
            Self::Rejected { .. } => "rejected",
            Self::OurMistake => "our_mistake",
            Self::Trouble(ProviderFailure::Busy { .. }) => "busy",
            Self::Trouble(ProviderFailure::Unknown) => "unknown",
        }
    }
}

/// All that a provider is told: nothing but settings, so nothing of whose they are.
pub(crate) fn request(
    kind: MediaKind,
    settings: &GenerationSettings,
    offer: &Offer,
    reference_image: Option<ReferenceImage>,
) -> ProviderRequest {
    ProviderRequest {
        kind: match kind {
            MediaKind::Image => providers::OutputKind::Image,
            MediaKind::Video => providers::OutputKind::Video,
        },
        model: offer.model.to_owned(),
        prompt: settings.prompt.clone(),
        negative_prompt: settings.negative_prompt.clone(),
        width: settings.size.width,
        height: settings.size.height,
        count: settings.count,
        seed: settings.seed.map(u64::from),
        duration_ms: settings.duration_ms.map(u64::from),
        reference_image,
    }
}

/// Asks, and waits for an answer as long as `allowed`. A start that took longer may have been accepted: what it makes is
/// lost to us.
pub(crate) async fn ask(provider: &dyn Provider, call: &Call, allowed: Duration) -> ProviderAnswer {
    let answer = async {
        match call {
            Call::Start(request) => provider.start(request).await.map(|started| match started {
                StartResponse::Done(outputs) => ProviderAnswer::Made(outputs),
                StartResponse::Job { id, poll_after } => {
                    ProviderAnswer::Working { job: id, poll_after_s: seconds(poll_after) }
                }
            }),
            Call::Poll(job) => provider.poll(job).await.map(|polled| match polled {
                PollResponse::Done(outputs) => ProviderAnswer::Made(outputs),
                PollResponse::Pending { job: renamed, poll_after } => ProviderAnswer::Working {
                    job: renamed.unwrap_or_else(|| job.clone()),
                    poll_after_s: seconds(poll_after),
                },
            }),
        }
    };
    match tokio::time::timeout(allowed, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => failed(error),
        Err(_) => {
            tracing::warn!(provider = provider.name(), "no answer in the time that is left");
            ProviderAnswer::Trouble(ProviderFailure::Busy { retry_after_s: None })
        }
    }
}

fn failed(error: ProviderError) -> ProviderAnswer {
    match &error.kind {
        ProviderErrorKind::InvalidRequest => tracing::error!(error = %error, "a provider says that we are wrong"),
        ProviderErrorKind::Rejected { .. } => tracing::info!(error = %error, "a provider refused"),
        ProviderErrorKind::Unavailable { .. } | ProviderErrorKind::InvalidResponse => {
            tracing::warn!(error = %error, "a provider failed")
        }
    }
    match error.kind {
        ProviderErrorKind::Rejected { reason } => ProviderAnswer::Rejected { reason },
        ProviderErrorKind::InvalidRequest => ProviderAnswer::OurMistake,
        ProviderErrorKind::Unavailable { retry_after } => {
            ProviderAnswer::Trouble(ProviderFailure::Busy { retry_after_s: retry_after.map(seconds) })
        }
        ProviderErrorKind::InvalidResponse => ProviderAnswer::Trouble(ProviderFailure::Unknown),
    }
}

/// Whole seconds, rounded up, so that nobody is asked too early.
fn seconds(duration: Duration) -> u32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use domain::catalogue::models::Size;
    use providers::Sketch;

    use super::*;

    const OFFER: Offer = Offer { provider: "sketch", model: "sketch" };

    fn settings(prompt: &str) -> GenerationSettings {
        GenerationSettings {
            model: "sketch-image".to_owned(),
            prompt: prompt.to_owned(),
            negative_prompt: None,
            size: Size { width: 64, height: 64 },
            duration_ms: None,
            count: 2,
            seed: Some(7),
            input_upload: None,
        }
    }

    fn start(prompt: &str) -> Call {
        Call::Start(Box::new(request(MediaKind::Image, &settings(prompt), &OFFER, None)))
    }

    async fn sketched(call: &Call) -> ProviderAnswer {
        ask(&Sketch::scripted(), call, Duration::from_secs(60)).await
    }

    async fn check(prompt: &str, outcomes: &[&str]) {
        let mut found = Vec::new();
        let mut call = start(prompt);
        loop {
            let answer = sketched(&call).await;
            found.push(answer.outcome());
            match answer {
                ProviderAnswer::Working { job, .. } => call = Call::Poll(job),
                _ => break,
            }
        }
        assert_eq!(found, outcomes, "{prompt}");
    }

    #[tokio::test]
    async fn each_kind_of_answer_is_told_apart_whether_it_comes_at_once_or_by_a_job() {
        check("a lighthouse", &["made"]).await;
        check("[sketch:reject]", &["rejected"]).await;
        check("[sketch:ours]", &["our_mistake"]).await;
        check("[sketch:busy]", &["busy"]).await;
        check("[sketch:unknown]", &["unknown"]).await;
        check("[sketch:job]", &["working", "working", "made"]).await;
        check("[sketch:job-reject]", &["working", "working", "rejected"]).await;
        check("[sketch:job-busy]", &["working", "working", "busy"]).await;
        check("[sketch:job-unknown]", &["working", "working", "unknown"]).await;
    }

    #[tokio::test]
    async fn as_many_files_come_as_were_asked_for() {
        let ProviderAnswer::Made(outputs) = sketched(&start("a lighthouse")).await else { panic!("not made") };
        assert_eq!(outputs.len(), 2);
    }

    #[tokio::test]
    async fn what_a_provider_asks_to_wait_is_kept() {
        let ProviderAnswer::Trouble(trouble) = sketched(&start("[sketch:busy]")).await else { panic!("no trouble") };
        assert_eq!(trouble, ProviderFailure::Busy { retry_after_s: Some(1) });
    }

    /// Never answers.
    struct Silent;

    #[async_trait]
    impl Provider for Silent {
        fn name(&self) -> &'static str {
            "silent"
        }

        async fn start(&self, _: &ProviderRequest) -> Result<StartResponse, ProviderError> {
            std::future::pending().await
        }

        async fn poll(&self, _: &str) -> Result<PollResponse, ProviderError> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_in_the_time_that_is_left_is_busy() {
        for call in [start("a lighthouse"), Call::Poll("job".to_owned())] {
            assert_eq!(ask(&Silent, &call, Duration::ZERO).await.outcome(), "busy");
        }
    }

    /// Works on it for ever, under the id that it gave at first.
    struct Endless;

    #[async_trait]
    impl Provider for Endless {
        fn name(&self) -> &'static str {
            "endless"
        }

        async fn start(&self, _: &ProviderRequest) -> Result<StartResponse, ProviderError> {
            Ok(StartResponse::Job { id: "first".to_owned(), poll_after: Duration::from_millis(1500) })
        }

        async fn poll(&self, _: &str) -> Result<PollResponse, ProviderError> {
            Ok(PollResponse::Pending { job: None, poll_after: Duration::from_secs(10) })
        }
    }

    #[tokio::test]
    async fn a_job_keeps_its_id_and_is_not_asked_for_too_early() {
        let answer = ask(&Endless, &start("a lighthouse"), Duration::from_secs(1)).await;
        let ProviderAnswer::Working { job, poll_after_s } = answer else { panic!("not working") };
        assert_eq!((job.as_str(), poll_after_s), ("first", 2));
        let answer = ask(&Endless, &Call::Poll(job), Duration::from_secs(1)).await;
        let ProviderAnswer::Working { job, poll_after_s } = answer else { panic!("not working") };
        assert_eq!((job.as_str(), poll_after_s), ("first", 10));
    }
}
