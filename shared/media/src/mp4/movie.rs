//! What the `moov` box says: the tracks, their sizes and how long they last.

use std::ops::Range;

use super::boxes::{Mp4Box, Siblings, malformed, unsupported};
use super::fragments;
use super::samples::{MAX_CHUNKS, SampleTable, outside_samples};
use crate::error::MediaError;
use crate::read;
use crate::unsupported_format::UnsupportedFormat;

/// More tracks than any file that is made in good faith has.
const MAX_TRACKS: usize = 64;

#[derive(Debug)]
pub(super) struct Movie {
    pub(super) tracks: Vec<Track>,
    /// Samples come in `moof` boxes, and the tables of `moov` are empty.
    pub(super) fragmented: bool,
    pub(super) duration_ms: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) handler: [u8; 4],
    /// Pixels, before rotation.
    pub(super) width: u32,
    /// Pixels, before rotation.
    pub(super) height: u32,
    pub(super) rotation: Rotation,
    /// The sample table.
    pub(super) stbl: Mp4Box,
    /// Ticks per second of this track.
    pub(super) timescale: u32,
}

impl Track {
    /// Whether it is seen or heard; everything else is data.
    pub(super) const fn is_played(&self) -> bool {
        matches!(&self.handler, b"vide" | b"soun")
    }
}

/// How a viewer turns the frames, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotation {
    None,
    By90,
    By180,
    By270,
}

impl Movie {
    /// The track that a viewer shows.
    pub(super) fn video(&self) -> Result<&Track, MediaError> {
        let has = |handler: &[u8; 4]| self.tracks.iter().find(|track| track.handler == *handler);
        match (has(b"vide"), has(b"soun")) {
            (Some(video), _) => Ok(video),
            (None, Some(_)) => Err(UnsupportedFormat::Audio.into()),
            (None, None) => Err(unsupported("it has no video track. Choose a file with video.")),
        }
    }

    /// The chunks of all tracks that are seen or heard.
    pub(super) fn played_chunks(&self, file: &[u8]) -> Result<Vec<Range<usize>>, MediaError> {
        let mut chunks = Vec::new();
        for track in self.tracks.iter().filter(|track| track.is_played()) {
            chunks.append(&mut SampleTable::read(file, track.stbl)?.chunks()?);
            if chunks.len() > MAX_CHUNKS {
                return Err(unsupported(
                    "it has more than a million chunks of samples. Export it again as a standard MP4 and try again.",
                ));
            }
        }
        Ok(chunks)
    }
}

/// Reads the movie. Every top-level box is complete; whether the samples are there is [`check_samples`]'s matter.
pub(super) fn read_movie(file: &[u8]) -> Result<Movie, MediaError> {
    let moov = find_moov(file)?;
    let mvhd = moov.required(file, b"mvhd")?;
    let (timescale, duration) = times(mvhd.bytes(file)).ok_or(malformed("its mvhd box is too short"))?;
    let mut tracks = Vec::new();
    let mut children = moov.children(0);
    while let Some(child) = children.next(file)? {
        if child.kind == *b"trak" {
            tracks.push(read_track(file, child)?);
        }
        if tracks.len() > MAX_TRACKS {
            return Err(malformed("it has more than 64 tracks"));
        }
    }
    let mvex = moov.child(file, b"mvex")?;
    let mut movie = Movie { tracks, fragmented: mvex.is_some(), duration_ms: milliseconds(duration, timescale) };
    if let (0, Some(mvex)) = (movie.duration_ms, mvex) {
        let video = *movie.video()?;
        let ticks = fragments::duration(file, mvex, video.id)?;
        movie.duration_ms = milliseconds(ticks, video.timescale);
    }
    Ok(movie)
}

/// Checks that every sample of picture and sound lies in the media data. In fragments only complete boxes tell.
pub(super) fn check_samples(file: &[u8], movie: &Movie) -> Result<(), MediaError> {
    if movie.fragmented {
        return Ok(());
    }
    if SampleTable::read(file, movie.video()?.stbl)?.chunks()?.iter().all(Range::is_empty) {
        return Err(malformed("its video track has no samples"));
    }
    outside_samples(file, movie.played_chunks(file)?).map(|_| ())
}

/// The one `moov` box.
pub(super) fn find_moov(file: &[u8]) -> Result<Mp4Box, MediaError> {
    let mut moov = None;
    let mut boxes = Siblings::top_level(file);
    while let Some(found) = boxes.next(file)? {
        if found.kind == *b"moov" && moov.replace(found).is_some() {
            return Err(malformed("it has two moov boxes"));
        }
    }
    moov.ok_or(malformed("it has no moov box"))
}

/// The handler type of a track (`vide`, `soun`, ...).
pub(super) fn handler(file: &[u8], trak: Mp4Box) -> Result<[u8; 4], MediaError> {
    let hdlr = trak.required(file, b"mdia")?.required(file, b"hdlr")?;
    read::array(hdlr.bytes(file), 8).ok_or(malformed("a hdlr box is too short"))
}

fn read_track(file: &[u8], trak: Mp4Box) -> Result<Track, MediaError> {
    let short = malformed("a track's header is too short");
    let tkhd = trak.required(file, b"tkhd")?.bytes(file);
    let mdia = trak.required(file, b"mdia")?;
    let (timescale, _) =
        times(mdia.required(file, b"mdhd")?.bytes(file)).ok_or(malformed("a mdhd box is too short"))?;
    // Version 1 has 64 bits for each of creation time, modification time and duration.
    let wide = version(tkhd) == Some(1);
    let (id_at, matrix_at) = if wide { (20, 52) } else { (12, 40) };
    let matrix = |index: usize| read::u32_be(tkhd, matrix_at + index * 4);
    // 16.16 fixed point, behind the matrix.
    let (Some(id), Some(a), Some(b), Some(c), Some(d), Some(width), Some(height)) = (
        read::u32_be(tkhd, id_at),
        matrix(0),
        matrix(1),
        matrix(3),
        matrix(4),
        matrix(9).map(|fixed| fixed >> 16),
        matrix(10).map(|fixed| fixed >> 16),
    ) else {
        return Err(short);
    };
    Ok(Track {
        id,
        handler: handler(file, trak)?,
        width,
        height,
        rotation: rotation(a.cast_signed(), b.cast_signed(), c.cast_signed(), d.cast_signed()),
        stbl: mdia.required(file, b"minf")?.required(file, b"stbl")?,
        timescale,
    })
}

/// The turn that the matrix [a b; c d] makes. Any other matrix is shown unturned, as browsers do.
fn rotation(a: i32, b: i32, c: i32, d: i32) -> Rotation {
    match (a.signum(), b.signum(), c.signum(), d.signum()) {
        (0, 1, -1, 0) => Rotation::By90,
        (-1, 0, 0, -1) => Rotation::By180,
        (0, -1, 1, 0) => Rotation::By270,
        _ => Rotation::None,
    }
}

pub(super) fn version(full_box: &[u8]) -> Option<u8> {
    full_box.first().copied()
}

/// Timescale and duration of a `mvhd` or `mdhd` box. An unknown duration (all ones) is 0.
fn times(full_box: &[u8]) -> Option<(u32, u64)> {
    if version(full_box)? == 1 {
        let duration = read::u64_be(full_box, 24)?;
        Some((read::u32_be(full_box, 20)?, if duration == u64::MAX { 0 } else { duration }))
    } else {
        let duration = read::u32_be(full_box, 16)?;
        Some((read::u32_be(full_box, 12)?, if duration == u32::MAX { 0 } else { duration.into() }))
    }
}

/// Rounded up, so that one frame never lasts nothing.
fn milliseconds(ticks: u64, timescale: u32) -> u64 {
    ticks
        .saturating_mul(1000)
        .checked_add(u64::from(timescale))
        .map_or(u64::MAX, |sum| sum.saturating_sub(1).checked_div(timescale.into()).unwrap_or(0))
}
