//! `POST /v1/session/{sign-up,confirm,resend,sign-in,refresh,sign-out,forgot,reset}`: who somebody is, kept by the user pool.
//!
//! A session is an access token of fifteen minutes, in the body, and a refresh token in a cookie that scripts cannot read.
//! Refresh and sign-out also need the CSRF token, a keyed hash of that refresh token: another site cannot know it, and a
//! stolen cookie alone is worth nothing.
//!
//! No answer tells whether an address is registered. Sign-up, resend and forgot always say 202; a wrong code, a code that
//! expired and an address that nobody has are one answer; so are a wrong password, an address that is not confirmed and one
//! that nobody has, since the user pool says that an address is unconfirmed without looking at the password.
//!
//! What a repeat does: sign-up, resend and forgot send at most another mail. Confirm and reset spend their code, and say
//! that it is wrong the second time. Sign-in opens another session; the first one makes the account, and two first ones at
//! once make it once. Refresh replaces the refresh token, so a repeat with the old one is refused: whoever lost the answer
//! signs in again. Sign-out is as good twice. The access tokens that are out live on until they expire.
//!
//! Round trips: each route counts the caller's network, and where there is an address, that too; then it is one call of the
//! user pool. Reset is two, as it ends every session of the person. Sign-in goes on with one read and one write, the first
//! one included, which is a transaction.

mod cookie;
mod fields;
mod recovery;
mod registration;
mod renewal;
mod sign_in;
mod user_pool;
mod windows;

use std::sync::Arc;

use api::{Routes, accounts::session};
use axum::{Router, middleware};
use domain::Credits;
use runtime::{Error, clients::Clients, config::Environment, http::Problem, seal::Sealer};
use store::{Records, Table};

use crate::user_pool::UserPool;

struct App {
    clients: Clients,
    table: Table,
    records: Records,
    user_pool: UserPool,
    config: Config,
}

/// What the environment says, read once.
struct Config {
    table: String,
    records: String,
    user_pool_id: String,
    client_id: String,
    app_key_secret: String,
    welcome: Credits,
    /// Requests of one network to one route.
    rate_per_minute: u64,
    /// Accounts that one network opens in a day; those after it start frozen.
    accounts_per_network_per_day: u64,
}

/// The routes.
///
/// # Errors
/// A variable is missing or no number; it is named.
pub async fn build(environment: Environment) -> Result<Router, Error> {
    let config = Config::parse(&environment)?;
    let clients = Clients::new(&environment)?;
    clients.warm_dynamodb(&config.table).await;
    let app = Arc::new(App {
        table: Table::new(clients.dynamodb().clone(), config.table.clone()),
        records: Records::new(clients.dynamodb().clone(), config.records.clone()),
        user_pool: UserPool::new(clients.cognito().clone(), config.user_pool_id.clone(), config.client_id.clone()),
        clients,
        config,
    });
    Ok(routes()
        .into_router()
        .route_layer(middleware::from_fn_with_state(app.clone(), windows::limit_network))
        .with_state(app))
}

fn routes() -> Routes<Arc<App>> {
    Routes::new()
        .operation(&session::SIGN_UP, registration::sign_up)
        .operation(&session::CONFIRM, registration::confirm)
        .operation(&session::RESEND_CODE, registration::resend)
        .operation(&session::SIGN_IN, sign_in::sign_in)
        .operation(&session::REFRESH, renewal::refresh)
        .operation(&session::SIGN_OUT, renewal::sign_out)
        .operation(&session::FORGOT_PASSWORD, recovery::forgot)
        .operation(&session::RESET_PASSWORD, recovery::reset)
}

impl Config {
    fn parse(environment: &Environment) -> Result<Self, Error> {
        let number = |name: &'static str| -> Result<u64, Error> {
            u64::try_from(environment.integer(name)?).map_err(|_| {
                format!("the environment variable {name} is negative: correct it for this function in template.yaml")
                    .into()
            })
        };
        Ok(Self {
            table: environment.required("TABLE")?,
            records: environment.required("RECORDS")?,
            user_pool_id: environment.required("USER_POOL_ID")?,
            client_id: environment.required("CLIENT_ID")?,
            app_key_secret: environment.required("APP_KEY_SECRET")?,
            welcome: Credits(environment.integer("WELCOME_CREDITS")?),
            rate_per_minute: number("SESSION_RATE_PER_MINUTE")?,
            accounts_per_network_per_day: number("ACCOUNTS_PER_NETWORK_PER_DAY")?,
        })
    }
}

impl App {
    /// The sealer, fetched on first use.
    async fn sealer(&self) -> Result<&Sealer, Problem> {
        self.clients.sealer(&self.config.app_key_secret).await.map_err(Problem::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: [(&str, &str); 8] = [
        ("TABLE", "table"),
        ("RECORDS", "records"),
        ("USER_POOL_ID", "pool"),
        ("CLIENT_ID", "client"),
        ("APP_KEY_SECRET", "secret"),
        ("WELCOME_CREDITS", "100"),
        ("SESSION_RATE_PER_MINUTE", "30"),
        ("ACCOUNTS_PER_NETWORK_PER_DAY", "20"),
    ];

    #[test]
    fn a_missing_variable_stops_the_start_and_is_named() {
        assert!(Config::parse(&Environment::from_iter(VARIABLES)).is_ok());
        for (missing, _) in VARIABLES {
            let others = VARIABLES.into_iter().filter(|(name, _)| *name != missing);
            let error = Config::parse(&Environment::from_iter(others)).err().unwrap();
            assert!(error.to_string().contains(missing), "{error}");
        }
    }

    #[test]
    fn serves_its_operations() {
        assert_eq!(routes().served(), api::operations_of("session"));
    }

    #[test]
    fn a_negative_rate_stops_the_start_and_is_named() {
        let variables = VARIABLES.map(|(name, value)| (name, if value == "30" { "-1" } else { value }));
        let error = Config::parse(&Environment::from_iter(variables)).err().unwrap();
        assert!(error.to_string().contains("SESSION_RATE_PER_MINUTE"), "{error}");
    }
}
