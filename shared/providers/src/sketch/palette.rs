//! Colours, computed in Oklch so that steps of lightness and hue look even.

use super::noise::Random;

/// The mood of a scene: the time of day and the sky.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Night,
    Dusk,
    Day,
    Mist,
}

/// Gamma-encoded red, green and blue, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rgb(pub(super) [f32; 3]);

impl Rgb {
    /// From [Oklch](https://bottosson.github.io/posts/oklab/): lightness 0 to 1, chroma 0 to about 0.3, hue in degrees.
    pub(super) fn oklch(lightness: f32, chroma: f32, hue_degrees: f32) -> Self {
        let (sin, cos) = hue_degrees.to_radians().sin_cos();
        let (a, b) = (chroma * cos, chroma * sin);
        let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
        let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
        let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
        let linear = [
            4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
            -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
            -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
        ];
        Self(linear.map(|channel| channel.clamp(0.0, 1.0).powf(1.0 / 2.2)))
    }

    /// `self` at 0, `other` at 1.
    pub(super) fn mix(self, other: Self, amount: f32) -> Self {
        let ([r, g, b], [s, h, c]) = (self.0, other.0);
        Self([r + (s - r) * amount, g + (h - g) * amount, b + (c - b) * amount])
    }

    /// `other` laid over as light.
    pub(super) fn lit(self, other: Self, amount: f32) -> Self {
        let ([r, g, b], [s, h, c]) = (self.0, other.0);
        let screen = |below: f32, above: f32| 1.0 - (1.0 - below) * (1.0 - (above * amount).clamp(0.0, 1.0));
        Self([screen(r, s), screen(g, h), screen(b, c)])
    }

    pub(super) fn scaled(self, factor: f32) -> Self {
        Self(self.0.map(|channel| channel * factor))
    }

    pub(super) fn lightness(self) -> f32 {
        let [r, g, b] = self.0;
        0.3 * r + 0.59 * g + 0.11 * b
    }

    pub(super) fn to_bytes(self) -> [u8; 3] {
        self.0.map(|channel| (channel * 255.0 + 0.5) as u8)
    }
}

/// Holds the colours of one image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) zenith: Rgb,
    pub(super) middle: Rgb,
    pub(super) horizon: Rgb,
    pub(super) light: Rgb,
    pub(super) far: Rgb,
    pub(super) near: Rgb,
    pub(super) accent: Rgb,
}

impl Palette {
    pub(super) fn new(mood: Mood, hue: Option<f32>, random: &mut Random) -> Self {
        let turn = random.between(-18.0, 18.0);
        // Lightness of the sky from top to horizon, its chroma, and the hues of top, horizon, light and ground.
        let (sky, chroma, hues): (_, f32, _) = match mood {
            Mood::Night => ([0.17, 0.28, 0.46], 0.085, [272.0, 245.0, 95.0, 262.0]),
            Mood::Dusk => ([0.36, 0.58, 0.82], 0.135, [295.0, 58.0, 80.0, 305.0]),
            Mood::Day => ([0.62, 0.78, 0.94], 0.095, [250.0, 225.0, 98.0, 215.0]),
            Mood::Mist => ([0.70, 0.80, 0.90], 0.030, [230.0, 190.0, 90.0, 225.0]),
        };
        let [zenith, horizon, light, ground] = match hue {
            Some(hue) => [hue - 22.0, hue + 14.0, hue + 40.0, hue - 8.0],
            None => hues.map(|hue| hue + turn),
        };
        let chroma = if hue.is_some() { chroma.max(0.075) * 1.35 } else { chroma };
        let [top, middle, low] = sky;
        let near_lightness = if mood == Mood::Night { 0.12 } else { 0.22 };
        Self {
            zenith: Rgb::oklch(top, chroma, zenith),
            middle: Rgb::oklch(middle, chroma, between_hues(zenith, horizon)),
            horizon: Rgb::oklch(low, chroma * 0.9, horizon),
            light: Rgb::oklch(0.97, 0.06, light),
            far: Rgb::oklch(low * 0.82, chroma * 0.75, between_hues(ground, horizon)),
            near: Rgb::oklch(near_lightness, chroma * 0.55, ground),
            accent: Rgb::oklch(0.82, 0.14, light + random.between(-30.0, 10.0)),
        }
    }
}

/// The middle of two hues, the short way round.
fn between_hues(a: f32, b: f32) -> f32 {
    let difference = (b - a + 540.0).rem_euclid(360.0) - 180.0;
    a + difference / 2.0
}
