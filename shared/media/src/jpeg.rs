//! JPEG as a list of marker segments (ITU-T T.81, annex B), read up to the end-of-image marker.
//!
//! Stripping is by allowance: a segment stays only if decoding or showing the picture needs it.

use crate::error::MediaError;
use crate::media_info::ImageHeader;
use crate::media_type::MediaType;
use crate::orientation::Orientation;
use crate::read;

const SOF0: u8 = 0xC0;
const SOF2: u8 = 0xC2;
const DHT: u8 = 0xC4;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DRI: u8 = 0xDD;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;

/// The longest run of stray bytes between two segments that is skipped.
const MAX_STRAY_BYTES: usize = 64 << 10;

const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Reads the structure from start to end of image.
pub(crate) fn header(bytes: &[u8]) -> Result<ImageHeader, MediaError> {
    let mut frame = None;
    let mut scanned = false;
    let mut orientation = None;
    for segment in Segments::new(bytes) {
        let Segment { marker, payload, .. } = segment?;
        match marker {
            SOF0..=SOF2 if frame.is_some() => return Err(malformed("it has two frame headers")),
            SOF0..=SOF2 if payload.first() != Some(&8) => {
                return Err(unsupported(
                    "it has more than 8 bits per channel. Export it as a standard 8-bit JPEG and try again.",
                ));
            }
            SOF0..=SOF2 => {
                let sides = read::u16_be(payload, 3).zip(read::u16_be(payload, 1));
                frame = Some(sides.ok_or(malformed("its frame header is too short"))?);
            }
            0xC3 | 0xC5..=0xC7 | 0xC8..=0xCB | 0xCD..=0xCF | 0xDE | 0xDF => {
                return Err(unsupported(
                    "it is neither baseline nor progressive. Export it as a standard JPEG and try again.",
                ));
            }
            SOS if frame.is_none() => return Err(malformed("a scan comes before the frame header")),
            SOS => scanned = true,
            APP1 if orientation.is_none() => {
                orientation = payload.strip_prefix(EXIF).and_then(Orientation::find);
            }
            _ => {}
        }
    }
    let (width, height) = frame.ok_or(malformed("it has no frame header"))?;
    if !scanned {
        return Err(malformed("it has no scan"));
    }
    Ok(ImageHeader { width: width.into(), height: height.into(), orientation })
}

/// How a JPEG of four inks stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inks {
    /// As coverage: 0 is no ink.
    Plain,
    /// Inverted, as Adobe's programs do: 255 is no ink.
    Inverted,
    /// As luma, chroma and inverted black.
    Luma,
}

/// Says how the inks are stored. Returns `None` for an image without inks: with another number of components than four.
pub(crate) fn inks(bytes: &[u8]) -> Result<Option<Inks>, MediaError> {
    let (mut components, mut inks) = (0, Inks::Plain);
    for segment in Segments::new(bytes) {
        let Segment { marker, payload, .. } = segment?;
        match (marker, payload) {
            (SOF0..=SOF2, [_, _, _, _, _, count, ..]) => components = *count,
            // Behind the name: version, two flags, transform.
            (APP14, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, 2, ..]) => inks = Inks::Luma,
            (APP14, [b'A', b'd', b'o', b'b', b'e', ..]) => inks = Inks::Inverted,
            _ => {}
        }
    }
    Ok((components == 4).then_some(inks))
}

/// Keeps tables, frame, scans, the bare JFIF header, the Adobe transform, the orientation and, if `keeps_profile`, the ICC
/// profile. Removes everything else, stray bytes and what follows the end of the image included.
pub(crate) fn strip(bytes: &[u8], keeps_profile: bool) -> Result<Vec<u8>, MediaError> {
    let orientation = header(bytes)?.orientation;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend([0xFF, 0xD8]);
    let mut jfif = false;
    for segment in Segments::new(bytes) {
        let Segment { marker: APP0, payload, .. } = segment? else { continue };
        if let Some(density) = payload.get(..12).filter(|payload| payload.starts_with(b"JFIF\0")).filter(|_| !jfif) {
            // Two zeros: no thumbnail, which could show what was cropped away.
            push(&mut out, APP0, &[density, &[0, 0]]);
            jfif = true;
        }
    }
    if let Some(orientation) = orientation {
        push(&mut out, APP1, &[EXIF, &orientation.to_tiff()]);
    }
    for segment in Segments::new(bytes) {
        let Segment { marker, payload, scan, .. } = segment?;
        match marker {
            SOF0..=SOF2 | DHT | DQT | DRI | SOS => push(&mut out, marker, &[payload]),
            APP2 if keeps_profile && payload.starts_with(b"ICC_PROFILE\0") => push(&mut out, marker, &[payload]),
            APP14 if payload.starts_with(b"Adobe") => {
                push(&mut out, marker, &[payload.get(..12).unwrap_or(payload)]);
            }
            _ => continue,
        }
        out.extend_from_slice(scan);
    }
    out.extend([0xFF, EOI]);
    Ok(out)
}

/// Adds an XMP packet behind the leading JFIF and Exif segments, where readers look for it (XMP part 3, 1.1.3).
pub(crate) fn add_xmp(bytes: &[u8], packet: &str) -> Result<Vec<u8>, MediaError> {
    let mut at = 2;
    for segment in Segments::new(bytes) {
        match segment? {
            Segment { marker: APP0 | APP1, end, .. } => at = end,
            _ => break,
        }
    }
    let (head, rest) = bytes.split_at_checked(at).ok_or(truncated("a segment"))?;
    let mut out = head.to_vec();
    push(&mut out, APP1, &[XMP, packet.as_bytes()]);
    out.extend_from_slice(rest);
    Ok(out)
}

/// Writes a segment. Its parts are shorter than 64 KiB: they come from a segment, or are bounded by this crate.
fn push(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>().saturating_add(2);
    out.extend([0xFF, marker]);
    out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[derive(Debug, Clone, Copy)]
struct Segment<'a> {
    marker: u8,
    payload: &'a [u8],
    /// The entropy-coded data that follows a start of scan, restart markers included.
    scan: &'a [u8],
    /// Where the next marker begins.
    end: usize,
}

/// The segments between start and end of image. The first error is the last item.
struct Segments<'a> {
    bytes: &'a [u8],
    at: Option<usize>,
}

impl<'a> Segments<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: Some(2) }
    }

    /// The segment at `at`, or `None` at the end of the image.
    fn read(&self, mut at: usize) -> Result<Option<Segment<'a>>, MediaError> {
        if self.bytes.get(at).ok_or(truncated("the end of the image"))? != &0xFF {
            at = next_marker(self.bytes, at).ok_or(malformed("there are stray bytes between its segments"))?;
        }
        // A marker may be preceded by any number of fill bytes.
        while self.bytes.get(at) == Some(&0xFF) {
            at = at.saturating_add(1);
        }
        let marker = *self.bytes.get(at).ok_or(truncated("a segment"))?;
        at = at.saturating_add(1);
        match marker {
            EOI => return Ok(None),
            0x00..=0xBF | 0xD0..=0xD8 => return Err(malformed("a marker stands where none may")),
            _ => {}
        }
        let length = read::u16_be(self.bytes, at).ok_or(truncated("a segment"))?;
        if length < 2 {
            return Err(malformed("a segment is shorter than its own length field"));
        }
        let span = read::span(at, length.into(), self.bytes.len()).ok_or(truncated("a segment"))?;
        let payload = self.bytes.get(span.start.saturating_add(2)..span.end).unwrap_or_default();
        let rest = self.bytes.get(span.end..).unwrap_or_default();
        let scan_length = if marker == SOS { scan_length(rest).ok_or(truncated("the picture data"))? } else { 0 };
        let scan = rest.get(..scan_length).unwrap_or_default();
        Ok(Some(Segment { marker, payload, scan, end: span.end.saturating_add(scan_length) }))
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        let segment = self.read(self.at?).transpose();
        self.at = match &segment {
            Some(Ok(segment)) => Some(segment.end),
            _ => None,
        };
        segment
    }
}

/// Finds the marker of the next segment behind stray bytes, which viewers skip, within [`MAX_STRAY_BYTES`].
fn next_marker(bytes: &[u8], at: usize) -> Option<usize> {
    let window = bytes.get(at..)?;
    let window = window.get(..MAX_STRAY_BYTES).unwrap_or(window);
    let is_marker = |pair: &[u8]| matches!(pair, [0xFF, 0xC0..=0xCF | EOI..=0xFE]);
    Some(at + window.windows(2).position(is_marker)?)
}

/// How far the entropy-coded data goes: up to a marker that is neither a stuffed zero nor a restart.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        at = at.checked_add(bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?)?;
        match bytes.get(at.checked_add(1)?)? {
            0x00 | 0xD0..=0xD7 => at = at.checked_add(2)?,
            _ => return Some(at),
        }
    }
}

const fn truncated(part: &'static str) -> MediaError {
    MediaError::truncated(MediaType::Jpeg, part)
}

const fn malformed(rule: &'static str) -> MediaError {
    MediaError::malformed(MediaType::Jpeg, rule)
}

const fn unsupported(rule: &'static str) -> MediaError {
    MediaError::unsupported(MediaType::Jpeg, rule)
}
