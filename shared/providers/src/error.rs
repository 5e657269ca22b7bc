//! Why a provider gave nothing, in the four kinds that the caller has rules for.

use std::time::Duration;

/// A failed call.
///
/// Its text is for the log. It names the provider, the step and the status, and never holds the prompt, the key, or the
/// provider's own words, which may quote either.
#[derive(Debug, thiserror::Error)]
#[error("{provider}: {message}")]
pub struct ProviderError {
    /// Who failed.
    pub provider: &'static str,
    /// What to do about it.
    pub kind: ErrorKind,
    message: String,
}

/// The four kinds of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The provider refuses this prompt or input image. It will refuse it again: fail, refund, tell why.
    Rejected {
        /// For the client to read.
        reason: String,
    },
    /// Our mistake: a bad key, an empty account, a malformed request. Fail, refund, alarm.
    Ours,
    /// Overloaded, down, out of reach or too slow. Try again, later or elsewhere.
    Busy {
        /// How long the provider asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// An answer that makes no sense: cut short, not what is documented, from where it must not come. Try again.
    Unknown,
}

impl ProviderError {
    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        match self.kind {
            ErrorKind::Busy { .. } | ErrorKind::Unknown => true,
            ErrorKind::Rejected { .. } | ErrorKind::Ours => false,
        }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.kind, ErrorKind::Rejected { .. })
    }

    pub(crate) fn rejected(provider: &'static str, reason: &str) -> Self {
        let kind = ErrorKind::Rejected { reason: reason.to_owned() };
        Self { provider, kind, message: "the request was refused".to_owned() }
    }

    pub(crate) fn ours(provider: &'static str, message: impl Into<String>) -> Self {
        Self { provider, kind: ErrorKind::Ours, message: message.into() }
    }

    pub(crate) fn busy(provider: &'static str, message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self { provider, kind: ErrorKind::Busy { retry_after }, message: message.into() }
    }

    pub(crate) fn unknown(provider: &'static str, message: impl Into<String>) -> Self {
        Self { provider, kind: ErrorKind::Unknown, message: message.into() }
    }
}
