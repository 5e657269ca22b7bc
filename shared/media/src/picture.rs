//! What the three picture formats have in common.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

use crate::measure::{MAX_SIDE_PX, Shape};
use crate::orientation::Orientation;
use crate::{MediaError, MediaType, jpeg, mp4, png, webp};

/// Memory for one decoded picture: [`crate::MAX_PIXELS`] of 8 bits in four channels fit, of 16 bits they do not.
const MAX_DECODED_BYTES: u64 = 256 * 1024 * 1024;

/// What a picture's headers say, before limits are applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PictureHeader {
    /// Pixels, as coded.
    pub(crate) width: u32,
    /// Pixels, as coded.
    pub(crate) height: u32,
    pub(crate) orientation: Option<Orientation>,
}

impl PictureHeader {
    pub(crate) fn shape(self) -> Shape {
        let (width, height) = if self.orientation.is_some_and(Orientation::swaps_sides) {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        Shape { width: width.into(), height: height.into(), duration_ms: None }
    }
}

/// Decodes a picture, or a video's first frame, as a viewer shows it. The file has been measured.
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
    let mut picture = reader.decode().map_err(|source| MediaError::Decode { media_type, source })?;
    let orientation =
        header.orientation.and_then(|orientation| image::metadata::Orientation::from_exif(orientation.exif()));
    picture.apply_orientation(orientation.unwrap_or(image::metadata::Orientation::NoTransforms));
    Ok(picture)
}
