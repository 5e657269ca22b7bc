//! Changes the sign-in address of an account.
//!
//! A request needs a recent sign-in. It sends one code to the present address and one to the new address; another request
//! replaces the codes. Both codes together change the address in the user pool and in the account, end every session, and
//! send a mail to the old address. Access tokens work until they expire, at most 15 minutes. If the process crashes half
//! way, a repeat or `sweep` does the rest.
//!
//! That the new address signs in to another account is told only after its code has been entered.

use std::sync::Arc;

use api::{
    MutationResponse, Mutations, Routes,
    accounts::email::{Address, CONFIRM_CHANGE, EmailConfirmation, REQUEST_CHANGE},
    store_problem,
};
use axum::{extract::State, response::Response};
use domain::{
    AccountId,
    accounts::{
        account::Account,
        email,
        email_change::{self, CodeCheck, EmailChange},
    },
};
use lifecycle::{address::EmailChanges, user_pool::EmailMove};
use mail::{Language, Mail, Message};
use runtime::{
    clock,
    http::{Caller, MutatingRequest, Problem},
    seal::Sealer,
};
use store::Write;

const HOUR_S: i64 = 3_600;
/// The number of changes that an account may request in an hour, and of codes that an address gets in an hour.
const PER_HOUR: u64 = 5;
/// The purpose of the keyed hash of codes.
const PURPOSE: &str = "email code";

#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) mutations: Mutations,
    pub(crate) changes: Arc<EmailChanges>,
}

pub(crate) fn routes() -> Routes<AppState> {
    Routes::new().operation(&REQUEST_CHANGE, request_change).operation(&CONFIRM_CHANGE, confirm_change)
}

async fn request_change(
    State(app): State<AppState>,
    caller: Caller,
    request: MutatingRequest<Address>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let to = email::normalize(&request.body.email).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))?;
    let no_mail = || Problem::conflict("This deployment sends no mail: its operator has not set MailFrom.");
    let mail = app.changes.mail.as_ref().ok_or_else(no_mail)?;
    caller.signed_in_recently(now)?;
    let id = AccountId(caller.account_id);
    let mutation = app.mutations.begin(id, request.idempotency, now).await?;
    if let Some(response) = mutation.stored_response().await? {
        return Ok(response);
    }
    app.mutations.limit("email-change", id.0.as_bytes(), (HOUR_S, PER_HOUR), now).await?;
    app.mutations.limit("email-code", to.as_bytes(), (HOUR_S, PER_HOUR), now).await?;
    let codes = [mail::code(), mail::code()];
    let hashes = hashes(app.mutations.sealer().await?, id, &codes);
    mutation
        .run(|| async {
            let (account, before) = app.mutations.table.account_and_email_change(id).await?;
            let account = account.ok_or_else(Problem::unauthorized)?;
            let change = EmailChange::request(&account, before.as_ref(), to.clone(), hashes.clone(), now)?;
            app.mutations.table.commit(&[Write::EmailChange(&change)]).await?;
            send(mail, &account, &to, &codes).await?;
            mutation.commit(&[], MutationResponse::accepted(())).await
        })
        .await
}

async fn confirm_change(
    State(app): State<AppState>,
    caller: Caller,
    request: MutatingRequest<EmailConfirmation>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let id = AccountId(caller.account_id);
    let codes = [request.body.present_code, request.body.new_code];
    let (present, new) = hashes(app.mutations.sealer().await?, id, &codes);
    let table = &app.mutations.table;
    let mutation = app.mutations.begin(id, request.idempotency, now).await?;
    mutation
        .run(|| async {
            let change = table.email_change(id).await?.ok_or_else(wrong_codes)?;
            let confirmed = match change.confirm((&present, &new), now) {
                CodeCheck::Confirmed(confirmed) => confirmed,
                CodeCheck::Wrong(counted) => {
                    table.commit(&[Write::EmailChange(&counted)]).await?;
                    return Err(wrong_codes().into());
                }
                CodeCheck::Expired => return Err(wrong_codes().into()),
            };
            table.commit(&[Write::EmailChange(&confirmed)]).await?;
            let (moved, change) = app.changes.complete(confirmed, now).await.map_err(store_problem)?;
            let completed = [Write::RemoveEmailChange(&change)];
            let problem = match moved {
                EmailMove::Done => return mutation.commit(&completed, MutationResponse::no_content()).await,
                EmailMove::Taken => {
                    Problem::conflict("The new address signs in to another account. Choose another address.")
                }
                EmailMove::NoUser => Problem::unauthorized(),
            };
            table.commit(&completed).await?;
            Err(problem.into())
        })
        .await
}

/// Hashes the codes of the present and of the new address. Only hashes are stored. A code works for its own address only.
fn hashes(sealer: &Sealer, account: AccountId, [present, new]: &[String; 2]) -> (String, String) {
    let hash = |which: &str, code: &str| sealer.keyed_hash(PURPOSE, format!("{account} {which} {code}").as_bytes());
    (hash("present", present), hash("new", new))
}

/// Makes the problem of wrong, used and expired codes, which is the same for all of them.
fn wrong_codes() -> Problem {
    let rule = "must be the latest code that was sent to this address, unused and not expired";
    Problem::invalid("present_code", rule).and_invalid("new_code", rule)
}

async fn send(mail: &Mail, account: &Account, to: &str, [present_code, new_code]: &[String; 2]) -> Result<(), Problem> {
    let (language, minutes) = (Language::from_tag(&account.preferences.language), email_change::CODE_MINUTES);
    let present = Message::EmailChangeCurrent { code: present_code, minutes };
    let new = Message::EmailChangeNew { code: new_code, minutes };
    mail.send(&account.email, language, &present).await.map_err(Problem::internal)?;
    mail.send(to, language, &new).await.map_err(Problem::internal)
}
