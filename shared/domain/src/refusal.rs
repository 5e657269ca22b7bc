//! Why something may not be done. A refusal moves nothing: no credit, no item.

use crate::{Credits, accounts::account::AccountStatus, rate_limit::Rate};

/// A field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as the client names it.
    pub field: &'static str,
    /// The rule, in words for the client, with its limit.
    pub rule: String,
}

impl FieldError {
    /// A field and the rule that it breaks.
    pub fn new(field: &'static str, rule: impl Into<String>) -> Self {
        Self { field, rule: rule.into() }
    }
}

/// Why something may not be done, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fields break rules. Never empty.
    #[error("{}", .0.iter().map(|e| format!("{}: {}", e.field, e.rule)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// There is no such thing, or it is somebody else's.
    #[error("there is no such thing")]
    NotFound,
    /// The account may not do this now.
    #[error("the account is {0}")]
    AccountStatus(AccountStatus),
    /// The price is above what the client allowed.
    #[error("this costs {price} credits, more than max_credits allows ({max_credits})")]
    PriceAboveMaximum {
        /// What it costs.
        price: Credits,
        /// What the client allowed.
        max_credits: Credits,
    },
    /// Not enough credits.
    #[error("this costs {price} credits and {available} are available")]
    InsufficientCredits {
        /// What it costs.
        price: Credits,
        /// What there is.
        available: Credits,
    },
    /// A limit of the plan.
    #[error("the plan allows {limit} {what}")]
    PlanLimit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The access of a member of staff to what is somebody's is over.
    #[error("the access is over: open another one, with its reason")]
    AccessExpired,
    /// Too often.
    #[error("too many requests: try again in {retry_after_s} s")]
    RateLimited {
        /// How often it may be done.
        rate: Rate,
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The thing is in a state in which this cannot be done.
    #[error("{0}")]
    Conflict(&'static str),
}

impl Refusal {
    /// One field that breaks one rule.
    pub fn invalid(field: &'static str, rule: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, rule)])
    }
}

/// The error of a text that is not 1 to `most` characters, or only spaces, or has control characters.
pub(crate) fn check_text(field: &'static str, text: &str, most: usize) -> Option<FieldError> {
    let bad = text.trim().is_empty() || text.chars().count() > most || text.chars().any(char::is_control);
    bad.then(|| FieldError::new(field, format!("1 to {most} characters, not only spaces, no control characters")))
}
