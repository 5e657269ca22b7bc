//! A letter: a question to staff of somebody who is not signed in, and perhaps cannot be.
//!
//! It reaches staff once its writer has confirmed the address with the code that was sent there. From the address of an
//! account it becomes a [ticket](crate::ticket) of that account, and is looked at, held, exported and erased as one. Any
//! other lies in nobody's drawer, under a keyed hash of the address, so that it goes with an account that comes to have that
//! address: whoever reads it says why, which its writer is told with the answer, and it is gone with that. What nobody
//! confirms or answers goes when its time is over.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, GuestTicketId, Refusal, TicketId,
    generations::settings::check_text,
    refusal, registry,
    staff::audit::REASON_CHARACTERS,
    support::ticket::{MessageAuthor, NewTicket, Ticket, TicketMessage, TicketStatus},
};

/// Minutes that the code lives.
pub const CODE_MINUTES: i64 = 15;
/// The purpose of the keyed hash of an address.
pub const GUEST: &str = "letter writer";
/// Letters of one address in a day.
pub const PER_DAY: u64 = 3;
/// Most times that a letter is read.
const MAX_READS: usize = 50;

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestTicket {
    /// Its id.
    pub id: GuestTicketId,
    /// A keyed hash of the address: under it lies what comes from there.
    pub guest: String,
    /// Where the answer goes.
    pub email: String,
    /// What it is called.
    pub subject: String,
    /// The words.
    pub text: String,
    /// How far it is.
    pub stage: GuestTicketStage,
    /// Who of the staff read it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<GuestTicketRead>,
    /// When it was written.
    pub created_at: Timestamp,
    /// Counts the writes.
    pub version: u64,
}

/// That a member of staff read a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = GuestTicketRead)]
pub struct GuestTicketRead {
    /// Who, under a keyed hash.
    pub staff: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// How far a letter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum GuestTicketStage {
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

impl GuestTicket {
    /// A letter from an address, with the keyed hashes of the address and of the code that is sent there. It is about
    /// nothing: nobody knows yet whose it is.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that breaks a rule.
    pub fn open(
        NewTicket { subject, text, .. }: NewTicket,
        id: GuestTicketId,
        (email, writer, code): (String, String, String),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut errors = crate::support::ticket::check_subject(&subject);
        errors.extend(check_text("text", &text));
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        let stage = GuestTicketStage::Unconfirmed { code };
        Ok(Self { id, guest: writer, email, subject, text, stage, reads: Vec::new(), created_at: now, version: 1 })
    }

    /// Whether this is the keyed hash of its code, unused and not too late.
    #[must_use]
    pub fn is_confirmed_by(&self, given: &str, now: Timestamp) -> bool {
        // Keyed hashes: how long they take to compare says nothing about the code.
        matches!(&self.stage, GuestTicketStage::Unconfirmed { code } if code == given) && now < self.expires_at()
    }

    /// The letter as it waits for staff.
    #[must_use]
    pub fn confirmed(&self, now: Timestamp) -> Self {
        Self { stage: GuestTicketStage::Waiting { since: now }, version: self.version + 1, ..self.clone() }
    }

    /// The ticket that it becomes if its address is that of an account.
    #[must_use]
    pub fn to_ticket(&self, account: AccountId, now: Timestamp) -> Ticket {
        Ticket {
            id: TicketId(self.id.0),
            account,
            subject: self.subject.clone(),
            about: None,
            messages: vec![TicketMessage { from: MessageAuthor::Owner, at: now, text: self.text.clone() }],
            status: TicketStatus::Waiting,
            by_mail: true,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// The letter once this member of staff has read it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if nobody confirmed it, [`Refusal::Invalid`] if the reason breaks a rule,
    /// [`Refusal::Conflict`] if it was read too often.
    pub fn read(&self, staff: String, reason: String, now: Timestamp) -> Result<Self, Refusal> {
        self.waiting_since().ok_or(Refusal::NotFound)?;
        if let Some(error) = refusal::check_text("reason", &reason, REASON_CHARACTERS) {
            return Err(Refusal::Invalid(vec![error]));
        }
        if self.reads.len() >= MAX_READS {
            return Err(Refusal::Conflict("it was read fifty times: whoever read it answers it"));
        }
        let mut next = Self { version: self.version + 1, ..self.clone() };
        next.reads.push(GuestTicketRead { staff, at: now, reason });
        Ok(next)
    }

    /// Whether this member of staff can end it, with this answer or with none.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if nobody confirmed it, [`Refusal::Conflict`] if they have not read it, [`Refusal::Invalid`] if
    /// the text breaks a rule.
    pub fn check_reply(&self, staff: &str, text: Option<&str>) -> Result<(), Refusal> {
        self.waiting_since().ok_or(Refusal::NotFound)?;
        if self.reads.iter().all(|look| look.staff != staff) {
            return Err(Refusal::Conflict("you have not read it"));
        }
        let error = text.and_then(|text| check_text("text", text));
        error.map_or(Ok(()), |error| Err(Refusal::Invalid(vec![error])))
    }

    /// Since when staff have to say something.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Timestamp> {
        match self.stage {
            GuestTicketStage::Unconfirmed { .. } => None,
            GuestTicketStage::Waiting { since } => Some(since),
        }
    }

    /// When it goes by itself.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        match self.stage {
            GuestTicketStage::Unconfirmed { .. } => self.created_at + SignedDuration::from_mins(CODE_MINUTES),
            GuestTicketStage::Waiting { since } => {
                since + SignedDuration::from_hours(24 * i64::from(registry::GUEST_TICKET_DAYS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn written(subject: &str) -> Result<GuestTicket, Refusal> {
        let question = NewTicket { subject: subject.to_owned(), text: "It says no.".to_owned(), about: None };
        let [email, writer, code] = ["ada@example.com", "w", "c"].map(str::to_owned);
        GuestTicket::open(question, GuestTicketId(uuid::Uuid::nil()), (email, writer, code), at(0))
    }

    #[test]
    fn only_its_code_in_time_brings_a_letter_to_staff() {
        let letter = written("I cannot sign in").unwrap();
        assert_eq!(letter.waiting_since(), None);
        assert!(!letter.is_confirmed_by("d", at(1)) && !letter.is_confirmed_by("c", at(900)));
        assert!(letter.is_confirmed_by("c", at(899)));
        let waiting = letter.confirmed(at(899));
        assert_eq!((waiting.waiting_since(), waiting.version), (Some(at(899)), 2));
        assert!(!waiting.is_confirmed_by("c", at(899)), "a code is good once");
    }

    #[test]
    fn whoever_answers_a_letter_has_read_it_and_said_why() {
        let read = |letter: &GuestTicket, reason: &str| letter.read("grace".to_owned(), reason.to_owned(), at(60));
        let letter = written("I cannot sign in").unwrap();
        assert_eq!(read(&letter, "it waits"), Err(Refusal::NotFound));
        let waiting = letter.confirmed(at(30));
        assert!(matches!(read(&waiting, " "), Err(Refusal::Invalid(_))));
        assert!(matches!(waiting.check_reply("grace", Some("Try again.")), Err(Refusal::Conflict(_))));
        let mut known = read(&waiting, "it waits").unwrap();
        assert_eq!((known.version, known.reads.len(), known.reads[0].at), (3, 1, at(60)));
        assert_eq!(known.check_reply("grace", Some("Try again.")), Ok(()));
        assert_eq!(known.check_reply("grace", None), Ok(()));
        assert!(matches!(known.check_reply("grace", Some("")), Err(Refusal::Invalid(_))));
        assert!(matches!(known.check_reply("alan", None), Err(Refusal::Conflict(_))));
        while known.reads.len() < MAX_READS {
            known = read(&known, "it waits").unwrap();
        }
        assert!(matches!(read(&known, "it waits"), Err(Refusal::Conflict(_))));
    }

    #[test]
    fn a_letter_from_an_account_is_a_ticket_that_is_answered_by_mail_until_its_owner_says_more() {
        let account = AccountId(uuid::Uuid::from_u128(7));
        let ticket = written("I cannot sign in").unwrap().to_ticket(account, at(60));
        assert_eq!((ticket.account, ticket.by_mail, ticket.waiting_since()), (account, true, Some(at(60))));
        let say = |ticket: &Ticket, from, second| {
            ticket.add_message(from, Some("more".to_owned()), false, at(second)).unwrap()
        };
        let answered = say(&ticket, MessageAuthor::Staff, 70);
        assert_eq!((answered.by_mail, answered.waiting_since()), (true, None));
        let asked = say(&say(&answered, MessageAuthor::Owner, 80), MessageAuthor::Owner, 90);
        assert_eq!((asked.by_mail, asked.waiting_since()), (false, Some(at(80))), "it waits since what was said first");
    }

    #[test]
    fn what_nobody_confirms_or_answers_goes() {
        let letter = written("I cannot sign in").unwrap();
        assert_eq!(letter.expires_at(), at(900));
        let day = 24 * 3_600;
        assert_eq!(letter.confirmed(at(60)).expires_at(), at(60 + day * i64::from(registry::GUEST_TICKET_DAYS)));
    }

    #[test]
    fn a_letter_has_a_subject_of_one_line() {
        assert!(matches!(written("two\nlines"), Err(Refusal::Invalid(_))));
    }
}
