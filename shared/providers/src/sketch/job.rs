//! The job id: the request itself, and the number of polls that still find the job pending.

use std::io::Cursor;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::request::{OutputKind, ProviderRequest, ReferenceImage};

/// The longest side of the copy of the reference image in a job id. A video shows it only as a soft backdrop.
const BACKDROP_SIDE_PX: u32 = 64;

/// Holds everything that finishes a job.
pub(super) struct Job {
    pub(super) request: ProviderRequest,
    pub(super) pending_polls: u8,
}

#[derive(thiserror::Error, Debug)]
pub(super) enum JobError {
    #[error("not base64")]
    Base64(#[from] base64::DecodeError),
    #[error("not a job")]
    Json(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct JobId {
    video: bool,
    model: String,
    prompt: String,
    negative_prompt: Option<String>,
    width: u32,
    height: u32,
    count: u8,
    seed: Option<u64>,
    duration_ms: Option<u64>,
    backdrop: Option<String>,
    pending_polls: u8,
}

impl Job {
    pub(super) fn new(request: &ProviderRequest, backdrop: Option<RgbImage>) -> image::ImageResult<Self> {
        let small = backdrop.map(shrink).transpose()?;
        let reference_image = small.map(|bytes| ReferenceImage { bytes: bytes.into(), mime: "image/png".to_owned() });
        Ok(Self { request: ProviderRequest { reference_image, ..request.clone() }, pending_polls: 1 })
    }

    pub(super) fn into_id(self) -> Result<String, JobError> {
        let ProviderRequest {
            kind,
            model,
            prompt,
            negative_prompt,
            width,
            height,
            quality: _,
            count,
            seed,
            duration_ms,
            reference_image,
            callback: _,
        } = self.request;
        let written = JobId {
            video: kind == OutputKind::Video,
            model,
            prompt,
            negative_prompt,
            width,
            height,
            count,
            seed,
            duration_ms,
            backdrop: reference_image.map(|input| BASE64_URL_SAFE_NO_PAD.encode(input.bytes)),
            pending_polls: self.pending_polls,
        };
        Ok(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&written)?))
    }

    pub(super) fn from_id(id: &str) -> Result<Self, JobError> {
        let written: JobId = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(id)?)?;
        let backdrop = written.backdrop.map(|text| BASE64_URL_SAFE_NO_PAD.decode(text)).transpose()?;
        let request = ProviderRequest {
            kind: if written.video { OutputKind::Video } else { OutputKind::Image },
            model: written.model,
            prompt: written.prompt,
            negative_prompt: written.negative_prompt,
            width: written.width,
            height: written.height,
            quality: None,
            count: written.count,
            seed: written.seed,
            duration_ms: written.duration_ms,
            callback: None,
            reference_image: backdrop.map(|bytes| ReferenceImage { bytes: bytes.into(), mime: "image/png".to_owned() }),
        };
        Ok(Self { request, pending_polls: written.pending_polls })
    }
}

fn shrink(backdrop: RgbImage) -> image::ImageResult<Vec<u8>> {
    let small = image::DynamicImage::ImageRgb8(backdrop).thumbnail(BACKDROP_SIDE_PX, BACKDROP_SIDE_PX);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}
