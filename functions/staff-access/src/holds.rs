//! Legal holds: placed, listed, released.

use api::{
    AppState, Attempt, MutationResponse,
    access::{HoldRequest, HoldView, HoldsView, PlacedHoldView},
    store_problem,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, AuditEntryId, HoldId, Refusal,
    staff::audit::{AuditAction, AuditEntry},
};
use http::StatusCode;
use runtime::{
    clock,
    http::{BodilessRequest, MutatingRequest, Problem, Staff, StrictPath},
};
use store::{HoldCheck, Write};

use crate::name;

pub(crate) async fn place(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<HoldRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = name(&holdings, &staff).await?;
    let hold = request.body.into_hold(HoldId(clock::uuid_at(now)), now).map_err(api::refusal_problem)?;
    let line = AuditEntry {
        id: AuditEntryId(clock::uuid_at(now)),
        account,
        staff: name,
        at: now,
        action: AuditAction::Held { hold: hold.id },
        undisclosed_until: hold.undisclosed_until,
    };
    let mut mutation = holdings.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let owner = holdings.mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let held = owner.place_hold(hold.clone())?;
            let check = HoldCheck::new(&held, now);
            let answer =
                MutationResponse { status: StatusCode::CREATED, location: None, body: PlacedHoldView::from(&hold) };
            mutation.commit(&[Write::Account(&held), Write::HoldCheck(&check), Write::AuditEntry(&line)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

pub(crate) async fn list(
    State(holdings): State<AppState>,
    _: Staff,
    StrictPath(account): StrictPath<AccountId>,
) -> Result<Response, Problem> {
    let account =
        holdings.mutations.table.account(account).await.map_err(store_problem)?.ok_or_else(Problem::not_found)?;
    let items = account.holds.into_iter().map(HoldView::from).collect();
    Ok(axum::Json(HoldsView { items }).into_response())
}

pub(crate) async fn release(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath((account, id)): StrictPath<(AccountId, HoldId)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = name(&holdings, &staff).await?;
    let line = AuditEntryId(clock::uuid_at(now));
    let mut mutation = holdings.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let owner = holdings.mutations.table.account(account).await?.ok_or(Refusal::NotFound)?;
            let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
            let Some(released) = owner.release_hold(id, now)? else { return mutation.commit(&[], answer).await };
            let hold = owner.holds.iter().find(|hold| hold.id == id);
            let line = AuditEntry {
                id: line,
                account,
                staff: name.clone(),
                at: now,
                action: AuditAction::Released { hold: id },
                undisclosed_until: hold.and_then(|hold| hold.undisclosed_until),
            };
            let check = HoldCheck::new(&released, now);
            mutation
                .commit(&[Write::Account(&released), Write::HoldCheck(&check), Write::AuditEntry(&line)], answer)
                .await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}
