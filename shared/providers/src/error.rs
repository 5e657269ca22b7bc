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
    pub kind: ProviderErrorKind,
    message: String,
}

/// The four kinds of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// The provider refuses this prompt or input image. It will refuse it again: fail, refund, tell why.
    Rejected {
        /// For the client to read.
        reason: String,
    },
    /// Our mistake: a bad key, an empty account, a malformed request. Fail, refund, alarm.
    InvalidRequest,
    /// Overloaded, down, out of reach or too slow. Try again, later or elsewhere.
    Unavailable {
        /// How long the provider asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// An answer that makes no sense: cut short, not what is documented, from where it must not come. Try again.
    InvalidResponse,
}

impl ProviderError {
    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        match self.kind {
            ProviderErrorKind::Unavailable { .. } | ProviderErrorKind::InvalidResponse => true,
            ProviderErrorKind::Rejected { .. } | ProviderErrorKind::InvalidRequest => false,
        }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.kind, ProviderErrorKind::Rejected { .. })
    }

    pub(crate) fn rejected(provider: &'static str, reason: &str) -> Self {
        let kind = ProviderErrorKind::Rejected { reason: reason.to_owned() };
        Self { provider, kind, message: "the request was refused".to_owned() }
    }

    pub(crate) fn invalid_request(provider: &'static str, message: impl Into<String>) -> Self {
        Self { provider, kind: ProviderErrorKind::InvalidRequest, message: message.into() }
    }

    pub(crate) fn unavailable(
        provider: &'static str,
        message: impl Into<String>,
        retry_after: Option<Duration>,
    ) -> Self {
        Self { provider, kind: ProviderErrorKind::Unavailable { retry_after }, message: message.into() }
    }

    pub(crate) fn invalid_response(provider: &'static str, message: impl Into<String>) -> Self {
        Self { provider, kind: ProviderErrorKind::InvalidResponse, message: message.into() }
    }
}
