//! What a refusal of the domain is over HTTP.

use domain::Refusal;
use http::StatusCode;
use runtime::http::{Problem, RateLimit};
use store::StoreError;

/// The problem that a refusal is.
#[must_use]
pub fn refusal_problem(refusal: Refusal) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        Refusal::Invalid(errors) => {
            let mut errors = errors.into_iter();
            let first = errors.next().map_or_else(
                || Problem::invalid("body", "must be valid"),
                |first| Problem::invalid(first.field, first.rule),
            );
            errors.fold(first, |problem, error| problem.and_invalid(error.field, error.rule))
        }
        Refusal::NotFound => Problem::not_found(),
        Refusal::AccountStatus(_) => {
            Problem::new(StatusCode::FORBIDDEN, "account-status", "The account may not do this now").with_detail(detail)
        }
        Refusal::AccessExpired => {
            Problem::new(StatusCode::FORBIDDEN, "access-over", "The access is over").with_detail(detail)
        }
        Refusal::PlanLimit { .. } => {
            Problem::new(StatusCode::FORBIDDEN, "plan-limit", "The plan's limit is reached").with_detail(detail)
        }
        Refusal::PriceAboveMaximum { .. } => {
            Problem::new(StatusCode::PAYMENT_REQUIRED, "price-above-maximum", "It costs more than max_credits allows")
                .with_detail(detail)
        }
        Refusal::InsufficientCredits { .. } => {
            Problem::new(StatusCode::PAYMENT_REQUIRED, "insufficient-credits", "Not enough credits").with_detail(detail)
        }
        Refusal::RateLimited { rate, retry_after_s } => Problem::rate_limited(RateLimit {
            policy: "submit",
            quota: rate.per_minute.into(),
            window_seconds: 60,
            remaining: 0,
            reset_seconds: retry_after_s,
        }),
        Refusal::Conflict(_) => Problem::conflict(detail),
    }
}

/// A call to AWS that failed is our problem, not the client's.
#[must_use]
pub fn store_problem(error: StoreError) -> Problem {
    Problem::internal(error)
}
