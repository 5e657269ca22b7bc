use crate::error::MediaError;
use crate::inspect::inspect;
use crate::media_type::MediaType;
use crate::{jpeg, mp4, png, webm, webp};

/// Takes out what tells where, when, by whom and with what a file was made, and leaves pixels and sound as they are,
/// to the bit. Pictures keep their orientation, colour profile and pixel density.
///
/// Stripping is by allowance: what is not needed to show the file goes, known or not. Pictures come out shorter;
/// videos keep all offsets, and lose free space at their end at most. The file is measured first, with all that
/// [`inspect`] refuses. Stripping twice is the same as once.
///
/// Not touched is what the coded video or audio itself carries (such as an encoder's name in H.264), the text inside
/// an ICC profile and, in fragmented MP4 only, bytes of the media data that belong to no sample.
///
/// # Errors
/// Those of [`inspect`], and [`MediaError::UnsupportedFeature`] for what cannot be stripped safely: data tracks in
/// fragmented MP4 or in WebM, samples in another file, and codecs whose samples may hold metadata of their own.
pub fn strip_metadata(bytes: Vec<u8>) -> Result<Vec<u8>, MediaError> {
    match inspect(&bytes)?.media_type {
        MediaType::Jpeg => jpeg::strip(&bytes),
        MediaType::Png => png::strip(&bytes),
        MediaType::Webp => webp::strip(&bytes),
        MediaType::Mp4 => mp4::strip(bytes),
        MediaType::Webm => webm::strip(bytes),
    }
}
