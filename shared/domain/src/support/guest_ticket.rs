//! Guest tickets: messages to support from an address that is not signed in.
//!
//! A guest ticket reaches staff once its address is confirmed with a code. From the address of an account it becomes a
//! [ticket](crate::support::ticket) of that account. Any other is stored under a keyed hash of the address, in the
//! partition of no account, and is erased with an account that has the address later. A staff member who reads it
//! states why, which the guest is told with the reply. The reply deletes it. A guest ticket that is not confirmed, or
//! gets no reply, expires.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    generations::settings::check_text,
    ids::{AccountId, GuestTicketId, TicketId},
    refusal::{self, Refusal},
    registry::{self, DataFields},
    staff::justification::REASON_CHARACTERS,
    support::ticket::{MessageAuthor, NewTicket, Ticket, TicketMessage, TicketStatus},
};

/// Minutes for which the code is valid.
pub const CODE_MINUTES: i64 = 15;
/// The purpose of the keyed hash of an address.
pub const GUEST: &str = "guest ticket";
/// Guest tickets from one address in a day.
pub const PER_DAY: u64 = 3;
/// Most reads of a guest ticket.
const MAX_READS: usize = 50;

/// A guest ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct GuestTicket {
    /// Its id.
    #[data(plain)]
    pub id: GuestTicketId,
    /// The keyed hash of the address, under which it is stored.
    #[data(plain)]
    pub guest: String,
    /// The address for the reply.
    #[data(personal)]
    pub email: String,
    /// The subject.
    #[data(personal)]
    pub subject: String,
    /// The text.
    #[data(personal)]
    pub text: String,
    /// The stage.
    #[data(nested)]
    pub stage: GuestTicketStage,
    /// The staff members who read it, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[data(nested)]
    pub reads: Vec<GuestTicketRead>,
    /// When it was sent.
    #[data(plain)]
    pub created_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// A read of a guest ticket by a staff member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, utoipa::ToSchema)]
#[schema(as = GuestTicketRead)]
pub struct GuestTicketRead {
    /// The staff member, as a keyed hash.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// Why.
    #[data(plain)]
    pub reason: String,
}

/// The stage of a guest ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum GuestTicketStage {
    /// The address is not confirmed.
    Unconfirmed {
        /// The keyed hash of the code.
        #[data(plain)]
        code: String,
    },
    /// It waits for a reply.
    Waiting {
        /// Since when.
        #[data(plain)]
        since: Timestamp,
    },
}

impl GuestTicket {
    /// Opens a guest ticket, with the keyed hashes of the address and of the code that is sent there. It has no subject
    /// in an account, as its owner is not known yet.
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

    /// Says whether this is the keyed hash of its code, which is unused and has not expired.
    #[must_use]
    pub fn is_confirmed_by(&self, given: &str, now: Timestamp) -> bool {
        // Keyed hashes: the time of their comparison tells nothing about the code.
        matches!(&self.stage, GuestTicketStage::Unconfirmed { code } if code == given) && now < self.expires_at()
    }

    /// Confirms its address, so that it waits for a reply.
    #[must_use]
    pub fn confirmed(&self, now: Timestamp) -> Self {
        Self { stage: GuestTicketStage::Waiting { since: now }, version: self.version + 1, ..self.clone() }
    }

    /// Returns the ticket that it becomes in the account that has its address.
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

    /// Records that a staff member read it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if its address is not confirmed, [`Refusal::Invalid`] if the reason breaks a rule,
    /// [`Refusal::Conflict`] if it was read too often.
    pub fn read(&self, staff: String, reason: String, now: Timestamp) -> Result<Self, Refusal> {
        self.waiting_since().ok_or(Refusal::NotFound)?;
        if let Some(error) = refusal::check_text("reason", &reason, REASON_CHARACTERS) {
            return Err(Refusal::Invalid(vec![error]));
        }
        if self.reads.len() >= MAX_READS {
            return Err(Refusal::Conflict("the ticket was read fifty times: one of its readers must close it"));
        }
        let mut next = Self { version: self.version + 1, ..self.clone() };
        next.reads.push(GuestTicketRead { staff, at: now, reason });
        Ok(next)
    }

    /// Checks that a staff member may close it, with or without a reply.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if its address is not confirmed, [`Refusal::Conflict`] if the staff member has not read
    /// it, [`Refusal::Invalid`] if the text breaks a rule.
    pub fn check_reply(&self, staff: &str, text: Option<&str>) -> Result<(), Refusal> {
        self.waiting_since().ok_or(Refusal::NotFound)?;
        if self.reads.iter().all(|look| look.staff != staff) {
            return Err(Refusal::Conflict("read the ticket first"));
        }
        let error = text.and_then(|text| check_text("text", text));
        error.map_or(Ok(()), |error| Err(Refusal::Invalid(vec![error])))
    }

    /// Returns since when it waits for a reply.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Timestamp> {
        match self.stage {
            GuestTicketStage::Unconfirmed { .. } => None,
            GuestTicketStage::Waiting { since } => Some(since),
        }
    }

    /// Returns when it expires.
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
    fn guest_ticket_is_confirmed_by_its_code_in_time_only() {
        let ticket = written("I cannot sign in").unwrap();
        assert_eq!(ticket.waiting_since(), None);
        assert!(!ticket.is_confirmed_by("d", at(1)) && !ticket.is_confirmed_by("c", at(900)));
        assert!(ticket.is_confirmed_by("c", at(899)));
        let waiting = ticket.confirmed(at(899));
        assert_eq!((waiting.waiting_since(), waiting.version), (Some(at(899)), 2));
        assert!(!waiting.is_confirmed_by("c", at(899)), "a code is good once");
    }

    #[test]
    fn reply_needs_a_read_with_a_reason() {
        let read = |ticket: &GuestTicket, reason: &str| ticket.read("grace".to_owned(), reason.to_owned(), at(60));
        let ticket = written("I cannot sign in").unwrap();
        assert_eq!(read(&ticket, "it waits"), Err(Refusal::NotFound));
        let waiting = ticket.confirmed(at(30));
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
    fn guest_ticket_of_an_account_is_answered_by_mail_until_its_owner_writes() {
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
    fn guest_ticket_expires_unconfirmed_or_without_a_reply() {
        let ticket = written("I cannot sign in").unwrap();
        assert_eq!(ticket.expires_at(), at(900));
        let day = 24 * 3_600;
        assert_eq!(ticket.confirmed(at(60)).expires_at(), at(60 + day * i64::from(registry::GUEST_TICKET_DAYS)));
    }

    #[test]
    fn guest_ticket_needs_a_subject_of_one_line() {
        assert!(matches!(written("two\nlines"), Err(Refusal::Invalid(_))));
    }
}
