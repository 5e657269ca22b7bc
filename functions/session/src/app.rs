//! The state and the configuration of the function.

use std::sync::Arc;

use api::Mutations;
use runtime::{
    Error,
    clients::{self, Clients},
    config::{Environment, InvalidVariable},
    http::Problem,
    secrets::SecretUnreadable,
    webauthn::RelyingParty,
};
use store::Records;
use tokio::{join, sync::OnceCell};

use crate::user_pool::{self, PoolClient, UserPool};

/// Holds what the handlers share.
pub(crate) struct App {
    clients: Arc<Clients>,
    pub(crate) mutations: Mutations,
    pub(crate) records: Records,
    user_pool: OnceCell<UserPool>,
    pub(crate) config: Config,
}

/// Holds the configuration, read from the environment once.
pub(crate) struct Config {
    records: String,
    user_pool_id: String,
    client_id: String,
    client_secret: String,
    /// The origin whose passkeys sign in.
    pub(crate) relying_party: RelyingParty,
    /// The requests that one network may send to one route in a minute.
    pub(crate) rate_per_minute: u64,
    /// The accounts that one network may open in a day. Every further account starts frozen.
    pub(crate) accounts_per_network_per_day: u64,
}

impl App {
    /// Creates the clients of a configuration. Meanwhile connects to the table and to the user pool, as far as that takes no longer
    /// than a [start](clients::during_start) may.
    ///
    /// # Errors
    /// A variable is missing or no number. The error names it.
    pub(crate) async fn start(environment: &Environment) -> Result<Self, Error> {
        let config = Config::parse(environment)?;
        let clients = Arc::new(Clients::new(environment)?);
        let user_pool = OnceCell::new();
        let (mutations, (), ()) = join!(
            Mutations::open(environment, &clients),
            clients::during_start(config.user_pool(&user_pool, &clients)),
            clients::during_start(user_pool::connect(clients.cognito(), &config.client_id)),
        );
        Ok(Self {
            mutations: mutations?,
            records: Records::new(clients.dynamodb().clone(), config.records.clone()),
            user_pool,
            clients,
            config,
        })
    }

    /// Returns the user pool. The first call reads the secret of its client.
    ///
    /// # Errors
    /// A 500: the secret cannot be read. The next call tries again.
    pub(crate) async fn user_pool(&self) -> Result<&UserPool, Problem> {
        self.config.user_pool(&self.user_pool, &self.clients).await
    }
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// A variable is missing, is no number or is negative. The error names it.
    pub(crate) fn parse(environment: &Environment) -> Result<Self, InvalidVariable> {
        Ok(Self {
            records: environment.required("RECORDS")?,
            user_pool_id: environment.required("USER_POOL_ID")?,
            client_id: environment.required("CLIENT_ID")?,
            client_secret: environment.required("CLIENT_SECRET")?,
            relying_party: RelyingParty::open(environment)?,
            rate_per_minute: environment.integer("SESSION_RATE_PER_MINUTE")?,
            accounts_per_network_per_day: environment.integer("ACCOUNTS_PER_NETWORK_PER_DAY")?,
        })
    }

    /// Returns the user pool. The first call reads the secret of its client.
    async fn user_pool<'a>(
        &self,
        user_pool: &'a OnceCell<UserPool>,
        clients: &Clients,
    ) -> Result<&'a UserPool, Problem> {
        let open = async || {
            let secret = clients.secret(&self.client_secret).await?;
            let client = PoolClient::new(self.client_id.clone(), secret);
            Ok(UserPool::new(clients.cognito().clone(), self.user_pool_id.clone(), client))
        };
        user_pool.get_or_try_init(open).await.map_err(|error: SecretUnreadable| Problem::internal(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: [(&str, &str); 7] = [
        ("RECORDS", "records"),
        ("USER_POOL_ID", "pool"),
        ("CLIENT_ID", "client"),
        ("CLIENT_SECRET", "client-secret"),
        ("ORIGIN", "https://darkroom.example.com"),
        ("SESSION_RATE_PER_MINUTE", "30"),
        ("ACCOUNTS_PER_NETWORK_PER_DAY", "20"),
    ];

    #[test]
    fn missing_variable_stops_the_start_and_is_named() {
        assert!(Config::parse(&Environment::from_iter(VARIABLES)).is_ok());
        for (missing, _) in VARIABLES {
            let others = VARIABLES.into_iter().filter(|(name, _)| *name != missing);
            let error = Config::parse(&Environment::from_iter(others)).err().unwrap();
            assert!(error.to_string().contains(missing), "{error}");
        }
    }

    #[test]
    fn negative_rate_stops_the_start_and_is_named() {
        let variables = VARIABLES.map(|(name, value)| (name, if value == "30" { "-1" } else { value }));
        let error = Config::parse(&Environment::from_iter(variables)).err().unwrap();
        assert!(error.to_string().contains("SESSION_RATE_PER_MINUTE"), "{error}");
    }
}
