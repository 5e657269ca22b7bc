//! The built-in demo provider.

use std::collections::HashSet;

use image::GenericImageView;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use providers::{
    OutputKind, PollResponse, Provider, ProviderError, ProviderErrorKind, ProviderRequest, ReferenceImage, Sketch,
    StartResponse,
};
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};

use crate::{Kept, rejected, run_with, throttled};

fn request(kind: OutputKind, prompt: &str) -> ProviderRequest {
    ProviderRequest { prompt: prompt.to_owned(), width: 192, height: 128, ..crate::request(kind, "sketch") }
}

async fn generate(request: &ProviderRequest) -> Result<Vec<Vec<u8>>, ProviderError> {
    run_with(&Sketch::scripted(), request).await
}

async fn image(prompt: &str) -> Vec<u8> {
    generate(&request(OutputKind::Image, prompt)).await.unwrap().remove(0)
}

/// Returns the mean difference of the channels of two images, 0 to 255.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    let (a, b) = (image::load_from_memory(a).unwrap().to_rgb8(), image::load_from_memory(b).unwrap().to_rgb8());
    let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.as_raw().len() as f64
}

#[tokio::test]
async fn same_request_gives_the_same_bytes() {
    assert_eq!(image("a quiet bay").await, image("a quiet bay").await);
    let video = ProviderRequest { duration_ms: Some(250), ..request(OutputKind::Video, "a quiet bay") };
    assert_eq!(generate(&video).await.unwrap(), generate(&video).await.unwrap());
}

#[tokio::test]
async fn prompt_seed_and_index_change_the_image() {
    let prompts =
        ["a quiet bay", "a red fox", "the sea at night", "a forest in the snow", "city lights", "green marble"];
    let mut images = Vec::new();
    for prompt in prompts {
        images.push(image(prompt).await);
    }
    let three = ProviderRequest { count: 3, ..request(OutputKind::Image, "the sea at night") };
    images.extend(generate(&three).await.unwrap().into_iter().skip(1));
    let other_seed = ProviderRequest { seed: Some(99), ..request(OutputKind::Image, "the sea at night") };
    images.push(generate(&other_seed).await.unwrap().remove(0));
    for (index, image) in images.iter().enumerate() {
        for other in &images[..index] {
            let difference = difference(image, other);
            assert!(difference > 6.0, "{difference}");
        }
    }
}

#[tokio::test]
async fn image_has_the_requested_size_for_any_prompt() {
    for (width, height) in [(16, 16), (37, 211), (640, 64), (1024, 1024)] {
        for prompt in ["", "夜の海と灯台", "прекрасная ночь 🌊", &"word ".repeat(500)] {
            let request = ProviderRequest { width, height, ..request(OutputKind::Image, prompt) };
            let bytes = generate(&request).await.unwrap().remove(0);
            assert_eq!(image::guess_format(&bytes).unwrap(), image::ImageFormat::Png);
            assert_eq!(image::load_from_memory(&bytes).unwrap().dimensions(), (width, height));
        }
    }
}

#[tokio::test]
async fn reference_image_shows_through() {
    let plain = image("a hill").await;
    let with = async |colour: [u8; 3]| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(40, 30, image::Rgb(colour)).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let reference_image = Some(ReferenceImage { bytes: bytes.into_inner().into(), mime: "image/png".to_owned() });
        let request = ProviderRequest { reference_image, ..request(OutputKind::Image, "a hill") };
        generate(&request).await.unwrap().remove(0)
    };
    let (black, white) = (with([0; 3]).await, with([255; 3]).await);
    assert!(difference(&plain, &black) > 10.0 && difference(&black, &white) > 40.0);

    let reference_image = Some(ReferenceImage { bytes: b"no image".to_vec().into(), mime: "image/png".to_owned() });
    let broken = ProviderRequest { reference_image, ..request(OutputKind::Image, "a hill") };
    assert_eq!(
        generate(&broken).await.unwrap_err().kind,
        rejected("The reference image cannot be read. Choose another image and try again.")
    );
    let broken = ProviderRequest { kind: OutputKind::Video, ..broken };
    assert_eq!(
        generate(&broken).await.unwrap_err().kind,
        rejected("The reference image cannot be read. Choose another image and try again.")
    );
}

#[tokio::test]
async fn reference_image_that_would_not_fit_into_memory_is_an_invalid_input() {
    for (side, fits) in [(4000, true), (4200, false)] {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(side, 4000).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let reference_image = Some(ReferenceImage { bytes: bytes.into_inner().into(), mime: "image/png".to_owned() });
        for kind in [OutputKind::Image, OutputKind::Video] {
            let request = ProviderRequest {
                reference_image: reference_image.clone(),
                duration_ms: Some(100),
                ..request(kind, "a hill")
            };
            match generate(&request).await {
                Ok(outputs) => assert!(fits && outputs.len() == 1, "{side}"),
                Err(error) => {
                    assert!(!fits && matches!(error.kind, ProviderErrorKind::InvalidInput { .. }), "{side}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn video_is_h264_in_mp4_with_its_index_first() {
    let video =
        ProviderRequest { duration_ms: Some(1500), width: 191, ..request(OutputKind::Video, "the sea at sunset") };
    let file = generate(&video).await.unwrap().remove(0);
    let place = |name: &[u8]| file.windows(4).position(|four| four == name).unwrap();
    assert!(place(b"ftyp") == 4 && place(b"moov") < place(b"mdat") && place(b"avcC") < place(b"mdat"));

    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: &file });
    let track = demuxer.tracks().unwrap()[0].clone();
    assert_eq!(track.duration * 1000 / u64::from(track.timescale.get()), 1500);
    let mut decoder = Decoder::new().unwrap();
    let mut brightness = HashSet::new();
    let parameter_sets = parameter_sets(&file);
    while let Some(sample) = demuxer.next_sample().unwrap() {
        let from = usize::try_from(sample.data_offset).unwrap();
        let stream = annex_b(&parameter_sets, &file[from..from + sample.data_size]);
        let frame = decoder.decode(&stream).unwrap().unwrap();
        assert_eq!(frame.dimensions(), (190, 128));
        brightness.insert(frame.y().iter().map(|y| u64::from(*y)).sum::<u64>());
    }
    assert!(brightness.len() > 20, "{} of 24 frames differ", brightness.len());
}

/// The sequence and image parameter sets of `avcC`, as a stream.
fn parameter_sets(file: &[u8]) -> Vec<u8> {
    let start = file.windows(4).position(|four| four == b"avcC").unwrap() + 4 + 6;
    let unit = |at: usize| {
        let length = usize::from(u16::from_be_bytes([file[at], file[at + 1]]));
        (&file[at + 2..at + 2 + length], at + 2 + length)
    };
    let (sps, next) = unit(start);
    let (pps, _) = unit(next + 1);
    [&[0, 0, 0, 1], sps, &[0, 0, 0, 1], pps].concat()
}

/// A sample with its lengths turned into start codes.
fn annex_b(parameter_sets: &[u8], mut sample: &[u8]) -> Vec<u8> {
    let mut stream = parameter_sets.to_vec();
    while let Some((length, rest)) = sample.split_first_chunk::<4>() {
        let (unit, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        stream.extend_from_slice(&[0, 0, 0, 1]);
        stream.extend_from_slice(unit);
        sample = rest;
    }
    stream
}

#[tokio::test]
async fn marked_prompt_fails_as_scripted() {
    let rejection = || rejected("The prompt contains a mark that rejects it. Remove the mark and try again.");
    let input =
        ProviderErrorKind::InvalidInput { reason: "The prompt contains a mark that makes it unusable.".to_owned() };
    let cases = [
        ("reject", rejection()),
        ("busy", throttled(Some(1))),
        ("input", input),
        ("account", ProviderErrorKind::AccountProblem),
        ("ours", ProviderErrorKind::InvalidRequest),
        ("unknown", ProviderErrorKind::InvalidResponse),
        ("job-reject", rejection()),
        ("job-busy", throttled(Some(1))),
        ("job-ended", ProviderErrorKind::JobEnded),
        ("job-unknown", ProviderErrorKind::InvalidResponse),
    ];
    for (mark, expected) in cases {
        for kind in [OutputKind::Image, OutputKind::Video] {
            let started =
                Sketch::scripted().start(&request(kind, &format!("a hill [sketch:{mark}]")), &Kept::default()).await;
            assert_eq!(started.is_ok(), mark.starts_with("job-"), "{mark}");
            let error = generate(&request(kind, &format!("a hill [sketch:{mark}]"))).await.unwrap_err();
            assert_eq!(error.kind, expected, "{mark}");
        }
    }
}

#[tokio::test]
async fn mark_is_plain_text_unless_the_provider_is_scripted() {
    let marks = ["reject", "busy", "ours", "unknown", "job", "job-reject", "job-busy", "job-unknown", "endless"];
    for mark in marks {
        let kept = Kept::default();
        let image = request(OutputKind::Image, &format!("a hill [sketch:{mark}]"));
        assert!(matches!(Sketch::default().start(&image, &kept).await.unwrap(), StartResponse::Done), "{mark}");
        assert_eq!(kept.0.into_inner().unwrap().len(), 1, "{mark}");
        let video = request(OutputKind::Video, &format!("a hill [sketch:{mark}]"));
        let video = ProviderRequest { duration_ms: Some(100), ..video };
        assert_eq!(run_with(&Sketch::default(), &video).await.unwrap().len(), 1, "{mark}");
    }
}

#[tokio::test]
async fn job_is_pending_once_and_then_done() {
    let marked = request(OutputKind::Image, "a hill [sketch:job]");
    let kept = Kept::default();
    let sketch = Sketch::scripted();
    let StartResponse::Job { id, .. } = sketch.start(&marked, &kept).await.unwrap() else { panic!("no job") };
    let PollResponse::Pending { job: Some(next), .. } = sketch.poll(&id, &kept).await.unwrap() else {
        panic!("not pending")
    };
    assert!(matches!(sketch.poll(&id, &kept).await.unwrap(), PollResponse::Pending { .. }));
    assert!(matches!(sketch.poll(&next, &kept).await.unwrap(), PollResponse::Done));
    assert!(matches!(sketch.poll(&next, &kept).await.unwrap(), PollResponse::Done));
    let shown = format!("{:?}", sketch.poll(&id, &kept).await.unwrap());
    assert_eq!(shown, "Pending { poll_after: 1s, .. }", "the id carries the prompt");
    assert_eq!(sketch.poll("what", &kept).await.unwrap_err().kind, ProviderErrorKind::InvalidRequest);
    let [first, again] = kept.0.into_inner().unwrap().try_into().unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn endless_job_stays_pending() {
    let marked = request(OutputKind::Video, "[sketch:endless]");
    let kept = Kept::default();
    let StartResponse::Job { mut id, .. } = Sketch::scripted().start(&marked, &kept).await.unwrap() else {
        panic!("no job")
    };
    for _ in 0..10 {
        let PollResponse::Pending { job: Some(next), .. } = Sketch::scripted().poll(&id, &kept).await.unwrap() else {
            panic!("not pending")
        };
        id = next;
    }
}

#[tokio::test]
async fn unsupported_size_is_an_invalid_request() {
    let image = request(OutputKind::Image, "a hill");
    let video = request(OutputKind::Video, "a hill");
    let cases = [
        ProviderRequest { width: 8, ..image.clone() },
        ProviderRequest { height: 5000, ..image.clone() },
        ProviderRequest { count: 0, ..image },
        ProviderRequest { duration_ms: Some(0), ..video.clone() },
        ProviderRequest { duration_ms: Some(61_000), ..video.clone() },
        ProviderRequest { width: 4096, height: 4096, ..video },
    ];
    for case in cases {
        assert_eq!(generate(&case).await.unwrap_err().kind, ProviderErrorKind::InvalidRequest);
    }
}
