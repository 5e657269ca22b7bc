//! Lists and replaces the texts that staff choose from when they reply to a ticket.

use api::{
    MutationResponse, Staff,
    staff::reply_templates::{ReplyTemplatesRequest, ReplyTemplatesVersion, ReplyTemplatesView},
    store_problem,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{AccountId, staff::reply_templates::ReplyTemplates};
use runtime::{
    clock,
    http::{MutatingRequest, Problem},
};
use store::{Write, staff_act};

use crate::AppState;

pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let templates = state.mutations.table.reply_templates().await.map_err(store_problem)?;
    Ok(axum::Json(ReplyTemplatesView::from(templates)).into_response())
}

pub(crate) async fn replace(
    State(state): State<AppState>,
    Staff(caller): Staff,
    request: MutatingRequest<ReplyTemplatesRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let ReplyTemplatesRequest { version, templates } = request.body;
    let staff = state.mutations.staff_name(&caller).await?;
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let current = table.reply_templates().await?;
            let new = ReplyTemplates::replace(current.as_ref(), version, templates.clone(), staff.clone(), now)?;
            let content = serde_json::to_string(&new.templates).map_err(Problem::internal)?;
            let act = staff_act(&staff, "changed_reply_templates", (new.version, &content), now);
            let view = ReplyTemplatesVersion { version: new.version };
            mutation.commit(&[Write::ReplyTemplates(&new), Write::StaffAct(&act)], MutationResponse::ok(view)).await
        })
        .await
}
