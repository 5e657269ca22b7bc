//! Legal holds: the kinds of data that a lawful request forbids to erase, and for how long.
//!
//! Held data outlives its retention and its account. It is hidden from the account owner then, and stays in storage.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{CaseId, CaseNoticeId, HoldId},
    refusal::Refusal,
    registry::DataFields,
    staff::justification::Justification,
};

/// The names of the [kinds](crate::registry::DATA_KINDS) that a lawful request can name. Share links are not among them, as
/// they are withdrawn with their account, nor is data that can be derived from the rest.
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
/// Days for which what a moderation case removed is preserved as evidence, where the law asks for it: a year from the report to the
/// authority, which must follow soon (18 U.S.C. § 2258A(h)).
pub const EVIDENCE_DAYS: i64 = 365;
/// What is preserved as evidence: the file, what tells whose it is, and the case.
const EVIDENCE: [&str; 5] = ["account", "access", "case", "generation", "generations"];
/// Most holds that staff place on an account, released ones included. Those that preserve evidence do not count, so that every
/// case can be decided.
const MAX_HOLDS: usize = 20;

/// A legal hold on some of the data of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Hold {
    /// Its id.
    #[data(plain)]
    pub id: HoldId,
    /// The reference of the lawful request.
    #[data(personal)]
    pub reference: String,
    /// Why.
    #[data(personal)]
    pub reason: String,
    /// The names of the [kinds](crate::registry::DATA_KINDS) that it keeps.
    #[data(plain)]
    pub covers: BTreeSet<String>,
    /// When it was placed.
    #[data(plain)]
    pub at: Timestamp,
    /// Until when the account owner must not be told, where the law says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub undisclosed_until: Option<Timestamp>,
    /// The legal basis for not telling the account owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub undisclosed_basis: Option<String>,
    /// The moderation case whose evidence it preserves. Without one a staff member placed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub case: Option<CaseId>,
    /// When it is released by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub ends_at: Option<Timestamp>,
    /// When it was released; absent while it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub released_at: Option<Timestamp>,
}

impl Hold {
    /// Places a hold on the named kinds and on those that they depend on: files need the items that state their owner and
    /// expiry, and staff access to held data needs the audit log.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if no kind is named, or one that cannot be held.
    pub fn new(id: HoldId, covers: Vec<String>, why: Justification, now: Timestamp) -> Result<Self, Refusal> {
        let Justification { reference, reason, undisclosed_until, undisclosed_basis } = why;
        let mut covers = parse_kinds("covers", covers)?;
        for (files, items) in [("generations", "generation"), ("uploads", "upload")] {
            if covers.contains(files) {
                covers.insert(items.to_owned());
            }
        }
        covers.insert("access".to_owned());
        Ok(Self {
            id,
            reference,
            reason,
            covers,
            at: now,
            undisclosed_until,
            undisclosed_basis,
            case: None,
            ends_at: None,
            released_at: None,
        })
    }

    /// Preserves what a moderation case removed, for a year. It has the id of the notice about the decision.
    #[must_use]
    pub fn of_evidence(notice: CaseNoticeId, case: CaseId, now: Timestamp) -> Self {
        Self {
            id: HoldId(notice.0),
            reference: format!("moderation case {case}"),
            reason: "The law asks to preserve for a year what was removed.".to_owned(),
            covers: EVIDENCE.into_iter().map(str::to_owned).collect(),
            at: now,
            undisclosed_until: None,
            undisclosed_basis: None,
            case: Some(case),
            ends_at: Some(now + SignedDuration::from_hours(24 * EVIDENCE_DAYS)),
            released_at: None,
        }
    }

    /// Says whether the account owner may know of it.
    #[must_use]
    pub fn is_disclosed(&self, now: Timestamp) -> bool {
        self.undisclosed_until.is_none_or(|until| until <= now)
    }
}

/// Checks the names of the kinds of a lawful request.
///
/// # Errors
/// [`Refusal::Invalid`] if there is none, or one that a lawful request cannot name.
pub(crate) fn parse_kinds(field: &'static str, names: Vec<String>) -> Result<BTreeSet<String>, Refusal> {
    if names.is_empty() || !names.iter().all(|name| HOLDABLE_KINDS.contains(&name.as_str())) {
        return Err(Refusal::invalid(field, format!("one or more of {}", HOLDABLE_KINDS.join(", "))));
    }
    Ok(names.into_iter().collect())
}

/// All legal holds on an account, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Holds(#[data(nested)] Vec<Hold>);

impl Holds {
    /// Iterates over all holds, released ones included.
    pub fn iter(&self) -> std::slice::Iter<'_, Hold> {
        self.0.iter()
    }

    /// Says whether there never was a hold.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names of the kinds that holds in force keep.
    pub(crate) fn kinds(&self) -> BTreeSet<&str> {
        self.in_force().flat_map(|hold| hold.covers.iter().map(String::as_str)).collect()
    }

    /// Returns the holds in force that the account owner may know of at `now`.
    pub(crate) fn disclosed(&self, now: Timestamp) -> Vec<&Hold> {
        self.in_force().filter(|hold| hold.is_disclosed(now)).collect()
    }

    /// Adds a hold.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if there are twenty.
    pub(crate) fn place(&mut self, hold: Hold) -> Result<(), Refusal> {
        if hold.case.is_none() && self.0.iter().filter(|other| other.case.is_none()).count() >= MAX_HOLDS {
            return Err(Refusal::Conflict("the account has had twenty holds, and can have no more"));
        }
        self.0.push(hold);
        Ok(())
    }

    /// Releases a hold. Returns `false` if it was released before.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such hold.
    pub(crate) fn release(&mut self, id: HoldId, now: Timestamp) -> Result<bool, Refusal> {
        let hold = self.0.iter_mut().find(|hold| hold.id == id).ok_or(Refusal::NotFound)?;
        let in_force = hold.released_at.is_none();
        hold.released_at = hold.released_at.or(Some(now));
        Ok(in_force)
    }

    /// Returns the id of the hold in force that preserves the evidence of a case.
    pub(crate) fn of_case(&self, case: CaseId) -> Option<HoldId> {
        self.in_force().find(|hold| hold.case == Some(case)).map(|hold| hold.id)
    }

    /// Returns the ids of the holds in force whose time is over.
    pub(crate) fn ended(&self, now: Timestamp) -> Vec<HoldId> {
        self.in_force().filter(|hold| hold.ends_at.is_some_and(|end| end <= now)).map(|hold| hold.id).collect()
    }

    fn in_force(&self) -> impl Iterator<Item = &Hold> {
        self.0.iter().filter(|hold| hold.released_at.is_none())
    }
}

impl FromIterator<Hold> for Holds {
    fn from_iter<I: IntoIterator<Item = Hold>>(holds: I) -> Self {
        Self(holds.into_iter().collect())
    }
}

impl IntoIterator for Holds {
    type Item = Hold;
    type IntoIter = std::vec::IntoIter<Hold>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Holds {
    type Item = &'a Hold;
    type IntoIter = std::slice::Iter<'a, Hold>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn evidence_is_preserved_however_many_holds_there_were() {
        let (mut holds, at) = (Holds::default(), Timestamp::UNIX_EPOCH);
        let evidence = Hold::of_evidence(CaseNoticeId(uuid::Uuid::nil()), CaseId(uuid::Uuid::nil()), at);
        let by_staff = Hold { case: None, ends_at: None, ..evidence.clone() };
        for _ in 0..MAX_HOLDS {
            holds.place(evidence.clone()).unwrap();
            holds.place(by_staff.clone()).unwrap();
        }
        assert!(holds.place(by_staff).is_err());
        holds.place(evidence).unwrap();
    }

    #[test]
    fn holdable_kinds_are_declared_and_personal() {
        for name in HOLDABLE_KINDS {
            assert!(registry::DATA_KINDS.iter().any(|kind| kind.name == *name && kind.personal), "{name}");
        }
    }
}
