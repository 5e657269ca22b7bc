//! Taking metadata out of WebM in place. No offset changes: what goes becomes Void elements of the same size.
//!
//! Elements stay by allowance: what is not listed here goes, in the segment, its header parts and its clusters.

use super::ebml::{Element, malformed};
use super::ids::{
    BLOCK_GROUP, CLUSTER, CODEC_ID, CODEC_PRIVATE, CONTENT_ENCODING, CONTENT_ENCODINGS, CONTENT_ENCRYPTION, CUES,
    DURATION, INFO, MUXING_APP, SEEK, SEEK_HEAD, SEEK_ID, SIMPLE_BLOCK, TIMESTAMP, TIMESTAMP_SCALE, TRACK_ENTRY,
    TRACK_TYPE, TRACKS, WRITING_APP,
};
use super::segment::{Part, Parts, segment};
use crate::error::MediaError;
use crate::media_type::MediaType;
use crate::read;

/// What a TrackEntry needs to play. Names, attachment links and operations are not here.
#[rustfmt::skip]
const TRACK_FIELDS: [u32; 20] = [
    0xD7, 0x73C5, TRACK_TYPE, 0xB9, 0x88, 0x55AA, 0x9C, // numbers, type, flags
    0x23_E383, 0x55EE, 0x41E4, 0x22_B59C, 0x22_B59D, // default duration, block additions, language
    CODEC_ID, CODEC_PRIVATE, 0x56AA, 0x56BB, 0xE0, 0xE1, CONTENT_ENCODINGS, // codec, delays, video, audio, encodings
    0x23_314F, // timestamp scale
];

/// Children of a cluster that are needed to play: its time, blocks, and for players that seek backwards the
/// previous cluster's size.
const CLUSTER_FIELDS: [u32; 4] = [TIMESTAMP, SIMPLE_BLOCK, BLOCK_GROUP, 0xAB];

/// Tags, attachments, chapters, names, dates and checksums become Void, the names of the writing programs, which
/// must be there, become empty. Tracks that are neither video nor audio are refused, since their blocks are woven
/// into those of the others.
pub(crate) fn strip(mut file: Vec<u8>) -> Result<Vec<u8>, MediaError> {
    let segment = segment(&file)?;
    let mut parts = Parts::of(segment);
    while let Some(part) = parts.next(&file)? {
        match part {
            Part::Top(element) => strip_part(&mut file, element)?,
            Part::InCluster(element) if !CLUSTER_FIELDS.contains(&element.id) => element.void(&mut file),
            Part::InCluster(_) | Part::Cluster => {}
        }
    }
    file.truncate(segment.end);
    Ok(file)
}

fn strip_part(file: &mut [u8], element: Element) -> Result<(), MediaError> {
    match element.id {
        SEEK_HEAD => strip_seek_head(file, element),
        INFO => strip_info(file, element),
        TRACKS => strip_tracks(file, element),
        CUES => Ok(()),
        _ => {
            element.void(file);
            Ok(())
        }
    }
}

/// Entries that point at what is gone go too.
fn strip_seek_head(file: &mut [u8], seek_head: Element) -> Result<(), MediaError> {
    let mut entries = seek_head.children();
    while let Some(entry) = entries.next(file)? {
        let target = if entry.id == SEEK { entry.child(file, SEEK_ID)? } else { None };
        let target = target.map(|target| target.unsigned(file)).transpose()?;
        let stays = [SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES].map(u64::from);
        if !target.is_some_and(|target| stays.contains(&target)) {
            entry.void(file);
        }
    }
    Ok(())
}

fn strip_info(file: &mut [u8], info: Element) -> Result<(), MediaError> {
    let mut fields = info.children();
    while let Some(field) = fields.next(file)? {
        match field.id {
            TIMESTAMP_SCALE | DURATION => {}
            // A string ends at its first zero byte.
            MUXING_APP | WRITING_APP => read::zero(file, field.body..field.end),
            _ => field.void(file),
        }
    }
    Ok(())
}

fn strip_tracks(file: &mut [u8], tracks: Element) -> Result<(), MediaError> {
    let mut entries = tracks.children();
    while let Some(entry) = entries.next(file)? {
        if entry.id != TRACK_ENTRY {
            entry.void(file);
            continue;
        }
        let track_type = entry.child(file, TRACK_TYPE)?.ok_or(malformed("a track has no type"))?.unsigned(file)?;
        if !matches!(track_type, 1 | 2) {
            return Err(MediaError::unsupported(
                MediaType::Webm,
                "it has tracks other than video and audio, which cannot be removed safely. Export it without \
                 subtitles and data tracks and try again.",
            ));
        }
        if is_encrypted(file, entry)? {
            return Err(MediaError::unsupported(
                MediaType::Webm,
                "it is encrypted. Export it without copy protection and try again.",
            ));
        }
        let mut fields = entry.children();
        while let Some(field) = fields.next(file)? {
            if !TRACK_FIELDS.contains(&field.id) {
                field.void(file);
            }
        }
        strip_vorbis_comments(file, entry)?;
    }
    Ok(())
}

/// Says whether the blocks of a track are encrypted (RFC 9559, 5.1.4.1.31).
fn is_encrypted(file: &[u8], entry: Element) -> Result<bool, MediaError> {
    let Some(encodings) = entry.child(file, CONTENT_ENCODINGS)? else { return Ok(false) };
    let mut encodings = encodings.children();
    while let Some(encoding) = encodings.next(file)? {
        if encoding.id == CONTENT_ENCODING && encoding.child(file, CONTENT_ENCRYPTION)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Vorbis keeps its title, artist and location tags in the codec's own header (Vorbis I, section 5): three packets
/// behind Xiph lacing, the second of which are comments. Their text becomes zeros, their lengths stay.
fn strip_vorbis_comments(file: &mut [u8], entry: Element) -> Result<(), MediaError> {
    let is_vorbis = entry.child(file, CODEC_ID)?.is_some_and(|codec| codec.bytes(file).starts_with(b"A_VORBIS"));
    let Some(private) = entry.child(file, CODEC_PRIVATE)?.filter(|_| is_vorbis) else { return Ok(()) };
    for text in vorbis_texts(private.bytes(file)).ok_or(malformed("its Vorbis header is damaged"))? {
        read::zero(file, private.body.saturating_add(text.start)..private.body.saturating_add(text.end));
    }
    Ok(())
}

/// Where the vendor and the comments are.
fn vorbis_texts(private: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    if private.first() != Some(&2) {
        return None;
    }
    let mut at = 1_usize;
    let mut lengths = [0_usize; 2];
    for length in &mut lengths {
        loop {
            let byte = *private.get(at)?;
            at = at.checked_add(1)?;
            *length = length.checked_add(byte.into())?;
            if byte != 255 {
                break;
            }
        }
    }
    let [identification, comments] = lengths;
    let start = at.checked_add(identification)?;
    let end = start.checked_add(comments)?;
    // Packet type and "vorbis".
    if private.get(start..end)?.get(..7)? != b"\x03vorbis" {
        return None;
    }
    let mut at = start.checked_add(7)?;
    let mut texts = Vec::new();
    let mut text = |at: usize| {
        let span = read::span(at.checked_add(4)?, read::u32_le(private, at)?.into(), end)?;
        texts.push(span.clone());
        Some(span.end)
    };
    at = text(at)?;
    let count = read::u32_le(private, at)?;
    at = at.checked_add(4)?;
    for _ in 0..count {
        at = text(at)?;
    }
    Some(texts)
}
