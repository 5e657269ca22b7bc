//! One sweep under way.

use std::collections::BTreeSet;

use domain::AccountId;
use jiff::{SignedDuration, Timestamp};
use runtime::clock;

use crate::SweepReport;

const MINUTES_A_DAY: i64 = 24 * 60;

/// How things of a kind are done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How many at once.
    pub(crate) at_once: usize,
    /// How long so many take at worst.
    pub(crate) takes: SignedDuration,
}

/// One sweep under way.
pub(crate) struct Round {
    /// The time that things are due at.
    pub(crate) now: Timestamp,
    /// When Lambda ends the process, by the clock.
    deadline: Timestamp,
    /// What was done.
    pub(crate) swept: SweepReport,
    /// Whom something was done for.
    pub(crate) accounts: BTreeSet<AccountId>,
}

impl Round {
    pub(crate) fn new(now: Timestamp, deadline: Timestamp) -> Self {
        Self { now, deadline, swept: SweepReport::default(), accounts: BTreeSet::new() }
    }

    /// Whether it is the first of its day.
    pub(crate) fn begins_day(&self) -> bool {
        self.now.as_second().div_euclid(60).rem_euclid(MINUTES_A_DAY) == 0
    }

    /// Whether there is time for more at this pace. Says so in the log if there is not.
    pub(crate) fn has_time(&self, pace: Pace) -> bool {
        let has_time = clock::now() + pace.takes <= self.deadline;
        if !has_time {
            tracing::warn!("no time is left: the rest is due in the next sweep");
        }
        has_time
    }
}
