//! Prepares uploaded images for models, which ignore orientation, colour profiles and transparency.

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, RgbImage};

use crate::colors::{has_transparency, on_white};
use crate::decode::{Decoded, decode};
use crate::error::MediaError;
use crate::media_type::{FileKind, MediaType};
use crate::sniff::sniff;
use crate::strip::{Profile, strip};

/// The qualities that are tried for a JPEG, of 100, until it is small enough.
const JPEG_QUALITIES: [u8; 3] = [95, 90, 80];

/// Makes an image upright, opaque and sRGB, and removes its metadata and its colour profile. Transparent parts become
/// white. The pixels stay as they are, to the bit, if nothing of that is needed. A repeat changes nothing.
///
/// The format stays, unless only a JPEG fits in `max_bytes`.
///
/// # Errors
/// Those of [`crate::strip_metadata`], [`MediaError::Decode`] for an image that cannot be decoded,
/// [`MediaError::WrongKind`] for a video, and [`MediaError::TooLarge`].
pub fn normalize_image(bytes: Vec<u8>, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
    let media_type = sniff(&bytes)?;
    if media_type.kind() != FileKind::Image {
        return Err(MediaError::WrongKind { expected: FileKind::Image, found: media_type });
    }
    // What decoders refuse, such as stray bytes between the segments of a JPEG, is removed first.
    let stripped = strip(bytes, Profile::Keep)?;
    let Decoded { image, is_converted } = decode(&stripped, media_type)?;
    let is_transparent = has_transparency(&image);
    let normalized = if is_converted || is_transparent {
        let opaque = if is_transparent { on_white(&image.into_rgba8()) } else { image.into_rgb8() };
        encode(opaque, media_type, max_bytes)?
    } else {
        strip(stripped, Profile::Drop)?
    };
    let bytes = normalized.len() as u64;
    if bytes > max_bytes { Err(MediaError::TooLarge { bytes, max_bytes }) } else { Ok(normalized) }
}

/// Encodes an image in a format: losslessly where it can be so and fits in `max_bytes`, else as the best JPEG that fits, or the smallest.
pub(crate) fn encode(image: RgbImage, media_type: MediaType, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
    let fits = |bytes: &Vec<u8>| bytes.len() as u64 <= max_bytes;
    let lossless = match media_type {
        MediaType::Png => Some(ImageFormat::Png),
        MediaType::Webp => Some(ImageFormat::WebP),
        MediaType::Jpeg | MediaType::Mp4 | MediaType::Webm => None,
    };
    let image = DynamicImage::ImageRgb8(image);
    let mut encoded = Vec::new();
    if let Some(format) = lossless {
        image.write_to(&mut std::io::Cursor::new(&mut encoded), format).map_err(MediaError::Encode)?;
        if fits(&encoded) {
            return Ok(encoded);
        }
    }
    for quality in JPEG_QUALITIES {
        encoded.clear();
        JpegEncoder::new_with_quality(&mut encoded, quality).encode_image(&image).map_err(MediaError::Encode)?;
        if fits(&encoded) {
            break;
        }
    }
    Ok(encoded)
}
