//! Taking metadata out of MP4 in place. No offset changes: what goes becomes free space of the same size.
//!
//! Boxes stay by allowance: what is not listed here goes, at every level down to the sample descriptions. What the
//! codecs' own streams carry stays, since it cannot be changed without coding the video again.

use super::boxes::{Mp4Box, Siblings, unsupported};
use super::movie::{self, Track, read_movie, version};
use super::samples::outside_samples;
use crate::error::MediaError;
use crate::read;

const VIDEO_CODECS: [&[u8; 4]; 8] = [b"avc1", b"avc3", b"hvc1", b"hev1", b"av01", b"vp08", b"vp09", b"mp4v"];
const AUDIO_CODECS: [&[u8; 4]; 6] = [b"mp4a", b"ac-3", b"ec-3", b"Opus", b"fLaC", b"alac"];

/// `udta`, `meta`, `uuid` and every box that is not needed to play become free space, times and names become
/// zeros. Tracks that are neither video nor audio go with their samples, as do bytes of the media data that belong
/// to no sample.
pub(crate) fn strip(mut file: Vec<u8>) -> Result<Vec<u8>, MediaError> {
    let movie = read_movie(&file)?;
    if movie.fragmented && !movie.tracks.iter().all(Track::is_played) {
        return Err(unsupported(
            "it is fragmented and has tracks other than video and audio, which cannot be removed safely. Export it \
             as a plain MP4 and try again.",
        ));
    }
    if !movie.fragmented {
        for gap in outside_samples(&file, movie.played_chunks(&file)?)? {
            read::zero(&mut file, gap);
        }
    }
    strip_top_level(&mut file)?;
    Ok(file)
}

fn strip_top_level(file: &mut Vec<u8>) -> Result<(), MediaError> {
    let mut content_end = 0;
    let mut boxes = Siblings::top_level(file);
    while let Some(found) = boxes.next(file)? {
        match &found.kind {
            b"moov" => strip_movie(file, found)?,
            b"moof" => strip_fragment(file, found)?,
            b"ftyp" | b"styp" | b"mdat" | b"sidx" | b"ssix" | b"mfra" => {}
            b"wide" => read::zero(file, found.body..found.end),
            _ => {
                found.free(file);
                continue;
            }
        }
        content_end = found.end;
        close(file, found);
    }
    // Free space at the end holds no offset in place.
    file.truncate(content_end);
    Ok(())
}

/// Gives a box that reaches to the end of the file its size, so that another can follow.
fn close(file: &mut [u8], last: Mp4Box) {
    if read::u32_be(file, last.start) == Some(0)
        && let Ok(size) = u32::try_from(last.end.saturating_sub(last.start))
    {
        read::write(file, last.start, &size.to_be_bytes());
    }
}

fn strip_movie(file: &mut [u8], moov: Mp4Box) -> Result<(), MediaError> {
    keep_only(file, moov, &[b"mvhd", b"trak", b"mvex"])?;
    let mut children = moov.children(0);
    while let Some(child) = children.next(file)? {
        match &child.kind {
            b"mvhd" => zero_times(file, child),
            b"mvex" => keep_only(file, child, &[b"mehd", b"trex", b"leva"])?,
            b"trak" => match &movie::handler(file, child)? {
                b"vide" => strip_track(file, child, &VIDEO_CODECS)?,
                b"soun" => strip_track(file, child, &AUDIO_CODECS)?,
                _ => child.free(file),
            },
            _ => {}
        }
    }
    Ok(())
}

fn strip_track(file: &mut [u8], trak: Mp4Box, codecs: &[&[u8; 4]]) -> Result<(), MediaError> {
    // References (`tref`) go too: what they name may be gone.
    keep_only(file, trak, &[b"tkhd", b"edts", b"mdia"])?;
    let tkhd = trak.required(file, b"tkhd")?;
    zero_times(file, tkhd);
    if let Some(edts) = trak.child(file, b"edts")? {
        keep_only(file, edts, &[b"elst"])?;
    }
    let mdia = trak.required(file, b"mdia")?;
    keep_only(file, mdia, &[b"mdhd", b"hdlr", b"minf"])?;
    let mdhd = mdia.required(file, b"mdhd")?;
    zero_times(file, mdhd);
    let hdlr = mdia.required(file, b"hdlr")?;
    zero_name(file, hdlr);
    let minf = mdia.required(file, b"minf")?;
    keep_only(file, minf, &[b"vmhd", b"smhd", b"dinf", b"stbl"])?;
    if let Some(dinf) = minf.child(file, b"dinf")? {
        strip_data_references(file, dinf)?;
    }
    let stbl = minf.required(file, b"stbl")?;
    #[rustfmt::skip]
    let needed: [&[u8; 4]; 16] = [
        b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stco", b"co64",
        b"stss", b"stsh", b"padb", b"stdp", b"sdtp", b"sbgp", b"sgpd", b"subs",
    ];
    keep_only(file, stbl, &needed)?;
    let stsd = stbl.required(file, b"stsd")?;
    strip_descriptions(file, stsd, codecs)
}

/// The samples must be in this very file; a location that is written all the same is overwritten.
fn strip_data_references(file: &mut [u8], dinf: Mp4Box) -> Result<(), MediaError> {
    keep_only(file, dinf, &[b"dref"])?;
    let Some(dref) = dinf.child(file, b"dref")? else { return Ok(()) };
    // Behind version, flags and the number of entries.
    let mut references = dref.children(8);
    while let Some(reference) = references.next(file)? {
        if read::u32_be(file, reference.body).is_none_or(|flags| flags & 1 == 0) {
            return Err(unsupported(
                "its samples are in another file. Export it as one self-contained file and try again.",
            ));
        }
        read::zero(file, reference.body.saturating_add(4)..reference.end);
    }
    Ok(())
}

/// Sample entries name the encoder, and cameras write their own name there.
fn strip_descriptions(file: &mut [u8], stsd: Mp4Box, codecs: &[&[u8; 4]]) -> Result<(), MediaError> {
    let mut entries = stsd.children(8);
    while let Some(entry) = entries.next(file)? {
        if !codecs.contains(&&entry.kind) {
            return Err(unsupported(
                "a track's codec is not supported. Export it as H.264, H.265, AV1 or VP9 video with AAC, AC-3, Opus, \
                 FLAC or ALAC audio and try again.",
            ));
        }
        let at = |offset: usize| entry.body.saturating_add(offset).min(entry.end);
        let is_video = VIDEO_CODECS.contains(&&entry.kind);
        // QuickTime has the vendor here, ISO reserved bytes.
        read::zero(file, at(12)..at(16));
        if is_video {
            read::zero(file, at(42)..at(74));
        }
        // Sound description versions 1 and 2 of QuickTime are longer.
        let fields = match (is_video, read::u16_be(file, at(8))) {
            (true, _) => 78,
            (false, Some(1)) => 44,
            (false, Some(2)) => 64,
            (false, _) => 28,
        };
        let mut extensions = entry.children(fields);
        // QuickTime may close the list with four zero bytes, which are no box.
        while let Ok(Some(extension)) = extensions.next(file) {
            if matches!(&extension.kind, b"udta" | b"meta" | b"uuid" | b"free" | b"skip") {
                extension.free(file);
            }
        }
    }
    Ok(())
}

fn strip_fragment(file: &mut [u8], moof: Mp4Box) -> Result<(), MediaError> {
    keep_only(file, moof, &[b"mfhd", b"traf"])?;
    let mut children = moof.children(0);
    while let Some(child) = children.next(file)? {
        if child.kind == *b"traf" {
            keep_only(file, child, &[b"tfhd", b"tfdt", b"trun", b"sbgp", b"sgpd", b"subs", b"sdtp"])?;
        }
    }
    Ok(())
}

fn keep_only(file: &mut [u8], parent: Mp4Box, kinds: &[&[u8; 4]]) -> Result<(), MediaError> {
    let mut children = parent.children(0);
    while let Some(child) = children.next(file)? {
        if !kinds.contains(&&child.kind) {
            child.free(file);
        }
    }
    Ok(())
}

/// Creation and modification time follow version and flags, in `mvhd`, `tkhd` and `mdhd` alike.
fn zero_times(file: &mut [u8], full_box: Mp4Box) {
    let length = if version(full_box.bytes(file)) == Some(1) { 16 } else { 8 };
    let start = full_box.body.saturating_add(4);
    read::zero(file, start..start.saturating_add(length).min(full_box.end));
}

/// What follows the handler type: reserved bytes (in QuickTime the manufacturer) and a name.
fn zero_name(file: &mut [u8], hdlr: Mp4Box) {
    read::zero(file, hdlr.body.saturating_add(12)..hdlr.end);
}
