//! `POST /v1/session/{sign-up,confirm,resend,sign-in,refresh,sign-out,forgot,reset}`: signs people up, in and out with the
//! user pool.
//!
//! A session consists of an access token, valid for fifteen minutes, in the body, and a refresh token in a cookie that
//! scripts cannot read. The cookie also carries a random session id. Refresh and sign-out require the CSRF token, a keyed
//! hash of the session id that stays the same until the session ends: another site cannot know it. The CSRF token protects
//! against requests from other sites. It does not protect a stolen cookie: the user pool's client has no secret, so the
//! refresh token in the cookie can be used with the user pool directly.
//!
//! No response tells whether an address is registered. Sign-up, resend and forgot always answer 202. A wrong code, an expired
//! code and an unknown address get the same response. So do a wrong password, an unconfirmed address and an unknown one,
//! since the user pool reports an unconfirmed address without checking the password.
//!
//! Repeats: sign-up, resend and forgot send at most one more mail. Confirm and reset use up their code, so a repeat is told
//! that the code is wrong. Each sign-in opens another session. The first sign-in creates the account; two at once create it
//! once. Refresh replaces the refresh token. The user pool accepts the old one for ten more seconds, so a client that lost
//! the response can repeat the request within that time. After that it must sign in again. A repeated sign-out changes
//! nothing. Access tokens stay valid until they expire.
//!
//! Calls: each route counts the request for the network and, where there is one, for the address, then calls the user pool
//! once. Reset calls it twice, as it also ends every session. Sign-in adds one read and one write, which is a transaction
//! when it creates the account.

mod app;
mod fields;
mod password_reset;
mod rate_limit;
mod refresh;
mod session_cookie;
mod sign_in;
mod sign_up;
mod user_pool;

use std::sync::Arc;

use api::{Routes, accounts::session};
use axum::{Router, middleware};
use runtime::{Error, clients::Clients, config::Environment};

use crate::app::{App, Config};

/// Builds the router.
///
/// # Errors
/// A variable is missing or no number. The error names it.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let config = Config::parse(&environment)?;
    let clients = Clients::new(&environment)?;
    clients.warm_dynamodb(&config.table).await;
    let app = Arc::new(App::new(config, clients));
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(app.clone(), rate_limit::limit_network))
        .with_state(app))
}

fn routes() -> Routes<Arc<App>> {
    Routes::new()
        .operation(&session::SIGN_UP, sign_up::sign_up)
        .operation(&session::CONFIRM, sign_up::confirm)
        .operation(&session::RESEND_CODE, sign_up::resend)
        .operation(&session::SIGN_IN, sign_in::sign_in)
        .operation(&session::REFRESH, refresh::refresh)
        .operation(&session::SIGN_OUT, refresh::sign_out)
        .operation(&session::FORGOT_PASSWORD, password_reset::forgot)
        .operation(&session::RESET_PASSWORD, password_reset::reset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("session"));
    }
}
