//! `POST, GET /v1/support/tickets`, `POST /v1/support/tickets/{id}/messages`: questions to staff, and what was said about
//! them; without an account, [`letters`].
//!
//! A ticket is one item in its owner's drawer, messages and all. What it is about is attached by reference and must be its
//! owner's. Ten are opened in a day. Without an `Idempotency-Key` a repeat is another ticket, or another message. One that
//! came as a letter is answered by mail, words and all, until its owner says more here.

mod letters;

use std::sync::Arc;

use api::{
    Attempt, MutationResponse, Mutations, PageQuery, Paging, store_problem,
    support::{TicketMessageRequest, TicketPage, TicketRequest, TicketView},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use domain::{
    AccountId, Refusal, TicketId,
    support::ticket::{MessageAuthor, NewTicket, PER_DAY, Ticket, TicketStatus, TicketSubject},
};
use http::StatusCode;
use lifecycle::user_pool::UserDirectory;
use mail::Mail;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Caller, MutatingRequest, Problem, StrictPath, StrictQuery},
    telemetry::{Metric, metric},
};
use store::{Table, Write};

const DAY_S: i64 = 86_400;

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let user_pool = UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?);
    let letters = letters::App {
        mutations: mutations.clone(),
        mail: Mail::open(&environment, &clients),
        user_pool: Arc::new(user_pool),
    };
    Ok(Router::new()
        .route("/v1/support/tickets", post(open).get(list))
        .route("/v1/support/tickets/{id}/messages", post(say))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(mutations)
        .merge(letters::routes(letters)))
}

async fn open(
    State(mutations): State<Mutations>,
    caller: Caller,
    request: MutatingRequest<TicketRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let ticket = Ticket::open(NewTicket::from(request.body), (TicketId(clock::uuid_at(now)), account), now);
    let mut mutation = mutations.begin(account, request.idempotency, now);
    if let Some(response) = mutation.answered().await? {
        return Ok(response);
    }
    let ticket = ticket.map_err(api::refusal_problem)?;
    mutations.limit("support", account.0.as_bytes(), (DAY_S, PER_DAY), now).await?;
    loop {
        let attempt: Result<Response, Attempt> = async {
            must_be_own(&mutations.table, account, ticket.about).await?;
            let location = Some(format!("/v1/support/tickets/{}", ticket.id));
            let answer =
                MutationResponse { status: StatusCode::CREATED, location, body: TicketView::from(ticket.clone()) };
            let response = mutation.commit(&[Write::Ticket(&ticket)], answer).await?;
            metric(Metric::Questions, 1, &[]);
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn must_be_own(table: &Table, account: AccountId, about: Option<TicketSubject>) -> Result<(), Attempt> {
    let found = match about {
        None => true,
        Some(TicketSubject::Generation { id }) => table.generation(account, id).await?.is_some(),
        Some(TicketSubject::Payment { id }) => table.payment(account, id).await?.is_some(),
    };
    if found {
        Ok(())
    } else {
        Err(Refusal::invalid("about.id", "must be something of yours that is still there").into())
    }
}

async fn list(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let account = AccountId(caller.account_id);
    let paging: Paging<'_, _, TicketId> = Paging::open(&mutations, ("tickets", account), query).await?;
    let page = mutations.table.tickets(account, paging.limit, paging.after).await.map_err(store_problem)?;
    let items = page.items.into_iter().map(TicketView::from).collect();
    Ok(axum::Json(TicketPage { items, next: paging.next(page.next)? }).into_response())
}

async fn say(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictPath(id): StrictPath<TicketId>,
    request: MutatingRequest<TicketMessageRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let body = request.body;
    let mut mutation = mutations.begin(account, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let before = mutations.table.ticket(account, id).await?.ok_or(Refusal::NotFound)?;
            let ticket = before.add_message(MessageAuthor::Owner, body.text.clone(), body.close, now)?;
            let answer =
                MutationResponse { status: StatusCode::OK, location: None, body: TicketView::from(ticket.clone()) };
            let response = mutation.commit(&[Write::Ticket(&ticket)], answer).await?;
            if ticket.status == TicketStatus::Waiting {
                metric(Metric::Questions, 1, &[]);
            }
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}
