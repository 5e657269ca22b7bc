use image::DynamicImage;

use super::MIN_SIDE_PX;
use super::code::encode;
use super::key::WatermarkKey;
use super::plane::Plane;
use super::texture::{activity, details};
use super::tile::{Spectrum, Tile};
use super::waves::{Complex, HIGHEST, Wave, Waves};

/// The amplitude where the picture is flat, in levels of 255.
const IN_FLAT: f32 = 1.2;
/// The amplitude that each level of activity adds.
const IN_TEXTURE: f32 = 0.25;
/// The same in videos, which move and are compressed more.
const IN_FLAT_FRAMES: f32 = 1.8;
const IN_TEXTURE_FRAMES: f32 = 0.35;
/// The largest amplitude.
const LARGEST: f32 = 5.0;
/// The least similarity of the marked picture: half a decibel more than promised, which rounding may take.
const MIN_PSNR_DB: f32 = 38.5;
/// The amplitudes of the weakest and the strongest wave, where all have 1 in the mean.
const WEAKEST: f32 = 0.2;
const STRONGEST: f32 = 3.0;
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
    let waves = Waves::new(key).carrying(&encode(mark, key));
    let amplitude = activity(&luma).map(|activity| IN_FLAT + IN_TEXTURE * activity);
    let cell = cell_size(luma.width, luma.height);
    let pattern = |waves: &[_]| Tile::draw(waves).normalized().repeat(luma.width, luma.height, cell);
    let see = |luma: &Plane| Spectrum::of(&Tile::fold(&details(luma), [cell; 2]));
    let first = change(amplitude.clone(), &pattern(&waves), IN_FLAT);
    let marked = first.zip(&luma, |change, luma| (luma + change).clamp(0.0, 255.0));
    let waves = balanced(&waves, &see(&luma), &see(&marked));
    let error = apply(image, &change(amplitude, &pattern(&waves), IN_FLAT));
    Embedding::Embedded { psnr_db: (10.0 * (PEAK / error.max(f64::MIN_POSITIVE)).log10()) as f32 }
}

/// Marks the frames of a video, all with the same pattern.
pub(super) struct FrameMarker {
    waves: Vec<(Wave, Complex)>,
    /// The pattern for the size of the last frame.
    pattern: Option<Plane>,
}

impl FrameMarker {
    pub(super) fn new(mark: u64, key: &WatermarkKey) -> Self {
        Self { waves: Waves::new(key).carrying(&encode(mark, key)), pattern: None }
    }

    /// Marks the luma of a frame.
    pub(super) fn mark(&mut self, samples: &mut [u8], width: usize, height: usize) {
        let fits = self.pattern.take().filter(|pattern| (pattern.width, pattern.height) == (width, height));
        let pattern = fits
            .unwrap_or_else(|| Tile::draw(&self.waves).normalized().repeat(width, height, cell_size(width, height)));
        let luma = Plane { width, height, values: samples.iter().map(|sample| f32::from(*sample)).collect() };
        let amplitude = activity(&luma).map(|activity| IN_FLAT_FRAMES + IN_TEXTURE_FRAMES * activity);
        apply_to(samples, 1, false, &change(amplitude, &pattern, IN_FLAT_FRAMES));
        self.pattern = Some(pattern);
    }
}

/// How much each pixel changes.
fn change(amplitude: Plane, pattern: &Plane, in_flat: f32) -> Plane {
    let allowed = PEAK / 10f64.powf(f64::from(MIN_PSNR_DB) / 10.0);
    let change = |largest: f32| move |amplitude: f32, pattern: f32| amplitude.min(largest) * pattern;
    let mut largest = LARGEST;
    while largest > in_flat && amplitude.mean_square_with(pattern, change(largest)) > allowed {
        largest *= 0.85;
    }
    amplitude.zip(pattern, change(largest))
}

/// Strengthens the waves that the picture itself works against, and weakens those that it helps. `before` is what a
/// detector sees without the watermark, and `after` with equally strong waves.
fn balanced(waves: &[(Wave, Complex)], before: &Spectrum, after: &Spectrum) -> Vec<(Wave, Complex)> {
    // What a wave of amplitude 1 adds depends on its frequency only.
    let ring = |wave: Wave| f64::from(wave.x * wave.x + wave.y * wave.y).sqrt() as usize;
    let mut rings = vec![(0.0f32, 0.0f32); HIGHEST as usize + 1];
    for (wave, phase) in waves {
        if let Some((gain, count)) = rings.get_mut(ring(*wave)) {
            *gain += after.at(*wave).minus(before.at(*wave)).times(phase.conjugate()).re;
            *count += 1.0;
        }
    }
    let gain = |wave: Wave| rings.get(ring(wave)).map_or(0.0, |(gain, count)| gain / count).max(f32::MIN_POSITIVE);
    // The share of each wave's two parts that the picture brings already, or takes away if it is negative.
    let brought = |part: f32, picture: f32, gain: f32| picture * part.signum() * std::f32::consts::SQRT_2 / gain;
    let shares: Vec<[f32; 2]> = waves
        .iter()
        .map(|(wave, phase)| {
            let (picture, gain) = (before.at(*wave), gain(*wave));
            [brought(phase.re, picture.re, gain), brought(phase.im, picture.im, gain)]
        })
        .collect();
    let amplitude = |goal: f32, share: f32| (goal - share).clamp(WEAKEST, STRONGEST);
    let power = |goal: f32| {
        let parts = shares.iter().flatten().map(|share| amplitude(goal, *share).powi(2));
        parts.sum::<f32>() / (2 * shares.len()) as f32
    };
    let (mut low, mut high) = (0.0, STRONGEST);
    for _ in 0..16 {
        let goal = f32::midpoint(low, high);
        if power(goal) > 1.0 {
            high = goal;
        } else {
            low = goal;
        }
    }
    let strengthen = |((wave, phase), [re, im]): (&(Wave, Complex), &[f32; 2])| {
        (*wave, Complex::new(phase.re * amplitude(low, *re), phase.im * amplitude(low, *im)))
    };
    waves.iter().zip(&shares).map(strengthen).collect()
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
