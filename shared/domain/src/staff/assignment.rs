//! Assignments: which staff member works on a case.
//!
//! Every kind of case has its assignment in the same place, under a hash of its name. So it names neither the case nor a person
//! other than the staff member, and it expires by itself.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    registry::{ASSIGNMENT_DAYS, DataFields},
};

/// Which staff member works on a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Assignment {
    /// The hash of the name of the case.
    #[data(plain)]
    pub case: String,
    /// The staff member, as in audit logs; nobody if it was given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub holder: Option<String>,
    /// When it was taken or given back.
    #[data(plain)]
    pub at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// A change of who works on a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// The assignment to write.
    pub assignment: Assignment,
    /// Who had the case before.
    pub previous: Option<String>,
    /// The name of the act, in the record.
    pub act: &'static str,
}

impl Assignment {
    /// Takes a case for `staff`, from nobody or from the member who has it. `seen` is who had it as `staff` saw it. Returns `None` if
    /// they have it already.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if another member has it than they saw.
    pub fn take(
        current: Option<&Self>,
        case: String,
        (staff, seen): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<Option<Reassignment>, Refusal> {
        let previous = current.and_then(|current| current.holder_at(now));
        if previous == Some(staff) {
            return Ok(None);
        }
        if previous != seen {
            return Err(Refusal::Conflict(
                "another member of staff took the case or gave it back: load the list again",
            ));
        }
        let act = if previous.is_some() { "took_over_case" } else { "took_case" };
        Ok(Some(Self::change(current, case, Some(staff.to_owned()), act, now)))
    }

    /// Gives a case back that `staff` has. Returns `None` if nobody has it.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if another member has it.
    pub fn give_back(
        current: Option<&Self>,
        case: String,
        staff: &str,
        now: Timestamp,
    ) -> Result<Option<Reassignment>, Refusal> {
        match current.and_then(|current| current.holder_at(now)) {
            None => Ok(None),
            Some(holder) if holder == staff => Ok(Some(Self::change(current, case, None, "gave_back_case", now))),
            Some(_) => Err(Refusal::Conflict("another member of staff has the case: take it over first")),
        }
    }

    /// Returns who has the case.
    #[must_use]
    pub fn holder_at(&self, now: Timestamp) -> Option<&str> {
        self.holder.as_deref().filter(|_| now < self.expires_at())
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.at + SignedDuration::from_hours(24 * i64::from(ASSIGNMENT_DAYS))
    }

    fn change(
        current: Option<&Self>,
        case: String,
        holder: Option<String>,
        act: &'static str,
        now: Timestamp,
    ) -> Reassignment {
        let version = current.map_or(0, |current| current.version) + 1;
        let previous = current.and_then(|current| current.holder_at(now)).map(str::to_owned);
        Reassignment { assignment: Self { case, holder, at: now, version }, previous, act }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn take(current: Option<&Assignment>, staff: &str, seen: Option<&str>) -> Result<Option<Reassignment>, Refusal> {
        Assignment::take(current, "hash".to_owned(), (staff, seen), NOW)
    }

    #[test]
    fn case_is_taken_taken_over_and_given_back_by_its_holder() {
        let first = take(None, "ada", None).unwrap().unwrap();
        assert_eq!((first.act, first.assignment.version), ("took_case", 1));
        let hers = first.assignment;
        assert_eq!(take(Some(&hers), "ada", None).unwrap(), None, "a repeat changes nothing");
        let other = Assignment::give_back(Some(&hers), "hash".to_owned(), "bob", NOW);
        assert!(matches!(other, Err(Refusal::Conflict(_))));
        let over = take(Some(&hers), "bob", Some("ada")).unwrap().unwrap();
        assert_eq!((over.act, over.previous.as_deref(), over.assignment.version), ("took_over_case", Some("ada"), 2));
        let back = Assignment::give_back(Some(&over.assignment), "hash".to_owned(), "bob", NOW).unwrap().unwrap();
        assert_eq!((back.act, back.assignment.holder.as_deref()), ("gave_back_case", None));
        let repeat = Assignment::give_back(Some(&back.assignment), "hash".to_owned(), "bob", NOW);
        assert_eq!(repeat, Ok(None));
    }

    #[test]
    fn race_is_not_lost_silently() {
        let hers = take(None, "ada", None).unwrap().unwrap().assignment;
        // Both saw that nobody had it.
        assert!(matches!(take(Some(&hers), "bob", None), Err(Refusal::Conflict(_))));
        // Bob saw that Ada had it, who gave it back.
        let back = Assignment::give_back(Some(&hers), "hash".to_owned(), "ada", NOW).unwrap().unwrap().assignment;
        assert!(matches!(take(Some(&back), "bob", Some("ada")), Err(Refusal::Conflict(_))));
    }

    #[test]
    fn expired_assignment_is_nobodys() {
        let hers = take(None, "ada", None).unwrap().unwrap().assignment;
        let later = hers.expires_at();
        assert_eq!((hers.holder_at(NOW), hers.holder_at(later)), (Some("ada"), None));
        let his = Assignment::take(Some(&hers), "hash".to_owned(), ("bob", None), later).unwrap().unwrap();
        assert_eq!((his.act, his.assignment.version), ("took_case", 2));
    }
}
