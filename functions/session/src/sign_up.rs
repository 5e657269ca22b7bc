//! Sign-up, confirm, resend: creates a user and confirms the address with a mailed code.

use std::sync::Arc;

use api::accounts::{
    email::Address,
    session::{Confirmation, Credentials},
};
use axum::extract::{MatchedPath, State};
use http::StatusCode;
use runtime::http::{Problem, StrictJson};

use crate::{
    app::App,
    fields::{Code, Email, Password},
    user_pool::UserPoolError,
};

/// Creates an unconfirmed user. Answers 202 for a registered address too, which gets no mail: its owner can sign in or
/// reset the password.
pub(crate) async fn sign_up(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    StrictJson(body): StrictJson<Credentials>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    let password = Password::new(body.password)?;
    app.limit_address(&path, &email).await?;
    match app.user_pool.sign_up(&email, &password).await {
        Ok(()) | Err(UserPoolError::Refused) => Ok(StatusCode::ACCEPTED),
        Err(error) => Err(error.into_problem(|| Problem::invalid("email", "must be an address that can get mail"))),
    }
}

pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    StrictJson(body): StrictJson<Confirmation>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    let code = Code::parse(body.code)?;
    app.limit_address(&path, &email).await?;
    app.user_pool.confirm(&email, &code).await.map_err(|error| error.into_problem(Code::refused))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn resend(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    StrictJson(body): StrictJson<Address>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    app.limit_address(&path, &email).await?;
    accepted(app.user_pool.resend(&email).await)
}

/// Answers 202 whether a mail was sent or not.
pub(crate) fn accepted(outcome: Result<(), UserPoolError>) -> Result<StatusCode, Problem> {
    match outcome {
        Ok(()) | Err(UserPoolError::Refused | UserPoolError::Malformed) => Ok(StatusCode::ACCEPTED),
        Err(error) => Err(error.into_problem(Code::refused)),
    }
}
