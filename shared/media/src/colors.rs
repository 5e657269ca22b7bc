//! Converts pixels: from the colours of an ICC profile to sRGB, and from transparent to opaque.

use image::{DynamicImage, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};

/// The steps of each channel in the colours that decide whether a profile is sRGB.
const PROBE_STEPS: u8 = 16;
/// The largest difference of a channel to sRGB that is not visible.
const TOLERANCE: u8 = 2;

/// Converts an image to sRGB, with 8 bits for each channel. Returns `None` where nothing must be converted: the profile
/// describes sRGB, or is invalid, or is for another kind of image. Viewers ignore such a profile.
pub(crate) fn to_srgb(image: &DynamicImage, profile: &[u8]) -> Option<DynamicImage> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let has_color = image.color().has_color();
    let expected = if has_color { DataColorSpace::Rgb } else { DataColorSpace::Gray };
    if profile.color_space != expected {
        return None;
    }
    // A gray profile converts to gray RGB, so the alpha channel is converted on its own.
    let layout = if has_color { Layout::Rgb } else { Layout::Gray };
    let options = TransformOptions::default();
    let transform = profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, options).ok()?;
    if is_identity(&*transform, has_color)? {
        return None;
    }
    let source = if has_color { image.to_rgb8().into_raw() } else { image.to_luma8().into_raw() };
    let pixels = u64::from(image.width()) * u64::from(image.height());
    let mut converted = vec![0; usize::try_from(pixels * 3).ok()?];
    transform.transform(&source, &mut converted).ok()?;
    let rgb = RgbImage::from_raw(image.width(), image.height(), converted)?;
    if !image.color().has_alpha() {
        return Some(rgb.into());
    }
    let mut rgba = DynamicImage::ImageRgb8(rgb).into_rgba8();
    for (target, source) in rgba.pixels_mut().zip(image.to_rgba8().pixels()) {
        target.0[3] = source.0[3];
    }
    Some(rgba.into())
}

/// Returns whether a transform to sRGB leaves colours as they are.
fn is_identity(transform: &Transform8BitExecutor, has_color: bool) -> Option<bool> {
    let steps =
        || (0..=PROBE_STEPS).map(|step| u8::try_from(u16::from(step) * 255 / u16::from(PROBE_STEPS)).unwrap_or(0));
    let (source, expected): (Vec<u8>, Vec<u8>) = if has_color {
        let colors = steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b])));
        let colors: Vec<_> = colors.collect();
        (colors.clone(), colors)
    } else {
        (steps().collect(), steps().flat_map(|gray| [gray; 3]).collect())
    };
    let mut converted = vec![0; expected.len()];
    transform.transform(&source, &mut converted).ok()?;
    Some(converted.iter().zip(&expected).all(|(is, was)| is.abs_diff(*was) <= TOLERANCE))
}

/// Returns whether a pixel is transparent, at least in part.
pub(crate) fn has_transparency(image: &DynamicImage) -> bool {
    image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel.0[3] != u8::MAX)
}

/// Composes an image on white.
pub(crate) fn on_white(image: &RgbaImage) -> RgbImage {
    let mut opaque = RgbImage::new(image.width(), image.height());
    for (target, source) in opaque.pixels_mut().zip(image.pixels()) {
        let [r, g, b, alpha] = source.0.map(u16::from);
        let blend = |channel: u16| u8::try_from((channel * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        target.0 = [blend(r), blend(g), blend(b)];
    }
    opaque
}
