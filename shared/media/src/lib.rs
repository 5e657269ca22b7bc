//! Everything Darkroom knows about the bytes of pictures and videos: what they are, how large they are, how to take
//! out what tells about the person who made them, how to mark them as generated, and how to preview them.
//!
//! The crate is pure: no I/O and no clock. Every parser is total: whatever the input, it ends with a value or a
//! [`MediaError`], in time and memory that grow with the input's length, without recursion.
//!
//! Dimensions are in pixels as a viewer shows them, that is after the orientation that the file asks for.
//!
//! [`sniff`], [`measure`] and [`strip`] read containers and never decode, so a function that uses only those does
//! not link a decoder. [`check_output`] decodes pictures, [`preview`] decodes pictures and H.264.

mod error;
mod jpeg;
mod measure;
mod mp4;
mod orientation;
mod output;
mod picture;
mod png;
mod preview;
mod provenance;
mod read;
mod sniff;
mod strip;
mod webm;
mod webp;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use error::MediaError;
pub use measure::{MAX_DURATION_MS, MAX_PIXELS, MAX_SIDE_PX, Measured, measure};
pub use output::{OutputRule, check_output};
pub use preview::{Preview, preview};
pub use provenance::{MAX_NOTE_BYTES, mark_generated};
pub use sniff::{Refusal, Sniffed, sniff};
pub use strip::strip;

/// The formats that are accepted, stored and served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// PNG, not animated.
    Png,
    /// WebP, lossy or lossless, not animated.
    Webp,
    /// MP4 (ISO base media, QuickTime brands included), fragmented or not.
    Mp4,
    /// WebM.
    Webm,
}

/// What a file shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A still picture.
    Image,
    /// A moving one.
    Video,
}

/// A MIME type that is none of [`MediaType`]'s.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the type must be one of image/jpeg, image/png, image/webp, video/mp4, video/webm")]
pub struct UnknownMediaType;

impl MediaType {
    /// Every type, in the order in which errors list them.
    pub const ALL: [Self; 5] = [Self::Jpeg, Self::Png, Self::Webp, Self::Mp4, Self::Webm];

    /// The registered MIME type, the one spelling that [`FromStr`] reads.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
        }
    }

    /// The file name extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Mp4 => "mp4",
            Self::Webm => "webm",
        }
    }

    /// Whether it is a picture or a video.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Jpeg | Self::Png | Self::Webp => Kind::Image,
            Self::Mp4 | Self::Webm => Kind::Video,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Mp4 => "MP4",
            Self::Webm => "WebM",
        }
    }
}

/// The MIME type.
impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mime())
    }
}

/// Reads the exact MIME type, without parameters.
impl FromStr for MediaType {
    type Err = UnknownMediaType;

    fn from_str(mime: &str) -> Result<Self, UnknownMediaType> {
        Self::ALL.into_iter().find(|media_type| media_type.mime() == mime).ok_or(UnknownMediaType)
    }
}

/// `image` or `video`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Video => "video",
        })
    }
}
