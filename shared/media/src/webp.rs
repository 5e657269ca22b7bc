//! WebP as a RIFF form (RFC 9649). Animations are refused.

use crate::error::MediaError;
use crate::media_info::ImageHeader;
use crate::media_type::MediaType;
use crate::orientation::Orientation;
use crate::read;

/// Bits of the flags byte of `VP8X` (RFC 9649, section 2.7.1).
const HAS_ICC: u8 = 0x20;
const HAS_ALPHA: u8 = 0x10;
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;
const HAS_ANIMATION: u8 = 0x02;

/// Reads the structure to the end of the RIFF form.
pub(crate) fn header(bytes: &[u8]) -> Result<ImageHeader, MediaError> {
    Ok(Parts::read(bytes)?.header)
}

/// Keeps the image, its alpha, the orientation and, if `keeps_profile`, the colour profile. Removes Exif, XMP and unknown
/// chunks, and what follows the form.
pub(crate) fn strip(bytes: &[u8], keeps_profile: bool) -> Result<Vec<u8>, MediaError> {
    let mut parts = Parts::read(bytes)?;
    parts.profile = parts.profile.filter(|_| keeps_profile);
    Ok(parts.write(None))
}

/// Adds an XMP packet; the rest is as [`strip`] leaves it.
pub(crate) fn add_xmp(bytes: &[u8], packet: &str) -> Result<Vec<u8>, MediaError> {
    Ok(Parts::read(bytes)?.write(Some(packet)))
}

/// The chunks that matter.
struct Parts<'a> {
    header: ImageHeader,
    /// `VP8 ` or `VP8L`.
    kind: [u8; 4],
    data: &'a [u8],
    /// Whether the lossless data itself says that it has transparent pixels.
    lossless_alpha: bool,
    alpha: Option<&'a [u8]>,
    profile: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, MediaError> {
        let size = read::u32_le(bytes, 4).ok_or(truncated("the RIFF header"))?;
        let form = read::span(8, size.into(), bytes.len()).ok_or(truncated("the RIFF form"))?;
        let mut chunks = Chunks { form: bytes.get(..form.end).unwrap_or_default(), at: 12 };
        let (mut canvas, mut picture, mut alpha, mut profile, mut orientation) = (None, None, None, None, None);
        while let Some(Chunk { kind, payload }) = chunks.next()? {
            match &kind {
                b"VP8X" if canvas.is_none() && picture.is_none() => canvas = Some(read_canvas(payload)?),
                b"VP8X" => return Err(malformed("its VP8X chunk is not the first")),
                b"VP8 " | b"VP8L" if picture.is_some() => return Err(malformed("it holds two pictures")),
                b"VP8 " | b"VP8L" => picture = Some((kind, payload)),
                b"ANIM" | b"ANMF" => return Err(animated()),
                b"ALPH" => alpha = alpha.or(Some(payload)),
                b"ICCP" => profile = profile.or(Some(payload)),
                b"EXIF" if orientation.is_none() => {
                    // Some writers keep the prefix that Exif has in JPEG.
                    orientation = Orientation::find(payload.strip_prefix(b"Exif\0\0").unwrap_or(payload));
                }
                _ => {}
            }
        }
        let (kind, data) = picture.ok_or(malformed("it holds no picture"))?;
        let lossless = kind == *b"VP8L";
        let (width, height, lossless_alpha) = if lossless { read_lossless(data)? } else { read_lossy(data)? };
        if canvas.is_some_and(|canvas| canvas != (width, height)) {
            return Err(malformed("its canvas and its picture differ in size"));
        }
        // Only the extended form may hold these.
        let extended = canvas.is_some();
        Ok(Self {
            header: ImageHeader { width, height, orientation: orientation.filter(|_| extended) },
            kind,
            data,
            lossless_alpha,
            alpha: alpha.filter(|_| extended && !lossless),
            profile: profile.filter(|_| extended),
        })
    }

    fn write(&self, xmp: Option<&str>) -> Vec<u8> {
        let ImageHeader { width, height, orientation } = self.header;
        let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
        // The extended form only where something needs it.
        if self.profile.is_some() || self.alpha.is_some() || orientation.is_some() || xmp.is_some() {
            let flag = |bit: u8, set: bool| if set { bit } else { 0 };
            let flags = flag(HAS_ICC, self.profile.is_some())
                | flag(HAS_ALPHA, self.alpha.is_some() || self.lossless_alpha)
                | flag(HAS_EXIF, orientation.is_some())
                | flag(HAS_XMP, xmp.is_some());
            let mut canvas = vec![flags, 0, 0, 0];
            for side in [width, height] {
                canvas.extend(side.saturating_sub(1).to_le_bytes().into_iter().take(3));
            }
            push(&mut out, *b"VP8X", &canvas);
        }
        if let Some(profile) = self.profile {
            push(&mut out, *b"ICCP", profile);
        }
        if let Some(alpha) = self.alpha {
            push(&mut out, *b"ALPH", alpha);
        }
        push(&mut out, self.kind, self.data);
        if let Some(orientation) = orientation {
            push(&mut out, *b"EXIF", &orientation.to_tiff());
        }
        if let Some(packet) = xmp {
            push(&mut out, *b"XMP ", packet.as_bytes());
        }
        let size = u32::try_from(out.len().saturating_sub(8)).unwrap_or(u32::MAX);
        read::write(&mut out, 4, &size.to_le_bytes());
        out
    }
}

fn push(out: &mut Vec<u8>, kind: [u8; 4], payload: &[u8]) {
    out.extend(kind);
    out.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(payload);
    if payload.len() % 2 == 1 {
        out.push(0);
    }
}

fn read_canvas(payload: &[u8]) -> Result<(u32, u32), MediaError> {
    let &[flags, _, _, _, w0, w1, w2, h0, h1, h2] = payload else {
        return Err(malformed("its VP8X chunk does not have 10 bytes"));
    };
    if flags & HAS_ANIMATION != 0 {
        return Err(animated());
    }
    let side = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]).saturating_add(1);
    Ok((side(w0, w1, w2), side(h0, h1, h2)))
}

/// The frame header of a VP8 key frame (RFC 6386, section 9.1).
fn read_lossy(data: &[u8]) -> Result<(u32, u32, bool), MediaError> {
    let &[tag, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = data else {
        return Err(malformed("its VP8 data does not start with a key frame"));
    };
    if tag & 1 != 0 {
        return Err(malformed("its VP8 data does not start with a key frame"));
    }
    // The upper two bits of each side are a scaling hint.
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    Ok((side(w0, w1), side(h0, h1), false))
}

/// The header of a VP8L picture (RFC 9649, section 3.4): 14 bits for each side less one, then the alpha hint.
fn read_lossless(data: &[u8]) -> Result<(u32, u32, bool), MediaError> {
    let Some((0x2F, bits)) = data.first().zip(read::u32_le(data, 1)) else {
        return Err(malformed("its VP8L data does not start with the signature"));
    };
    Ok(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1 == 1))
}

struct Chunk<'a> {
    kind: [u8; 4],
    payload: &'a [u8],
}

struct Chunks<'a> {
    form: &'a [u8],
    at: usize,
}

impl<'a> Chunks<'a> {
    fn next(&mut self) -> Result<Option<Chunk<'a>>, MediaError> {
        if self.at >= self.form.len() {
            return Ok(None);
        }
        let kind = read::array(self.form, self.at).ok_or(truncated("a chunk"))?;
        let length = read::u32_le(self.form, self.at.saturating_add(4)).ok_or(truncated("a chunk"))?;
        let span = read::span(self.at.saturating_add(8), length.into(), self.form.len()).ok_or(truncated("a chunk"))?;
        // Chunks start at even offsets; some writers leave the last padding byte out.
        self.at = span.end.saturating_add(span.end % 2);
        Ok(Some(Chunk { kind, payload: self.form.get(span).unwrap_or_default() }))
    }
}

const fn animated() -> MediaError {
    MediaError::Animated { media_type: MediaType::Webp }
}

const fn truncated(part: &'static str) -> MediaError {
    MediaError::truncated(MediaType::Webp, part)
}

const fn malformed(rule: &'static str) -> MediaError {
    MediaError::malformed(MediaType::Webp, rule)
}
