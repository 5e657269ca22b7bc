//! Replies to support tickets, under an access that was opened before.
//!
//! The owner of a ticket that came by mail gets the reply by mail first. If the process crashes before the reply is written, the
//! ticket still waits, and the owner may get a second reply.

use api::{AppState, MutationResponse, Routes, Staff, staff::access::REPLY, support::tickets::TicketMessageRequest};
use axum::{extract::State, response::Response};
use domain::{AccountId, AuditEntryId, Refusal, TicketId, accounts::account::Account, support::ticket::MessageAuthor};
use mail::{Language, Mail, Message};
use runtime::{
    clock,
    http::{MutatingRequest, Problem, StrictPath},
    telemetry::{Metric, metric},
};
use store::Write;
use tokio::sync::OnceCell;

/// Holds what a reply needs.
#[derive(Clone)]
pub(crate) struct ReplyState {
    pub(crate) app: AppState,
    /// `None` if the operator has set up no mail.
    pub(crate) mail: Option<Mail>,
}

pub(crate) fn routes() -> Routes<ReplyState> {
    Routes::new().operation(&REPLY, reply)
}

async fn reply(
    State(ReplyState { app, mail }): State<ReplyState>,
    staff: Staff,
    StrictPath((account, access, id)): StrictPath<(AccountId, AuditEntryId, TicketId)>,
    request: MutatingRequest<TicketMessageRequest>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let name = app.mutations.staff_name(&staff.0).await?;
    let entry_id = AuditEntryId(clock::uuid_at(now));
    let TicketMessageRequest { text, close } = request.body;
    let mailed_text = mail.as_ref().zip(text.as_deref());
    let table = &app.mutations.table;
    let mailed = OnceCell::new();
    let mutation = app.mutations.begin(AccountId(staff.0.account_id), request.idempotency, now).await?;
    mutation
        .run(|| async {
            let (owner, opened, approval) = table.account_entry_and_approval(account, access).await?;
            let (Some(owner), Some(opened)) = (owner, opened) else { return Err(Refusal::NotFound.into()) };
            let entry = opened.reply((&owner, approval.as_ref()), (entry_id, &name), id, now)?;
            let ticket = table.ticket(account, id).await?.ok_or(Refusal::NotFound)?;
            let ticket = ticket.add_message(MessageAuthor::Staff, text.clone(), close, now)?;
            if let Some((mail, text)) = mailed_text.filter(|_| ticket.by_mail) {
                let language = Language::from_tag(&owner.preferences.language);
                let message = Message::TicketReply { reply: text, subject: &ticket.subject };
                let send = async || mail.send(&owner.email, language, &message).await.map_err(Problem::internal);
                mailed.get_or_try_init(send).await?;
            }
            let writes = [Write::Ticket(&ticket), Write::AuditEntry(&entry), Write::Unchanged(&owner)];
            let response = mutation.commit(&writes, MutationResponse::no_content()).await?;
            metric(Metric::Answers, 1, &[]);
            if let Some((mail, _)) = mailed_text.filter(|_| !ticket.by_mail) {
                notify(mail, &owner).await;
            }
            Ok(response)
        })
        .await
}

/// Tells the owner by mail that there is a reply. Its text can be read after signing in.
async fn notify(mail: &Mail, owner: &Account) {
    let language = Language::from_tag(&owner.preferences.language);
    if let Err(error) = mail.send(&owner.email, language, &Message::TicketReplied {}).await {
        tracing::warn!(error = %error, account = %owner.id, "owner was not notified of a reply");
    }
}
