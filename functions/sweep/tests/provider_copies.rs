//! What the sweep does about generations of which a provider stores copies.

use anyhow::{Context, Result, anyhow, ensure};
use domain::{
    AccountId, GenerationId,
    catalogue::models::MediaKind,
    generations::generation::{Generation, GenerationStatus, ProviderJob},
};
use fake_aws::{aws::Aws, environment::environment, seed};
use jiff::{SignedDuration, Timestamp};
use runtime::{clock, config::Environment};
use store::Write;
use sweep::Sweep;

/// The generations of the fake AWS.
const SUCCEEDED: &str = "0199c8a3-55d0-7c1b-a4e6-90b1c2d3e4f5";
const QUEUED: &str = "0199c8a5-1f60-7a8e-b2d7-3c4e5f60718a";

struct World {
    aws: Aws,
    sweep: Sweep,
    now: Timestamp,
}

impl World {
    /// Opens a sweep, with a job at a provider that stores copies in this generation, and another change.
    async fn with_job(id: &str, change: impl FnOnce(Generation, Timestamp) -> Generation) -> Result<Self> {
        let aws = seed::aws(MediaKind::Image).await?;
        let variables: Environment = environment(&aws)?.into_iter().collect();
        let sweep = Sweep::open(&variables).map_err(|error| anyhow!("{error}"))?;
        let world = Self { aws, sweep, now: clock::now() };
        let generation = world.generation(id).await?.context("there is no such generation")?;
        let job = ProviderJob { provider: "fal".to_owned(), id: "image:fal-ai/flux:a".to_owned() };
        let version = generation.version + 1;
        let changed = change(Generation { provider_job: Some(job), version, ..generation }, world.now);
        world.sweep.table.commit(&[Write::Generation(&changed)]).await?;
        world.aws.take_messages().await;
        Ok(world)
    }

    async fn generation(&self, id: &str) -> Result<Option<Generation>> {
        let (account, id): (AccountId, GenerationId) = (self.aws.account().parse()?, id.parse()?);
        Ok(self.sweep.table.generation(account, id).await?)
    }

    /// Sweeps. Says whether a message about this generation was sent to a worker.
    async fn sends(&self, id: &str) -> bool {
        let later = self.now + SignedDuration::from_secs(1);
        self.sweep.all(later, clock::now() + SignedDuration::from_secs(50)).await;
        self.aws.take_messages().await.iter().any(|message| message.to_string().contains(id))
    }
}

#[tokio::test]
async fn expired_generation_stays_until_a_worker_had_the_provider_delete_its_copies() -> Result<()> {
    let expire = |generation, now| Generation { expires_at: Some(now), ..generation };
    let world = World::with_job(SUCCEEDED, expire).await?;
    ensure!(world.sends(SUCCEEDED).await, "no worker is told");
    let left = world.generation(SUCCEEDED).await?.context("nothing says which copies are left")?;
    world.sweep.table.commit(&[Write::Generation(&left.copies_deleted())]).await?;
    ensure!(!world.sends(SUCCEEDED).await);
    ensure!(world.generation(SUCCEEDED).await?.is_none(), "it is not removed");
    Ok(())
}

#[tokio::test]
async fn job_of_a_generation_past_its_deadline_is_left_to_a_worker() -> Result<()> {
    let overdue = |generation, now| Generation { status: GenerationStatus::Running, deadline_at: now, ..generation };
    let world = World::with_job(QUEUED, overdue).await?;
    ensure!(world.sends(QUEUED).await, "no worker cancels the job");
    let failed = world.generation(QUEUED).await?.context("it is removed")?;
    ensure!(failed.status == GenerationStatus::Failed && failed.provider_job.is_some(), "{failed:?}");
    Ok(())
}
