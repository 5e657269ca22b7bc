//! Forgot, reset: sets a new password with a mailed code.

use std::sync::Arc;

use api::accounts::{email::Address, session::PasswordReset};
use axum::extract::{MatchedPath, State};
use http::StatusCode;
use runtime::http::{Problem, StrictJson};

use crate::{
    app::App,
    fields::{Code, Email, Password},
    sign_up::accepted,
};

pub(crate) async fn forgot(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    StrictJson(body): StrictJson<Address>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    app.limit_address(&path, &email).await?;
    accepted(app.user_pool.forgot(&email).await)
}

/// Sets the password and ends every session: another person may have used the old password.
///
/// A failure between the two is a 5xx. The password is set by then, and another reset ends the sessions.
pub(crate) async fn reset(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    StrictJson(body): StrictJson<PasswordReset>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    let code = Code::parse(body.code)?;
    let password = Password::new(body.password)?;
    app.limit_address(&path, &email).await?;
    app.user_pool.reset(&email, &code, &password).await.map_err(|error| error.into_problem(Code::refused))?;
    app.user_pool.end_sessions(&email).await.map_err(Problem::internal)?;
    Ok(StatusCode::NO_CONTENT)
}
