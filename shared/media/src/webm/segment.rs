//! The parts of a Segment (RFC 9559), clusters of open size included, as live recorders write them.

use super::ebml::{Element, malformed, truncated, vint};
use super::ids::{
    ATTACHMENTS, BLOCK, BLOCK_DURATION, BLOCK_GROUP, CHAPTERS, CLUSTER, CUES, EBML, INFO, SEEK_HEAD, SEGMENT, TAGS,
    TRACKS,
};
use crate::error::MediaError;

/// The Segment of a document.
pub(super) fn segment(file: &[u8]) -> Result<Element, MediaError> {
    let mut at = 0;
    while let Some(element) = Element::read(file, at, file.len())? {
        match element.id {
            SEGMENT => return Ok(element),
            _ if element.open => return Err(malformed("an element leaves its size open where it may not")),
            _ => at = element.end,
        }
    }
    Err(truncated("the segment"))
}

/// A cursor over the Segment's children and, after each cluster's own head, the cluster's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    at: usize,
    end: usize,
    cluster: Option<Cluster>,
}

#[derive(Debug, Clone, Copy)]
struct Cluster {
    end: usize,
    open: bool,
}

/// One step of [`Parts`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// A child of the Segment that is not a cluster.
    Top(Element),
    /// The head of a cluster, whose children come next.
    Cluster,
    /// A child of the cluster that came last.
    InCluster(Element),
}

impl Parts {
    pub(super) const fn of(segment: Element) -> Self {
        Self { at: segment.body, end: segment.end, cluster: None }
    }

    pub(super) fn next(&mut self, file: &[u8]) -> Result<Option<Part>, MediaError> {
        if self.cluster.is_some_and(|cluster| self.at >= cluster.end) {
            self.cluster = None;
        }
        let limit = self.cluster.map_or(self.end, |cluster| cluster.end);
        let Some(element) = Element::read(file, self.at, limit)? else { return Ok(None) };
        let is_top = matches!(
            element.id,
            SEEK_HEAD | INFO | TRACKS | CLUSTER | CUES | CHAPTERS | TAGS | ATTACHMENTS | SEGMENT | EBML
        );
        match self.cluster {
            // Only what cannot be its child ends a cluster of open size.
            Some(cluster) if cluster.open && is_top => self.cluster = None,
            Some(_) if is_top => return Err(malformed("a cluster holds what only the segment may")),
            _ => {}
        }
        if element.id == CLUSTER {
            self.cluster = Some(Cluster { end: element.end, open: element.open });
            self.at = element.body;
            return Ok(Some(Part::Cluster));
        }
        if element.open || matches!(element.id, SEGMENT | EBML) {
            return Err(malformed("it holds a second document, or an element leaves its size open"));
        }
        self.at = element.end;
        Ok(Some(if self.cluster.is_some() { Part::InCluster(element) } else { Part::Top(element) }))
    }
}

/// When a block of a cluster ends, in ticks after the cluster's own time, as far as the block tells.
pub(super) fn block_end(file: &[u8], element: Element) -> Result<u64, MediaError> {
    let (block, duration) = if element.id == BLOCK_GROUP {
        let block = element.child(file, BLOCK)?.ok_or(malformed("a block group has no block"))?;
        let duration = element.child(file, BLOCK_DURATION)?;
        (block, duration.map_or(Ok(0), |duration| duration.unsigned(file))?)
    } else {
        (element, 0)
    };
    // Track number, then a signed offset.
    let bytes = block.bytes(file);
    let (_, length) = vint(bytes, 0)?;
    let offset = crate::read::u16_be(bytes, length).ok_or(truncated("a block"))?;
    Ok(u64::try_from(offset.cast_signed()).unwrap_or(0).saturating_add(duration))
}
