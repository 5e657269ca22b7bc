//! Legal holds: what a lawful request forbids to erase, and for how long.
//!
//! What is held goes neither with its account nor when its time is over: it is hidden from its owner then, and stays.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{HoldId, Refusal, accounts::account::Account, staff::audit::Justification};

/// The names of the [kinds](crate::registry::KINDS) that a lawful request can name. Links are not among them, as they are
/// withdrawn whenever their account ends, nor is what is made anew at any time from the rest.
pub const HOLDABLE_KINDS: &[&str] = &[
    "account",
    "ledger",
    "payment",
    "generation",
    "generations",
    "upload",
    "uploads",
    "activity",
    "access",
    "correction",
    "ticket",
];
/// Most holds on an account, those that were released included.
const MAX_HOLDS: usize = 20;

/// A legal hold on some of what is kept of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The reference of the request that demands it.
    pub reference: String,
    /// Why.
    pub reason: String,
    /// What must stay: names of [kinds](crate::registry::KINDS).
    pub covers: BTreeSet<String>,
    /// Since when.
    pub at: Timestamp,
    /// Until when its owner must not be told, where the law says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undisclosed_until: Option<Timestamp>,
    /// What forbids to tell them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undisclosed_basis: Option<String>,
    /// Since when it binds no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
}

impl Hold {
    /// A hold from `now` on, on what is named and on what comes with it: files need the items that say whose they are and
    /// when they must go, and what is looked at while it is held needs the log that says who did.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if something is named that cannot be, or nothing.
    pub fn new(id: HoldId, covers: Vec<String>, why: Justification, now: Timestamp) -> Result<Self, Refusal> {
        let Justification { reference: ticket, reason, undisclosed_until, undisclosed_basis: undisclosed_under } = why;
        let mut covers = parse_kinds("covers", covers)?;
        for (files, items) in [("generations", "generation"), ("uploads", "upload")] {
            if covers.contains(files) {
                covers.insert(items.to_owned());
            }
        }
        covers.insert("access".to_owned());
        Ok(Self {
            id,
            reference: ticket,
            reason,
            covers,
            at: now,
            undisclosed_until,
            undisclosed_basis: undisclosed_under,
            released_at: None,
        })
    }

    /// Whether its owner may know of it.
    #[must_use]
    pub fn is_disclosed(&self, now: Timestamp) -> bool {
        self.undisclosed_until.is_none_or(|until| until <= now)
    }
}

/// These names, if a lawful request can name them and there is one at least.
pub(crate) fn parse_kinds(field: &'static str, names: Vec<String>) -> Result<BTreeSet<String>, Refusal> {
    if names.is_empty() || !names.iter().all(|name| HOLDABLE_KINDS.contains(&name.as_str())) {
        return Err(Refusal::invalid(field, format!("one or more of {}", HOLDABLE_KINDS.join(", "))));
    }
    Ok(names.into_iter().collect())
}

impl Account {
    /// The account with another hold on it. One that is being deleted can still have one, on what is left.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it has as many as it may have.
    pub fn place_hold(&self, hold: Hold) -> Result<Self, Refusal> {
        if self.holds.len() >= MAX_HOLDS {
            return Err(Refusal::Conflict("the account has had twenty holds, and can have no more"));
        }
        let mut next = self.next_version();
        next.holds.push(hold);
        Ok(next)
    }

    /// The account with a hold released; `None` if it was released before. If the account is being deleted that goes on.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such hold.
    pub fn release_hold(&self, id: HoldId, now: Timestamp) -> Result<Option<Self>, Refusal> {
        let hold = self.holds.iter().find(|hold| hold.id == id).ok_or(Refusal::NotFound)?;
        if hold.released_at.is_some() {
            return Ok(None);
        }
        let mut next = self.deletion_due_next(now);
        for hold in next.holds.iter_mut().filter(|hold| hold.id == id) {
            hold.released_at = Some(now);
        }
        Ok(Some(next))
    }

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
        binding.filter(|hold| hold.is_disclosed(now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn what_can_be_named_is_declared() {
        for name in HOLDABLE_KINDS {
            assert!(registry::DATA_KINDS.iter().any(|kind| kind.name == *name && kind.personal), "{name}");
        }
    }
}
