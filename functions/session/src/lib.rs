//! `POST /v1/session/{sign-up,sign-in,refresh,sign-out,forgot,reset}`: signs people up, in and out with the user pool.
//!
//! A sign-up creates a user with a random password and mails a code. The password is set by the person who presents the code, so an
//! address belongs to the person who reads its mail, no matter who signed it up.
//!
//! A session consists of an access token, valid for fifteen minutes, in the body, and a refresh token in a cookie that
//! scripts cannot read. The cookie is sealed, and the user pool accepts a refresh token only with the secret of its client: a
//! stolen cookie works with this function alone, and only together with the CSRF token. The CSRF token is a keyed hash of a
//! random session id in the cookie and stays the same until the session ends: another site cannot know it.
//!
//! No response tells whether an address is registered. Sign-up and forgot answer 202, or 503 to all while no mail can be sent;
//! `App::send_code` says what remains in that case. A wrong code, an expired code and an unknown address get the same response, and
//! so do a wrong password and an unknown address.
//!
//! [`second_factor`] asks for a code or a passkey after the password, if the account has a second factor.
//!
//! Repeats: sign-up and forgot send at most one more mail. Reset uses up its code, so a repeat is told that the code is wrong.
//! Each sign-in opens another session. The first sign-in creates the account; two at once create it once. Refresh replaces the
//! refresh token. The user pool accepts the old one for ten more seconds, so a client that lost the response can repeat the
//! request within that time. After that it must sign in again. A repeated sign-out changes nothing. Access tokens stay valid
//! until they expire.
//!
//! Calls: each route counts the request for the networks of the client and, where there is one, for the address, then calls the
//! user pool once. Sign-up and reset call it twice: to send the code, and to end every session. Sign-in adds two reads and one
//! write, which is a transaction when it creates the account, and with a second factor one write more.

mod app;
mod fields;
mod password;
mod rate_limit;
mod refresh;
mod second_factor;
mod session_cookie;
mod sign_in;
mod sign_up;
mod user_pool;

use std::sync::Arc;

use api::{Routes, accounts::session};
use axum::{Router, middleware};
use runtime::{Error, config::Environment};

use crate::app::App;

/// Builds the router.
///
/// # Errors
/// A variable is missing or no number. The error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let app = Arc::new(App::start(&environment).await?);
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(app.clone(), rate_limit::limit_network))
        .with_state(app))
}

fn routes() -> Routes<Arc<App>> {
    Routes::new()
        .operation(&session::SIGN_UP, sign_up::sign_up)
        .operation(&session::SIGN_IN, sign_in::sign_in)
        .operation(&session::REFRESH, refresh::refresh)
        .operation(&session::SIGN_OUT, refresh::sign_out)
        .operation(&session::FORGOT_PASSWORD, password::forgot)
        .operation(&session::RESET_PASSWORD, password::reset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("session"));
    }
}
