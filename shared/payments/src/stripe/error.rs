//! Why an event of Stripe is refused.

/// Why an event is not believed, or not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Stripe is off.
    #[error("an event for Stripe, which is off here: turn it on, or remove the webhook endpoint in Stripe")]
    NotConfigured,
    /// No signature, or not one of Stripe's kind.
    #[error("the event has no signature")]
    Unsigned,
    /// None of the secrets signed this body.
    #[error("the event is not signed with any of the webhook secrets")]
    Forged,
    /// It was signed long ago, or in the future.
    #[error("the event was not signed just now")]
    Stale,
    /// Test money where real money is taken, or the other way round.
    #[error("the event is about the other kind of money, test or live")]
    Mode,
    /// Signed, but not as documented.
    #[error("the event is signed, but its {0} is not as documented")]
    Unreadable(&'static str),
}

impl WebhookError {
    /// Says whether Stripe should send the event again (the response is 5xx) or is to blame for it (the response is 400).
    #[must_use]
    pub const fn retryable(self) -> bool {
        match self {
            Self::NotConfigured | Self::Unreadable(_) => true,
            Self::Unsigned | Self::Forged | Self::Stale | Self::Mode => false,
        }
    }

    /// Says whether the operator must be told: the secret may be wrong, or events have another shape. What any stranger can send
    /// without effort, and what a late repeat explains, is not alarming.
    #[must_use]
    pub const fn is_alarming(self) -> bool {
        match self {
            Self::Forged | Self::Unreadable(_) => true,
            Self::NotConfigured | Self::Unsigned | Self::Stale | Self::Mode => false,
        }
    }
}
