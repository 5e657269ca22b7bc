//! Places and releases legal holds.

use api::{
    AppState, MutationResponse, Staff, refusal_problem,
    staff::holds::{HoldRequest, PlacedHoldView},
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, AuditEntryId, HoldId, Refusal,
    staff::audit::{AuditAction, AuditEntry},
};
use runtime::{
    clock,
    http::{BodilessRequest, MutatingRequest, Problem, StrictPath},
};
use store::{HoldCheck, Write};

pub(crate) async fn place(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<HoldRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = state.mutations.staff_name(&staff.0).await?;
    let hold = request.body.into_hold(HoldId(clock::uuid_at(now)), now).map_err(refusal_problem)?;
    let entry = AuditEntry {
        id: AuditEntryId(clock::uuid_at(now)),
        account,
        staff: name,
        at: now,
        action: AuditAction::Held { hold: hold.id },
        undisclosed_until: hold.undisclosed_until,
    };
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let owner = state.mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let held = owner.place_hold(hold.clone())?;
            let check = HoldCheck::new(&held, now);
            let response = MutationResponse::created(PlacedHoldView::from(&hold));
            let writes = [Write::Account(&held), Write::HoldCheck(&check), Write::AuditEntry(&entry)];
            mutation.commit(&writes, response).await
        })
        .await
}

pub(crate) async fn release(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath((account, id)): StrictPath<(AccountId, HoldId)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = state.mutations.staff_name(&staff.0).await?;
    let entry_id = AuditEntryId(clock::uuid_at(now));
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let owner = state.mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let Some(released) = owner.release_hold(id, now)? else {
                return mutation.commit(&[], MutationResponse::no_content()).await;
            };
            let hold = owner.holds.iter().find(|hold| hold.id == id);
            let entry = AuditEntry {
                id: entry_id,
                account,
                staff: name.clone(),
                at: now,
                action: AuditAction::Released { hold: id },
                undisclosed_until: hold.and_then(|hold| hold.undisclosed_until),
            };
            let check = HoldCheck::new(&released, now);
            let writes = [Write::Account(&released), Write::HoldCheck(&check), Write::AuditEntry(&entry)];
            mutation.commit(&writes, MutationResponse::no_content()).await
        })
        .await
}
