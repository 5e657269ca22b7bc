//! A job's id: the request itself, and how many more polls find it unfinished.

use std::io::Cursor;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::paint;
use crate::{GenerationRequest, OutputKind, ReferenceImage};

/// An input image is carried as a small copy: a film shows it only as a soft backdrop.
const BACKDROP_SIDE_PX: u32 = 64;

/// A job, whole.
pub(super) struct Job {
    pub(super) request: GenerationRequest,
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
struct Written {
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
    pub(super) fn new(request: &GenerationRequest) -> Self {
        let reference_image = request.reference_image.as_ref().map(|input| ReferenceImage {
            bytes: shrink(&input.bytes).unwrap_or_default(),
            mime: "image/png".to_owned(),
        });
        Self { request: GenerationRequest { reference_image, ..request.clone() }, pending_polls: 1 }
    }

    pub(super) fn into_id(self) -> Result<String, JobError> {
        let GenerationRequest {
            kind,
            model,
            prompt,
            negative_prompt,
            width,
            height,
            count,
            seed,
            duration_ms,
            reference_image,
        } = self.request;
        let written = Written {
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
        let written: Written = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(id)?)?;
        let backdrop = written.backdrop.map(|text| BASE64_URL_SAFE_NO_PAD.decode(text)).transpose()?;
        let request = GenerationRequest {
            kind: if written.video { OutputKind::Video } else { OutputKind::Image },
            model: written.model,
            prompt: written.prompt,
            negative_prompt: written.negative_prompt,
            width: written.width,
            height: written.height,
            count: written.count,
            seed: written.seed,
            duration_ms: written.duration_ms,
            reference_image: backdrop.map(|bytes| ReferenceImage { bytes, mime: "image/png".to_owned() }),
        };
        Ok(Self { request, pending_polls: written.pending_polls })
    }
}

/// An unreadable input stays unreadable, so that the job is refused for it as an image would be.
fn shrink(bytes: &[u8]) -> image::ImageResult<Vec<u8>> {
    let small =
        image::DynamicImage::ImageRgb8(paint::decode_input(bytes)?).thumbnail(BACKDROP_SIDE_PX, BACKDROP_SIDE_PX);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}
