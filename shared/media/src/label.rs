//! A visible label: a short text on a dark, translucent plate in the lower right corner.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};
use image::{DynamicImage, GenericImage, GenericImageView, Rgba};

use crate::error::MediaError;
use crate::media_type::MediaType;

/// The longest text, in characters: as wide as three quarters of a picture of 256 pixels.
pub const MAX_LABEL_CHARACTERS: usize = 24;

/// The sides of a glyph, before it is enlarged.
const GLYPH_PX: u32 = 8;
/// The space around the text, and around the plate, in pixels of glyphs.
const PADDING_PX: u32 = 3;
/// The shorter side of a picture for each step in which glyphs are enlarged: 16 pixels high at 512, 32 at 1024.
const STEP_PX: u32 = 256;
/// What is left of the picture under the plate, of 256.
const SEEN_THROUGH: u32 = 100;
const INK: u8 = 240;
/// The darkest and the brightest luma of a frame, which has no full range.
const BLACK: u8 = 16;
const WHITE: u8 = 235;

/// A text that can be drawn into pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleLabel {
    text: String,
    glyphs: Vec<[u8; 8]>,
}

/// Reports that a text cannot be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a visible label has 1 to {MAX_LABEL_CHARACTERS} characters of ISO 8859-1")]
pub struct InvalidLabel;

impl VisibleLabel {
    /// Takes a text.
    ///
    /// # Errors
    /// It is empty or too long, or the font lacks one of its characters: it has those of English and of western Europe.
    pub fn new(text: &str) -> Result<Self, InvalidLabel> {
        let glyph = |character: char| {
            let drawn = BASIC_FONTS.get(character).or_else(|| LATIN_FONTS.get(character));
            drawn.filter(|_| !character.is_control()).ok_or(InvalidLabel)
        };
        let text = text.trim().to_owned();
        let glyphs: Vec<[u8; 8]> = text.chars().map(glyph).collect::<Result<_, _>>()?;
        if (1..=MAX_LABEL_CHARACTERS).contains(&glyphs.len()) { Ok(Self { text, glyphs }) } else { Err(InvalidLabel) }
    }

    /// Returns its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Draws it into a picture, which it makes opaque there.
    pub(crate) fn draw(&self, image: &mut DynamicImage, media_type: MediaType) -> Result<(), MediaError> {
        let plate = self.plate(image.width(), image.height(), media_type)?;
        for (x, y, is_ink) in plate.pixels() {
            let [red, green, blue, alpha] = image.get_pixel(x, y).0;
            let colour = |seen: u8| if is_ink { INK } else { shaded(seen, alpha) };
            image.put_pixel(x, y, Rgba([colour(red), colour(green), colour(blue), u8::MAX]));
        }
        Ok(())
    }

    /// Draws it into the luma of a frame.
    pub(crate) fn draw_luma(&self, luma: &mut [u8], width: usize, height: usize) -> Result<(), MediaError> {
        let side = |side| u32::try_from(side).unwrap_or(u32::MAX);
        let plate = self.plate(side(width), side(height), MediaType::Mp4)?;
        for (x, y, is_ink) in plate.pixels() {
            if let Some(sample) = luma.get_mut((y as usize).saturating_mul(width).saturating_add(x as usize)) {
                let seen = BLACK.saturating_add(shaded(sample.saturating_sub(BLACK), u8::MAX));
                *sample = if is_ink { WHITE } else { seen };
            }
        }
        Ok(())
    }

    fn plate(&self, width: u32, height: u32, media_type: MediaType) -> Result<Plate<'_>, MediaError> {
        let scale = (width.min(height) / STEP_PX).max(1);
        let characters = u32::try_from(self.glyphs.len()).unwrap_or(u32::MAX);
        let plate_width = characters.saturating_mul(GLYPH_PX).saturating_add(2 * PADDING_PX).saturating_mul(scale);
        let plate_height = (GLYPH_PX + 2 * PADDING_PX).saturating_mul(scale);
        let margin = PADDING_PX.saturating_mul(scale);
        let left = width.checked_sub(plate_width.saturating_add(margin));
        let top = height.checked_sub(plate_height.saturating_add(margin));
        let too_small =
            MediaError::unsupported(media_type, "it is too small for a visible label. Choose a larger size.");
        let (left, top) = left.zip(top).ok_or(too_small)?;
        Ok(Plate { label: self, scale, left, top, width: plate_width, height: plate_height })
    }
}

/// Darkens what is under the plate. What was transparent becomes dark.
fn shaded(seen: u8, alpha: u8) -> u8 {
    let shown = u32::from(seen) * u32::from(alpha) / u32::from(u8::MAX);
    u8::try_from(shown * SEEN_THROUGH / 256).unwrap_or(u8::MAX)
}

/// A label at its place.
struct Plate<'a> {
    label: &'a VisibleLabel,
    scale: u32,
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Plate<'_> {
    /// Each pixel of the plate, and whether it belongs to the text.
    fn pixels(&self) -> impl Iterator<Item = (u32, u32, bool)> {
        let places = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        places.map(|(x, y)| (self.left + x, self.top + y, self.is_ink(x / self.scale, y / self.scale)))
    }

    /// Says whether a pixel of the plate, before it is enlarged, belongs to the text.
    fn is_ink(&self, x: u32, y: u32) -> bool {
        let (Some(x), Some(y)) = (x.checked_sub(PADDING_PX), y.checked_sub(PADDING_PX)) else { return false };
        let glyph = self.label.glyphs.get((x / GLYPH_PX) as usize);
        glyph.and_then(|rows| rows.get(y as usize)).is_some_and(|row| row >> (x % GLYPH_PX) & 1 == 1)
    }
}
