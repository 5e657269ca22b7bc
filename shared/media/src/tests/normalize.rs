use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, LutDataType, LutStore, LutType, LutWarehouse, Matrix3d, ProfileClass};

use super::checks::contains;
use super::samples::{self, pixels, png_chunk};
use crate::{MediaError, MediaType, inspect, normalize_image, sniff};

const MAX_BYTES: u64 = 1 << 20;

fn normalized(file: &[u8]) -> Vec<u8> {
    let bytes = normalize_image(file.to_vec(), MAX_BYTES).unwrap();
    assert_eq!(normalize_image(bytes.clone(), MAX_BYTES).unwrap(), bytes, "a repeat changes nothing");
    bytes
}

/// Checks that the first pixel has this color, within what coding costs.
fn check_color(file: &[u8], expected: [u8; 3]) {
    let color = pixels(file).to_rgb8().get_pixel(0, 0).0;
    let is_near = color.iter().zip(expected).all(|(is, should)| is.abs_diff(should) <= 3);
    assert!(is_near, "{color:?} is not {expected:?}");
}

fn check_turned(file: &[u8], turned: &DynamicImage) {
    let bytes = normalized(file);
    assert_eq!(sniff(&bytes), sniff(file));
    assert!(!contains(&bytes, b"CANARY") && !contains(&bytes, b"MM\0*") && !contains(&bytes, b"icc\0"));
    let (is, should) = (pixels(&bytes).to_rgb8(), turned.to_rgb8());
    assert_eq!(is.dimensions(), should.dimensions());
    let off: u64 = is.iter().zip(should.iter()).map(|(is, should)| u64::from(is.abs_diff(*should))).sum();
    assert!(off / is.len() as u64 <= 2, "{off} in {} values", is.len());
}

#[test]
fn orientation_is_applied_to_the_pixels() {
    let original = |format| pixels(&samples::encoded(format));
    check_turned(&samples::jpeg(), &original(ImageFormat::Jpeg).rotate90());
    check_turned(&samples::png(), &original(ImageFormat::Png).rotate270());
    check_turned(&samples::webp(), &original(ImageFormat::WebP).rotate180());
}

#[test]
fn image_that_is_upright_opaque_and_srgb_keeps_its_bytes() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let plain = samples::encoded(format);
        assert_eq!(normalized(&plain), plain);
    }
}

#[test]
fn colors_of_a_profile_are_converted_to_srgb() {
    // ProPhoto, gamma 1.8, D50: computed from the matrices of the specification.
    let (coded, expected) = ([131, 141, 192], [117, 160, 210]);
    let profile = ColorProfile::new_pro_photo_rgb().encode().unwrap();
    let image = RgbImage::from_pixel(16, 16, Rgb(coded));
    let mut files = [Vec::new(), Vec::new(), Vec::new()];
    let [png, jpeg, webp] = &mut files;
    let encode = |mut encoder: Box<dyn EncodeWithProfile>| encoder.encode(&image, &profile);
    encode(Box::new(Some(PngEncoder::new(png))));
    encode(Box::new(Some(JpegEncoder::new_with_quality(jpeg, 100))));
    encode(Box::new(Some(WebPEncoder::new_lossless(webp))));
    for file in files {
        check_color(&file, coded);
        check_color(&normalized(&file), expected);
        check_color(&crate::create_preview(&file, 16).unwrap().jpeg, expected);
    }
}

/// A profile that prints every ink as the same gray.
fn gray_ink_profile() -> Vec<u8> {
    let lab = [128, 128, 128];
    let identity = |channels: usize| LutStore::Store8((0..channels).flat_map(|_| 0..=u8::MAX).collect());
    let table = LutDataType {
        num_input_channels: 4,
        num_output_channels: 3,
        num_clut_grid_points: 2,
        matrix: Matrix3d::IDENTITY,
        num_input_table_entries: 256,
        num_output_table_entries: 256,
        input_table: identity(4),
        clut_table: LutStore::Store8(lab.repeat(16)),
        output_table: identity(3),
        lut_type: LutType::Lut8,
    };
    let mut profile = ColorProfile::default();
    profile.profile_class = ProfileClass::OutputDevice;
    profile.color_space = DataColorSpace::Cmyk;
    profile.pcs = DataColorSpace::Lab;
    profile.white_point = ColorProfile::new_srgb().white_point;
    profile.lut_a_to_b_perceptual = Some(LutWarehouse::Lut(table.clone()));
    profile.lut_a_to_b_colorimetric = Some(LutWarehouse::Lut(table));
    profile.encode().unwrap()
}

#[test]
fn inks_become_the_colors_that_they_print() {
    const RED: [u8; 3] = [255, 0, 0];
    // As Little CMS computes it.
    const GRAY: [u8; 3] = [110, 118, 121];
    let profile = gray_ink_profile();
    let (adobe, luma) = (Some(0), Some(2));
    // Magenta and yellow, stored in each way.
    for (stored, transform) in [([0, 255, 255, 0], None), ([255, 0, 0, 255], adobe), ([179, 171, 0, 255], luma)] {
        let file = samples::inks_jpeg(stored, transform, b"");
        check_color(&normalized(&file), RED);
        check_color(&crate::create_preview(&file, 16).unwrap().jpeg, RED);
        let file = samples::inks_jpeg(stored, transform, &profile);
        check_color(&normalized(&file), GRAY);
        check_color(&crate::create_preview(&file, 16).unwrap().jpeg, GRAY);
    }
    // Half of each color, on which black comes.
    check_color(&normalized(&samples::inks_jpeg([128, 128, 128, 0], None, b"")), [127, 127, 127]);
    check_color(&normalized(&samples::inks_jpeg([0, 0, 0, 255], None, b"")), [0, 0, 0]);
}

trait EncodeWithProfile {
    fn encode(&mut self, image: &RgbImage, profile: &[u8]);
}

impl<E: ImageEncoder> EncodeWithProfile for Option<E> {
    fn encode(&mut self, image: &RgbImage, profile: &[u8]) {
        let mut encoder = self.take().unwrap();
        encoder.set_icc_profile(profile.to_vec()).unwrap();
        encoder.write_image(image, image.width(), image.height(), ExtendedColorType::Rgb8).unwrap();
    }
}

#[test]
fn srgb_and_invalid_profiles_are_dropped_and_pixels_kept() {
    let image = RgbImage::from_pixel(16, 16, Rgb([131, 141, 192]));
    for profile in [ColorProfile::new_srgb().encode().unwrap(), b"EDID_serial CANARY".to_vec()] {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        Some(JpegEncoder::new(&mut with)).encode(&image, &profile);
        image.write_with_encoder(JpegEncoder::new(&mut without)).unwrap();
        assert!(contains(&with, b"ICC_PROFILE"));
        assert_eq!(normalized(&with), without);
    }
}

#[test]
fn transparent_parts_become_white() {
    let mut image = RgbaImage::from_pixel(8, 8, Rgba([20, 20, 20, 255]));
    image.put_pixel(0, 0, Rgba([0, 0, 0, 0]));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let mut file = std::io::Cursor::new(Vec::new());
        image.write_to(&mut file, format).unwrap();
        let bytes = normalized(file.get_ref());
        check_color(&bytes, [255; 3]);
        assert_eq!(pixels(&bytes).to_rgb8().get_pixel(4, 4).0, [20; 3]);
        assert!(!pixels(&bytes).color().has_alpha());
    }
}

#[test]
fn image_that_no_decoder_reads_is_refused() {
    let jpeg = samples::encoded(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let mut deep = jpeg;
    (deep[frame + 1], deep[frame + 4]) = (0xC1, 12);
    let refused = normalize_image(deep, MAX_BYTES).unwrap_err().to_string();
    assert!(refused.contains("more than 8 bits per channel. Export it as a standard 8-bit JPEG"), "{refused}");
    let broken = samples::png_with_data(b"not compressed");
    assert!(matches!(normalize_image(broken, MAX_BYTES), Err(MediaError::Decode { .. })));
    assert!(matches!(normalize_image(samples::mp4(), MAX_BYTES), Err(MediaError::WrongKind { .. })));
}

#[test]
fn stray_bytes_between_jpeg_segments_are_removed() {
    let plain = samples::encoded(ImageFormat::Jpeg);
    let jfif_end = 4 + 16;
    let with = |stray: &[u8]| [&plain[..jfif_end], stray, &plain[jfif_end..]].concat();
    for stray in [&b"hello"[..], b"\0", &[0; 1000], b"\0\xFF\0\xFF\x01\xD7"] {
        let file = with(stray);
        assert_eq!(inspect(&file).unwrap(), inspect(&plain).unwrap());
        assert_eq!(normalized(&file), plain);
    }
    let vast = inspect(&with(&vec![0; 1 << 17])).unwrap_err().to_string();
    assert!(vast.contains("stray bytes"), "{vast}");
}

#[test]
fn exif_behind_the_image_data_of_a_png_is_ignored() {
    let plain = samples::encoded(ImageFormat::Png);
    let end = plain.len() - 12;
    let late = [&plain[..end], &png_chunk(b"eXIf", &samples::exif(6)), &plain[end..]].concat();
    assert_eq!(normalized(&late), plain);
}

#[test]
fn animation_of_one_frame_is_a_still_image() {
    let plain = samples::encoded(ImageFormat::Png);
    let control = [png_chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]), png_chunk(b"fcTL", &[0; 26])].concat();
    let file = [&plain[..33], &control, &plain[33..]].concat();
    assert_eq!(normalized(&file), plain);
    let moving = [&plain[..33], &png_chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), &plain[33..]].concat();
    assert!(matches!(inspect(&moving), Err(MediaError::Animated { .. })));
}

#[test]
fn image_too_large_without_loss_becomes_a_jpeg() {
    let noise = |x: u32, y: u32| u8::try_from(((x * 7919) ^ (y * 104_729) ^ ((x * y) >> 3)) % 251).unwrap();
    let mut image = RgbaImage::from_fn(64, 64, |x, y| Rgba([noise(x, y), noise(y, x), noise(x + y, x), 255]));
    image.put_pixel(0, 0, Rgba([0, 0, 0, 0]));
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png).unwrap();
    let bytes = normalize_image(file.get_ref().clone(), 8000).unwrap();
    assert_eq!(sniff(&bytes), Ok(MediaType::Jpeg));
    assert!(matches!(normalize_image(file.into_inner(), 1000), Err(MediaError::TooLarge { .. })));
}

#[test]
fn photo_of_a_phone_with_50_megapixels_is_accepted() {
    let mut jpeg = samples::encoded(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[6144_u16.to_be_bytes(), 8160_u16.to_be_bytes()].concat());
    assert_eq!(inspect(&jpeg).unwrap().width, 8160);
}
