//! Detects formats by their first bytes.

use crate::media_type::MediaType;
use crate::read;
use crate::unsupported_format::UnsupportedFormat;
use crate::webm::{self, DocType};

/// Detects a file's format by its content alone. File names and declared types play no part.
///
/// It looks at the first 4 KiB at most. [`crate::inspect`] checks the rest.
///
/// # Errors
/// The format is not accepted: [`UnsupportedFormat`] names it where it is known.
pub fn sniff(bytes: &[u8]) -> Result<MediaType, UnsupportedFormat> {
    let head = bytes.get(..4096).unwrap_or(bytes);
    match head {
        [0xFF, 0xD8, 0xFF, ..] => Ok(MediaType::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(MediaType::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] => match form {
            [b'W', b'E', b'B', b'P', ..] => Ok(MediaType::Webp),
            [b'A', b'V', b'I', b' ', ..] => Err(UnsupportedFormat::Avi),
            [b'W', b'A', b'V', b'E', ..] => Err(UnsupportedFormat::Audio),
            _ => Err(UnsupportedFormat::Unknown),
        },
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => sniff_brands(head),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => match webm::doc_type(head) {
            Some(DocType::Webm) => Ok(MediaType::Webm),
            Some(DocType::Matroska) => Err(UnsupportedFormat::Matroska),
            None => Err(UnsupportedFormat::Unknown),
        },
        [0xFF, 0x0A, ..] | [0, 0, 0, 0x0C, b'J', b'X', b'L', b' ', ..] => Err(UnsupportedFormat::JpegXl),
        [b'G', b'I', b'F', b'8', ..] => Err(UnsupportedFormat::Gif),
        [b'%', b'P', b'D', b'F', ..] => Err(UnsupportedFormat::Pdf),
        [b'I', b'I', 0x2A | 0x2B, 0, ..] | [b'M', b'M', 0, 0x2A | 0x2B, ..] => Err(UnsupportedFormat::Tiff),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Err(UnsupportedFormat::Bmp),
        [b'I', b'D', b'3', ..] | [b'O', b'g', b'g', b'S', ..] | [b'f', b'L', b'a', b'C', ..] => {
            Err(UnsupportedFormat::Audio)
        }
        _ if is_markup(head) => Err(UnsupportedFormat::Svg),
        _ => Err(UnsupportedFormat::Unknown),
    }
}

/// The brands of an ISO base media file (ISO/IEC 14496-12, 4.3; registered at <https://mp4ra.org/registered-types/brands>).
/// Still pictures share the container with MP4, so they are told apart here. A
/// brand of audio says nothing, as videos list it too: [`crate::inspect`] looks at the tracks.
fn sniff_brands(head: &[u8]) -> Result<MediaType, UnsupportedFormat> {
    let declared = read::u32_be(head, 0).map_or(0, read::size);
    let end = declared.min(head.len());
    // The minor version stands between the major brand and the compatible ones.
    let major = head.get(8..12.min(end));
    let compatible = head.get(16.min(end)..end).unwrap_or_default().chunks_exact(4);
    let mut unsupported = None;
    for brand in major.into_iter().chain(compatible) {
        match brand {
            b"avif" | b"avis" => return Err(UnsupportedFormat::Avif),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
                unsupported = Some(UnsupportedFormat::Heic);
            }
            b"crx " => unsupported = Some(UnsupportedFormat::Tiff),
            _ => {}
        }
    }
    unsupported.map_or(Ok(MediaType::Mp4), Err)
}

fn is_markup(head: &[u8]) -> bool {
    let text = head.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(head).trim_ascii_start();
    let opens = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    opens(b"<svg") || opens(b"<?xml") || opens(b"<!--") || opens(b"<!doctype") || opens(b"<html")
}
