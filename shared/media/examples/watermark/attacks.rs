//! What happens to pictures on their way.

use std::io::{Cursor, Write};
use std::process::{Command, Stdio};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use media::watermark::{WatermarkKey, detect, detect_file, embed_file};

use crate::numbers::{random, share};

/// An attack, and the share of pictures that should keep their mark.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) target_percent: Option<u32>,
    kind: Kind,
}

enum Kind {
    Jpeg(u8),
    Webp(u8),
    /// To this many percent of the sides; then a JPEG of quality 85, if wanted.
    Resize(u32, bool),
    /// Takes away this many percent of the width and of the height.
    Crop(u32),
    Screenshot,
    /// One second of video with this constant rate factor, of every fourth picture.
    Video(u8),
}

const fn attack(name: &'static str, target_percent: Option<u32>, kind: Kind) -> Attack {
    Attack { name, target_percent, kind }
}

pub(crate) const ATTACKS: &[Attack] = &[
    attack("JPEG 90", Some(99), Kind::Jpeg(90)),
    attack("JPEG 75", Some(98), Kind::Jpeg(75)),
    attack("JPEG 50", Some(90), Kind::Jpeg(50)),
    attack("JPEG 30", None, Kind::Jpeg(30)),
    attack("WebP 80", Some(98), Kind::Webp(80)),
    attack("resized to 50%", Some(95), Kind::Resize(50, false)),
    attack("resized to 150%", Some(95), Kind::Resize(150, false)),
    attack("resized to 50%, JPEG 85", None, Kind::Resize(50, true)),
    attack("resized to 83%, JPEG 85", None, Kind::Resize(83, true)),
    attack("cropped by 10% of each side", Some(90), Kind::Crop(10)),
    attack("cropped by 25% of each side", Some(60), Kind::Crop(25)),
    attack("cropped by 50% of each side", None, Kind::Crop(50)),
    attack("screenshot, JPEG 85", Some(95), Kind::Screenshot),
    attack("H.264, CRF 28, 24 frames", Some(90), Kind::Video(28)),
];

const FRAMES: u32 = 24;

/// A picture before and after it was marked.
pub(crate) struct Marked {
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) mark: u64,
    pub(crate) original: DynamicImage,
    pub(crate) marked: DynamicImage,
}

impl Attack {
    /// Returns the mark that is found after the attack. `None` if it was not tried: a program is missing that it needs.
    pub(crate) fn run(&self, picture: &Marked, key: &WatermarkKey) -> Option<Option<u64>> {
        let Marked { number, name, mark, original, marked } = picture;
        let mut seed = random(&format!("{name} {}", self.name));
        let mut between = |range: std::ops::Range<f64>| share(&mut seed).mul_add(range.end - range.start, range.start);
        let attacked = match self.kind {
            Kind::Jpeg(quality) => jpeg(marked, quality),
            Kind::Webp(quality) => {
                let quality = quality.to_string();
                let encoded = ffmpeg(marked, 1, &["-c:v", "libwebp", "-quality", &quality, "-f", "webp", "-"])?;
                image::load_from_memory_with_format(&encoded, ImageFormat::WebP).ok()?
            }
            Kind::Resize(percent, is_compressed) => {
                let (width, height) = (marked.width() * percent / 100, marked.height() * percent / 100);
                let resized = marked.resize_exact(width, height, FilterType::CatmullRom);
                if is_compressed { jpeg(&resized, 85) } else { resized }
            }
            Kind::Crop(percent) => {
                let width = marked.width() * (100 - percent) / 100;
                let height = marked.height() * (100 - percent) / 100;
                let left = between(0.0..f64::from(marked.width() - width)) as u32;
                let top = between(0.0..f64::from(marked.height() - height)) as u32;
                marked.crop_imm(left, top, width, height)
            }
            Kind::Screenshot => screenshot(marked, &mut between),
            Kind::Video(_) if number % 4 != 0 => return None,
            Kind::Video(factor) => return video(original, *mark, key, name, factor),
        };
        Some(detect(&attacked, key).map(|found| found.mark))
    }
}

fn jpeg(image: &DynamicImage, quality: u8) -> DynamicImage {
    let mut encoded = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut encoded, quality);
    image.to_rgb8().write_with_encoder(encoder).expect("a picture can be encoded");
    image::load(Cursor::new(encoded), ImageFormat::Jpeg).expect("what was encoded can be decoded")
}

/// The picture in a window: at 70 to 130% of its size, a little darker, with a bar above and a margin around it.
fn screenshot(image: &DynamicImage, number: &mut dyn FnMut(std::ops::Range<f64>) -> f64) -> DynamicImage {
    let zoom = number(0.7..1.3);
    let side = |pixels: u32| (f64::from(pixels) * zoom) as u32;
    let shown = image.resize_exact(side(image.width()), side(image.height()), FilterType::Triangle).to_rgb8();
    let (left, top) = (number(0.0..200.0) as u32, number(40.0..160.0) as u32);
    let (width, height) = (shown.width() + left + number(0.0..200.0) as u32, shown.height() + top + 30);
    let mut screen = RgbImage::from_fn(width, height, |x, y| {
        let is_bar = y < 36;
        let is_glyph = y > 10 && y < 24 && (x / 7 * 31 + y / 5 * 17) % 5 < 2 && x % 7 != 0 && x < width / 2;
        Rgb(if is_bar && is_glyph {
            [40; 3]
        } else if is_bar {
            [222, 224, 230]
        } else {
            [248, 248, 250]
        })
    });
    imageops::overlay(&mut screen, &shown, left.into(), top.into());
    screen.iter_mut().for_each(|sample| *sample = (f32::from(*sample).mul_add(0.96, 4.0)).round() as u8);
    jpeg(&screen.into(), 85)
}

/// One second that pans over the picture, as a provider would send it, marked, and then compressed with this factor.
fn video(original: &DynamicImage, mark: u64, key: &WatermarkKey, name: &str, factor: u8) -> Option<Option<u64>> {
    let width = (original.width() * 85 / 100).min(640) / 2 * 2;
    let height = (original.height() * 85 / 100).min(640) / 2 * 2;
    let mut raw = Vec::new();
    for frame in 0..FRAMES {
        let at = |room: u32| room * frame / FRAMES;
        let (left, top) = (at(original.width() - width), at(original.height() - height));
        raw.extend_from_slice(&original.crop_imm(left, top, width, height).into_rgb8());
    }
    let frames = RgbImage::from_raw(width, height * FRAMES, raw)?.into();
    // A file, because the index of an MP4 is written last.
    let file = std::env::temp_dir().join(format!("watermark-{:x}.mp4", random(name).next()?));
    let path = file.to_str()?;
    let h264 = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-threads", "1", "-crf"];
    ffmpeg(&frames, FRAMES, &[&h264[..], &["16", "-y", path]].concat())?;
    let marked = embed_file(&std::fs::read(&file).ok()?, None, mark, key).ok()??;
    std::fs::write(&file, marked).ok()?;
    let attacked = file.with_extension("attacked.mp4");
    pipe(&[&["-i", path], &h264[..], &[&factor.to_string(), "-y", attacked.to_str()?]].concat(), Vec::new())?;
    let found = detect_file(&std::fs::read(&attacked).ok()?, key).ok()?;
    std::fs::remove_file(&file).ok()?;
    std::fs::remove_file(&attacked).ok()?;
    Some(found.map(|found| found.mark))
}

/// Encodes frames that lie below each other in one picture.
fn ffmpeg(image: &DynamicImage, frames: u32, output: &[&str]) -> Option<Vec<u8>> {
    let size = format!("{}x{}", image.width(), image.height() / frames);
    let mut arguments = vec!["-f", "rawvideo", "-pix_fmt", "rgb24", "-r", "24", "-s", &size, "-i", "-"];
    arguments.extend(output);
    pipe(&arguments, image.to_rgb8().into_raw())
}

fn pipe(arguments: &[&str], input: Vec<u8>) -> Option<Vec<u8>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-loglevel", "error"]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = ffmpeg.spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    output.status.success().then_some(output.stdout)
}
