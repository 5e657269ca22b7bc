//! Uploads: declared, presigned, received, inspected, ready.
//!
//! `pending -> ready | rejected`. The account counts its uploads and their bytes from the declaration on, so that the
//! limits of the plan hold without a query. The transaction that deletes an upload reduces the count.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{account::Account, plan::Plans, plan_change::PlanChange},
    catalogue::models::MediaKind,
    ids::{AccountId, UploadId},
    refusal::{FieldError, Refusal},
    registry::DataFields,
};

/// The content types that may be uploaded, with their kinds.
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
/// The largest area of an image or video, in pixels.
pub const MAX_PIXELS: u64 = 64_000_000;
/// The longest video, in milliseconds.
pub const MAX_DURATION_MS: u64 = 5 * 60 * 1000;
/// Longest file name, in characters.
pub const FILE_NAME_CHARACTERS: usize = 200;
/// Seconds for which the presigned request is valid.
pub const PRESIGNED_S: u64 = 15 * 60;
/// Seconds after the declaration in which an upload must be received.
pub const UNFINISHED_S: i64 = 3600;

/// What a client declares about a file before it uploads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadDeclaration {
    /// The content type.
    pub content_type: String,
    /// The size, in bytes.
    pub bytes: u64,
    /// The SHA-256, hexadecimal.
    pub sha256: String,
    /// The file name.
    pub file_name: Option<String>,
}

/// The rule that a rejected upload breaks. The web client has a text for each in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// The received file differs from the declared one in size or SHA-256.
    NotAsDeclared,
    /// The file is an image where a video was declared, or the other way round.
    WrongKind,
    /// The format is none of [`CONTENT_TYPES`].
    UnsupportedFormat,
    /// The image is animated.
    Animated,
    /// The format uses a feature that is not supported.
    UnsupportedFeature,
    /// The file is incomplete, damaged, or cannot be decoded.
    Damaged,
    /// The file matches one that was removed for a grave reason.
    KnownContent,
    /// A side is 0, or the area is larger than [`MAX_PIXELS`].
    Dimensions,
    /// The video has no duration, or is longer than [`MAX_DURATION_MS`].
    Duration,
    /// The image is larger than [`IMAGE_BYTES`] once prepared for models.
    TooLarge,
}

/// The state of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum UploadState {
    /// Not received or not inspected yet.
    Pending,
    /// The received file is as declared. Its metadata was removed, and an image is upright, opaque and sRGB.
    Ready {
        /// Pixels across.
        #[data(plain)]
        width: u32,
        /// Pixels down.
        #[data(plain)]
        height: u32,
        /// The duration of a video.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[data(plain)]
        duration_ms: Option<u64>,
        /// The size of the stored file, in bytes.
        #[data(plain)]
        stored_bytes: u64,
    },
    /// The received file is not as declared, and was deleted.
    Rejected {
        /// The broken rule.
        #[data(plain)]
        code: RejectionCode,
        /// What is wrong with the file, in English.
        #[data(plain)]
        reason: String,
    },
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Upload {
    /// Its id.
    #[data(plain)]
    pub id: UploadId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// Image or video.
    #[data(plain)]
    pub kind: MediaKind,
    /// The content type: as declared until the inspection finds the actual one.
    #[data(plain)]
    pub content_type: String,
    /// The declared size, in bytes.
    #[data(plain)]
    pub bytes: u64,
    /// The declared SHA-256, hexadecimal.
    #[data(plain)]
    pub sha256: String,
    /// The file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub file_name: Option<String>,
    /// The state.
    #[data(nested)]
    pub state: UploadState,
    /// When it was declared.
    #[data(plain)]
    pub created_at: Timestamp,
    /// When it expires, with its files: once it is ready, by the plan of the account, counted from the declaration.
    #[data(plain)]
    pub expires_at: Timestamp,
    /// It was deleted or has expired: it is hidden, and its files are being deleted.
    #[serde(default)]
    #[data(plain)]
    pub deleting: bool,
    /// A legal hold keeps it although it is hidden. It is not due until the hold is released.
    #[serde(default)]
    #[data(plain)]
    pub held: bool,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// Declares an upload. Returns it with the account that counts it.
///
/// # Errors
/// [`Refusal::Invalid`] with each field that breaks a rule, the limit of the plan that is reached, or
/// [`Refusal::TooManyUploads`] if the account declared too many in an hour.
pub fn declare(
    account: &Account,
    plans: &Plans,
    declared: UploadDeclaration,
    id: UploadId,
    now: Timestamp,
) -> Result<(Account, Upload), Refusal> {
    account.check_active()?;
    let kind = check(&declared)?;
    let limits = plans.limits(account.plan);
    if account.uploads >= limits.uploads {
        return Err(Refusal::PlanLimit { what: "uploads kept at once", limit: u64::from(limits.uploads) });
    }
    if account.upload_bytes.saturating_add(declared.bytes) > limits.upload_bytes {
        return Err(Refusal::PlanLimit { what: "bytes of uploads kept at once", limit: limits.upload_bytes });
    }
    let declared_uploads = account
        .declared_uploads
        .count(limits.uploads_per_hour, now)
        .map_err(|retry_after_s| Refusal::TooManyUploads { retry_after_s })?;
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
        declared_uploads,
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
    /// Stores the result of the inspection: the state and, of an accepted file, its actual content type. Returns `None` if
    /// it was inspected before or is being deleted.
    #[must_use]
    pub fn inspected(
        &self,
        state: UploadState,
        content_type: Option<&str>,
        account: &Account,
        plans: &Plans,
    ) -> Option<Self> {
        if self.deleting || self.state != UploadState::Pending {
            return None;
        }
        let expires_at = match state {
            UploadState::Ready { .. } => plans.expires_at(account.plan, self.created_at),
            UploadState::Pending | UploadState::Rejected { .. } => self.expires_at,
        };
        let content_type = content_type.unwrap_or(&self.content_type).to_owned();
        Some(Self { state, content_type, expires_at, ..self.next_version() })
    }

    /// Moves the expiry of a ready upload after a change of the plan. Returns `None` if that stays the same, if it is
    /// not ready, or if it is being deleted.
    #[must_use]
    pub fn after_plan_change(&self, change: &PlanChange, plans: &Plans) -> Option<Self> {
        if self.deleting || !matches!(self.state, UploadState::Ready { .. }) {
            return None;
        }
        let expires_at = change.expiry(plans, self.created_at, self.expires_at)?;
        Some(Self { expires_at, ..self.next_version() })
    }

    /// Says whether it has expired or was deleted.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.deleting || self.expires_at <= now
    }

    /// Deletes it: hides it, and makes its files due for deletion now. Returns it with the account that no longer
    /// counts it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is being deleted already.
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

    /// Keeps a hidden upload for a legal hold.
    #[must_use]
    pub fn retained_by_hold(&self) -> Self {
        Self { held: true, ..self.next_version() }
    }

    /// Checks that it can be the input image of a generation.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] unless it is an image that is ready.
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
