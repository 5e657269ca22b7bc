//! The door of functions that no person calls: queues, buckets, schedules.

use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::config::Environment;

/// Builds the function and answers its events until Lambda ends the process.
///
/// An event that is not an `E` and an error of the handler both fail the invocation; what a repeat does is up to the trigger.
pub async fn run<E, R, H, F>(build: impl AsyncFnOnce(Environment) -> Result<H, Error>) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    H: FnMut(LambdaEvent<E>) -> F,
    F: Future<Output = Result<R, Error>>,
{
    let mut handler = crate::start(build).await?;
    // Boxed, as the futures of the SDK are deeper than the compiler computes layouts for.
    lambda_runtime::run(service_fn(move |event| Box::pin(handler(event)))).await
}
