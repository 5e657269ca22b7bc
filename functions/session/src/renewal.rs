//! Refresh, sign-out: what the cookie and the CSRF token together can do.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use runtime::http::Problem;

use crate::{
    App,
    cookie::{self, Session},
    sign_in::signed_in,
    user_pool::PoolError,
};

/// Replaces the refresh token; for ten seconds the user pool still takes the old one, so that a page that was left before
/// the answer came does not end the session.
///
/// A refusal leaves the cookie alone: another tab may have replaced it a moment ago, and this answer may arrive last.
pub(crate) async fn refresh(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let sealer = app.sealer().await?;
    let session = Session::from_request(&headers).ok_or_else(no_session)?;
    if !session.is_confirmed_by(&headers, sealer) {
        return Err(no_csrf_token());
    }
    let refreshed = app.user_pool.refresh(session.refresh_token()).await;
    let (opened, token) = refreshed.map_err(|error| error.into_problem(no_session))?;
    signed_in(opened, &session.go_on(token), sealer)
}

/// Ends the session. Without one there is nothing to end, and nobody to protect.
pub(crate) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(session) = Session::from_request(&headers) else {
        // Another site can have a browser ask this, but not with the cookie: the answer must not take it away.
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if !session.is_confirmed_by(&headers, app.sealer().await?) {
        return Err(no_csrf_token());
    }
    match app.user_pool.revoke(session.refresh_token()).await {
        // It is one of ours, so what the user pool does not know any more has ended.
        Ok(()) | Err(PoolError::Refused) => {}
        Err(error) => return Err(error.into_problem(no_session)),
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::removal())]).into_response())
}

fn no_session() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "no-session", "There is no such session")
        .with_detail("It has ended, or its refresh token was used before: sign in again")
}

fn no_csrf_token() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "no-csrf-token", "X-CSRF-Token does not belong to the session")
        .with_detail("Send the csrf_token of the sign-in or of a refresh")
}
