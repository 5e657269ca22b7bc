//! Why a provider call failed, in the kinds that the caller has rules for.

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
    /// The provider cannot use the prompt, a setting or the reference image. The caller fails the generation, refunds it
    /// and shows the reason. The operator has nothing to do.
    InvalidInput {
        /// What to change, for the account owner.
        reason: String,
    },
    /// The provider does not serve our account: a wrong API key, no funds, a spending limit. The caller raises an alarm
    /// and asks another provider, without a retry.
    AccountProblem,
    /// The provider no longer has the model. The caller raises an alarm and asks another provider, without a retry.
    ModelGone,
    /// Our request is malformed, which is a defect of this service. The caller raises an alarm and asks another provider,
    /// without a retry.
    InvalidRequest,
    /// The provider has too many requests. The caller tries again later or asks another provider.
    Throttled {
        /// The time that the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// The provider is down, unreachable or too slow. The caller tries again later or asks another provider.
    Unavailable {
        /// The time that the provider asks to wait.
        retry_after: Option<Duration>,
    },
    /// The response is unusable: cut short, or undocumented. The caller tries again.
    InvalidResponse,
    /// The job ended without output, or its output is no longer available. To poll again is useless; another job may
    /// succeed.
    JobEnded,
    /// A start was sent and its response was not understood or did not arrive. The provider may have begun and may charge
    /// for it. The caller starts no other: it fails the generation and refunds it.
    Unconfirmed,
}

impl ProviderError {
    /// Returns whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(
            self.kind,
            ProviderErrorKind::Throttled { .. }
                | ProviderErrorKind::Unavailable { .. }
                | ProviderErrorKind::InvalidResponse
        )
    }

    /// Says whether the provider would fail the same request again for what the account owner entered.
    pub(crate) fn is_about_input(&self) -> bool {
        matches!(self.kind, ProviderErrorKind::Rejected { .. } | ProviderErrorKind::InvalidInput { .. })
    }

    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self.kind, ProviderErrorKind::Rejected { .. })
    }

    /// Returns it as the failure of a start: what is not understood may have begun.
    pub(crate) fn of_start(self) -> Self {
        match self.kind {
            ProviderErrorKind::InvalidResponse => Self { kind: ProviderErrorKind::Unconfirmed, ..self },
            _ => self,
        }
    }

    pub(crate) fn rejected(provider: &'static str, reason: &str) -> Self {
        Self::new(provider, ProviderErrorKind::Rejected { reason: reason.to_owned() }, "the request was rejected")
    }

    pub(crate) fn invalid_input(provider: &'static str, reason: &str) -> Self {
        Self::new(provider, ProviderErrorKind::InvalidInput { reason: reason.to_owned() }, "the input cannot be used")
    }

    pub(crate) fn account_problem(provider: &'static str, message: impl Into<String>) -> Self {
        Self::new(provider, ProviderErrorKind::AccountProblem, message)
    }

    pub(crate) fn model_gone(provider: &'static str, message: impl Into<String>) -> Self {
        Self::new(provider, ProviderErrorKind::ModelGone, message)
    }

    pub(crate) fn invalid_request(provider: &'static str, message: impl Into<String>) -> Self {
        Self::new(provider, ProviderErrorKind::InvalidRequest, message)
    }

    pub(crate) fn throttled(provider: &'static str, message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self::new(provider, ProviderErrorKind::Throttled { retry_after }, message)
    }

    pub(crate) fn unavailable(
        provider: &'static str,
        message: impl Into<String>,
        retry_after: Option<Duration>,
    ) -> Self {
        Self::new(provider, ProviderErrorKind::Unavailable { retry_after }, message)
    }

    pub(crate) fn invalid_response(provider: &'static str, message: impl Into<String>) -> Self {
        Self::new(provider, ProviderErrorKind::InvalidResponse, message)
    }

    pub(crate) fn job_ended(provider: &'static str, message: impl Into<String>) -> Self {
        Self::new(provider, ProviderErrorKind::JobEnded, message)
    }

    pub(crate) fn unconfirmed(provider: &'static str, message: impl Into<String>) -> Self {
        Self::new(provider, ProviderErrorKind::Unconfirmed, message)
    }

    fn new(provider: &'static str, kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { provider, kind, message: message.into() }
    }
}
