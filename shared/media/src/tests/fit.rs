use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::samples::{self, pixels};
use crate::{ImageLimits, MediaError, MediaType, fit_image, inspect, sniff, square_of};

const LIMITS: ImageLimits = ImageLimits { max_bytes: 1 << 20, max_side_px: 10_000 };

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A picture that no codec makes small.
fn noise(width: u32, height: u32) -> DynamicImage {
    let value = |x: u32, y: u32| {
        let mixed = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77);
        u8::try_from((mixed ^ (mixed >> 15)).wrapping_mul(0xC2B2_AE3D) >> 24).unwrap()
    };
    RgbImage::from_fn(width, height, |x, y| Rgb([value(x, y), value(y, x), value(x + y, x)])).into()
}

#[test]
fn png_and_jpeg_within_the_limits_are_returned_as_they_are() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let image = samples::encoded(format);
        assert_eq!(fit_image(&image, LIMITS).unwrap(), (image.clone(), sniff(&image).unwrap()));
        let exact = ImageLimits { max_bytes: image.len() as u64, max_side_px: 32 };
        assert_eq!(fit_image(&image, exact).unwrap().0, image);
    }
}

#[test]
fn webp_becomes_a_jpeg_that_shows_the_same() {
    let (jpeg, media_type) = fit_image(&samples::encoded(ImageFormat::WebP), LIMITS).unwrap();
    assert_eq!((media_type, sniff(&jpeg)), (MediaType::Jpeg, Ok(MediaType::Jpeg)));
    let (is, should) = (pixels(&jpeg).to_rgb8(), samples::picture().to_rgb8());
    assert_eq!(is.dimensions(), should.dimensions());
    let off: u64 = is.iter().zip(should.iter()).map(|(is, should)| u64::from(is.abs_diff(*should))).sum();
    assert!(off / is.len() as u64 <= 3, "{off} in {} values", is.len());
}

#[test]
fn image_over_a_limit_is_scaled_down_until_it_fits() {
    let wide = encoded(&RgbImage::from_pixel(3000, 60, Rgb([9, 99, 199])).into(), ImageFormat::Png);
    let (jpeg, _) = fit_image(&wide, ImageLimits { max_side_px: 2900, ..LIMITS }).unwrap();
    assert_eq!(inspect(&jpeg).map(|info| (info.width, info.height)).unwrap(), (2048, 41));

    let heavy = encoded(&noise(1500, 1500), ImageFormat::Png);
    let (jpeg, media_type) = fit_image(&heavy, ImageLimits { max_bytes: 2 << 20, ..LIMITS }).unwrap();
    assert_eq!((media_type, inspect(&jpeg).unwrap().width), (MediaType::Jpeg, 1024));
    assert!(heavy.len() > 6 << 20 && jpeg.len() <= 2 << 20, "{} became {}", heavy.len(), jpeg.len());
}

#[test]
fn image_that_never_fits_and_what_is_no_image_are_refused() {
    let heavy = encoded(&noise(200, 200), ImageFormat::Png);
    let tiny = ImageLimits { max_bytes: 1000, ..LIMITS };
    assert!(matches!(fit_image(&heavy, tiny), Err(MediaError::TooLarge { max_bytes: 1000, .. })));
    assert!(matches!(fit_image(&samples::mp4(), LIMITS), Err(MediaError::WrongKind { .. })));
    assert!(fit_image(b"hello", LIMITS).is_err());
}

#[test]
fn square_shows_the_whole_image_upright() {
    let halves = RgbImage::from_fn(400, 100, |x, _| if x < 200 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 200]) });
    let square = square_of(&encoded(&halves.into(), ImageFormat::Png), 8).unwrap();
    assert_eq!(square.len(), 8 * 8 * 3);
    for row in square.chunks(8 * 3) {
        assert_eq!((&row[..3], &row[21..]), (&[200, 0, 0][..], &[0, 0, 200][..]));
    }
    // A small image is drawn larger.
    assert_eq!(square_of(&samples::png(), 224).unwrap().len(), 224 * 224 * 3);
    assert!(square_of(b"hello", 8).is_err());
}
