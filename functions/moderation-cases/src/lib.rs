//! Shows moderation cases to the owners of what was reported, takes their appeals, and lets staff decide.
//!
//! A staff member sees what was reported only after an entry in the access log of its owner. A decision, its effects on the item
//! and the account, its entry in the access log and the notice to owner and reporters are one transaction. The mails are sent
//! after it; those that a crash leaves are sent by `sweep`. The sweep also deletes the files of what a decision deletes.
//!
//! The report of a case to an authority is compiled for staff, and sent by nobody here. Its entry in the access log is not shown to the
//! owner before the evidence is released.
//!
//! Staff routes are for staff members with a role of the operation and a recent sign-in; everyone else gets 404. Nobody decides
//! about their own account, nor about an appeal against their own decision. With the same `Idempotency-Key` a repeat gets the
//! same response.

use std::sync::Arc;

use api::{
    AppState, Mutation, MutationResponse, Mutations, PageQuery, Paging, Routes, Staff, StaffDirectory,
    generations::media::MediaView,
    moderation::cases::{
        self, AppealDecisionRequest, AppealRequest, CaseDecisionRequest, CasePage, CaseView, CyberTipRequest,
        CyberTipView, PublishingRequest, PublishingView, ReportView, StaffCaseView,
    },
    refusal_problem, store_problem,
};
use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use domain::{
    AccountId, AuditEntryId, CaseId, CaseNoticeId, Refusal,
    accounts::{account::Account, email},
    generations::generation::Generation,
    moderation::{
        case::{Case, CaseTransaction, NewDecision, RepeatRule},
        cybertip::{CapturedAddress, CyberTip},
    },
    payments::review,
    staff::audit::{AuditAction, AuditEntry},
};
use mail::Mail;
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{BodilessRequest, Caller, MutatingRequest, Problem, StrictJson, StrictPath, StrictQuery},
    telemetry::{Metric, metric},
};
use store::{Activity, ActivityKind, HoldCheck, Write};

/// Most addresses of an account that a report to an authority names, the latest ones.
const ADDRESSES: usize = 100;

#[derive(Clone)]
struct StaffState {
    app: AppState,
    mail: Option<Mail>,
    rule: RepeatRule,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or invalid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let app = AppState::open_with(&environment, &clients).await?;
    let mutations = app.mutations.clone();
    let staff = StaffDirectory::open(&environment, &clients, &mutations.table)?;
    let rule = RepeatRule(environment.integer("REPEAT_VIOLATIONS")?);
    let mail = Mail::open(&environment, &clients, &mutations.table);
    let state = StaffState { app, mail, rule };
    Ok(staff_routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(staff, api::require_staff))
        .with_state(state)
        .merge(owner_routes().into_router().with_state(mutations.clone()))
        .route_layer(middleware::from_fn_with_state(mutations, api::require_active_account)))
}

fn owner_routes() -> Routes<Mutations> {
    Routes::new().operation(&cases::LIST, list).operation(&cases::APPEAL, appeal)
}

fn staff_routes() -> Routes<StaffState> {
    Routes::new()
        .operation(&cases::READ, read)
        .operation(&cases::DECIDE, decide)
        .operation(&cases::DECIDE_APPEAL, decide_appeal)
        .operation(&cases::EXPORT, export)
        .operation(&cases::SET_PUBLISHING, set_publishing)
}

async fn list(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Response, Problem> {
    let account = AccountId(caller.account_id);
    let paging: Paging<'_, _, CaseId> = Paging::open(&mutations, ("cases", account), query).await?;
    let page = mutations.table.cases(account, paging.limit, paging.after).await.map_err(store_problem)?;
    let items = page.items.into_iter().map(CaseView::from).collect();
    Ok(axum::Json(CasePage { items, next: paging.next(page.next)? }).into_response())
}

async fn appeal(
    State(mutations): State<Mutations>,
    caller: Caller,
    StrictPath(id): StrictPath<CaseId>,
    request: MutatingRequest<AppealRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let account = AccountId(caller.account_id);
    let text = request.body.text;
    let mutation = mutations.begin(account, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let case = mutations.table.case(account, id).await?.ok_or(Refusal::NotFound)?;
            let case = case.appeal(text.clone(), now)?;
            let response = MutationResponse::ok(CaseView::from(case.clone()));
            let response = mutation.commit(&[Write::Case(&case), Write::CaseOutcome(&case)], response).await?;
            metric(Metric::Reports, 1, &[]);
            Ok(response)
        })
        .await
}

async fn read(
    State(state): State<StaffState>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, CaseId)>,
    request: BodilessRequest,
) -> Result<Response, Problem> {
    let now = clock::now();
    let table = &state.app.mutations.table;
    let entry = state.app.mutations.audit_entry(&caller, account, AuditAction::ReadCase { case: id }, now).await?;
    let mutation = state.app.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let case = table.case(account, id).await?.ok_or(Refusal::NotFound)?;
            let (owner, generation) = table.account_and_generation(account, case.generation).await?;
            let owner = owner.ok_or(Refusal::NotFound)?;
            let output = generation.as_ref().and_then(|generation| generation.output(case.output, now).ok());
            let file = match output {
                Some(output) => Some(MediaView::with_links(&state.app.bucket, &output.file, now).await?),
                None => None,
            };
            let prompt = output.filter(|output| output.show_prompt).zip(generation.as_ref());
            let reports = table.reports(&case.answered).await?.into_iter().map(ReportView::from).collect();
            let view = StaffCaseView {
                kind: output.and(generation.as_ref()).map(|generation| generation.kind),
                file,
                prompt: prompt.map(|(_, generation)| generation.settings.prompt.clone()),
                reports,
                case: case.into(),
            };
            mutation.commit(&[Write::AuditEntry(&entry), Write::Unchanged(&owner)], MutationResponse::ok(view)).await
        })
        .await
}

async fn decide(
    State(state): State<StaffState>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, CaseId)>,
    request: MutatingRequest<CaseDecisionRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let new = NewDecision::from(request.body);
    let entry = state.app.mutations.audit_entry(&caller, account, AuditAction::DecidedCase { case: id }, now).await?;
    let notice = CaseNoticeId(clock::uuid_at(now));
    let mutation = state.app.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    let decide = |read: &Read<'_>| {
        let by = (entry.staff.clone(), notice);
        read.case.decide((read.owner, read.generation), new.clone(), (read.cases, state.rule), by, now)
    };
    state.run(&mutation, (account, id), &entry, decide).await
}

async fn decide_appeal(
    State(state): State<StaffState>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, CaseId)>,
    request: MutatingRequest<AppealDecisionRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let AppealDecisionRequest { reversed, explanation } = request.body;
    let entry = state.app.mutations.audit_entry(&caller, account, AuditAction::DecidedAppeal { case: id }, now).await?;
    let notice = CaseNoticeId(clock::uuid_at(now));
    let mutation = state.app.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    state.app.mutations.check_settled(&caller, now).await?;
    let decide = |read: &Read<'_>| {
        let by = (entry.staff.clone(), notice);
        read.case.decide_appeal((read.owner, read.generation), (reversed, explanation.clone()), by, now)
    };
    state.run(&mutation, (account, id), &entry, decide).await
}

async fn export(
    State(state): State<StaffState>,
    Staff(caller): Staff,
    StrictPath((account, id)): StrictPath<(AccountId, CaseId)>,
    StrictJson(body): StrictJson<CyberTipRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let reporter = email::normalize(&body.email).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))?;
    let table = &state.app.mutations.table;
    let staff = state.app.mutations.staff_name(&caller).await?;
    let entry = AuditEntryId(clock::uuid_at(now));
    // Without a key: the response is not stored.
    let mutation = state.app.mutations.begin(AccountId(caller.account_id), None, now).await?;
    state.app.mutations.check_settled(&caller, now).await?;
    let response = mutation
        .run(|| async {
            let case = table.case(account, id).await?.ok_or(Refusal::NotFound)?;
            let (owner, generation) = table.account_and_generation(account, case.generation).await?;
            let owner = owner.ok_or(Refusal::NotFound)?;
            let evidence = case.evidence(&owner, &staff)?;
            let entry = evidence.exported(&case, (entry, staff.clone()), now);
            let activities = table.activities(account, ADDRESSES, None).await?.items;
            let addresses: Vec<_> = activities.into_iter().map(captured).collect();
            let tip = CyberTip {
                case: &case,
                account: &owner,
                generation: generation.as_ref(),
                addresses: &addresses,
                reporter: &reporter,
            };
            let view = CyberTipView { report: tip.report(), file_details: tip.file_details() };
            mutation.commit(&[Write::AuditEntry(&entry), Write::Unchanged(&owner)], MutationResponse::ok(view)).await
        })
        .await?;
    metric(Metric::StaffAccesses, 1, &[]);
    Ok(response)
}

/// Converts an activity into what a report says of it.
fn captured(activity: Activity) -> CapturedAddress {
    let event = match activity.kind {
        ActivityKind::SignIn => "Login",
        ActivityKind::Checkout => "Purchase",
        ActivityKind::Submit => "Other",
    };
    CapturedAddress { address: activity.address, event, at: activity.at }
}

async fn set_publishing(
    State(state): State<StaffState>,
    Staff(caller): Staff,
    StrictPath(account): StrictPath<AccountId>,
    request: MutatingRequest<PublishingRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let allowed = request.body.allowed;
    let note = review::note(request.body.note).map_err(refusal_problem)?;
    let action =
        if allowed { AuditAction::RestoredPublishing { note } } else { AuditAction::SuspendedPublishing { note } };
    let entry = state.app.mutations.audit_entry(&caller, account, action, now).await?;
    let table = &state.app.mutations.table;
    let mutation = state.app.mutations.begin(AccountId(caller.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let owner = table.account(account).await?.ok_or(Refusal::NotFound)?;
            let owner = if allowed { owner.publishing_restored()? } else { owner.publishing_suspended(None, now) };
            let response = MutationResponse::ok(PublishingView::from(&owner));
            mutation.commit(&[Write::Account(&owner), Write::AuditEntry(&entry)], response).await
        })
        .await
}

/// What a decision is made from.
struct Read<'a> {
    owner: &'a Account,
    /// `None` if its owner deleted it.
    generation: Option<&'a Generation>,
    case: &'a Case,
    /// All cases of the account.
    cases: &'a [Case],
}

impl StaffState {
    /// Commits what `decide` makes of a case, then sends its notice.
    async fn run(
        &self,
        mutation: &Mutation<'_>,
        (account, id): (AccountId, CaseId),
        entry: &AuditEntry,
        decide: impl Fn(&Read<'_>) -> Result<CaseTransaction, Refusal> + Sync,
    ) -> Result<Response, Problem> {
        let table = &self.app.mutations.table;
        let decide = &decide;
        let (response, written) = mutation
            .run_with(|| async move {
                let cases = table.all_cases(account).await?;
                let case = cases.iter().find(|case| case.id == id).ok_or(Refusal::NotFound)?;
                let (owner, generation) = table.account_and_generation(account, case.generation).await?;
                let owner = owner.ok_or(Refusal::NotFound)?;
                let read = Read { owner: &owner, generation: generation.as_ref(), case, cases: &cases };
                let transaction = decide(&read)?;
                let mut writes = lifecycle::cases::writes(&transaction);
                writes.push(Write::AuditEntry(entry));
                let holder = transaction.account.as_ref().filter(|_| transaction.holds_changed);
                let check = holder.map(|account| HoldCheck::new(account, entry.at));
                writes.extend(check.iter().map(Write::HoldCheck));
                if transaction.account.is_none() {
                    writes.push(Write::Unchanged(&owner));
                }
                let view = CaseView::from(transaction.case.clone());
                Ok((mutation.commit(&writes, MutationResponse::ok(view)).await?, transaction))
            })
            .await?;
        if let Some(notice) = written.and_then(|transaction| transaction.notice)
            && let Err(error) = lifecycle::cases::send_notice(table, self.mail.as_ref(), &notice).await
        {
            tracing::warn!(error = %error, case = %notice.case, "mails were not sent: the sweep will");
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(&owner_routes().served() | &staff_routes().served(), api::operations_of("moderation-cases"));
    }
}
