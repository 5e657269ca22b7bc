//! Takes reports of images and videos that others can see, from everyone, without an account, and shows the transparency report.
//!
//! A report names its item with the token that the views of public and shared items contain. It joins the open case of the item
//! or opens one. A report of the gravest kinds hides the item at once from everyone but its owner, unless the operator turned
//! that off; the transaction also writes the notice to the owner. The reporter gets a confirmation by mail. If the process
//! crashes before that mail, the report is there all the same, and the response tells its id.
//!
//! Reports are counted by network and by address. A repeat is another report of the same case. The transparency report is one
//! query, counted by network.

use std::sync::Arc;

use api::{
    Mutations, Routes, contended,
    moderation::{
        reports::{self, ReportReceipt, ReportRequest, open_report_token},
        transparency::{self, TransparencyReport},
    },
    refusal_problem, store_problem,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    CaseId, CaseNoticeId, ReportId,
    moderation::{
        case::{self, CaseTransaction},
        outcome,
        report::{NewReport, OutputReference, PER_DAY, REPORTER, Report, ReportReason},
    },
};
use http::{StatusCode, header::CACHE_CONTROL};
use jiff::Timestamp;
use mail::{Mail, Message};
use runtime::{
    Error,
    clients::Clients,
    clock,
    config::Environment,
    http::{Problem, RequestContext, StrictJson},
    telemetry::{Metric, metric},
};
use store::{CommitError, Write};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// Most times that a report is decided anew because another write came first.
const ATTEMPTS: usize = 16;

#[derive(Clone)]
struct AppState {
    mutations: Mutations,
    mail: Option<Mail>,
    /// Whether a report of the gravest kinds hides an item at once.
    hides: bool,
    /// The reports from a network in an hour, and from wider ones four times as many each: each may send a mail.
    per_network: u64,
}

/// Builds the router.
///
/// # Errors
/// A variable is missing or invalid; the error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let clients = Arc::new(Clients::new(&environment)?);
    let mutations = Mutations::open(&environment, &clients).await?;
    let state = AppState {
        mail: Mail::open(&environment, &clients, &mutations.table),
        mutations,
        hides: environment.required("HIDE_REPORTED")? == "true",
        per_network: environment.integer("REPORTS_PER_HOUR")?,
    };
    Ok(routes().into_router().with_state(state))
}

fn routes() -> Routes<AppState> {
    Routes::new().operation(&reports::FILE, file).operation(&transparency::SHOW, show_transparency)
}

async fn file(
    State(state): State<AppState>,
    client: RequestContext,
    StrictJson(body): StrictJson<ReportRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let (token, new) = body.split();
    let new = new.checked().map_err(refusal_problem)?;
    state.mutations.limit_networks("report-network", &client.networks(), (HOUR_S, state.per_network), now).await?;
    let item = open_report_token(state.mutations.sealer().await?, &token)?;
    if let Some(email) = &new.email {
        state.mutations.limit("report-address", email.as_bytes(), (DAY_S, PER_DAY), now).await?;
    }
    let (transaction, report) = state.write(item, &new, now).await?;
    metric(Metric::Reports, 1, &[]);
    tracing::info!(case = %transaction.case.id, report = %report.id, "item was reported");
    state.confirm(&report).await;
    if let Some(notice) = &transaction.notice
        && let Err(error) = lifecycle::cases::send_notice(&state.mutations.table, state.mail.as_ref(), notice).await
    {
        tracing::warn!(error = %error, case = %notice.case, "the owner was not notified: the sweep will");
    }
    let receipt = ReportReceipt::new(&report, transaction.case.decide_by);
    Ok((StatusCode::CREATED, axum::Json(receipt)).into_response())
}

async fn show_transparency(State(state): State<AppState>, client: RequestContext) -> Result<Response, Problem> {
    let now = clock::now();
    state.mutations.limit_open_read(&client, now).await?;
    let (outcomes, complete) = state.mutations.table.case_outcomes(now).await.map_err(store_problem)?;
    let report = TransparencyReport { counts: outcome::count(&outcomes), complete };
    Ok(([(CACHE_CONTROL, "public, max-age=3600")], axum::Json(report)).into_response())
}

impl AppState {
    /// Adds a report to a case of the item that it is about.
    async fn write(
        &self,
        item: OutputReference,
        new: &NewReport,
        now: Timestamp,
    ) -> Result<(CaseTransaction, Report), Problem> {
        let table = &self.mutations.table;
        let (id, case, notice) = (clock::uuid_at(now), clock::uuid_at(now), clock::uuid_at(now));
        let subject = new.email.as_deref().map_or(id.as_bytes().as_slice(), str::as_bytes);
        let reporter = self.mutations.sealer().await?.keyed_hash(REPORTER, subject);
        let ids = (CaseId(case), CaseNoticeId(notice), self.hides);
        for _ in 0..ATTEMPTS {
            let (owner, generation) =
                table.account_and_generation(item.account, item.generation).await.map_err(store_problem)?;
            let (Some(owner), Some(generation)) = (owner, generation) else { return Err(Problem::not_found()) };
            let cases = table.all_cases(item.account).await.map_err(store_problem)?;
            let report = |case| Report::file(new.clone(), (ReportId(id), reporter.clone(), case), now);
            let written = case::report((&owner, &generation, item.output), &cases, report, ids, now);
            let (transaction, report) = written.map_err(refusal_problem)?;
            let mut writes = lifecycle::cases::writes(&transaction);
            writes.push(Write::Report(&report));
            match table.commit(&writes).await {
                Ok(()) => return Ok((transaction, report)),
                Err(CommitError::Stale) => {}
                Err(CommitError::AccountGone) => return Err(Problem::not_found()),
                Err(CommitError::Store(error)) => return Err(store_problem(error)),
                Err(error @ CommitError::Replayed(_)) => return Err(Problem::internal(error)),
            }
        }
        Err(contended())
    }

    /// Confirms a report by mail, if the reporter gave an address.
    async fn confirm(&self, report: &Report) {
        let Some((mail, email)) = self.mail.as_ref().zip(report.email.as_deref()) else { return };
        let id = report.id.to_string();
        let hours = ReportReason::decided_within(report.reason).as_hours();
        let message = Message::ReportReceived { report: &id, hours };
        if let Err(error) = mail.send(email, report.language, &message).await {
            tracing::warn!(error = %error, report = %report.id, "report was not confirmed by mail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("report"));
    }
}
