//! The second factor of an account: an authenticator app, passkeys, and recovery codes in case both are lost.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, PasskeyId},
    refusal::{Refusal, check_text},
    registry::DataFields,
};

/// How many recovery codes a person gets.
pub const RECOVERY_CODES: usize = 10;
/// The codes and passkeys that may be tried for one account in an hour, at sign-ins and at a setup together: of a million codes
/// three are right.
pub const CODES_PER_HOUR: u64 = 20;
/// The most passkeys of an account.
pub const MAX_PASSKEYS: usize = 10;
/// The most characters of the name of a passkey.
const MAX_NAME_CHARACTERS: usize = 64;
/// Minutes in which a setup must be confirmed with the first code.
const SETUP_MINUTES: i64 = 10;
/// Minutes in which a passkey must answer a challenge.
pub const CHALLENGE_MINUTES: i64 = 5;

/// The second factor of an account. An account has one while this exists: an app, a passkey, or several of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct SecondFactor {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The authenticator app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub app: Option<AuthenticatorApp>,
    /// The passkeys, in the order in which they were added.
    #[data(nested)]
    pub passkeys: Vec<Passkey>,
    /// When the challenge was issued that a passkey answered last. A challenge is accepted only if it was issued later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub answered_challenge_at: Option<Timestamp>,
    /// When the first of them was set up.
    #[data(plain)]
    pub at: Timestamp,
    /// The keyed hashes of the recovery codes that were not used.
    #[data(plain)]
    pub recovery_codes: Vec<String>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// An authenticator app, which shows one-time codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct AuthenticatorApp {
    /// The secret that the app has, sealed.
    #[data(plain)]
    pub secret: String,
    /// The step of the last code that was accepted. A code works once.
    #[data(plain)]
    pub last_step: i64,
}

/// A passkey: a key pair whose private key is in the device or the password manager of the account owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Passkey {
    /// The id, by which the account owner removes it.
    #[data(plain)]
    pub id: PasskeyId,
    /// The id that its authenticator gave it, in base64url.
    #[data(plain)]
    pub credential_id: String,
    /// The public key, as a COSE key in base64url.
    #[data(plain)]
    pub public_key: String,
    /// How often it signed, as its authenticator counts. 0 if the authenticator does not count.
    #[data(plain)]
    pub sign_count: u32,
    /// The name that the account owner gave it.
    #[data(personal)]
    pub name: String,
    /// When it was added.
    #[data(plain)]
    pub added_at: Timestamp,
    /// When it signed in last.
    #[data(plain)]
    pub last_used_at: Option<Timestamp>,
}

/// What an authenticator answered to a challenge, after its signature was verified.
#[derive(Clone, Copy, Debug)]
pub struct PasskeyAnswer<'a> {
    /// The id of the credential that answered.
    pub credential_id: &'a str,
    /// When the challenge was issued.
    pub challenge_at: Timestamp,
    /// The count of its signatures.
    pub sign_count: u32,
}

impl SecondFactor {
    /// Returns what an account has before its first app or passkey, with the keyed hashes of its new recovery codes. It is
    /// written together with the first one.
    #[must_use]
    pub fn none(account: AccountId, recovery_codes: Vec<String>, at: Timestamp) -> Self {
        let (app, passkeys) = (None, Vec::new());
        Self { account, app, passkeys, answered_challenge_at: None, at, recovery_codes, version: 0 }
    }

    /// Says whether nothing is left that it could ask for. It is deleted then, with its recovery codes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.app.is_none() && self.passkeys.is_empty()
    }

    /// Adds an authenticator app.
    ///
    /// # Errors
    /// A conflict if there is one.
    pub fn with_app(&self, app: AuthenticatorApp) -> Result<Self, Refusal> {
        self.check_without_app()?;
        Ok(Self { app: Some(app), version: self.version + 1, ..self.clone() })
    }

    /// Checks that an authenticator app can be added.
    ///
    /// # Errors
    /// A conflict if there is one.
    pub fn check_without_app(&self) -> Result<(), Refusal> {
        match self.app {
            None => Ok(()),
            Some(_) => Err(Refusal::Conflict("The account has an authenticator app. Remove it first.")),
        }
    }

    /// Removes the authenticator app, if there is one.
    #[must_use]
    pub fn without_app(&self) -> Self {
        Self { app: None, version: self.version + 1, ..self.clone() }
    }

    /// Adds a passkey that was created for a challenge of this time.
    ///
    /// # Errors
    /// A conflict if there are too many, if it was added before, or if this or a later challenge was answered before.
    pub fn with_passkey(&self, passkey: Passkey, challenge_at: Timestamp) -> Result<Self, Refusal> {
        self.check_room_for_passkey()?;
        if self.passkeys.iter().any(|other| other.credential_id == passkey.credential_id) {
            return Err(Refusal::Conflict("The account has this passkey."));
        }
        if !self.is_unanswered(challenge_at) {
            return Err(Refusal::Conflict("The challenge was answered before. Start again."));
        }
        let passkeys = self.passkeys.iter().cloned().chain([passkey]).collect();
        let answered_challenge_at = Some(challenge_at);
        Ok(Self { passkeys, answered_challenge_at, version: self.version + 1, ..self.clone() })
    }

    /// Checks that a passkey can be added.
    ///
    /// # Errors
    /// A conflict if there are too many.
    pub fn check_room_for_passkey(&self) -> Result<(), Refusal> {
        if self.passkeys.len() < MAX_PASSKEYS {
            Ok(())
        } else {
            Err(Refusal::Conflict("The account has 10 passkeys. Remove one first."))
        }
    }

    /// Removes a passkey.
    ///
    /// # Errors
    /// Not found if the account has no such passkey.
    pub fn without_passkey(&self, id: PasskeyId) -> Result<Self, Refusal> {
        let passkeys: Vec<_> = self.passkeys.iter().filter(|passkey| passkey.id != id).cloned().collect();
        if passkeys.len() == self.passkeys.len() {
            return Err(Refusal::NotFound);
        }
        Ok(Self { passkeys, version: self.version + 1, ..self.clone() })
    }

    /// Accepts the code of a step. Returns `None` if it, or a later one, was accepted before.
    #[must_use]
    pub fn accept_step(&self, step: i64) -> Option<Self> {
        let app = self.app.as_ref().filter(|app| step > app.last_step)?;
        let app = AuthenticatorApp { last_step: step, ..app.clone() };
        Some(Self { app: Some(app), version: self.version + 1, ..self.clone() })
    }

    /// Accepts the answer of a passkey. Returns `None` if the account has no such passkey, if this or a later challenge was
    /// answered before, or if the passkey counts its signatures and the count did not grow, as it is a copy then.
    #[must_use]
    pub fn accept_passkey(&self, answer: PasskeyAnswer<'_>, now: Timestamp) -> Option<Self> {
        if !self.is_unanswered(answer.challenge_at) {
            return None;
        }
        let mut accepted =
            Self { answered_challenge_at: Some(answer.challenge_at), version: self.version + 1, ..self.clone() };
        let passkey = accepted.passkeys.iter_mut().find(|passkey| passkey.credential_id == answer.credential_id)?;
        let counts = answer.sign_count != 0 || passkey.sign_count != 0;
        if counts && answer.sign_count <= passkey.sign_count {
            return None;
        }
        (passkey.sign_count, passkey.last_used_at) = (answer.sign_count, Some(now));
        Some(accepted)
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

    fn is_unanswered(&self, challenge_at: Timestamp) -> bool {
        self.answered_challenge_at.is_none_or(|answered| challenge_at > answered)
    }
}

/// Checks the name of a passkey.
///
/// # Errors
/// The rule that it breaks.
pub fn check_passkey_name(name: &str) -> Result<(), Refusal> {
    match check_text("name", name, MAX_NAME_CHARACTERS) {
        None => Ok(()),
        Some(error) => Err(Refusal::Invalid(vec![error])),
    }
}

/// Says whether a setup can still be confirmed.
#[must_use]
pub fn setup_is_open(begun_at: Timestamp, now: Timestamp) -> bool {
    now < begun_at + SignedDuration::from_mins(SETUP_MINUTES)
}

/// Says whether a challenge can still be answered.
#[must_use]
pub fn challenge_is_open(issued_at: Timestamp, now: Timestamp) -> bool {
    now < issued_at + SignedDuration::from_mins(CHALLENGE_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn none() -> SecondFactor {
        SecondFactor::none(AccountId(uuid::Uuid::nil()), ["a", "b"].map(str::to_owned).to_vec(), at(60))
    }

    fn app() -> AuthenticatorApp {
        AuthenticatorApp { secret: "s".to_owned(), last_step: 7 }
    }

    fn passkey(number: u128, sign_count: u32) -> Passkey {
        Passkey {
            id: PasskeyId(uuid::Uuid::from_u128(number)),
            credential_id: format!("credential {number}"),
            public_key: "key".to_owned(),
            sign_count,
            name: "Phone".to_owned(),
            added_at: at(60),
            last_used_at: None,
        }
    }

    fn answer(second: i64, sign_count: u32) -> PasskeyAnswer<'static> {
        PasskeyAnswer { credential_id: "credential 1", challenge_at: at(second), sign_count }
    }

    #[test]
    fn each_code_works_once() {
        let factor = none().with_app(app()).unwrap();
        assert_eq!((factor.accept_step(7), factor.accept_step(6)), (None, None));
        let later = factor.accept_step(8).unwrap();
        assert_eq!((later.version, later.accept_step(8)), (2, None));
        let used = factor.accept_recovery_code("a").unwrap();
        assert_eq!((used.recovery_codes.as_slice(), used.version), (["b".to_owned()].as_slice(), 2));
        assert_eq!((used.accept_recovery_code("a"), factor.accept_recovery_code("c")), (None, None));
    }

    #[test]
    fn each_challenge_is_answered_once() {
        let factor = none().with_passkey(passkey(1, 0), at(60)).unwrap();
        assert_eq!((factor.accept_passkey(answer(60, 0), at(70)), factor.version), (None, 1));
        let used = factor.accept_passkey(answer(61, 0), at(70)).unwrap();
        assert_eq!((used.version, used.passkeys[0].last_used_at), (2, Some(at(70))));
        assert_eq!(used.accept_passkey(answer(61, 0), at(71)), None);
        assert_eq!(used.accept_passkey(answer(60, 0), at(71)), None);
        assert!(used.accept_passkey(answer(62, 0), at(71)).is_some());
        assert!(used.with_passkey(passkey(2, 0), at(61)).is_err() && used.with_passkey(passkey(2, 0), at(62)).is_ok());
    }

    #[test]
    fn passkey_of_another_account_is_refused() {
        let factor = none().with_passkey(passkey(2, 0), at(60)).unwrap();
        assert_eq!(factor.accept_passkey(answer(61, 0), at(70)), None);
    }

    #[test]
    fn count_of_signatures_must_grow_where_there_is_one() {
        let accepts = |before, now| {
            let factor = none().with_passkey(passkey(1, before), at(60)).unwrap();
            factor.accept_passkey(answer(61, now), at(70)).map(|accepted| accepted.passkeys[0].sign_count)
        };
        assert_eq!([(0, 0), (0, 1), (5, 6)].map(|(before, now)| accepts(before, now)), [Some(0), Some(1), Some(6)]);
        assert_eq!([(5, 5), (5, 4), (5, 0)].map(|(before, now)| accepts(before, now)), [None; 3]);
    }

    #[test]
    fn account_has_one_app_and_ten_passkeys_at_most() {
        let factor = none().with_app(app()).unwrap();
        assert!(factor.with_app(app()).is_err());
        let full = (0..10).fold(factor, |factor, number| {
            factor.with_passkey(passkey(number, 0), at(i64::try_from(number).unwrap())).unwrap()
        });
        assert!(full.with_passkey(passkey(10, 0), at(100)).is_err());
        let room = full.without_passkey(passkey(3, 0).id).unwrap();
        assert!(room.with_passkey(passkey(4, 0), at(100)).is_err(), "it is there");
        assert!(room.with_passkey(passkey(10, 0), at(100)).is_ok());
        assert_eq!(room.without_passkey(passkey(3, 0).id), Err(Refusal::NotFound));
    }

    #[test]
    fn it_is_empty_without_app_and_passkeys() {
        let both = none().with_app(app()).unwrap().with_passkey(passkey(1, 0), at(60)).unwrap();
        let id = passkey(1, 0).id;
        assert!(none().is_empty() && both.without_app().without_passkey(id).unwrap().is_empty());
        assert!(!both.is_empty() && !both.without_app().is_empty() && !both.without_passkey(id).unwrap().is_empty());
    }

    #[test]
    fn name_of_a_passkey_is_one_line_of_64_characters() {
        assert!(["Phone", "ключ", &"a".repeat(64)].iter().all(|name| check_passkey_name(name).is_ok()));
        assert!(["", " ", "a\nb", &"a".repeat(65)].iter().all(|name| check_passkey_name(name).is_err()));
    }

    #[test]
    fn it_protects_sessions_that_were_opened_after_it_only() {
        assert_eq!([59, 60, 61].map(|second| none().protects(at(second))), [false, true, true]);
    }

    #[test]
    fn setup_is_open_for_ten_minutes_and_a_challenge_for_five() {
        assert!(setup_is_open(at(0), at(599)) && !setup_is_open(at(0), at(600)));
        assert!(challenge_is_open(at(0), at(299)) && !challenge_is_open(at(0), at(300)));
    }
}
