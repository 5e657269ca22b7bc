//! WebM: the subset of Matroska (RFC 9559) that browsers play.

mod ebml;
mod ids;
mod segment;
mod strip;

use crate::error::MediaError;
use crate::media_info::ContainerInfo;
use crate::media_type::MediaType;
use ebml::{Element, malformed};
use ids::{
    BLOCK_GROUP, DOC_TYPE, DURATION, EBML, INFO, PIXEL_HEIGHT, PIXEL_WIDTH, SIMPLE_BLOCK, TIMESTAMP, TIMESTAMP_SCALE,
    TRACK_ENTRY, TRACK_TYPE, TRACKS, VIDEO,
};
use segment::{Part, Parts, block_end, segment};
pub(crate) use strip::strip;

/// The kind of EBML document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocType {
    Webm,
    Matroska,
}

/// What the EBML header at the start of a file says.
pub(crate) fn doc_type(head: &[u8]) -> Option<DocType> {
    let header = Element::read(head, 0, head.len()).ok()??;
    let doc_type = header.child(head, DOC_TYPE).ok()??;
    match doc_type.bytes(head).split(|byte| *byte == 0).next()? {
        b"webm" if header.id == EBML => Some(DocType::Webm),
        b"matroska" if header.id == EBML => Some(DocType::Matroska),
        _ => None,
    }
}

/// Reads the document to its end. The duration is what Info says or, where a live recorder left it out, the time of
/// the last block.
pub(crate) fn container_info(file: &[u8]) -> Result<ContainerInfo, MediaError> {
    let (mut scale_ns, mut duration, mut sides) = (1_000_000, None, None);
    let (mut cluster_time, mut last_block, mut has_blocks) = (0, 0, false);
    let mut parts = Parts::of(segment(file)?);
    while let Some(part) = parts.next(file)? {
        match part {
            Part::Top(info) if info.id == INFO => {
                if let Some(scale) = info.child(file, TIMESTAMP_SCALE)? {
                    scale_ns = scale.unsigned(file)?;
                }
                duration = info.child(file, DURATION)?.map(|duration| duration.float(file)).transpose()?;
            }
            Part::Top(tracks) if tracks.id == TRACKS && sides.is_none() => sides = Some(video_sides(file, tracks)?),
            Part::InCluster(time) if time.id == TIMESTAMP => cluster_time = time.unsigned(file)?,
            Part::InCluster(block) if matches!(block.id, SIMPLE_BLOCK | BLOCK_GROUP) => {
                has_blocks = true;
                last_block = last_block.max(cluster_time.saturating_add(block_end(file, block)?));
            }
            Part::Top(_) | Part::InCluster(_) | Part::Cluster => {}
        }
    }
    if !has_blocks {
        return Err(malformed("it holds no blocks of video"));
    }
    let (width, height) = sides.ok_or(malformed("it has no tracks"))?;
    let duration_ms = match duration.filter(|ticks| *ticks > 0.0) {
        Some(ticks) => whole_ms(ticks, scale_ns),
        None => last_block.saturating_mul(scale_ns).div_ceil(1_000_000),
    };
    Ok(ContainerInfo { width, height, duration_ms: Some(duration_ms) })
}

fn video_sides(file: &[u8], tracks: Element) -> Result<(u64, u64), MediaError> {
    let mut entries = tracks.children();
    while let Some(entry) = entries.next(file)? {
        if entry.id != TRACK_ENTRY {
            continue;
        }
        let track_type = entry.child(file, TRACK_TYPE)?.map_or(Ok(0), |value| value.unsigned(file))?;
        if let (1, Some(video)) = (track_type, entry.child(file, VIDEO)?) {
            let side = |id| video.child(file, id)?.ok_or(malformed("its video track has no size"))?.unsigned(file);
            return Ok((side(PIXEL_WIDTH)?, side(PIXEL_HEIGHT)?));
        }
    }
    Err(MediaError::unsupported(MediaType::Webm, "it has no video track. Choose a file with video."))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer saturates, and not a number becomes 0; both are outside of the limits"
)]
fn whole_ms(ticks: f64, scale_ns: u64) -> u64 {
    (ticks * scale_ns as f64 / 1e6).ceil() as u64
}
