//! Lets staff take cases, give them back, and write and read notes about them.
//!
//! Who has a case is told to nobody but staff; each change is in the record. Notes are personal data of the account owner, so each
//! note and each read is an entry of their access log, which is written with it.

use api::{
    MutationResponse, Staff, own_account,
    staff::case_work::{AssignmentRequest, AssignmentView, NoteRequest, NoteView, NotesRequest, NotesView},
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId, Refusal,
    staff::{assignment::Assignment, audit::AuditAction, notes::CaseNotes, open_case::OpenCaseId},
};
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictJson},
};
use store::{Write, record_hash, staff_act};

use crate::AppState;

pub(crate) async fn assign(
    State(state): State<AppState>,
    staff: Staff,
    request: MutatingRequest<AssignmentRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let AssignmentRequest { case, take, holder } = request.body;
    check(&staff, &case)?;
    let name = state.mutations.staff_name(&staff.0).await?;
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            table.find_open_case(&case, now).await?.ok_or(Refusal::NotFound)?;
            let current = table.assignment(&case).await?;
            let hash = record_hash(&case.name());
            let change = if take {
                Assignment::take(current.as_ref(), hash, (&name, holder.as_deref()), now)?
            } else {
                Assignment::give_back(current.as_ref(), hash, &name, now)?
            };
            let view = AssignmentView { holder: take.then(|| name.clone()) };
            let Some(change) = change else { return mutation.commit(&[], MutationResponse::ok(view)).await };
            let content = format!("{} {}", case.name(), change.previous.as_deref().unwrap_or("nobody"));
            // Members see no act about their own account: the record knows such acts by the account.
            let act = match case.account() {
                Some(account) => staff_act(&name, change.act, (account, &content), now),
                None => staff_act(&name, change.act, (case.name(), &content), now),
            };
            let writes = [Write::Assignment(&change.assignment), Write::StaffAct(&act)];
            mutation.commit(&writes, MutationResponse::ok(view)).await
        })
        .await
}

pub(crate) async fn add_note(
    State(state): State<AppState>,
    staff: Staff,
    request: MutatingRequest<NoteRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let NoteRequest { case, text } = request.body;
    let account = check_noted(&staff, &case)?;
    let action = AuditAction::NotedCase { about: case.name() };
    let entry = state.mutations.audit_entry(&staff.0, account, action, now).await?;
    let table = &state.mutations.table;
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            table.find_open_case(&case, now).await?.ok_or(Refusal::NotFound)?;
            let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
            let notes = table.case_notes(account, &case).await?;
            let notes = CaseNotes::add(notes, (account, &case), (&entry.staff, text.clone()), now)?;
            let writes = [Write::CaseNotes(&notes), Write::AuditEntry(&entry), Write::Unchanged(&owner)];
            let view = NoteView { staff: entry.staff.clone(), at: now };
            mutation.commit(&writes, MutationResponse::created(view)).await
        })
        .await
}

pub(crate) async fn read_notes(
    State(state): State<AppState>,
    staff: Staff,
    StrictJson(NotesRequest { case }): StrictJson<NotesRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = check_noted(&staff, &case)?;
    let action = AuditAction::ReadNotes { about: case.name() };
    let entry = state.mutations.audit_entry(&staff.0, account, action, now).await?;
    let table = &state.mutations.table;
    // Without a key: the response is not stored.
    let mutation = state.mutations.begin(AccountId(staff.0.account_id), None, now).await?;
    mutation
        .run(|| async {
            table.find_open_case(&case, now).await?.ok_or(Refusal::NotFound)?;
            let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
            let notes = table.case_notes(account, &case).await?.filter(|notes| notes.expires_at() > now);
            let view = NotesView { notes: notes.map(|notes| notes.notes).unwrap_or_default() };
            mutation.commit(&[Write::AuditEntry(&entry), Write::Unchanged(&owner)], MutationResponse::ok(view)).await
        })
        .await
}

/// Checks that a staff member may work on a case. Cases of other roles do not exist for them.
fn check(staff: &Staff, case: &OpenCaseId) -> Result<(), Problem> {
    if !staff.is_among(case.roles()) || !case.can_be() {
        return Err(Problem::not_found());
    }
    if case.account() == Some(AccountId(staff.0.account_id)) {
        return Err(own_account());
    }
    Ok(())
}

/// Checks the same for notes, and returns the account that they are about.
fn check_noted(staff: &Staff, case: &OpenCaseId) -> Result<AccountId, Problem> {
    check(staff, case)?;
    case.account().ok_or_else(|| Problem::invalid("case", "must be about an account: others have no notes"))
}
