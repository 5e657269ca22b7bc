use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, overlay};
use image::{DynamicImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use openh264::encoder::Encoder;
use openh264::formats::{RgbSliceU8, YUVBuffer};
use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Avc1Box, AvccBox, DopsBox, OpusBox, SampleEntry, VisualSampleEntryFields,
};
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};
use shiguredo_mp4::mux::{Mp4FileMuxer, Sample};
use shiguredo_mp4::{FixedPointNumber, TrackKind, Uint};

use super::samples;
use crate::watermark::{Detected, Embedding, Frames, WatermarkKey, detect, detect_file, embed, embed_file};
use crate::{inspect, sniff};

const MARK: u64 = 0x0123_4567_89ab_cdef;

fn key() -> WatermarkKey {
    WatermarkKey::new([1; 32])
}

/// A number from 0 to 1 for each point of a lattice, as hills between them.
fn hills(x: f32, y: f32) -> f32 {
    let corner = |x: f32, y: f32| {
        let mixed =
            ((x as u32).wrapping_mul(0x9e37_79b9) ^ (y as u32).wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
        ((mixed ^ (mixed >> 15)) >> 8) as f32 / 16_777_216.0
    };
    let (right, down) = (x.fract(), y.fract());
    let (x, y) = (x.floor(), y.floor());
    let upper = corner(x, y) * (1.0 - right) + corner(x + 1.0, y) * right;
    let lower = corner(x, y + 1.0) * (1.0 - right) + corner(x + 1.0, y + 1.0) * right;
    upper * (1.0 - down) + lower * down
}

/// A hilly picture with a flat sky, and some texture.
fn landscape(width: u32, height: u32) -> DynamicImage {
    let pixel = |x: u32, y: u32| {
        let (x, y) = (x as f32, y as f32);
        let height = hills(x / 90.0, 3.0) * 120.0 + 60.0;
        if y < height {
            return Rgb([120, 160, 220]);
        }
        let shade = 60.0 + 90.0 * hills(x / 40.0, y / 40.0) + 40.0 * hills(x / 2.0, y / 2.0);
        Rgb([shade as u8, (shade * 0.9) as u8, (shade * 0.6) as u8])
    };
    RgbImage::from_fn(width, height, pixel).into()
}

fn marked(mut image: DynamicImage) -> DynamicImage {
    assert!(matches!(embed(&mut image, MARK, &key()), Embedding::Embedded { .. }));
    image
}

fn found(image: &DynamicImage) -> Option<u64> {
    detect(image, &key()).map(|detected| detected.mark)
}

fn jpeg(image: &DynamicImage, quality: u8) -> DynamicImage {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&image.to_rgb8()).unwrap();
    samples::pixels(&bytes)
}

#[test]
fn marked_picture_gives_its_mark_with_full_confidence() {
    let detected = detect(&marked(landscape(512, 384)), &key());
    assert!(matches!(detected, Some(Detected { mark: MARK, confidence }) if confidence > 0.9), "{detected:?}");
}

#[test]
fn mark_survives_jpeg_of_low_quality() {
    let marked = marked(landscape(512, 384));
    for quality in [90, 75, 50] {
        assert_eq!(found(&jpeg(&marked, quality)), Some(MARK), "JPEG {quality}");
    }
}

#[test]
fn mark_survives_half_the_size_and_more_than_the_size() {
    let marked = marked(landscape(640, 512));
    for (width, height) in [(320, 256), (960, 768), (547, 438)] {
        let resized = marked.resize_exact(width, height, FilterType::CatmullRom);
        assert_eq!(found(&resized), Some(MARK), "{width} by {height}");
    }
}

#[test]
fn mark_survives_the_loss_of_a_quarter_of_each_side() {
    let marked = marked(landscape(512, 512));
    for (left, top) in [(0, 0), (128, 128), (61, 7)] {
        assert_eq!(found(&marked.crop_imm(left, top, 384, 384)), Some(MARK), "from {left}, {top}");
    }
}

#[test]
fn mark_survives_a_screenshot_at_another_size() {
    let marked = marked(landscape(640, 512));
    let mut screen = RgbImage::from_pixel(700, 640, Rgb([240; 3]));
    overlay(&mut screen, &marked.resize_exact(563, 450, FilterType::Triangle).to_rgb8(), 51, 97);
    assert_eq!(found(&jpeg(&screen.into(), 85)), Some(MARK));
}

#[test]
fn frames_show_together_what_each_alone_does_not() {
    let noisy = |number: u32| {
        let mut frame = marked(landscape(256, 256)).into_rgb8();
        for (x, y, pixel) in frame.enumerate_pixels_mut() {
            let noise = (hills((x * 7919 + number * 613) as f32, (y * 104_729 + number) as f32) - 0.5) * 110.0;
            pixel.0 = pixel.0.map(|sample| (f32::from(sample) + noise) as u8);
        }
        DynamicImage::from(frame)
    };
    let mut frames = Frames::default();
    (0..16).for_each(|number| frames.add(&noisy(number)));
    assert_eq!(found(&noisy(0)), None);
    assert_eq!(frames.detect(&key()).map(|detected| detected.mark), Some(MARK));
}

#[test]
fn unmarked_pictures_and_other_keys_give_nothing() {
    let flat = DynamicImage::from(RgbImage::from_pixel(256, 256, Rgb([90, 90, 200])));
    for unmarked in [landscape(512, 384), flat] {
        assert_eq!(found(&unmarked), None);
    }
    assert_eq!(detect(&marked(landscape(512, 384)), &WatermarkKey::new([2; 32])), None);
}

#[test]
fn change_is_above_38_decibels_even_where_everything_is_texture() {
    let noise = RgbImage::from_fn(256, 256, |x, y| Rgb([(hills(x as f32, y as f32) * 255.0) as u8; 3]));
    for mut image in [DynamicImage::from(noise), landscape(512, 384)] {
        let before = image.to_rgb8();
        let Embedding::Embedded { psnr_db } = embed(&mut image, MARK, &key()) else { panic!("too small") };
        let squares = before.iter().zip(image.as_bytes()).map(|(was, is)| f64::from(was.abs_diff(*is)).powi(2));
        let measured = 10.0 * (255.0 * 255.0 / (squares.sum::<f64>() / before.len() as f64)).log10();
        assert!(psnr_db >= 38.0 && (measured - f64::from(psnr_db)).abs() < 0.01, "{psnr_db} is {measured}");
    }
}

#[test]
fn alpha_and_what_it_hides_stay_as_they_are() {
    let opaque = landscape(256, 256).into_rgb8();
    let before = RgbaImage::from_fn(256, 256, |x, y| {
        let [r, g, b] = opaque.get_pixel(x, y).0;
        Rgba([r, g, b, if x < 64 { 0 } else { (y / 2) as u8 + 100 }])
    });
    let marked = marked(before.clone().into());
    assert_eq!(found(&marked), Some(MARK));
    let DynamicImage::ImageRgba8(after) = marked else { panic!("the color type changed") };
    for (was, is) in before.pixels().zip(after.pixels()) {
        assert!(was == is || (was.0[3] == is.0[3] && was.0[3] > 0));
    }
}

#[test]
fn gray_and_deep_pictures_keep_their_color_type() {
    let gray = landscape(256, 256).into_luma8();
    let deep = image::ImageBuffer::<Luma<u16>, _>::from_fn(256, 256, |x, y| {
        Luma([u16::from(gray.get_pixel(x, y).0[0]) * 257])
    });
    for image in [DynamicImage::from(gray.clone()), DynamicImage::from(deep)] {
        let color = image.color();
        let marked = marked(image);
        assert_eq!(marked.color(), color);
        assert_eq!(found(&marked), Some(MARK), "{color:?}");
    }
}

#[test]
fn picture_below_the_smallest_size_is_left_as_it_is() {
    let before = landscape(400, 191);
    let mut image = before.clone();
    assert_eq!(embed(&mut image, MARK, &key()), Embedding::TooSmall);
    assert_eq!(image, before);
    assert_eq!(found(&marked(landscape(192, 192))), Some(MARK));
}

#[test]
fn tile_of_a_large_picture_grows_with_it() {
    let marked = marked(landscape(2400, 600));
    assert_eq!(found(&marked), Some(MARK));
    assert_eq!(found(&marked.resize_exact(800, 200, FilterType::CatmullRom)), Some(MARK));
}

#[test]
fn files_keep_their_format_and_carry_the_mark() {
    let image = landscape(320, 256);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let mut file = std::io::Cursor::new(Vec::new());
        image.write_to(&mut file, format).unwrap();
        let marked = embed_file(file.get_ref(), None, MARK, &key()).unwrap().unwrap();
        assert_eq!(sniff(&marked), sniff(file.get_ref()));
        assert_eq!(embed_file(file.get_ref(), None, MARK, &key()).unwrap().unwrap(), marked, "it is not deterministic");
        let mark = |file| detect_file(file, &key()).unwrap().map(|detected| detected.mark);
        assert_eq!((mark(&marked), mark(file.get_ref())), (Some(MARK), None), "{format:?}");
    }
}

#[test]
fn files_that_cannot_be_marked_are_left() {
    for file in [samples::png(), samples::mp4(), samples::webm()] {
        assert_eq!(embed_file(&file, None, MARK, &key()).unwrap(), None);
    }
}

const FRAMES: u32 = 10;
const SOUND: &[u8] = b"a packet of sound";

/// A pan over a landscape, of a second, with sound.
pub(super) fn video() -> Vec<u8> {
    let scene = landscape(320, 256);
    let mut encoder = Encoder::new().unwrap();
    let mut muxer = Mp4FileMuxer::new().unwrap();
    let mut file = muxer.initial_boxes_bytes().to_vec();
    let mut add = |data: &[u8], kind: TrackKind, entry: SampleEntry, keyframe: bool| {
        let sample = Sample {
            track_kind: kind,
            sample_entry: Some(entry),
            keyframe,
            timescale: FRAMES.try_into().unwrap(),
            duration: 1,
            composition_time_offset: None,
            data_offset: file.len() as u64,
            data_size: data.len(),
        };
        file.extend_from_slice(data);
        muxer.append_sample(&sample).unwrap();
    };
    let mut description = None;
    for number in 0..FRAMES {
        let frame = scene.crop_imm(number * 4, 0, 256, 256).into_rgb8();
        let yuv = YUVBuffer::from_rgb8_source(RgbSliceU8::new(frame.as_raw(), (256, 256)));
        let stream = encoder.encode(&yuv).unwrap().to_vec();
        let units: Vec<&[u8]> = openh264::nal_units(&stream).map(without_start_code).collect();
        let set = |kind: u8| units.iter().filter(|unit| unit[0] & 31 == kind).map(|unit| unit.to_vec()).collect();
        let entry = description.get_or_insert_with(|| avc(set(7), set(8))).clone();
        let slices = units.iter().filter(|unit| matches!(unit[0] & 31, 1 | 5));
        let data: Vec<u8> = slices.flat_map(|unit| [&(unit.len() as u32).to_be_bytes(), *unit].concat()).collect();
        add(&data, TrackKind::Video, entry, number == 0);
        add(SOUND, TrackKind::Audio, opus(), true);
    }
    for (offset, bytes) in muxer.finalize().unwrap().offset_and_bytes_pairs() {
        let start = offset as usize;
        file.resize(file.len().max(start + bytes.len()), 0);
        file[start..start + bytes.len()].copy_from_slice(bytes);
    }
    file
}

fn without_start_code(unit: &[u8]) -> &[u8] {
    &unit[unit.iter().position(|byte| *byte == 1).unwrap() + 1..]
}

fn avc(sps_list: Vec<Vec<u8>>, pps_list: Vec<Vec<u8>>) -> SampleEntry {
    let avcc_box = AvccBox {
        avc_profile_indication: sps_list[0][1],
        profile_compatibility: sps_list[0][2],
        avc_level_indication: sps_list[0][3],
        length_size_minus_one: Uint::new(3),
        sps_list,
        pps_list,
        chroma_format: None,
        bit_depth_luma_minus8: None,
        bit_depth_chroma_minus8: None,
        sps_ext_list: Vec::new(),
    };
    let visual = VisualSampleEntryFields {
        data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
        width: 256,
        height: 256,
        horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
        vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
        frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
        compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
        depth: VisualSampleEntryFields::DEFAULT_DEPTH,
    };
    SampleEntry::Avc1(Avc1Box { visual, avcc_box, unknown_boxes: Vec::new() })
}

fn opus() -> SampleEntry {
    SampleEntry::Opus(OpusBox {
        audio: AudioSampleEntryFields {
            data_reference_index: AudioSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            channelcount: 2,
            samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
            samplerate: FixedPointNumber::new(48_000, 0),
        },
        dops_box: DopsBox { output_channel_count: 2, pre_skip: 0, input_sample_rate: 48_000, output_gain: 0 },
        unknown_boxes: Vec::new(),
    })
}

/// The kind, start and duration of each sample.
fn times(file: &[u8]) -> Vec<(TrackKind, u64, u32)> {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: file });
    let next = || demuxer.next_sample().unwrap().map(|sample| (sample.track.kind, sample.timestamp, sample.duration));
    std::iter::from_fn(next).collect()
}

#[test]
fn frames_of_a_video_carry_the_mark_and_sound_and_times_stay() {
    let plain = video();
    let marked = embed_file(&plain, None, MARK, &key()).unwrap().unwrap();
    assert_eq!(detect_file(&marked, &key()).unwrap().map(|detected| detected.mark), Some(MARK));
    assert_eq!(detect_file(&plain, &key()).unwrap(), None);
    assert_eq!(inspect(&marked).unwrap(), inspect(&plain).unwrap());
    assert_eq!(times(&marked), times(&plain));
    let sounds = |file: &[u8]| file.windows(SOUND.len()).filter(|bytes| *bytes == SOUND).count();
    assert_eq!(sounds(&marked), FRAMES as usize);
    assert_eq!(embed_file(&plain, None, MARK, &key()).unwrap().unwrap(), marked, "it is not deterministic");
}
