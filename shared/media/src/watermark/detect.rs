use image::DynamicImage;

use super::code::{decode, encode};
use super::embed::cell_size;
use super::key::WatermarkKey;
use super::plane::Plane;
use super::texture::details;
use super::tile::{Spectrum, Tile};
use super::waves::{Complex, SIDE, Waves};

/// Scales that are common, and so are tried before any search.
const COMMON_SCALES: [f32; 5] = [1.0, 0.5, 1.5, 0.75, 2.0];
/// The scales that are searched: pixels for each cell of the tile.
const SMALLEST_SCALE: f32 = 0.42;
const LARGEST_SCALE: f32 = 4.0;
/// The side of the middle that is searched, in pixels: a small part tolerates a scale that is slightly wrong.
const SEARCHED_SIDE: usize = 512;
/// From one scale to the next, the edges of that middle may move by this many cells.
const TOLERANCE: f32 = 1.2;
/// The number of scales that are looked at again.
const LIKELY_SCALES: usize = 6;
/// The least evidence for the place of the tile, in standard deviations, with which the bits are read. Without a
/// watermark the best of all places has about 4.
const MIN_EVIDENCE: f32 = 4.7;

/// A watermark that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detected {
    /// The 64 bits that were embedded.
    pub mark: u64,
    /// How well the picture agrees with the mark, from 0 to 1. The mark is right in any case: its check was.
    pub confidence: f32,
}

/// Looks for a watermark in a picture, whole or cropped, in its own size or resized to 45 to 300%.
#[must_use]
pub fn detect(image: &DynamicImage, key: &WatermarkKey) -> Option<Detected> {
    let mut frames = Frames::default();
    frames.add(image);
    frames.detect(key)
}

/// Frames of one video, which show the same watermark at the same place. What few frames show, many show clearly.
#[derive(Default)]
pub struct Frames {
    sum: Option<Plane>,
}

impl Frames {
    /// Adds a frame. Frames of another size than the first are ignored.
    pub fn add(&mut self, frame: &DynamicImage) {
        let details = details(&Plane::luma(frame));
        match self.sum.take() {
            None => self.sum = Some(details),
            Some(sum) if (sum.width, sum.height) == (details.width, details.height) => {
                self.sum = Some(sum.zip(&details, |sum, detail| sum + detail));
            }
            Some(sum) => self.sum = Some(sum),
        }
    }

    /// Looks for a watermark in all frames together.
    #[must_use]
    pub fn detect(&self, key: &WatermarkKey) -> Option<Detected> {
        let search = Search { details: self.sum.as_ref()?, waves: Waves::new(key), key };
        search.at_common_scales().or_else(|| search.at_any_scale())
    }
}

struct Search<'a> {
    details: &'a Plane,
    waves: Waves,
    key: &'a WatermarkKey,
}

impl Search<'_> {
    fn at_common_scales(&self) -> Option<Detected> {
        let unchanged = cell_size(self.details.width, self.details.height);
        let scales = std::iter::once(unchanged).chain(COMMON_SCALES);
        scales.into_iter().find_map(|scale| self.try_scale(self.details, [scale; 2]).found)
    }

    /// Searches the middle with all scales, then looks closer at the best.
    fn at_any_scale(&self) -> Option<Detected> {
        let next = |scale: &f32| Some(scale + scale * scale * TOLERANCE / (SEARCHED_SIDE / 2) as f32);
        let scales = std::iter::successors(Some(SMALLEST_SCALE), next).take_while(|scale| *scale < LARGEST_SCALE);
        let middle = self.details.middle(SEARCHED_SIDE);
        let mut ranked: Vec<_> = scales.map(|scale| (self.try_scale(&middle, [scale; 2]).evidence, scale)).collect();
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        ranked.into_iter().take(LIKELY_SCALES).find_map(|(_, scale)| self.near(scale))
    }

    /// Corrects a scale, of width and height apart, on larger and larger parts of the picture.
    fn near(&self, scale: f32) -> Option<Detected> {
        let mut center = [scale; 2];
        for side in [SEARCHED_SIDE, 2 * SEARCHED_SIDE, 4 * SEARCHED_SIDE] {
            let part = self.details.middle(side);
            let step = scale * TOLERANCE / side as f32;
            let steps = [0.0, -step, step];
            let near = steps.iter().flat_map(|x| steps.map(|y| [center[0] + scale * x, center[1] + scale * y]));
            let attempts = near.map(|scale| (self.try_scale(&part, scale), scale));
            let (best, place) = attempts.max_by(|(a, _), (b, _)| a.evidence.total_cmp(&b.evidence))?;
            if best.found.is_some() {
                return best.found;
            }
            center = place;
            if side > self.details.width.max(self.details.height) {
                break;
            }
        }
        None
    }

    fn try_scale(&self, details: &Plane, scale: [f32; 2]) -> Attempt {
        let seen = Spectrum::of(&Tile::fold(details, scale)).whitened();
        let compared: Vec<_> =
            self.waves.sync().iter().map(|(wave, phase)| (*wave, seen.at(*wave).times(phase.conjugate()))).collect();
        let power: f32 = compared.iter().map(|(_, wave)| wave.power()).sum();
        let (x, y, peak) = Tile::draw(&compared).peak();
        // The peak is the sum of twice the real parts, each of which has half the power.
        let evidence = peak / (2.0 * power).sqrt().max(f32::MIN_POSITIVE);
        if evidence < MIN_EVIDENCE {
            return Attempt { evidence, found: None };
        }
        let [x, y] = [x as f32, y as f32];
        let angle = |waves: [i32; 2], x: f32, y: f32| {
            let turned = waves[0] as f32 * x + waves[1] as f32 * y;
            Complex::of_angle(std::f32::consts::TAU * turned / SIDE as f32)
        };
        let shares = [-0.67, -0.33, 0.0, 0.33, 0.67];
        let places = shares.iter().flat_map(|down| shares.map(|right| (x + right, y + down)));
        let agreement = |x: f32, y: f32| -> f32 {
            compared.iter().map(|(wave, seen)| seen.times(angle([wave.x, wave.y], x, y)).re).sum()
        };
        let finer = places.map(|(x, y)| (agreement(x, y), x, y)).max_by(|(a, ..), (b, ..)| a.total_cmp(b));
        let (_, x, y) = finer.unwrap_or_default();
        let soft = self.waves.read(|wave| seen.at(wave).times(angle([wave.x, wave.y], x, y)));
        let found = decode(&soft, self.key).map(|mark| {
            let coded = encode(mark, self.key);
            let agreeing: f32 = soft.iter().zip(coded).map(|(soft, bit)| if bit { *soft } else { -soft }).sum();
            let total: f32 = soft.iter().map(|soft| soft.abs()).sum();
            Detected { mark, confidence: (agreeing / total.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0) }
        });
        Attempt { evidence, found }
    }
}

struct Attempt {
    evidence: f32,
    found: Option<Detected>,
}
