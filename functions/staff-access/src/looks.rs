//! Looks at what is somebody's, under an access that was opened before.

use api::{
    AppState, Attempt, MutationResponse, PageQuery, Paging,
    access::{StaffUploadView, UploadPage},
    generation_view,
    payments::{PaymentPage, PaymentView},
    support::{TicketPage, TicketView},
    views::{AccountView, ActivityPage, ActivityView, GenerationPage, GenerationView, UploadView},
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, ActivityId, AuditEntryId, GenerationId, PaymentId, Refusal, TicketId, UploadId,
    accounts::account::Account, generations::share::MEDIA_LINK_S, generations::upload::UploadState,
    staff::audit::AuditedResource,
};
use http::StatusCode;
use runtime::{
    clock,
    http::{Problem, Staff, StrictPath, StrictQuery},
};
use serde::Serialize;
use store::{Bucket, Filter, Write};

use crate::name;

/// Whose, and under which access.
type Place = (AccountId, AuditEntryId);

/// A look: what it finds is answered if the line of it could be written, and not otherwise.
async fn look<T: Serialize, F: Future<Output = Result<T, Attempt>>>(
    holdings: &AppState,
    staff: &Staff,
    (account, access): Place,
    at: AuditedResource,
    find: impl Fn(Account) -> F,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = name(holdings, staff).await?;
    let line = AuditEntryId(clock::uuid_at(now));
    let mut mutation = holdings.mutations.begin(AccountId(staff.0.account_id), None, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let (owner, opened) = holdings.mutations.table.account_and_audit_entry(account, access).await?;
            let (Some(owner), Some(opened)) = (owner, opened) else { return Err(Refusal::NotFound.into()) };
            let line = opened.read(&owner, (line, &name), at, now)?;
            let answer = MutationResponse { status: StatusCode::OK, location: None, body: find(owner.clone()).await? };
            mutation.commit(&[Write::AuditEntry(&line), Write::Unchanged(&owner)], answer).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

pub(crate) async fn profile(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(place): StrictPath<Place>,
) -> Result<Response, Problem> {
    look(&holdings, &staff, place, AuditedResource::Profile, |owner| async {
        Ok(AccountView::new(owner, clock::now()))
    })
    .await
}

pub(crate) async fn generations(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(place): StrictPath<Place>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let (table, scope) = (&holdings.mutations.table, ("staff generations", place.0));
    let paging: Paging<'_, _, GenerationId> = Paging::open(&holdings.mutations, scope, query).await?;
    let paging = &paging;
    look(&holdings, &staff, place, AuditedResource::Generations, |owner| async move {
        let page = table.generations(owner.id, Filter::default(), paging.limit, paging.after).await?;
        let items = page.items.into_iter().map(|generation| GenerationView::new(generation, Vec::new())).collect();
        Ok(GenerationPage { items, next: paging.next(page.next)? })
    })
    .await
}

pub(crate) async fn generation(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath((account, access, id)): StrictPath<(AccountId, AuditEntryId, GenerationId)>,
) -> Result<Response, Problem> {
    let (table, bucket) = (&holdings.mutations.table, &holdings.bucket);
    look(&holdings, &staff, (account, access), AuditedResource::Generation(id), |owner| async move {
        let now = clock::now();
        let found = table.generation(owner.id, id).await?;
        let found = found.filter(|generation| !generation.is_expired(now)).ok_or(Refusal::NotFound)?;
        Ok(generation_view(bucket, found, now).await?)
    })
    .await
}

pub(crate) async fn uploads(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(place): StrictPath<Place>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let (table, scope) = (&holdings.mutations.table, ("staff uploads", place.0));
    let paging: Paging<'_, _, UploadId> = Paging::open(&holdings.mutations, scope, query).await?;
    let paging = &paging;
    look(&holdings, &staff, place, AuditedResource::Uploads, |owner| async move {
        let now = clock::now();
        let page = table.uploads(owner.id, paging.limit, paging.after).await?;
        let present = page.items.into_iter().filter(|upload| !upload.is_expired(now));
        let items = present.map(|upload| UploadView::new(upload, None)).collect();
        Ok(UploadPage { items, next: paging.next(page.next)? })
    })
    .await
}

pub(crate) async fn upload(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath((account, access, id)): StrictPath<(AccountId, AuditEntryId, UploadId)>,
) -> Result<Response, Problem> {
    let (table, bucket) = (&holdings.mutations.table, &holdings.bucket);
    look(&holdings, &staff, (account, access), AuditedResource::Upload(id), |owner| async move {
        let now = clock::now();
        let found = table.upload(owner.id, id).await?;
        let found = found.filter(|upload| !upload.is_expired(now)).ok_or(Refusal::NotFound)?;
        let url = if matches!(found.state, UploadState::Ready { .. }) {
            let key = Bucket::inspected_key(owner.id, id);
            Some(bucket.presign_get(&key, MEDIA_LINK_S, now).await?)
        } else {
            None
        };
        Ok(StaffUploadView { upload: UploadView::new(found, None), url })
    })
    .await
}

pub(crate) async fn payments(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(place): StrictPath<Place>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let (table, scope) = (&holdings.mutations.table, ("staff payments", place.0));
    let paging: Paging<'_, _, PaymentId> = Paging::open(&holdings.mutations, scope, query).await?;
    let paging = &paging;
    look(&holdings, &staff, place, AuditedResource::Payments, |owner| async move {
        let page = table.payments(owner.id, paging.limit, paging.after).await?;
        let items = page.items.into_iter().map(|payment| PaymentView::new(payment, None)).collect();
        Ok(PaymentPage { items, next: paging.next(page.next)? })
    })
    .await
}

pub(crate) async fn activity(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(place): StrictPath<Place>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let (table, scope) = (&holdings.mutations.table, ("staff activity", place.0));
    let paging: Paging<'_, _, ActivityId> = Paging::open(&holdings.mutations, scope, query).await?;
    let paging = &paging;
    look(&holdings, &staff, place, AuditedResource::Activity, |owner| async move {
        let page = table.activities(owner.id, paging.limit, paging.after).await?;
        let items = page.items.into_iter().map(ActivityView::from).collect();
        Ok(ActivityPage { items, next: paging.next(page.next)? })
    })
    .await
}

pub(crate) async fn tickets(
    State(holdings): State<AppState>,
    staff: Staff,
    StrictPath(place): StrictPath<Place>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let (table, scope) = (&holdings.mutations.table, ("staff tickets", place.0));
    let paging: Paging<'_, _, TicketId> = Paging::open(&holdings.mutations, scope, query).await?;
    let paging = &paging;
    look(&holdings, &staff, place, AuditedResource::Tickets, |owner| async move {
        let page = table.tickets(owner.id, paging.limit, paging.after).await?;
        let items = page.items.into_iter().map(TicketView::from).collect();
        Ok(TicketPage { items, next: paging.next(page.next)? })
    })
    .await
}
