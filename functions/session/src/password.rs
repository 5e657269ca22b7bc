//! Forgot, reset: sets a password with a mailed code, for the first time after a sign-up or in place of a forgotten one.

use std::sync::Arc;

use api::accounts::{email::Address, session::PasswordReset};
use axum::extract::{MatchedPath, State};
use http::StatusCode;
use runtime::{
    clock,
    http::{Problem, RequestContext, StrictJson},
    telemetry::{Metric, metric},
};

use crate::{
    app::App,
    fields::{Code, Email, Password},
    user_pool::{MAIL_PAUSE_S, UserPoolError, mail_unavailable},
};

pub(crate) async fn forgot(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    StrictJson(body): StrictJson<Address>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    app.limit_address(&path, &context, &email).await?;
    match app.send_code(&email).await? {
        // The user pool tries no mail to an address that is not registered, so only a 202 tells nothing.
        Err(UserPoolError::Undelivered) => Ok(StatusCode::ACCEPTED),
        sent => accepted(sent),
    }
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

impl App {
    /// Mails a code, unless the mails of the day are used up. Then nothing is tried for a while, and every address gets the same
    /// response, registered or not.
    ///
    /// What remains: for an address that is not registered, [`forgot`] tries no mail and learns of no quota. So its first request
    /// after a pause tells whether its address is registered, once in fifteen minutes, while the quota is used up. A sign-up
    /// tells nothing: it mails every address.
    ///
    /// # Errors
    /// A 503 while nothing is tried; 500.
    pub(crate) async fn send_code(&self, email: &Email) -> Result<Result<(), UserPoolError>, Problem> {
        let now = clock::now();
        let (window, subject) = ("mail-quota", b"all addresses");
        if self.mutations.is_counted(window, subject, MAIL_PAUSE_S, now).await? {
            return Err(mail_unavailable());
        }
        let sent = self.user_pool().await?.send_code(email).await;
        if let Err(UserPoolError::MailQuota | UserPoolError::Undelivered) = sent {
            metric(Metric::UnsentCodes, 1, &[]);
        }
        if matches!(sent, Err(UserPoolError::MailQuota)) {
            self.mutations.count(window, subject, MAIL_PAUSE_S, now).await?;
        }
        Ok(sent)
    }
}

/// Answers 202 whether a mail was sent or not, unless no address can get one now.
pub(crate) fn accepted(outcome: Result<(), UserPoolError>) -> Result<StatusCode, Problem> {
    match outcome {
        Ok(()) | Err(UserPoolError::Refused | UserPoolError::Malformed) => Ok(StatusCode::ACCEPTED),
        Err(error) => Err(error.into_problem(Code::refused)),
    }
}
