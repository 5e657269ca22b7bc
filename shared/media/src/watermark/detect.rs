use image::DynamicImage;

use super::code::{decode, encode};
use super::embed::cell_size;
use super::key::WatermarkKey;
use super::period::likely_scales;
use super::plane::Plane;
use super::texture::details;
use super::tile::{Spectrum, Tile};
use super::waves::{Complex, SIDE, Waves};

/// Scales that are common, and so are tried before any search.
const COMMON_SCALES: [f32; 5] = [1.0, 0.5, 1.5, 0.75, 2.0];
/// The number of scales that are tried after the search.
const LIKELY_SCALES: usize = 6;
/// How far a scale from the search may be off, in parts of a thousand.
const SCALE_STEPS: [f32; 7] = [0.0, -1.0, 1.0, -2.0, 2.0, -3.0, 3.0];
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
        search.at_common_scales().or_else(|| search.at_likely_scales())
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
        scales.into_iter().find_map(|scale| self.try_scale([scale; 2]).found)
    }

    fn at_likely_scales(&self) -> Option<Detected> {
        likely_scales(self.details, LIKELY_SCALES).into_iter().find_map(|scale| self.near(scale))
    }

    /// Tries a scale and its neighbours: of both sides together, then of the height alone.
    fn near(&self, [x, y]: [f32; 2]) -> Option<Detected> {
        let off = |scale: f32, step: f32| scale * (1.0 + step / 1000.0);
        let mut best = (f32::MIN, [x, y]);
        let mut attempt = |scale: [f32; 2]| {
            let attempt = self.try_scale(scale);
            if attempt.evidence > best.0 {
                best = (attempt.evidence, scale);
            }
            (attempt.found, best.1)
        };
        let mut center = [x, y];
        for step in SCALE_STEPS {
            let (found, best) = attempt([off(x, step), off(y, step)]);
            if found.is_some() {
                return found;
            }
            center = best;
        }
        for step in SCALE_STEPS {
            let (found, _) = attempt([center[0], off(center[1], step)]);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn try_scale(&self, scale: [f32; 2]) -> Attempt {
        let seen = Spectrum::of(&Tile::fold(self.details, scale)).whitened();
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
