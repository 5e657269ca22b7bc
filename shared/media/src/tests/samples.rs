//! Small files of every format, made in memory, with a canary wherever metadata can hide.

use super::canary::CANARY;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;

pub(super) use inks::inks_jpeg;
pub(super) use movie::{fragmented_mp4, mp4, mp4_with_codec};
pub(super) use webm::{encrypted_webm, webm, webm_with_track_type};

mod inks;
mod movie;
mod webm;

/// A colourful picture of 32 by 24 pixels.
pub(super) fn picture() -> DynamicImage {
    let channel = |value: u32| u8::try_from(value % 256).unwrap();
    RgbImage::from_fn(32, 24, |x, y| Rgb([channel(x * 8), channel(y * 10), channel(x * y)])).into()
}

pub(super) fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(super) fn pixels(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

/// An Exif block in little-endian TIFF: maker, orientation, and a GPS directory.
pub(super) fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x03\0".to_vec();
    tiff.extend(b"\x0F\x01\x02\0\x07\0\0\0\x32\0\0\0");
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend(b"\x25\x88\x04\0\x01\0\0\0\x3A\0\0\0");
    tiff.extend(b"\0\0\0\0");
    tiff.extend(b"CANARY\0\0");
    tiff.extend(b"\x01\0\x1D\0\x02\0\x07\0\0\0\x4C\0\0\0\0\0\0\0CANARY\0");
    tiff
}

fn jpeg_segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap();
    [&[0xFF, marker], &length.to_be_bytes()[..], payload].concat()
}

/// Orientation 6: to be shown 24 by 32. The colour profile must stay.
pub(super) fn jpeg() -> Vec<u8> {
    let plain = encoded(ImageFormat::Jpeg);
    let jfif_end = 4 + 16;
    let mut out = plain[..jfif_end].to_vec();
    assert_eq!(&out[2..4], &[0xFF, 0xE0]);
    out.extend(jpeg_segment(0xE0, b"JFXX\0\x10CANARY"));
    out.extend(jpeg_segment(0xE1, &[b"Exif\0\0", &exif(6)[..]].concat()));
    out.extend(jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>CANARY</x>"));
    out.extend(jpeg_segment(0xE2, b"ICC_PROFILE\0\x01\x01profile"));
    out.extend(jpeg_segment(0xE2, b"MPF\0CANARY"));
    out.extend(jpeg_segment(0xE5, b"CANARY"));
    out.extend(jpeg_segment(0xED, b"Photoshop 3.0\0CANARY"));
    out.extend(jpeg_segment(0xFE, b"CANARY"));
    out.extend(&plain[jfif_end..]);
    out.extend(b"\xFF\xD8CANARY");
    out
}

pub(super) fn png_chunk(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let crc = crc32fast::hash(&[kind, payload].concat());
    [&u32::try_from(payload.len()).unwrap().to_be_bytes(), &kind[..], payload, &crc.to_be_bytes()].concat()
}

/// Orientation 8: to be shown 24 by 32. Gamma and density must stay.
pub(super) fn png() -> Vec<u8> {
    let plain = encoded(ImageFormat::Png);
    let mut out = plain[..33].to_vec();
    out.extend(png_chunk(b"gAMA", &45_455_u32.to_be_bytes()));
    out.extend(png_chunk(b"iCCP", b"CANARY\0\0\x78\x01\x01\0\0\xFF\xFF\0\0\0\x01"));
    out.extend(png_chunk(b"pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]));
    out.extend(png_chunk(b"tEXt", b"Author\0CANARY"));
    out.extend(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0CANARY"));
    out.extend(png_chunk(b"zTXt", b"CANARY\0\0x"));
    out.extend(png_chunk(b"eXIf", &exif(8)));
    out.extend(png_chunk(b"tIME", &[7, 231, 1, 2, 3, 4, 5]));
    out.extend(png_chunk(b"caNy", b"CANARY"));
    out.extend(&plain[33..]);
    out.extend(CANARY);
    out
}

/// A sound 2 by 2 structure around whatever is to be its pixels.
pub(super) fn png_with_data(data: &[u8]) -> Vec<u8> {
    let header = png_chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
    [b"\x89PNG\r\n\x1a\n", &header[..], &png_chunk(b"IDAT", data), &png_chunk(b"IEND", b"")].concat()
}

pub(super) fn riff_chunk(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let padding = if payload.len() % 2 == 1 { &[0][..] } else { &[] };
    [kind, &u32::try_from(payload.len()).unwrap().to_le_bytes()[..], payload, padding].concat()
}

pub(super) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let form = [b"WEBP", &chunks.concat()[..]].concat();
    riff_chunk(b"RIFF", &form)
}

/// Lossless and extended, orientation 3 (upside down).
pub(super) fn webp() -> Vec<u8> {
    let plain = encoded(ImageFormat::WebP);
    let mut out = riff(&[
        riff_chunk(b"VP8X", &[0x0C, 0, 0, 0, 31, 0, 0, 23, 0, 0]),
        plain[12..].to_vec(),
        riff_chunk(b"EXIF", &[b"Exif\0\0", &exif(3)[..]].concat()),
        riff_chunk(b"XMP ", b"<x>CANARY</x>"),
        riff_chunk(b"caNy", CANARY),
    ]);
    out.extend(CANARY);
    out
}
