//! Opens and confirms guest tickets, and lets staff read and reply to them: support without an account.
//!
//! A guest gets a code at the address that they gave. Staff see the ticket only after the code was entered, so a guest ticket sends
//! no mail to another person except the code, which says so. Tickets are limited by address and by network.
//!
//! From the address of an account the ticket becomes a ticket of that account, unless the account is being deleted; the response is
//! the same. Any other is read by staff who say why, which is written before the ticket is shown. The reply goes to the address by
//! mail, with who read the ticket and why, and the ticket is deleted. Staff can also close it without a reply.
//!
//! A repeat opens another ticket; a code works once; a repeated read is another read. If the process crashes between the mail and
//! the deletion, the ticket still waits, and the guest may get a second reply; so it is if two staff members reply at the same time.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, Routes, Staff, contended, refusal_problem, store_problem,
    support::guest_tickets::{
        self, GuestTicketConfirmation, GuestTicketReadRequest, GuestTicketReply, GuestTicketRequest, GuestTicketView,
    },
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, GuestTicketId, Refusal,
    accounts::email,
    support::guest_ticket::{CODE_MINUTES, GUEST, GuestTicket, GuestTicketRead, PER_DAY},
    support::ticket::NewTicket,
};
use http::StatusCode;
use lifecycle::user_pool::UserDirectory;
use mail::{Language, Mail, Message, Read};
use runtime::{
    clock,
    http::{MutatingRequest, Problem, RequestContext, StrictJson, StrictPath},
    seal::Sealer,
    telemetry::{Metric, metric},
};
use store::{CommitError, Write, staff_act};
use tokio::sync::OnceCell;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// The number of tickets that a network may open in an hour, and wider ones four times as many each: each sends a mail.
const TICKETS_PER_NETWORK: u64 = 30;
/// The number of codes that may be tried for an address from one network in an hour.
const ATTEMPTS_PER_ADDRESS: u64 = 10;
/// The number of codes that may be tried for an address from all networks together in an hour.
const ATTEMPTS_PER_ADDRESS_OF_ALL: u64 = 100;
/// The number of codes that may be tried from a network in an hour, and from wider ones four times as many each.
const ATTEMPTS_PER_NETWORK: u64 = 60;
/// The purpose of the keyed hash of codes.
const PURPOSE: &str = "guest ticket code";

#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) mutations: Mutations,
    pub(crate) mail: Option<Mail>,
    pub(crate) user_pool: Arc<UserDirectory>,
}

pub(crate) fn public_routes() -> Routes<AppState> {
    Routes::new().operation(&guest_tickets::OPEN, open).operation(&guest_tickets::CONFIRM, confirm)
}

pub(crate) fn staff_routes() -> Routes<AppState> {
    Routes::new().operation(&guest_tickets::READ, read).operation(&guest_tickets::REPLY, reply)
}

async fn open(
    State(state): State<AppState>,
    context: RequestContext,
    StrictJson(body): StrictJson<GuestTicketRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let email = normalize(&body.email)?;
    let new = NewTicket { subject: body.subject, text: body.text, about: None };
    let mail = state.mail()?;
    let sealer = state.mutations.sealer().await?;
    let code = mail::code();
    let hashes = (email.clone(), guest(sealer, &email), code_hash(sealer, &email, &code));
    let ticket = GuestTicket::open(new, GuestTicketId(clock::uuid_at(now)), hashes, now).map_err(refusal_problem)?;
    let network_limit = (HOUR_S, TICKETS_PER_NETWORK);
    state.mutations.limit_networks("guest-ticket-network", &context.networks(), network_limit, now).await?;
    state.mutations.limit("guest-ticket-address", email.as_bytes(), (DAY_S, PER_DAY), now).await?;
    state.mutations.table.commit(&[Write::GuestTicket(&ticket)]).await.map_err(commit_problem)?;
    let message = Message::GuestTicketCode { code: &code, minutes: CODE_MINUTES };
    mail.send(&email, Language::English, &message).await.map_err(Problem::internal)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

async fn confirm(
    State(state): State<AppState>,
    context: RequestContext,
    StrictJson(body): StrictJson<GuestTicketConfirmation>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let email = normalize(&body.email)?;
    let network_limit = (HOUR_S, ATTEMPTS_PER_NETWORK);
    state.mutations.limit_networks("guest-ticket-code-network", &context.networks(), network_limit, now).await?;
    let address_limits = [(HOUR_S, ATTEMPTS_PER_ADDRESS), (HOUR_S, ATTEMPTS_PER_ADDRESS_OF_ALL)];
    state.mutations.limit_address("guest-ticket-code", &email, &context, address_limits, now).await?;
    let sealer = state.mutations.sealer().await?;
    let given = code_hash(sealer, &email, &body.code);
    let table = &state.mutations.table;
    let tickets = table.guest_tickets(&guest(sealer, &email)).await.map_err(store_problem)?;
    let ticket = tickets.into_iter().find(|ticket| ticket.is_confirmed_by(&given, now)).ok_or_else(|| {
        Problem::invalid("code", "must be the latest code that was sent to this address, unused and not expired")
    })?;
    let committed = match state.account_of(&email).await? {
        Some(account) => {
            let converted = ticket.to_ticket(account, now);
            table.commit(&[Write::Ticket(&converted), Write::RemoveGuestTicket(&ticket)]).await
        }
        None => table.commit(&[Write::GuestTicket(&ticket.confirmed(now))]).await,
    };
    committed.map_err(commit_problem)?;
    metric(Metric::Questions, 1, &[]);
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn read(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath((guest, id)): StrictPath<(String, GuestTicketId)>,
    StrictJson(body): StrictJson<GuestTicketReadRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let staff = state.mutations.staff_name(&caller).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), None, now).await?;
    let response = mutation
        .run(|| async {
            let ticket = state.mutations.table.guest_ticket(&guest, id).await?.ok_or(Refusal::NotFound)?;
            let ticket = ticket.read(staff.clone(), body.reason.clone(), now)?;
            let view = GuestTicketView::from(ticket.clone());
            let act = staff_act(&staff, "read_guest_ticket", (id, ""), now);
            mutation.commit(&[Write::GuestTicket(&ticket), Write::StaffAct(&act)], MutationResponse::ok(view)).await
        })
        .await?;
    // The ticket is deleted with the reply, and its list of reads too. The log remains.
    tracing::info!(staff, guest_ticket = %id, "guest ticket was read");
    Ok(response)
}

async fn reply(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictPath((guest, id)): StrictPath<(String, GuestTicketId)>,
    request: MutatingRequest<GuestTicketReply>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let text = request.body.text;
    let mail = state.mail()?;
    let table = &state.mutations.table;
    let staff = state.mutations.staff_name(&caller).await?;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    let mailed = OnceCell::new();
    mutation
        .run(|| async {
            let ticket = table.guest_ticket(&guest, id).await?.ok_or(Refusal::NotFound)?;
            ticket.check_reply(&staff, text.as_deref())?;
            if let Some(text) = text.as_deref() {
                let message = reply_message(text, &ticket);
                let send =
                    async || mail.send(&ticket.email, Language::English, &message).await.map_err(Problem::internal);
                mailed.get_or_try_init(send).await?;
            }
            let act = staff_act(&staff, "closed_guest_ticket", (id, ""), now);
            let writes = [Write::RemoveGuestTicket(&ticket), Write::StaffAct(&act)];
            let response = mutation.commit(&writes, MutationResponse::no_content()).await?;
            tracing::info!(staff, guest_ticket = %id, "guest ticket was closed");
            metric(Metric::Answers, 1, &[]);
            Ok(response)
        })
        .await
}

impl AppState {
    /// # Errors
    /// 409 if the operator has set up no mail: no address could be confirmed.
    fn mail(&self) -> Result<&Mail, Problem> {
        let no_mail = || Problem::conflict("This deployment sends no mail: its operator has not set MailFrom.");
        self.mail.as_ref().ok_or_else(no_mail)
    }

    /// Returns the account that has this address, unless it is being deleted.
    async fn account_of(&self, email: &str) -> Result<Option<AccountId>, Problem> {
        let Some(id) = self.user_pool.account_of(email).await.map_err(Problem::internal)? else { return Ok(None) };
        let account = self.mutations.table.account(id).await.map_err(store_problem)?;
        Ok(account.filter(|account| account.email == email && account.deletion.is_none()).map(|account| account.id))
    }
}

/// Composes the mail with a reply: its text, the subject of the ticket, and who read it and why.
fn reply_message<'a>(text: &'a str, ticket: &'a GuestTicket) -> Message<'a> {
    let read =
        |read: &'a GuestTicketRead| Read { at: format!("{:.0}", read.at), staff: &read.staff, reason: &read.reason };
    Message::GuestTicketReply { reply: text, subject: &ticket.subject, reads: ticket.reads.iter().map(read).collect() }
}

fn normalize(address: &str) -> Result<String, Problem> {
    email::normalize(address).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))
}

/// Hashes an address: the key under which its tickets are stored.
fn guest(sealer: &Sealer, email: &str) -> String {
    sealer.keyed_hash(GUEST, email.as_bytes())
}

/// Hashes a code. Only the hash is stored. A code works for its own address only.
fn code_hash(sealer: &Sealer, email: &str, code: &str) -> String {
    sealer.keyed_hash(PURPOSE, format!("{email} {code}").as_bytes())
}

fn commit_problem(error: CommitError) -> Problem {
    match error {
        CommitError::Store(error) => store_problem(error),
        CommitError::Stale | CommitError::Replayed(_) | CommitError::AccountGone => contended(),
    }
}
