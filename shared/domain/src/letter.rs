//! A letter: a question to staff of somebody who is not signed in, and perhaps cannot be.
//!
//! It reaches staff once its writer has confirmed the address with the code that was sent there, is answered there by mail,
//! and is gone with the answer. It lies in nobody's drawer, under a keyed hash of the address, so that it goes with the
//! account that has that address. What nobody confirms or answers goes when its time is over.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{LetterId, Refusal, registry, settings::check_text, ticket::Question};

/// Minutes that the code lives.
pub const CODE_MINUTES: i64 = 15;
/// The purpose of the keyed hash of an address.
pub const WRITER: &str = "letter writer";
/// Letters of one address in a day.
pub const PER_DAY: u64 = 3;

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its id.
    pub id: LetterId,
    /// A keyed hash of the address: under it lies what comes from there.
    pub writer: String,
    /// Where the answer goes.
    pub email: String,
    /// What it is called.
    pub subject: String,
    /// The words.
    pub text: String,
    /// How far it is.
    pub stage: Stage,
    /// When it was written.
    pub written_at: Timestamp,
    /// Counts the writes.
    pub version: u64,
}

/// How far a letter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Nobody has shown that the address is theirs.
    Unconfirmed {
        /// The keyed hash of the code that was sent there.
        code: String,
    },
    /// It waits for staff.
    Waiting {
        /// Since when.
        since: Timestamp,
    },
}

impl Letter {
    /// A letter from an address, with the keyed hashes of the address and of the code that is sent there. It is about
    /// nothing: nobody knows yet whose it is.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that breaks a rule.
    pub fn write(
        Question { subject, text, .. }: Question,
        id: LetterId,
        (email, writer, code): (String, String, String),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut errors = crate::ticket::check_subject(&subject);
        errors.extend(check_text("text", &text));
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        let stage = Stage::Unconfirmed { code };
        Ok(Self { id, writer, email, subject, text, stage, written_at: now, version: 1 })
    }

    /// The letter as it waits for staff, if this is the keyed hash of its code and not too late.
    #[must_use]
    pub fn confirm(&self, given: &str, now: Timestamp) -> Option<Self> {
        let Stage::Unconfirmed { code } = &self.stage else { return None };
        // Keyed hashes: how long they take to compare says nothing about the code.
        let right = code == given && now < self.expires_at();
        right.then(|| Self { stage: Stage::Waiting { since: now }, version: self.version + 1, ..self.clone() })
    }

    /// Whether this can be the answer to it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if nobody confirmed it, [`Refusal::Invalid`] if the text breaks a rule.
    pub fn check_answer(&self, text: &str) -> Result<(), Refusal> {
        self.waits_since().ok_or(Refusal::NotFound)?;
        check_text("text", text).map_or(Ok(()), |error| Err(Refusal::Invalid(vec![error])))
    }

    /// Since when staff have to say something.
    #[must_use]
    pub fn waits_since(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Unconfirmed { .. } => None,
            Stage::Waiting { since } => Some(since),
        }
    }

    /// When it goes by itself.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        match self.stage {
            Stage::Unconfirmed { .. } => self.written_at + SignedDuration::from_mins(CODE_MINUTES),
            Stage::Waiting { since } => since + SignedDuration::from_hours(24 * i64::from(registry::LETTER_DAYS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn written(subject: &str) -> Result<Letter, Refusal> {
        let question = Question { subject: subject.to_owned(), text: "It says no.".to_owned(), about: None };
        let [email, writer, code] = ["ada@example.com", "w", "c"].map(str::to_owned);
        Letter::write(question, LetterId(uuid::Uuid::nil()), (email, writer, code), at(0))
    }

    #[test]
    fn only_its_code_in_time_brings_a_letter_to_staff() {
        let letter = written("I cannot sign in").unwrap();
        assert_eq!(letter.waits_since(), None);
        assert_eq!(letter.confirm("d", at(1)), None);
        assert_eq!(letter.confirm("c", at(900)), None);
        let waiting = letter.confirm("c", at(899)).unwrap();
        assert_eq!((waiting.waits_since(), waiting.version), (Some(at(899)), 2));
        assert_eq!(waiting.confirm("c", at(900)), None, "a code is good once");
    }

    #[test]
    fn what_nobody_confirms_or_answers_goes() {
        let letter = written("I cannot sign in").unwrap();
        assert_eq!(letter.expires_at(), at(900));
        let day = 24 * 3_600;
        assert_eq!(letter.confirm("c", at(60)).unwrap().expires_at(), at(60 + day * i64::from(registry::LETTER_DAYS)));
    }

    #[test]
    fn a_letter_has_a_subject_of_one_line() {
        assert!(matches!(written("two\nlines"), Err(Refusal::Invalid(_))));
    }
}
