//! Why a provider did not do what was asked.

use std::fmt::Display;

use domain::payments::payment::PaymentProvider;
use stripe_client_core::StripeClientErr;

/// A failed call. Its text is for the log and the operator: it never holds a key, or a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider is off.
    #[error("{0:?} is off here: to turn it on, put {keys} into the payments secret", keys = crate::keys::names(*.0).join(", "))]
    NotConfigured(PaymentProvider),
    /// The provider does not take our keys.
    #[error("{0:?} does not accept the keys: check {keys} in the payments secret", keys = crate::keys::names(*.0).join(", "))]
    WrongKeys(PaymentProvider),
    /// The provider refused the request, and will again.
    #[error("{provider:?} refused the request: {status} {code}")]
    Refused {
        /// Who.
        provider: PaymentProvider,
        /// The HTTP status.
        status: u16,
        /// The provider's own code for it, or nothing.
        code: String,
    },
    /// The buyer has not approved the payment, or must choose another way to pay: send them to the provider's page again.
    #[error("the buyer has not approved the payment")]
    NotApproved,
    /// The provider refused the buyer's card or account. The buyer must choose another means of payment on this page.
    #[error("the buyer must choose another means of payment")]
    InstrumentDeclined {
        /// The provider's page for this checkout.
        page: String,
    },
    /// The provider does not take the buyer's money for this checkout, now or later: only another checkout can help.
    #[error("{provider:?} does not take the payment: {code}")]
    Declined {
        /// Who.
        provider: PaymentProvider,
        /// The provider's own code for it, or nothing.
        code: String,
    },
    /// No answer, or that the provider is busy.
    #[error("{provider:?} cannot be reached: {why}")]
    Unreachable {
        /// Who.
        provider: PaymentProvider,
        /// What happened.
        why: String,
    },
    /// An answer that is not what is documented.
    #[error("{provider:?} answered something else than is documented: {what}")]
    Unreadable {
        /// Who.
        provider: PaymentProvider,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The provider speaks of something else than the payment that was asked about. A staff member must look at it.
    #[error("the provider's {0} is not that of the payment")]
    Mismatch(&'static str),
}

impl ProviderError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Unreadable { .. } => true,
            Self::NotConfigured(_)
            | Self::WrongKeys(_)
            | Self::Refused { .. }
            | Self::NotApproved
            | Self::InstrumentDeclined { .. }
            | Self::Declined { .. }
            | Self::Mismatch(_) => false,
        }
    }

    pub(crate) fn unreachable(provider: PaymentProvider, why: impl Into<String>) -> Self {
        Self::Unreachable { provider, why: why.into() }
    }

    pub(crate) const fn unreadable(provider: PaymentProvider, what: &'static str) -> Self {
        Self::Unreadable { provider, what }
    }
}

/// The requests of `async-stripe` read their answers themselves.
impl StripeClientErr for ProviderError {
    fn deserialize_err(_: impl Display) -> Self {
        Self::unreadable(PaymentProvider::Stripe, "the object lacks a field, or has one of another type")
    }
}

/// Refuses what is not about the payment.
pub(crate) fn must(holds: bool, field: &'static str) -> Result<(), ProviderError> {
    if holds { Ok(()) } else { Err(ProviderError::Mismatch(field)) }
}
