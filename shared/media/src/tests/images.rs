use super::checks::{check_cuts, check_mark, check_stripped, contains};
use super::samples::{self, pixels, png_chunk, riff, riff_chunk};
use crate::{MediaError, MediaType, create_preview, inspect};
use image::{GenericImageView, ImageFormat};

/// Stripped and marked files decode to the very pixels that went in.
fn check_pixels(file: &[u8]) -> Vec<u8> {
    let stripped = check_stripped(file);
    let marked = check_mark(file.to_vec());
    assert_eq!(pixels(&stripped), pixels(file));
    assert_eq!(pixels(&marked), pixels(file));
    assert_eq!(inspect(&marked).unwrap(), inspect(file).unwrap());
    stripped
}

#[test]
fn jpeg_loses_its_metadata_and_keeps_pixels_profile_and_orientation() {
    let stripped = check_pixels(&samples::jpeg());
    assert!(contains(&stripped, b"ICC_PROFILE\0\x01\x01profile"));
    assert!(contains(&stripped, b"Exif\0\0MM\0*"));
    let measured = inspect(&stripped).unwrap();
    assert_eq!((measured.media_type, measured.width, measured.height), (MediaType::Jpeg, 24, 32));
    // What encoders write is already bare.
    let plain = samples::encoded(ImageFormat::Jpeg);
    assert_eq!(crate::strip_metadata(plain.clone()).unwrap(), plain);
}

#[test]
fn png_loses_its_metadata_and_keeps_pixels_colours_and_orientation() {
    let stripped = check_pixels(&samples::png());
    for kept in [&b"gAMA"[..], b"pHYs", b"iCCPicc\0", b"eXIfMM\0*"] {
        assert!(contains(&stripped, kept));
    }
    assert!(!contains(&stripped, b"tIME"));
    let measured = inspect(&stripped).unwrap();
    assert_eq!((measured.media_type, measured.width, measured.height), (MediaType::Png, 24, 32));
}

#[test]
fn webp_loses_its_metadata_and_keeps_pixels_and_orientation() {
    let stripped = check_pixels(&samples::webp());
    assert!(contains(&stripped, b"MM\0*"));
    let measured = inspect(&stripped).unwrap();
    assert_eq!((measured.media_type, measured.width, measured.height), (MediaType::Webp, 32, 24));
    // The simple form stays simple until it is marked.
    let plain = samples::encoded(ImageFormat::WebP);
    assert_eq!(crate::strip_metadata(plain.clone()).unwrap(), plain);
    assert_eq!(pixels(&check_mark(plain.clone())), pixels(&plain));
}

#[test]
fn image_that_is_cut_anywhere_is_refused() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        check_cuts(&samples::encoded(format));
    }
}

#[test]
fn damage_and_unsupported_features_are_named() {
    let message = |bytes: &[u8]| inspect(bytes).unwrap_err().to_string();
    let mut png = samples::encoded(ImageFormat::Png);
    png[20] ^= 1;
    assert_eq!(
        message(&png),
        "The PNG file is damaged: a chunk's checksum does not match its content. Export the file again and try again."
    );

    let animated = samples::encoded(ImageFormat::Png);
    let animated = [&animated[..33], &png_chunk(b"acTL", &[0; 8]), &animated[33..]].concat();
    assert_eq!(
        message(&animated),
        "This PNG file is not supported: it is animated. Export a single frame as a still image and try again."
    );

    let animated = riff(&[riff_chunk(b"VP8X", &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0])]);
    assert_eq!(
        message(&animated),
        "This WebP file is not supported: it is animated. Export a single frame as a still image and try again."
    );

    let jpeg = samples::encoded(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let mut flat = jpeg.clone();
    flat[frame + 5..frame + 9].copy_from_slice(&[0, 0, 0, 32]);
    assert!(matches!(inspect(&flat), Err(MediaError::DimensionsOutOfRange { width: 32, height: 0 })));
    flat[frame + 5..frame + 9].copy_from_slice(&[0x30, 0, 0x30, 0]);
    assert!(matches!(inspect(&flat), Err(MediaError::DimensionsOutOfRange { width: 12_288, height: 12_288 })));
    let mut lossless = jpeg;
    lossless[frame + 1] = 0xC3;
    assert!(matches!(inspect(&lossless), Err(MediaError::UnsupportedFeature { .. })));
}

#[test]
fn lossy_webp_is_measured_by_its_key_frame() {
    let frame = [0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x40, 0x41, 0x20, 0x80, 0];
    let measured = inspect(&riff(&[riff_chunk(b"VP8 ", &frame)])).unwrap();
    assert_eq!((measured.width, measured.height), (320, 32), "the scaling bits are not part of the size");
}

#[test]
fn preview_is_small_upright_and_without_metadata() {
    for (file, sides) in [(samples::jpeg(), (12, 16)), (samples::png(), (12, 16)), (samples::webp(), (16, 12))] {
        let made = create_preview(&file, 16).unwrap();
        assert_eq!((made.width, made.height), sides);
        assert_eq!(pixels(&made.jpeg).dimensions(), sides);
        assert_eq!(crate::strip_metadata(made.jpeg.clone()).unwrap(), made.jpeg, "nothing is there to strip");
        assert!((20..=40).contains(&made.thumbhash.len()), "{}", made.thumbhash);
    }
    let unscaled = create_preview(&samples::encoded(ImageFormat::Png), 4000).unwrap();
    assert_eq!((unscaled.width, unscaled.height), (32, 24), "a small picture is not blown up");
    // Red is at the bottom right of the sample; shown upside down, it is at the top left.
    let [turned, upright] = [samples::webp(), samples::encoded(ImageFormat::WebP)]
        .map(|file| pixels(&create_preview(&file, 64).unwrap().jpeg).to_rgb8());
    assert!(turned.get_pixel(0, 0)[0] > 200 && upright.get_pixel(0, 0)[0] < 50);
}
