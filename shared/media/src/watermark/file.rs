//! Watermarks in files.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat};

use super::MIN_SIDE_PX;
use super::detect::{Detected, Frames};
use super::embed::{Embedding, FrameMarker, embed};
use super::key::WatermarkKey;
use crate::decode::decode;
use crate::error::MediaError;
use crate::inspect::inspect;
use crate::label::VisibleLabel;
use crate::media_type::MediaType;
use crate::mp4;

/// Of 100: the loss is below that of the watermark.
const JPEG_QUALITY: u8 = 95;
/// The frames of a video that are looked at: about a second.
const FRAMES: usize = 24;

/// Marks an image or a video with 64 bits that [`detect_file`] finds again, and draws a visible label into it first, if there is
/// one. The format stays. What is too small for a watermark, and videos other than H.264 in MP4 with at most one track of sound,
/// have none. `None` if nothing was drawn.
///
/// The pixels are decoded and encoded again: PNG and WebP without loss, JPEG with quality 95, frames with about a third
/// more bits than before; sound stays as it is. An image becomes upright and sRGB. All metadata is lost, so this must be
/// called before anything is added to the file. The same input gives the same bytes.
///
/// # Errors
/// Those of [`inspect`], [`MediaError::Decode`] and [`MediaError::Encode`], and for videos [`MediaError::NoVideoFrame`] if a
/// frame cannot be decoded or encoded. [`MediaError::UnsupportedFeature`] for what is to have a label and cannot have one.
pub fn embed_file(
    bytes: &[u8],
    label: Option<&VisibleLabel>,
    mark: u64,
    key: &WatermarkKey,
) -> Result<Option<Vec<u8>>, MediaError> {
    let info = inspect(bytes)?;
    let media_type = info.media_type;
    let lossless = match media_type {
        MediaType::Png => Some(ImageFormat::Png),
        MediaType::Webp => Some(ImageFormat::WebP),
        MediaType::Jpeg => None,
        MediaType::Mp4 | MediaType::Webm => {
            let marker = (info.width.min(info.height) >= MIN_SIDE_PX).then(|| FrameMarker::new(mark, key));
            let drawn = if media_type == MediaType::Mp4 { draw_into_frames(bytes, label, marker)? } else { None };
            return match (drawn, label) {
                (None, Some(_)) => Err(MediaError::unsupported(media_type, "a visible label cannot be drawn into it.")),
                (drawn, _) => Ok(drawn),
            };
        }
    };
    let mut image = decode(bytes, media_type)?.image;
    if let Some(label) = label {
        label.draw(&mut image, media_type)?;
    }
    if embed(&mut image, mark, key) == Embedding::TooSmall && label.is_none() {
        return Ok(None);
    }
    let mut encoded = Vec::new();
    match lossless {
        Some(format) => image.write_to(&mut Cursor::new(&mut encoded), format),
        None => JpegEncoder::new_with_quality(&mut encoded, JPEG_QUALITY).encode_image(&image),
    }
    .map_err(MediaError::Encode)?;
    Ok(Some(encoded))
}

/// Draws a label and a watermark into each frame. `None` if there is nothing to draw, or the frames cannot be encoded again.
fn draw_into_frames(
    file: &[u8],
    label: Option<&VisibleLabel>,
    mut marker: Option<FrameMarker>,
) -> Result<Option<Vec<u8>>, MediaError> {
    if label.is_none() && marker.is_none() {
        return Ok(None);
    }
    mp4::recode(file, |luma, width, height| {
        if let Some(label) = label {
            label.draw_luma(luma, width, height)?;
        }
        if let Some(marker) = &mut marker {
            marker.mark(luma, width, height);
        }
        Ok(())
    })
}

/// Looks for a watermark in an image file, or in the first second of an H.264 MP4.
///
/// # Errors
/// Those of [`inspect`], [`MediaError::Decode`], and for videos [`MediaError::NoVideoFrame`]: other codecs, WebM and
/// fragmented MP4 end in it.
pub fn detect_file(bytes: &[u8], key: &WatermarkKey) -> Result<Option<Detected>, MediaError> {
    let media_type = inspect(bytes)?.media_type;
    let mut frames = Frames::default();
    if media_type == MediaType::Mp4 {
        mp4::for_each_frame(bytes, FRAMES, |frame: DynamicImage| frames.add(&frame))?;
    } else {
        frames.add(&decode(bytes, media_type)?.image);
    }
    Ok(frames.detect(key))
}
