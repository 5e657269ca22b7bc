//! Uploads: declared, presigned, arrived, inspected, ready.
//!
//! `pending -> ready | rejected`. The account carries how many uploads there are and their bytes, from the declaration
//! on, so that a plan's limits hold without counting; whoever removes an upload gives them back in the same transaction.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Refusal, UploadId, accounts::account::Account, accounts::plan::Retention, catalogue::models::MediaKind,
    generations::submission::expiry, refusal::FieldError,
};

/// The content types that may be uploaded, and what each is.
pub const CONTENT_TYPES: &[(&str, MediaKind)] = &[
    ("image/jpeg", MediaKind::Image),
    ("image/png", MediaKind::Image),
    ("image/webp", MediaKind::Image),
    ("video/mp4", MediaKind::Video),
    ("video/webm", MediaKind::Video),
];
/// Largest image, in bytes.
pub const IMAGE_BYTES: u64 = 20 << 20;
/// Largest video, in bytes.
pub const VIDEO_BYTES: u64 = 100 << 20;
/// Longest file name, in characters.
pub const FILE_NAME_CHARACTERS: usize = 200;
/// Seconds that the presigned request lives.
pub const PRESIGNED_S: u64 = 15 * 60;
/// Seconds from the declaration until an upload that did not arrive is removed.
pub const UNFINISHED_S: i64 = 3600;

/// What a client says that it will send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadDeclaration {
    /// Its type.
    pub content_type: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
    /// What the person calls it.
    pub file_name: Option<String>,
}

/// Where an upload is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum UploadState {
    /// Not there yet, or not inspected yet.
    Pending,
    /// What arrived is what was declared; its metadata is gone.
    Ready {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Length of a film.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// Bytes after its metadata was removed.
        stored_bytes: u64,
    },
    /// It was not; what arrived is removed.
    Rejected {
        /// Why, for its owner.
        reason: String,
    },
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Whose.
    pub account: AccountId,
    /// What it is.
    pub kind: MediaKind,
    /// Its declared type.
    pub content_type: String,
    /// Its declared size.
    pub bytes: u64,
    /// SHA-256 of it as declared, hexadecimal.
    pub sha256: String,
    /// What the person calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Where it is.
    pub state: UploadState,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it goes, with its files.
    pub expires_at: Timestamp,
    /// Its files are being removed; nobody sees it any more.
    #[serde(default)]
    pub deleting: bool,
    /// A legal hold keeps it although it is hidden. Nothing is due of it until the hold is released.
    #[serde(default)]
    pub held: bool,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

/// A new upload, and the account that counts it.
///
/// # Errors
/// Each field that breaks a rule, or the plan's limit that is used up.
pub fn declare(
    account: &Account,
    declared: UploadDeclaration,
    id: UploadId,
    now: Timestamp,
) -> Result<(Account, Upload), Refusal> {
    account.check_active()?;
    let kind = check(&declared)?;
    let limits = account.plan.limits();
    if account.uploads >= limits.uploads {
        return Err(Refusal::PlanLimit { what: "uploads kept at once", limit: u64::from(limits.uploads) });
    }
    if account.upload_bytes.saturating_add(declared.bytes) > limits.upload_bytes {
        return Err(Refusal::PlanLimit { what: "bytes of uploads kept at once", limit: limits.upload_bytes });
    }
    let upload = Upload {
        id,
        account: account.id,
        kind,
        content_type: declared.content_type,
        bytes: declared.bytes,
        sha256: declared.sha256,
        file_name: declared.file_name,
        state: UploadState::Pending,
        created_at: now,
        expires_at: now + SignedDuration::from_secs(UNFINISHED_S),
        deleting: false,
        held: false,
        version: 1,
    };
    let account = Account {
        uploads: account.uploads + 1,
        upload_bytes: account.upload_bytes + upload.bytes,
        ..account.next_version()
    };
    Ok((account, upload))
}

fn check(declared: &UploadDeclaration) -> Result<MediaKind, Refusal> {
    let mut errors = Vec::new();
    let kind = CONTENT_TYPES.iter().find(|(name, _)| *name == declared.content_type).map(|(_, kind)| *kind);
    if kind.is_none() {
        let names: Vec<_> = CONTENT_TYPES.iter().map(|(name, _)| *name).collect();
        errors.push(FieldError::new("content_type", format!("one of {}", names.join(", "))));
    }
    let most = match kind {
        Some(MediaKind::Video) => VIDEO_BYTES,
        Some(MediaKind::Image) | None => IMAGE_BYTES,
    };
    if declared.bytes == 0 || declared.bytes > most {
        errors.push(FieldError::new("bytes", format!("1 to {most}")));
    }
    if declared.sha256.len() != 64 || !declared.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        errors.push(FieldError::new("sha256", "64 lower-case hexadecimal digits"));
    }
    let bad_name = declared.file_name.as_ref().is_some_and(|name| {
        name.is_empty() || name.chars().count() > FILE_NAME_CHARACTERS || name.chars().any(char::is_control)
    });
    if bad_name {
        let rule = format!("1 to {FILE_NAME_CHARACTERS} characters, no control characters");
        errors.push(FieldError::new("file_name", rule));
    }
    match kind {
        Some(kind) if errors.is_empty() => Ok(kind),
        _ => Err(Refusal::Invalid(errors)),
    }
}

impl Upload {
    /// The upload after its inspection. An upload that was inspected, or is being removed, stays as it is: `None`.
    #[must_use]
    pub fn inspected(
        &self,
        state: UploadState,
        account: &Account,
        retention: Retention,
        now: Timestamp,
    ) -> Option<Self> {
        if self.deleting || self.state != UploadState::Pending {
            return None;
        }
        let expires_at = match state {
            UploadState::Ready { .. } => expiry(account.plan, retention, now),
            UploadState::Pending | UploadState::Rejected { .. } => self.expires_at,
        };
        Some(Self { state, expires_at, ..self.next_version() })
    }

    /// Whether its time is over, or its owner deleted it.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.deleting || self.expires_at <= now
    }

    /// The upload hidden, its files due for removal now, and the account that no longer counts it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is being removed already.
    pub fn deleted(&self, account: &Account, now: Timestamp) -> Result<(Account, Self), Refusal> {
        if self.deleting {
            return Err(Refusal::NotFound);
        }
        let account = Account {
            uploads: account.uploads.saturating_sub(1),
            upload_bytes: account.upload_bytes.saturating_sub(self.bytes),
            ..account.next_version()
        };
        Ok((account, Self { deleting: true, expires_at: now, ..self.next_version() }))
    }

    /// The upload that is hidden, kept by a legal hold.
    #[must_use]
    pub fn retained_by_hold(&self) -> Self {
        Self { held: true, ..self.next_version() }
    }

    /// # Errors
    /// [`Refusal::Invalid`] unless it can be the input image of a generation now.
    pub fn check_usable_as_input(&self, now: Timestamp) -> Result<(), Refusal> {
        let ready = matches!(self.state, UploadState::Ready { .. }) && !self.is_expired(now);
        if ready && self.kind == MediaKind::Image {
            Ok(())
        } else {
            Err(Refusal::invalid("input_upload", "an image of yours that is ready"))
        }
    }

    fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}
