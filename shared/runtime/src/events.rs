//! Runs functions that are triggered by queues, buckets and schedules.

use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Environment;
use crate::error::Error;
use crate::start::start;

/// Builds the function and handles its events until Lambda ends the process.
///
/// # Errors
/// Fails the invocation for an event that is not an `E`, and for an error of the handler. The trigger decides about repeats.
pub async fn run<E, R, H, F>(build: impl AsyncFnOnce(Environment) -> Result<H, Error>) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    H: FnMut(LambdaEvent<E>) -> F,
    F: Future<Output = Result<R, Error>>,
{
    let mut handler = start(build).await?;
    // Boxed, as the compiler cannot compute the layout of the deeply nested futures of the SDK.
    lambda_runtime::run(service_fn(move |event| Box::pin(handler(event)))).await
}
