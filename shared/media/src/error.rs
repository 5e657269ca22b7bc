//! Why a file is not accepted.

use crate::limits::{MAX_DURATION_MS, MAX_PIXELS, MAX_SIDE_PX};
use crate::media_type::{FileKind, MediaType};
use crate::unsupported_format::UnsupportedFormat;

/// The limit of the area in megapixels, for messages.
const MAX_MEGAPIXELS: u64 = MAX_PIXELS / 1_000_000;
/// The limit of the duration in minutes, for messages.
const MAX_DURATION_MINUTES: u64 = MAX_DURATION_MS / 60_000;

/// Reports why a file is not accepted, or cannot be processed.
///
/// Most messages are for the person who sent the file: they name the reason and the way out, and quote nothing of the
/// file's content. The messages of [`Encode`](Self::Encode), [`NoVideoFrame`](Self::NoVideoFrame) and
/// [`NoteTooLong`](Self::NoteTooLong) are for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The file has no bytes.
    #[error("The file is empty. Choose another file.")]
    Empty,
    /// The format is not accepted.
    #[error(transparent)]
    UnsupportedFormat(#[from] UnsupportedFormat),
    /// The file ends inside a part whose length it declares, or lacks the part that closes it.
    #[error("The {} file is cut short: {part} is incomplete. Export the file again and try again.", .media_type.name())]
    Truncated {
        /// The format that was recognized.
        media_type: MediaType,
        /// The part that is missing or incomplete.
        part: &'static str,
    },
    /// The file violates the specification of its format.
    #[error("The {} file is damaged: {rule}. Export the file again and try again.", .media_type.name())]
    Malformed {
        /// The format that was recognized.
        media_type: MediaType,
        /// The rule that the file violates.
        rule: &'static str,
    },
    /// The file may be valid, but uses a feature that cannot be shown, or cleaned of metadata, safely.
    #[error("This {} file is not supported: {reason}", .media_type.name())]
    UnsupportedFeature {
        /// The format that was recognized.
        media_type: MediaType,
        /// The feature, and what to do about it. Ends with a full stop.
        reason: &'static str,
    },
    /// The file is an animated image.
    #[error(
        "This {} file is not supported: it is animated. Export a single frame as a still image and try again.",
        .media_type.name()
    )]
    Animated {
        /// The format that was recognized.
        media_type: MediaType,
    },
    /// A side is 0 or longer than [`MAX_SIDE_PX`], or the area is larger than [`MAX_PIXELS`].
    #[error(
        "{width}x{height} pixels are not supported. A side can have 1 to {MAX_SIDE_PX} pixels, and the whole at most \
         {MAX_MEGAPIXELS} megapixels. Resize it and try again."
    )]
    DimensionsOutOfRange {
        /// The width in pixels.
        width: u64,
        /// The height in pixels.
        height: u64,
    },
    /// The video has no duration, or is longer than [`MAX_DURATION_MS`].
    #[error("{}", duration_message(*duration_ms))]
    DurationOutOfRange {
        /// The duration in milliseconds.
        duration_ms: u64,
    },
    /// The file is an image where a video was expected, or the other way round.
    #[error("Expected {expected}, got {found}.")]
    WrongKind {
        /// The kind that the caller asked for.
        expected: FileKind,
        /// The type of the file.
        found: MediaType,
    },
    /// The file has more bytes than the caller allows.
    #[error("The file has {bytes} bytes. At most {max_bytes} bytes are allowed. Reduce its size and try again.")]
    TooLarge {
        /// The size of the file, in bytes.
        bytes: u64,
        /// The caller's limit, in bytes.
        max_bytes: u64,
    },
    /// The container is valid but its pixels are not, or decoding would take too much memory.
    #[error("The {} image cannot be decoded. Export the image again and try again.", .media_type.name())]
    Decode {
        /// The format that was recognized.
        media_type: MediaType,
        /// The decoder's error.
        #[source]
        source: image::ImageError,
    },
    /// An image or its preview could not be encoded.
    #[error("image cannot be encoded")]
    Encode(#[source] image::ImageError),
    /// No frame of a video could be decoded. The video may still play: callers continue without a preview.
    #[error("no video frame can be decoded: {reason}")]
    NoVideoFrame {
        /// Why no frame could be decoded.
        reason: String,
    },
    /// The provenance note is longer than [`MAX_NOTE_BYTES`](crate::MAX_NOTE_BYTES).
    #[error("provenance note is too long")]
    NoteTooLong,
}

impl MediaError {
    pub(crate) const fn truncated(media_type: MediaType, part: &'static str) -> Self {
        Self::Truncated { media_type, part }
    }

    pub(crate) const fn malformed(media_type: MediaType, rule: &'static str) -> Self {
        Self::Malformed { media_type, rule }
    }

    pub(crate) const fn unsupported(media_type: MediaType, reason: &'static str) -> Self {
        Self::UnsupportedFeature { media_type, reason }
    }
}

fn duration_message(duration_ms: u64) -> String {
    if duration_ms == 0 {
        return "The video has no duration. Export it again and try again.".to_owned();
    }
    let minutes = duration_ms.div_ceil(60_000);
    format!(
        "The video is {minutes} minutes long. At most {MAX_DURATION_MINUTES} minutes are allowed. Trim it and try again."
    )
}
