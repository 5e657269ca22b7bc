//! The wire of tickets.

use domain::{
    AccountId, LetterId, TicketId,
    support::guest_ticket::{Letter, Look},
    support::ticket::{About, Message, Question, Status, Ticket},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A question to staff.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// What it is called: one line.
    #[schema(min_length = 1, max_length = 200)]
    pub subject: String,
    /// The words: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
    /// What it is about: something of one's own.
    pub about: Option<About>,
}

impl From<TicketRequest> for Question {
    fn from(body: TicketRequest) -> Self {
        Self { subject: body.subject, text: body.text, about: body.about }
    }
}

/// One more message, or the end of it, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketMessageRequest {
    /// The words; needed unless it is closed.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: Option<String>,
    /// Whether it is closed with that; `false` if not given.
    #[serde(default)]
    pub close: bool,
}

/// A ticket, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct TicketView {
    /// Its id.
    pub id: TicketId,
    /// What it is called.
    pub subject: String,
    /// What it is about.
    pub about: Option<About>,
    /// Whose turn it is.
    pub status: Status,
    /// What was said, oldest first.
    pub messages: Vec<Message>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When something happened last.
    pub updated_at: Timestamp,
    /// When it goes, if nothing more is said.
    pub expires_at: Timestamp,
}

impl From<Ticket> for TicketView {
    fn from(ticket: Ticket) -> Self {
        let expires_at = ticket.expires_at();
        let Ticket { id, subject, about, messages, status, created_at, updated_at, .. } = ticket;
        Self { id, subject, about, status, messages, created_at, updated_at, expires_at }
    }
}

/// A page of one's tickets, newest first.
#[derive(Serialize, ToSchema)]
pub struct TicketPage {
    /// What is on it.
    pub items: Vec<TicketView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// A question of somebody who is not signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterRequest {
    /// Where the answer goes.
    #[schema(format = "email", max_length = 128)]
    pub email: String,
    /// What it is called: one line.
    #[schema(min_length = 1, max_length = 200)]
    pub subject: String,
    /// The words: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

/// The code that was sent to the address of a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterConfirmation {
    /// The address.
    #[schema(format = "email", max_length = 128)]
    pub email: String,
    /// The code.
    #[schema(min_length = 8, max_length = 8)]
    pub code: String,
}

/// Why a member of staff reads a letter. Whoever wrote it is told with the answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterLookRequest {
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// What staff say to a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterAnswer {
    /// The words. Without any it is put aside: nobody is written to.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: Option<String>,
}

/// A letter, as staff read it.
#[derive(Serialize, ToSchema)]
pub struct LetterView {
    /// Its id.
    pub id: LetterId,
    /// Where the answer goes.
    pub email: String,
    /// What it is called.
    pub subject: String,
    /// The words.
    pub text: String,
    /// Who of the staff read it, oldest first.
    pub looks: Vec<Look>,
    /// When it was written.
    pub written_at: Timestamp,
    /// When it goes, unless it is answered before.
    pub expires_at: Timestamp,
}

impl From<Letter> for LetterView {
    fn from(letter: Letter) -> Self {
        let expires_at = letter.expires_at();
        let Letter { id, email, subject, text, looks, written_at, .. } = letter;
        Self { id, email, subject, text, looks, written_at, expires_at }
    }
}

/// A question that staff have not answered, without its words: they are read under an access.
#[derive(Serialize, ToSchema)]
pub struct WaitingTicketView {
    /// Whose.
    pub account: AccountId,
    /// Its id.
    pub id: TicketId,
    /// Since when it waits.
    pub since: Timestamp,
}

impl WaitingTicketView {
    /// A ticket, if it waits.
    #[must_use]
    pub fn of(ticket: &Ticket) -> Option<Self> {
        ticket.waits_since().map(|since| Self { account: ticket.account, id: ticket.id, since })
    }
}

/// A letter that staff have not answered, without its words.
#[derive(Serialize, ToSchema)]
pub struct WaitingLetterView {
    /// From whom, under a keyed hash: what comes from one address has the same.
    pub writer: String,
    /// Its id.
    pub id: LetterId,
    /// When it was written.
    pub written_at: Timestamp,
}

impl From<Letter> for WaitingLetterView {
    fn from(Letter { writer, id, written_at, .. }: Letter) -> Self {
        Self { writer, id, written_at }
    }
}
