//! What happened on a day, as sums for the overview of staff: they name no person, no generation and no payment.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    credits::ledger::Credits,
    generations::generation::{Failure, GenerationStatus, ProviderCall},
    payments::payment::Payment,
    registry::DataFields,
};

/// What is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SumKind {
    /// Generations that succeeded, by the provider that was called last.
    Succeeded,
    /// Generations that failed, by reason and the provider that was called last.
    Failed,
    /// Generations that were canceled, by the provider that was called last.
    Canceled,
    /// Payments that were paid, by currency, with the credits that were granted for payments.
    Sold,
    /// Payments of which money was returned, by currency, with the credits that were clawed back. What was restored counts
    /// against it.
    Returned,
    /// Accounts that were opened, with their welcome credits.
    SignUp,
}

impl SumKind {
    /// Returns its name, as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Sold => "sold",
            Self::Returned => "returned",
            Self::SignUp => "sign_up",
        }
    }

    /// Says whether it is about money.
    #[must_use]
    pub const fn is_money(self) -> bool {
        matches!(self, Self::Sold | Self::Returned)
    }
}

/// A sum of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
pub struct DailySum {
    /// The day, of UTC.
    #[data(plain)]
    pub day: Date,
    /// What is summed up.
    #[data(plain)]
    pub kind: SumKind,
    /// Why generations failed, or the currency of payments; empty for other kinds.
    #[data(plain)]
    pub detail: String,
    /// The AI provider that was called last; empty if none was, and for other kinds.
    #[data(plain)]
    pub provider: String,
    /// How many.
    #[data(plain)]
    pub count: i64,
    /// The credits that were moved.
    #[data(plain)]
    pub credits: Credits,
    /// The money with tax, in the smallest unit of the currency.
    #[data(plain)]
    pub amount: i64,
    /// How many of them have a time.
    #[data(plain)]
    pub timed: i64,
    /// The time from calling the provider to its files, of those that have one.
    #[data(plain)]
    pub milliseconds: i64,
}

impl DailySum {
    fn new(kind: SumKind, now: Timestamp) -> Self {
        Self {
            day: now.to_zoned(TimeZone::UTC).date(),
            kind,
            detail: String::new(),
            provider: String::new(),
            count: 1,
            credits: Credits::ZERO,
            amount: 0,
            timed: 0,
            milliseconds: 0,
        }
    }

    /// Counts a generation that ends now.
    #[must_use]
    pub fn of_generation(
        status: GenerationStatus,
        failure: Option<&Failure>,
        call: Option<&ProviderCall>,
        now: Timestamp,
    ) -> Self {
        let kind = match status {
            GenerationStatus::Succeeded => SumKind::Succeeded,
            GenerationStatus::Canceled | GenerationStatus::Canceling => SumKind::Canceled,
            _ => SumKind::Failed,
        };
        let took = call.and_then(|call| call.took_ms);
        Self {
            detail: failure.map(Failure::code).unwrap_or_default().to_owned(),
            provider: call.map(|call| call.provider.clone()).unwrap_or_default(),
            timed: i64::from(took.is_some()),
            milliseconds: took.unwrap_or(0),
            ..Self::new(kind, now)
        }
    }

    /// Counts what is new about a payment: that it was paid and what is granted for it, and what is returned and clawed back.
    #[must_use]
    pub fn of_payment(before: &Payment, after: &Payment, now: Timestamp) -> Vec<Self> {
        let currency = after.price.currency.code().to_owned();
        let paid = after.receipt.as_ref().filter(|_| before.receipt.is_none());
        let sold = Self {
            detail: currency.clone(),
            count: i64::from(paid.is_some()),
            credits: after.granted.minus(before.granted),
            amount: paid.map_or(0, |receipt| receipt.total.amount),
            ..Self::new(SumKind::Sold, now)
        };
        let amount = after.amount_returned() - before.amount_returned();
        let returned = Self {
            detail: currency,
            count: amount.signum(),
            credits: after.clawed_back.minus(before.clawed_back),
            amount,
            ..Self::new(SumKind::Returned, now)
        };
        let moves = |sum: &Self| (sum.count, sum.credits, sum.amount) != (0, Credits::ZERO, 0);
        [sold, returned].into_iter().filter(moves).collect()
    }

    /// Counts an account that is opened now.
    #[must_use]
    pub fn of_sign_up(welcome: Credits, now: Timestamp) -> Self {
        Self { credits: welcome, ..Self::new(SumKind::SignUp, now) }
    }

    /// Returns what tells the sums of one day apart.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{}#{}#{}", self.kind.as_str(), self.detail, self.provider)
    }

    /// Adds another one of the same day and subject.
    #[must_use]
    pub fn plus(self, other: &Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            credits: self.credits.plus(other.credits),
            amount: self.amount.saturating_add(other.amount),
            timed: self.timed.saturating_add(other.timed),
            milliseconds: self.milliseconds.saturating_add(other.milliseconds),
            ..self
        }
    }
}
