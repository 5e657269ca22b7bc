//! Handles the dead letters of the generation queues: fails the generation and refunds it.
//!
//! A message becomes a dead letter after the worker crashed, ran out of time, or could not reach the table, time after
//! time. A generation with a lease, or with a job at a provider whose files were not received, is left to the worker and to
//! its deadline. A repeat changes nothing more.

use domain::generations::{generation::Failure, submission::GenerationOutcome};
use lambda_runtime::LambdaEvent;
use lifecycle::{EndResult, LifecycleError};
use runtime::{
    Error,
    clients::Clients,
    clock, events, sqs,
    telemetry::{Metric, metric},
};
use serde_json::Value;
use store::{GenerationMessage, Table};

/// Answers events until Lambda ends the process.
///
/// # Errors
/// The function could not start; the log says what to do.
pub async fn run() -> Result<(), Error> {
    events::run(async |environment| {
        let clients = Clients::new(&environment)?;
        let table = Table::new(
            clients.dynamodb().clone(),
            environment.required("TABLE")?,
            environment.integer("INDEX_SHARDS")?,
        );
        Ok(move |event: LambdaEvent<Value>| {
            let table = table.clone();
            async move {
                let handle = async |record: sqs::Record<GenerationMessage>| abandon(&table, record.body).await;
                Ok(sqs::handle_dead_letters(event, handle).await?)
            }
        })
    })
    .await
}

async fn abandon(table: &Table, job: GenerationMessage) -> Result<(), LifecycleError> {
    let now = clock::now();
    let found = table.generation(job.account, job.generation).await?;
    let is_waited_for = |generation: &domain::generations::generation::Generation| {
        generation.lease_until.is_some_and(|until| until > now)
            || (generation.provider_job.is_some() && generation.received_files == 0)
    };
    if found.is_none_or(|generation| is_waited_for(&generation)) {
        return Ok(());
    }
    let end = GenerationOutcome::Failed(Failure::Internal);
    if let EndResult::Ended(ended) = lifecycle::end_generation(table, (job.account, job.generation), end, now).await? {
        metric(Metric::Abandoned, 1, &[]);
        tracing::error!(generation = %ended.generation.id, "given up after the last attempt, credits are refunded");
    }
    Ok(())
}
