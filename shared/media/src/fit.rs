//! Fits images into what services take that look at them.

use crate::colors::on_white;
use crate::decode::decode;
use crate::error::MediaError;
use crate::inspect::inspect;
use crate::media_type::{FileKind, MediaType};
use crate::normalize::encode;
use crate::preview::fit;

/// The longest sides that are tried for an image that does not fit, in pixels. A service that looks at an image sees no more.
const SIDES_PX: [u32; 2] = [2048, 1024];

/// What a service takes.
#[derive(Debug, Clone, Copy)]
pub struct ImageLimits {
    /// The largest file, in bytes.
    pub max_bytes: u64,
    /// The longest side, in pixels.
    pub max_side_px: u32,
}

/// Makes an image a PNG or a JPEG within these limits, with its type. One that is so already is returned as it is. Of every other one
/// a JPEG is made, with sides of at most 2048 pixels, upright and on white.
///
/// # Errors
/// Those of [`inspect`], [`MediaError::WrongKind`] for a video, [`MediaError::Decode`], and [`MediaError::TooLarge`] for limits that
/// even a small JPEG exceeds.
pub fn fit_image(bytes: &[u8], limits: ImageLimits) -> Result<(Vec<u8>, MediaType), MediaError> {
    let ImageLimits { max_bytes, max_side_px } = limits;
    let info = inspect(bytes)?;
    if info.media_type.kind() != FileKind::Image {
        return Err(MediaError::WrongKind { expected: FileKind::Image, found: info.media_type });
    }
    let fits = |bytes: &[u8]| bytes.len() as u64 <= max_bytes;
    if info.media_type != MediaType::Webp && info.width.max(info.height) <= max_side_px && fits(bytes) {
        return Ok((bytes.to_vec(), info.media_type));
    }
    let mut picture = decode(bytes, info.media_type)?.image;
    let mut found = 0;
    for side in SIDES_PX {
        picture = fit(picture, side.min(max_side_px));
        let jpeg = encode(on_white(&picture.to_rgba8()), MediaType::Jpeg, max_bytes)?;
        if fits(&jpeg) {
            return Ok((jpeg, MediaType::Jpeg));
        }
        found = jpeg.len() as u64;
    }
    Err(MediaError::TooLarge { bytes: found, max_bytes })
}

/// Returns the pixels of an image, or of the first frame of an H.264 MP4, drawn into a square of `side_px`: rows of red, green and
/// blue. It is upright, on white, and not in its proportions.
///
/// # Errors
/// Those of [`create_preview`](crate::create_preview).
pub fn square_of(bytes: &[u8], side_px: u32) -> Result<Vec<u8>, MediaError> {
    let media_type = inspect(bytes)?.media_type;
    let picture = decode(bytes, media_type)?.image.thumbnail_exact(side_px, side_px);
    Ok(on_white(&picture.into_rgba8()).into_raw())
}
