//! Refusals of the rules. A refusal changes nothing.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    accounts::status::AccountStatus, credits::ledger::Credits, moderation::verdict::Category, rate_limit::Rate,
};

/// A field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as the client names it.
    pub field: Cow<'static, str>,
    /// The rule with its limit, for the client.
    pub rule: String,
}

impl FieldError {
    /// Names a field and the rule that it breaks.
    pub fn new(field: impl Into<Cow<'static, str>>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }
}

/// Why a rule refuses a request, for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fields break rules. Never empty.
    #[error("{}", .0.iter().map(|e| format!("{}: {}", e.field, e.rule)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// It does not exist, or belongs to another account.
    #[error("not found")]
    NotFound,
    /// The status of the account forbids it.
    #[error("the account is {0}")]
    AccountStatus(AccountStatus),
    /// Staff suspended publishing and sharing for the account.
    #[error("publishing is suspended")]
    PublishingSuspended,
    /// The price is above the maximum that the client allowed.
    #[error("this costs {price} credits, more than max_credits allows ({max_credits})")]
    PriceAboveMaximum {
        /// The price.
        price: Credits,
        /// The maximum.
        max_credits: Credits,
    },
    /// The account has not enough credits.
    #[error("this costs {price} credits and {available} are available")]
    InsufficientCredits {
        /// The price.
        price: Credits,
        /// The available credits.
        available: Credits,
    },
    /// A limit of the plan is reached.
    #[error("the plan allows {limit} {what}")]
    PlanLimit {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// As many generations of the account run as its plan allows.
    #[error("the plan allows {limit} generations at once")]
    TooManyJobs {
        /// The limit.
        limit: u32,
    },
    /// The access of a staff member has expired.
    #[error("the access is over: open another one, with its reason")]
    AccessExpired,
    /// A second staff member has not approved it.
    #[error("a second staff member must approve it first")]
    ApprovalNeeded,
    /// There were too many requests.
    #[error("too many requests: try again in {retry_after_s} s")]
    RateLimited {
        /// The rate limit.
        rate: Rate,
        /// Seconds until the next request is allowed.
        retry_after_s: u64,
    },
    /// The account canceled too many generations in an hour.
    #[error("too many canceled generations: try again in {retry_after_s} s")]
    TooManyCancels {
        /// Seconds until the next cancel is allowed.
        retry_after_s: u64,
    },
    /// Too many generations of the account failed in an hour because of what it asked for.
    #[error("too many failed generations: try again in {retry_after_s} s")]
    TooManyFailures {
        /// Seconds until the next submission is allowed.
        retry_after_s: u64,
    },
    /// The account declared too many uploads in an hour.
    #[error("too many uploads: try again in {retry_after_s} s")]
    TooManyUploads {
        /// Seconds until the next upload is allowed.
        retry_after_s: u64,
    },
    /// The model costs the operator money, and the account has no credits that were bought.
    #[error("the model needs bought credits")]
    PurchaseNeeded,
    /// The providers of the model have reached the budget of the day.
    #[error("the model has reached its limit for today: try again in {retry_after_s} s")]
    DailyBudget {
        /// Seconds until the next day.
        retry_after_s: u64,
    },
    /// Prices of a catalogue are below the cost plus the margin, and nothing is said about it. Never empty.
    #[error("prices are below the cost plus the margin")]
    LowPrices(Vec<FieldError>),
    /// The prompt breaks rules of the service.
    #[error("the prompt breaks rules: {}", .0.iter().map(|category| category.name()).collect::<Vec<_>>().join(", "))]
    ContentBlocked(BTreeSet<Category>),
    /// The image or the video matches one that was removed for a grave reason.
    #[error("it matches what was removed")]
    KnownContent,
    /// The state of the resource forbids it.
    #[error("{0}")]
    Conflict(&'static str),
}

impl Refusal {
    /// Refuses one field that breaks one rule.
    pub fn invalid(field: &'static str, rule: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, rule)])
    }
}

/// Checks a text of one line. Returns an error if it has no or more than `most` characters, only spaces, or control
/// characters.
pub(crate) fn check_text(field: impl Into<Cow<'static, str>>, text: &str, most: usize) -> Option<FieldError> {
    let bad = text.trim().is_empty() || text.chars().count() > most || text.chars().any(char::is_control);
    bad.then(|| FieldError::new(field, format!("1 to {most} characters, not only spaces, no control characters")))
}
