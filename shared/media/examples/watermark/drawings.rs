//! Pictures that are hard for a watermark: flat, dark, bright, regular, noisy, or full of edges.

use font8x8::UnicodeFonts;
use image::{Rgb, RgbImage};

use crate::numbers::{random, share};

const KINDS: [&str; 10] =
    ["gradient", "clouds", "noise", "page", "code", "flat shapes", "line art", "dark", "bright", "grid"];

pub(crate) fn kind(at: usize) -> &'static str {
    KINDS[at % KINDS.len()]
}

/// Draws the picture of a number.
pub(crate) fn draw(at: usize, width: u32, height: u32) -> RgbImage {
    let mut random = random(&format!("drawing {at}"));
    let mut number = move |from: f64, to: f64| share(&mut random).mul_add(to - from, from);
    let color = |number: &mut dyn FnMut(f64, f64) -> f64| [0; 3].map(|_| number(0.0, 255.0));
    let (w, h) = (f64::from(width), f64::from(height));
    match kind(at) {
        "gradient" => {
            let (from, to, turn) = (color(&mut number), color(&mut number), number(0.0, 1.0));
            paint(width, height, |x, y| mix(from, to, (x / w).mul_add(turn, (1.0 - turn) * y / h)))
        }
        "clouds" => {
            let (from, to, seed) = (color(&mut number), color(&mut number), number(0.0, 1e6));
            paint(width, height, |x, y| mix(from, to, clouds(x / w * 5.0, y / h * 5.0, seed, 6)))
        }
        "noise" => {
            let (base, strength, seed) = (color(&mut number), number(5.0, 60.0), number(0.0, 1e6));
            paint(width, height, |x, y| base.map(|base| base + strength * (lattice(x as i64, y as i64, seed) - 0.5)))
        }
        "page" => {
            let paper = [number(235.0, 255.0); 3];
            text(width, height, paper, [20.0; 3], number(0.0, 1e6) as u64, at as u32 / 10 % 2 + 1)
        }
        "code" => {
            let ink = color(&mut number).map(|ink| 128.0 + ink / 2.0);
            text(width, height, [24.0, 26.0, 32.0], ink, number(0.0, 1e6) as u64, 2)
        }
        "flat shapes" => {
            let background = color(&mut number);
            let shapes: Vec<_> = (0..14)
                .map(|_| (number(0.0, w), number(0.0, h), number(30.0, w / 3.0), color(&mut number), number(0.0, 1.0)))
                .collect();
            paint(width, height, |x, y| {
                let hit = shapes.iter().rev().find(|(cx, cy, radius, _, kind)| {
                    let (dx, dy) = ((x - cx).abs(), (y - cy).abs());
                    if *kind < 0.5 { dx.hypot(dy) < *radius } else { dx < *radius && dy < radius * kind }
                });
                hit.map_or(background, |(.., color, _)| *color)
            })
        }
        "line art" => {
            let lines: Vec<_> = (0..40).map(|_| (number(0.0, w), number(0.0, h), number(20.0, w / 2.0))).collect();
            paint(width, height, |x, y| {
                let distance = |(cx, cy, radius): &(f64, f64, f64)| ((x - cx).hypot(y - cy) - radius).abs();
                let nearest = lines.iter().map(distance).fold(f64::MAX, f64::min);
                [255.0 * (nearest - 0.5).clamp(0.0, 1.0); 3]
            })
        }
        "dark" => {
            let (glow, seed) = (color(&mut number).map(|part| part / 6.0), number(0.0, 1e6));
            paint(width, height, |x, y| mix([2.0; 3], glow, clouds(x / w * 3.0, y / h * 3.0, seed, 5).powi(3) * 2.0))
        }
        "bright" => {
            let (tint, seed) = (color(&mut number).map(|part| 200.0 + part / 5.0), number(0.0, 1e6));
            paint(width, height, |x, y| mix(tint, [255.0; 3], clouds(x / w * 4.0, y / h * 4.0, seed, 4) * 2.0))
        }
        _ => {
            let (light, dark, step) = (color(&mut number), color(&mut number), number(6.0, 60.0));
            paint(width, height, |x, y| if ((x / step) as i64 + (y / step) as i64) % 2 == 0 { light } else { dark })
        }
    }
}

fn paint(width: u32, height: u32, color: impl Fn(f64, f64) -> [f64; 3]) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb(color(x.into(), y.into()).map(|part| part.round() as u8)))
}

fn mix(from: [f64; 3], to: [f64; 3], share: f64) -> [f64; 3] {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|at| from[at] + (to[at] - from[at]) * share)
}

/// A number from 0 to 1 for each point of a lattice.
fn lattice(x: i64, y: i64, seed: f64) -> f64 {
    let mixed = (x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    let mixed = (mixed ^ (seed as u64)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    ((mixed ^ (mixed >> 29)) >> 40) as f64 / f64::from(1 << 24)
}

fn clouds(x: f64, y: f64, seed: f64, octaves: i32) -> f64 {
    let smooth = |x: f64, y: f64| {
        let (left, top) = (x.floor(), y.floor());
        let ease = |part: f64| part * part * (3.0 - 2.0 * part);
        let (right, down) = (ease(x - left), ease(y - top));
        let at = |dx: i64, dy: i64| lattice(left as i64 + dx, top as i64 + dy, seed);
        let upper = at(0, 0) + (at(1, 0) - at(0, 0)) * right;
        let lower = at(0, 1) + (at(1, 1) - at(0, 1)) * right;
        upper + (lower - upper) * down
    };
    (0..octaves).map(|octave| smooth(x * 2f64.powi(octave), y * 2f64.powi(octave)) / 2f64.powi(octave + 1)).sum()
}

fn text(width: u32, height: u32, paper: [f64; 3], ink: [f64; 3], seed: u64, zoom: u32) -> RgbImage {
    let seed = seed as f64;
    paint(width, height, |x, y| {
        let (x, y) = (x as u32 / zoom, y as u32 / zoom);
        let (column, line) = (x / 8, y / 13);
        let sign = lattice(column.into(), line.into(), seed);
        let is_blank =
            sign < 0.2 || y % 13 >= 8 || lattice(line.into(), -1, seed) < f64::from(x * zoom) / f64::from(width) / 1.5;
        let glyph = font8x8::BASIC_FONTS.get(char::from(b'a' + (sign * 25.9) as u8)).unwrap_or_default();
        if !is_blank && glyph[(y % 13) as usize] >> (x % 8) & 1 == 1 { ink } else { paper }
    })
}
