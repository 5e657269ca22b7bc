//! What every function shares, and nothing that only one of them needs.
//!
//! - [`config`], [`clients`], [`clock`]: the environment, AWS, time and chance. Each is read here and nowhere else.
//! - [`http`]: the door of every route: problem details, strict bodies and queries, the caller, idempotency keys.
//! - [`events`], [`sqs`]: the door of every other trigger.
//! - [`seal`], [`cursor`]: what a client holds for us and must not read or change.
//! - [`telemetry`]: logs and metrics.
//!
//! Nothing here knows the domain or the table.

#[cfg(debug_assertions)]
mod chaos;
pub mod clients;
pub mod clock;
pub mod config;
pub mod cursor;
pub mod events;
pub mod http;
pub mod seal;
pub mod secrets;
pub mod sqs;
pub mod telemetry;

/// Why a function could not start, or why an invocation failed as a whole.
pub type Error = lambda_runtime::Error;

/// Reads the environment, starts the logs, and lets `build` make the function.
///
/// A failure is logged as one line, since what Lambda prints of it is the bare debug form.
async fn start<T>(build: impl AsyncFnOnce(config::Environment) -> Result<T, Error>) -> Result<T, Error> {
    let environment = config::Environment::from_process();
    telemetry::init(&environment);
    build(environment).await.inspect_err(|error| tracing::error!(error = %error, "the function could not start"))
}
