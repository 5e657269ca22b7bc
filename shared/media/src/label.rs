//! A visible label: a short text on a dark, translucent plate in the lower right corner.

mod chinese;

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};
use image::{DynamicImage, GenericImage, GenericImageView, Rgba};

use crate::error::MediaError;
use crate::media_type::MediaType;

/// The longest text, in characters.
pub const MAX_LABEL_CHARACTERS: usize = 24;

/// The sides of a glyph of a western language, before it is enlarged.
const SMALL_PX: u32 = 8;
/// The sides of one if the text has Chinese characters.
const LARGE_PX: u32 = 16;
/// The space around the text, and around the plate, in eighths of a glyph.
const PADDING: u32 = 3;
/// The height of a capital, in eighths of its glyph. Chinese characters are higher.
const CAPITAL: u32 = 7;
/// The least height of a capital, in hundredths of the shorter side of the picture, if the text is not too long for it.
const HEIGHT: u32 = 5;
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
    /// The rows of each, in each the leftmost pixel as the lowest bit.
    glyphs: Vec<[u16; 16]>,
    /// The sides of a glyph.
    side: u32,
}

/// Reports that a text cannot be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a visible label has 1 to {MAX_LABEL_CHARACTERS} characters of ISO 8859-1 and of the words 人工智能, 生成, 合成"
)]
pub struct InvalidLabel;

impl VisibleLabel {
    /// Takes a text.
    ///
    /// # Errors
    /// It is empty or too long, or the fonts lack one of its characters: they have those of English and of western Europe, and
    /// those of the Chinese words that such a label has.
    pub fn new(text: &str) -> Result<Self, InvalidLabel> {
        let text = text.trim().to_owned();
        let is_chinese = |character: char| chinese::GLYPHS.iter().any(|(known, _)| *known == character);
        let side = if text.chars().any(is_chinese) { LARGE_PX } else { SMALL_PX };
        let glyph = |character| glyph(character, side).ok_or(InvalidLabel);
        let glyphs: Vec<_> = text.chars().map(glyph).collect::<Result<_, _>>()?;
        let fits = (1..=MAX_LABEL_CHARACTERS).contains(&glyphs.len());
        if fits { Ok(Self { text, glyphs, side }) } else { Err(InvalidLabel) }
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
        let characters = u32::try_from(self.glyphs.len()).unwrap_or(u32::MAX);
        let padding = self.side * PADDING / 8;
        let plate_width = characters.saturating_mul(self.side).saturating_add(2 * padding);
        let plate_height = self.side + 2 * padding;
        // In hundredths of a pixel, rounded up. A text that is too long for that is as high as it can be.
        let wanted = width.min(height).saturating_mul(HEIGHT).div_ceil(self.side * CAPITAL / 8 * 100);
        let scale = wanted.min(width / plate_width.saturating_add(padding)).min(height / (plate_height + padding));
        let [plate_width, plate_height, margin] =
            [plate_width, plate_height, padding].map(|length| length.saturating_mul(scale));
        let left = width.checked_sub(plate_width.saturating_add(margin));
        let top = height.checked_sub(plate_height.saturating_add(margin));
        let too_small =
            MediaError::unsupported(media_type, "it is too small for a visible label. Choose a larger size.");
        let (left, top) = left.zip(top).filter(|_| scale > 0).ok_or(too_small)?;
        Ok(Plate { label: self, scale, padding, left, top, width: plate_width, height: plate_height })
    }
}

/// Returns the rows of a glyph with these sides. The glyphs of western languages are enlarged to those of Chinese ones.
fn glyph(character: char, side: u32) -> Option<[u16; 16]> {
    let mut rows = [0; 16];
    if let Some((_, known)) = chinese::GLYPHS.iter().find(|(known, _)| *known == character) {
        for (row, known) in rows.iter_mut().zip(known) {
            *row = known.reverse_bits();
        }
        return Some(rows);
    }
    let drawn = BASIC_FONTS.get(character).or_else(|| LATIN_FONTS.get(character));
    let drawn = drawn.filter(|_| !character.is_control())?;
    let doubled = |row: u8| (0..8).fold(0, |wide, bit| wide | (u16::from(row >> bit & 1) * 0b11) << (2 * bit));
    let source: Vec<u16> = match side {
        LARGE_PX => drawn.iter().flat_map(|row| [doubled(*row); 2]).collect(),
        _ => drawn.iter().map(|row| u16::from(*row)).collect(),
    };
    for (row, source) in rows.iter_mut().zip(source) {
        *row = source;
    }
    Some(rows)
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
    padding: u32,
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
        let (Some(x), Some(y)) = (x.checked_sub(self.padding), y.checked_sub(self.padding)) else { return false };
        let side = self.label.side;
        let glyph = self.label.glyphs.get((x / side) as usize);
        glyph.and_then(|rows| rows.get(y as usize)).is_some_and(|row| row >> (x % side) & 1 == 1)
    }
}
