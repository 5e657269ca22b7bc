//! Refresh, sign-out: the routes that need the cookie and the CSRF token.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use runtime::http::Problem;

use crate::{
    app::App,
    session_cookie::{self, Session},
    sign_in::signed_in,
    user_pool::UserPoolError,
};

/// Replaces the refresh token. The user pool accepts the old one for ten more seconds, so a page that was closed before the
/// response arrived keeps its session.
///
/// A refusal does not change the cookie: another tab may just have replaced it, and this response may arrive last.
pub(crate) async fn refresh(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let sealer = app.mutations.sealer().await?;
    let session = Session::from_request(&headers, sealer).ok_or_else(no_session)?;
    if !session.is_confirmed_by(&headers, sealer) {
        return Err(no_csrf_token());
    }
    let refreshed = app.user_pool().await?.refresh(session.refresh_token()).await;
    let (opened, token) = refreshed.map_err(|error| error.into_problem(no_session))?;
    signed_in(opened, &session.with_refresh_token(token), sealer)
}

/// Ends the session and removes the cookie. Answers 204 for a request without a session.
pub(crate) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let sealer = app.mutations.sealer().await?;
    let Some(session) = Session::from_request(&headers, sealer) else {
        // Another site can send this request without the cookie. The response must not remove the cookie then.
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if !session.is_confirmed_by(&headers, sealer) {
        return Err(no_csrf_token());
    }
    match app.user_pool().await?.revoke(session.refresh_token()).await {
        // The CSRF token shows that the session is ours. If the user pool does not know it any more, it has ended.
        Ok(()) | Err(UserPoolError::Refused) => {}
        Err(error) => return Err(error.into_problem(no_session)),
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, session_cookie::removal()?)]).into_response())
}

fn no_session() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "no-session", "You are not signed in")
        .with_detail("The session has ended, or its refresh token was used before. Sign in again.")
}

fn no_csrf_token() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "no-csrf-token", "Invalid CSRF token")
        .with_detail("X-CSRF-Token does not belong to the session. Send the csrf_token of the last sign-in or refresh.")
}
