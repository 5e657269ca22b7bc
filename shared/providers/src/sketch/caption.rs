//! Draws the caption: SKETCH, and as much of the prompt as fits.

use font8x8::{
    BASIC_FONTS, BLOCK_FONTS, BOX_FONTS, GREEK_FONTS, HIRAGANA_FONTS, LATIN_FONTS, MISC_FONTS, UnicodeFonts,
};
use image::{Rgb, RgbImage};

use super::scene::Scene;

const TITLE: &str = "SKETCH";
const GLYPH_PX: u32 = 8;
const LINE_PX: u32 = 11;
const PROMPT_LINES: usize = 2;
/// The glyph of characters that the font lacks: an empty box, as browsers draw it.
const MISSING: [u8; 8] = [0x00, 0x7e, 0x42, 0x42, 0x42, 0x42, 0x7e, 0x00];

/// Draws the caption into the lower left corner.
pub(super) fn write(picture: &mut RgbImage, scene: &Scene) {
    let (width, height) = picture.dimensions();
    let scale = ((width.min(height) + 160) / 330).max(1);
    let margin = GLYPH_PX * scale;
    let columns = width.saturating_sub(margin * 2) / (GLYPH_PX * scale);
    let mut lines = vec![TITLE.to_owned()];
    lines.extend(wrap(&scene.prompt, columns as usize));
    let rows_that_fit = (height / 2).saturating_sub(margin) / (LINE_PX * scale);
    lines.truncate(rows_that_fit.max(1) as usize);

    let padding = 4 * scale;
    let text_height = lines.len() as u32 * LINE_PX * scale;
    let widest = lines.iter().map(|line| line.chars().count() as u32).max().unwrap_or(0) * GLYPH_PX * scale;
    let (left, top) = (margin, height.saturating_sub(margin + text_height));
    shade(
        picture,
        left.saturating_sub(padding),
        top.saturating_sub(padding),
        widest + 2 * padding,
        text_height + padding,
    );
    for (row, line) in (0u32..).zip(&lines) {
        let colour = if row == 0 { scene.palette.accent.to_bytes() } else { [245, 243, 238] };
        draw_line(picture, line, left, top + row * LINE_PX * scale, scale, Rgb(colour));
    }
}

fn draw_line(picture: &mut RgbImage, line: &str, left: u32, top: u32, scale: u32, colour: Rgb<u8>) {
    for (column, character) in (0u32..).zip(line.chars()) {
        let glyph = glyph(character);
        for (y, bits) in (0u32..).zip(glyph) {
            for x in (0..GLYPH_PX).filter(|x| bits >> x & 1 == 1) {
                let (x, y) = (left + (column * GLYPH_PX + x) * scale, top + y * scale);
                for (dx, dy) in (0..scale).flat_map(|dy| (0..scale).map(move |dx| (dx, dy))) {
                    if let Some(pixel) = picture.get_pixel_mut_checked(x + dx, y + dy) {
                        *pixel = colour;
                    }
                }
            }
        }
    }
}

/// Darkens the background of the text, so that it is readable on any image.
fn shade(picture: &mut RgbImage, left: u32, top: u32, width: u32, height: u32) {
    for (x, y) in (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y))) {
        if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
            pixel.0 = pixel.0.map(|channel| (u16::from(channel) * 2 / 5) as u8);
        }
    }
}

fn glyph(character: char) -> [u8; 8] {
    BASIC_FONTS
        .get(character)
        .or_else(|| LATIN_FONTS.get(character))
        .or_else(|| GREEK_FONTS.get(character))
        .or_else(|| HIRAGANA_FONTS.get(character))
        .or_else(|| BOX_FONTS.get(character))
        .or_else(|| BLOCK_FONTS.get(character))
        .or_else(|| MISC_FONTS.get(character))
        .unwrap_or(MISSING)
}

/// Wraps a text at its spaces, or within a word that is longer than a line. Ends a text that does not fit with three dots.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    if columns < 4 {
        return Vec::new();
    }
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > columns && length <= columns {
            lines.push(String::new());
            used = 0;
        }
        if used > 0 && used < columns {
            push(&mut lines, ' ');
            used += 1;
        }
        for character in word.chars().filter(|c| !c.is_control()) {
            if used == columns {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, character);
            used += 1;
        }
        if lines.len() > PROMPT_LINES {
            break;
        }
    }
    if lines.len() > PROMPT_LINES {
        lines.truncate(PROMPT_LINES);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(columns - 3).collect::<String>() + "...";
        }
    }
    lines
}

fn push(lines: &mut [String], character: char) {
    if let Some(line) = lines.last_mut() {
        line.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, columns: usize, lines: &[&str]) {
        assert_eq!(wrap(text, columns), lines, "{text}");
    }

    #[test]
    fn prompt_wraps_at_spaces_and_is_cut_with_dots() {
        check("a red fox", 20, &["a red fox"]);
        check("a red fox in the snow", 9, &["a red fox", "in the..."]);
        check("a red fox in snow", 9, &["a red fox", "in snow"]);
        check("Donaudampfschiff", 10, &["Donaudampf", "schiff"]);
        check("夜の海", 4, &["夜の海"]);
        check("", 10, &[""]);
        check("too narrow", 3, &[]);
    }

    #[test]
    fn character_without_glyph_is_an_empty_box() {
        assert_eq!(glyph('夜'), MISSING);
        assert_ne!(glyph('é'), MISSING);
        assert_ne!(glyph('の'), MISSING);
    }
}
