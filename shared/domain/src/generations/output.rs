//! Outputs: the images or videos of a generation. Each has its own visibility, share links and deletion.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::models::MediaKind,
    ids::{AccountId, CaseId, GenerationId},
    moderation::blocklist::Fingerprints,
    refusal::Refusal,
    registry::DataFields,
};

/// Who can see an output besides its owner and everyone with a share link.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// No one.
    #[default]
    Private,
    /// Everyone.
    Public,
}

/// Returns the size of the largest file of this kind that is received and stored, in bytes.
#[must_use]
pub const fn max_file_bytes(kind: MediaKind) -> u64 {
    match kind {
        MediaKind::Image => 25 << 20,
        MediaKind::Video => 100 << 20,
    }
}

/// The file of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Media {
    /// Its key in the bucket.
    #[data(plain)]
    pub key: String,
    /// Its content type.
    #[data(plain)]
    pub content_type: String,
    /// Its size, in bytes.
    #[data(plain)]
    pub bytes: u64,
    /// Pixels across.
    #[data(plain)]
    pub width: u32,
    /// Pixels down.
    #[data(plain)]
    pub height: u32,
    /// The duration of a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub duration_ms: Option<u64>,
    /// The key of its thumbnail, a JPEG, where one could be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub thumbnail_key: Option<String>,
    /// Its [ThumbHash](https://evanw.github.io/thumbhash/), base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub thumbhash: Option<String>,
    /// What copies of it are recognised by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(nested)]
    pub fingerprints: Option<Fingerprints>,
}

/// An image or a video of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Output {
    /// Its number in the generation, from 1. It stays the same when other outputs are deleted.
    #[data(plain)]
    pub number: u32,
    /// The file.
    #[data(nested)]
    pub file: Media,
    /// Who can see it.
    #[data(plain)]
    pub visibility: Visibility,
    /// Whether the prompt is public too, while the output is public.
    #[data(plain)]
    pub show_prompt: bool,
    /// When it became public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub published_at: Option<Timestamp>,
    /// Whether its owner marked it as a favorite. Only its owner sees this.
    #[data(plain)]
    pub favorite: bool,
    /// When the last of its share links expires, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub shared_until: Option<Timestamp>,
    /// The moderation case that hides it from everyone but its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub restricted_by: Option<CaseId>,
    /// When it was deleted: it is hidden from everyone, and its file is being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub deleted_at: Option<Timestamp>,
}

impl Output {
    /// Creates a private output.
    #[must_use]
    pub const fn new(number: u32, file: Media) -> Self {
        Self {
            number,
            file,
            visibility: Visibility::Private,
            show_prompt: false,
            published_at: None,
            favorite: false,
            shared_until: None,
            restricted_by: None,
            deleted_at: None,
        }
    }

    /// Says whether it was deleted.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Checks that others may see it.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if a moderation case hides it.
    pub(crate) fn check_unrestricted(&self) -> Result<(), Refusal> {
        match self.restricted_by {
            None => Ok(()),
            Some(_) => {
                Err(Refusal::Conflict("a moderation case restricts it to its owner: see Moderation in your account"))
            }
        }
    }

    /// Returns it to others than its owner.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if a moderation case hides it.
    pub(crate) fn shown_to_others(&self) -> Result<&Self, Refusal> {
        if self.restricted_by.is_none() { Ok(self) } else { Err(Refusal::NotFound) }
    }

    /// Says whether its owner lets others see it, in the gallery or with a share link.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.visibility == Visibility::Public || self.shared_until.is_some()
    }

    /// Returns it with this visibility. The first time of publishing is kept until it is private again.
    pub(crate) fn with_visibility(&self, visibility: Visibility, show_prompt: bool, now: Timestamp) -> Self {
        match visibility {
            Visibility::Private => Self { visibility, show_prompt: false, published_at: None, ..self.clone() },
            Visibility::Public => {
                Self { visibility, show_prompt, published_at: self.published_at.or(Some(now)), ..self.clone() }
            }
        }
    }

    /// Returns it private and without share links.
    pub(crate) fn hidden(&self) -> Self {
        Self { shared_until: None, ..self.with_visibility(Visibility::Private, false, Timestamp::UNIX_EPOCH) }
    }
}

/// The position of a public output in the gallery. Which output is shown, and whether it still is, says its generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct GalleryEntry {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The generation.
    #[data(plain)]
    pub generation: GenerationId,
    /// The number of the output.
    #[data(plain)]
    pub output: u32,
    /// When it became public.
    #[data(plain)]
    pub published_at: Timestamp,
}
