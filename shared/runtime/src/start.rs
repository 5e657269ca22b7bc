//! Starts a function.

use crate::config::Environment;
use crate::error::Error;
use crate::telemetry;

/// Reads the environment, starts the logs, and builds the function.
///
/// Logs an error as one line, as Lambda itself prints only its debug form.
pub(crate) async fn start<T>(build: impl AsyncFnOnce(Environment) -> Result<T, Error>) -> Result<T, Error> {
    let environment = Environment::from_process();
    telemetry::init(&environment);
    build(environment).await.inspect_err(|error| tracing::error!(error = %error, "function could not start"))
}
