//! Sign-ups: users of the user pool who have not signed in yet, and so have no account.
//!
//! A sign-up is written before its user exists and removed with the first sign-in, which opens the account. A user who does
//! not sign in for as long as the operator configures is deleted.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{accounts::terms::TermsAcceptance, ids::AccountId, registry::DataFields};

/// Minutes after which the deletion of a user is tried again.
const RETRY_MINUTES: i64 = 10;
/// Hours for which the sign-up of a deleted user is kept, so that a sign-in that began before the deletion opens no account.
const DELETED_HOURS: i64 = 24;

/// A user who signed up and has not signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct SignUp {
    /// The id that the account will have.
    #[data(plain)]
    pub account: AccountId,
    /// The stage.
    #[data(plain)]
    pub stage: SignUpStage,
    /// When the next stage is due; once the user is deleted, when this expires.
    #[data(plain)]
    pub next_at: Timestamp,
    /// The terms that the person accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub terms: Option<TermsAcceptance>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// The stage of a sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpStage {
    /// The user can sign in.
    Waiting,
    /// The user did not sign in in time and is being deleted.
    Deleting,
    /// The user is deleted.
    Deleted,
}

impl SignUp {
    /// Records a sign-up whose user is deleted after this many days without a sign-in.
    #[must_use]
    pub fn new(account: AccountId, days: u32, terms: Option<TermsAcceptance>, now: Timestamp) -> Self {
        let next_at = now + SignedDuration::from_hours(24 * i64::from(days));
        Self { account, stage: SignUpStage::Waiting, next_at, terms, version: 1 }
    }

    /// Says whether the user may still sign in.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stage == SignUpStage::Waiting
    }

    /// Starts the deletion of the user, or claims one that did not end. Returns `None` if it is not due.
    #[must_use]
    pub fn deleting(&self, now: Timestamp) -> Option<Self> {
        let is_due = self.stage != SignUpStage::Deleted && self.next_at <= now;
        is_due.then(|| Self {
            stage: SignUpStage::Deleting,
            next_at: now + SignedDuration::from_mins(RETRY_MINUTES),
            version: self.version + 1,
            ..self.clone()
        })
    }

    /// Records that the user is deleted.
    #[must_use]
    pub fn deleted(&self, now: Timestamp) -> Self {
        let next_at = now + SignedDuration::from_hours(DELETED_HOURS);
        Self { stage: SignUpStage::Deleted, next_at, version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_without_a_sign_in_is_deleted_once_the_days_are_over() {
        let day = |day: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day);
        let sign_up = SignUp::new(uuid::Uuid::nil().into(), 7, None, day(0));
        assert!(sign_up.is_open());
        assert_eq!(sign_up.deleting(day(7) - SignedDuration::from_secs(1)), None);
        let deleting = sign_up.deleting(day(7)).unwrap();
        assert!(!deleting.is_open());
        assert_eq!((deleting.version, deleting.deleting(day(7))), (2, None));
        assert_eq!(deleting.deleting(day(8)).unwrap().version, 3);
        let deleted = deleting.deleted(day(8));
        assert_eq!((deleted.is_open(), deleted.next_at, deleted.deleting(day(30))), (false, day(9), None));
    }
}
