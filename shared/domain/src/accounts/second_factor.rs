//! The second factor of an account: one-time codes of an authenticator app, and recovery codes in case the app is lost.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ids::AccountId, registry::DataFields};

/// How many recovery codes a person gets.
pub const RECOVERY_CODES: usize = 10;
/// The codes that may be tried for one account in an hour, at sign-ins and at a setup together: of a million codes three are
/// right.
pub const CODES_PER_HOUR: u64 = 20;
/// Minutes in which a setup must be confirmed with the first code.
const SETUP_MINUTES: i64 = 10;

/// The second factor of an account. An account has one while this exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct SecondFactor {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The secret that the app has, sealed.
    #[data(plain)]
    pub secret: String,
    /// When it was turned on.
    #[data(plain)]
    pub at: Timestamp,
    /// The step of the last code that was accepted. A code works once.
    #[data(plain)]
    pub last_step: i64,
    /// The keyed hashes of the recovery codes that were not used.
    #[data(plain)]
    pub recovery_codes: Vec<String>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl SecondFactor {
    /// Accepts the code of a step. Returns `None` if it, or a later one, was accepted before.
    #[must_use]
    pub fn accept_step(&self, step: i64) -> Option<Self> {
        (step > self.last_step).then(|| Self { last_step: step, version: self.version + 1, ..self.clone() })
    }

    /// Accepts the recovery code with this keyed hash. Returns `None` if it is none of the account, or was used before.
    #[must_use]
    pub fn accept_recovery_code(&self, keyed_hash: &str) -> Option<Self> {
        let recovery_codes: Vec<_> = self.recovery_codes.iter().filter(|code| *code != keyed_hash).cloned().collect();
        let accepted = recovery_codes.len() < self.recovery_codes.len();
        accepted.then(|| Self { recovery_codes, version: self.version + 1, ..self.clone() })
    }

    /// Says whether a session of this age was opened with it.
    #[must_use]
    pub fn protects(&self, signed_in_at: Timestamp) -> bool {
        // The user pool states the time of a sign-in in whole seconds.
        self.at.as_second() <= signed_in_at.as_second()
    }
}

/// Says whether a setup can still be confirmed.
#[must_use]
pub fn setup_is_open(begun_at: Timestamp, now: Timestamp) -> bool {
    now < begun_at + SignedDuration::from_mins(SETUP_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn factor() -> SecondFactor {
        let recovery_codes = ["a", "b"].map(str::to_owned).to_vec();
        let account = AccountId(uuid::Uuid::nil());
        SecondFactor { account, secret: "s".to_owned(), at: at(60), last_step: 7, recovery_codes, version: 1 }
    }

    #[test]
    fn each_code_works_once() {
        assert_eq!((factor().accept_step(7), factor().accept_step(6)), (None, None));
        let later = factor().accept_step(8).unwrap();
        assert_eq!((later.last_step, later.version, later.accept_step(8)), (8, 2, None));
        let used = factor().accept_recovery_code("a").unwrap();
        assert_eq!((used.recovery_codes.as_slice(), used.version), (["b".to_owned()].as_slice(), 2));
        assert_eq!((used.accept_recovery_code("a"), factor().accept_recovery_code("c")), (None, None));
    }

    #[test]
    fn it_protects_sessions_that_were_opened_after_it_only() {
        assert_eq!([59, 60, 61].map(|second| factor().protects(at(second))), [false, true, true]);
    }

    #[test]
    fn setup_is_open_for_ten_minutes() {
        assert!(setup_is_open(at(0), at(599)) && !setup_is_open(at(0), at(600)));
    }
}
