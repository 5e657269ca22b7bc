//! Hides what is on the blocklist from everyone but its owner, wherever others could see it.

use std::sync::Arc;

use domain::{
    generations::output::Media,
    moderation::blocklist::{self, BlockedFile},
};
use jiff::{SignedDuration, Timestamp};
use store::{StoreError, Table};
use tokio::sync::Mutex;

/// How long a process uses the blocklist that it read: as long copies of a removed image can stay visible.
const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// When the list was read, and what it contained.
type Read = (Timestamp, Arc<Vec<BlockedFile>>);

/// The blocklist, as it was read last.
#[derive(Clone, Default)]
pub struct Blocklist(Arc<Mutex<Option<Read>>>);

impl Blocklist {
    /// Says whether a file is on the list. Reads the list if it was not read in the last 30 seconds.
    ///
    /// # Errors
    /// A call failed.
    pub async fn hides(&self, table: &Table, file: &Media, now: Timestamp) -> Result<bool, StoreError> {
        let Some(file) = &file.fingerprints else { return Ok(false) };
        let mut read = self.0.lock().await;
        let list = match read.as_ref().filter(|(at, _)| now < *at + FRESH) {
            Some((_, list)) => Arc::clone(list),
            None => {
                let list = Arc::new(table.blocklist().await?);
                *read = Some((now, Arc::clone(&list)));
                list
            }
        };
        Ok(blocklist::check(&list, file).is_err())
    }
}
