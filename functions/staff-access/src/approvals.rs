//! Approves what another staff member requested.

use api::{AppState, MutationResponse, Staff};
use axum::{extract::State, response::Response};
use domain::{AccountId, AuditEntryId, Refusal};
use runtime::{
    clock,
    http::{BodilessRequest, Problem, StrictPath},
};
use store::Write;

pub(crate) async fn approve(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath((account, id)): StrictPath<(AccountId, AuditEntryId)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let ids = (AuditEntryId(clock::uuid_at(now)), state.mutations.staff_name(&staff.0).await?);
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    state.mutations.check_settled(&staff.0, now).await?;
    mutation
        .run(|| async {
            let (owner, approval) = state.mutations.table.account_and_approval(account, id).await?;
            let (Some(owner), Some(approval)) = (owner, approval) else { return Err(Refusal::NotFound.into()) };
            let (approved, entry) = approval.approve(&owner, ids.clone(), now)?;
            let writes = [Write::Approval(&approved), Write::AuditEntry(&entry), Write::Unchanged(&owner)];
            mutation.commit(&writes, MutationResponse::no_content()).await
        })
        .await
}
