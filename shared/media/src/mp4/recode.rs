//! Encodes the frames of an H.264 track again, after they were changed.

use std::num::NonZeroU32;
use std::ops::Range;

use openh264::decoder::{Decoder, DecoderConfig, Flush};
use openh264::encoder::{
    Complexity, EncodedBitStream, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange,
    RateControlMode, UsageType,
};
use openh264::formats::{YUVSlices, YUVSource};
use openh264::{OpenH264API, nal_units};
use shiguredo_mp4::boxes::{Avc1Box, AvccBox, SampleEntry};
use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};
use shiguredo_mp4::mux::{Mp4FileMuxer, Mp4FileMuxerOptions, Sample, estimate_maximum_moov_box_size};
use shiguredo_mp4::{TrackKind, Uint};

use super::frame::{AvcConfig, no_frame};
use super::movie::{Rotation, read_movie};
use crate::error::MediaError;

/// How coarse the encoder may be, from 0 to 51: between what is lost in sight and the size of the file.
const COARSENESS: u8 = 24;
/// A key frame at least this often, so that players can seek.
const SECONDS_BETWEEN_KEY_FRAMES: f64 = 2.0;
const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;

/// Decodes the video track, lets `change` change the luma of each frame (samples, width, height), and encodes it again
/// with the same times. Sound stays as it is, to the bit. Edit lists are lost, so sound may move by the encoder's delay,
/// which is a fiftieth of a second. `None` for what cannot be encoded again: other codecs, fragments, turned frames, other
/// tracks than one of video and one of sound.
///
/// # Errors
/// Those of [`crate::inspect`] and of `change`, and [`MediaError::NoVideoFrame`] if a frame cannot be decoded or encoded.
pub(crate) fn recode(
    file: &[u8],
    mut change: impl FnMut(&mut [u8], usize, usize) -> Result<(), MediaError>,
) -> Result<Option<Vec<u8>>, MediaError> {
    let movie = read_movie(file)?;
    let video = movie.video()?;
    if movie.fragmented || video.rotation != Rotation::None {
        return Ok(None);
    }
    let Some(config) = AvcConfig::read(file, video)? else { return Ok(None) };
    let Some(Tracks { pictures, sounds }) = read_tracks(file)? else { return Ok(None) };
    let Some(SampleEntry::Avc1(description)) = pictures.first().and_then(|first| first.entry.clone()) else {
        return Ok(None);
    };
    let shown = Shown::of(&pictures);
    let mut encoder = encoder(&pictures)?;
    let mut output = Output::new(&pictures, &sounds, description)?;
    let mut sounds = sounds.iter().peekable();
    let mut shown_frames = shown.frames.iter();
    let mut show = |frame: &dyn Yuv, output: &mut Output| -> Result<(), MediaError> {
        let Some(shown) = shown_frames.next() else { return Err(no_frame("there are more frames than samples")) };
        while let Some(sound) = sounds.next_if(|sound| sound.seconds < shown.seconds) {
            output.add_sound(file, sound)?;
        }
        let mut frame = Frame::copy(frame);
        change(&mut frame.luma, frame.width, frame.height)?;
        let encoded = encoder.encode(&frame.slices()).map_err(unusable)?;
        output.add_frame(&encoded, shown.duration)
    };
    let decoding = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    let mut decoder = Decoder::with_api_config(OpenH264API::from_source(), decoding).map_err(unusable)?;
    decoder.decode(&config.parameter_sets).map_err(unusable)?;
    for picture in &pictures {
        let sample = file.get(picture.range.clone()).ok_or_else(|| no_frame("a sample is missing"))?;
        let annex_b = config.to_annex_b(sample).ok_or_else(|| no_frame("a sample is damaged"))?;
        if let Some(frame) = decoder.decode(&annex_b).map_err(unusable)? {
            show(&frame, &mut output)?;
        }
    }
    for frame in decoder.flush_remaining().map_err(unusable)? {
        show(&frame, &mut output)?;
    }
    if shown_frames.next().is_some() {
        return Err(no_frame("there are fewer frames than samples"));
    }
    for sound in sounds {
        output.add_sound(file, sound)?;
    }
    output.finish().map(Some)
}

fn unusable(error: impl std::fmt::Display) -> MediaError {
    no_frame(&error.to_string())
}

/// A sample of the file.
struct Stored {
    entry: Option<SampleEntry>,
    range: Range<usize>,
    timescale: NonZeroU32,
    /// When it is shown, in ticks.
    shown_at: i64,
    duration: u32,
    /// When it starts, in seconds.
    seconds: f64,
}

struct Tracks {
    pictures: Vec<Stored>,
    sounds: Vec<Stored>,
}

fn read_tracks(file: &[u8]) -> Result<Option<Tracks>, MediaError> {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: file });
    let tracks = demuxer.tracks().map_err(unusable)?;
    let count = |kind| tracks.iter().filter(|track| track.kind == kind).count();
    let (videos, audios) = (count(TrackKind::Video), count(TrackKind::Audio));
    if videos != 1 || audios > 1 || tracks.len() != videos + audios {
        return Ok(None);
    }
    let mut read = Tracks { pictures: Vec::new(), sounds: Vec::new() };
    while let Some(sample) = demuxer.next_sample().map_err(unusable)? {
        let start = usize::try_from(sample.data_offset).map_err(unusable)?;
        let shown_at = i64::try_from(sample.timestamp).map_err(unusable)?;
        let stored = Stored {
            entry: sample.sample_entry.cloned(),
            range: start..start.saturating_add(sample.data_size),
            timescale: sample.track.timescale,
            shown_at: shown_at.saturating_add(sample.composition_time_offset.unwrap_or(0)),
            duration: sample.duration,
            seconds: sample.timestamp as f64 / f64::from(sample.track.timescale.get()),
        };
        match sample.track.kind {
            TrackKind::Video => read.pictures.push(stored),
            _ => read.sounds.push(stored),
        }
    }
    // The muxer describes a track once.
    let is_described_once = |samples: &[Stored]| samples.iter().filter(|sample| sample.entry.is_some()).count() <= 1;
    let is_usable = is_described_once(&read.pictures) && is_described_once(&read.sounds);
    Ok(is_usable.then_some(read))
}

/// When frames are shown, in that order.
struct Shown {
    frames: Vec<ShownFrame>,
}

struct ShownFrame {
    seconds: f64,
    /// In ticks.
    duration: u32,
}

impl Shown {
    fn of(pictures: &[Stored]) -> Self {
        let mut times: Vec<i64> = pictures.iter().map(|picture| picture.shown_at).collect();
        times.sort_unstable();
        let first = times.first().copied().unwrap_or_default();
        let last = pictures.last().map_or(1, |picture| picture.duration);
        let ticks = pictures.first().map_or(1.0, |picture| f64::from(picture.timescale.get()));
        let following = times.iter().skip(1).copied().map(Some).chain([None]);
        let frames = times.iter().zip(following).map(|(time, following)| ShownFrame {
            seconds: (time - first) as f64 / ticks,
            duration: following.map_or(last, |following| u32::try_from(following - time).unwrap_or(last)),
        });
        Self { frames: frames.collect() }
    }
}

fn encoder(pictures: &[Stored]) -> Result<Encoder, MediaError> {
    let ticks: u64 = pictures.iter().map(|picture| u64::from(picture.duration)).sum();
    let timescale = pictures.first().map_or(1, |picture| picture.timescale.get());
    let rate = pictures.len() as f64 * f64::from(timescale) / ticks.max(1) as f64;
    let config = EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .rate_control_mode(RateControlMode::Off)
        .qp(QpRange::new(COARSENESS, COARSENESS))
        .complexity(Complexity::Medium)
        .max_frame_rate(FrameRate::from_hz(rate as f32))
        .intra_frame_period(IntraFramePeriod::from_num_frames((rate * SECONDS_BETWEEN_KEY_FRAMES).ceil() as u32))
        .skip_frames(false)
        .num_threads(1);
    Encoder::with_api_config(OpenH264API::from_source(), config).map_err(unusable)
}

/// A source of samples, without its type.
trait Yuv {
    fn planes(&self) -> [(&[u8], usize); 3];
    fn size(&self) -> (usize, usize);
}

impl<T: YUVSource> Yuv for T {
    fn planes(&self) -> [(&[u8], usize); 3] {
        let (y, u, v) = self.strides();
        [(self.y(), y), (self.u(), u), (self.v(), v)]
    }

    fn size(&self) -> (usize, usize) {
        self.dimensions()
    }
}

/// A frame in 4:2:0, without padding.
struct Frame {
    width: usize,
    height: usize,
    luma: Vec<u8>,
    chroma: [Vec<u8>; 2],
}

impl Frame {
    /// Copies a frame. Odd sides lose a pixel.
    fn copy(frame: &dyn Yuv) -> Self {
        let (width, height) = frame.size();
        let (width, height) = (width & !1, height & !1);
        let copy = |(samples, stride): (&[u8], usize), width: usize, height: usize| -> Vec<u8> {
            samples.chunks(stride.max(1)).take(height).flat_map(|row| row.iter().take(width)).copied().collect()
        };
        let [y, u, v] = frame.planes();
        let chroma = [u, v].map(|plane| copy(plane, width / 2, height / 2));
        Self { width, height, luma: copy(y, width, height), chroma }
    }

    fn slices(&self) -> YUVSlices<'_> {
        let [u, v] = &self.chroma;
        YUVSlices::new((&self.luma, u, v), (self.width, self.height), (self.width, self.width / 2, self.width / 2))
    }
}

/// The new file.
struct Output {
    muxer: Mp4FileMuxer,
    file: Vec<u8>,
    description: Avc1Box,
    is_described: bool,
    timescale: NonZeroU32,
}

impl Output {
    fn new(pictures: &[Stored], sounds: &[Stored], description: Avc1Box) -> Result<Self, MediaError> {
        let reserved_moov_box_size = estimate_maximum_moov_box_size(&[pictures.len(), sounds.len()]);
        let options = Mp4FileMuxerOptions { reserved_moov_box_size, ..Default::default() };
        let muxer = Mp4FileMuxer::with_options(options).map_err(unusable)?;
        let file = muxer.initial_boxes_bytes().to_vec();
        let timescale = pictures.first().map_or(NonZeroU32::MIN, |first| first.timescale);
        Ok(Self { muxer, file, description, is_described: false, timescale })
    }

    fn add_sound(&mut self, file: &[u8], sound: &Stored) -> Result<(), MediaError> {
        let data_offset = self.file.len() as u64;
        let bytes = file.get(sound.range.clone()).ok_or_else(|| no_frame("a sample is missing"))?;
        self.file.extend_from_slice(bytes);
        let sample = Sample {
            track_kind: TrackKind::Audio,
            sample_entry: sound.entry.clone(),
            keyframe: true,
            timescale: sound.timescale,
            duration: sound.duration,
            composition_time_offset: None,
            data_offset,
            data_size: bytes.len(),
        };
        self.muxer.append_sample(&sample).map_err(unusable)
    }

    fn add_frame(&mut self, encoded: &EncodedBitStream<'_>, duration: u32) -> Result<(), MediaError> {
        let stream = encoded.to_vec();
        let units: Vec<&[u8]> = nal_units(&stream).map(without_start_code).collect();
        let kind = |unit: &[u8]| unit.first().map_or(0, |first| first & 0x1f);
        let sample_entry = if self.is_described {
            None
        } else {
            let find = |wanted| units.iter().find(|unit| kind(unit) == wanted).copied();
            let sets = find(NAL_SPS).zip(find(NAL_PPS));
            let (sps, pps) = sets.ok_or_else(|| no_frame("the encoder returned no parameter sets"))?;
            Some(self.describe(sps, pps)?)
        };
        self.is_described = true;
        let data_offset = self.file.len() as u64;
        // The parameter sets are in the description; every other unit has its length before it.
        for unit in units.iter().filter(|unit| ![NAL_SPS, NAL_PPS].contains(&kind(unit))) {
            self.file.extend_from_slice(&u32::try_from(unit.len()).map_err(unusable)?.to_be_bytes());
            self.file.extend_from_slice(unit);
        }
        let sample = Sample {
            track_kind: TrackKind::Video,
            sample_entry,
            keyframe: matches!(encoded.frame_type(), FrameType::IDR),
            timescale: self.timescale,
            duration,
            composition_time_offset: None,
            data_offset,
            data_size: self.file.len() - usize::try_from(data_offset).map_err(unusable)?,
        };
        self.muxer.append_sample(&sample).map_err(unusable)
    }

    /// The description of the old track, with the new parameter sets: it may tell the colours and the pixels' shape.
    fn describe(&self, sps: &[u8], pps: &[u8]) -> Result<SampleEntry, MediaError> {
        let [_, profile, compatibility, level, ..] = sps else { return Err(no_frame("a parameter set is empty")) };
        let mut entry = self.description.clone();
        // Profiles above these also describe their colour format; the encoder makes 4:2:0 in 8 bits only.
        let is_high = ![66, 77, 88].contains(profile);
        entry.avcc_box = AvccBox {
            avc_profile_indication: *profile,
            profile_compatibility: *compatibility,
            avc_level_indication: *level,
            length_size_minus_one: Uint::new(3),
            sps_list: vec![sps.to_vec()],
            pps_list: vec![pps.to_vec()],
            chroma_format: is_high.then(|| Uint::new(1)),
            bit_depth_luma_minus8: is_high.then(|| Uint::new(0)),
            bit_depth_chroma_minus8: is_high.then(|| Uint::new(0)),
            sps_ext_list: Vec::new(),
        };
        entry.unknown_boxes.retain(|other| matches!(other.box_type.as_bytes(), b"colr" | b"pasp"));
        Ok(SampleEntry::Avc1(entry))
    }

    fn finish(mut self) -> Result<Vec<u8>, MediaError> {
        for (offset, bytes) in self.muxer.finalize().map_err(unusable)?.offset_and_bytes_pairs() {
            let start = usize::try_from(offset).map_err(unusable)?;
            let end = start.saturating_add(bytes.len());
            if self.file.len() < end {
                self.file.resize(end, 0);
            }
            if let Some(place) = self.file.get_mut(start..end) {
                place.copy_from_slice(bytes);
            }
        }
        Ok(self.file)
    }
}

fn without_start_code(unit: &[u8]) -> &[u8] {
    unit.strip_prefix(&[0, 0, 0, 1]).or_else(|| unit.strip_prefix(&[0, 0, 1])).unwrap_or(unit)
}
