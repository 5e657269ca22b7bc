//! The wire of tickets.

use domain::{
    TicketId,
    ticket::{About, Message, Question, Status, Ticket},
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
