//! Draws a scene at one moment.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageReader, ImageResult, Limits, RgbImage};

use super::caption;
use super::noise::{Random, layers, noise};
use super::palette::{Mood, Rgb};
use super::scene::{Ground, Scene};

/// The longest side of a reference image.
const REFERENCE_SIDE_PX: u32 = 8192;
/// The memory for one decoded reference image: 16 megapixels.
const REFERENCE_ALLOCATION_BYTES: u64 = 48 << 20;
/// The longest side of a backdrop.
const BACKDROP_SIDE_PX: u32 = 1024;
const RIDGES: usize = 5;

/// Draws a still image.
pub(super) fn png(scene: &Scene, backdrop: Option<&RgbImage>) -> ImageResult<Vec<u8>> {
    let picture = Painter::new(scene, backdrop).at(0.0);
    let mut png = Cursor::new(Vec::new());
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive).write_image(
        picture.as_raw(),
        picture.width(),
        picture.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(png.into_inner())
}

/// Decodes a reference image within limits of size and memory, and shrinks it to a backdrop.
pub(super) fn decode_reference_image(bytes: &[u8]) -> ImageResult<RgbImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(REFERENCE_SIDE_PX);
    limits.max_image_height = Some(REFERENCE_SIDE_PX);
    limits.max_alloc = Some(REFERENCE_ALLOCATION_BYTES);
    reader.limits(limits);
    let decoded = reader.decode()?;
    let fits = decoded.width().max(decoded.height()) <= BACKDROP_SIDE_PX;
    Ok(if fits { decoded.into_rgb8() } else { decoded.thumbnail(BACKDROP_SIDE_PX, BACKDROP_SIDE_PX).into_rgb8() })
}

/// Draws moments of one scene.
pub(super) struct Painter<'a> {
    scene: &'a Scene,
    backdrop: Option<&'a RgbImage>,
    /// Turns pixels into units of the shorter side.
    unit: f32,
}

/// The position of a pixel: in units of the shorter side, and as parts of width and height.
#[derive(Clone, Copy)]
struct Position {
    x: f32,
    y: f32,
    across: f32,
    down: f32,
}

impl<'a> Painter<'a> {
    pub(super) fn new(scene: &'a Scene, backdrop: Option<&'a RgbImage>) -> Self {
        Self { scene, backdrop, unit: 1.0 / scene.width.min(scene.height) as f32 }
    }

    /// Draws the scene `seconds` after its start.
    pub(super) fn at(&self, seconds: f32) -> RgbImage {
        let scene = self.scene;
        let mut picture = RgbImage::new(scene.width, scene.height);
        let clouds = Field::new(scene, 4, |x, y| self.cloud(x * self.unit, y * self.unit, seconds));
        let flow = match scene.ground {
            Ground::Flow => Some(Field::new(scene, 3, |x, y| self.flow(x * self.unit, y * self.unit, seconds))),
            _ => None,
        };
        let skyline = self.skyline(seconds);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let position = self.position(x as f32, y as f32);
            let colour = match &flow {
                Some(flow) => self.flow_colour(flow.at(x, y), clouds.at(x, y)),
                None => self.landscape(position, clouds.at(x, y), &skyline, x, seconds),
            };
            let colour = self.over_backdrop(colour, position, seconds);
            let (dx, dy) = (position.across - 0.5, position.down - 0.5);
            pixel.0 = colour.scaled(1.0 - 0.5 * (dx * dx + dy * dy)).to_bytes();
        }
        if scene.snow {
            self.snow(&mut picture, seconds);
        }
        caption::write(&mut picture, scene);
        picture
    }

    fn position(&self, x: f32, y: f32) -> Position {
        let (width, height) = (self.scene.width as f32, self.scene.height as f32);
        Position { x: x * self.unit, y: y * self.unit, across: x / width, down: y / height }
    }

    fn landscape(&self, position: Position, cloud: f32, skyline: &Skyline, column: u32, seconds: f32) -> Rgb {
        // Half a pixel of overlap makes the edges smooth.
        let cover = |layer: &Layer| {
            let inside = position.down < layer.bottom;
            if inside { ((position.y - layer.top) / self.unit + 0.5).clamp(0.0, 1.0) } else { 0.0 }
        };
        let layers = skyline.at(column);
        let hidden = layers.iter().rposition(|layer| cover(layer) >= 1.0);
        let mut colour = match hidden {
            Some(_) => self.scene.palette.far,
            None if self.scene.ground == Ground::Sea && position.down > self.scene.horizon => {
                self.water(position, seconds)
            }
            None => self.sky(position, cloud, seconds),
        };
        for layer in layers.iter().skip(hidden.unwrap_or(0)) {
            let cover = cover(layer);
            if cover > 0.0 {
                colour = colour.mix(self.ridge(position, layer), cover);
            }
        }
        colour
    }

    fn sky(&self, position: Position, cloud: f32, seconds: f32) -> Rgb {
        let scene = self.scene;
        let palette = &scene.palette;
        let mut colour = self.gradient((position.down / scene.horizon).min(1.0));
        if scene.mood == Mood::Night {
            colour = colour.lit(palette.light, self.star(position, seconds) * (1.0 - cloud));
        }
        let (x, y) = self.light();
        let distance = (position.x - x).hypot(position.y - y);
        let radius = scene.light.radius;
        colour = colour.lit(palette.light, 0.62 * (-distance / (radius * 4.5)).exp());
        let edge = ((radius - distance) / self.unit / 1.5 + 0.5).clamp(0.0, 1.0);
        colour = colour.mix(palette.light, edge * if scene.mood == Mood::Mist { 0.6 } else { 0.96 });
        let towards_light = (-distance * 1.6).exp();
        let lit_cloud = palette.horizon.mix(palette.light, 0.25 + 0.55 * towards_light);
        let shadowed = palette.middle.mix(lit_cloud, 0.35 + 0.65 * cloud);
        colour.mix(shadowed, cloud * scene.clouds * 0.85)
    }

    /// The sky's colour from its top (0) to the horizon (1).
    fn gradient(&self, down: f32) -> Rgb {
        let palette = &self.scene.palette;
        if down < 0.55 {
            palette.zenith.mix(palette.middle, smooth(0.0, 0.55, down))
        } else {
            palette.middle.mix(palette.horizon, smooth(0.55, 1.0, down))
        }
    }

    fn light(&self) -> (f32, f32) {
        let Scene { width, height, light, horizon, .. } = self.scene;
        (light.x * *width as f32 * self.unit, light.y * horizon * *height as f32 * self.unit)
    }

    fn star(&self, position: Position, seconds: f32) -> f32 {
        const CELLS: f32 = 38.0;
        let (x, y) = (position.x * CELLS, position.y * CELLS);
        let cell = (u64::from(self.scene.seed) << 32) ^ ((x as u64) << 16) ^ y as u64;
        let mut random = Random::new(cell);
        if random.unit() > 0.42 {
            return 0.0;
        }
        let (dx, dy) = (x.fract() - random.between(0.2, 0.8), y.fract() - random.between(0.2, 0.8));
        let size = random.between(0.03, 0.085).max(self.unit * CELLS * 0.6);
        let twinkle = 0.75 + 0.25 * (seconds * random.between(1.0, 3.0) + random.unit() * 6.3).sin();
        (1.0 - dx.hypot(dy) / size).clamp(0.0, 1.0) * twinkle * random.between(0.35, 1.0)
    }

    /// How much cloud is here, 0 to 1.
    fn cloud(&self, x: f32, y: f32, seconds: f32) -> f32 {
        let seed = self.scene.seed;
        let bend = noise(seed ^ 7, x * 1.3 - seconds * 0.02, y * 2.0) - 0.5;
        let thick = layers(seed ^ 11, x * 1.7 + bend + seconds * 0.045, y * 4.6 + bend * 0.7, 5);
        smooth(0.46, 0.78, thick)
    }

    fn water(&self, position: Position, seconds: f32) -> Rgb {
        let scene = self.scene;
        let palette = &scene.palette;
        let depth = (position.down - scene.horizon) / (1.0 - scene.horizon);
        // Waves look longer and further apart the nearer they are.
        let scale = 1.0 / (0.04 + depth);
        let waves = layers(scene.seed ^ 23, position.x * 3.0 * scale.sqrt(), scale * 3.2 - seconds * 0.55, 3) - 0.44;
        let mirrored = (1.0 - depth * 0.9 + waves * 0.35 * depth.sqrt()).clamp(0.0, 1.0);
        let mut colour = self.gradient(mirrored).mix(palette.near, 0.25 + 0.45 * depth);
        colour = colour.lit(palette.horizon, (waves * 1.1).max(0.0) * (1.0 - depth * 0.5));
        let (x, _) = self.light();
        let spread = 0.05 + depth * 0.22;
        let path = (-((position.x - x) / spread).powi(2)).exp();
        let sparkle = smooth(0.04, 0.22, waves + 0.10 * (1.0 - depth));
        colour.lit(palette.light, path * (0.16 + 0.8 * sparkle))
    }

    fn ridge(&self, position: Position, layer: &Layer) -> Rgb {
        let palette = &self.scene.palette;
        let depth = layer.depth;
        let below = position.y - layer.top;
        let base = palette.far.mix(palette.near, depth.powf(0.8));
        // Haze gathers at the foot of each ridge, the more the further away.
        let haze = (1.0 - (-below * 3.2).exp()) * 0.65 * (1.0 - depth);
        let mut colour = base.mix(palette.horizon, haze).lit(palette.light, 0.10 * (-below * 42.0).exp());
        if self.scene.snow {
            colour = colour.mix(palette.horizon, 0.75 * (-below * 14.0).exp());
        }
        if self.scene.ground == Ground::City {
            colour = colour.mix(palette.accent, self.window(position, layer));
        }
        colour
    }

    fn window(&self, position: Position, layer: &Layer) -> f32 {
        let pitch = 0.010 + 0.012 * layer.depth;
        let (x, y) = ((position.x + layer.shift) / pitch, (position.y - layer.roof) / pitch);
        let inside = y > 0.0 && (0.28..0.72).contains(&x.rem_euclid(1.0)) && (0.25..0.75).contains(&y.rem_euclid(1.0));
        let share = if self.scene.mood == Mood::Day { 0.80 } else { 0.56 };
        let lit = inside && noise(self.scene.seed ^ 41, x.floor() * 7.3, y.floor() * 3.7) > share;
        if lit { 0.25 + 0.6 * layer.depth } else { 0.0 }
    }

    /// Flakes that fall and sway, the larger the faster.
    fn snow(&self, picture: &mut RgbImage, seconds: f32) {
        let (width, height) = (self.scene.width as f32 * self.unit, self.scene.height as f32 * self.unit);
        let mut random = Random::new(u64::from(self.scene.seed));
        for _ in 0..(420.0 * width * height) as u32 {
            let radius = random.between(0.0012, 0.0055);
            let sway = 0.02 * (seconds * random.between(0.6, 1.6) + random.unit() * 6.3).sin();
            let x = random.unit() * width + sway;
            let y = (random.unit() * height + seconds * (0.05 + radius * 26.0)).rem_euclid(height);
            self.flake(picture, x / self.unit, y / self.unit, (radius / self.unit).max(0.8));
        }
    }

    /// A soft white disc; all in pixels.
    fn flake(&self, picture: &mut RgbImage, x: f32, y: f32, radius: f32) {
        let span = |centre: f32| (centre - radius).max(0.0) as u32..=(centre + radius).max(0.0) as u32;
        for (column, row) in span(y).flat_map(|row| span(x).map(move |column| (column, row))) {
            let soft = (1.0 - (column as f32 - x).hypot(row as f32 - y) / radius).clamp(0.0, 1.0) * 0.9;
            if let Some(pixel) = picture.get_pixel_mut_checked(column, row) {
                pixel.0 = pixel.0.map(|channel| channel + (f32::from(255 - channel) * soft) as u8);
            }
        }
    }

    /// Noise that is bent by noise: 0 to 1.
    fn flow(&self, x: f32, y: f32, seconds: f32) -> f32 {
        let seed = self.scene.seed;
        let (x, y) = (x * 1.5, y * 1.5);
        let a = layers(seed ^ 3, x + seconds * 0.03, y, 3);
        let b = layers(seed ^ 5, x, y + seconds * 0.04 + 4.0, 3);
        layers(seed, x + a * 2.6, y + b * 2.6 - seconds * 0.02, 4)
    }

    fn flow_colour(&self, flow: f32, cloud: f32) -> Rgb {
        let palette = &self.scene.palette;
        let along = smooth(0.22, 0.72, flow);
        let body = if along < 0.5 {
            palette.near.mix(palette.middle, along * 2.0)
        } else {
            palette.middle.mix(palette.horizon, along * 2.0 - 1.0)
        };
        let ring = (flow * 46.0).sin().abs();
        let fine = smooth(0.82, 1.0, ring) * 0.45;
        let bold = smooth(0.55, 0.9, (flow * 9.0 + 0.7).sin()) * 0.5;
        body.mix(palette.accent, bold * (0.35 + 0.65 * cloud)).lit(palette.light, fine * along)
    }

    /// Lays the scene over the input image, which takes on its colours and slowly comes nearer.
    fn over_backdrop(&self, colour: Rgb, position: Position, seconds: f32) -> Rgb {
        let Some(input) = self.backdrop else { return colour };
        let zoom = 1.0 / (1.0 + seconds * 0.02);
        let (width, height) = (input.width() as f32, input.height() as f32);
        let fill = (self.scene.width as f32 / width).max(self.scene.height as f32 / height);
        let at = |part: f32, ours: u32, theirs: f32| theirs / 2.0 + (part - 0.5) * ours as f32 * zoom / fill - 0.5;
        let (x, y) = (at(position.across, self.scene.width, width), at(position.down, self.scene.height, height));
        let below = sample(input, x, y);
        let palette = &self.scene.palette;
        let tint = palette.near.mix(palette.light, below.lightness());
        below.mix(tint, 0.35).mix(colour, 0.34)
    }

    fn skyline(&self, seconds: f32) -> Skyline {
        let count = match self.scene.ground {
            Ground::Flow => 0,
            Ground::Sea => 2,
            Ground::Ridges | Ground::Forest | Ground::City => RIDGES,
        };
        let columns = (0..self.scene.width)
            .flat_map(|column| (0..count).map(move |layer| self.layer(layer, column as f32 * self.unit, seconds)));
        Skyline { count, layers: columns.collect() }
    }

    fn layer(&self, layer: usize, x: f32, seconds: f32) -> Layer {
        let scene = self.scene;
        let height = scene.height as f32 * self.unit;
        let depth = layer as f32 / (RIDGES - 1) as f32;
        // Near ridges pass faster than far ones.
        let shift = seconds * (0.008 + 0.05 * depth) + layer as f32 * 17.0;
        let x = x + shift;
        let seed = scene.seed ^ (layer as u32).wrapping_mul(0x51ed);
        let foot = height * (scene.horizon + (1.0 - scene.horizon) * depth * 0.82);
        let wide = layers(seed, x * (1.1 + 0.5 * depth), 0.5, 5) - 0.2;
        let (top, roof) = match scene.ground {
            Ground::Sea => (height * scene.horizon - (wide - 0.30) * height * 0.16, 0.0),
            Ground::City => {
                let roof = foot - self.tower(seed, x, depth) * height;
                (roof, roof)
            }
            Ground::Forest if layer > 0 => (foot - wide * height * 0.20 - self.trees(seed, x, depth) * height, 0.0),
            Ground::Ridges | Ground::Forest | Ground::Flow => (foot - wide * height * (0.34 - 0.10 * depth), 0.0),
        };
        let bottom = if scene.ground == Ground::Sea { scene.horizon } else { 1.0 };
        Layer { depth, top, roof, shift, bottom }
    }

    /// How high the tree at `x` stands, as a part of the picture's height.
    fn trees(&self, seed: u32, x: f32, depth: f32) -> f32 {
        let crown = |spacing: f32, seed: u32| {
            let cell = (x / spacing).floor();
            let tall = noise(seed, cell * 5.1, 0.0);
            let centre = 0.5 + (noise(seed, cell * 3.3, 9.0) - 0.5) * 0.4;
            let from_trunk = ((x / spacing).rem_euclid(1.0) - centre).abs() * 2.0;
            // Boughs: the outline steps out as it goes down.
            let bough = (from_trunk * 4.0).fract() * 0.09;
            (1.0 - from_trunk * 1.25 - bough).max(0.0) * (0.45 + 0.75 * tall)
        };
        let size = 0.035 + 0.085 * depth;
        size * 1.9 * crown(size * 0.75, seed ^ 61).max(crown(size * 0.53, seed ^ 67) * 0.8)
    }

    fn tower(&self, seed: u32, x: f32, depth: f32) -> f32 {
        let block = |wide: f32, seed: u32| {
            let cell = (x / wide).floor();
            let district = 0.65 + 0.6 * noise(seed ^ 3, cell * wide * 0.9, 4.0);
            noise(seed, cell * 6.7, 1.5).powf(1.4) * district
        };
        let wide = 0.045 + 0.045 * depth;
        0.04 + 0.40 * block(wide, seed).max(block(wide * 0.62, seed ^ 9) * 0.8) * (1.0 - 0.45 * depth)
    }
}

/// The outlines of the ridges, column by column, and in each from the furthest to the nearest.
struct Skyline {
    count: usize,
    layers: Vec<Layer>,
}

/// One ridge in one column.
struct Layer {
    /// 0 is far, 1 is near.
    depth: f32,
    top: f32,
    roof: f32,
    shift: f32,
    bottom: f32,
}

impl Skyline {
    fn at(&self, column: u32) -> &[Layer] {
        let from = column as usize * self.count;
        self.layers.get(from..from + self.count).unwrap_or_default()
    }
}

/// A smooth quantity, computed at every few pixels and blended between.
struct Field {
    values: Vec<f32>,
    columns: usize,
    step: u32,
}

impl Field {
    fn new(scene: &Scene, step: u32, value: impl Fn(f32, f32) -> f32) -> Self {
        let (columns, rows) = (scene.width / step + 2, scene.height / step + 2);
        let points = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let values = points.map(|(column, row)| value((column * step) as f32, (row * step) as f32)).collect();
        Self { values, columns: columns as usize, step }
    }

    fn at(&self, x: u32, y: u32) -> f32 {
        let (column, row) = ((x / self.step) as usize, (y / self.step) as usize);
        let step = self.step as f32;
        let (u, v) = ((x % self.step) as f32 / step, (y % self.step) as f32 / step);
        let corner =
            |dx: usize, dy: usize| self.values.get((row + dy) * self.columns + column + dx).copied().unwrap_or(0.0);
        let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * u;
        let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * u;
        top + (bottom - top) * v
    }
}

fn sample(image: &RgbImage, x: f32, y: f32) -> Rgb {
    let (width, height) = image.dimensions();
    let (u, v) = (x - x.floor(), y - y.floor());
    let at = |dx: i64, dy: i64| {
        let column = (x.floor() as i64 + dx).clamp(0, i64::from(width) - 1) as u32;
        let row = (y.floor() as i64 + dy).clamp(0, i64::from(height) - 1) as u32;
        let pixel = image.get_pixel_checked(column, row).map_or([0; 3], |pixel| pixel.0);
        Rgb(pixel.map(|channel| f32::from(channel) / 255.0))
    };
    at(0, 0).mix(at(1, 0), u).mix(at(0, 1).mix(at(1, 1), u), v)
}

/// 0 below `from`, 1 above `to`, and a soft step between.
fn smooth(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
