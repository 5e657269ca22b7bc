//! Submission and end of a generation: the rules that change credits together with a generation.
//!
//! Each returns everything that one transaction writes. A reservation has exactly one end, because each end is
//! conditioned on the version of a generation that has not ended.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    accounts::{
        account::Account,
        plan::{Plans, deadline_minutes},
        strikes::StrikePolicy,
    },
    catalogue::margin::Margin,
    credits::ledger::{Cause, CreditBucket, Credits, LedgerEntry},
    generations::{
        generation::{Failure, Generation, GenerationStatus, Tries},
        output::{Media, Output},
        settings::{GenerationSettings, Quote},
    },
    ids::{GenerationId, LedgerEntryId},
    messages::LOST_MESSAGE_S,
    moderation::verdict::Verdict,
    rate_limit::RateDecision,
    refusal::Refusal,
    staff::daily_sum::DailySum,
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
    /// What an ended generation adds to the earnings and costs of its model, if it adds something.
    pub margin: Option<Margin>,
    /// What an ended generation adds to the sums of the day.
    pub sum: Option<DailySum>,
}

impl CreditTransaction {
    /// Adds what classifiers and AI providers decided. What is blocked is a strike of the account, one for all of them.
    #[must_use]
    pub fn with_verdicts(mut self, verdicts: Vec<Verdict>, policy: StrikePolicy, now: Timestamp) -> Self {
        if verdicts.iter().any(Verdict::is_blocked) {
            self.account.strike(policy, now);
        }
        self.generation = self.generation.with_verdicts(&verdicts);
        self
    }
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
/// The first that applies: the account is not active; the price is above `max_credits`; too many failed calls in an
/// hour; too many requests; the plan
/// allows no more generations at once; not enough credits. A refusal takes no token of the rate limit.
pub fn reserve(
    account: &Account,
    plans: &Plans,
    settings: GenerationSettings,
    quote: Quote,
    max_credits: Option<Credits>,
    ids: SubmissionIds,
    now: Timestamp,
) -> Result<CreditTransaction, Refusal> {
    account.check_active()?;
    let Quote { kind, price, .. } = quote;
    if let Some(max_credits) = max_credits.filter(|max| price > *max) {
        return Err(Refusal::PriceAboveMaximum { price, max_credits });
    }
    let limits = plans.limits(account.plan);
    // Only checked: a failure is counted when it happens.
    let failed = account.failed_calls.count(limits.failed_calls_per_hour, now);
    failed.map_err(|retry_after_s| Refusal::TooManyFailures { retry_after_s })?;
    let submits = match account.submit_rate.take(limits.submits, now) {
        RateDecision::Allowed(bucket) => bucket,
        RateDecision::Limited { retry_after_s } => {
            return Err(Refusal::RateLimited { rate: limits.submits, retry_after_s });
        }
    };
    if account.jobs_in_flight >= limits.jobs_in_flight {
        return Err(Refusal::TooManyJobs { limit: limits.jobs_in_flight });
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
        usual_s: quote.usual_s,
        ended_at: None,
        tries: Tries::default(),
        in_call: false,
        catalogue: quote.catalogue,
        offer: None,
        cost_microusd: 0,
        provider_call: None,
        lease_until: None,
        provider_job: None,
        ended_provider_jobs: Vec::new(),
        received_files: 0,
        next_message_at: now + SignedDuration::from_secs(LOST_MESSAGE_S),
        outputs: Vec::new(),
        failure: None,
        verdicts: Vec::new(),
        expires_at: None,
        deleting: false,
        held: false,
        version: 1,
    };
    let account = Account { jobs_in_flight: account.jobs_in_flight + 1, submit_rate: submits, ..account };
    Ok(CreditTransaction { account, generation, entry, margin: None, sum: None })
}

/// What a cancel does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// Ends it and refunds it: no provider can charge for it.
    Ended(Box<CreditTransaction>),
    /// Leaves it to a worker, which asks the provider. Send it a message.
    Requested {
        /// The account, with the cancel counted.
        account: Box<Account>,
        /// The generation, canceling.
        generation: Box<Generation>,
    },
    /// Changes nothing: it was canceled before.
    Repeated,
}

/// Cancels a generation for its owner.
///
/// # Errors
/// [`Refusal::Conflict`] if it ended in another way; [`Refusal::TooManyCancels`] if the account canceled too many in an
/// hour.
pub fn cancel(
    account: &Account,
    generation: &Generation,
    plans: &Plans,
    entry: LedgerEntryId,
    now: Timestamp,
) -> Result<Cancellation, Refusal> {
    if matches!(generation.status, GenerationStatus::Canceling | GenerationStatus::Canceled) {
        return Ok(Cancellation::Repeated);
    }
    if generation.status.is_final() {
        return Err(Refusal::Conflict(ENDED));
    }
    let limit = plans.limits(account.plan).cancels_per_hour;
    let cancels =
        account.cancels.count(limit, now).map_err(|retry_after_s| Refusal::TooManyCancels { retry_after_s })?;
    let account = Account { cancels, ..account.clone() };
    if generation.can_be_charged() {
        return Ok(Cancellation::Requested {
            account: Box::new(account.next_version()),
            generation: Box::new(generation.canceling(now)),
        });
    }
    let ended = finish(&account, generation, GenerationOutcome::Canceled, plans, entry, now)?;
    Ok(Cancellation::Ended(Box::new(ended)))
}

const ENDED: &str = "the generation has ended already";

/// Ends a generation: settles the price of its output, and refunds the rest. One that is canceling ends as canceled,
/// without its output, and the price of the output is settled all the same.
///
/// # Errors
/// [`Refusal::Conflict`] if the generation has ended already.
pub fn finish(
    account: &Account,
    generation: &Generation,
    end: GenerationOutcome,
    plans: &Plans,
    entry: LedgerEntryId,
    now: Timestamp,
) -> Result<CreditTransaction, Refusal> {
    if generation.status.is_final() {
        return Err(Refusal::Conflict(ENDED));
    }
    // The worker that finished the received files deletes them. Of other ends the sweep does, as this says.
    let received_files = if matches!(end, GenerationOutcome::Succeeded(_)) { 0 } else { generation.received_files };
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
    let is_failed_call = failure.as_ref().is_some_and(Failure::counts_as_failed_call);
    let cause = if status == GenerationStatus::Succeeded {
        Cause::Settle { generation: id }
    } else {
        Cause::Release { generation: id }
    };
    let moves =
        [(CreditBucket::Held, CreditBucket::Spent, spent), (CreditBucket::Held, CreditBucket::Available, released)];
    let margin = margin(generation, media.len(), spent, now);
    let (status, media, failure) = match generation.status {
        GenerationStatus::Canceling => (GenerationStatus::Canceled, Vec::new(), None),
        _ => (status, media, failure),
    };
    let sum = DailySum::of_generation(status, failure.as_ref(), generation.provider_call.as_ref(), now);
    let expires_at = Some(plans.expires_at(account.plan, now));
    let (entry, account) = account.with_entry(entry, now, cause, &moves);
    let generation = Generation {
        status,
        outputs: (1..).zip(media).map(|(number, file)| Output::new(number, file)).collect(),
        failure,
        spent,
        ended_at: Some(now),
        expires_at,
        lease_until: None,
        in_call: false,
        received_files,
        cost_microusd: 0,
        provider_call: None,
        ..generation.next_version()
    };
    let failed_calls = if is_failed_call { account.failed_calls.counted(now) } else { account.failed_calls };
    let account = Account { jobs_in_flight: account.jobs_in_flight.saturating_sub(1), failed_calls, ..account };
    Ok(CreditTransaction { account, generation, entry, margin, sum: Some(sum) })
}

/// Returns what a generation that ends now adds to the earnings and costs of its model; `None` if it adds nothing.
fn margin(generation: &Generation, made: usize, spent: Credits, now: Timestamp) -> Option<Margin> {
    let adds = spent > Credits::ZERO || generation.cost_microusd > 0;
    adds.then(|| Margin {
        day: now.to_zoned(TimeZone::UTC).date(),
        model: generation.settings.model.clone(),
        generations: 1,
        outputs: i64::try_from(made).unwrap_or(i64::MAX),
        credits: spent,
        cost_microusd: generation.cost_microusd,
    })
}

/// Returns the price of `made` outputs: the same share of the reserved price, rounded down to whole credits. Outputs
/// beyond the requested number are free.
fn price_owed(generation: &Generation, made: usize) -> Credits {
    let asked = i64::from(generation.settings.count.max(1));
    let made = i64::try_from(made).unwrap_or(i64::MAX).min(asked);
    Credits(generation.reserved.0.saturating_mul(made) / asked)
}
