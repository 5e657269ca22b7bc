//! The budget of a day for each provider: what all accounts together may spend there, in credits.

use jiff::Timestamp;

use crate::{catalogue::models::Offer, credits::ledger::Credits};

/// The length of a window of the budget, in seconds: a day of UTC.
pub const WINDOW_S: i64 = 86_400;

/// The budget of a day for each provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyBudget(pub Credits);

impl DailyBudget {
    /// Says whether calls to the provider of this offer are counted: it charges for them.
    #[must_use]
    pub fn counts(self, offer: &Offer) -> bool {
        !offer.is_free()
    }

    /// Says whether another call may be made after `spent` credits in the present day.
    #[must_use]
    pub fn allows(self, spent: Credits) -> bool {
        spent < self.0
    }

    /// Returns the seconds until the next day begins.
    #[must_use]
    pub fn retry_after_s(now: Timestamp) -> u64 {
        (WINDOW_S - now.as_second().rem_euclid(WINDOW_S)).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn offer(model: &str, number: usize) -> Offer {
        catalogue::compiled().model(model).unwrap().offers[number].clone()
    }

    #[test]
    fn budget_is_spent_until_the_next_day_of_utc() {
        let budget = DailyBudget(Credits(10));
        assert!(budget.allows(Credits(9)) && !budget.allows(Credits(10)));
        let now: Timestamp = "2026-11-29T23:59:00Z".parse().unwrap();
        assert_eq!(DailyBudget::retry_after_s(now), 60);
        assert!(budget.counts(&offer("flux-schnell", 1)));
        assert!(!budget.counts(&offer("sketch-image", 0)));
    }
}
