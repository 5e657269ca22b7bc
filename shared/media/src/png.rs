//! PNG as a list of chunks (W3C PNG, third edition, section 5), each with a CRC that is checked.
//!
//! Stripping is by allowance: the critical chunks stay, and of the others those that decide colours.

use std::ops::RangeInclusive;

use crate::error::MediaError;
use crate::media_info::ImageHeader;
use crate::media_type::MediaType;
use crate::orientation::Orientation;
use crate::read;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Signature, length, type, 13 bytes and CRC of the header chunk, which has a fixed size and comes first.
const AFTER_IHDR: usize = 33;

/// Reads the structure from signature to IEND.
pub(crate) fn header(bytes: &[u8]) -> Result<ImageHeader, MediaError> {
    let mut sides = None;
    let mut data = Data::Before;
    let mut palette = false;
    let mut orientation = None;
    for chunk in Chunks::new(bytes) {
        let Chunk { kind, payload } = chunk?;
        if sides.is_none() && kind != *b"IHDR" {
            return Err(malformed("its first chunk is not IHDR"));
        }
        if data == Data::Inside && kind != *b"IDAT" {
            data = Data::After;
        }
        match &kind {
            b"IHDR" if sides.is_some() => return Err(malformed("it has two IHDR chunks")),
            b"IHDR" => sides = Some(image_header(payload)?),
            b"IDAT" if data == Data::After => return Err(malformed("its IDAT chunks are not consecutive")),
            b"IDAT" => data = Data::Inside,
            b"PLTE" => palette = true,
            b"IEND" => {}
            // An animation of one frame, which is the image itself, is a still image.
            b"acTL" if read::u32_be(payload, 0) == Some(1) => {}
            b"fcTL" if data == Data::Before => {}
            b"acTL" | b"fcTL" | b"fdAT" => return Err(MediaError::Animated { media_type: MediaType::Png }),
            // Browsers ignore Exif behind the image data.
            b"eXIf" if orientation.is_none() && data == Data::Before => orientation = Orientation::find(payload),
            [first, ..] if first.is_ascii_uppercase() => return Err(malformed("it has an unknown critical chunk")),
            _ => {}
        }
    }
    let (width, height, indexed) = sides.ok_or(malformed("it has no IHDR chunk"))?;
    if data == Data::Before {
        return Err(malformed("it has no IDAT chunk"));
    }
    if indexed && !palette {
        return Err(malformed("its colours are indexed but it has no palette"));
    }
    Ok(ImageHeader { width, height, orientation })
}

/// Keeps the critical chunks, colour, transparency, pixel density, the orientation and, if `keeps_profile`, the ICC profile.
/// Removes text, times, Exif, animation and unknown chunks, and what follows IEND.
pub(crate) fn strip(bytes: &[u8], keeps_profile: bool) -> Result<Vec<u8>, MediaError> {
    let orientation = header(bytes)?.orientation;
    let has_profile = Chunks::new(bytes).flatten().any(|chunk| chunk.kind == *b"iCCP");
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(SIGNATURE);
    for chunk in Chunks::new(bytes) {
        let Chunk { kind, payload } = chunk?;
        match &kind {
            b"IHDR" => {
                push(&mut out, kind, &[payload]);
                if let Some(orientation) = orientation {
                    push(&mut out, *b"eXIf", &[&orientation.to_tiff()]);
                }
            }
            // Without its profile an image is sRGB: what else describes its colours belongs to the profile.
            b"iCCP" | b"gAMA" | b"cHRM" | b"cICP" | b"mDCV" | b"cLLI" if !keeps_profile && has_profile => {}
            b"iCCP" => {
                // The profile's name is free text.
                if let Some(name_length) = payload.iter().position(|byte| *byte == 0) {
                    push(&mut out, kind, &[b"icc", payload.get(name_length..).unwrap_or_default()]);
                }
            }
            b"PLTE" | b"IDAT" | b"IEND" | b"tRNS" | b"gAMA" | b"cHRM" | b"sRGB" | b"sBIT" | b"bKGD" | b"pHYs"
            | b"cICP" | b"mDCV" | b"cLLI" => push(&mut out, kind, &[payload]),
            _ => {}
        }
    }
    Ok(out)
}

/// Adds an XMP packet behind the header (XMP part 3, 1.1.5).
pub(crate) fn add_xmp(bytes: &[u8], packet: &str) -> Result<Vec<u8>, MediaError> {
    let (head, rest) =
        bytes.split_at_checked(AFTER_IHDR).ok_or(MediaError::truncated(MediaType::Png, "the IHDR chunk"))?;
    let mut out = head.to_vec();
    // Keyword, then: not compressed, method 0, no language, no translated keyword.
    push(&mut out, *b"iTXt", &[b"XML:com.adobe.xmp\0", &[0, 0, 0, 0], packet.as_bytes()]);
    out.extend_from_slice(rest);
    Ok(out)
}

fn push(out: &mut Vec<u8>, kind: [u8; 4], parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut crc = crc32fast::Hasher::new();
    crc.update(&kind);
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(kind);
    for part in parts {
        crc.update(part);
        out.extend_from_slice(part);
    }
    out.extend(crc.finalize().to_be_bytes());
}

/// Width, height, and whether colours come from a palette.
fn image_header(payload: &[u8]) -> Result<(u32, u32, bool), MediaError> {
    let sides = read::u32_be(payload, 0).zip(read::u32_be(payload, 4));
    let (Some((width, height)), Some([depth, colour, compression, filter, interlace])) =
        (sides, payload.get(8..).and_then(|rest| <[u8; 5]>::try_from(rest).ok()))
    else {
        return Err(malformed("its IHDR chunk does not have 13 bytes"));
    };
    let depths: RangeInclusive<u8> = match colour {
        0 => 1..=16,
        3 => 1..=8,
        2 | 4 | 6 => 8..=16,
        _ => return Err(malformed("its colour type is unknown")),
    };
    if !depths.contains(&depth) || !depth.is_power_of_two() || compression != 0 || filter != 0 || interlace > 1 {
        return Err(malformed("its IHDR chunk holds a value that the specification does not allow"));
    }
    Ok((width, height, colour == 3))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    Before,
    Inside,
    After,
}

#[derive(Debug, Clone, Copy)]
struct Chunk<'a> {
    kind: [u8; 4],
    payload: &'a [u8],
}

/// The chunks up to and with IEND. The first error is the last item.
struct Chunks<'a> {
    bytes: &'a [u8],
    at: Option<usize>,
}

impl<'a> Chunks<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: Some(SIGNATURE.len()) }
    }

    fn read(&self, at: usize) -> Result<(Chunk<'a>, usize), MediaError> {
        let truncated = || MediaError::truncated(MediaType::Png, "a chunk");
        let length = read::u32_be(self.bytes, at).ok_or_else(truncated)?;
        let body = at.saturating_add(8);
        let kind: [u8; 4] = read::array(self.bytes, at.saturating_add(4)).ok_or_else(truncated)?;
        let span = read::span(body, length.into(), self.bytes.len()).ok_or_else(truncated)?;
        let expected = read::u32_be(self.bytes, span.end).ok_or_else(truncated)?;
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(malformed("a chunk's type is not alphabetic"));
        }
        let checked = self.bytes.get(at.saturating_add(4)..span.end).unwrap_or_default();
        if crc32fast::hash(checked) != expected {
            return Err(malformed("a chunk's checksum does not match its content"));
        }
        let next = span.end.saturating_add(4);
        Ok((Chunk { kind, payload: self.bytes.get(span).unwrap_or_default() }, next))
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.read(self.at?);
        self.at = match &item {
            Ok((chunk, next)) if chunk.kind != *b"IEND" => Some(*next),
            _ => None,
        };
        Some(item.map(|(chunk, _)| chunk))
    }
}

const fn malformed(rule: &'static str) -> MediaError {
    MediaError::malformed(MediaType::Png, rule)
}
