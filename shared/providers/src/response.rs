//! What a provider answers.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;

/// Takes the outputs of a generation as they arrive, one after another, so that they need not fit into memory beside each other.
#[async_trait]
pub trait Outputs: Send + Sync {
    /// Takes one output, exactly as the provider sent it. The taker must check its content.
    async fn take(&self, bytes: Vec<u8>);
}

/// Holds the result of starting a generation.
pub enum StartResponse {
    /// The provider finished at once. It handed over at least one output and at most `count`; only these are to be charged.
    Done,
    /// The provider started a job, which the caller must poll.
    Job {
        /// The id for [`Provider::poll`](crate::Provider::poll). It may contain the request, so it must be stored with the
        /// generation and never logged.
        id: String,
        /// The time to wait before the first poll.
        poll_after: Duration,
    },
}

/// Holds the status of a job.
pub enum PollResponse {
    /// The job is finished. The outputs are as with [`StartResponse::Done`].
    Done,
    /// The job is not finished.
    Pending {
        /// The id for the next poll, where the provider changed it.
        job: Option<String>,
        /// The time to wait before the next poll.
        poll_after: Duration,
    },
}

/// What a provider says about one of its models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStatus {
    /// It has no way to say anything.
    Untold,
    /// It has the model, and announces no end.
    Available,
    /// It will end the model, and does not say when.
    Deprecated,
    /// It will end the model on this day.
    ShutsDown(Date),
    /// It does not have the model, or has it no longer.
    Gone,
}

// A job id may contain the prompt, so neither of these prints it.

impl fmt::Debug for StartResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Job { poll_after, .. } => {
                f.debug_struct("Job").field("poll_after", poll_after).finish_non_exhaustive()
            }
        }
    }
}

impl fmt::Debug for PollResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Pending { poll_after, .. } => {
                f.debug_struct("Pending").field("poll_after", poll_after).finish_non_exhaustive()
            }
        }
    }
}
