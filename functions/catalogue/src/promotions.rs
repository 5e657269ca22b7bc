//! Publishes, lists and ends promotions.
//!
//! A promotion is one item under its code. Each change of it that staff make is in the record, written in the same transaction.

use api::{
    MutationResponse, PageQuery, Paging, Routes, Staff,
    credits::promotions::{END, LIST, PUBLISH, PromotionEnding, PromotionPage, PromotionRequest, PromotionView},
    refusal_problem, store_problem,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, PromotionId, Refusal,
    credits::promotion::{NewPromotion, Promotion, normalize},
    staff::record::StaffAct,
};
use jiff::Timestamp;
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictQuery},
};
use store::{Write, staff_act};

use crate::AppState;

pub(crate) fn routes() -> Routes<AppState> {
    Routes::new().operation(&LIST, list).operation(&PUBLISH, publish).operation(&END, end)
}

async fn list(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let scope = ("promotions", caller.account_id);
    let paging: Paging<'_, _, String> = Paging::open(&state.mutations, scope, query).await?;
    let page = state.mutations.table.promotions(paging.limit, paging.after.clone()).await.map_err(store_problem)?;
    let items = page.items.into_iter().map(PromotionView::from).collect();
    Ok(axum::Json(PromotionPage { items, next: paging.next(page.next)? }).into_response())
}

async fn publish(
    State(state): State<AppState>,
    Staff(caller): Staff,
    request: MutatingRequest<PromotionRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.mutations.table;
    let author = AccountId(caller.account_id);
    let staff = state.mutations.staff_name(&caller).await?;
    let ids = (PromotionId(clock::uuid_at(now)), staff.clone());
    let mutation = state.mutations.begin(author, request.idempotency, now).await?;
    // A repeat may come after the end that it asks for.
    if let Some(stored) = mutation.stored_response().await? {
        return Ok(stored);
    }
    let promotion = NewPromotion::from(request.body).publish(ids, now).map_err(refusal_problem)?;
    mutation
        .run(|| async {
            if table.promotion(&promotion.code).await?.is_some() {
                return Err(Refusal::Conflict("there is a promotion with this code").into());
            }
            let act = act(&promotion, "published_promotion", &staff, now);
            let response = MutationResponse::created(PromotionView::from(promotion.clone()));
            mutation.commit(&[Write::Promotion(&promotion), Write::StaffAct(&act)], response).await
        })
        .await
}

async fn end(
    State(state): State<AppState>,
    Staff(caller): Staff,
    request: MutatingRequest<PromotionEnding>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.mutations.table;
    let author = AccountId(caller.account_id);
    let staff = state.mutations.staff_name(&caller).await?;
    let code = normalize(&request.body.code).ok_or_else(Problem::not_found)?;
    let mutation = state.mutations.begin(author, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let promotion = table.promotion(&code).await?.ok_or(Refusal::NotFound)?;
            if promotion.until <= now {
                return mutation.commit(&[], MutationResponse::ok(PromotionView::from(promotion))).await;
            }
            let promotion = promotion.ended(now);
            let act = act(&promotion, "ended_promotion", &staff, now);
            let response = MutationResponse::ok(PromotionView::from(promotion.clone()));
            mutation.commit(&[Write::Promotion(&promotion), Write::StaffAct(&act)], response).await
        })
        .await
}

fn act(promotion: &Promotion, kind: &str, staff: &str, at: Timestamp) -> StaffAct {
    let Promotion { id, code, credits, limit, until, .. } = promotion;
    staff_act(staff, kind, (id, &format!("{code}\n{credits}\n{limit}\n{until}")), at)
}
