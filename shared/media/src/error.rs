use crate::measure::{MAX_DURATION_MS, MAX_PIXELS, MAX_SIDE_PX};
use crate::{Kind, MediaType, Refusal};

/// Why bytes are not accepted, or cannot be treated as asked. The messages are for the person who sent the file:
/// they name the rule and hold nothing of the file's content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// A format that is not accepted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file ends inside a part whose length it declares, or without a part that must close it.
    #[error("the {} file is cut short: {part} is not complete", .media_type.name())]
    Truncated {
        /// The format that was recognised.
        media_type: MediaType,
        /// The part that is missing or not complete.
        part: &'static str,
    },
    /// The file breaks its format's specification.
    #[error("the {} file is damaged: {rule}", .media_type.name())]
    Malformed {
        /// The format that was recognised.
        media_type: MediaType,
        /// The rule that the file breaks.
        rule: &'static str,
    },
    /// The file may be sound, but uses something that cannot be shown, or cleaned of metadata, safely.
    #[error("this {} file cannot be accepted: {rule}", .media_type.name())]
    Unsupported {
        /// The format that was recognised.
        media_type: MediaType,
        /// What is not supported, and what to do about it.
        rule: &'static str,
    },
    /// A side of zero, or more than [`MAX_SIDE_PX`] or [`MAX_PIXELS`].
    #[error(
        "{width}x{height} pixels are not accepted: each side must be 1 to {MAX_SIDE_PX}, and both together at most \
         {MAX_PIXELS} pixels"
    )]
    Dimensions {
        /// Pixels.
        width: u64,
        /// Pixels.
        height: u64,
    },
    /// A video of no length, or longer than [`MAX_DURATION_MS`].
    #[error("a video of {duration_ms} ms is not accepted: it must last 1 to {MAX_DURATION_MS} ms")]
    Duration {
        /// Milliseconds.
        duration_ms: u64,
    },
    /// A picture where a video was expected, or the other way round.
    #[error("the file is {}, where {expected} was expected", .found.mime())]
    WrongKind {
        /// What the caller asked for.
        expected: Kind,
        /// What the bytes are.
        found: MediaType,
    },
    /// More bytes than the caller allows.
    #[error("the file has {bytes} bytes, and at most {max_bytes} are allowed")]
    TooLarge {
        /// The file's length.
        bytes: u64,
        /// The caller's limit.
        max_bytes: u64,
    },
    /// The container is sound but the picture in it is not, or would take too much memory.
    #[error("the {} picture cannot be decoded", .media_type.name())]
    Decode {
        /// The format that was recognised.
        media_type: MediaType,
        /// What the decoder said.
        #[source]
        source: image::ImageError,
    },
    /// The preview could not be written.
    #[error("the preview cannot be encoded")]
    Encode(#[source] image::ImageError),
    /// No frame of a video could be decoded. The video may well play: callers go on without a preview.
    #[error("no frame of the video can be decoded here: {reason}")]
    NoVideoFrame {
        /// What stood in the way.
        reason: String,
    },
    /// A provenance note longer than [`crate::MAX_NOTE_BYTES`].
    #[error("the provenance note is too long")]
    NoteTooLong,
}

impl MediaError {
    pub(crate) const fn truncated(media_type: MediaType, part: &'static str) -> Self {
        Self::Truncated { media_type, part }
    }

    pub(crate) const fn malformed(media_type: MediaType, rule: &'static str) -> Self {
        Self::Malformed { media_type, rule }
    }

    pub(crate) const fn unsupported(media_type: MediaType, rule: &'static str) -> Self {
        Self::Unsupported { media_type, rule }
    }
}
