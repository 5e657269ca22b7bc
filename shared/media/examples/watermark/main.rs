//! Measures the watermark: how many of 200 pictures still have their mark after each attack, how much the pictures
//! change, what it costs, and whether unmarked pictures are ever taken for marked ones.
//!
//! `cargo run --release -p media --example watermark -- FOLDER [PICTURES [ATTACK]]` prints tables in Markdown. FOLDER has
//! pictures as JPEG, PNG or WebP; [`pictures`] says what is made of them. WebP and H.264 need `ffmpeg` in the path.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a measurement may stop where something is wrong")]

mod attacks;
mod drawings;
mod numbers;
mod pictures;
mod table;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use media::watermark::{Embedding, WatermarkKey, detect, embed};

use attacks::{ATTACKS, Marked};
use pictures::Picture;

/// The number of pictures that is measured unless another is given.
const PICTURES: usize = 200;
/// The looks at each picture that must find nothing: before it is marked, and with another key.
const LOOKS: usize = 2;

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
    // Every second picture for each of two threads.
    let half = |first: usize| pictures.iter().enumerate().skip(first).step_by(2);
    let work =
        |first: usize| half(first).map(|(number, picture)| measure(number, picture, &wanted)).collect::<Vec<_>>();
    let measured = std::thread::scope(|scope| {
        let other = scope.spawn(|| work(1));
        let mut measured = work(0);
        measured.extend(other.join().expect("the other half was measured"));
        measured
    });
    table::print(&measured);
}

/// Tries the attacks whose names contain `wanted`.
fn measure(number: usize, picture: &Picture, wanted: &str) -> Measured {
    let key = WatermarkKey::new([7; 32]);
    let name = picture.name.clone();
    let mark = numbers::random(&name).next().unwrap_or_default();
    let original = picture.load();
    let megapixels = f64::from(original.width()) * f64::from(original.height()) / 1e6;
    let mut marked = original.clone();
    let (embedding, psnr_db) = timed(|| match embed(&mut marked, mark, &key) {
        Embedding::Embedded { psnr_db } => psnr_db,
        Embedding::TooSmall => f32::NAN,
    });
    let (detection, _) = timed(|| detect(&marked, &key));
    let (search, unmarked) = timed(|| detect(&original, &key));
    let foreign = detect(&marked, &WatermarkKey::new([number as u8 + 8; 32]));
    let false_positives = usize::from(unmarked.is_some()) + usize::from(foreign.is_some());
    let picture = Marked { number, name, mark, original, marked };
    let tried = ATTACKS.iter().map(|attack| attack.name.contains(wanted).then(|| attack.run(&picture, &key))?);
    let found = tried.map(|found| Some(found? == Some(mark))).collect();
    Measured { name: picture.name, megapixels, psnr_db, embedding, detection, search, false_positives, found }
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
