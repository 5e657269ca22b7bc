//! MP4: the ISO base media file format (ISO/IEC 14496-12), QuickTime's dialect included.

mod boxes;
mod fragments;
mod frame;
mod keys;
mod movie;
mod recode;
mod samples;
mod strip;

use crate::error::MediaError;
use crate::media_info::ContainerInfo;
pub(crate) use frame::{first_frame, for_each_frame};
pub(crate) use keys::add_key;
use movie::{Rotation, check_samples, read_movie};
pub(crate) use recode::recode;
pub(crate) use strip::strip;

/// The type of an XMP packet in a `uuid` box (XMP part 3, 1.2.6).
const XMP_UUID: [u8; 16] =
    [0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC];

/// Reads the movie's headers, and checks that boxes and samples are complete.
pub(crate) fn container_info(file: &[u8]) -> Result<ContainerInfo, MediaError> {
    let movie = read_movie(file)?;
    let video = movie.video()?;
    check_samples(file, &movie)?;
    let (width, height) = match video.rotation {
        Rotation::By90 | Rotation::By270 => (video.height, video.width),
        Rotation::None | Rotation::By180 => (video.width, video.height),
    };
    Ok(ContainerInfo { width: width.into(), height: height.into(), duration_ms: Some(movie.duration_ms) })
}

/// Appends an XMP packet to a file whose last box has a size, which [`strip`] sees to.
pub(crate) fn add_xmp(mut file: Vec<u8>, packet: &str) -> Vec<u8> {
    let size = packet.len().saturating_add(24);
    file.extend(u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    file.extend(b"uuid");
    file.extend(XMP_UUID);
    file.extend(packet.as_bytes());
    file
}
