//! Who lost the role administrator lately.
//!
//! Two administrators who take the role from each other at the same time would leave none: each request was let pass before the
//! other took effect. So all such requests write one common item, one after the other, and who lost the role takes it from
//! nobody any more. As nobody takes it from themselves, the one who takes it last is left.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{refusal::Refusal, registry::DataFields};

/// Minutes for which it is remembered who lost the role: longer than any request takes.
const REMEMBERED_MINUTES: i64 = 15;

/// The common item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct LostAdministrators {
    /// Those who lost the role in the last minutes.
    #[data(nested)]
    pub lost: Vec<LostAdministrator>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// A member of staff who lost the role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct LostAdministrator {
    /// The member, as in audit logs.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
}

impl LostAdministrators {
    /// Records that `by` takes the role from `from`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if `by` lost it in the last minutes.
    pub fn take(&self, by: &str, from: String, now: Timestamp) -> Result<Self, Refusal> {
        let mut next = self.changed(&from, now);
        if next.lost.iter().any(|lost| lost.staff == by) {
            return Err(Refusal::NotFound);
        }
        next.lost.push(LostAdministrator { staff: from, at: now });
        Ok(next)
    }

    /// Records that `to` gets the role.
    #[must_use]
    pub fn give(&self, to: &str, now: Timestamp) -> Self {
        self.changed(to, now)
    }

    /// Forgets this member, and what is long ago.
    fn changed(&self, staff: &str, now: Timestamp) -> Self {
        let since = now - SignedDuration::from_mins(REMEMBERED_MINUTES);
        let lost = self.lost.iter().filter(|lost| lost.at > since && lost.staff != staff).cloned();
        Self { lost: lost.collect(), version: self.version + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn one_of_those_who_take_the_role_from_each_other_is_left() {
        let none = LostAdministrators::default();
        let first = none.take("ada", "bob".to_owned(), NOW).unwrap();
        assert_eq!(first.take("bob", "ada".to_owned(), NOW), Err(Refusal::NotFound));
        let second = first.take("carl", "ada".to_owned(), NOW).unwrap();
        assert_eq!(second.take("ada", "carl".to_owned(), NOW), Err(Refusal::NotFound));
        assert_eq!((second.version, second.lost.len()), (2, 2));
    }

    #[test]
    fn who_gets_the_role_again_may_take_it_again() {
        let first = LostAdministrators::default().take("ada", "bob".to_owned(), NOW).unwrap();
        assert!(first.give("bob", NOW).take("bob", "ada".to_owned(), NOW).is_ok());
        let later = NOW + SignedDuration::from_mins(REMEMBERED_MINUTES);
        let next = first.take("bob", "ada".to_owned(), later).unwrap();
        assert_eq!(next.lost.len(), 1, "what is long ago is forgotten");
    }
}
