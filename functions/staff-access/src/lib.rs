//! Lets staff find accounts, read their data, reply to their tickets, end their sessions, place legal holds, and create disclosures.
//!
//! Staff have no standing access. A staff member opens an access for some minutes, with reference and reason. Each read under it
//! writes an entry of the owner's access log, in one transaction that is conditioned on the account, before it responds: what
//! could not be logged is not shown. A repeated read is another entry. Replies to tickets work the same way; the owner gets a
//! mail that there is a reply, without its text. If the process crashes before that mail, the reply is there all the same.
//!
//! A legal hold retains the data that it names. A disclosure is the data that a lawful request demands; the staff member who
//! created it can download it for a week. Both write entries of the access log. An entry that must not be disclosed appears to the
//! owner when that period is over.
//!
//! An access that must not be disclosed, and every disclosure, shows nothing until a second staff member approves it. Nobody acts on
//! their own account.
//!
//! For staff members with a role of the operation and a recent sign-in; everyone else gets 404. An account that is being deleted can be read only as long
//! as a hold retains something. With the same `Idempotency-Key` a repeated change gets the same response.

mod accounts;
mod approvals;
mod collection;
mod disclosures;
mod holds;
mod reads;
mod replies;

use std::sync::Arc;

use api::{
    AppState, Mutation, MutationResponse, Routes, Staff, StaffDirectory, refusal_problem,
    staff::{
        access::{self, AccessRequest, OpenedAccessView},
        approvals as approval_operations, disclosures as disclosure_operations, holds as hold_operations,
    },
};
use axum::{Router, extract::State, middleware, response::Response};
use domain::{
    AccountId, AuditEntryId, Refusal,
    staff::{approval::Approval, audit::AuditEntry},
};
use jiff::{SignedDuration, Timestamp};
use lifecycle::user_pool::UserDirectory;
use mail::Mail;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{MutatingRequest, Problem, StrictPath},
    telemetry::{Metric, metric},
};
use serde::Serialize;
use store::Write;

/// Builds the router.
///
/// # Errors
/// A variable is missing; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let state = AppState::open_with(&environment, &clients).await?;
    let staff = StaffDirectory::open(&environment, &clients, &state.mutations.table)?;
    let user_pool = UserDirectory::new(clients.cognito().clone(), environment.required("USER_POOL_ID")?);
    let mail = Mail::open(&environment, &clients, &state.mutations.table);
    let grace = SignedDuration::from_hours(24 * environment.integer::<i64>("DELETION_GRACE_DAYS")?);
    let accounts_state =
        accounts::AccountsState { app: state.clone(), user_pool: Arc::new(user_pool), mail: mail.clone(), grace };
    let reply_state = replies::ReplyState { app: state.clone(), mail };
    Ok(routes()
        .into_router()
        .with_state(state.clone())
        .merge(replies::routes().into_router().with_state(reply_state))
        .merge(accounts::routes().into_router().with_state(accounts_state))
        .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
        .route_layer(middleware::from_fn_with_state(state.mutations, api::require_active_account)))
}

fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(&access::OPEN, open)
        .operation(&access::READ_PROFILE, reads::profile)
        .operation(&access::READ_GENERATIONS, reads::list::<reads::Generations>)
        .operation(&access::READ_GENERATION, reads::generation)
        .operation(&access::READ_UPLOADS, reads::list::<reads::Uploads>)
        .operation(&access::READ_UPLOAD, reads::upload)
        .operation(&access::READ_PAYMENTS, reads::list::<reads::Payments>)
        .operation(&access::READ_ACTIVITY, reads::list::<reads::ActivityLog>)
        .operation(&access::READ_TICKETS, reads::list::<reads::Tickets>)
        .operation(&approval_operations::APPROVE, approvals::approve)
        .operation(&hold_operations::PLACE, holds::place)
        .operation(&hold_operations::LIST, reads::holds)
        .operation(&hold_operations::RELEASE, holds::release)
        .operation(&disclosure_operations::CREATE, disclosures::create)
        .operation(&disclosure_operations::DOWNLOAD, disclosures::download)
}

async fn open(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<AccessRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    open_access((&state, &mutation), &staff, account, request.body, MutationResponse::created, now).await
}

/// Opens an access to an account, and responds with what `response` makes of it.
async fn open_access<T: Serialize>(
    (state, mutation): (&AppState, &Mutation<'_>),
    staff: &Staff,
    account: AccountId,
    request: AccessRequest,
    response: impl Fn(OpenedAccessView) -> MutationResponse<T>,
    now: Timestamp,
) -> Result<Response, Problem> {
    let name = state.mutations.staff_name(&staff.0).await?;
    let id = AuditEntryId(clock::uuid_at(now));
    let (justification, duration) = request.split(now).map_err(refusal_problem)?;
    let until = now + duration;
    mutation
        .run(|| async {
            let owner = state.mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let entry = AuditEntry::open(&owner, (id, name.clone()), until, justification.clone(), now)?;
            let approval = Approval::request_for_access(&entry);
            let view = OpenedAccessView { id, staff: name.clone(), until, needs_approval: approval.is_some() };
            let mut writes = vec![Write::AuditEntry(&entry), Write::Unchanged(&owner)];
            writes.extend(approval.iter().map(Write::Approval));
            let response = mutation.commit(&writes, response(view)).await?;
            metric(Metric::StaffAccesses, 1, &[]);
            Ok(response)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        let served = &(&routes().served() | &replies::routes().served()) | &accounts::routes().served();
        assert_eq!(served, api::operations_of("staff-access"));
    }
}
