//! Forgot, reset: sets a password with a mailed code, for the first time after a sign-up or in place of a forgotten one.

use std::sync::Arc;

use api::accounts::{email::Address, session::PasswordReset};
use axum::extract::{MatchedPath, State};
use http::StatusCode;
use runtime::http::{Problem, RequestContext, StrictJson};

use crate::{
    app::App,
    fields::{Code, Email, Password},
    user_pool::UserPoolError,
};

pub(crate) async fn forgot(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    StrictJson(body): StrictJson<Address>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    app.limit_address(&path, &context, &email).await?;
    accepted(app.user_pool().await?.send_code(&email).await)
}

/// Sets the password and ends every session: another person may have used the old password.
///
/// A failure between the two is a 5xx. The password is set by then, and another reset ends the sessions.
pub(crate) async fn reset(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    StrictJson(body): StrictJson<PasswordReset>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    let code = Code::parse(&body.code)?;
    let password = Password::new(body.password, &email)?;
    app.limit_address(&path, &context, &email).await?;
    let user_pool = app.user_pool().await?;
    user_pool.set_password(&email, &code, &password).await.map_err(|error| error.into_problem(Code::refused))?;
    user_pool.end_sessions(&email).await.map_err(Problem::internal)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers 202 whether a mail was sent or not.
pub(crate) fn accepted(outcome: Result<(), UserPoolError>) -> Result<StatusCode, Problem> {
    match outcome {
        Ok(()) | Err(UserPoolError::Refused | UserPoolError::Malformed) => Ok(StatusCode::ACCEPTED),
        Err(error) => Err(error.into_problem(Code::refused)),
    }
}
