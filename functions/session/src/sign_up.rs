//! Sign-up: creates a user without a password that anybody knows, and mails the code with which the owner of the address
//! sets one.

use std::sync::Arc;

use api::accounts::session::NewUser;
use axum::extract::{MatchedPath, State};
use domain::accounts::terms;
use http::StatusCode;
use runtime::{
    clock,
    http::{Problem, RequestContext, StrictJson},
};

use crate::{app::App, fields::Email, password::accepted, user_pool::UserPoolError};

/// Creates a user and mails a code. For a registered address it mails a code as well: the owner may have lost the mail, or
/// forgotten that they have an account.
///
/// A failure between the two is a 5xx. The user exists by then, and a repeat mails the code.
pub(crate) async fn sign_up(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    context: RequestContext,
    StrictJson(body): StrictJson<NewUser>,
) -> Result<StatusCode, Problem> {
    let email = Email::parse(&body.email)?;
    let texts = app.mutations.table.texts(clock::now()).await.map_err(api::store_problem)?;
    let checked = terms::check_version("terms", &body.terms, &texts.terms.version);
    checked.map_err(|error| Problem::invalid(error.field, error.rule))?;
    app.limit_address(&path, &context, &email).await?;
    let user_pool = app.user_pool().await?;
    match user_pool.create_user(&email, &body.terms).await {
        Ok(()) | Err(UserPoolError::Refused) => accepted(app.send_code(&email).await?),
        Err(error) => Err(error.into_problem(|| Problem::invalid("email", "must be an address that can get mail"))),
    }
}
