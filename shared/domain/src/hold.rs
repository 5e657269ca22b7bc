//! Legal holds: what a lawful request forbids to erase, and for how long.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{HoldId, account::Account};

/// A legal hold on some of what is kept of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The reference of the request that demands it.
    pub ticket: String,
    /// Why.
    pub reason: String,
    /// What must stay: names of [kinds](crate::registry::KINDS).
    pub covers: BTreeSet<String>,
    /// Since when.
    pub at: Timestamp,
    /// Until when its owner must not be told, where the law says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undisclosed_until: Option<Timestamp>,
    /// Since when it binds no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
}

impl Account {
    /// The names of the kinds that must stay.
    #[must_use]
    pub fn held_kinds(&self) -> BTreeSet<&str> {
        let binding = self.holds.iter().filter(|hold| hold.released_at.is_none());
        binding.flat_map(|hold| hold.covers.iter().map(String::as_str)).collect()
    }

    /// The holds that its owner may be told of at `now`.
    #[must_use]
    pub fn disclosed_holds(&self, now: Timestamp) -> Vec<&Hold> {
        let binding = self.holds.iter().filter(|hold| hold.released_at.is_none());
        binding.filter(|hold| hold.undisclosed_until.is_none_or(|until| until <= now)).collect()
    }
}
