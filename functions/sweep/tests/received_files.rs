//! What the sweep does about files that were received from a provider.

use anyhow::{Context, Result, anyhow, ensure};
use domain::{
    catalogue::models::MediaKind,
    generations::{
        generation::{Failure, Generation},
        submission::GenerationOutcome,
    },
};
use fake_aws::{aws::Aws, environment::environment, seed};
use jiff::SignedDuration;
use runtime::{clock, config::Environment};
use store::Filter;
use sweep::Sweep;

/// Returns the sweep, and the generation of the account whose file was received.
async fn received(aws: &Aws) -> Result<(Sweep, Generation)> {
    let variables: Environment = environment(aws)?.into_iter().collect();
    let sweep = Sweep::open(&variables).map_err(|error| anyhow!("{error}"))?;
    let all = sweep.table.generations(aws.account().parse()?, Filter::default(), 100, None).await?;
    let received = all.items.into_iter().find(|generation| generation.received_files == 1);
    Ok((sweep, received.context("no files were received")?))
}

#[tokio::test]
async fn lost_message_is_sent_to_the_queue_that_the_generation_waits_for() -> Result<()> {
    let aws = seed::aws(MediaKind::Image).await?;
    let (sweep, received) = received(&aws).await?;
    sweep.all(clock::now() + SignedDuration::from_secs(70), clock::now() + SignedDuration::from_secs(50)).await;
    let messages: Vec<_> = aws.take_messages().await.iter().map(ToString::to_string).collect();
    let names = |message: &&String| message.contains(&received.id.to_string());
    let queues: Vec<_> = messages.iter().filter(names).map(|message| message.contains("/finish\"")).collect();
    ensure!(queues == [true], "{messages:?}");
    ensure!(messages.iter().any(|message| message.contains("/images\"")), "{messages:?}");
    Ok(())
}

#[tokio::test]
async fn received_files_of_a_generation_that_failed_are_deleted() -> Result<()> {
    let aws = seed::aws(MediaKind::Image).await?;
    let (sweep, received) = received(&aws).await?;
    let ids = (received.account, received.id);
    let end = GenerationOutcome::Failed(Failure::Internal);
    lifecycle::end_generation(&sweep.table, ids, end, clock::now()).await?;
    aws.take_calls().await;
    sweep.all(clock::now() + SignedDuration::from_secs(1), clock::now() + SignedDuration::from_secs(50)).await;
    let calls = aws.take_calls().await;
    ensure!(calls.iter().any(|call| call == "DeleteObjects"), "{calls:?}");
    let swept = sweep.table.generation(received.account, received.id).await?.context("the generation is gone")?;
    ensure!(swept.received_files == 0 && swept.due_at() == swept.expires_at, "{swept:?}");
    Ok(())
}
