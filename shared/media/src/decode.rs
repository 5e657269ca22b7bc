//! Decodes images, and the first frame of a video, as a colour-managed viewer shows them.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::MediaError;
use crate::limits::MAX_SIDE_PX;
use crate::media_type::MediaType;
use crate::{colors, inks, jpeg, mp4, png, webp};

/// The memory for one decoded image. [`crate::MAX_PIXELS`] in four channels of 8 bits fit; in four of 16 bits they do not.
const MAX_DECODED_BYTES: u64 = 256 * 1024 * 1024;

/// A decoded image: upright, in sRGB.
pub(crate) struct Decoded {
    pub(crate) image: DynamicImage,
    /// Whether the coded pixels differ: they were turned, or their colours converted.
    pub(crate) is_converted: bool,
}

/// Decodes an image, or a video's first frame. Applies the orientation and converts the colours to sRGB. The file must
/// have passed [`crate::inspect`].
pub(crate) fn decode(bytes: &[u8], media_type: MediaType) -> Result<Decoded, MediaError> {
    let (format, header) = match media_type {
        MediaType::Jpeg => (ImageFormat::Jpeg, jpeg::header(bytes)?),
        MediaType::Png => (ImageFormat::Png, png::header(bytes)?),
        MediaType::Webp => (ImageFormat::WebP, webp::header(bytes)?),
        MediaType::Mp4 => return Ok(Decoded { image: mp4::first_frame(bytes)?, is_converted: true }),
        MediaType::Webm => {
            return Err(MediaError::NoVideoFrame { reason: "there is no decoder for WebM".into() });
        }
    };
    let pixels = || -> image::ImageResult<_> {
        let mut limits = Limits::no_limits();
        limits.max_image_width = Some(MAX_SIDE_PX);
        limits.max_image_height = Some(MAX_SIDE_PX);
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder()?;
        limits.reserve(decoder.total_bytes())?;
        let profile = decoder.icc_profile()?;
        Ok((DynamicImage::from_decoder(decoder)?, profile))
    };
    let inks = if media_type == MediaType::Jpeg { jpeg::inks(bytes)? } else { None };
    let in_srgb = || -> image::ImageResult<(DynamicImage, bool)> {
        if let Some(inks) = inks {
            return Ok((inks::decode(bytes, inks)?.into(), true));
        }
        let (coded, profile) = pixels()?;
        let converted = profile.and_then(|profile| colors::to_srgb(&coded, &profile));
        Ok(converted.map_or((coded, false), |converted| (converted, true)))
    };
    let (mut image, is_recolored) = in_srgb().map_err(|source| MediaError::Decode { media_type, source })?;
    let is_converted = is_recolored || header.orientation.is_some();
    let orientation =
        header.orientation.and_then(|orientation| image::metadata::Orientation::from_exif(orientation.exif()));
    image.apply_orientation(orientation.unwrap_or(image::metadata::Orientation::NoTransforms));
    Ok(Decoded { image, is_converted })
}
