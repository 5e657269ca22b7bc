//! The state of one sweep.

use std::collections::BTreeSet;

use domain::AccountId;
use jiff::{SignedDuration, Timestamp};
use runtime::clock;
use serde::Serialize;

const MINUTES_A_DAY: i64 = 24 * 60;

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
    /// Accounts whose items were brought in line with their legal holds.
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
        self.now.as_second().div_euclid(60).rem_euclid(MINUTES_A_DAY) == 0
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
