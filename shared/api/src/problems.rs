//! Turns refusals of the domain and failures of the store into problem details.

use std::error::Error;

use domain::{Refusal, accounts::status::AccountStatus, moderation::verdict::Category};
use http::StatusCode;
use runtime::http::{Problem, RateLimit};
use store::Busy;

/// The seconds after which a client that waits for one of its generations tries again: most images take a few.
const JOB_RETRY_AFTER_S: u64 = 5;

/// Makes the problem of a refusal: a title that says what happened, and a detail that says what to do next.
#[must_use]
pub fn refusal_problem(refusal: Refusal) -> Problem {
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
        Refusal::AccountStatus(status) => {
            let title = match status {
                AccountStatus::Frozen => "This account is frozen: it cannot spend credits, publish or share.",
                AccountStatus::PendingDeletion => "This account is being deleted.",
                AccountStatus::Active => "This account cannot do this now.",
            };
            let problem = Problem::new(StatusCode::FORBIDDEN, "account-status", title);
            match status {
                AccountStatus::Frozen => problem.with_detail("Open a support ticket if you think this is wrong."),
                AccountStatus::PendingDeletion => problem.with_detail("Cancel the deletion first."),
                AccountStatus::Active => problem,
            }
        }
        Refusal::PublishingSuspended => {
            let title = "Publishing and sharing are suspended for this account.";
            Problem::new(StatusCode::FORBIDDEN, "publishing-suspended", title)
                .with_detail("Read why under Moderation in your account, where you can appeal.")
        }
        Refusal::AccessExpired => Problem::new(StatusCode::FORBIDDEN, "access-expired", "This access has expired.")
            .with_detail("Open a new one with its reason."),
        Refusal::ApprovalNeeded => {
            let title = "A second staff member must approve this first.";
            Problem::new(StatusCode::FORBIDDEN, "approval-needed", title)
                .with_detail("Ask another staff member: it is on the review list until it expires.")
        }
        Refusal::PlanLimit { what, limit } => {
            Problem::new(StatusCode::FORBIDDEN, "plan-limit", "You have reached a limit of your plan.")
                .with_detail(format!("Your plan allows {limit} {what}."))
        }
        Refusal::TooManyJobs { limit } => {
            let title = "As many of your generations are running as your plan allows.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-jobs", title)
                .with_detail(format!("Your plan allows {limit} at once. Wait until one is done."))
                .with_retry_after(JOB_RETRY_AFTER_S)
        }
        Refusal::PriceAboveMaximum { price, max_credits } => {
            let title = "The price is higher than max_credits.";
            Problem::new(StatusCode::PAYMENT_REQUIRED, "price-above-maximum", title).with_detail(format!(
                "This costs {price} credits and max_credits is {max_credits}. Raise max_credits or change the settings."
            ))
        }
        Refusal::InsufficientCredits { price, available } => {
            Problem::new(StatusCode::PAYMENT_REQUIRED, "insufficient-credits", "You don't have enough credits.")
                .with_detail(format!("This costs {price} credits and you have {available}. Buy credits and try again."))
        }
        Refusal::RateLimited { rate, retry_after_s } => Problem::rate_limited(RateLimit {
            policy: "submit",
            quota: rate.per_minute.into(),
            window_seconds: 60,
            remaining: 0,
            reset_seconds: retry_after_s,
        }),
        Refusal::TooManyCancels { retry_after_s } => {
            let title = "You have canceled too many generations in an hour.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-cancels", title)
                .with_detail("Wait until your generations are done, or try again later.")
                .with_retry_after(retry_after_s)
        }
        Refusal::TooManyFailures { retry_after_s } => {
            let title = "Too many of your generations have failed in an hour.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-failures", title)
                .with_detail("Check why they were rejected, and try again later.")
                .with_retry_after(retry_after_s)
        }
        Refusal::TooManyUploads { retry_after_s } => {
            let title = "You have uploaded too many files in an hour.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-uploads", title)
                .with_detail("Try again later. A larger package of credits comes with a plan that allows more.")
                .with_retry_after(retry_after_s)
        }
        Refusal::PurchaseNeeded => {
            let title = "This model is for accounts that have bought credits.";
            Problem::new(StatusCode::PAYMENT_REQUIRED, "purchase-needed", title)
                .with_detail("Buy credits, or choose a model that GET /v1/models lists without needs_purchase.")
        }
        Refusal::DailyBudget { retry_after_s } => {
            let title = "This model has reached its limit for today.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "daily-limit", title)
                .with_detail("Choose another model, or try again tomorrow.")
                .with_retry_after(retry_after_s)
        }
        Refusal::LowPrices(errors) => {
            let title = "Prices are below the cost plus the margin.";
            let problem = Problem::new(StatusCode::CONFLICT, "price-below-margin", title)
                .with_detail("Raise them, or say in low_prices_reason why they are so low.");
            errors.into_iter().fold(problem, |problem, error| problem.and_invalid(error.field, error.rule))
        }
        Refusal::ContentBlocked(categories) => {
            let rules = categories.iter().map(|category| rule(*category)).collect::<Vec<_>>().join(", ");
            let title = "This prompt breaks the rules of this service.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "content-blocked", title)
                .with_detail(format!(
                    "Not allowed: {rules}. Change the prompt and try again. Open a support ticket if you think this is wrong."
                ))
                .with_categories(categories.into_iter().map(Category::name).collect())
        }
        Refusal::KnownContent => {
            let title = "This image or video matches one that was removed for a grave reason.";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "known-content", title)
                .with_detail("It cannot be published or shared. Open a support ticket if you think this is wrong.")
        }
        Refusal::Conflict(reason) => Problem::conflict(reason),
    }
}

/// Names what a category forbids.
const fn rule(category: Category) -> &'static str {
    match category {
        Category::SexualMinors => "sexual content with minors",
        Category::IntimateImagery => "intimate images of real persons",
        Category::SexualExplicit => "explicit sexual content",
        Category::SexualSuggestive => "suggestive content",
        Category::Violence => "graphic violence",
        Category::Hate => "hatred of groups of people",
        Category::SelfHarm => "self-harm",
        Category::Extremism => "extremist propaganda",
        Category::IllicitGoods => "illegal goods",
        Category::RealPerson => "deceptive images of real persons",
    }
}

/// Makes the problem of a failed call to AWS, or of an error that comes from one: a 503 that says when to try again if AWS is
/// busy, otherwise a 500, as the client cannot change anything about it.
#[must_use]
pub fn store_problem(error: impl Error + Send + Sync + 'static) -> Problem {
    if Busy::is_source_of(&error) { Problem::busy(error) } else { Problem::internal(error) }
}
