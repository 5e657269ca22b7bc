//! Writes of a worker that has claimed a generation. The lease that it took is also the fence.

use domain::generations::generation::{FailureResponse, Generation};
use jiff::Timestamp;
use runtime::clock;
use store::{CommitError, StoreError, Table, Write};

use crate::{ATTEMPTS, LifecycleError};

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there.
    Now,
    /// Something else is: this, or nothing.
    Stale(Option<Box<Generation>>),
}

/// What became of a generation that is to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It waits. Send the message for it.
    Recorded {
        /// It.
        generation: Box<Generation>,
        /// For how long.
        delay_s: u32,
    },
    /// No provider is left: fail it.
    GiveUp,
    /// It has ended, another worker has it, or it is gone. The attempt is dropped.
    Lost(Option<Box<Generation>>),
}

/// Writes the next version of a generation, unless another write came first.
///
/// # Errors
/// A call failed.
pub async fn write_generation(table: &Table, generation: &Generation) -> Result<Written, StoreError> {
    match table.commit(&[Write::Generation(generation)]).await {
        Ok(()) => Ok(Written::Now),
        Err(CommitError::Store(error)) => Err(error),
        Err(_) => {
            let current = table.generation(generation.account, generation.id).await?;
            // The SDK repeats a write whose answer was lost, and that repeat finds the write itself.
            let is_ours = current.as_ref() == Some(generation);
            Ok(if is_ours { Written::Now } else { Written::Stale(current.map(Box::new)) })
        }
    }
}

/// Records what a claimed generation waits for, as `begin` decides it from the generation, a random number from 0 to 1000
/// and the time. Writes only while the generation has the lease of this claim.
///
/// # Errors
/// A call failed, or its owner changed it every time.
pub async fn record_wait(
    table: &Table,
    claimed: &Generation,
    begin: impl Fn(&Generation, u32, Timestamp) -> FailureResponse,
) -> Result<Waiting, LifecycleError> {
    let jitter = u32::from(u16::from_be_bytes(clock::random())) % 1001;
    let mut generation = claimed.clone();
    for _ in 0..ATTEMPTS {
        let (next, delay_s) = match begin(&generation, jitter, clock::now()) {
            FailureResponse::Retry { generation, delay_s } => (generation, delay_s),
            FailureResponse::GiveUp => return Ok(Waiting::GiveUp),
        };
        match write_generation(table, &next).await? {
            Written::Now => return Ok(Waiting::Recorded { generation: next, delay_s }),
            // Its owner changed something beside our work, such as who may see it: the lease is still ours.
            Written::Stale(Some(current)) if current.lease_until == claimed.lease_until => generation = *current,
            Written::Stale(current) => {
                let (account, id) = (claimed.account, claimed.id);
                tracing::warn!(%account, generation = %id, "it has ended or another worker has it: attempt dropped");
                return Ok(Waiting::Lost(current));
            }
        }
    }
    Err(LifecycleError::Contended)
}
