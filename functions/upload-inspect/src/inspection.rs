//! What arrived beside what was declared. Pure; each refusal is in words for the upload's owner.

use domain::upload::{State, Upload};
use media::Measured;
use ring::digest::{SHA256, digest};

/// Longest side of an upload, in pixels.
const SIDE_PX: u32 = 8192;
/// Longest video, in milliseconds.
const DURATION_MS: u64 = 5 * 60 * 1000;

/// # Errors
/// The upload is rejected: this many bytes were not declared.
pub(crate) fn check_size(upload: &Upload, bytes: u64) -> Result<(), State> {
    if bytes == upload.bytes {
        return Ok(());
    }
    Err(rejected(format!("{bytes} bytes arrived, and {} were declared", upload.bytes)))
}

/// The file without its metadata, if it is what was declared and may be kept.
///
/// # Errors
/// The upload is rejected.
pub(crate) fn strip(upload: &Upload, bytes: Vec<u8>) -> Result<Vec<u8>, State> {
    check_size(upload, bytes.len() as u64)?;
    let sha256: String = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if sha256 != upload.sha256 {
        return Err(rejected("its SHA-256 is not the one that was declared"));
    }
    let Measured { media_type, width, height, duration_ms } = media::measure(&bytes).map_err(refused)?;
    if media_type.mime() != upload.content_type {
        return Err(rejected(format!("it is {media_type}, and {} was declared", upload.content_type)));
    }
    if width > SIDE_PX || height > SIDE_PX {
        return Err(rejected(format!("it has {width}x{height} pixels, and a side may have {SIDE_PX} at most")));
    }
    if let Some(duration_ms) = duration_ms.filter(|duration_ms| *duration_ms > DURATION_MS) {
        return Err(rejected(format!("it lasts {duration_ms} ms, and may last {DURATION_MS} ms at most")));
    }
    media::strip(bytes).map_err(refused)
}

/// Ready, as a file that [`strip`] gave shows itself.
pub(crate) fn measure(stripped: &[u8]) -> State {
    match media::measure(stripped) {
        Ok(Measured { width, height, duration_ms, .. }) => {
            State::Ready { width, height, duration_ms, stored_bytes: stripped.len() as u64 }
        }
        Err(error) => refused(error),
    }
}

fn refused(error: media::MediaError) -> State {
    rejected(error.to_string())
}

fn rejected(reason: impl Into<String>) -> State {
    State::Rejected { reason: reason.into() }
}
