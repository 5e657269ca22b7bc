//! Strikes: prompts and outputs of an account that were blocked, counted in a window.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::registry::DataFields;

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

    /// Counts one. Returns when the window began, and how many are in it.
    pub(crate) fn counted(self, policy: StrikePolicy, now: Timestamp) -> (Timestamp, u32) {
        let window = SignedDuration::from_hours(24 * i64::from(policy.days));
        match self.since.filter(|since| now < *since + window) {
            Some(since) => (since, self.count.saturating_add(1)),
            None => (now, 1),
        }
    }
}
