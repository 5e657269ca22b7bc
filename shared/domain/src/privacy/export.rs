//! Data exports: everything that is stored about an account, in one archive.
//!
//! `building -> ready | failed`, forward only. A worker leases the export and renews the lease with every step that it
//! stores. The next worker continues from the last step. An export that is not ready by its deadline fails, and can be
//! requested again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    ids::{AccountId, ExportId},
    messages::LOST_MESSAGE_S,
    refusal::Refusal,
    registry::{DataFields, EXPORT_DUE_DAYS, EXPORT_READY_DAYS},
};

/// Hours in which an export must be ready.
pub const DUE_HOURS: i64 = 24 * EXPORT_DUE_DAYS as i64;
/// Hours for which a ready archive can be downloaded.
pub const DOWNLOAD_HOURS: i64 = 24;
/// Days after which a ready export is deleted with its archive, and a failed one too.
pub const KEPT_DAYS: i64 = EXPORT_READY_DAYS as i64;
/// Seconds for which a link to an archive is valid. A download that has begun continues.
pub const LINK_S: u64 = 300;
/// Most archives of an account at once: each is as large as all other data of the account.
pub const MAX_RETAINED: usize = 3;

/// Returns the attributes that an export leaves out of a kind of item. They are secrets, or internal and without
/// meaning for the account owner.
#[must_use]
pub fn withheld(kind: &str) -> &'static [&'static str] {
    match kind {
        // Of no use without the token.
        "share" => &["token_hash"],
        // The response is encrypted, and may contain the token of a share.
        "idempotency" => &["answer", "fingerprint"],
        // Hashes of the codes that were sent.
        "email-change" => &["stage"],
        "export" => &["checkpoint"],
        // The secret of the app, and the hashes of the recovery codes.
        "second-factor" => &["app", "recovery_codes"],
        // Keyed hashes of the addresses of reporters.
        "case" => &["answered"],
        _ => &[],
    }
}

/// The progress of an export.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    DataFields,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[schema(as = ExportProgress)]
pub struct ExportProgress {
    /// Files in the archive.
    #[data(plain)]
    pub files: u64,
    /// Files that the archive will have, as far as is known.
    #[data(plain)]
    pub files_total: u64,
    /// Bytes in the archive.
    #[data(plain)]
    pub bytes: u64,
    /// Bytes that the archive will have, as far as is known.
    #[data(plain)]
    pub bytes_total: u64,
}

/// The state of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ExportState {
    /// It is being built, or waits for a worker.
    Building,
    /// The archive can be downloaded.
    Ready {
        /// When it became ready.
        #[data(plain)]
        at: Timestamp,
        /// The size of the archive, in bytes.
        #[data(plain)]
        bytes: u64,
    },
    /// It was not ready in time.
    Failed {
        /// When it failed.
        #[data(plain)]
        at: Timestamp,
    },
}

/// A data export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Export {
    /// Its id.
    #[data(plain)]
    pub id: ExportId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The state.
    #[data(nested)]
    pub state: ExportState,
    /// The progress.
    #[data(nested)]
    pub progress: ExportProgress,
    /// When it was requested.
    #[data(plain)]
    pub requested_at: Timestamp,
    /// Until when a worker has leased it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub lease_until: Option<Timestamp>,
    /// When the next message should have been handled. The sweep sends another after that.
    #[data(plain)]
    pub next_message_at: Timestamp,
    /// The position at which the next worker continues, in a format of the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub checkpoint: Option<String>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// What a worker does with an export that it read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportClaim {
    /// Process it: write this first.
    Work(Box<Export>),
    /// Skip it: another worker has leased it, it has ended, or the sweep will end it.
    Skip,
}

/// Requests an export for an account that has these already. Returns it with the account as its next version, so that
/// of two requested at once the second is decided again.
///
/// # Errors
/// The account is being deleted, an export is being built, or the account has the most archives that it may have.
pub fn request(
    account: &Account,
    existing: &[Export],
    id: ExportId,
    now: Timestamp,
) -> Result<(Account, Export), Refusal> {
    account.check_not_deleted()?;
    if existing.iter().any(|export| export.state == ExportState::Building) {
        return Err(Refusal::Conflict("an export is being built already"));
    }
    let kept = existing.iter().filter(|export| matches!(export.state, ExportState::Ready { .. }));
    if kept.count() >= MAX_RETAINED {
        return Err(Refusal::PlanLimit { what: "archives kept at once", limit: MAX_RETAINED as u64 });
    }
    let export = Export {
        id,
        account: account.id,
        state: ExportState::Building,
        progress: ExportProgress::default(),
        requested_at: now,
        lease_until: None,
        next_message_at: now + SignedDuration::from_secs(LOST_MESSAGE_S),
        checkpoint: None,
        version: 1,
    };
    Ok((account.next_version(), export))
}

impl Export {
    /// Returns when it fails unless it is ready.
    #[must_use]
    pub fn deadline_at(&self) -> Timestamp {
        self.requested_at + SignedDuration::from_hours(DUE_HOURS)
    }

    /// Returns until when it can be downloaded, if it is ready.
    #[must_use]
    pub fn download_until(&self) -> Option<Timestamp> {
        match self.state {
            ExportState::Ready { at, .. } => Some(at + SignedDuration::from_hours(DOWNLOAD_HOURS)),
            ExportState::Building | ExportState::Failed { .. } => None,
        }
    }

    /// Returns when it expires, with its archive, if it has ended.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.state {
            ExportState::Building => None,
            ExportState::Ready { at, .. } | ExportState::Failed { at } => {
                Some(at + SignedDuration::from_hours(24 * KEPT_DAYS))
            }
        }
    }

    /// Returns when it is due next: the sweep's `due_at`.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.expires_at().unwrap_or_else(|| self.next_message_at.min(self.deadline_at()))
    }

    /// Says whether it has expired.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|at| at <= now)
    }

    /// Says whether its deadline has passed and it has not ended.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state == ExportState::Building && self.deadline_at() <= now
    }

    /// Says whether its message is lost or late.
    #[must_use]
    pub fn awaits_message(&self, now: Timestamp) -> bool {
        self.state == ExportState::Building && self.next_message_at <= now
    }

    /// Claims it for a worker, with a lease of `lease_s` seconds.
    #[must_use]
    pub fn claim(&self, lease_s: u32, now: Timestamp) -> ExportClaim {
        let leased = self.lease_until.is_some_and(|until| until > now);
        if self.state != ExportState::Building || leased || self.is_overdue(now) {
            return ExportClaim::Skip;
        }
        ExportClaim::Work(Box::new(self.leased(lease_s, now)))
    }

    /// Stores a step and renews the lease. Without a checkpoint the next worker starts over.
    #[must_use]
    pub fn progressed(
        &self,
        checkpoint: Option<String>,
        progress: ExportProgress,
        lease_s: u32,
        now: Timestamp,
    ) -> Self {
        Self { checkpoint, progress, ..self.leased(lease_s, now) }
    }

    /// Ends the lease for another worker, which gets a message within `delay_s` seconds.
    #[must_use]
    pub fn handed_over(&self, delay_s: u32, now: Timestamp) -> Self {
        let handled_by = now + SignedDuration::from_secs(i64::from(delay_s) + LOST_MESSAGE_S);
        Self { lease_until: None, next_message_at: handled_by, ..self.next_version() }
    }

    /// Notes that a lost or late message is sent again.
    #[must_use]
    pub fn message_resent(&self, now: Timestamp) -> Self {
        Self { next_message_at: now + SignedDuration::from_secs(LOST_MESSAGE_S), ..self.next_version() }
    }

    /// Ends it with an archive of `bytes` bytes.
    #[must_use]
    pub fn ready(&self, bytes: u64, now: Timestamp) -> Self {
        self.ended(ExportState::Ready { at: now, bytes })
    }

    /// Ends it without an archive.
    #[must_use]
    pub fn failed(&self, now: Timestamp) -> Self {
        self.ended(ExportState::Failed { at: now })
    }

    fn ended(&self, state: ExportState) -> Self {
        Self { state, lease_until: None, checkpoint: None, ..self.next_version() }
    }

    fn leased(&self, lease_s: u32, now: Timestamp) -> Self {
        let lease_until = now + SignedDuration::from_secs(i64::from(lease_s));
        let next_message_at = lease_until + SignedDuration::from_secs(LOST_MESSAGE_S);
        Self { lease_until: Some(lease_until), next_message_at, ..self.next_version() }
    }

    fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}
