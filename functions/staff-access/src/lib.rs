//! `/v1/staff/accounts/{account}/..`: `accesses`, `holds`, `disclosures`: what staff may do with what is somebody's.
//!
//! Nothing stands open to staff. A member of staff opens an access for some minutes, with ticket and reason; each look
//! under it is a line in the owner's log of accesses, in one transaction conditioned on the account, before it is answered:
//! what could not be written down is not shown. A look that is repeated is another line. Questions are answered in the same
//! way, and their owner is told by mail that there is an answer, though not what it says; if we die before that mail, the
//! answer is there all the same.
//!
//! A legal hold keeps what it names from being erased. A disclosure is what a lawful request demands, put together for
//! whoever asked to fetch for a week. Both are lines of the log as well. What the law forbids to tell, the owner is told
//! when that time is over.
//!
//! For members of the user pool's group `staff`; for everybody else there are no such routes. An account that is being
//! deleted can be looked at only as long as something of it is held. Changes with the same `Idempotency-Key` give the same
//! answer.

mod answers;
mod collection;
mod disclosures;
mod holds;
mod looks;

use std::sync::Arc;

use api::{
    AppState, Attempt, MutationResponse,
    access::{AccessRequest, OpenedAccessView, staff_name},
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::Response,
    routing::{delete, get, post},
};
use domain::{AccountId, AuditEntryId, Refusal, staff::audit::AuditEntry};
use http::StatusCode;
use mail::Mail;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{MutatingRequest, Problem, Staff, StrictPath},
};
use store::Write;

/// The routes.
///
/// # Errors
/// A variable is missing; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let holdings = AppState::open_with(&environment, &clients).await?;
    let desk = answers::ReplyState { holdings: holdings.clone(), mail: Mail::open(&environment, &clients) };
    let answers = Router::new().route("/tickets/{ticket}/messages", post(answers::say)).with_state(desk);
    let looks = Router::new()
        .route("/profile", get(looks::profile))
        .route("/generations", get(looks::generations))
        .route("/generations/{generation}", get(looks::generation))
        .route("/uploads", get(looks::uploads))
        .route("/uploads/{upload}", get(looks::upload))
        .route("/payments", get(looks::payments))
        .route("/activity", get(looks::activity))
        .route("/tickets", get(looks::tickets))
        .merge(answers);
    let routes = Router::new()
        .route("/accesses", post(open))
        .nest("/accesses/{access}", looks)
        .route("/holds", post(holds::place).get(holds::list))
        .route("/holds/{hold}", delete(holds::release))
        .route("/disclosures", post(disclosures::make))
        .route("/disclosures/{disclosure}", get(disclosures::fetch));
    Ok(Router::new()
        .nest("/v1/staff/accounts/{account}", routes)
        .route_layer(middleware::from_fn_with_state(holdings.mutations.clone(), api::require_active_account))
        .with_state(holdings))
}

async fn open(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<AccessRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = name(&holdings, &staff).await?;
    let id = AuditEntryId(clock::uuid_at(now));
    let (why, lasts) = request.body.split(now).map_err(api::refusal_problem)?;
    let until = now + lasts;
    let mut mutation = holdings.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let owner = holdings.mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let opened = AuditEntry::open(&owner, (id, name.clone()), until, why.clone(), now)?;
            let body = OpenedAccessView { id, staff: name.clone(), until };
            let answer = MutationResponse { status: StatusCode::CREATED, location: None, body };
            mutation.commit(&[Write::AuditEntry(&opened), Write::Unchanged(&owner)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

/// What a member of staff is called in the logs.
async fn name(holdings: &AppState, staff: &Staff) -> Result<String, Problem> {
    Ok(staff_name(holdings.mutations.sealer().await?, AccountId(staff.0.account_id)))
}
