//! What follows an answer of a provider: decided here, done in `work`.

use domain::{
    generation::{AfterTrouble, Failure, Generation, ProviderJob, Trouble},
    submission::End,
};
use jiff::Timestamp;
use providers::Output;

use crate::ask::Answer;

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Check and store these files, then settle.
    Store(Vec<Output>),
    /// Write down what is waited for, then send a message for later.
    Wait(Wait),
    /// End it.
    End(End),
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A job at a provider.
    Job {
        /// The job.
        job: ProviderJob,
        /// When to ask for it.
        poll_after_s: u32,
    },
    /// A better moment, or another provider.
    Retry(Trouble),
}

/// What follows this answer of this provider.
pub(crate) fn follow(answer: Answer, provider: &str) -> Step {
    match answer {
        Answer::Made(outputs) => Step::Store(outputs),
        Answer::Working { job, poll_after_s } => {
            Step::Wait(Wait::Job { job: ProviderJob { provider: provider.to_owned(), id: job }, poll_after_s })
        }
        Answer::Rejected { reason } => Step::End(End::Failed(Failure::Rejected { reason })),
        Answer::OurMistake => Step::End(End::Failed(Failure::Internal)),
        Answer::Trouble(trouble) => Step::Wait(Wait::Retry(trouble)),
    }
}

impl Wait {
    /// The generation while it waits, and for how long.
    pub(crate) fn begin(&self, generation: &Generation, enabled: &[String], now: Timestamp) -> AfterTrouble {
        match self {
            Self::Job { job, poll_after_s } => AfterTrouble::Again {
                generation: Box::new(generation.accepted(job.clone(), *poll_after_s, now)),
                delay_s: *poll_after_s,
            },
            Self::Retry(trouble) => generation.troubled(*trouble, enabled, now),
        }
    }
}
