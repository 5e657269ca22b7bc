//! Estimates the scale of the tiles from the distance at which a picture resembles itself.

use super::plane::Plane;
use super::waves::SIDE;

/// The scales that are looked for: pixels for each cell.
const SMALLEST: f32 = 0.4;
const LARGEST: f32 = 3.5;
/// The ratio of one scale to the next.
const STEP: f32 = 1.001;
/// Of the pixels of a large picture, about this many are compared.
const ENOUGH_PIXELS: usize = 1_000_000;
/// The largest difference between the scales of width and height, in steps: a side is a whole number of pixels.
const SKEW: usize = 5;

/// The most probable scales of width and height, best first.
pub(super) fn likely_scales(details: &Plane, count: usize) -> Vec<[f32; 2]> {
    let scales: Vec<f32> = std::iter::successors(Some(SMALLEST), |scale| Some(scale * STEP))
        .take_while(|scale| *scale < LARGEST)
        .collect();
    let across = Resemblance::of(details).scores(&scales);
    let down = Resemblance::of(&details.transposed()).scores(&scales);
    let joint: Vec<(f32, usize, usize)> = across
        .iter()
        .enumerate()
        .map(|(at, across)| {
            let start = at.saturating_sub(SKEW);
            let near = down.iter().enumerate().skip(start).take(at + SKEW + 1 - start);
            let best = near.max_by(|(_, a), (_, b)| a.total_cmp(b));
            best.map_or((f32::MIN, at, at), |(other, down)| (across + down, at, other))
        })
        .collect();
    let mut ranked = joint.clone();
    ranked.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    let mut chosen: Vec<(usize, usize)> = Vec::with_capacity(count);
    for (_, x, y) in ranked {
        if chosen.len() == count {
            break;
        }
        if chosen.iter().all(|(other, _)| other.abs_diff(x) > 2 * SKEW) {
            chosen.push((x, y));
        }
    }
    let scale = |at: usize| scales.get(at).copied().unwrap_or(1.0);
    chosen.into_iter().map(|(x, y)| [scale(x), scale(y)]).collect()
}

/// How much the pixels of each distance within a row resemble each other.
struct Resemblance {
    /// The sum of the products, for each distance.
    sums: Vec<f32>,
    width: usize,
    rows: usize,
}

impl Resemblance {
    fn of(details: &Plane) -> Self {
        let skipped = (details.values.len() / ENOUGH_PIXELS).max(1);
        let distances = (details.width * 3 / 4).min((LARGEST * 1.1 * SIDE as f32) as usize);
        let mut sums = vec![0.0; distances];
        for row in details.rows().step_by(skipped) {
            for (distance, sum) in sums.iter_mut().enumerate().skip(8) {
                *sum += dot(row, row.get(distance..).unwrap_or_default());
            }
        }
        Self { sums, width: details.width, rows: details.height.div_ceil(skipped) }
    }

    /// The sum at a distance, above the sums that are half a wave nearer and farther.
    fn peak(&self, distance: f32, half_wave: f32) -> Option<f32> {
        let at = |distance: f32| {
            let left = self.sums.get(distance as usize)?;
            let right = self.sums.get(distance as usize + 1)?;
            Some(left + (right - left) * distance.fract())
        };
        Some(at(distance)? - 0.5 * (at(distance - half_wave)? + at(distance + half_wave)?))
    }

    /// For each scale: how far the distances of one tile, two, and so on stand out, in standard deviations.
    fn scores(&self, scales: &[f32]) -> Vec<f32> {
        let score = |scale: f32| {
            let tile = SIDE as f32 * scale;
            let peaks = (1..).map(|tiles| tile * tiles as f32);
            let peaks = peaks.map_while(|distance| Some((distance, self.peak(distance, 4.0 * scale)?)));
            let (sum, pairs) = peaks.fold((0.0, 0.0), |(sum, pairs), (distance, peak)| {
                (sum + peak, pairs + (self.width as f32 - distance) * self.rows as f32)
            });
            if pairs > 0.0 { sum / pairs.sqrt() } else { 0.0 }
        };
        scales.iter().map(|scale| score(*scale)).collect()
    }
}

/// The sum of the products, in lanes that the compiler can add at once.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (left, left_rest) = left.get(..right.len()).unwrap_or_default().as_chunks::<16>();
    let (right, right_rest) = right.as_chunks::<16>();
    for (left, right) in left.iter().zip(right) {
        lanes.iter_mut().zip(left.iter().zip(right)).for_each(|(lane, (left, right))| *lane += left * right);
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    lanes.iter().sum::<f32>() + rest
}
