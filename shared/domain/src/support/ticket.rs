//! Tickets: messages between an account owner and support.
//!
//! `waiting -> answered -> waiting -> .. -> closed`. A ticket in any state expires [`registry::TICKET_DAYS`] after its
//! last message.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    generations::settings::check_text,
    ids::{AccountId, GenerationId, PaymentId, TicketId},
    refusal::{FieldError, Refusal},
    registry::{self, DataFields},
};

/// Longest subject, in characters.
pub const SUBJECT_CHARACTERS: usize = 200;
/// Most messages of a ticket. At the longest [text](check_text) all of them fit into one item, and into the response
/// that is stored for an `Idempotency-Key`.
pub const MESSAGES: usize = 20;
/// Most tickets that an account opens in a day.
pub const PER_DAY: u64 = 10;

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = TicketAuthor)]
#[serde(rename_all = "snake_case")]
pub enum MessageAuthor {
    /// The account owner.
    Owner,
    /// A staff member.
    Staff,
}

/// A message of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = TicketMessage)]
pub struct TicketMessage {
    /// Its author.
    #[data(plain)]
    pub from: MessageAuthor,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// The text.
    #[data(personal)]
    pub text: String,
}

/// What a ticket is about. It is a reference, which may expire before the ticket.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema,
)]
#[schema(as = TicketSubject)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TicketSubject {
    /// A generation.
    Generation {
        /// Its id.
        #[data(plain)]
        id: GenerationId,
    },
    /// A payment.
    Payment {
        /// Its id.
        #[data(plain)]
        id: PaymentId,
    },
}

/// The status of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = TicketStatus)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    /// It waits for a reply by staff.
    Waiting,
    /// Staff replied.
    Answered,
    /// It is closed.
    Closed,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Ticket {
    /// Its id.
    #[data(plain)]
    pub id: TicketId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The subject.
    #[data(personal)]
    pub subject: String,
    /// The generation or payment that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub about: Option<TicketSubject>,
    /// The messages, oldest first.
    #[data(nested)]
    pub messages: Vec<TicketMessage>,
    /// The status.
    #[data(plain)]
    pub status: TicketStatus,
    /// Whether it was a [guest ticket](crate::support::guest_ticket) and its owner has sent no message since. They may
    /// be unable to sign in, so replies are mailed with their full text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[data(plain)]
    pub by_mail: bool,
    /// When it was opened.
    #[data(plain)]
    pub created_at: Timestamp,
    /// When it changed last.
    #[data(plain)]
    pub updated_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// A ticket to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The generation or payment that it is about.
    pub about: Option<TicketSubject>,
}

/// Returns the rules that a subject breaks.
pub(crate) fn check_subject(subject: &str) -> Vec<FieldError> {
    let mut errors: Vec<_> = check_text("subject", subject).into_iter().collect();
    if subject.chars().count() > SUBJECT_CHARACTERS || subject.contains('\n') {
        errors.push(FieldError::new("subject", format!("one line of at most {SUBJECT_CHARACTERS} characters")));
    }
    errors
}

impl Ticket {
    /// Opens a ticket.
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

    /// Adds a message, closes the ticket, or both.
    ///
    /// # Errors
    /// Neither is given, the text breaks a rule, the ticket is closed, or it has the most messages.
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
            return Err(Refusal::Conflict("the ticket is closed: open another one"));
        }
        // The last place is for a reply by staff.
        let room = if from == MessageAuthor::Owner { MESSAGES - 1 } else { MESSAGES };
        if text.is_some() && self.messages.len() >= room {
            return Err(Refusal::Conflict("the ticket is full: close it and open another one"));
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

    /// Returns since when it waits for a reply: since the first message after the last reply.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Timestamp> {
        let unanswered = self.messages.iter().rev().take_while(|message| message.from == MessageAuthor::Owner);
        unanswered.last().map(|first| first.at).filter(|_| self.status == TicketStatus::Waiting)
    }

    /// Returns when it expires without another message.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.updated_at + SignedDuration::from_hours(24 * i64::from(registry::TICKET_DAYS))
    }
}
