//! `POST /v1/support/letters`, `POST /v1/support/letters/confirm`, and for staff
//! `POST /v1/staff/letters/{writer}/{letter}/looks`, `POST /v1/staff/letters/{writer}/{letter}/answer`: help for whoever is
//! not signed in.
//!
//! Whoever writes gets a code at the address that they gave; only with it the letter waits for staff, so nobody is written
//! to in another's name but with that code, which says so. What comes from one address, and from one network, is counted.
//!
//! From the address of an account it becomes a ticket of that account, unless that is being deleted; whoever wrote it is
//! answered in the same way and cannot tell. Any other is read by staff who say why, which is written down before anything
//! is shown. Their answer goes to the address by mail, with who read it and why, and the letter is gone; what deserves no
//! answer is put aside without one.
//!
//! A repeat of a letter is another letter; a code is good once. A look that is repeated is another look. If we die between
//! the mail with an answer and the removal, the letter still waits, and is answered twice at worst; so it is if two members
//! of staff answer it in the same moment.

use std::{fmt::Write as _, sync::Arc};

use api::{
    Attempt, MutationResponse, Mutations,
    access::staff_name,
    store_problem,
    support::{GuestTicketConfirmation, GuestTicketReadRequest, GuestTicketReply, GuestTicketRequest, GuestTicketView},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use domain::{
    AccountId, GuestTicketId, Refusal,
    accounts::email,
    support::guest_ticket::{CODE_MINUTES, GUEST, GuestTicket, PER_DAY},
    support::ticket::NewTicket,
};
use http::StatusCode;
use lifecycle::user_pool::UserDirectory;
use mail::Mail;
use runtime::{
    clock,
    http::{MutatingRequest, Problem, RequestContext, Staff, StrictJson, StrictPath},
    seal::Sealer,
    telemetry::{Metric, metric},
};
use store::{CommitError, Write};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// Letters that come from one network in an hour: each sends a mail.
const PER_NETWORK: u64 = 30;
/// Codes that are tried for one address in an hour.
const TRIES: u64 = 10;
/// Codes that are tried from one network in an hour.
const TRIES_PER_NETWORK: u64 = 60;
/// The purpose of the keyed hash of a code.
const PURPOSE: &str = "letter code";
/// What the mails are called.
const SUBJECT: &str = "Your question to Darkroom";

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) mutations: Mutations,
    pub(crate) mail: Option<Mail>,
    pub(crate) user_pool: Arc<UserDirectory>,
}

/// The routes.
pub(crate) fn routes(app: App) -> Router {
    let staff = Router::new()
        .route("/v1/staff/letters/{writer}/{letter}/looks", post(look))
        .route("/v1/staff/letters/{writer}/{letter}/answer", post(answer))
        .route_layer(middleware::from_fn_with_state(app.mutations.clone(), api::require_active_account));
    Router::new()
        .route("/v1/support/letters", post(write))
        .route("/v1/support/letters/confirm", post(confirm))
        .merge(staff)
        .with_state(app)
}

async fn write(
    State(app): State<App>,
    context: RequestContext,
    StrictJson(body): StrictJson<GuestTicketRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let (email, question) = (address(&body.email)?, NewTicket { subject: body.subject, text: body.text, about: None });
    let mail = app.mail()?;
    let sealer = app.mutations.sealer().await?;
    let code = mail::code();
    let hashes = (email.clone(), writer(sealer, &email), code_hash(sealer, &email, &code));
    let letter =
        GuestTicket::open(question, GuestTicketId(clock::uuid_at(now)), hashes, now).map_err(api::refusal_problem)?;
    app.mutations.limit("letter-network", context.client_network().as_bytes(), (HOUR_S, PER_NETWORK), now).await?;
    app.mutations.limit("letter-address", email.as_bytes(), (DAY_S, PER_DAY), now).await?;
    app.mutations.table.commit(&[Write::GuestTicket(&letter)]).await.map_err(unwritten)?;
    let text = format!(
        "Somebody wrote to Darkroom and gave this address for the answer.\n\n\
         The code that sends the letter off is {code}. It is good for {CODE_MINUTES} minutes.\n\n\
         If that was not you, do nothing: without the code nobody reads the letter, and it is deleted.\n"
    );
    mail.send(&email, SUBJECT, &text).await.map_err(Problem::internal)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

async fn confirm(
    State(app): State<App>,
    context: RequestContext,
    StrictJson(body): StrictJson<GuestTicketConfirmation>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let email = address(&body.email)?;
    let network = context.client_network();
    app.mutations.limit("letter-code-network", network.as_bytes(), (HOUR_S, TRIES_PER_NETWORK), now).await?;
    app.mutations.limit("letter-code", email.as_bytes(), (HOUR_S, TRIES), now).await?;
    let sealer = app.mutations.sealer().await?;
    let given = code_hash(sealer, &email, &body.code);
    let letters = app.mutations.table.guest_tickets(&writer(sealer, &email)).await.map_err(store_problem)?;
    let letter = letters.into_iter().find(|letter| letter.is_confirmed_by(&given, now)).ok_or_else(|| {
        Problem::invalid("code", "must be the code that was last sent to this address, unused and not expired")
    })?;
    let table = &app.mutations.table;
    let written = match app.account_of(&email).await? {
        Some(account) => {
            table.commit(&[Write::Ticket(&letter.to_ticket(account, now)), Write::RemoveGuestTicket(&letter)]).await
        }
        None => table.commit(&[Write::GuestTicket(&letter.confirmed(now))]).await,
    };
    written.map_err(unwritten)?;
    metric(Metric::Questions, 1, &[]);
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn look(
    State(app): State<App>,
    Staff(caller): Staff,
    StrictPath((writer, id)): StrictPath<(String, GuestTicketId)>,
    StrictJson(body): StrictJson<GuestTicketReadRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let staff = staff_name(app.mutations.sealer().await?, AccountId(caller.account_id));
    let letter =
        app.mutations.table.guest_ticket(&writer, id).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    let read = letter.read(staff.clone(), body.reason, now).map_err(api::refusal_problem)?;
    app.mutations.table.commit(&[Write::GuestTicket(&read)]).await.map_err(unwritten)?;
    // The letter goes with its answer, and what is written down in it too.
    tracing::info!(staff, letter = %id, "a letter is read");
    Ok(axum::Json(GuestTicketView::from(read)).into_response())
}

async fn answer(
    State(app): State<App>,
    Staff(caller): Staff,
    StrictPath((writer, id)): StrictPath<(String, GuestTicketId)>,
    request: MutatingRequest<GuestTicketReply>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let said = request.body.text;
    let mail = app.mail()?;
    let staff = staff_name(app.mutations.sealer().await?, AccountId(caller.account_id));
    let mut mailed = false;
    let mut mutation = app.mutations.begin(AccountId(caller.account_id), request.idempotency, now);
    if let Some(response) = mutation.answered().await? {
        return Ok(response);
    }
    loop {
        let attempt: Result<Response, Attempt> = async {
            let letter = app.mutations.table.guest_ticket(&writer, id).await?.ok_or(Refusal::NotFound)?;
            letter.check_reply(&staff, said.as_deref())?;
            if let Some(said) = said.as_deref().filter(|_| !mailed) {
                mail.send(&letter.email, SUBJECT, &words(said, &letter)).await.map_err(Problem::internal)?;
                mailed = true;
            }
            let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
            let response = mutation.commit(&[Write::RemoveGuestTicket(&letter)], answer).await?;
            metric(Metric::Answers, 1, &[]);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

impl App {
    /// # Errors
    /// 409 where the operator has set up no mail: nothing could be confirmed or answered.
    fn mail(&self) -> Result<&Mail, Problem> {
        let none = || Problem::conflict("this deployment sends no mail: its operator has not set MailFrom");
        self.mail.as_ref().ok_or_else(none)
    }

    /// The account that has this address, unless it is being deleted: nothing new comes into that.
    async fn account_of(&self, email: &str) -> Result<Option<AccountId>, Problem> {
        let Some(id) = self.user_pool.account_of(email).await.map_err(Problem::internal)? else { return Ok(None) };
        let account = self.mutations.table.account(id).await.map_err(store_problem)?;
        Ok(account.filter(|account| account.email == email && account.deletion.is_none()).map(|account| account.id))
    }
}

/// What is mailed as the answer to a letter.
fn words(said: &str, letter: &GuestTicket) -> String {
    let mut text =
        format!("{said}\n\nThis answers what you wrote to us: {}\n\nIt was read by our staff:\n", letter.subject);
    for look in &letter.reads {
        // Nothing can fail here: a string takes everything.
        let _ = writeln!(text, "{:.0}, {}: {}", look.at, look.staff, look.reason);
    }
    text.push_str("\nNow that it is answered it is deleted.\n");
    text
}

fn address(text: &str) -> Result<String, Problem> {
    email::normalize(text).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))
}

/// Under what the letters of an address lie.
fn writer(sealer: &Sealer, email: &str) -> String {
    sealer.keyed_hash(GUEST, email.as_bytes())
}

/// What is kept of a code. It is good for its own address alone.
fn code_hash(sealer: &Sealer, email: &str, code: &str) -> String {
    sealer.keyed_hash(PURPOSE, format!("{email} {code}").as_bytes())
}

fn unwritten(error: CommitError) -> Problem {
    match error {
        CommitError::Store(error) => store_problem(error),
        CommitError::Stale | CommitError::Replayed(_) | CommitError::AccountGone => {
            Problem::conflict("it is being changed by other requests: try again").with_retry_after(1)
        }
    }
}
