//! Opens, lists and continues support tickets; [`guest_tickets`] is support without an account.
//!
//! A ticket is one item of its account, with its messages. The generation or payment that it is about is referred to, and must
//! belong to the same account. An account opens at most ten tickets a day. Without an `Idempotency-Key` a repeat is another ticket,
//! or another message. Replies to a ticket that came by mail go by mail, until its owner adds a message here.

mod guest_tickets;

use std::sync::Arc;

use api::{
    MutationError, MutationResponse, Mutations, PageQuery, Paging, Routes, StaffDirectory, refusal_problem,
    store_problem,
    support::tickets::{self, TicketMessageRequest, TicketPage, TicketRequest, TicketView},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, Refusal, TicketId,
    support::ticket::{MessageAuthor, NewTicket, PER_DAY, Ticket, TicketStatus, TicketSubject},
};
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

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let staff = StaffDirectory::open(&environment, &clients, &mutations.table)?;
    let user_pool = UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?);
    let guest_state = guest_tickets::AppState {
        mutations: mutations.clone(),
        mail: Mail::open(&environment, &clients, &mutations.table),
        user_pool: Arc::new(user_pool),
    };
    Ok(routes()
        .into_router()
        .with_state(mutations.clone())
        .merge(
            guest_tickets::staff_routes()
                .into_router()
                .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
                .with_state(guest_state.clone()),
        )
        .route_layer(middleware::from_fn_with_state(mutations, api::require_active_account))
        .merge(guest_tickets::public_routes().into_router().with_state(guest_state)))
}

fn routes() -> Routes<Mutations> {
    Routes::new()
        .operation(&tickets::OPEN, open)
        .operation(&tickets::LIST, list)
        .operation(&tickets::ADD_MESSAGE, add_message)
}

async fn open(
    State(mutations): State<Mutations>,
    caller: Caller,
    request: MutatingRequest<TicketRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let ticket = Ticket::open(NewTicket::from(request.body), (TicketId(clock::uuid_at(now)), account), now);
    let mutation = mutations.begin(account, request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    let ticket = ticket.map_err(refusal_problem)?;
    mutations.limit("support", account.0.as_bytes(), (DAY_S, PER_DAY), now).await?;
    mutation
        .run(|| async {
            check_own_subject(&mutations.table, account, ticket.about).await?;
            let response = MutationResponse::created(TicketView::from(ticket.clone()))
                .at(format!("/v1/support/tickets/{}", ticket.id));
            let response = mutation.commit(&[Write::Ticket(&ticket)], response).await?;
            metric(Metric::Questions, 1, &[]);
            Ok(response)
        })
        .await
}

/// Refuses a ticket about a generation or payment that does not exist, or belongs to another account.
async fn check_own_subject(
    table: &Table,
    account: AccountId,
    about: Option<TicketSubject>,
) -> Result<(), MutationError> {
    let found = match about {
        None => true,
        Some(TicketSubject::Generation { id }) => table.generation(account, id).await?.is_some(),
        Some(TicketSubject::Payment { id }) => table.payment(account, id).await?.is_some(),
    };
    if found {
        Ok(())
    } else {
        Err(Refusal::invalid("about.id", "must be a generation or payment of your account").into())
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

async fn add_message(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictPath(id): StrictPath<TicketId>,
    request: MutatingRequest<TicketMessageRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let TicketMessageRequest { text, close } = request.body;
    let mutation = mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let ticket = mutations.table.ticket(account, id).await?.ok_or(Refusal::NotFound)?;
            let ticket = ticket.add_message(MessageAuthor::Owner, text.clone(), close, now)?;
            let response = MutationResponse::ok(TicketView::from(ticket.clone()));
            let response = mutation.commit(&[Write::Ticket(&ticket)], response).await?;
            if ticket.status == TicketStatus::Waiting {
                metric(Metric::Questions, 1, &[]);
            }
            Ok(response)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        let guest = &guest_tickets::public_routes().served() | &guest_tickets::staff_routes().served();
        assert_eq!(&routes().served() | &guest, api::operations_of("support"));
    }
}
