//! The workers of a queue that one account may have.

use domain::{
    accounts::account::Account,
    generations::generation::{Generation, GenerationStatus},
};
use runtime::config::{Environment, InvalidVariable};
use store::{Filter, StoreError, Table};

/// Half of the workers of a queue, rounded up, so that the jobs of one account do not make all others wait.
pub struct Share {
    workers: usize,
}

impl Share {
    /// Reads how many workers the queue has.
    ///
    /// # Errors
    /// `WORKERS` is missing or not a number.
    pub fn new(environment: &Environment) -> Result<Self, InvalidVariable> {
        let all: usize = environment.integer("WORKERS")?;
        Ok(Self { workers: all.div_ceil(2).max(1) })
    }

    /// Returns after how many seconds to look again, if other generations of the account have as many workers of the queue as it may
    /// have. However many wait, one of them looks about every second for each of these workers, so that the others of the queue are
    /// not kept busy by it.
    ///
    /// Two claims at once can both find a worker left: the share is kept about, not exactly. A generation whose last attempt crashed
    /// is continued at once.
    ///
    /// # Errors
    /// The call failed.
    pub async fn turn_s(
        &self,
        table: &Table,
        (owner, generation): (Option<&Account>, &Generation),
        has_worker: impl Fn(&Generation) -> bool,
    ) -> Result<Option<u32>, StoreError> {
        let in_flight = owner.map_or(0, |owner| usize::try_from(owner.jobs_in_flight).unwrap_or(usize::MAX));
        if generation.in_call || in_flight <= self.workers {
            return Ok(None);
        }
        let running = Filter { status: Some(GenerationStatus::Running), ..Filter::default() };
        let page = table.generations(generation.account, running, in_flight, None).await?;
        let with_worker = page.items.iter().filter(|other| other.id != generation.id && has_worker(other));
        let turn_s = u32::try_from(in_flight.div_ceil(self.workers)).unwrap_or(u32::MAX);
        Ok((with_worker.count() >= self.workers).then_some(turn_s))
    }
}
