use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GenericImageView, ImageFormat, Rgba, RgbaImage};

use super::checks::contains;
use super::samples;
use super::watermark::video;
use crate::watermark::{WatermarkKey, detect_file, embed_file};
use crate::{
    AigcLabel, InvalidLabel, MAX_LABEL_CHARACTERS, MediaError, MediaType, VisibleLabel, create_preview, mark_generated,
};

const MARK: u64 = 7;

fn key() -> WatermarkKey {
    WatermarkKey::new([1; 32])
}

fn label() -> VisibleLabel {
    VisibleLabel::new("AI generated").unwrap()
}

fn grey(width: u32, height: u32, level: u8) -> DynamicImage {
    RgbaImage::from_pixel(width, height, Rgba([level, level, level, 255])).into()
}

fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    if format == ImageFormat::Jpeg {
        JpegEncoder::new_with_quality(&mut bytes, 95).encode_image(&image.to_rgb8()).unwrap();
    } else {
        image.write_to(&mut bytes, format).unwrap();
    }
    bytes.into_inner()
}

/// The brightest and the darkest level in a part of a picture.
fn levels(image: &DynamicImage, (x, y, width, height): (u32, u32, u32, u32)) -> (u8, u8) {
    let part = image.crop_imm(x, y, width, height).to_luma8();
    let levels = || part.pixels().map(|pixel| pixel.0[0]);
    (levels().max().unwrap(), levels().min().unwrap())
}

/// Reads the text of a label in a picture with a side of 512, by the glyphs of the font.
fn read(image: &DynamicImage, characters: u32) -> String {
    let (scale, padding, glyph) = (4, 3, 8);
    let left = image.width() - (characters * glyph + 2 * padding) * scale;
    let top = image.height() - (glyph + 2 * padding) * scale;
    let luma = image.to_luma8();
    (0..characters)
        .map(|number| {
            let row = |y: u32| {
                (0..glyph).fold(0_u8, |row, x| {
                    let pixel = luma.get_pixel(left + (number * glyph + x) * scale + 1, top + y * scale + 1);
                    row | u8::from(pixel.0[0] > 160) << x
                })
            };
            let rows: Vec<u8> = (0..glyph).map(row).collect();
            let same = |character: &char| {
                font8x8::UnicodeFonts::get(&font8x8::BASIC_FONTS, *character).unwrap()[..] == rows[..]
            };
            (' '..='~').find(same).unwrap_or('?')
        })
        .collect()
}

#[test]
fn label_is_legible_at_512_pixels_in_each_format_on_dark_and_bright_pictures() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        for level in [0, 128, 255] {
            let plain = file(&grey(512, 512, level), format);
            let marked = embed_file(&plain, Some(&label()), MARK, &key()).unwrap().unwrap();
            let shown = image::load_from_memory(&marked).unwrap();
            assert_eq!(read(&shown, 12), "AI generated", "{format:?} on {level}");
            // The rest of the picture is as it was, but for the watermark.
            let (brightest, darkest) = levels(&shown, (0, 0, 512, 400));
            assert!(
                brightest.abs_diff(level) < 12 && darkest.abs_diff(level) < 12,
                "{format:?}: {brightest} {darkest}"
            );
            // Without a label nothing is drawn.
            let unlabelled = embed_file(&plain, None, MARK, &key()).unwrap().unwrap();
            let (brightest, darkest) = levels(&image::load_from_memory(&unlabelled).unwrap(), (200, 400, 312, 112));
            assert!(
                brightest.abs_diff(level) < 12 && darkest.abs_diff(level) < 12,
                "{format:?}: {brightest} {darkest}"
            );
        }
    }
}

#[test]
fn watermark_is_found_in_a_labelled_picture() {
    let scene = image::load_from_memory(&samples::encoded(ImageFormat::Png)).unwrap();
    let plain = file(&scene.resize_exact(512, 512, image::imageops::FilterType::CatmullRom), ImageFormat::Png);
    let marked = embed_file(&plain, Some(&label()), MARK, &key()).unwrap().unwrap();
    assert_eq!(detect_file(&marked, &key()).unwrap().map(|found| found.mark), Some(MARK));
}

#[test]
fn label_is_in_each_frame_of_a_video_and_in_its_preview() {
    let plain = video();
    let marked = embed_file(&plain, Some(&label()), MARK, &key()).unwrap().unwrap();
    let mut frames = 0;
    let part = (256 - 108, 256 - 20, 100, 16);
    crate::mp4::for_each_frame(&marked, 10, |frame| {
        frames += 1;
        let (brightest, darkest) = levels(&frame, part);
        assert!(brightest > 200 && darkest < 110, "frame {frames}: {brightest} {darkest}");
    })
    .unwrap();
    assert_eq!(frames, 10);
    let preview = image::load_from_memory(&create_preview(&marked, 256).unwrap().jpeg).unwrap();
    assert!(levels(&preview, part).0 > 200);
    assert_eq!(detect_file(&marked, &key()).unwrap().map(|found| found.mark), Some(MARK));
}

#[test]
fn what_cannot_have_a_label_is_refused_and_never_left_without() {
    // Turned frames, another codec, too small, WebM.
    let small = file(&grey(64, 64, 9), ImageFormat::Png);
    for refused in [samples::mp4(), samples::mp4_with_codec(b"hvc1"), small, samples::webm()] {
        let error = embed_file(&refused, Some(&label()), MARK, &key()).unwrap_err();
        assert!(matches!(error, MediaError::UnsupportedFeature { .. }), "{error}");
    }
    // Smaller than a watermark, and large enough for a label.
    let plain = file(&grey(150, 64, 9), ImageFormat::Png);
    assert!(embed_file(&plain, Some(&label()), MARK, &key()).unwrap().is_some());
}

#[test]
fn transparent_picture_is_opaque_under_its_label() {
    let plain = file(&RgbaImage::new(512, 512).into(), ImageFormat::Png);
    let marked = embed_file(&plain, Some(&label()), MARK, &key()).unwrap().unwrap();
    let shown = image::load_from_memory(&marked).unwrap();
    assert_eq!(read(&shown, 12), "AI generated");
    assert_eq!((shown.get_pixel(0, 0).0[3], shown.get_pixel(490, 490).0[3]), (0, 255));
}

/// Draws a text into a black picture, and returns the picture and how many of its rows have ink.
fn drawn(text: &str, (width, height): (u32, u32)) -> (image::GrayImage, u32) {
    let mut picture = grey(width, height, 0);
    VisibleLabel::new(text).unwrap().draw(&mut picture, MediaType::Png).unwrap();
    let shown = picture.to_luma8();
    let has_ink = |y: &u32| (0..width).any(|x| shown.get_pixel(x, *y).0[0] > 200);
    let (first, last) = ((0..height).find(has_ink).unwrap(), (0..height).rev().find(has_ink).unwrap());
    let rows = last - first + 1;
    (shown, rows)
}

#[test]
fn capitals_are_at_least_a_twentieth_of_the_shorter_side_high() {
    let sizes = [(512, 512), (512, 768), (768, 512), (1024, 1024), (1344, 768), (720, 1280), (1920, 1080), (421, 421)];
    for size in sizes {
        let shorter = size.0.min(size.1);
        for text in ["AI", "AI GENERATED", "AI生成", "人工智能生成", "人工智能合成"] {
            let (_, rows) = drawn(text, size);
            assert!(rows * 20 >= shorter, "{text} has {rows} pixels of {shorter}");
            assert!(rows * 10 <= shorter, "{text} has {rows} pixels of {shorter}: it is larger than it has to be");
        }
        // A longer text is as high as it can be.
        let (_, rows) = drawn(&"X".repeat(MAX_LABEL_CHARACTERS), size);
        assert!(rows >= 14, "{rows} pixels of {shorter}");
    }
}

#[test]
fn chinese_words_are_drawn_beside_capitals_of_the_same_height() {
    let (shown, _) = drawn("AI生成", (512, 512));
    let (scale, left, top) = (2, 512 - (4 * 16 + 12) * 2, 512 - (16 + 12) * 2);
    let row = |glyph: u32, y: u32| -> String {
        let ink = |x: u32| shown.get_pixel(left + (glyph * 16 + x) * scale, top + y * scale).0[0] > 200;
        (0..16).map(|x| if ink(x) { '#' } else { '.' }).collect()
    };
    let generated = [
        "........#.......",
        "....#...##......",
        "....##..##......",
        "...##...##...#..",
        "...############.",
        "..##....##......",
        "..#.....##......",
        ".#......##..#...",
        "....##########..",
        "........##......",
        "........##......",
        "........##......",
        "........##......",
        "........##....#.",
        ".###############",
        "................",
    ];
    assert_eq!((0..16).map(|y| row(2, y)).collect::<Vec<_>>(), generated);
    assert_eq!(row(1, 0), "..########......", "the I is twice as large as in its font");
}

#[test]
fn text_that_the_font_lacks_or_that_is_too_long_is_refused() {
    VisibleLabel::new(" KI-generiert für Ähren ").unwrap();
    let longest = "x".repeat(MAX_LABEL_CHARACTERS);
    VisibleLabel::new(&longest).unwrap();
    for refused in [String::new(), "  ".to_owned(), format!("{longest}x"), "图像生成".to_owned(), "a\nb".to_owned()]
    {
        assert_eq!(VisibleLabel::new(&refused), Err(InvalidLabel), "{refused}");
    }
}

#[test]
fn label_for_china_is_metadata_of_the_movie_and_moves_no_sample() {
    let aigc = AigcLabel { producer: "operator", id: "0f" };
    let json = br#"{"Label":"1","ContentProducer":"operator","ProduceID":"0f","ReservedCode1":"","ContentPropagator":"operator","PropagateID":"0f","ReservedCode2":""}"#;
    // One has its samples before the movie box, the other behind it.
    for plain in [samples::mp4(), video()] {
        let labelled = mark_generated(plain.clone(), "note", Some(aigc)).unwrap();
        // keys, with the key AIGC of the name space mdta, and the first item as UTF-8.
        let key = b"keys\0\0\0\0\0\0\0\x01\0\0\0\x0cmdtaAIGC";
        let item =
            [&b"\0\0\0\x01"[..], &(json.len() as u32 + 16).to_be_bytes(), b"data\0\0\0\x01\0\0\0\0", json].concat();
        assert!(contains(&labelled, key) && contains(&labelled, &item));
        let bare = crate::strip_metadata(plain).unwrap();
        assert_eq!(create_preview(&labelled, 256).unwrap(), create_preview(&bare, 256).unwrap());
    }
    let fragmented = mark_generated(samples::fragmented_mp4(None), "note", Some(aigc)).unwrap();
    assert!(contains(&fragmented, b"<TC260:AIGC") && !contains(&fragmented, b"mdtaAIGC"));
}
