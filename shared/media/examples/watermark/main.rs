//! Measures the watermark: how many of 200 pictures still have their mark after each attack, how much the pictures
//! change, what it costs, and whether unmarked pictures are ever taken for marked ones.
//!
//! `cargo run --release -p media --example watermark -- FOLDER [PICTURES [ATTACK]]` prints tables in Markdown. FOLDER has
//! pictures as JPEG, PNG or WebP; [`pictures`] says what is made of them. WebP and H.264 need `ffmpeg` in the path.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a measurement may stop where something is wrong")]

mod attacks;
mod drawings;
mod pictures;
mod table;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use image::DynamicImage;
use media::watermark::{Embedding, WatermarkKey, detect, embed};

use attacks::{ATTACKS, Attack};
use pictures::Picture;

/// The number of pictures that is measured unless another is given.
const PICTURES: usize = 200;
/// The number of keys with which each unmarked picture is looked at.
const FOREIGN_KEYS: u8 = 4;

/// What was measured of one picture.
struct Measured {
    name: String,
    megapixels: f64,
    psnr_db: f32,
    embedding: Duration,
    detection: Duration,
    /// The time that it takes to find nothing.
    search: Duration,
    false_positives: usize,
    /// For each of [`ATTACKS`]: whether the mark was found. `None` where it was not tried.
    found: Vec<Option<bool>>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(PICTURES);
    let pictures = pictures::collect(folder.as_deref(), count);
    let wanted = arguments.next().unwrap_or_default();
    let halves = pictures.len().div_ceil(2).max(1);
    let measured = std::thread::scope(|scope| {
        let workers: Vec<_> = pictures
            .chunks(halves)
            .map(|part| scope.spawn(|| part.iter().map(|picture| measure(picture, &wanted)).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    table::print(&measured);
}

/// Tries the attacks whose names contain `wanted`.
fn measure(picture: &Picture, wanted: &str) -> Measured {
    let key = WatermarkKey::new([7; 32]);
    let mark = pictures::random(&picture.name).next().unwrap_or_default();
    let image = picture.load();
    let megapixels = f64::from(image.width()) * f64::from(image.height()) / 1e6;
    let mut marked = image.clone();
    let (embedding, psnr_db) = timed(|| match embed(&mut marked, mark, &key) {
        Embedding::Embedded { psnr_db } => psnr_db,
        Embedding::TooSmall => f32::NAN,
    });
    let (detection, _) = timed(|| detect(&marked, &key));
    let (search, unmarked) = timed(|| detect(&image, &key));
    let mut false_positives = usize::from(unmarked.is_some());
    for foreign in 0..if wanted.is_empty() { FOREIGN_KEYS } else { 0 } {
        let key = WatermarkKey::new([100 + foreign; 32]);
        false_positives += usize::from(detect(if foreign % 2 == 0 { &image } else { &marked }, &key).is_some());
    }
    let survives = |attack: &Attack| {
        if !attack.name.contains(wanted) {
            return None;
        }
        let found = attack.run(
            &image,
            &marked,
            &|image: &mut DynamicImage| {
                let _ = embed(image, mark, &key);
            },
            &picture.name,
        );
        found.map(|frames| frames.detect(&key).is_some_and(|detected| detected.mark == mark))
    };
    let found = ATTACKS.iter().map(survives).collect();
    Measured { name: picture.name.clone(), megapixels, psnr_db, embedding, detection, search, false_positives, found }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let (start, started) = (Instant::now(), processor_time());
    let result = work();
    let spent = processor_time().zip(started).map(|(now, started)| now.saturating_sub(started));
    (spent.unwrap_or_else(|| start.elapsed()), result)
}

/// The time that this thread has spent on a processor. `None` where the system is not Linux.
fn processor_time() -> Option<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(statistics.split_whitespace().next()?.parse().ok()?))
}
