//! Decodes images, and the first frame of a video.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use crate::error::MediaError;
use crate::limits::MAX_SIDE_PX;
use crate::media_type::MediaType;
use crate::{jpeg, mp4, png, webp};

/// The memory for one decoded image. [`crate::MAX_PIXELS`] in four channels of 8 bits fit; in four of 16 bits they do not.
const MAX_DECODED_BYTES: u64 = 256 * 1024 * 1024;

/// Decodes an image, or a video's first frame, with its orientation applied. The file must have passed
/// [`crate::inspect`].
pub(crate) fn decode(bytes: &[u8], media_type: MediaType) -> Result<DynamicImage, MediaError> {
    let (format, header) = match media_type {
        MediaType::Jpeg => (ImageFormat::Jpeg, jpeg::header(bytes)?),
        MediaType::Png => (ImageFormat::Png, png::header(bytes)?),
        MediaType::Webp => (ImageFormat::WebP, webp::header(bytes)?),
        MediaType::Mp4 => return mp4::first_frame(bytes),
        MediaType::Webm => {
            return Err(MediaError::NoVideoFrame { reason: "there is no decoder for WebM".into() });
        }
    };
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut image = reader.decode().map_err(|source| MediaError::Decode { media_type, source })?;
    let orientation =
        header.orientation.and_then(|orientation| image::metadata::Orientation::from_exif(orientation.exif()));
    image.apply_orientation(orientation.unwrap_or(image::metadata::Orientation::NoTransforms));
    Ok(image)
}
