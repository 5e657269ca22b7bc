//! Movie fragments (ISO/IEC 14496-12, 8.8): how long one track lasts.

use super::boxes::{Mp4Box, Siblings, malformed, truncated};
use crate::error::MediaError;
use crate::read;

/// The ticks of one track, all fragments together.
pub(super) fn duration(file: &[u8], mvex: Mp4Box, track_id: u32) -> Result<u64, MediaError> {
    let default = default_duration(file, mvex, track_id)?;
    let mut ticks = 0_u64;
    let mut boxes = Siblings::top_level(file);
    while let Some(moof) = boxes.next(file)? {
        if moof.kind != *b"moof" {
            continue;
        }
        let mut children = moof.children(0);
        while let Some(traf) = children.next(file)? {
            if traf.kind == *b"traf" {
                ticks = ticks.saturating_add(track_fragment(file, traf, track_id, default)?);
            }
        }
    }
    Ok(ticks)
}

/// The duration of a sample where no fragment says otherwise.
fn default_duration(file: &[u8], mvex: Mp4Box, track_id: u32) -> Result<u32, MediaError> {
    let mut children = mvex.children(0);
    while let Some(trex) = children.next(file)? {
        let body = trex.bytes(file);
        if trex.kind == *b"trex" && read::u32_be(body, 4) == Some(track_id) {
            return read::u32_be(body, 12).ok_or(truncated("a trex box"));
        }
    }
    Ok(0)
}

fn track_fragment(file: &[u8], traf: Mp4Box, track_id: u32, default: u32) -> Result<u64, MediaError> {
    let tfhd = traf.required(file, b"tfhd")?.bytes(file);
    let (Some(flags), Some(id)) = (read::u32_be(tfhd, 0), read::u32_be(tfhd, 4)) else {
        return Err(malformed("a tfhd box is too short"));
    };
    if id != track_id {
        return Ok(0);
    }
    let default = if flags & 0x08 == 0 {
        default
    } else {
        // Behind the base data offset and the sample description index, where these are present.
        let at = 8 + if flags & 0x01 == 0 { 0 } else { 8 } + if flags & 0x02 == 0 { 0 } else { 4 };
        read::u32_be(tfhd, at).ok_or(malformed("a tfhd box is too short"))?
    };
    let mut ticks = 0_u64;
    let mut children = traf.children(0);
    while let Some(trun) = children.next(file)? {
        if trun.kind == *b"trun" {
            let run = run_duration(trun.bytes(file), default).ok_or(malformed("a trun box is too short"))?;
            ticks = ticks.saturating_add(run);
        }
    }
    Ok(ticks)
}

fn run_duration(trun: &[u8], default: u32) -> Option<u64> {
    let flags = read::u32_be(trun, 0)?;
    let count = read::u32_be(trun, 4)?;
    if flags & 0x100 == 0 {
        return Some(u64::from(count).saturating_mul(default.into()));
    }
    // Data offset and first sample flags come before the samples; the duration is a sample's first field.
    let head = 8 + if flags & 0x01 == 0 { 0 } else { 4 } + if flags & 0x04 == 0 { 0 } else { 4 };
    let fields = [0x100, 0x200, 0x400, 0x800].into_iter().filter(|field| flags & field != 0).count();
    let length = read::size(count).checked_mul(fields)?.checked_mul(4)?;
    let samples = trun.get(head..)?.get(..length)?;
    Some(samples.chunks_exact(fields * 4).filter_map(|sample| read::u32_be(sample, 0)).map(u64::from).sum())
}
