//! Erases accounts again that a restored backup of the table brought back.

use domain::{AccountId, ReceiptId, privacy::deletion::DeletionReason};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Context;
use runtime::clock;
use serde::{Deserialize, Serialize};
use store::{ScanPosition, Write};

use crate::{erasure::Eraser, error::ErasureError};

/// A replay stops when less than this is left of the invocation: the time that one account may take.
const MIN_TIME_LEFT: SignedDuration = SignedDuration::from_secs(120);

/// Says where a replay starts; at the beginning by default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    after: Option<ScanPosition>,
}

/// Reports what a replay did.
#[derive(Debug, Serialize)]
pub(crate) struct Replayed {
    /// The accounts that were erased again.
    erased: u32,
    /// Where the next replay continues; `None` when every account was checked.
    next: Option<ScanPosition>,
}

impl Eraser {
    /// Erases every account again that a restored table brought back. Stops early when little time is left.
    ///
    /// # Errors
    /// An erasure failed. A repeat continues.
    pub(crate) async fn replay(&self, replay: Replay, context: &Context) -> Result<Replayed, ErasureError> {
        let (mut erased, mut after) = (0, replay.after);
        loop {
            let page = self.table.accounts(after).await?;
            for account in page.items {
                let now = clock::now();
                if self.records.has_tombstone(&self.tombstone_key(account).await?).await? {
                    self.request_deletion(account, now).await?;
                    self.erase(account, now).await?;
                    erased += 1;
                }
            }
            let left = i64::try_from(context.deadline).unwrap_or(i64::MAX) - clock::now().as_millisecond();
            if page.next.is_none() || SignedDuration::from_millis(left) < MIN_TIME_LEFT {
                return Ok(Replayed { erased, next: page.next });
            }
            after = page.next;
        }
    }

    async fn request_deletion(&self, id: AccountId, now: Timestamp) -> Result<(), ErasureError> {
        let Some(account) = self.table.account(id).await?.filter(|account| account.deletion.is_none()) else {
            return Ok(());
        };
        let receipt = ReceiptId(clock::uuid_at(now));
        let deletion = account.request_deletion(receipt, DeletionReason::Restored, SignedDuration::ZERO, now)?;
        Ok(self.table.commit(&[Write::Account(&deletion)]).await?)
    }
}
