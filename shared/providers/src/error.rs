//! Why a provider call failed, in the four kinds that the caller has rules for.

use std::time::Duration;

/// Reports a failed provider call.
///
/// Its text is for the log: the provider, the step and the status. It never contains the prompt, the API key, or the
/// provider's own text, which may quote either.
#[derive(Debug, thiserror::Error)]
#[error("{provider}: {message}")]
pub struct ProviderError {
    /// The name of the provider.
    pub provider: &'static str,
    /// The kind of failure, which decides what the caller does.
    pub kind: ProviderErrorKind,
    message: String,
}

/// Classifies failures of provider calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// The provider's moderation refuses the prompt or the reference image, and will refuse it again. The caller fails the
    /// generation, refunds it and shows the reason.
    Rejected {
        /// The reason, for the account owner.
        reason: String,
    },
    /// The provider does not accept our request: a wrong API key, no funds at the provider, a malformed request. The
    /// caller fails the generation, refunds it and raises an alarm.
    InvalidRequest,
    /// The provider is overloaded, down, unreachable or too slow. The caller tries again later or asks another provider.
    Unavailable {
        /// The time that the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// The response is unusable: cut short, undocumented, or from a forbidden address. The caller tries again.
    InvalidResponse,
}

impl ProviderError {
    /// Returns whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        match self.kind {
            ProviderErrorKind::Unavailable { .. } | ProviderErrorKind::InvalidResponse => true,
            ProviderErrorKind::Rejected { .. } | ProviderErrorKind::InvalidRequest => false,
        }
    }

    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self.kind, ProviderErrorKind::Rejected { .. })
    }

    pub(crate) fn rejected(provider: &'static str, reason: &str) -> Self {
        let kind = ProviderErrorKind::Rejected { reason: reason.to_owned() };
        Self { provider, kind, message: "the request was rejected".to_owned() }
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
