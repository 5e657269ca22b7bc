use crate::aigc::{self, AigcLabel};
use crate::error::MediaError;
use crate::media_type::MediaType;
use crate::sniff::sniff;
use crate::strip::strip_metadata;
use crate::{jpeg, mp4, png, webp};

/// The longest note, in bytes of UTF-8. Escaped, it still fits one JPEG segment.
pub const MAX_NOTE_BYTES: usize = 1000;

/// IPTC's term for media that a trained model made (<https://cv.iptc.org/newscodes/digitalsourcetype/>).
const DIGITAL_SOURCE_TYPE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// Strips a file, then marks it as generated: an XMP packet with IPTC's digital source type and `note` as its
/// description, and with `aigc` the label that China asks for: in the packet, and in an MP4 that is not fragmented also as
/// metadata of the movie. The same input gives the same bytes, and marking again replaces the mark.
///
/// Note and label go out with the file: they must not name the account or quote the prompt.
///
/// # Errors
/// Those of [`strip_metadata`], [`MediaError::NoteTooLong`], and [`MediaError::UnsupportedFeature`] for WebM, for which XMP has no
/// place.
pub fn mark_generated(bytes: Vec<u8>, note: &str, aigc: Option<AigcLabel<'_>>) -> Result<Vec<u8>, MediaError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(MediaError::NoteTooLong);
    }
    let packet = packet(note, aigc);
    let media_type = sniff(&bytes)?;
    check_markable(media_type)?;
    let stripped = strip_metadata(bytes)?;
    match media_type {
        MediaType::Jpeg => jpeg::add_xmp(&stripped, &packet),
        MediaType::Png => png::add_xmp(&stripped, &packet),
        MediaType::Webp => webp::add_xmp(&stripped, &packet),
        MediaType::Mp4 | MediaType::Webm => {
            let labelled = if let Some(label) = aigc { label.add_to_mp4(stripped)? } else { stripped };
            Ok(mp4::add_xmp(labelled, &packet))
        }
    }
}

/// Checks that files of a type have a place for a provenance mark.
///
/// # Errors
/// [`MediaError::UnsupportedFeature`] for WebM.
pub fn check_markable(media_type: MediaType) -> Result<(), MediaError> {
    if media_type == MediaType::Webm {
        return Err(MediaError::unsupported(media_type, "WebM has no place for a provenance mark. Use MP4."));
    }
    Ok(())
}

/// Returns the source that the XMP packet of a file states: the last part of an IPTC term, such as `trainedAlgorithmicMedia`. Packets
/// are found by their wrapper (XMP part 3, 2.2), so one that is compressed is not found. Anyone can write or remove such a mark.
#[must_use]
pub fn stated_source(bytes: &[u8]) -> Option<&str> {
    let mut rest = bytes;
    while let Some(packet) = after(rest, b"<?xpacket begin=") {
        let length = packet.windows(PACKET_END.len()).position(|window| window == PACKET_END)?;
        let (text, behind) = packet.split_at_checked(length)?;
        if let Some(term) = after(text, b"DigitalSourceType").and_then(|text| after(text, SOURCE_TYPES)) {
            let length = term.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            return term.get(..length).and_then(|term| std::str::from_utf8(term).ok()).filter(|term| !term.is_empty());
        }
        rest = behind;
    }
    None
}

const PACKET_END: &[u8] = b"<?xpacket end=";
/// What the IPTC terms for sources begin with.
const SOURCE_TYPES: &[u8] = b"http://cv.iptc.org/newscodes/digitalsourcetype/";

/// Returns what follows the first occurrence of a text.
fn after<'a>(bytes: &'a [u8], text: &[u8]) -> Option<&'a [u8]> {
    let start = bytes.windows(text.len()).position(|window| window == text)?;
    bytes.get(start + text.len()..)
}

/// An XMP packet (XMP part 1, 7.3; IPTC Photo Metadata Standard 2023.2, "Digital Source Type").
fn packet(note: &str, aigc: Option<AigcLabel<'_>>) -> String {
    let note = escape(note);
    let aigc = aigc.map_or_else(String::new, |label| {
        let (namespace, json) = (aigc::NAMESPACE, escape(&label.json()));
        format!("<TC260:AIGC xmlns:TC260=\"{namespace}\">{json}</TC260:AIGC>")
    });
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" \
         xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
         <Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>\
         <dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">{note}</rdf:li></rdf:Alt></dc:description>\
         {aigc}\
         </rdf:Description></rdf:RDF></x:xmpmeta>\
         <?xpacket end=\"r\"?>"
    )
}

/// Control characters, which XML cannot hold, become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
