use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbaImage};

use crate::colors::on_white;
use crate::decode::decode;
use crate::error::MediaError;
use crate::inspect::inspect;
use crate::media_type::FileKind;
use crate::pdq;
use crate::read;

/// The longest side that ThumbHash takes (<https://evanw.github.io/thumbhash/>).
const THUMBHASH_SIDE_PX: u32 = 100;

/// Of 100: small files for a gallery's grid, without visible blocks.
const JPEG_QUALITY: u8 = 80;

/// What stands for a file until it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// A JPEG without any metadata. Transparent parts are white.
    pub jpeg: Vec<u8>,
    /// Pixels of the JPEG.
    pub width: u32,
    /// Pixels of the JPEG.
    pub height: u32,
    /// A `ThumbHash` of about 25 bytes, in base64: a blurred placeholder that fits in a listing.
    pub thumbhash: String,
    /// The PDQ hash of an image that shows enough, as [`perceptual_hash`](crate::perceptual_hash) gives it.
    pub pdq: Option<String>,
}

/// Decodes a picture, or the first frame of an H.264 MP4, and makes it fit a square of `max_side_px`. Smaller ones
/// keep their size. The orientation is applied.
///
/// # Errors
/// Those of [`inspect`], [`MediaError::Decode`], and for videos [`MediaError::NoVideoFrame`], which says nothing
/// about whether the video plays: other codecs, WebM and fragmented MP4 end in it.
pub fn create_preview(bytes: &[u8], max_side_px: u32) -> Result<Preview, MediaError> {
    let media_type = inspect(bytes)?.media_type;
    let picture = fit(decode(bytes, media_type)?.image, max_side_px).into_rgba8();
    let hashed = fit(DynamicImage::ImageRgba8(picture.clone()), THUMBHASH_SIDE_PX).into_rgba8();
    let opaque = on_white(&picture);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY).encode_image(&opaque).map_err(MediaError::Encode)?;
    let pdq = if media_type.kind() == FileKind::Image { pdq::hash(&opaque) } else { None };
    Ok(Preview { jpeg, width: opaque.width(), height: opaque.height(), thumbhash: thumbhash(&hashed), pdq })
}

/// Scales a picture down to fit a square. A smaller one keeps its size.
pub(crate) fn fit(picture: DynamicImage, max_side_px: u32) -> DynamicImage {
    let max_side_px = max_side_px.max(1);
    if picture.width() <= max_side_px && picture.height() <= max_side_px {
        return picture;
    }
    picture.thumbnail(max_side_px, max_side_px)
}

fn thumbhash(picture: &RgbaImage) -> String {
    let [width, height] = [picture.width(), picture.height()].map(read::size);
    STANDARD.encode(thumbhash::rgba_to_thumb_hash(width, height, picture.as_raw()))
}
