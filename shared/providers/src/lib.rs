//! AI providers of images and videos behind one trait.
//!
//! What leaves the service is a [`GenerationRequest`]: prompt, settings, input image. It has no field for an account, an email, an
//! address or a device, so a provider cannot be told any of them.
//!
//! A provider either answers at once or names a job that is [polled](Provider::poll) until it is done. The caller stores
//! the job's id before it waits, so that a second attempt resumes the job instead of paying for another.
//!
//! Failures are of [four kinds](ProviderErrorKind), and each kind has one rule for the caller.
//!
//! Of the [`Providers`], [`Sketch`] is built in and needs no key; the others exist once [`ProviderConfig`] has theirs.

mod batch;
mod error;
mod fal;
mod input;
mod openai;
mod outbound;
mod replicate;
mod settings;
mod shape;
mod sketch;
mod stability;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use error::{ProviderError, ProviderErrorKind};
pub use settings::{CallLimits, Endpoint, ProviderConfig, ProviderConfigError, Providers};
pub use sketch::Sketch;

/// An AI service, or the built-in [`Sketch`].
#[async_trait]
pub trait Provider: Send + Sync {
    /// The name that the catalogue uses.
    fn name(&self) -> &'static str;

    /// Asks for `request.count` outputs. A repeat asks, and pays, again.
    async fn start(&self, request: &GenerationRequest) -> Result<StartResponse, ProviderError>;

    /// Asks how a job from [`start`](Provider::start) stands. A repeat is free and gives the same outputs as long as the
    /// provider keeps them (about an hour for most).
    async fn poll(&self, job: &str) -> Result<PollResponse, ProviderError>;

    /// Has the provider delete what it keeps of a job from [`start`](Provider::start). Gone already is as good. Those that
    /// have no API for it do nothing: they delete by themselves, Replicate
    /// [after an hour](https://replicate.com/docs/topics/predictions/data-retention).
    async fn delete_remote(&self, job: &str) -> Result<(), ProviderError> {
        let _ = job;
        Ok(())
    }
}

/// All that a provider is told.
///
/// Deliberately not `Debug`: a prompt must not slip into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct GenerationRequest {
    /// Image or video.
    pub kind: OutputKind,
    /// The provider's own name for the model.
    pub model: String,
    /// What to show.
    pub prompt: String,
    /// What not to show. Where a model has no such field, OpenAI is told in the prompt and others are not told.
    pub negative_prompt: Option<String>,
    /// In pixels. A provider with fixed sizes gives the nearest one.
    pub width: u32,
    /// In pixels. A provider with fixed sizes gives the nearest one.
    pub height: u32,
    /// How many outputs, at least 1.
    pub count: u8,
    /// Fixes the provider's randomness. Further outputs of the same request use the following numbers.
    pub seed: Option<u64>,
    /// Length of a video. A provider with fixed lengths gives the nearest one.
    pub duration_ms: Option<u64>,
    /// A picture to start from.
    pub reference_image: Option<ReferenceImage>,
}

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A still picture.
    Image,
    /// A film, as MP4 or WebM.
    Video,
}

/// A picture to start from, its metadata already removed.
#[derive(Clone, PartialEq, Eq)]
pub struct ReferenceImage {
    /// The file.
    pub bytes: Vec<u8>,
    /// `image/png`, `image/jpeg` or `image/webp`.
    pub mime: String,
}

/// How a request began.
pub enum StartResponse {
    /// Finished already. At least one output and at most `count`: fewer means that the provider made or kept fewer, and
    /// only those are to be charged.
    Done(Vec<Output>),
    /// To be polled.
    Job {
        /// For [`Provider::poll`]. It may carry the request itself, so it is stored with it and never logged.
        id: String,
        /// When to ask first.
        poll_after: Duration,
    },
}

/// How a job stands.
pub enum PollResponse {
    /// Finished; the outputs are as in [`StartResponse::Done`].
    Done(Vec<Output>),
    /// Not finished.
    Pending {
        /// An id that replaces the one that was asked with, where the provider changed it.
        job: Option<String>,
        /// When to ask again.
        poll_after: Duration,
    },
}

/// One finished file, exactly as the provider sent it: whether it is what it should be is the caller's to check.
#[derive(PartialEq, Eq)]
pub struct Output {
    /// The file.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({} bytes)", self.bytes.len())
    }
}

// A job's id may carry the prompt, so neither of these shows it.

impl fmt::Debug for StartResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(outputs) => f.debug_tuple("Done").field(outputs).finish(),
            Self::Job { poll_after, .. } => {
                f.debug_struct("Job").field("poll_after", poll_after).finish_non_exhaustive()
            }
        }
    }
}

impl fmt::Debug for PollResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(outputs) => f.debug_tuple("Done").field(outputs).finish(),
            Self::Pending { poll_after, .. } => {
                f.debug_struct("Pending").field("poll_after", poll_after).finish_non_exhaustive()
            }
        }
    }
}
