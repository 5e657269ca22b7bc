//! Describes the API of guest tickets: support without an account.

use domain::{
    GuestTicketId,
    staff::role::Role::Support,
    support::guest_ticket::{GuestTicket, GuestTicketRead},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Opens a guest ticket and sends a code to the address. Without the code no staff member sees the ticket, and it is
    /// deleted after 15 minutes. An address opens at most three a day. A repeat opens another ticket.
    OPEN = post("/v1/support/guest-tickets", "support").public()
        .takes::<GuestTicketRequest>(r#"{"email": "ada@example.com", "subject": "A vase", "text": "It is cracked."}"#)
        .responds(202).problems(&[400, 409, 413, 415, 429]);

    /// Confirms the address of a guest ticket with the code that was sent to it. Staff reply by mail within 30 days. From
    /// the address of an account the ticket becomes a ticket of that account; any other is deleted with the reply. A code
    /// works once. An address has ten attempts an hour, a network sixty.
    CONFIRM = post("/v1/support/guest-tickets/confirm", "support").public()
        .takes::<GuestTicketConfirmation>(r#"{"email": "ada@example.com", "code": "12345678"}"#)
        .problems(&[400, 409, 413, 415, 429]);

    /// Reads an unanswered guest ticket (staff). The reply tells the guest who read it and why. A repeat is another read; a
    /// ticket has at most fifty.
    READ = post("/v1/staff/guest-tickets/{guest}/{ticket}/reads", "support")
        .staff(&[Support])
        .takes::<GuestTicketReadRequest>(r#"{"reason": "it waits"}"#)
        .returns::<GuestTicketView>(200).problems(&[400, 403, 404, 409, 413, 415, 429]);

    /// Replies to a guest ticket by mail, or closes it without a reply (staff who have read it). The ticket is deleted with
    /// that. If the mail cannot be sent the ticket stays.
    REPLY = post("/v1/staff/guest-tickets/{guest}/{ticket}/reply", "support")
        .staff(&[Support])
        .takes::<GuestTicketReply>(r#"{"text": "Mended."}"#)
        .parameters(&[IdempotencyKey]).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Carries a new guest ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestTicketRequest {
    /// The address for the reply.
    #[schema(format = "email", max_length = 128)]
    pub email: String,
    /// The subject: one line.
    #[schema(min_length = 1, max_length = 200)]
    pub subject: String,
    /// The message: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

/// Carries the code that was sent to the address of a guest ticket.
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

/// Says why a staff member reads a guest ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestTicketReadRequest {
    /// The reason. The guest gets it with the reply.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// Carries the reply to a guest ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestTicketReply {
    /// The reply. Without one the ticket is closed and no mail is sent.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: Option<String>,
}

/// Shows a guest ticket to staff.
#[derive(Serialize, ToSchema)]
pub struct GuestTicketView {
    /// The id.
    pub id: GuestTicketId,
    /// The address for the reply.
    pub email: String,
    /// The subject.
    pub subject: String,
    /// The message.
    pub text: String,
    /// Who of the staff read it, oldest first.
    pub reads: Vec<GuestTicketRead>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it is deleted, unless it is answered before.
    pub expires_at: Timestamp,
}

impl From<GuestTicket> for GuestTicketView {
    fn from(ticket: GuestTicket) -> Self {
        let expires_at = ticket.expires_at();
        let GuestTicket { id, email, subject, text, reads, created_at, .. } = ticket;
        Self { id, email, subject, text, reads, created_at, expires_at }
    }
}

/// Shows an unanswered guest ticket to staff, without its message.
#[derive(Serialize, ToSchema)]
pub struct OpenGuestTicketView {
    /// The guest: a keyed hash of the address.
    pub guest: String,
    /// The id of the ticket.
    pub id: GuestTicketId,
    /// When it was opened.
    pub created_at: Timestamp,
}

impl From<GuestTicket> for OpenGuestTicketView {
    fn from(GuestTicket { guest, id, created_at, .. }: GuestTicket) -> Self {
        Self { guest, id, created_at }
    }
}
