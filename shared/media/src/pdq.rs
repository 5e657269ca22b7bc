//! PDQ, a perceptual hash of images: similar for images that look alike
//! (<https://github.com/facebook/ThreatExchange/blob/main/hashing/hashing.pdf>). Written by its specification, with the
//! bits in the order in which lists of known hashes have them.

use std::fmt::Write as _;

use image::{DynamicImage, RgbImage};

use crate::colors::on_white;
use crate::decode::decode;
use crate::error::MediaError;
use crate::inspect::inspect;
use crate::media_type::FileKind;
use crate::read;

/// The longer side of what is hashed. Larger images are made smaller first.
const SIDE_PX: u32 = 512;
/// The side of the picture that is transformed.
const BLOCK: usize = 64;
/// The side of the frequencies that are kept.
const FREQUENCIES: usize = 16;
/// Passes of the filter, which together are a tent.
const PASSES: usize = 2;
/// The least quality of an image whose hash tells it from others. Below it shows too little, such as one colour.
const LEAST_QUALITY: u32 = 50;

/// Returns the PDQ hash of an image, as 64 hexadecimal digits. Returns `None` for videos, and for images that show too little to be
/// told from others.
///
/// # Errors
/// The image cannot be decoded.
pub fn perceptual_hash(bytes: &[u8]) -> Result<Option<String>, MediaError> {
    let media_type = inspect(bytes)?.media_type;
    if media_type.kind() != FileKind::Image {
        return Ok(None);
    }
    let image = decode(bytes, media_type)?.image;
    let small =
        if image.width() > SIDE_PX || image.height() > SIDE_PX { image.thumbnail(SIDE_PX, SIDE_PX) } else { image };
    Ok(hash(&opaque(small)))
}

fn opaque(image: DynamicImage) -> RgbImage {
    match image {
        DynamicImage::ImageRgb8(image) => image,
        other => on_white(&other.into_rgba8()),
    }
}

/// Hashes an image of at most [`SIDE_PX`] on each side.
pub(crate) fn hash(image: &RgbImage) -> Option<String> {
    let (width, height) = (read::size(image.width()), read::size(image.height()));
    if width == 0 || height == 0 {
        return None;
    }
    let luma = image.pixels().map(|pixel| {
        let [r, g, b] = pixel.0.map(f32::from);
        0.299 * r + 0.587 * g + 0.114 * b
    });
    let mut rows: Vec<Vec<f32>> = luma.collect::<Vec<_>>().chunks(width).map(<[f32]>::to_vec).collect();
    for _ in 0..PASSES {
        rows = rows.iter().map(|row| boxed(row, window(width))).collect();
        rows = transposed(&rows);
        rows = rows.iter().map(|column| boxed(column, window(height))).collect();
        rows = transposed(&rows);
    }
    let small: Vec<Vec<f32>> = sampled(&rows).map(|row| sampled(row).copied().collect::<Vec<f32>>()).collect();
    if quality(&small) < LEAST_QUALITY {
        return None;
    }
    let cosines: Vec<Vec<f32>> = (1..=FREQUENCIES).map(cosines).collect();
    // The transform of the rows, then of the columns.
    let of_rows: Vec<Vec<f32>> = small.iter().map(|row| cosines.iter().map(|c| dot(c, row)).collect()).collect();
    let columns = transposed(&of_rows);
    let both: Vec<Vec<f32>> = columns.iter().map(|column| cosines.iter().map(|c| dot(c, column)).collect()).collect();
    let values: Vec<f32> = transposed(&both).into_iter().flatten().collect();
    let mut sorted = values.clone();
    sorted.sort_by(f32::total_cmp);
    let median = sorted.get(values.len() / 2 - 1).copied().unwrap_or(0.0);
    let mut hex = String::with_capacity(FREQUENCIES * FREQUENCIES / 4);
    // The bit of the highest frequencies comes first.
    for four in values.rchunks(4) {
        let digit = four.iter().rev().fold(0_u8, |digit, value| (digit << 1) | u8::from(*value > median));
        let _ = write!(hex, "{digit:x}");
    }
    Some(hex)
}

/// The width of the filter, which makes a side as smooth as [`BLOCK`] samples of it need.
fn window(side: usize) -> usize {
    side.div_ceil(2 * BLOCK)
}

/// Replaces each value by the mean of those around it.
fn boxed(values: &[f32], window: usize) -> Vec<f32> {
    let half = window / 2 + 1;
    let mean = |around: &[f32]| around.iter().sum::<f32>() / count(around.len());
    let at = |index: usize| {
        let (first, end) = ((index + half).saturating_sub(window), (index + half).min(values.len()));
        values.get(first..end).map_or(0.0, mean)
    };
    (0..values.len()).map(at).collect()
}

fn count(number: usize) -> f32 {
    u16::try_from(number).map_or(f32::MAX, f32::from)
}

fn transposed(rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let width = rows.first().map_or(0, Vec::len);
    (0..width).map(|column| rows.iter().filter_map(|row| row.get(column).copied()).collect()).collect()
}

/// Takes [`BLOCK`] values, evenly.
fn sampled<T>(values: &[T]) -> impl Iterator<Item = &T> {
    (0..BLOCK).filter_map(|index| values.get((2 * index + 1) * values.len() / (2 * BLOCK)))
}

/// Says how much an image shows, from 0 to 100: the sum of the steps between neighbours.
fn quality(rows: &[Vec<f32>]) -> u32 {
    let steps = |rows: &[Vec<f32>]| -> u32 {
        let of_row = |row: &Vec<f32>| row.windows(2).map(step).sum::<u32>();
        rows.iter().map(of_row).sum()
    };
    ((steps(rows) + steps(&transposed(rows))) / 90).min(100)
}

/// The step between two neighbours in percent, rounded down.
fn step(pair: &[f32]) -> u32 {
    let [one, other] = pair else { return 0 };
    ((one - other).abs() * 100.0 / 255.0) as u32
}

fn cosines(frequency: usize) -> Vec<f32> {
    let angle = |index: usize| std::f32::consts::PI / (2.0 * count(BLOCK)) * count(frequency * (2 * index + 1));
    (0..BLOCK).map(|index| (2.0 / count(BLOCK)).sqrt() * angle(index).cos()).collect()
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, codecs::jpeg::JpegEncoder};

    use super::*;

    /// Coloured discs, other ones for each seed.
    fn picture(seed: u32) -> RgbImage {
        let disc = |number: u32| {
            let mut state = (seed + 1).wrapping_mul(2_654_435_761).wrapping_add(number.wrapping_mul(40_503));
            let mut next = |most: u32| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) % most
            };
            let place = (i64::from(next(600)), i64::from(next(400)), i64::from(next(120) + 20));
            (place, Rgb([next(256), next(256), next(256)].map(|value| u8::try_from(value).unwrap())))
        };
        let discs: Vec<_> = (0..40).map(disc).collect();
        RgbImage::from_fn(600, 400, |x, y| {
            let inside = |((cx, cy, r), _): &&((i64, i64, i64), Rgb<u8>)| {
                (i64::from(x) - cx).pow(2) + (i64::from(y) - cy).pow(2) < r.pow(2)
            };
            discs.iter().rev().find(inside).map_or(Rgb([200, 210, 220]), |(_, color)| *color)
        })
    }

    fn png(image: &RgbImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn distance(one: &str, other: &str) -> u32 {
        one.chars()
            .zip(other.chars())
            .map(|(a, b)| (a.to_digit(16).unwrap() ^ b.to_digit(16).unwrap()).count_ones())
            .sum()
    }

    #[test]
    fn copies_that_look_alike_have_similar_hashes_and_other_images_do_not() {
        for seed in 0..8 {
            let image = picture(seed);
            let original = perceptual_hash(&png(&image)).unwrap().unwrap();
            let mut jpeg = Vec::new();
            JpegEncoder::new_with_quality(&mut jpeg, 50).encode_image(&image).unwrap();
            let small = DynamicImage::ImageRgb8(image.clone()).thumbnail(300, 300).into_rgb8();
            for copy in [jpeg, png(&small)] {
                let copied = perceptual_hash(&copy).unwrap().unwrap();
                assert!(distance(&original, &copied) <= 20, "{seed}: {}", distance(&original, &copied));
            }
            let other = perceptual_hash(&png(&picture(seed + 100))).unwrap().unwrap();
            assert!(distance(&original, &other) > 80, "{seed}: {}", distance(&original, &other));
        }
    }

    /// What `pdqhash` 0.2.8 computes, which wraps the implementation of those who specified PDQ
    /// (<https://github.com/facebook/ThreatExchange/tree/main/pdq/cpp>).
    #[test]
    fn hashes_are_those_of_another_implementation() {
        let expected = [
            "b764217d9be6f4bd697436d864be8a407e90406181d22e871e4d17dae96d74d8",
            "95821e57025f1cb637523e59f8ae7132a0d309ba51e627c579a1932674dd93a7",
            "75b1e378618e268fc739b2384c6697236f599a38662959397474e1b1d1e1269b",
            "e8cedcc689c4e08651ff3f6e6b604663d06b98e9b0b81a99d3d32551ac52668f",
        ];
        for (seed, expected) in (0..).zip(expected) {
            let image = image::imageops::crop_imm(&picture(seed), 0, 0, 500, 400).to_image();
            assert_eq!(hash(&image).as_deref(), Some(expected), "{seed}");
        }
    }

    #[test]
    fn image_that_shows_nothing_and_video_have_no_hash() {
        let plain = RgbImage::from_pixel(100, 80, Rgb([90, 120, 30]));
        assert_eq!(perceptual_hash(&png(&plain)).unwrap(), None);
        assert_eq!(perceptual_hash(&png(&RgbImage::new(1, 1))).unwrap(), None);
    }
}
