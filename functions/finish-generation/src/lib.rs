//! Handles the messages of the finish queue: checks the received files of a generation, removes their metadata, marks and signs
//! them, creates thumbnails, stores the outputs, settles, and deletes the received files.
//!
//! Beside the manifest an output has an invisible watermark, a visible label if its owner or the operator wants one, and the label
//! for China if the operator wants it.
//!
//! If the operator chose a time-stamping authority, it stamps the signature. Without its answer an output is signed all the same, and
//! counted.
//!
//! Before an output is marked and signed, the classifiers that the operator chose check it. One that is blocked is not signed, not
//! stored and not charged. If a classifier fails, it is asked again later. If it goes on to fail, or no time is left for more files as
//! it is slow, those that are done are delivered and the others are not charged; without any, the generation fails and is refunded.
//!
//! If no file is usable, another job is started by the function that calls providers. A message that is delivered twice or
//! late changes nothing. `worker` says what a crash in each step and a repeat of it do.

mod authority;
mod output;
mod signing;
mod work;

use std::sync::Arc;

use lambda_runtime::LambdaEvent;
use runtime::{Error, events, sqs};
use serde_json::Value;

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let worker = Arc::new(work::Worker::new(&environment)?);
        Ok(move |event: LambdaEvent<Value>| {
            let worker = Arc::clone(&worker);
            async move { Ok(sqs::handle_batch(event, async |record| worker.work(record).await).await?) }
        })
    })
    .await
}
