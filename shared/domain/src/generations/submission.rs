//! Submission and end of a generation: the rules that change credits together with a generation.
//!
//! Each returns everything that one transaction writes. A reservation has exactly one end, because each end is
//! conditioned on the version of a generation that has not ended.

use jiff::{SignedDuration, Timestamp};

use crate::{
    accounts::{
        account::Account,
        plan::{Retention, deadline_minutes},
    },
    credits::ledger::{Cause, CreditBucket, Credits, LedgerEntry},
    generations::{
        generation::{Failure, Generation, GenerationStatus, Media, Visibility},
        settings::{GenerationSettings, Quote},
    },
    ids::{GenerationId, LedgerEntryId},
    messages::LOST_MESSAGE_S,
    rate_limit::RateDecision,
    refusal::Refusal,
};

/// The writes of one transaction that changes credits together with a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditTransaction {
    /// The account, with its new balance.
    pub account: Account,
    /// The generation, in its new state.
    pub generation: Generation,
    /// The ledger entry.
    pub entry: LedgerEntry,
}

/// The ids that a submission needs.
#[derive(Clone, Copy, Debug)]
pub struct SubmissionIds {
    /// For the generation.
    pub generation: GenerationId,
    /// For the ledger entry.
    pub entry: LedgerEntryId,
}

/// How a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerationOutcome {
    /// These files were generated. Fewer than requested are paid for in proportion; none is a failure.
    Succeeded(Vec<Media>),
    /// It failed.
    Failed(Failure),
    /// Its owner canceled it.
    Canceled,
}

/// Reserves the credits of a new generation.
///
/// # Errors
/// The first that applies: the account is not active; the price is above `max_credits`; too many requests; the plan
/// allows no more generations at once; not enough credits. A refusal takes no token of the rate limit.
pub fn reserve(
    account: &Account,
    settings: GenerationSettings,
    quote: Quote,
    max_credits: Option<Credits>,
    ids: SubmissionIds,
    now: Timestamp,
) -> Result<CreditTransaction, Refusal> {
    account.check_active()?;
    let Quote { kind, price } = quote;
    if let Some(max_credits) = max_credits.filter(|max| price > *max) {
        return Err(Refusal::PriceAboveMaximum { price, max_credits });
    }
    let limits = account.plan.limits();
    let submits = match account.submit_rate.take(limits.submits, now) {
        RateDecision::Allowed(bucket) => bucket,
        RateDecision::Limited { retry_after_s } => {
            return Err(Refusal::RateLimited { rate: limits.submits, retry_after_s });
        }
    };
    if account.jobs_in_flight >= limits.jobs_in_flight {
        return Err(Refusal::PlanLimit { what: "generations at once", limit: u64::from(limits.jobs_in_flight) });
    }
    if account.balance.available < price {
        return Err(Refusal::InsufficientCredits { price, available: account.balance.available });
    }
    let cause = Cause::Reserve { generation: ids.generation };
    let (entry, account) =
        account.with_entry(ids.entry, now, cause, &[(CreditBucket::Available, CreditBucket::Held, price)]);
    let generation = Generation {
        id: ids.generation,
        account: account.id,
        kind,
        settings,
        reserved: price,
        spent: Credits::ZERO,
        status: GenerationStatus::Queued,
        created_at: now,
        deadline_at: now + SignedDuration::from_mins(deadline_minutes(kind)),
        ended_at: None,
        attempts: 0,
        offer: 0,
        lease_until: None,
        provider_job: None,
        next_message_at: now + SignedDuration::from_secs(LOST_MESSAGE_S),
        media: Vec::new(),
        failure: None,
        visibility: Visibility::Private,
        show_prompt: false,
        shared_until: None,
        published_at: None,
        expires_at: None,
        deleting: false,
        held: false,
        version: 1,
    };
    let account = Account { jobs_in_flight: account.jobs_in_flight + 1, submit_rate: submits, ..account };
    Ok(CreditTransaction { account, generation, entry })
}

/// Ends a generation: settles the price of its output, and refunds the rest.
///
/// # Errors
/// [`Refusal::Conflict`] if the generation has ended already.
pub fn finish(
    account: &Account,
    generation: &Generation,
    end: GenerationOutcome,
    retention: Retention,
    entry: LedgerEntryId,
    now: Timestamp,
) -> Result<CreditTransaction, Refusal> {
    if generation.status.is_final() {
        return Err(Refusal::Conflict("the generation has ended already"));
    }
    let (status, media, failure) = match end {
        GenerationOutcome::Succeeded(media) if media.is_empty() => {
            (GenerationStatus::Failed, media, Some(Failure::ProviderUnavailable))
        }
        GenerationOutcome::Succeeded(media) => (GenerationStatus::Succeeded, media, None),
        GenerationOutcome::Failed(failure) => (GenerationStatus::Failed, Vec::new(), Some(failure)),
        GenerationOutcome::Canceled => (GenerationStatus::Canceled, Vec::new(), None),
    };
    let spent = price_owed(generation, media.len());
    let released = generation.reserved.minus(spent);
    let id = generation.id;
    let cause = if status == GenerationStatus::Succeeded {
        Cause::Settle { generation: id }
    } else {
        Cause::Release { generation: id }
    };
    let moves =
        [(CreditBucket::Held, CreditBucket::Spent, spent), (CreditBucket::Held, CreditBucket::Available, released)];
    let expires_at = Some(retention.expires_at(account.plan, now));
    let (entry, account) = account.with_entry(entry, now, cause, &moves);
    let generation = Generation {
        status,
        media,
        failure,
        spent,
        ended_at: Some(now),
        expires_at,
        lease_until: None,
        ..generation.next_version()
    };
    let account = Account { jobs_in_flight: account.jobs_in_flight.saturating_sub(1), ..account };
    Ok(CreditTransaction { account, generation, entry })
}

/// Returns the price of `made` outputs: the same share of the reserved price, rounded down to whole credits. Outputs
/// beyond the requested number are free.
fn price_owed(generation: &Generation, made: usize) -> Credits {
    let asked = i64::from(generation.settings.count.max(1));
    let made = i64::try_from(made).unwrap_or(i64::MAX).min(asked);
    Credits(generation.reserved.0.saturating_mul(made) / asked)
}
