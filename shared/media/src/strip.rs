//! Removes metadata.

use crate::error::MediaError;
use crate::inspect::inspect;
use crate::media_type::MediaType;
use crate::{jpeg, mp4, png, webm, webp};

/// Whether an image keeps its colour profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Keep,
    /// For pixels in sRGB, which viewers show right without it. A profile may name its owner's devices and files.
    Drop,
}

/// Removes what tells where, when, by whom and with what a file was made. Leaves pixels and sound as they are, to the
/// bit. Images keep their orientation, colour profile and pixel density.
///
/// It keeps only what is needed to show the file. Images become shorter; videos keep all offsets, and lose at most free
/// space at their end. A repeat changes nothing.
///
/// It leaves what the coded video or audio contains (such as an encoder's name in H.264), the text inside an ICC profile
/// and, in fragmented MP4 only, bytes of the media data that belong to no sample.
///
/// # Errors
/// Those of [`inspect`], and [`MediaError::UnsupportedFeature`] for what cannot be stripped safely: data tracks in
/// fragmented MP4 or in WebM, samples in another file, and codecs whose samples may contain metadata of their own.
pub fn strip_metadata(bytes: Vec<u8>) -> Result<Vec<u8>, MediaError> {
    strip(bytes, Profile::Keep)
}

/// Removes metadata as [`strip_metadata`] does, and the colour profile of an image unless it is kept.
pub(crate) fn strip(bytes: Vec<u8>, profile: Profile) -> Result<Vec<u8>, MediaError> {
    let keeps_profile = profile == Profile::Keep;
    match inspect(&bytes)?.media_type {
        MediaType::Jpeg => jpeg::strip(&bytes, keeps_profile),
        MediaType::Png => png::strip(&bytes, keeps_profile),
        MediaType::Webp => webp::strip(&bytes, keeps_profile),
        MediaType::Mp4 => mp4::strip(bytes),
        MediaType::Webm => webm::strip(bytes),
    }
}
