//! Metadata of the movie as keys and values (`moov/udta/meta`, with `keys` and `ilst`, as QuickTime defines them and ffmpeg writes
//! them into MP4).

use super::boxes::{Mp4Box, Siblings, malformed};
use crate::error::MediaError;
use crate::read;

/// The data type of UTF-8 in `ilst`.
const UTF_8: u32 = 1;

/// Adds one key with its value at the end of the `moov` box, in place of free space there. Places of samples behind it are
/// corrected. A fragmented file stays as it is: its places are not all in tables.
pub(crate) fn add_key(mut file: Vec<u8>, key: &str, value: &str) -> Result<Vec<u8>, MediaError> {
    let mut boxes = Siblings::top_level(&file);
    let moov = loop {
        match boxes.next(&file)? {
            Some(found) if found.kind == *b"moov" => break found,
            Some(_) => {}
            None => return Err(malformed("it has no moov box")),
        }
    };
    if moov.child(&file, b"mvex")?.is_some() {
        return Ok(file);
    }
    let mut last = None;
    let mut children = moov.children(0);
    while let Some(child) = children.next(&file)? {
        last = Some(child);
    }
    let start = last.filter(|last| last.kind == *b"free").map_or(moov.end, |free| free.start);
    let metadata = metadata(key, value);
    let end = start.saturating_add(metadata.len());
    move_samples(&mut file, moov, end)?;
    resize(&mut file, moov, end)?;
    file.splice(start..moov.end, metadata);
    Ok(file)
}

fn metadata(key: &str, value: &str) -> Vec<u8> {
    let handler = mp4_box(b"hdlr", &[&[0; 8], b"mdta", &[0; 13]]);
    let key = mp4_box(b"mdta", &[key.as_bytes()]);
    let keys = mp4_box(b"keys", &[&[0; 4], &1_u32.to_be_bytes(), &key]);
    let data = mp4_box(b"data", &[&UTF_8.to_be_bytes(), &[0; 4], value.as_bytes()]);
    // The type of an item is the number of its key.
    let items = mp4_box(b"ilst", &[&mp4_box(&1_u32.to_be_bytes(), &[&data])]);
    mp4_box(b"udta", &[&mp4_box(b"meta", &[&[0; 4], &handler, &keys, &items])])
}

fn mp4_box(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let size = u32::try_from(length.saturating_add(8)).unwrap_or(u32::MAX);
    let mut out = size.to_be_bytes().to_vec();
    out.extend(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Corrects the places of chunks behind the `moov` box, whose end moves to `end`.
fn move_samples(file: &mut [u8], moov: Mp4Box, end: usize) -> Result<(), MediaError> {
    let moved = |place: u64| {
        let behind = place.checked_sub(moov.end as u64);
        behind.map_or(place, |distance| distance.saturating_add(end as u64))
    };
    let mut tracks = moov.children(0);
    while let Some(track) = tracks.next(file)? {
        if track.kind != *b"trak" {
            continue;
        }
        let minf = track.required(file, b"mdia")?.required(file, b"minf")?;
        let mut tables = minf.required(file, b"stbl")?.children(0);
        while let Some(table) = tables.next(file)? {
            let width = match &table.kind {
                b"stco" => 4,
                b"co64" => 8,
                _ => continue,
            };
            // Behind version, flags and the number of entries.
            let mut at = table.body.saturating_add(8);
            while at.saturating_add(width) <= table.end {
                if width == 4 {
                    let place = moved(read::u32_be(file, at).unwrap_or_default().into());
                    let place = u32::try_from(place).map_err(|_| malformed("a sample is behind 4 GiB"))?;
                    read::write(file, at, &place.to_be_bytes());
                } else {
                    let place = moved(read::u64_be(file, at).unwrap_or_default());
                    read::write(file, at, &place.to_be_bytes());
                }
                at = at.saturating_add(width);
            }
        }
    }
    Ok(())
}

/// Writes the new size of a box whose end moves to `end`.
fn resize(file: &mut [u8], changed: Mp4Box, end: usize) -> Result<(), MediaError> {
    let size = end.saturating_sub(changed.start);
    match read::u32_be(file, changed.start) {
        Some(1) => read::write(file, changed.start.saturating_add(8), &(size as u64).to_be_bytes()),
        _ => {
            let size = u32::try_from(size).map_err(|_| malformed("its moov box is larger than 4 GiB"))?;
            read::write(file, changed.start, &size.to_be_bytes());
        }
    }
    Ok(())
}
