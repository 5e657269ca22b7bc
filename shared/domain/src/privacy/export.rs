//! An export: everything that is held about a person, in one archive for them.
//!
//! `making -> ready | failed`, forward only. A worker takes it for itself with a lease, which it renews with every step
//! that it writes down; whoever comes after it goes on from the last of them. What is not ready by its deadline has
//! failed, and can be asked for again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{AccountId, ExportId, Refusal, accounts::account::Account, generations::generation::LOST_MESSAGE_S};

/// Hours in which an archive must be ready.
pub const DUE_HOURS: i64 = 24;
/// Hours for which a ready archive can be downloaded.
pub const DOWNLOAD_HOURS: i64 = 24;
/// Days after which a ready archive is removed, and a failed one forgotten.
pub const KEPT_DAYS: i64 = 7;
/// Seconds that a link to an archive lives. A download that has begun goes on beyond that.
pub const LINK_S: u64 = 300;
/// Most archives of an account that are kept at once: each is as large as everything else of it.
pub const MAX_RETAINED: usize = 3;

/// Attributes of a kind of item that an export leaves out, and so tells nothing by: they open doors, or mean something to
/// our programs alone.
#[must_use]
pub fn withheld(kind: &str) -> &'static [&'static str] {
    match kind {
        // Whoever has the hash still needs the token; nobody else needs either.
        "share" => &["token_hash"],
        // A kept answer is sealed, and may have the token of a share in it.
        "idempotency" => &["answer", "fingerprint"],
        // Hashes of the codes that were sent.
        "email-change" => &["stage"],
        "export" => &["checkpoint"],
        _ => &[],
    }
}

/// How far an export is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[schema(as = ExportProgress)]
pub struct ExportProgress {
    /// Files that are in the archive.
    pub files: u64,
    /// Files that will be, as far as is known.
    pub files_total: u64,
    /// Bytes that are in the archive.
    pub bytes: u64,
    /// Bytes that will be, as far as is known.
    pub bytes_total: u64,
}

/// Where an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ExportState {
    /// Being made, or waiting for it.
    Building,
    /// The archive is there.
    Ready {
        /// Since when.
        at: Timestamp,
        /// Its size.
        bytes: u64,
    },
    /// It could not be made in time.
    Failed {
        /// Since when.
        at: Timestamp,
    },
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// Whose.
    pub account: AccountId,
    /// Where it is.
    pub state: ExportState,
    /// How far it is.
    pub progress: ExportProgress,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Until when a worker has it for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// When the next message should have been handled; the sweep sends another after that.
    pub next_message_at: Timestamp,
    /// From where on the next worker goes on, in the workers' own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

/// What a worker that read an export should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportClaim {
    /// Work on it: this is what to write first.
    Work(Box<Export>),
    /// Somebody else has it, or it has ended, or its deadline has passed and the sweep will end it.
    Skip,
}

/// A new export for an account that has these already, and the account as its next version: of two that are asked for at
/// once one is decided anew, and finds the other.
///
/// # Errors
/// The account is being deleted, one is being made already, or as many are kept as may be.
pub fn request(
    account: &Account,
    existing: &[Export],
    id: ExportId,
    now: Timestamp,
) -> Result<(Account, Export), Refusal> {
    if account.deletion.is_some() {
        return Err(Refusal::AccountStatus(account.status()));
    }
    if existing.iter().any(|export| export.state == ExportState::Building) {
        return Err(Refusal::Conflict("an archive is being made already"));
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
    /// When it fails unless it is ready.
    #[must_use]
    pub fn deadline_at(&self) -> Timestamp {
        self.requested_at + SignedDuration::from_hours(DUE_HOURS)
    }

    /// Until when it can be downloaded, if it is ready.
    #[must_use]
    pub fn download_until(&self) -> Option<Timestamp> {
        match self.state {
            ExportState::Ready { at, .. } => Some(at + SignedDuration::from_hours(DOWNLOAD_HOURS)),
            ExportState::Building | ExportState::Failed { .. } => None,
        }
    }

    /// When it goes, with its archive, if it has ended.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.state {
            ExportState::Building => None,
            ExportState::Ready { at, .. } | ExportState::Failed { at } => {
                Some(at + SignedDuration::from_hours(24 * KEPT_DAYS))
            }
        }
    }

    /// The next thing that is owed to it, and when: the sweep's `due_at`.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.expires_at().unwrap_or_else(|| self.next_message_at.min(self.deadline_at()))
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|at| at <= now)
    }

    /// Whether its deadline has passed and it has not ended.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state == ExportState::Building && self.deadline_at() <= now
    }

    /// Whether its message is lost, or late.
    #[must_use]
    pub fn awaits_message(&self, now: Timestamp) -> bool {
        self.state == ExportState::Building && self.next_message_at <= now
    }

    /// A worker's claim, with a lease of `lease_s` seconds.
    #[must_use]
    pub fn claim(&self, lease_s: u32, now: Timestamp) -> ExportClaim {
        let leased = self.lease_until.is_some_and(|until| until > now);
        if self.state != ExportState::Building || leased || self.is_overdue(now) {
            return ExportClaim::Skip;
        }
        ExportClaim::Work(Box::new(self.leased(lease_s, now)))
    }

    /// A step further, with the lease renewed. Without a checkpoint it begins anew.
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

    /// Given up for another worker to go on with, who gets a message within `delay_s` seconds.
    #[must_use]
    pub fn handed_over(&self, delay_s: u32, now: Timestamp) -> Self {
        let handled_by = now + SignedDuration::from_secs(i64::from(delay_s) + LOST_MESSAGE_S);
        Self { lease_until: None, next_message_at: handled_by, ..self.next_version() }
    }

    /// A lost or late message: one more is being sent.
    #[must_use]
    pub fn message_resent(&self, now: Timestamp) -> Self {
        Self { next_message_at: now + SignedDuration::from_secs(LOST_MESSAGE_S), ..self.next_version() }
    }

    /// With its archive, of so many bytes.
    #[must_use]
    pub fn ready(&self, bytes: u64, now: Timestamp) -> Self {
        self.ended(ExportState::Ready { at: now, bytes })
    }

    /// Not ready in time.
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
