//! Strikes: prompts and outputs of an account that were blocked, counted in a window.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{account::Account, freeze::FreezeReason},
    registry::DataFields,
};

/// How many strikes freeze an account: a setting of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrikePolicy {
    /// Strikes in a window that freeze the account; 0 for none.
    pub limit: u32,
    /// Days of a window.
    pub days: u32,
}

/// The strikes in a window, which begins with the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Strikes {
    /// When the window began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub since: Option<Timestamp>,
    /// Strikes in it.
    #[data(personal)]
    pub count: u32,
}

impl Strikes {
    /// Says whether nothing was ever counted.
    #[must_use]
    pub const fn is_unused(&self) -> bool {
        self.since.is_none()
    }

    fn counted(self, policy: StrikePolicy, now: Timestamp) -> (Timestamp, u32) {
        let window = SignedDuration::from_hours(24 * i64::from(policy.days));
        match self.since.filter(|since| now < *since + window) {
            Some(since) => (since, self.count.saturating_add(1)),
            None => (now, 1),
        }
    }
}

impl Account {
    /// Counts a blocked prompt, and returns the account as its next version. Freezes it at the limit, until a person has
    /// looked; the count begins anew then.
    #[must_use]
    pub fn struck(&self, policy: StrikePolicy, now: Timestamp) -> Self {
        let mut next = self.next_version();
        next.strike(policy, now);
        next
    }

    /// Counts what was blocked in an account that is written anyway.
    pub(crate) fn strike(&mut self, policy: StrikePolicy, now: Timestamp) {
        let (since, count) = self.strikes.counted(policy, now);
        self.strikes = Strikes { since: Some(since), count };
        if policy.limit > 0 && count >= policy.limit {
            self.freezes.add(FreezeReason::BlockedContent { since, count }, now);
            self.strikes = Strikes::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::credits::ledger::Credits;

    const POLICY: StrikePolicy = StrikePolicy { limit: 3, days: 7 };

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
    }

    fn struck(hours: &[i64], policy: StrikePolicy) -> Account {
        let nil = Uuid::nil();
        let account = Account::open(nil.into(), String::new(), Credits(5), nil.into(), at(0)).0;
        hours.iter().fold(account, |account, hour| account.struck(policy, at(*hour)))
    }

    #[test]
    fn strikes_within_the_window_freeze_the_account_at_the_limit() {
        assert!(!struck(&[1, 2], POLICY).is_frozen());
        let frozen = struck(&[1, 2, 168], POLICY);
        let reason = FreezeReason::BlockedContent { since: at(1), count: 3 };
        assert_eq!(frozen.freezes.current().map(|freeze| &freeze.reason), Some(&reason));
        assert_eq!(frozen.version, 4);
        assert!(!struck(&[1, 2, 169], POLICY).is_frozen(), "the window is over");
        assert!(!struck(&[1, 2, 3, 4, 5], StrikePolicy { limit: 0, days: 7 }).is_frozen());
    }

    #[test]
    fn account_that_was_unfrozen_is_frozen_again_only_by_as_many_new_strikes() {
        let unfrozen = struck(&[1, 2, 3], POLICY).unfrozen("looked at it", at(4)).unwrap();
        let again = unfrozen.struck(POLICY, at(5)).struck(POLICY, at(6));
        assert!(!again.is_frozen());
        assert!(again.struck(POLICY, at(7)).is_frozen());
    }
}
