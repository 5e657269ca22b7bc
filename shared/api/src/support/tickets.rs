//! Describes the API of support tickets.

use domain::{
    AccountId, TicketId,
    support::ticket::{NewTicket, Ticket, TicketMessage, TicketStatus, TicketSubject},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{
    Parameter::{IdempotencyKey, Page},
    operations,
};

operations! {
    /// Opens a support ticket, about a generation or a payment if it says so. An account opens at most ten a day. Without an
    /// Idempotency-Key a repeat opens another ticket.
    OPEN = post("/v1/support/tickets", "support")
        .takes::<TicketRequest>(r#"{"subject": "A vase", "text": "It is cracked."}"#)
        .parameters(&[IdempotencyKey])
        .returns::<TicketView>(201).problems(&[400, 409, 413, 415, 422, 429]);

    /// Lists the account's tickets with their messages, newest first. A ticket is deleted 180 days after its last message.
    LIST = get("/v1/support/tickets", "support")
        .parameters(&[Page]).returns::<TicketPage>(200).problems(&[400]);

    /// Adds a message to a ticket, closes it, or both. Without an Idempotency-Key a repeat adds another message.
    ADD_MESSAGE = post("/v1/support/tickets/{id}/messages", "support")
        .takes::<TicketMessageRequest>(r#"{"text": "Still.", "close": true}"#)
        .parameters(&[IdempotencyKey])
        .returns::<TicketView>(200).problems(&[400, 404, 409, 413, 415, 422, 429]);
}

/// Carries a new ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// The subject: one line.
    #[schema(min_length = 1, max_length = 200)]
    pub subject: String,
    /// The first message: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
    /// The generation or payment of the account that it is about.
    pub about: Option<TicketSubject>,
}

impl From<TicketRequest> for NewTicket {
    fn from(body: TicketRequest) -> Self {
        Self { subject: body.subject, text: body.text, about: body.about }
    }
}

/// Carries a message, closes the ticket, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketMessageRequest {
    /// The message. Required unless the ticket is closed.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: Option<String>,
    /// Whether the ticket is closed; `false` if absent.
    #[serde(default)]
    pub close: bool,
}

/// Shows a ticket to the account owner.
#[derive(Serialize, ToSchema)]
pub struct TicketView {
    /// The id.
    pub id: TicketId,
    /// The subject.
    pub subject: String,
    /// The generation or payment that it is about.
    pub about: Option<TicketSubject>,
    /// Whether it waits for staff, is answered, or is closed.
    pub status: TicketStatus,
    /// The messages, oldest first.
    pub messages: Vec<TicketMessage>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it is deleted, unless there is another message.
    pub expires_at: Timestamp,
}

impl From<Ticket> for TicketView {
    fn from(ticket: Ticket) -> Self {
        let expires_at = ticket.expires_at();
        let Ticket { id, subject, about, messages, status, created_at, updated_at, .. } = ticket;
        Self { id, subject, about, status, messages, created_at, updated_at, expires_at }
    }
}

/// Shows a page of the account's tickets, newest first.
#[derive(Serialize, ToSchema)]
pub struct TicketPage {
    /// The tickets.
    pub items: Vec<TicketView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Shows an unanswered ticket to staff, without its messages. They are read under a staff access.
#[derive(Serialize, ToSchema)]
pub struct OpenTicketView {
    /// The id of the account.
    pub account: AccountId,
    /// The id of the ticket.
    pub id: TicketId,
    /// Since when it waits.
    pub since: Timestamp,
}

impl OpenTicketView {
    /// Shows a ticket; `None` unless it waits for staff.
    #[must_use]
    pub fn of(ticket: &Ticket) -> Option<Self> {
        ticket.waiting_since().map(|since| Self { account: ticket.account, id: ticket.id, since })
    }
}
