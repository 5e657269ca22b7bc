//! What arrived beside what was declared. Pure; each refusal is in words for the upload's owner.

use domain::generations::upload::{Upload, UploadState};
use media::MediaInfo;
use ring::digest::{SHA256, digest};

/// Longest side of an upload, in pixels.
const SIDE_PX: u32 = 8192;
/// Longest video, in milliseconds.
const DURATION_MS: u64 = 5 * 60 * 1000;

/// # Errors
/// The upload is rejected: this many bytes were not declared.
pub(crate) fn check_size(upload: &Upload, bytes: u64) -> Result<(), UploadState> {
    if bytes == upload.bytes {
        return Ok(());
    }
    Err(rejected(format!("{bytes} bytes arrived, and {} were declared", upload.bytes)))
}

/// The file without its metadata, if it is what was declared and may be kept.
///
/// # Errors
/// The upload is rejected.
pub(crate) fn strip(upload: &Upload, bytes: Vec<u8>) -> Result<Vec<u8>, UploadState> {
    check_size(upload, bytes.len() as u64)?;
    let sha256: String = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if sha256 != upload.sha256 {
        return Err(rejected("its SHA-256 is not the one that was declared"));
    }
    let measured = media::inspect(&bytes).map_err(refused)?;
    check_measures(upload, &measured)?;
    media::strip_metadata(bytes).map_err(refused)
}

fn check_measures(upload: &Upload, measured: &MediaInfo) -> Result<(), UploadState> {
    let MediaInfo { media_type, width, height, duration_ms } = *measured;
    if media_type.mime() != upload.content_type {
        return Err(rejected(format!("it is {media_type}, and {} was declared", upload.content_type)));
    }
    if width > SIDE_PX || height > SIDE_PX {
        return Err(rejected(format!("it has {width}x{height} pixels, and a side may have {SIDE_PX} at most")));
    }
    match duration_ms {
        Some(duration_ms) if duration_ms > DURATION_MS => {
            Err(rejected(format!("it lasts {duration_ms} ms, and may last {DURATION_MS} ms at most")))
        }
        _ => Ok(()),
    }
}

/// Ready, as a file that [`strip`] gave shows itself.
pub(crate) fn measure(stripped: &[u8]) -> UploadState {
    match media::inspect(stripped) {
        Ok(MediaInfo { width, height, duration_ms, .. }) => {
            UploadState::Ready { width, height, duration_ms, stored_bytes: stripped.len() as u64 }
        }
        Err(error) => refused(error),
    }
}

fn refused(error: media::MediaError) -> UploadState {
    rejected(error.to_string())
}

fn rejected(reason: impl Into<String>) -> UploadState {
    UploadState::Rejected { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use domain::{AccountId, UploadId, catalogue::models::MediaKind};
    use media::MediaType;
    use uuid::Uuid;

    use super::*;

    /// One white pixel, with a comment in it.
    fn picture() -> Vec<u8> {
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(1, 1, image::Rgb([255; 3])).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let mut png = png.into_inner();
        let end = png.len() - 12;
        png.splice(end..end, *b"\0\0\0\x0etEXtComment\0CANARY\xf5\x3c\x9b\x2b");
        png
    }

    fn declared(bytes: &[u8], content_type: &str) -> Upload {
        let sha256 = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        Upload {
            id: UploadId(Uuid::nil()),
            account: AccountId(Uuid::nil()),
            kind: MediaKind::Image,
            content_type: content_type.to_owned(),
            bytes: bytes.len() as u64,
            sha256,
            file_name: None,
            state: UploadState::Pending,
            created_at: at,
            expires_at: at,
            deleting: false,
            held: false,
            version: 1,
        }
    }

    fn check<T: std::fmt::Debug>(inspected: Result<T, UploadState>, rule: &str) {
        let Err(UploadState::Rejected { reason }) = inspected else { panic!("{inspected:?}, not rejected") };
        assert!(reason.contains(rule), "{reason}");
    }

    #[test]
    fn what_was_declared_loses_its_metadata_and_is_ready() {
        let original = picture();
        let bytes = strip(&declared(&original, "image/png"), original.clone()).unwrap();
        assert!(original.windows(6).any(|window| window == b"CANARY"));
        assert!(!bytes.windows(6).any(|window| window == b"CANARY"));
        let ready = UploadState::Ready { width: 1, height: 1, duration_ms: None, stored_bytes: bytes.len() as u64 };
        assert_eq!(measure(&bytes), ready);
        assert_eq!(strip(&declared(&original, "image/png"), original).unwrap(), bytes);
    }

    #[test]
    fn each_lie_is_named() {
        let png = picture();
        let upload = declared(&png, "image/png");
        check(check_size(&upload, upload.bytes + 1), "were declared");
        check(strip(&Upload { bytes: upload.bytes - 1, ..upload.clone() }, png.clone()), "were declared");
        check(strip(&Upload { sha256: "0".repeat(64), ..upload }, png.clone()), "SHA-256");
        check(strip(&declared(&png, "image/jpeg"), png), "it is image/png, and image/jpeg was declared");
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_what_to_do() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
        check(strip(&declared(&heic, "image/jpeg"), heic), "Export the image as JPEG");
        let cut = picture()[..40].to_vec();
        check(strip(&declared(&cut, "image/png"), cut), "PNG");
        check(strip(&declared(b"hello", "image/png"), b"hello".to_vec()), "This file type is not supported");
    }

    #[test]
    fn sides_and_durations_have_limits() {
        let film = declared(b"", "video/mp4");
        let measured = |width, duration_ms| MediaInfo {
            media_type: MediaType::Mp4,
            width,
            height: 1,
            duration_ms: Some(duration_ms),
        };
        assert!(check_measures(&film, &measured(SIDE_PX, DURATION_MS)).is_ok());
        check(check_measures(&film, &measured(SIDE_PX + 1, DURATION_MS)), "8192");
        check(check_measures(&film, &measured(SIDE_PX, DURATION_MS + 1)), "300000");
    }
}
