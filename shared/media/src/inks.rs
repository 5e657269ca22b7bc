//! Decodes JPEGs of four inks, as programs for print save them: cyan, magenta, yellow and black.

use image::error::{DecodingError, ImageError, ImageFormatHint};
use image::{ImageFormat, ImageResult, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

use crate::jpeg::Inks;
use crate::limits::MAX_SIDE_PX;

/// Decodes a JPEG of four inks to sRGB: by its colour profile, or else as inks that let through what they do not absorb.
/// [`Inks`] says how the values are stored.
pub(crate) fn decode(bytes: &[u8], inks: Inks) -> ImageResult<RgbImage> {
    let side = usize::try_from(MAX_SIDE_PX).unwrap_or(usize::MAX);
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(side).set_max_height(side);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| malformed(&error))?;
    // As they are stored, without a conversion to RGB.
    let stored = if inks == Inks::Luma { ColorSpace::YCCK } else { ColorSpace::CMYK };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(stored));
    let mut coverage = decoder.decode().map_err(|error| malformed(&error))?;
    for pixel in coverage.chunks_exact_mut(4) {
        match inks {
            Inks::Plain => {}
            Inks::Inverted => pixel.iter_mut().for_each(|ink| *ink = u8::MAX - *ink),
            Inks::Luma => from_luma(pixel),
        }
    }
    let profile = decoder.icc_profile();
    let pixels =
        profile.and_then(|profile| by_profile(&coverage, &profile)).unwrap_or_else(|| by_absorption(&coverage));
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    RgbImage::from_raw(side(width), side(height), pixels).ok_or_else(|| malformed(&"it has too few pixels"))
}

fn malformed(error: &dyn ToString) -> ImageError {
    ImageError::Decoding(DecodingError::new(ImageFormatHint::Exact(ImageFormat::Jpeg), error.to_string()))
}

/// Converts luma, chroma and inverted black to coverage
/// ([Adobe, Technical Note 5116](https://www.adobe.com/content/dam/acom/en/devnet/postscript/pdfs/5116.DCT_Filter.pdf)).
fn from_luma(pixel: &mut [u8]) {
    let [y, cb, cr, black] = pixel else { return };
    let (luma, blue, red) = (i32::from(*y), i32::from(*cb) - 128, i32::from(*cr) - 128);
    // Factors of JFIF, times 1,000. The inks are inverted, and were inverted once more to look like colours of light.
    let channel = |chroma: i32| u8::try_from((luma + (chroma + 500).div_euclid(1000)).clamp(0, 255)).unwrap_or(u8::MAX);
    *y = channel(1402 * red);
    *cb = channel(-344 * blue - 714 * red);
    *cr = channel(1772 * blue);
    *black = u8::MAX - *black;
}

fn by_profile(coverage: &[u8], profile: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    if profile.color_space != DataColorSpace::Cmyk {
        return None;
    }
    let options = TransformOptions::default();
    let transform =
        profile.create_transform_8bit(Layout::Rgba, &ColorProfile::new_srgb(), Layout::Rgb, options).ok()?;
    let mut pixels = vec![0; coverage.len() / 4 * 3];
    transform.transform(coverage, &mut pixels).ok()?;
    Some(pixels)
}

fn by_absorption(coverage: &[u8]) -> Vec<u8> {
    let light = |ink: u8| u16::from(u8::MAX - ink);
    let pixels = coverage.chunks_exact(4).flat_map(|pixel| {
        let [cyan, magenta, yellow, black] = *pixel else { return [0; 3] };
        [cyan, magenta, yellow].map(|ink| u8::try_from((light(ink) * light(black) + 127) / 255).unwrap_or(u8::MAX))
    });
    pixels.collect()
}
