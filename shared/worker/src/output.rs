//! From what a provider sent to what is stored. Pure, and heavy on the processor.

use domain::catalogue::Kind;
use media::{Measured, MediaError, MediaType, OutputRule, Preview};

/// The largest picture that is stored.
const IMAGE_BYTES: u64 = 25 << 20;
/// The largest film that is stored.
const VIDEO_BYTES: u64 = 100 << 20;
/// The longer side of a thumbnail.
const THUMBNAIL_SIDE_PX: u32 = 512;

/// A file as it is stored.
#[derive(Debug)]
pub(crate) struct File {
    /// Stripped, and marked as generated where its format has a place for that.
    pub(crate) bytes: Vec<u8>,
    /// What it shows.
    pub(crate) measured: Measured,
    /// What stands for it until it is opened, where it could be decoded.
    pub(crate) preview: Option<Preview>,
}

/// Checks what a provider sent, takes out what it says about its making, says in it that `model` made it, and draws its
/// preview. The same bytes give the same file.
///
/// # Errors
/// It is not what it should be: of another kind, damaged, empty, or too large.
pub(crate) fn finish(bytes: Vec<u8>, kind: Kind, model: &str) -> Result<File, MediaError> {
    let rule = match kind {
        Kind::Image => OutputRule { kind: media::Kind::Image, max_bytes: IMAGE_BYTES },
        Kind::Video => OutputRule { kind: media::Kind::Video, max_bytes: VIDEO_BYTES },
    };
    let measured = media::check_output(&bytes, rule)?;
    let bytes = match measured.media_type {
        MediaType::Webm => media::strip(bytes)?,
        MediaType::Jpeg | MediaType::Png | MediaType::Webp | MediaType::Mp4 => {
            media::mark_generated(bytes, &format!("Generated with Darkroom by the model {model}"))?
        }
    };
    let preview = media::preview(&bytes, THUMBNAIL_SIDE_PX)
        .inspect_err(|error| tracing::info!(error = %error, "a file has no preview"))
        .ok();
    Ok(File { bytes, measured, preview })
}
