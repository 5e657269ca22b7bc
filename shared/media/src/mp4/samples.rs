//! Where a track's samples lie (ISO/IEC 14496-12, 8.7): chunks of samples, from the tables of `stbl`.

use std::ops::Range;

use super::boxes::{Mp4Box, Siblings, malformed, truncated, unsupported};
use crate::error::MediaError;
use crate::read;

/// A video of an hour with a chunk for each of 60 frames a second needs a quarter of this.
pub(super) const MAX_CHUNKS: usize = 1_000_000;

/// The tables that tell where samples are.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleTable<'a> {
    sizes: Sizes<'a>,
    /// Entries of 12 bytes: first chunk, samples per chunk, description.
    runs: &'a [u8],
    /// Entries of 4 or 8 bytes.
    offsets: &'a [u8],
    offset_width: usize,
}

#[derive(Debug, Clone, Copy)]
enum Sizes<'a> {
    Same { size: u32, count: u32 },
    Each(&'a [u8]),
}

impl<'a> SampleTable<'a> {
    pub(super) fn read(file: &'a [u8], stbl: Mp4Box) -> Result<Self, MediaError> {
        let stsz = stbl
            .child(file, b"stsz")?
            .ok_or(unsupported(
                "its sample sizes are compact or missing. Export it again as a standard MP4 and try again.",
            ))?
            .bytes(file);
        let count = read::u32_be(stsz, 8).ok_or(truncated("a stsz box"))?;
        let sizes = match read::u32_be(stsz, 4).ok_or(truncated("a stsz box"))? {
            0 => Sizes::Each(entries(stsz, 12, count, 4)?),
            size => Sizes::Same { size, count },
        };
        let stsc = stbl.required(file, b"stsc")?.bytes(file);
        let runs = entries(stsc, 8, read::u32_be(stsc, 4).ok_or(truncated("a stsc box"))?, 12)?;
        let (chunks, offset_width) = match stbl.child(file, b"stco")? {
            Some(stco) => (stco, 4),
            None => (stbl.required(file, b"co64")?, 8),
        };
        let chunks = chunks.bytes(file);
        let count = read::u32_be(chunks, 4).ok_or(truncated("a stco box"))?;
        if read::size(count) > MAX_CHUNKS {
            return Err(unsupported(
                "it has more than a million chunks of samples. Export it again as a standard MP4 and try again.",
            ));
        }
        Ok(Self { sizes, runs, offsets: entries(chunks, 8, count, offset_width)?, offset_width })
    }

    /// The bytes of each chunk, in the order of the tables.
    pub(super) fn chunks(self) -> Result<Vec<Range<usize>>, MediaError> {
        let mut ranges = Vec::with_capacity(self.offsets.len().checked_div(self.offset_width).unwrap_or(0));
        let mut next_sample = 0_u32;
        self.for_each_chunk(|offset, samples| {
            let length = self.length(next_sample, samples)?;
            next_sample = next_sample.saturating_add(samples);
            ranges.push(read::span(offset, length, usize::MAX)?);
            Some(())
        })?;
        Ok(ranges)
    }

    /// The bytes of each of the first `limit` samples.
    pub(super) fn first_samples(self, limit: usize) -> Result<Vec<Range<usize>>, MediaError> {
        let mut ranges = Vec::new();
        let mut next_sample = 0_u32;
        self.for_each_chunk(|offset, samples| {
            let mut at = offset;
            for _ in 0..samples {
                if ranges.len() >= limit {
                    break;
                }
                let span = read::span(at, self.length(next_sample, 1)?, usize::MAX)?;
                at = span.end;
                next_sample = next_sample.saturating_add(1);
                ranges.push(span);
            }
            Some(())
        })?;
        Ok(ranges)
    }

    /// Calls with each chunk's offset and number of samples.
    fn for_each_chunk(self, mut visit: impl FnMut(usize, u32) -> Option<()>) -> Result<(), MediaError> {
        let inconsistent = || malformed("its sample tables contradict each other");
        let mut runs = self.runs.chunks_exact(12).peekable();
        let mut samples_per_chunk = 0;
        for (number, entry) in (1_u32..).zip(self.offsets.chunks_exact(self.offset_width)) {
            while let Some(run) = runs.next_if(|run| read::u32_be(run, 0).is_some_and(|first| first <= number)) {
                samples_per_chunk = read::u32_be(run, 4).unwrap_or(0);
            }
            let offset = match self.offset_width {
                4 => read::u32_be(entry, 0).map(read::size),
                _ => read::u64_be(entry, 0).and_then(|offset| usize::try_from(offset).ok()),
            };
            offset.and_then(|offset| visit(offset, samples_per_chunk)).ok_or_else(inconsistent)?;
        }
        Ok(())
    }

    /// The length of `count` samples from the one with index `first`, if there are so many.
    fn length(self, first: u32, count: u32) -> Option<u64> {
        let end = first.checked_add(count)?;
        match self.sizes {
            Sizes::Same { count: all, .. } if end > all => None,
            Sizes::Same { size, .. } => u64::from(size).checked_mul(count.into()),
            Sizes::Each(table) => {
                let part = table.get(read::size(first).checked_mul(4)?..read::size(end).checked_mul(4)?)?;
                Some(part.chunks_exact(4).filter_map(|size| read::u32_be(size, 0)).map(u64::from).sum())
            }
        }
    }
}

/// Checks that every range lies inside a `mdat` box, and calls with what these boxes hold beside the ranges.
pub(super) fn outside_samples(file: &[u8], mut samples: Vec<Range<usize>>) -> Result<Vec<Range<usize>>, MediaError> {
    samples.retain(|range| !range.is_empty());
    samples.sort_unstable_by_key(|range| range.start);
    let mut samples = samples.into_iter().peekable();
    let mut gaps = Vec::new();
    let mut boxes = Siblings::top_level(file);
    while let Some(mdat) = boxes.next(file)? {
        if mdat.kind != *b"mdat" {
            continue;
        }
        let mut covered = mdat.body;
        while let Some(range) = samples.next_if(|range| range.start >= mdat.body && range.end <= mdat.end) {
            if range.start > covered {
                gaps.push(covered..range.start);
            }
            covered = covered.max(range.end);
        }
        if covered < mdat.end {
            gaps.push(covered..mdat.end);
        }
    }
    match samples.next() {
        Some(range) if range.end > file.len() => Err(truncated("the media data")),
        Some(_) => Err(malformed("a sample lies outside of the media data")),
        None => Ok(gaps),
    }
}

fn entries(full_box: &[u8], at: usize, count: u32, width: usize) -> Result<&[u8], MediaError> {
    let length = read::size(count).checked_mul(width);
    let table = full_box.get(at..).zip(length).and_then(|(rest, length)| rest.get(..length));
    table.ok_or(malformed("a sample table is shorter than it says"))
}
