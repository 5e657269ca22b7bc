//! Shows and verifies the record of the acts of staff.
//!
//! Of acts about their own account members of staff see the hashes only: their access log shows what they may know of.

use api::{
    PageQuery, Paging, Staff,
    staff::record::{RecordPage, RecordVerification},
    store_problem,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::staff::record::RecordEntry;
use runtime::{
    clock,
    http::{Caller, Problem, StrictQuery},
};
use store::record_hash;

use crate::AppState;

/// Entries that are read at once.
const BATCH: usize = 1_000;

pub(crate) async fn list(
    State(state): State<AppState>,
    Staff(caller): Staff,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let paging: Paging<'_, _, u64> = Paging::open(&state.mutations, "staff-record", query).await?;
    let page = state.mutations.table.staff_record(false, paging.limit, paging.after).await.map_err(store_problem)?;
    let items = page.items.into_iter().map(|entry| shown_to(&caller, entry));
    Ok(axum::Json(RecordPage { items: items.collect(), next: paging.next(page.next)? }).into_response())
}

pub(crate) async fn verify(State(state): State<AppState>, Staff(caller): Staff) -> Result<Response, Problem> {
    let now = clock::now();
    let mut found = RecordVerification::default();
    let mut after = None;
    loop {
        let page = state.mutations.table.staff_record(true, BATCH, after).await.map_err(store_problem)?;
        // Entries whose time is over are deleted one by one, in no order.
        for entry in page.items.into_iter().filter(|entry| entry.expires_at() > now) {
            if !entry.follows(found.last.as_ref(), record_hash) {
                found.broken_at.get_or_insert(entry.number);
            }
            found.first.get_or_insert(entry.number);
            found.entries += 1;
            found.last = Some(entry);
        }
        after = page.next;
        if after.is_none() {
            found.last = found.last.map(|entry| shown_to(&caller, entry));
            return Ok(axum::Json(found).into_response());
        }
    }
}

/// Hides the act of an entry that is about the account of the caller.
fn shown_to(caller: &Caller, entry: RecordEntry) -> RecordEntry {
    if entry.act.subject == record_hash(&caller.account_id.to_string()) { entry.without_act() } else { entry }
}
