//! Reads what a file is and how large it is, from its structure alone.

use crate::error::MediaError;
use crate::limits::{MAX_DURATION_MS, MAX_PIXELS, MAX_SIDE_PX};
use crate::media_info::{ImageHeader, MediaInfo};
use crate::media_type::MediaType;
use crate::sniff::sniff;
use crate::{jpeg, mp4, png, webm, webp};

/// Reads a file's type, dimensions and duration without decoding it.
///
/// It reads the whole structure: every segment, chunk, box and element; of plain MP4 the place of every sample; of WebM
/// the head of every block. So it refuses a file that is cut short, checksums that do not match, animated PNG and WebP,
/// a side of 0, a video without duration, and anything above [`MAX_SIDE_PX`], [`MAX_PIXELS`] or [`MAX_DURATION_MS`].
/// It does not look at what follows the end of an image: [`crate::strip_metadata`] drops it. A fragmented MP4 that is
/// cut between two fragments counts as a shorter video.
///
/// # Errors
/// Any [`MediaError`] but those of decoding, encoding, file size and kind.
pub fn inspect(bytes: &[u8]) -> Result<MediaInfo, MediaError> {
    if bytes.is_empty() {
        return Err(MediaError::Empty);
    }
    let media_type = sniff(bytes)?;
    let declared = match media_type {
        MediaType::Jpeg => jpeg::header(bytes).map(ImageHeader::container_info)?,
        MediaType::Png => png::header(bytes).map(ImageHeader::container_info)?,
        MediaType::Webp => webp::header(bytes).map(ImageHeader::container_info)?,
        MediaType::Mp4 => mp4::container_info(bytes)?,
        MediaType::Webm => webm::container_info(bytes)?,
    };
    let (width, height) = within_limits(declared.width, declared.height)?;
    match declared.duration_ms {
        Some(duration_ms) if !(1..=MAX_DURATION_MS).contains(&duration_ms) => {
            Err(MediaError::DurationOutOfRange { duration_ms })
        }
        duration_ms => Ok(MediaInfo { media_type, width, height, duration_ms }),
    }
}

fn within_limits(width: u64, height: u64) -> Result<(u32, u32), MediaError> {
    let side = |side: u64| u32::try_from(side).ok().filter(|side| (1..=MAX_SIDE_PX).contains(side));
    match (side(width), side(height)) {
        (Some(w), Some(h)) if width.saturating_mul(height) <= MAX_PIXELS => Ok((w, h)),
        _ => Err(MediaError::DimensionsOutOfRange { width, height }),
    }
}
