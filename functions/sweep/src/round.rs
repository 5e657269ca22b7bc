//! The state of one sweep.

use std::collections::BTreeSet;

use domain::AccountId;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{
    LifecycleError, address::EmailChangeError, cases::NoticeError, payments::PaymentError, user_pool::UserPoolError,
};
use runtime::{
    clock,
    telemetry::{Metric, metric},
};
use serde::Serialize;
use store::{DueItem, DueKind, StoreError};

const MINUTES_A_DAY: i64 = 24 * 60;
/// The time that the lists of one sweep cover. The sweeps of a day cover all in which payments are watched.
const LISTED: SignedDuration = SignedDuration::from_hours(3);

/// The results of one sweep, by count.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Messages sent again.
    pub reminded: u32,
    /// Generations and exports that failed at their deadline.
    pub overdue: u32,
    /// Deleted generations, uploads, exports and disclosures.
    pub removed: u32,
    /// Checkouts whose result became known, parked facts that were applied, completed changes of addresses.
    pub settled: u32,
    /// Accounts whose items were brought in line with their plan or their legal holds.
    pub checked: u32,
    /// Failures. Each is due again.
    pub failed: u32,
}

/// The concurrency and duration of a kind of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The number of items at the same time.
    pub(crate) at_once: usize,
    /// The longest time that they take.
    pub(crate) takes: SignedDuration,
}

/// The error of a due item, which stays due.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    #[error(transparent)]
    Payment(#[from] PaymentError),
    #[error(transparent)]
    Address(#[from] EmailChangeError),
    #[error(transparent)]
    Notice(#[from] NoticeError),
    #[error(transparent)]
    UserPool(#[from] UserPoolError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Reminded,
    Overdue,
    Removed,
    Settled,
    Checked,
    /// Another process handled it, or it is no longer due: the index lags behind the table.
    Nothing,
}

/// The state of one sweep.
pub(crate) struct Round {
    /// The time at which items are due.
    pub(crate) now: Timestamp,
    /// The time at which Lambda ends the process.
    deadline: Timestamp,
    /// The results so far.
    pub(crate) swept: SweepReport,
    /// The accounts that something was done for.
    pub(crate) accounts: BTreeSet<AccountId>,
}

impl Round {
    pub(crate) fn new(now: Timestamp, deadline: Timestamp) -> Self {
        Self { now, deadline, swept: SweepReport::default(), accounts: BTreeSet::new() }
    }

    /// Returns whether this is the first sweep of its day.
    pub(crate) fn begins_day(&self) -> bool {
        self.minute_of_day() == 0
    }

    /// Returns whether this is the first sweep of its hour.
    pub(crate) fn begins_hour(&self) -> bool {
        self.minute_of_day() % 60 == 0
    }

    /// Returns the time whose refunds and disputes this sweep lists: at midnight the latest hours, each minute those before. It
    /// overlaps with that of the sweep before by a minute.
    pub(crate) fn listed(&self) -> (Timestamp, Timestamp) {
        let to = self.now - SignedDuration::from_secs(LISTED.as_secs() * self.minute_of_day());
        (to - LISTED, to)
    }

    fn minute_of_day(&self) -> i64 {
        self.now.as_second().div_euclid(60).rem_euclid(MINUTES_A_DAY)
    }

    /// Counts what was done for an item. Returns whether it was handled: one that failed, or that there was nothing to do for,
    /// may be due again at once.
    pub(crate) fn count(&mut self, kind: DueKind, item: &DueItem, done: &Result<Action, SweepError>) -> bool {
        let (name, count) = match done {
            Ok(Action::Nothing) => return false,
            Ok(Action::Reminded) => ("reminded", &mut self.swept.reminded),
            Ok(Action::Overdue) => ("overdue", &mut self.swept.overdue),
            Ok(Action::Removed) => ("removed", &mut self.swept.removed),
            Ok(Action::Settled) => ("settled", &mut self.swept.settled),
            Ok(Action::Checked) => ("checked", &mut self.swept.checked),
            Err(error) => {
                tracing::error!(error = %error, kind = kind.as_str(), id = %item.id, "due item failed: due again");
                ("failed", &mut self.swept.failed)
            }
        };
        *count += 1;
        self.accounts.insert(item.account);
        metric(Metric::SweepActions, 1, &[name]);
        done.is_ok()
    }

    /// Returns whether there is time for more work at this pace; logs if not.
    pub(crate) fn has_time(&self, pace: Pace) -> bool {
        let has_time = clock::now() + pace.takes <= self.deadline;
        if !has_time {
            tracing::warn!("out of time: the rest is due in the next sweep");
        }
        has_time
    }
}

#[cfg(test)]
mod tests {
    use domain::payments::payment::WATCHED_DAYS;

    use super::*;

    #[test]
    fn sweeps_of_a_day_list_180_days_without_a_gap() {
        let midnight = Timestamp::from_second(1_800_000_000 - 1_800_000_000 % 86_400).unwrap();
        let listed = |minute: i64| {
            let now = midnight + SignedDuration::from_mins(minute);
            Round::new(now, now).listed()
        };
        assert_eq!(listed(0).1, midnight);
        for minute in 1..MINUTES_A_DAY {
            assert_eq!(listed(minute).1, listed(minute - 1).0 + SignedDuration::from_mins(1), "{minute}");
        }
        let last = midnight + SignedDuration::from_mins(MINUTES_A_DAY - 1);
        assert_eq!(
            last.duration_since(listed(MINUTES_A_DAY - 1).0),
            SignedDuration::from_hours(24 * i64::from(WATCHED_DAYS))
        );
    }
}
