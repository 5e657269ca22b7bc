//! Shows data of an account to staff, under an access that was opened before.

use std::future::Future;

use api::{
    AppState, MutationError, MutationResponse, PageQuery, Paging, Staff,
    accounts::{
        activity::{ActivityPage, ActivityView},
        profile::AccountView,
    },
    generations::{
        generation::{GenerationPage, GenerationView},
        uploads::UploadView,
    },
    payments::checkout::{PaymentPage, PaymentView},
    staff::{
        access::{StaffUploadView, UploadPage},
        holds::{HoldView, HoldsView},
    },
    support::tickets::{TicketPage, TicketView},
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, ActivityId, AuditEntryId, GenerationId, PaymentId, Refusal, TicketId, UploadId,
    accounts::account::Account, generations::share::MEDIA_LINK_S, generations::upload::UploadState,
    payments::payment::Payment, staff::audit::AuditedResource,
};
use runtime::{
    clock,
    http::{Problem, StrictPath, StrictQuery},
};
use serde::{Serialize, de::DeserializeOwned};
use store::{Bucket, Filter, StoreError, Table, Write};

/// Identifies the account, and the access under which it is read.
type AccessPath = (AccountId, AuditEntryId);

/// Loads data of the account and responds with it, if the entry of the access log could be written.
async fn read<T: Serialize, F: Future<Output = Result<T, MutationError>>>(
    state: &AppState,
    staff: &Staff,
    (account, access): AccessPath,
    resource: AuditedResource,
    load: impl Fn(Account) -> F,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = state.mutations.staff_name(&staff.0).await?;
    let (load, name) = (&load, &name);
    let entry_id = AuditEntryId(clock::uuid_at(now));
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), None, now).await?;
    mutation
        .run(|| async {
            let (owner, opened, approval) = state.mutations.table.account_entry_and_approval(account, access).await?;
            let (Some(owner), Some(opened)) = (owner, opened) else { return Err(Refusal::NotFound.into()) };
            let entry = opened.read((&owner, approval.as_ref()), (entry_id, name), resource, now)?;
            let view = load(owner.clone()).await?;
            mutation.commit(&[Write::AuditEntry(&entry), Write::Unchanged(&owner)], MutationResponse::ok(view)).await
        })
        .await
}

/// Is the items of a page, and the position of the last one if there are more.
type Items<L> = (Vec<<L as List>::View>, Option<<L as List>::Position>);

/// Is a list of an account that staff can read, page by page.
pub(crate) trait List: Sized + Send + Sync + 'static {
    /// How the access log names it.
    const RESOURCE: AuditedResource;
    /// What its cursors are sealed for.
    const SCOPE: &'static str;
    /// The position of an item.
    type Position: Serialize + DeserializeOwned + Copy + Send + Sync;
    /// The view of an item.
    type View: Send;
    /// The view of a page.
    type Page: Serialize + Send;

    /// Loads the items after a position.
    fn load(
        table: &Table,
        account: AccountId,
        limit: usize,
        after: Option<Self::Position>,
    ) -> impl Future<Output = Result<Items<Self>, StoreError>> + Send;

    /// Makes a page of its items and the cursor of the next page.
    fn page(items: Vec<Self::View>, next: Option<String>) -> Self::Page;
}

/// Shows a page of a list to staff.
pub(crate) async fn list<L: List>(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath(path): StrictPath<AccessPath>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let paging: Paging<'_, _, L::Position> = Paging::open(&state.mutations, (L::SCOPE, path.0), query).await?;
    let (paging, table) = (&paging, &state.mutations.table);
    read(&state, &staff, path, L::RESOURCE, |owner| async move {
        let (items, next) = L::load(table, owner.id, paging.limit, paging.after).await?;
        Ok(L::page(items, paging.next(next)?))
    })
    .await
}

/// Lists generations, without their files.
pub(crate) struct Generations;

impl List for Generations {
    const RESOURCE: AuditedResource = AuditedResource::Generations;
    const SCOPE: &'static str = "staff generations";
    type Position = GenerationId;
    type View = GenerationView;
    type Page = GenerationPage;

    async fn load(
        table: &Table,
        account: AccountId,
        limit: usize,
        after: Option<GenerationId>,
    ) -> Result<Items<Self>, StoreError> {
        let page = table.generations(account, Filter::default(), limit, after).await?;
        let now = clock::now();
        let views = page.items.into_iter().map(|generation| GenerationView::new(generation, Vec::new(), now));
        Ok((views.collect(), page.next))
    }

    fn page(items: Vec<GenerationView>, next: Option<String>) -> GenerationPage {
        GenerationPage { items, next }
    }
}

/// Lists uploads, without their files.
pub(crate) struct Uploads;

impl List for Uploads {
    const RESOURCE: AuditedResource = AuditedResource::Uploads;
    const SCOPE: &'static str = "staff uploads";
    type Position = UploadId;
    type View = UploadView;
    type Page = UploadPage;

    async fn load(
        table: &Table,
        account: AccountId,
        limit: usize,
        after: Option<UploadId>,
    ) -> Result<Items<Self>, StoreError> {
        let now = clock::now();
        let page = table.uploads(account, limit, after).await?;
        let present = page.items.into_iter().filter(|upload| !upload.is_expired(now));
        Ok((present.map(|upload| UploadView::new(upload, None)).collect(), page.next))
    }

    fn page(items: Vec<UploadView>, next: Option<String>) -> UploadPage {
        UploadPage { items, next }
    }
}

/// Lists payments.
pub(crate) struct Payments;

impl List for Payments {
    const RESOURCE: AuditedResource = AuditedResource::Payments;
    const SCOPE: &'static str = "staff payments";
    type Position = PaymentId;
    type View = PaymentView;
    type Page = PaymentPage;

    async fn load(
        table: &Table,
        account: AccountId,
        limit: usize,
        after: Option<PaymentId>,
    ) -> Result<Items<Self>, StoreError> {
        let page = table.payments(account, limit, after).await?;
        let (gifts, buyer) = table.gifts_and_buyer(account, &page.items).await?;
        let view = |payment: Payment| {
            let gift = payment.gift.and_then(|id| gifts.get(&id));
            PaymentView::for_staff(payment, gift, buyer.as_ref())
        };
        Ok((page.items.into_iter().map(view).collect(), page.next))
    }

    fn page(items: Vec<PaymentView>, next: Option<String>) -> PaymentPage {
        PaymentPage { items, next }
    }
}

/// Lists activity.
pub(crate) struct ActivityLog;

impl List for ActivityLog {
    const RESOURCE: AuditedResource = AuditedResource::Activity;
    const SCOPE: &'static str = "staff activity";
    type Position = ActivityId;
    type View = ActivityView;
    type Page = ActivityPage;

    async fn load(
        table: &Table,
        account: AccountId,
        limit: usize,
        after: Option<ActivityId>,
    ) -> Result<Items<Self>, StoreError> {
        let page = table.activities(account, limit, after).await?;
        Ok((page.items.into_iter().map(ActivityView::from).collect(), page.next))
    }

    fn page(items: Vec<ActivityView>, next: Option<String>) -> ActivityPage {
        ActivityPage { items, next }
    }
}

/// Lists support tickets with their messages.
pub(crate) struct Tickets;

impl List for Tickets {
    const RESOURCE: AuditedResource = AuditedResource::Tickets;
    const SCOPE: &'static str = "staff tickets";
    type Position = TicketId;
    type View = TicketView;
    type Page = TicketPage;

    async fn load(
        table: &Table,
        account: AccountId,
        limit: usize,
        after: Option<TicketId>,
    ) -> Result<Items<Self>, StoreError> {
        let page = table.tickets(account, limit, after).await?;
        Ok((page.items.into_iter().map(TicketView::from).collect(), page.next))
    }

    fn page(items: Vec<TicketView>, next: Option<String>) -> TicketPage {
        TicketPage { items, next }
    }
}

/// Shows the profile to staff.
pub(crate) async fn profile(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath(path): StrictPath<AccessPath>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.mutations.table;
    let documents = tokio::try_join!(table.settings(now), table.texts(now));
    let (settings, texts) = documents.map_err(api::store_problem)?;
    let view = async |owner| Ok(AccountView::new(owner, (&settings, &texts), now));
    read(&state, &staff, path, AuditedResource::Profile, view).await
}

/// Lists the legal holds to staff.
pub(crate) async fn holds(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath(path): StrictPath<AccessPath>,
) -> Result<Response, Problem> {
    let list = async |owner: Account| Ok(HoldsView { items: owner.holds.into_iter().map(HoldView::from).collect() });
    read(&state, &staff, path, AuditedResource::Holds, list).await
}

/// Shows a generation with links to its files to staff.
pub(crate) async fn generation(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath((account, access, id)): StrictPath<(AccountId, AuditEntryId, GenerationId)>,
) -> Result<Response, Problem> {
    let (table, bucket) = (&state.mutations.table, &state.bucket);
    read(&state, &staff, (account, access), AuditedResource::Generation(id), |owner| async move {
        let now = clock::now();
        let found = table.generation(owner.id, id).await?;
        let found = found.filter(|generation| !generation.is_expired(now)).ok_or(Refusal::NotFound)?;
        Ok(GenerationView::with_links(bucket, found, now).await?)
    })
    .await
}

/// Shows an upload with a link to its file to staff.
pub(crate) async fn upload(
    State(state): State<AppState>,
    staff: Staff,
    StrictPath((account, access, id)): StrictPath<(AccountId, AuditEntryId, UploadId)>,
) -> Result<Response, Problem> {
    let (table, bucket) = (&state.mutations.table, &state.bucket);
    read(&state, &staff, (account, access), AuditedResource::Upload(id), |owner| async move {
        let now = clock::now();
        let found = table.upload(owner.id, id).await?;
        let found = found.filter(|upload| !upload.is_expired(now)).ok_or(Refusal::NotFound)?;
        let url = if matches!(found.state, UploadState::Ready { .. }) {
            let key = Bucket::inspected_key(owner.id, id);
            Some(bucket.link(&key, MEDIA_LINK_S, now).await?)
        } else {
            None
        };
        Ok(StaffUploadView { upload: UploadView::new(found, None), url })
    })
    .await
}
