//! The accepted formats and their MIME types.

use std::fmt;
use std::str::FromStr;

/// Identifies a format that is accepted, stored and served.
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

/// Tells images and videos apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A still image.
    Image,
    /// A video.
    Video,
}

/// Reports a MIME type that is none of [`MediaType`]'s.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the type must be one of image/jpeg, image/png, image/webp, video/mp4, video/webm")]
pub struct UnknownMediaType;

impl MediaType {
    /// Lists every type, in the order in which error messages list them.
    pub const ALL: [Self; 5] = [Self::Jpeg, Self::Png, Self::Webp, Self::Mp4, Self::Webm];

    /// Returns the registered MIME type. [`FromStr`] accepts this spelling only.
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

    /// Returns the file name extension, without the dot.
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

    /// Returns whether the format holds an image or a video.
    #[must_use]
    pub const fn kind(self) -> FileKind {
        match self {
            Self::Jpeg | Self::Png | Self::Webp => FileKind::Image,
            Self::Mp4 | Self::Webm => FileKind::Video,
        }
    }

    /// Returns the format's name as people write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Mp4 => "MP4",
            Self::Webm => "WebM",
        }
    }
}

/// Writes the MIME type.
impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mime())
    }
}

/// Parses the exact MIME type, without parameters.
impl FromStr for MediaType {
    type Err = UnknownMediaType;

    fn from_str(mime: &str) -> Result<Self, UnknownMediaType> {
        Self::ALL.into_iter().find(|media_type| media_type.mime() == mime).ok_or(UnknownMediaType)
    }
}

/// Writes `image` or `video`.
impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Video => "video",
        })
    }
}
