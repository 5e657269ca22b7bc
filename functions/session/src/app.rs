//! The state and the configuration of the function.

use domain::Credits;
use runtime::{Error, clients::Clients, config::Environment, http::Problem, seal::Sealer, secrets::SecretUnreadable};
use store::{Records, Table};
use tokio::sync::OnceCell;

use crate::user_pool::{PoolClient, UserPool};

/// Holds what the handlers share.
pub(crate) struct App {
    pub(crate) clients: Clients,
    pub(crate) table: Table,
    pub(crate) records: Records,
    user_pool: OnceCell<UserPool>,
    pub(crate) config: Config,
}

/// Holds the configuration, read from the environment once.
pub(crate) struct Config {
    pub(crate) table: String,
    records: String,
    user_pool_id: String,
    client_id: String,
    client_secret: String,
    app_key_secret: String,
    /// The credits that a new account gets.
    pub(crate) welcome: Credits,
    /// The requests that one network may send to one route in a minute.
    pub(crate) rate_per_minute: u64,
    /// The accounts that one network may open in a day. Every further account starts frozen.
    pub(crate) accounts_per_network_per_day: u64,
}

impl App {
    /// Creates the clients of a configuration. Calls nothing yet.
    pub(crate) fn new(config: Config, clients: Clients) -> Self {
        Self {
            table: Table::new(clients.dynamodb().clone(), config.table.clone()),
            records: Records::new(clients.dynamodb().clone(), config.records.clone()),
            user_pool: OnceCell::new(),
            clients,
            config,
        }
    }

    /// Returns the sealer. The first call reads its key.
    ///
    /// # Errors
    /// A 500: the key cannot be read.
    pub(crate) async fn sealer(&self) -> Result<&Sealer, Problem> {
        self.clients.sealer(&self.config.app_key_secret).await.map_err(Problem::internal)
    }

    /// Returns the user pool. The first call reads the secret of its client.
    ///
    /// # Errors
    /// A 500: the secret cannot be read. The next call tries again.
    pub(crate) async fn user_pool(&self) -> Result<&UserPool, Problem> {
        let open = async || {
            let secret = self.clients.secret(&self.config.client_secret).await?;
            let client = PoolClient::new(self.config.client_id.clone(), secret);
            Ok(UserPool::new(self.clients.cognito().clone(), self.config.user_pool_id.clone(), client))
        };
        self.user_pool.get_or_try_init(open).await.map_err(|error: SecretUnreadable| Problem::internal(error))
    }
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// A variable is missing, is no number or is negative. The error names it.
    pub(crate) fn parse(environment: &Environment) -> Result<Self, Error> {
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
            client_secret: environment.required("CLIENT_SECRET")?,
            app_key_secret: environment.required("APP_KEY_SECRET")?,
            welcome: Credits(environment.integer("WELCOME_CREDITS")?),
            rate_per_minute: number("SESSION_RATE_PER_MINUTE")?,
            accounts_per_network_per_day: number("ACCOUNTS_PER_NETWORK_PER_DAY")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VARIABLES: [(&str, &str); 9] = [
        ("TABLE", "table"),
        ("RECORDS", "records"),
        ("USER_POOL_ID", "pool"),
        ("CLIENT_ID", "client"),
        ("CLIENT_SECRET", "client-secret"),
        ("APP_KEY_SECRET", "secret"),
        ("WELCOME_CREDITS", "100"),
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
