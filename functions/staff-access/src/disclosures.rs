//! Creates disclosures, the data that a lawful request demands, and lets their authors download them once they are approved.
//!
//! The item is written first, with its entry of the access log, so that every file in the bucket belongs to an item that expires.
//! If the process crashes before the document is complete, the item cannot be downloaded, and expires.

use api::{
    AppState, MutationError, MutationResponse, Staff, refusal_problem,
    staff::disclosures::{DisclosedFileView, DisclosureRequest, DisclosureView},
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, AuditEntryId, DisclosureId, Refusal, generations::share::MEDIA_LINK_S, privacy::disclosure::Disclosure,
};
use jiff::Timestamp;
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictPath},
    telemetry::{Metric, metric},
};
use store::{Bucket, StoreError, Write};
use tokio::sync::OnceCell;

use crate::collection;

pub(crate) async fn create(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<DisclosureRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let ids = (DisclosureId(clock::uuid_at(now)), state.mutations.staff_name(&staff.0).await?);
    let (justification, scope) = request.body.split(now).map_err(refusal_problem)?;
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    let begun: OnceCell<Disclosure> = OnceCell::new();
    let begin = async || -> Result<Disclosure, MutationError> {
        let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
        let (disclosure, entry, approval) =
            Disclosure::begin(&owner, ids.clone(), scope.clone(), justification.clone(), now)?;
        let writes = [
            Write::Disclosure(&disclosure),
            Write::AuditEntry(&entry),
            Write::Approval(&approval),
            Write::Unchanged(&owner),
        ];
        table.commit(&writes).await?;
        metric(Metric::StaffAccesses, 1, &[]);
        Ok(disclosure)
    };
    mutation
        .run(|| async {
            let disclosure = begun.get_or_try_init(&begin).await?;
            let collected = collection::collect(table, disclosure, now).await?;
            let key = Bucket::document_key(account, disclosure.id);
            state.bucket.write(&key, "application/json", collected.document).await?;
            let completed = disclosure.completed(collected.items, collected.files);
            let view = DisclosureView::new(completed.clone());
            let location = format!("/v1/staff/accounts/{account}/disclosures/{}", completed.id);
            let response = MutationResponse::created(view).at(location);
            match mutation.commit(&[Write::Disclosure(&completed)], response).await {
                // Only an erasure of the account deletes the item meanwhile.
                Err(error) if error.is_lost_race() => Err(Refusal::NotFound.into()),
                committed => committed,
            }
        })
        .await
}

pub(crate) async fn download(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath((account, id)): StrictPath<(AccountId, DisclosureId)>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let ids = (AuditEntryId(clock::uuid_at(now)), state.mutations.staff_name(&staff.0).await?);
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), None, now).await?;
    mutation
        .run(|| async {
            let (owner, disclosure, approval) =
                state.mutations.table.account_disclosure_and_approval(account, id).await?;
            let (Some(owner), Some(disclosure)) = (owner, disclosure) else { return Err(Refusal::NotFound.into()) };
            let entry = disclosure.download((&owner, approval.as_ref()), ids.clone(), now)?;
            let view = view(&state.bucket, disclosure, now).await?;
            mutation.commit(&[Write::AuditEntry(&entry), Write::Unchanged(&owner)], MutationResponse::ok(view)).await
        })
        .await
}

/// Shows a disclosure with its links.
async fn view(bucket: &Bucket, disclosure: Disclosure, now: Timestamp) -> Result<DisclosureView, StoreError> {
    let mut files = Vec::with_capacity(disclosure.files.len());
    for name in &disclosure.files {
        let key = format!("{}{name}", Bucket::account_prefix(disclosure.account));
        files.push(DisclosedFileView { name: name.clone(), url: bucket.link(&key, MEDIA_LINK_S, now).await? });
    }
    let key = Bucket::document_key(disclosure.account, disclosure.id);
    let url = Some(bucket.link(&key, MEDIA_LINK_S, now).await?);
    let items = Some(disclosure.items);
    Ok(DisclosureView { items, url, files, ..DisclosureView::new(disclosure) })
}
