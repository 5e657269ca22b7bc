//! The boxes of an ISO base media file (ISO/IEC 14496-12, 4.2), read one at a time by offset, so that the bytes can
//! be edited between two reads.

use crate::error::MediaError;
use crate::media_type::MediaType;
use crate::read;

/// Where a box lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mp4Box {
    pub(super) kind: [u8; 4],
    pub(super) start: usize,
    /// Behind size and type; for a full box, where version and flags are.
    pub(super) body: usize,
    pub(super) end: usize,
}

impl Mp4Box {
    pub(super) fn bytes(self, file: &[u8]) -> &[u8] {
        file.get(self.body..self.end).unwrap_or_default()
    }

    /// The boxes inside, `skip` bytes into the body.
    pub(super) const fn children(self, skip: usize) -> Siblings {
        Siblings { at: self.body.saturating_add(skip), end: self.end, may_reach_end: false }
    }

    /// The first child of that type.
    pub(super) fn child(self, file: &[u8], kind: &[u8; 4]) -> Result<Option<Self>, MediaError> {
        let mut children = self.children(0);
        while let Some(child) = children.next(file)? {
            if child.kind == *kind {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// The first child of that type, which the specification makes mandatory.
    pub(super) fn required(self, file: &[u8], kind: &[u8; 4]) -> Result<Self, MediaError> {
        self.child(file, kind)?.ok_or(malformed("a mandatory box is missing"))
    }

    /// Turns the box into free space of the same size, so that no offset in the file changes.
    pub(super) fn free(self, file: &mut [u8]) {
        read::write(file, self.start.saturating_add(4), b"free");
        read::zero(file, self.body..self.end);
    }
}

/// A cursor over boxes that follow one another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Siblings {
    at: usize,
    end: usize,
    may_reach_end: bool,
}

impl Siblings {
    /// The boxes of the file itself.
    pub(super) const fn top_level(file: &[u8]) -> Self {
        Self { at: 0, end: file.len(), may_reach_end: true }
    }

    pub(super) fn next(&mut self, file: &[u8]) -> Result<Option<Mp4Box>, MediaError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let start = self.at;
        let header = read::u32_be(file, start).zip(read::array(file, start.saturating_add(4)));
        let (size, kind) = header.ok_or(truncated("a box"))?;
        let (body, size) = match size {
            // Only the last box of the file may leave its size open.
            0 if self.may_reach_end => (start.saturating_add(8), self.end.saturating_sub(start) as u64),
            0 => return Err(malformed("a box inside another has no size")),
            1 => {
                let large = read::u64_be(file, start.saturating_add(8)).ok_or(truncated("a box"))?;
                (start.saturating_add(16), large)
            }
            size => (start.saturating_add(8), size.into()),
        };
        let span = read::span(start, size, self.end).ok_or(truncated("a box"))?;
        if body > span.end {
            return Err(malformed("a box is shorter than its own header"));
        }
        self.at = span.end;
        Ok(Some(Mp4Box { kind, start, body, end: span.end }))
    }
}

pub(super) const fn truncated(part: &'static str) -> MediaError {
    MediaError::truncated(MediaType::Mp4, part)
}

pub(super) const fn malformed(rule: &'static str) -> MediaError {
    MediaError::malformed(MediaType::Mp4, rule)
}

pub(super) const fn unsupported(rule: &'static str) -> MediaError {
    MediaError::unsupported(MediaType::Mp4, rule)
}
