//! The record: every act of staff, each entry with the hash of the one before, so that a missing or changed entry shows.
//!
//! It names no person: staff members and accounts are hashes. What was done and why is in the audit log of the account, as long as
//! the account exists; the record has the hash of that too.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::registry::{DataFields, STAFF_RECORD_DAYS};

/// An act of a staff member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
pub struct StaffAct {
    /// The staff member, as in audit logs.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// What was done: the kind of an entry of the audit log, or of an act without an account.
    #[data(plain)]
    pub kind: String,
    /// The hash of the id of the account, or of the thing without one.
    #[data(plain)]
    pub subject: String,
    /// The hash of the entry of the audit log.
    #[data(plain)]
    pub digest: String,
}

/// An entry of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
pub struct RecordEntry {
    /// Its number, from 1.
    #[data(plain)]
    pub number: u64,
    /// The act.
    #[data(nested)]
    pub act: StaffAct,
    /// The hash of the entry before; empty for the first.
    #[data(plain)]
    pub previous: String,
    /// The hash of this entry: of everything above.
    #[data(plain)]
    pub hash: String,
}

impl RecordEntry {
    /// Makes the entry of an act that follows after `last`. `hash` computes a hash that nobody can find another text for.
    #[must_use]
    pub fn after(last: Option<&Self>, act: StaffAct, hash: impl Fn(&str) -> String) -> Self {
        let (number, previous) = last.map_or((1, String::new()), |last| (last.number + 1, last.hash.clone()));
        let entry = Self { number, act, previous, hash: String::new() };
        Self { hash: hash(&entry.content()), ..entry }
    }

    /// Tells whether this entry is whole, and follows after `last`. The oldest entries expire, so one without a predecessor is only
    /// checked itself.
    #[must_use]
    pub fn follows(&self, last: Option<&Self>, hash: impl Fn(&str) -> String) -> bool {
        let in_order = last.is_none_or(|last| self.number == last.number + 1 && self.previous == last.hash);
        in_order && self.hash == hash(&self.content())
    }

    /// Returns it without what was done: its number, its time and the hashes are left.
    #[must_use]
    pub fn without_act(self) -> Self {
        let Self { act: StaffAct { at, .. }, .. } = self;
        let act =
            StaffAct { staff: String::new(), at, kind: String::new(), subject: String::new(), digest: String::new() };
        Self { act, ..self }
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.act.at + SignedDuration::from_hours(24 * i64::from(STAFF_RECORD_DAYS))
    }

    /// Returns what is hashed. Each field is on a line of its own, and none contains a line break.
    fn content(&self) -> String {
        let StaffAct { staff, at, kind, subject, digest } = &self.act;
        format!("{}\n{staff}\n{at}\n{kind}\n{subject}\n{digest}\n{}", self.number, self.previous)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::*;

    fn hash(text: &str) -> String {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        hasher.finish().to_string()
    }

    fn record() -> Vec<RecordEntry> {
        let mut entries: Vec<RecordEntry> = Vec::new();
        for kind in ["opened", "read", "froze"] {
            let act = StaffAct {
                staff: "a".to_owned(),
                at: Timestamp::UNIX_EPOCH,
                kind: kind.to_owned(),
                subject: "b".to_owned(),
                digest: "c".to_owned(),
            };
            entries.push(RecordEntry::after(entries.last(), act, hash));
        }
        entries
    }

    fn is_whole(entries: &[RecordEntry]) -> bool {
        let mut last = None;
        entries.iter().all(|entry| entry.follows(last.replace(entry), hash))
    }

    #[test]
    fn missing_changed_and_exchanged_entries_show() {
        assert!(is_whole(&record()));
        assert!(is_whole(&record()[1..]), "the oldest entries expire");
        let mut missing = record();
        missing.remove(1);
        assert!(!is_whole(&missing));
        let mut changed = record();
        changed[1].act.kind = "unfroze".to_owned();
        assert!(!is_whole(&changed));
        changed[1].hash = hash(&changed[1].content());
        assert!(!is_whole(&changed), "its hash was computed again");
        let mut exchanged = record();
        exchanged.swap(1, 2);
        assert!(!is_whole(&exchanged));
    }
}
