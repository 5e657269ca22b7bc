use image::DynamicImage;

use super::MIN_SIDE_PX;
use super::code::encode;
use super::key::WatermarkKey;
use super::plane::Plane;
use super::texture::activity;
use super::tile::Tile;
use super::waves::Waves;

/// The amplitude where the picture is flat, in levels of 255.
const IN_FLAT: f32 = 1.0;
/// The amplitude that each level of activity adds.
const IN_TEXTURE: f32 = 0.25;
/// The largest amplitude.
const LARGEST: f32 = 5.0;
/// The least similarity of the marked picture: half a decibel more than promised, which rounding may take.
const MIN_PSNR_DB: f32 = 38.5;
/// The square of the largest level.
const PEAK: f64 = 255.0 * 255.0;
/// The longest side of a picture whose tiles have one pixel for each cell. Larger pictures have larger tiles, because
/// they are shown smaller than they are.
const UNSCALED_SIDE_PX: f32 = 1600.0;

/// What became of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[must_use]
pub enum Embedding {
    /// The picture is marked.
    Embedded {
        /// The peak signal-to-noise ratio between the picture before and after, in decibels.
        psnr_db: f32,
    },
    /// A side is shorter than [`MIN_SIDE_PX`]. The picture is as it was.
    TooSmall,
}

/// Marks a picture with 64 bits that [`detect`](super::detect) finds again. Size, colour type and alpha stay, and so do
/// pixels that are fully transparent. The same input gives the same picture.
pub fn embed(image: &mut DynamicImage, mark: u64, key: &WatermarkKey) -> Embedding {
    if image.width().min(image.height()) < MIN_SIDE_PX {
        return Embedding::TooSmall;
    }
    let luma = Plane::luma(image);
    let tile = Tile::draw(&Waves::new(key).carrying(&encode(mark, key))).normalized();
    let pattern = tile.repeat(luma.width, luma.height, cell_size(luma.width, luma.height));
    let allowed = PEAK / 10f64.powf(f64::from(MIN_PSNR_DB) / 10.0);
    let amplitude = activity(&luma).map(|activity| IN_FLAT + IN_TEXTURE * activity);
    let change = |largest: f32| move |amplitude: f32, pattern: f32| amplitude.min(largest) * pattern;
    let mut largest = LARGEST;
    while largest > IN_FLAT && amplitude.mean_square_with(&pattern, change(largest)) > allowed {
        largest *= 0.85;
    }
    let change = amplitude.zip(&pattern, change(largest));
    let error = apply(image, &change);
    Embedding::Embedded { psnr_db: (10.0 * (PEAK / error.max(f64::MIN_POSITIVE)).log10()) as f32 }
}

/// The pixels for each cell of the tile, in a picture that was not resized.
pub(super) fn cell_size(width: usize, height: usize) -> f32 {
    (width.max(height) as f32 / UNSCALED_SIDE_PX).max(1.0)
}

/// Brightens and darkens pixels. Returns the mean square of what really changed, in levels of 255.
fn apply(image: &mut DynamicImage, change: &Plane) -> f64 {
    match image {
        DynamicImage::ImageLuma8(image) => apply_to(image, 1, false, change),
        DynamicImage::ImageLumaA8(image) => apply_to(image, 2, true, change),
        DynamicImage::ImageRgb8(image) => apply_to(image, 3, false, change),
        DynamicImage::ImageRgba8(image) => apply_to(image, 4, true, change),
        DynamicImage::ImageLuma16(image) => apply_to(image, 1, false, change),
        DynamicImage::ImageLumaA16(image) => apply_to(image, 2, true, change),
        DynamicImage::ImageRgb16(image) => apply_to(image, 3, false, change),
        DynamicImage::ImageRgba16(image) => apply_to(image, 4, true, change),
        // Of numbers with a point, which no file has that is decoded here.
        other => {
            let mut converted = other.to_rgba8();
            let error = apply_to(&mut converted, 4, true, change);
            *other = converted.into();
            error
        }
    }
}

fn apply_to<T: Level>(samples: &mut [T], channels: usize, has_alpha: bool, change: &Plane) -> f64 {
    let mut error = 0.0;
    for (pixel, change) in samples.chunks_exact_mut(channels).zip(&change.values) {
        let alpha = if has_alpha { pixel.split_last_mut() } else { None };
        let colors = match alpha {
            Some((alpha, _)) if alpha.to_level() <= 0.0 => continue,
            Some((_, colors)) => colors,
            None => pixel,
        };
        let mut sum = 0.0;
        for sample in colors {
            let before = sample.to_level();
            *sample = T::from_level(before + change);
            let changed = sample.to_level() - before;
            sum += changed * changed;
        }
        error += f64::from(sum);
    }
    let colors = channels - usize::from(has_alpha);
    error / (change.values.len() * colors) as f64
}

/// A sample, as a number from 0 to 255.
trait Level {
    fn to_level(&self) -> f32;
    fn from_level(level: f32) -> Self;
}

impl Level for u8 {
    fn to_level(&self) -> f32 {
        (*self).into()
    }

    fn from_level(level: f32) -> Self {
        level.round() as Self
    }
}

impl Level for u16 {
    fn to_level(&self) -> f32 {
        f32::from(*self) / 257.0
    }

    fn from_level(level: f32) -> Self {
        (level * 257.0).round() as Self
    }
}
