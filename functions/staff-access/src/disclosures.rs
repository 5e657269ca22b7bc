//! Disclosures: what a lawful request demands, put together and fetched.
//!
//! The item is written first, with its line in the log, so that whatever is put into the bucket goes with it. If we die
//! before the document is complete the item is no disclosure, and goes when its time is over.

use api::{
    AppState, Attempt, MutationResponse,
    access::{DisclosedFileView, DisclosureRequest, DisclosureView},
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, AuditEntryId, DisclosureId, Refusal, generations::share::MEDIA_LINK_S, privacy::disclosure::Disclosure,
};
use http::StatusCode;
use jiff::Timestamp;
use runtime::{
    clock,
    http::{MutatingRequest, Problem, Staff, StrictPath},
};
use store::{Bucket, StoreError, Write};

use crate::{collection, name};

pub(crate) async fn make(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<DisclosureRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let ids = (DisclosureId(clock::uuid_at(now)), AuditEntryId(clock::uuid_at(now)), name(&holdings, &staff).await?);
    let (why, wanted) = request.body.split(now).map_err(api::refusal_problem)?;
    let table = &holdings.mutations.table;
    let mut mutation = holdings.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now);
    if let Some(response) = mutation.answered().await? {
        return Ok(response);
    }
    let mut begun: Option<Disclosure> = None;
    loop {
        let attempt: Result<Response, Attempt> = async {
            let disclosure = match &begun {
                Some(begun) => begun.clone(),
                None => {
                    let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
                    let (disclosure, line) = Disclosure::begin(&owner, ids.clone(), wanted.clone(), why.clone(), now)?;
                    let writes = [Write::Disclosure(&disclosure), Write::AuditEntry(&line), Write::Unchanged(&owner)];
                    table.commit(&writes).await?;
                    begun.insert(disclosure).clone()
                }
            };
            let collected = collection::collect(table, &disclosure, now).await?;
            let key = Bucket::document_key(account, disclosure.id);
            holdings.bucket.write(&key, "application/json", collected.document).await?;
            let made = disclosure.completed(collected.things, collected.files);
            let body = DisclosureView::new(made.clone());
            let location = Some(format!("/v1/staff/accounts/{account}/disclosures/{}", made.id));
            let answer = MutationResponse { status: StatusCode::CREATED, location, body };
            match mutation.commit(&[Write::Disclosure(&made)], answer).await {
                // Only an erasure takes it away meanwhile.
                Err(Attempt::Commit(store::CommitError::Stale)) => Err(Refusal::NotFound.into()),
                answered => answered,
            }
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

pub(crate) async fn fetch(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath((account, id)): StrictPath<(AccountId, DisclosureId)>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let ids = (AuditEntryId(clock::uuid_at(now)), name(&holdings, &staff).await?);
    let mut mutation = holdings.mutations.begin(AccountId(staff.0.account_id), None, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let (owner, disclosure) = holdings.mutations.table.account_and_disclosure(account, id).await?;
            let (Some(owner), Some(disclosure)) = (owner, disclosure) else { return Err(Refusal::NotFound.into()) };
            let line = disclosure.download(&owner, ids.clone(), now)?;
            let body = view(&holdings.bucket, disclosure, now).await?;
            let answer = MutationResponse { status: StatusCode::OK, location: None, body };
            mutation.commit(&[Write::AuditEntry(&line), Write::Unchanged(&owner)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

/// A disclosure with its links.
async fn view(bucket: &Bucket, disclosure: Disclosure, now: Timestamp) -> Result<DisclosureView, StoreError> {
    let mut files = Vec::with_capacity(disclosure.files.len());
    for name in &disclosure.files {
        let key = format!("{}{name}", Bucket::account_prefix(disclosure.account));
        files.push(DisclosedFileView { name: name.clone(), url: bucket.presign_get(&key, MEDIA_LINK_S, now).await? });
    }
    let key = Bucket::document_key(disclosure.account, disclosure.id);
    let url = Some(bucket.presign_get(&key, MEDIA_LINK_S, now).await?);
    Ok(DisclosureView { url, files, ..DisclosureView::new(disclosure) })
}
