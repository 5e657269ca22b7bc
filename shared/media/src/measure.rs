use crate::{MediaError, MediaType, jpeg, mp4, png, sniff, webm, webp};

/// The longest side that is accepted, in pixels: WebP's own limit, and more than any provider makes.
pub const MAX_SIDE_PX: u32 = 16_383;

/// The most pixels that are accepted: a 48 megapixel camera's photograph, and 200 MB once decoded.
pub const MAX_PIXELS: u64 = 50_000_000;

/// The longest video that is accepted at all; plans set their own, lower limits.
pub const MAX_DURATION_MS: u64 = 60 * 60 * 1000;

/// What a file's structure says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// What it is, by content.
    pub media_type: MediaType,
    /// Pixels, as a viewer shows it.
    pub width: u32,
    /// Pixels, as a viewer shows it.
    pub height: u32,
    /// Milliseconds, rounded up; `None` for pictures.
    pub duration_ms: Option<u64>,
}

/// What a container's headers say, before limits are applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Pixels, as a viewer shows it.
    pub(crate) width: u64,
    /// Pixels, as a viewer shows it.
    pub(crate) height: u64,
    pub(crate) duration_ms: Option<u64>,
}

/// Measures a file without decoding it.
///
/// The whole structure is read: every segment, chunk, box and element, of plain MP4 the place of every sample, of WebM
/// the head of every block. So a file that is cut short is an error, as are checksums that do not match,
/// animated PNG and WebP, a side of 0, a video of no length, and anything above [`MAX_SIDE_PX`], [`MAX_PIXELS`] or
/// [`MAX_DURATION_MS`]. What comes after a picture's end is not looked at: [`crate::strip`] drops it. A
/// fragmented MP4 that is cut between two fragments is a shorter one.
///
/// # Errors
/// Any [`MediaError`] but those of decoding, encoding, size and kind.
pub fn measure(bytes: &[u8]) -> Result<Measured, MediaError> {
    if bytes.is_empty() {
        return Err(MediaError::Empty);
    }
    let media_type = sniff(bytes).accepted()?;
    let shape = match media_type {
        MediaType::Jpeg => jpeg::header(bytes)?.shape(),
        MediaType::Png => png::header(bytes)?.shape(),
        MediaType::Webp => webp::header(bytes)?.shape(),
        MediaType::Mp4 => mp4::shape(bytes)?,
        MediaType::Webm => webm::shape(bytes)?,
    };
    let (width, height) = within_limits(shape.width, shape.height)?;
    match shape.duration_ms {
        Some(duration_ms) if !(1..=MAX_DURATION_MS).contains(&duration_ms) => Err(MediaError::Duration { duration_ms }),
        duration_ms => Ok(Measured { media_type, width, height, duration_ms }),
    }
}

fn within_limits(width: u64, height: u64) -> Result<(u32, u32), MediaError> {
    let side = |side: u64| u32::try_from(side).ok().filter(|side| (1..=MAX_SIDE_PX).contains(side));
    match (side(width), side(height)) {
        (Some(w), Some(h)) if width.saturating_mul(height) <= MAX_PIXELS => Ok((w, h)),
        _ => Err(MediaError::Dimensions { width, height }),
    }
}
