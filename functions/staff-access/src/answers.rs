//! Answers to questions, under an access that was opened before.
//!
//! Whoever asked by mail is answered by mail first: if we die before the answer is written down as well, the question still
//! waits, and is answered twice at worst.

use api::{AppState, Attempt, MutationResponse, support::TicketMessageRequest};
use axum::{extract::State, response::Response};
use domain::{AccountId, AuditEntryId, Refusal, TicketId, accounts::account::Account, support::ticket::MessageAuthor};
use http::StatusCode;
use mail::Mail;
use runtime::{
    clock,
    http::{MutatingRequest, Problem, Staff, StrictPath},
    telemetry::{Metric, metric},
};
use store::Write;

use crate::name;

/// What the mail is called.
const SUBJECT: &str = "Your question to Darkroom";

/// What it takes to answer.
#[derive(Clone)]
pub(crate) struct ReplyState {
    pub(crate) holdings: AppState,
    /// Nothing where the operator has set up no mail.
    pub(crate) mail: Option<Mail>,
}

pub(crate) async fn say(
    State(ReplyState { holdings, mail }): State<ReplyState>,
    staff: Staff,
    StrictPath((account, access, id)): StrictPath<(AccountId, AuditEntryId, TicketId)>,
    request: MutatingRequest<TicketMessageRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = name(&holdings, &staff).await?;
    let line = AuditEntryId(clock::uuid_at(now));
    let body = request.body;
    let table = &holdings.mutations.table;
    let mut mailed = false;
    let mut mutation = holdings.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let (owner, opened) = table.account_and_audit_entry(account, access).await?;
            let (Some(owner), Some(opened)) = (owner, opened) else { return Err(Refusal::NotFound.into()) };
            let line = opened.reply(&owner, (line, &name), id, now)?;
            let before = table.ticket(account, id).await?.ok_or(Refusal::NotFound)?;
            let ticket = before.add_message(MessageAuthor::Staff, body.text.clone(), body.close, now)?;
            let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
            let writes = [Write::Ticket(&ticket), Write::AuditEntry(&line), Write::Unchanged(&owner)];
            let told = mail.as_ref().zip(body.text.as_deref());
            if let Some((mail, said)) = told.filter(|_| ticket.by_mail && !mailed) {
                let text = format!("{said}\n\nThis answers what you wrote to us: {}\n", ticket.subject);
                mail.send(&owner.email, SUBJECT, &text).await.map_err(Problem::internal)?;
                mailed = true;
            }
            let response = mutation.commit(&writes, answer).await?;
            metric(Metric::Answers, 1, &[]);
            if let Some((mail, _)) = told.filter(|_| !ticket.by_mail) {
                tell(mail, &owner).await;
            }
            Ok(response)
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

/// Tells the owner that there is an answer. What it says is theirs to read where they are signed in.
async fn tell(mail: &Mail, owner: &Account) {
    let text = "Your question to Darkroom has an answer. Sign in and open Support to read it.\n";
    if let Err(error) = mail.send(&owner.email, SUBJECT, text).await {
        tracing::warn!(error = %error, account = %owner.id, "nobody was told of an answer, which is there to be read");
    }
}
