//! Encodes a scene as H.264 in MP4, with the index before the frames, so that a browser plays the video while it loads.

use std::num::NonZeroU32;

use image::RgbImage;
use openh264::OpenH264API;
use openh264::encoder::{
    Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange, RateControlMode, UsageType,
    VuiConfig,
};
use openh264::formats::{RgbSliceU8, YUVBuffer};
use shiguredo_mp4::boxes::{Avc1Box, AvccBox, SampleEntry, VisualSampleEntryFields};
use shiguredo_mp4::mux::{Mp4FileMuxer, Mp4FileMuxerOptions, Sample, estimate_maximum_moov_box_size};
use shiguredo_mp4::{TrackKind, Uint};

use super::paint::Painter;
use super::scene::Scene;

const FRAMES_PER_SECOND: NonZeroU32 = NonZeroU32::new(16).unwrap();
const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;

#[derive(Debug, thiserror::Error)]
pub(super) enum VideoError {
    #[error("encoder")]
    Encoder(#[from] openh264::Error),
    #[error("muxer: {0:?}")]
    Muxer(shiguredo_mp4::mux::MuxError),
    #[error("the encoder returned no parameter sets")]
    NoParameterSets,
}

impl From<shiguredo_mp4::mux::MuxError> for VideoError {
    fn from(error: shiguredo_mp4::mux::MuxError) -> Self {
        Self::Muxer(error)
    }
}

/// Encodes a video of the scene. Odd sides lose one pixel, since 4:2:0 chroma covers pairs of pixels.
pub(super) fn mp4(scene: &Scene, backdrop: Option<&RgbImage>, duration_ms: u64) -> Result<Vec<u8>, VideoError> {
    let scene = Scene { width: scene.width & !1, height: scene.height & !1, ..scene.clone() };
    let per_second = u64::from(FRAMES_PER_SECOND.get());
    let frames = (duration_ms * per_second / 1000).max(1) as u32;
    let painter = Painter::new(&scene, backdrop);
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config())?;
    let mut track = Track::new(&scene, frames)?;
    for frame in 0..frames {
        let picture = painter.at(frame as f32 / per_second as f32);
        let dimensions = (scene.width as usize, scene.height as usize);
        let yuv = YUVBuffer::from_rgb8_source(RgbSliceU8::new(picture.as_raw(), dimensions));
        let encoded = encoder.encode(&yuv)?;
        track.add(&encoded)?;
    }
    track.finish()
}

fn config() -> EncoderConfig {
    EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .rate_control_mode(RateControlMode::Off)
        .qp(QpRange::new(24, 30))
        .complexity(Complexity::Low)
        .max_frame_rate(FrameRate::from_hz(FRAMES_PER_SECOND.get() as f32))
        .intra_frame_period(IntraFramePeriod::from_num_frames(FRAMES_PER_SECOND.get() * 2))
        .skip_frames(false)
        .scene_change_detect(false)
        .num_threads(1)
        .vui(VuiConfig::bt601())
}

/// Holds the only track, and the bytes of the file so far.
struct Track {
    muxer: Mp4FileMuxer,
    file: Vec<u8>,
    width: u16,
    height: u16,
    described: bool,
}

impl Track {
    fn new(scene: &Scene, frames: u32) -> Result<Self, VideoError> {
        let reserved_moov_box_size = estimate_maximum_moov_box_size(&[frames as usize]);
        let muxer = Mp4FileMuxer::with_options(Mp4FileMuxerOptions { reserved_moov_box_size, ..Default::default() })?;
        let file = muxer.initial_boxes_bytes().to_vec();
        Ok(Self { muxer, file, width: scene.width as u16, height: scene.height as u16, described: false })
    }

    fn add(&mut self, frame: &openh264::encoder::EncodedBitStream<'_>) -> Result<(), VideoError> {
        let stream = frame.to_vec();
        let units = || openh264::nal_units(&stream).map(without_start_code);
        let kind = |unit: &[u8]| unit.first().map_or(0, |first| first & 0x1f);
        let sample_entry = if self.described {
            None
        } else {
            let find = |wanted| units().find(|unit| kind(unit) == wanted).ok_or(VideoError::NoParameterSets);
            Some(self.describe(find(NAL_SPS)?, find(NAL_PPS)?)?)
        };
        self.described = true;
        let data_offset = self.file.len() as u64;
        // `avc1` keeps the parameter sets in its description, and gives every other unit its length.
        for unit in units().filter(|unit| ![NAL_SPS, NAL_PPS].contains(&kind(unit))) {
            self.file.extend_from_slice(&(unit.len() as u32).to_be_bytes());
            self.file.extend_from_slice(unit);
        }
        self.muxer.append_sample(&Sample {
            track_kind: TrackKind::Video,
            sample_entry,
            keyframe: matches!(frame.frame_type(), FrameType::IDR),
            timescale: FRAMES_PER_SECOND,
            duration: 1,
            composition_time_offset: None,
            data_offset,
            data_size: self.file.len() - data_offset as usize,
        })?;
        Ok(())
    }

    fn describe(&self, sps: &[u8], pps: &[u8]) -> Result<SampleEntry, VideoError> {
        let [_, profile, compatibility, level, ..] = sps else { return Err(VideoError::NoParameterSets) };
        // Profiles above these also describe their colour format; the encoder makes 4:2:0 in 8 bits only.
        let high = ![66, 77, 88].contains(profile);
        Ok(SampleEntry::Avc1(Avc1Box {
            visual: VisualSampleEntryFields {
                data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
                width: self.width,
                height: self.height,
                horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
                vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
                frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
                compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
                depth: VisualSampleEntryFields::DEFAULT_DEPTH,
            },
            avcc_box: AvccBox {
                avc_profile_indication: *profile,
                profile_compatibility: *compatibility,
                avc_level_indication: *level,
                length_size_minus_one: Uint::new(3),
                sps_list: vec![sps.to_vec()],
                pps_list: vec![pps.to_vec()],
                chroma_format: high.then(|| Uint::new(1)),
                bit_depth_luma_minus8: high.then(|| Uint::new(0)),
                bit_depth_chroma_minus8: high.then(|| Uint::new(0)),
                sps_ext_list: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        }))
    }

    fn finish(mut self) -> Result<Vec<u8>, VideoError> {
        for (offset, bytes) in self.muxer.finalize()?.offset_and_bytes_pairs() {
            let from = offset as usize;
            let until = from + bytes.len();
            if self.file.len() < until {
                self.file.resize(until, 0);
            }
            if let Some(place) = self.file.get_mut(from..until) {
                place.copy_from_slice(bytes);
            }
        }
        Ok(self.file)
    }
}

fn without_start_code(unit: &[u8]) -> &[u8] {
    unit.strip_prefix(&[0, 0, 0, 1]).or_else(|| unit.strip_prefix(&[0, 0, 1])).unwrap_or(unit)
}
