//! A ticket: what somebody asks staff, and what was said about it.
//!
//! `waiting -> answered -> waiting -> .. -> closed`. A ticket on which nothing was said for [`registry::TICKET_DAYS`] goes by
//! itself, whatever its state.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, GenerationId, PaymentId, Refusal, TicketId, generations::settings::check_text, refusal::FieldError,
    registry,
};

/// Longest subject, in characters.
pub const SUBJECT_CHARACTERS: usize = 200;
/// Most messages of a ticket. With the bytes that [a text](check_text) has, all of it fits into one item, and so does the
/// answer that is kept for an `Idempotency-Key`.
pub const MESSAGES: usize = 20;
/// Most tickets that are opened in a day.
pub const PER_DAY: u64 = 10;

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = TicketAuthor)]
#[serde(rename_all = "snake_case")]
pub enum MessageAuthor {
    /// Whose ticket it is.
    Owner,
    /// A member of staff.
    Staff,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = TicketMessage)]
pub struct TicketMessage {
    /// By whom.
    pub from: MessageAuthor,
    /// When.
    pub at: Timestamp,
    /// The words.
    pub text: String,
}

/// What a ticket is about, by reference: it stays where it is, and goes when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = TicketSubject)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TicketSubject {
    /// A generation.
    Generation {
        /// Which.
        id: GenerationId,
    },
    /// A payment.
    Payment {
        /// Which.
        id: PaymentId,
    },
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = TicketStatus)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    /// Staff have to say something.
    Waiting,
    /// Staff have said something.
    Answered,
    /// Nobody has to say anything any more.
    Closed,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Whose.
    pub account: AccountId,
    /// What it is called.
    pub subject: String,
    /// What it is about, if that is something of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<TicketSubject>,
    /// What was said, oldest first.
    pub messages: Vec<TicketMessage>,
    /// Whose turn it is.
    pub status: TicketStatus,
    /// Whether it came as a [letter](crate::letter), and its owner has said nothing since: perhaps they cannot sign in, so
    /// answers go to their address, words and all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_mail: bool,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When something happened last.
    pub updated_at: Timestamp,
    /// Counts the writes.
    pub version: u64,
}

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// What it is called.
    pub subject: String,
    /// The words.
    pub text: String,
    /// What it is about.
    pub about: Option<TicketSubject>,
}

/// The rules that a subject breaks.
pub(crate) fn check_subject(subject: &str) -> Vec<FieldError> {
    let mut errors: Vec<_> = check_text("subject", subject).into_iter().collect();
    if subject.chars().count() > SUBJECT_CHARACTERS || subject.contains('\n') {
        errors.push(FieldError::new("subject", format!("one line of at most {SUBJECT_CHARACTERS} characters")));
    }
    errors
}

impl Ticket {
    /// A new ticket.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that breaks a rule.
    pub fn open(question: NewTicket, (id, account): (TicketId, AccountId), now: Timestamp) -> Result<Self, Refusal> {
        let NewTicket { subject, text, about } = question;
        let mut errors = check_subject(&subject);
        errors.extend(check_text("text", &text));
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        Ok(Self {
            id,
            account,
            subject,
            about,
            messages: vec![TicketMessage { from: MessageAuthor::Owner, at: now, text }],
            status: TicketStatus::Waiting,
            by_mail: false,
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }

    /// The ticket with one more message, closed, or both.
    ///
    /// # Errors
    /// There is neither, the text breaks a rule, the ticket is closed already, or there is no room for more.
    pub fn add_message(
        &self,
        from: MessageAuthor,
        text: Option<String>,
        close: bool,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if text.is_none() && !close {
            return Err(Refusal::invalid("text", "is needed unless it is closed"));
        }
        if let Some(error) = text.as_deref().and_then(|text| check_text("text", text)) {
            return Err(Refusal::Invalid(vec![error]));
        }
        if self.status == TicketStatus::Closed {
            return Err(Refusal::Conflict("it is closed: open another one"));
        }
        // Whoever asks leaves the last place to the answer.
        let room = if from == MessageAuthor::Owner { MESSAGES - 1 } else { MESSAGES };
        if text.is_some() && self.messages.len() >= room {
            return Err(Refusal::Conflict("it is full: close it and open another one"));
        }
        let by_mail = self.by_mail && from == MessageAuthor::Staff;
        let mut next = Self { by_mail, updated_at: now, version: self.version + 1, ..self.clone() };
        if let Some(text) = text {
            next.messages.push(TicketMessage { from, at: now, text });
            next.status = match from {
                MessageAuthor::Owner => TicketStatus::Waiting,
                MessageAuthor::Staff => TicketStatus::Answered,
            };
        }
        if close {
            next.status = TicketStatus::Closed;
        }
        Ok(next)
    }

    /// Since when staff have to say something: since the first words that they have not answered.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Timestamp> {
        let unanswered = self.messages.iter().rev().take_while(|message| message.from == MessageAuthor::Owner);
        unanswered.last().map(|first| first.at).filter(|_| self.status == TicketStatus::Waiting)
    }

    /// When it goes, if nothing more is said.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.updated_at + SignedDuration::from_hours(24 * i64::from(registry::TICKET_DAYS))
    }
}
