//! `POST /v1/account/email`, `POST /v1/account/email/confirm`: another address to sign in with.
//!
//! Asking takes a recent sign-in, and sends a code to the present address and another one to the new address. Both codes
//! together make the change: the user pool, the account, the end of every session, a mail to the old address; access
//! tokens in hand live on for up to fifteen minutes. If we die in between, a repeat or `sweep` does the rest.
//!
//! Asking again replaces the codes. That an address signs in to another account already is told to nobody but whoever has
//! shown that it is theirs.

use std::sync::Arc;

use api::{
    Attempt, MutationResponse, Mutations,
    requests::{Address, EmailConfirmation},
};
use axum::{Router, extract::State, middleware, response::Response, routing::post};
use domain::{
    AccountId,
    accounts::email::{self, CodeCheck, EmailChange},
};
use http::StatusCode;
use lifecycle::{address::EmailChanges, user_pool::EmailMove};
use mail::Mail;
use runtime::{
    clock,
    http::{Caller, MutatingRequest, Problem},
    seal::Sealer,
};
use store::Write;

const HOUR_S: i64 = 3_600;
/// Changes that an account may ask for in an hour, and codes that an address may get.
const PER_HOUR: u64 = 5;
/// The purpose of the keyed hash of a code.
const PURPOSE: &str = "email code";

#[derive(Clone)]
struct App {
    mutations: Mutations,
    addresses: Arc<EmailChanges>,
}

/// The routes.
pub(crate) fn routes(mutations: Mutations, addresses: EmailChanges) -> Router {
    Router::new()
        .route("/v1/account/email", post(ask))
        .route("/v1/account/email/confirm", post(confirm))
        .route_layer(middleware::from_fn_with_state(mutations.clone(), api::require_active_account))
        .with_state(App { mutations, addresses: Arc::new(addresses) })
}

async fn ask(State(app): State<App>, caller: Caller, request: MutatingRequest<Address>) -> Result<Response, Problem> {
    let now = clock::now();
    let to = email::normalize(&request.body.email).ok_or_else(|| Problem::invalid("email", email::EMAIL_RULE))?;
    let no_mail = || Problem::conflict("this deployment sends no mail: its operator has not set MailFrom");
    let mail = app.addresses.mail.as_ref().ok_or_else(no_mail)?;
    caller.signed_in_recently(now)?;
    let id = AccountId(caller.account_id);
    let mut mutation = app.mutations.begin(id, request.idempotency, now);
    if let Some(response) = mutation.answered().await? {
        return Ok(response);
    }
    app.mutations.limit("email-change", id.0.as_bytes(), (HOUR_S, PER_HOUR), now).await?;
    app.mutations.limit("email-code", to.as_bytes(), (HOUR_S, PER_HOUR), now).await?;
    let codes = [mail::code(), mail::code()];
    let hashes = hashes(app.mutations.sealer().await?, id, &codes);
    loop {
        let attempt: Result<Response, Attempt> = async {
            let (account, before) = app.mutations.table.account_and_email_change(id).await?;
            let account = account.ok_or_else(Problem::unauthorized)?;
            let change = EmailChange::request(&account, before.as_ref(), to.clone(), hashes.clone(), now)?;
            app.mutations.table.commit(&[Write::EmailChange(&change)]).await?;
            send(mail, [&account.email, &to], &codes).await?;
            mutation.commit(&[], MutationResponse { status: StatusCode::ACCEPTED, location: None, body: () }).await
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

async fn confirm(
    State(app): State<App>,
    caller: Caller,
    request: MutatingRequest<EmailConfirmation>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let id = AccountId(caller.account_id);
    let codes = [request.body.present_code, request.body.new_code];
    let (present, new) = hashes(app.mutations.sealer().await?, id, &codes);
    let table = &app.mutations.table;
    let mut mutation = app.mutations.begin(id, request.idempotency, now);
    loop {
        let attempt: Result<Response, Attempt> = async {
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
            let (moved, change) = app.addresses.complete(confirmed, now).await.map_err(Problem::internal)?;
            let over = [Write::RemoveEmailChange(&change)];
            let refusal = match moved {
                EmailMove::Done => {
                    let answer = MutationResponse { status: StatusCode::NO_CONTENT, location: None, body: () };
                    return mutation.commit(&over, answer).await;
                }
                EmailMove::Taken => Problem::conflict("the new address signs in to another account"),
                EmailMove::NoUser => Problem::unauthorized(),
            };
            table.commit(&over).await?;
            Err(refusal.into())
        }
        .await;
        if let Some(response) = mutation.conclude(attempt).await? {
            return Ok(response);
        }
    }
}

/// What is kept of the codes that go to the present and to the new address. Each is good for its own address alone.
fn hashes(sealer: &Sealer, account: AccountId, [present, new]: &[String; 2]) -> (String, String) {
    let hash = |which: &str, code: &str| sealer.keyed_hash(PURPOSE, format!("{account} {which} {code}").as_bytes());
    (hash("present", present), hash("new", new))
}

/// The one answer to all codes that do not help.
fn wrong_codes() -> Problem {
    let rule = "must be the code that was last sent to this address, unused and not expired";
    Problem::invalid("present_code", rule).and_invalid("new_code", rule)
}

async fn send(mail: &Mail, [present, new]: [&str; 2], [present_code, new_code]: &[String; 2]) -> Result<(), Problem> {
    let minutes = email::CODE_MINUTES;
    let about_present = format!(
        "Somebody who is signed in to your Darkroom account wants to sign in with another address from now on.\n\n\
         The code for this address is {present_code}. It is good for {minutes} minutes.\n\n\
         If that was not you, do nothing with the code, and change your password.\n"
    );
    let about_new = format!(
        "Somebody wants to sign in to their Darkroom account with this address from now on.\n\n\
         The code for this address is {new_code}. It is good for {minutes} minutes.\n\n\
         If that was not you, do nothing: without the code nothing changes.\n"
    );
    let subject = "Your Darkroom code";
    mail.send(present, subject, &about_present).await.map_err(Problem::internal)?;
    mail.send(new, subject, &about_new).await.map_err(Problem::internal)
}
