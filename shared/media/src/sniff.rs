use crate::webm::{self, DocType};
use crate::{MediaError, MediaType};

/// What the first bytes of a file say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// One of the accepted formats, as far as the signature tells.
    Accepted(MediaType),
    /// Anything else.
    Refused(Refusal),
}

/// A format that is not accepted, by name where it is known, so that the error can say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// HEIC or HEIF.
    #[error("heic cannot be stripped of its metadata here: convert it to JPEG")]
    Heic,
    /// AVIF.
    #[error("avif cannot be stripped of its metadata here: convert it to JPEG, PNG or WebP")]
    Avif,
    /// JPEG XL.
    #[error("jpeg xl is not accepted: convert it to JPEG, PNG or WebP")]
    JpegXl,
    /// GIF.
    #[error("gif is not accepted: convert it to PNG, or to MP4 if it moves")]
    Gif,
    /// SVG, or markup that could be one.
    #[error("svg and other markup is not accepted: export it as PNG")]
    Svg,
    /// PDF.
    #[error("pdf is not accepted: export the page as PNG or JPEG")]
    Pdf,
    /// TIFF, and the camera raw formats that are built on it.
    #[error("tiff and camera raw files are not accepted: convert them to JPEG or PNG")]
    Tiff,
    /// BMP.
    #[error("bmp is not accepted: convert it to PNG")]
    Bmp,
    /// Matroska that is not WebM.
    #[error("matroska is not accepted: convert it to WebM or MP4")]
    Matroska,
    /// AVI.
    #[error("avi is not accepted: convert it to MP4 or WebM")]
    Avi,
    /// Sound without pictures.
    #[error("audio files are not accepted: send a picture or a video")]
    Audio,
    /// Nothing that is known.
    #[error("the file is none of the accepted types: JPEG, PNG, WebP, MP4, WebM")]
    Unknown,
}

impl Sniffed {
    /// The accepted type, or the refusal as an error.
    ///
    /// # Errors
    /// [`MediaError::Refused`].
    pub const fn accepted(self) -> Result<MediaType, MediaError> {
        match self {
            Self::Accepted(media_type) => Ok(media_type),
            Self::Refused(refusal) => Err(MediaError::Refused(refusal)),
        }
    }
}

/// Recognises a format by its content alone; names and declared types play no part.
///
/// It looks at the first 4 KiB at most and promises nothing about the rest: [`crate::measure`] does.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Sniffed {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let accepted = Sniffed::Accepted;
    let refused = Sniffed::Refused;
    match head {
        [0xFF, 0xD8, 0xFF, ..] => accepted(MediaType::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => accepted(MediaType::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] => match form {
            [b'W', b'E', b'B', b'P', ..] => accepted(MediaType::Webp),
            [b'A', b'V', b'I', b' ', ..] => refused(Refusal::Avi),
            [b'W', b'A', b'V', b'E', ..] => refused(Refusal::Audio),
            _ => refused(Refusal::Unknown),
        },
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => sniff_brands(head),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => match webm::doc_type(head) {
            Some(DocType::Webm) => accepted(MediaType::Webm),
            Some(DocType::Matroska) => refused(Refusal::Matroska),
            None => refused(Refusal::Unknown),
        },
        [0xFF, 0x0A, ..] | [0, 0, 0, 0x0C, b'J', b'X', b'L', b' ', ..] => refused(Refusal::JpegXl),
        [b'G', b'I', b'F', b'8', ..] => refused(Refusal::Gif),
        [b'%', b'P', b'D', b'F', ..] => refused(Refusal::Pdf),
        [b'I', b'I', 0x2A | 0x2B, 0, ..] | [b'M', b'M', 0, 0x2A | 0x2B, ..] => refused(Refusal::Tiff),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => refused(Refusal::Bmp),
        [b'I', b'D', b'3', ..] | [b'O', b'g', b'g', b'S', ..] | [b'f', b'L', b'a', b'C', ..] => refused(Refusal::Audio),
        _ if is_markup(head) => refused(Refusal::Svg),
        _ => refused(Refusal::Unknown),
    }
}

/// The brands of an ISO base media file (ISO/IEC 14496-12, 4.3; registered at <https://mp4ra.org/registered-types/brands>).
/// Still pictures share the container with MP4, so they are told apart here.
fn sniff_brands(head: &[u8]) -> Sniffed {
    let declared = crate::read::u32_be(head, 0).map_or(0, crate::read::size);
    let end = declared.min(head.len());
    // The minor version stands between the major brand and the compatible ones.
    let major = head.get(8..12.min(end));
    let compatible = head.get(16.min(end)..end).unwrap_or_default().chunks_exact(4);
    let mut refusal = None;
    for brand in major.into_iter().chain(compatible) {
        match brand {
            b"avif" | b"avis" => return Sniffed::Refused(Refusal::Avif),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
                refusal = Some(Refusal::Heic);
            }
            b"crx " => refusal = Some(Refusal::Tiff),
            b"M4A " | b"M4B " | b"M4P " => refusal = refusal.or(Some(Refusal::Audio)),
            _ => {}
        }
    }
    refusal.map_or(Sniffed::Accepted(MediaType::Mp4), Sniffed::Refused)
}

fn is_markup(head: &[u8]) -> bool {
    let text = head.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(head).trim_ascii_start();
    let opens = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    opens(b"<svg") || opens(b"<?xml") || opens(b"<!--") || opens(b"<!doctype") || opens(b"<html")
}
