//! The first frames of an H.264 track.

use image::imageops::{rotate90, rotate180, rotate270};
use image::{DynamicImage, RgbImage};
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

use super::boxes::Mp4Box;
use super::movie::{Rotation, Track, read_movie};
use super::samples::SampleTable;
use crate::error::MediaError;
use crate::read;

/// No more samples than this are decoded, whether they show something or not.
const MAX_SAMPLES: usize = 60;

/// Decodes up to the first picture, and turns it as a viewer would.
pub(crate) fn first_frame(file: &[u8]) -> Result<DynamicImage, MediaError> {
    let mut first = None;
    for_each_frame(file, 1, |frame| first = Some(frame))?;
    first.ok_or_else(|| no_frame("the first samples hold no picture"))
}

/// Decodes the first `count` pictures, and turns them as a viewer would. A video with fewer ends earlier.
pub(crate) fn for_each_frame(file: &[u8], count: usize, mut visit: impl FnMut(DynamicImage)) -> Result<(), MediaError> {
    let movie = read_movie(file)?;
    if movie.fragmented {
        return Err(no_frame("the MP4 is fragmented"));
    }
    let video = movie.video()?;
    let config = AvcConfig::read(file, video)?.ok_or_else(|| no_frame("the video is not H.264"))?;
    let undecodable = |error: openh264::Error| no_frame(&error.to_string());
    let mut decoder = Decoder::new().map_err(undecodable)?;
    decoder.decode(&config.parameter_sets).map_err(undecodable)?;
    let mut left = count;
    for sample in SampleTable::read(file, video.stbl)?.first_samples(MAX_SAMPLES)? {
        let sample = file.get(sample).ok_or_else(|| no_frame("a sample is missing"))?;
        let annex_b = config.to_annex_b(sample).ok_or_else(|| no_frame("a sample is damaged"))?;
        // One sample that cannot be decoded need not be the last word.
        if let Ok(Some(frame)) = decoder.decode(&annex_b) {
            visit(to_picture(&frame, video.rotation)?);
            left = left.saturating_sub(1);
        }
        if left == 0 {
            return Ok(());
        }
    }
    for frame in decoder.flush_remaining().map_err(undecodable)?.iter().take(left) {
        visit(to_picture(frame, video.rotation)?);
    }
    Ok(())
}

fn to_picture(frame: &openh264::decoder::DecodedYUV<'_>, rotation: Rotation) -> Result<DynamicImage, MediaError> {
    let (width, height) = frame.dimensions();
    let mut rgb = vec![0; width.saturating_mul(height).saturating_mul(3)];
    frame.write_rgb8(&mut rgb);
    let sides = u32::try_from(width).ok().zip(u32::try_from(height).ok());
    let picture = sides.and_then(|(width, height)| RgbImage::from_raw(width, height, rgb));
    let picture = picture.filter(|picture| !picture.is_empty()).ok_or_else(|| no_frame("the frame is empty"))?;
    Ok(DynamicImage::ImageRgb8(match rotation {
        Rotation::None => picture,
        Rotation::By90 => rotate90(&picture),
        Rotation::By180 => rotate180(&picture),
        Rotation::By270 => rotate270(&picture),
    }))
}

/// The decoder configuration record (ISO/IEC 14496-15, 5.3.3.1).
pub(super) struct AvcConfig {
    /// Sequence and picture parameter sets, in Annex B form.
    pub(super) parameter_sets: Vec<u8>,
    /// Bytes of a NAL unit's length field in a sample.
    length_size: usize,
}

impl AvcConfig {
    /// `None` if the track is not H.264, or says nothing that can be read.
    pub(super) fn read(file: &[u8], track: &Track) -> Result<Option<Self>, MediaError> {
        let stsd = track.stbl.required(file, b"stsd")?;
        let Some(entry) = stsd.children(8).next(file)? else { return Ok(None) };
        if !matches!(&entry.kind, b"avc1" | b"avc3") {
            return Ok(None);
        }
        let mut extensions = entry.children(78);
        while let Ok(Some(extension)) = extensions.next(file) {
            if extension.kind == *b"avcC" {
                return Ok(Self::parse(file, extension));
            }
        }
        Ok(None)
    }

    fn parse(file: &[u8], avcc: Mp4Box) -> Option<Self> {
        let record = avcc.bytes(file);
        let length_size = usize::from(record.get(4)? & 3) + 1;
        let mut parameter_sets = Vec::new();
        let mut at = 5;
        for count_mask in [0x1F, 0xFF] {
            let count = record.get(at)? & count_mask;
            at = at.checked_add(1)?;
            for _ in 0..count {
                let unit = read::span(at.checked_add(2)?, read::u16_be(record, at)?.into(), record.len())?;
                at = unit.end;
                push_unit(&mut parameter_sets, record.get(unit)?);
            }
        }
        Some(Self { parameter_sets, length_size })
    }

    /// Replaces each NAL unit's length by a start code.
    pub(super) fn to_annex_b(&self, sample: &[u8]) -> Option<Vec<u8>> {
        let mut annex_b = Vec::with_capacity(sample.len().saturating_add(16));
        let mut rest = sample;
        while !rest.is_empty() {
            let (length, units) = rest.split_at_checked(self.length_size)?;
            let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
            let (unit, others) = units.split_at_checked(length)?;
            push_unit(&mut annex_b, unit);
            rest = others;
        }
        Some(annex_b)
    }
}

fn push_unit(out: &mut Vec<u8>, unit: &[u8]) {
    out.extend([0, 0, 0, 1]);
    out.extend_from_slice(unit);
}

pub(super) fn no_frame(reason: &str) -> MediaError {
    MediaError::NoVideoFrame { reason: reason.to_owned() }
}
