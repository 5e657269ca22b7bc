//! One call to a provider: what it is told, and what its answer means to us.

use std::time::Duration;

use domain::{
    catalogue::{Kind, Offer},
    generation::Trouble,
    settings::Settings,
};
use providers::{ErrorKind, InputImage, Output, Polled, Provider, ProviderError, Request, Started};

/// What is asked.
pub(crate) enum Call {
    /// Begin.
    Start(Box<Request>),
    /// How does this job stand? Its id may hold the prompt, so it is not for the log.
    Poll(String),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Answer {
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
    Trouble(Trouble),
}

impl Answer {
    /// What it counts as.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Made(_) => "made",
            Self::Working { .. } => "working",
            Self::Rejected { .. } => "rejected",
            Self::OurMistake => "our_mistake",
            Self::Trouble(Trouble::Busy { .. }) => "busy",
            Self::Trouble(Trouble::Unknown) => "unknown",
        }
    }
}

/// All that a provider is told: nothing but settings, so nothing of whose they are.
pub(crate) fn request(kind: Kind, settings: &Settings, offer: &Offer, input_image: Option<InputImage>) -> Request {
    Request {
        kind: match kind {
            Kind::Image => providers::Kind::Image,
            Kind::Video => providers::Kind::Video,
        },
        model: offer.model.to_owned(),
        prompt: settings.prompt.clone(),
        negative_prompt: settings.negative_prompt.clone(),
        width: settings.size.width,
        height: settings.size.height,
        count: settings.count,
        seed: settings.seed.map(u64::from),
        duration_ms: settings.duration_ms.map(u64::from),
        input_image,
    }
}

/// Asks, and waits for an answer as long as `allowed`. A start that took longer may have been accepted: what it makes is
/// lost to us.
pub(crate) async fn ask(provider: &dyn Provider, call: &Call, allowed: Duration) -> Answer {
    let answer = async {
        match call {
            Call::Start(request) => provider.start(request).await.map(|started| match started {
                Started::Done(outputs) => Answer::Made(outputs),
                Started::Job { id, poll_after } => Answer::Working { job: id, poll_after_s: seconds(poll_after) },
            }),
            Call::Poll(job) => provider.poll(job).await.map(|polled| match polled {
                Polled::Done(outputs) => Answer::Made(outputs),
                Polled::Pending { job: renamed, poll_after } => {
                    Answer::Working { job: renamed.unwrap_or_else(|| job.clone()), poll_after_s: seconds(poll_after) }
                }
            }),
        }
    };
    match tokio::time::timeout(allowed, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => failed(error),
        Err(_) => {
            tracing::warn!(provider = provider.name(), "no answer in the time that is left");
            Answer::Trouble(Trouble::Busy { retry_after_s: None })
        }
    }
}

fn failed(error: ProviderError) -> Answer {
    match &error.kind {
        ErrorKind::Ours => tracing::error!(error = %error, "a provider says that we are wrong"),
        ErrorKind::Rejected { .. } => tracing::info!(error = %error, "a provider refused"),
        ErrorKind::Busy { .. } | ErrorKind::Unknown => tracing::warn!(error = %error, "a provider failed"),
    }
    match error.kind {
        ErrorKind::Rejected { reason } => Answer::Rejected { reason },
        ErrorKind::Ours => Answer::OurMistake,
        ErrorKind::Busy { retry_after } => Answer::Trouble(Trouble::Busy { retry_after_s: retry_after.map(seconds) }),
        ErrorKind::Unknown => Answer::Trouble(Trouble::Unknown),
    }
}

/// Whole seconds, rounded up, so that nobody is asked too early.
fn seconds(duration: Duration) -> u32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}
