//! Sign-up, confirm, resend.

use std::sync::Arc;

use api::accounts::{
    email::Address,
    session::{Confirmation, Credentials},
};
use axum::extract::{MatchedPath, State};
use http::StatusCode;
use runtime::http::{Problem, StrictJson};

use crate::{
    App,
    fields::{Code, Email, Password},
    user_pool::PoolError,
};

/// 202 whether the address is known or not: who knows it already gets no mail, and can sign in or ask for a new password.
pub(crate) async fn sign_up(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    StrictJson(body): StrictJson<Credentials>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    let password = Password::choose(body.password)?;
    app.limit_address(&path, &email).await?;
    match app.user_pool.sign_up(&email, &password).await {
        Ok(()) | Err(PoolError::Refused) => Ok(StatusCode::ACCEPTED),
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
    sent(app.user_pool.resend(&email).await)
}

/// 202 whether a mail was sent or not.
pub(crate) fn sent(outcome: Result<(), PoolError>) -> Result<StatusCode, Problem> {
    match outcome {
        Ok(()) | Err(PoolError::Refused | PoolError::Malformed) => Ok(StatusCode::ACCEPTED),
        Err(error) => Err(error.into_problem(Code::refused)),
    }
}
