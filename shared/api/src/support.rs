//! The wire of tickets.

use domain::{
    AccountId, GuestTicketId, TicketId,
    support::guest_ticket::{GuestTicket, GuestTicketRead},
    support::ticket::{NewTicket, Ticket, TicketMessage, TicketStatus, TicketSubject},
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
    pub about: Option<TicketSubject>,
}

impl From<TicketRequest> for NewTicket {
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
    pub about: Option<TicketSubject>,
    /// Whose turn it is.
    pub status: TicketStatus,
    /// What was said, oldest first.
    pub messages: Vec<TicketMessage>,
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
pub struct GuestTicketRequest {
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
pub struct GuestTicketConfirmation {
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
pub struct GuestTicketReadRequest {
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// What staff say to a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestTicketReply {
    /// The words. Without any it is put aside: nobody is written to.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: Option<String>,
}

/// A letter, as staff read it.
#[derive(Serialize, ToSchema)]
pub struct GuestTicketView {
    /// Its id.
    pub id: GuestTicketId,
    /// Where the answer goes.
    pub email: String,
    /// What it is called.
    pub subject: String,
    /// The words.
    pub text: String,
    /// Who of the staff read it, oldest first.
    pub reads: Vec<GuestTicketRead>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it goes, unless it is answered before.
    pub expires_at: Timestamp,
}

impl From<GuestTicket> for GuestTicketView {
    fn from(letter: GuestTicket) -> Self {
        let expires_at = letter.expires_at();
        let GuestTicket { id, email, subject, text, reads, created_at, .. } = letter;
        Self { id, email, subject, text, reads, created_at, expires_at }
    }
}

/// A question that staff have not answered, without its words: they are read under an access.
#[derive(Serialize, ToSchema)]
pub struct OpenTicketView {
    /// Whose.
    pub account: AccountId,
    /// Its id.
    pub id: TicketId,
    /// Since when it waits.
    pub since: Timestamp,
}

impl OpenTicketView {
    /// A ticket, if it waits.
    #[must_use]
    pub fn of(ticket: &Ticket) -> Option<Self> {
        ticket.waiting_since().map(|since| Self { account: ticket.account, id: ticket.id, since })
    }
}

/// A letter that staff have not answered, without its words.
#[derive(Serialize, ToSchema)]
pub struct OpenGuestTicketView {
    /// From whom, under a keyed hash: what comes from one address has the same.
    pub guest: String,
    /// Its id.
    pub id: GuestTicketId,
    /// When it was written.
    pub created_at: Timestamp,
}

impl From<GuestTicket> for OpenGuestTicketView {
    fn from(GuestTicket { guest, id, created_at, .. }: GuestTicket) -> Self {
        Self { guest, id, created_at }
    }
}
