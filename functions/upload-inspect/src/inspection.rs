//! Compares a received file with its declaration, and prepares it for use. Pure.

use domain::{
    catalogue::models::MediaKind,
    generations::upload::{self, RejectionCode, Upload, UploadState},
    moderation::blocklist::Fingerprints,
};
use media::{FileKind, MediaError, MediaInfo};
use ring::digest::{SHA256, digest};

const _: () = assert!(media::MAX_PIXELS == upload::MAX_PIXELS && media::MAX_DURATION_MS == upload::MAX_DURATION_MS);

/// A file that can be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The content type, by content.
    pub content_type: &'static str,
    /// [`UploadState::Ready`].
    pub state: UploadState,
}

/// Compares the size of a file with the declared one.
///
/// # Errors
/// [`UploadState::Rejected`] if they differ.
pub(crate) fn check_size(upload: &Upload, bytes: u64) -> Result<(), UploadState> {
    if bytes == upload.bytes {
        return Ok(());
    }
    let reason = format!("The file has {bytes} bytes, not {} as declared. Upload it again.", upload.bytes);
    Err(rejected(RejectionCode::NotAsDeclared, reason))
}

/// Removes the metadata of a declared file, and makes an image upright, opaque and sRGB. Returns the file to store. Its type may be another
/// one of the same kind: browsers declare it by the extension. A repeat with the same file has the same result.
///
/// # Errors
/// [`UploadState::Rejected`] if the file differs from its declaration or is not supported.
pub(crate) fn prepare(upload: &Upload, bytes: Vec<u8>) -> Result<(Vec<u8>, Accepted), UploadState> {
    check_size(upload, bytes.len() as u64)?;
    let sha256 = hex::encode(digest(&SHA256, &bytes));
    if sha256 != upload.sha256 {
        let reason = "The SHA-256 of the file is not the declared one. Upload it again.";
        return Err(rejected(RejectionCode::NotAsDeclared, reason));
    }
    let found = media::inspect(&bytes).map_err(refused)?.media_type;
    let expected = match upload.kind {
        MediaKind::Image => FileKind::Image,
        MediaKind::Video => FileKind::Video,
    };
    if found.kind() != expected {
        return Err(refused(MediaError::WrongKind { expected, found }));
    }
    let prepared = match expected {
        FileKind::Image => media::normalize_image(bytes, upload::IMAGE_BYTES),
        FileKind::Video => media::strip_metadata(bytes),
    };
    let prepared = prepared.map_err(refused)?;
    let accepted = measure(&prepared)?;
    Ok((prepared, accepted))
}

/// Returns what a prepared file is recognised by: the original by its SHA-256, an image by what it shows.
///
/// # Errors
/// [`UploadState::Rejected`] if the image cannot be decoded.
pub(crate) fn fingerprints(upload: &Upload, prepared: &[u8]) -> Result<Fingerprints, UploadState> {
    Ok(Fingerprints { sha256: upload.sha256.clone(), pdq: media::perceptual_hash(prepared).map_err(refused)? })
}

/// Rejects a file that matches the blocklist.
pub(crate) fn known_content() -> UploadState {
    rejected(RejectionCode::KnownContent, "The file matches one that was removed for a grave reason.")
}

/// Measures a file that [`prepare`] returned.
///
/// # Errors
/// [`UploadState::Rejected`] if the file is not supported.
pub(crate) fn measure(bytes: &[u8]) -> Result<Accepted, UploadState> {
    let MediaInfo { media_type, width, height, duration_ms } = media::inspect(bytes).map_err(refused)?;
    let state = UploadState::Ready { width, height, duration_ms, stored_bytes: bytes.len() as u64 };
    Ok(Accepted { content_type: media_type.mime(), state })
}

fn refused(error: MediaError) -> UploadState {
    let code = match error {
        MediaError::UnsupportedFormat(_) => RejectionCode::UnsupportedFormat,
        MediaError::Animated { .. } => RejectionCode::Animated,
        MediaError::UnsupportedFeature { .. } => RejectionCode::UnsupportedFeature,
        MediaError::WrongKind { .. } => RejectionCode::WrongKind,
        MediaError::DimensionsOutOfRange { .. } => RejectionCode::Dimensions,
        MediaError::DurationOutOfRange { .. } => RejectionCode::Duration,
        MediaError::TooLarge { .. } => RejectionCode::TooLarge,
        _ => RejectionCode::Damaged,
    };
    rejected(code, error.to_string())
}

fn rejected(code: RejectionCode, reason: impl Into<String>) -> UploadState {
    UploadState::Rejected { code, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use domain::{AccountId, UploadId};
    use uuid::Uuid;

    use super::*;

    /// Returns a PNG of one white pixel with a comment.
    fn image_with_comment() -> Vec<u8> {
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(1, 1, image::Rgb([255; 3])).write_to(&mut png, image::ImageFormat::Png).unwrap();
        let mut png = png.into_inner();
        let end = png.len() - 12;
        png.splice(end..end, *b"\0\0\0\x0etEXtComment\0CANARY\xf5\x3c\x9b\x2b");
        png
    }

    fn declared(bytes: &[u8], content_type: &str) -> Upload {
        let sha256 = hex::encode(digest(&SHA256, bytes));
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        Upload {
            id: UploadId(Uuid::nil()),
            account: AccountId(Uuid::nil()),
            kind: if content_type.starts_with("video/") { MediaKind::Video } else { MediaKind::Image },
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

    fn check<T: std::fmt::Debug>(inspected: Result<T, UploadState>, expected: RejectionCode, words: &str) {
        let Err(UploadState::Rejected { code, reason }) = inspected else { panic!("{inspected:?}, not rejected") };
        assert_eq!(code, expected, "{reason}");
        assert!(reason.contains(words), "{reason}");
    }

    #[test]
    fn declared_file_loses_its_metadata_and_is_accepted() {
        let original = image_with_comment();
        let (bytes, accepted) = prepare(&declared(&original, "image/png"), original.clone()).unwrap();
        assert!(original.windows(6).any(|window| window == b"CANARY"));
        assert!(!bytes.windows(6).any(|window| window == b"CANARY"));
        let stored_bytes = bytes.len() as u64;
        assert_eq!(accepted.state, UploadState::Ready { width: 1, height: 1, duration_ms: None, stored_bytes });
        assert_eq!(measure(&bytes).unwrap(), accepted);
        assert_eq!(prepare(&declared(&original, "image/png"), original).unwrap(), (bytes, accepted));
    }

    #[test]
    fn content_decides_the_type_within_the_declared_kind() {
        let png = image_with_comment();
        assert_eq!(prepare(&declared(&png, "image/jpeg"), png.clone()).unwrap().1.content_type, "image/png");
        check(prepare(&declared(&png, "video/mp4"), png), RejectionCode::WrongKind, "Expected video, got image/png");
    }

    #[test]
    fn difference_to_the_declaration_is_named() {
        let png = image_with_comment();
        let upload = declared(&png, "image/png");
        let code = RejectionCode::NotAsDeclared;
        check(check_size(&upload, upload.bytes + 1), code, "as declared");
        check(prepare(&Upload { bytes: upload.bytes - 1, ..upload.clone() }, png.clone()), code, "as declared");
        check(prepare(&Upload { sha256: "0".repeat(64), ..upload }, png), code, "SHA-256");
    }

    #[test]
    fn unsupported_file_is_rejected_with_what_to_do() {
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
        let format = RejectionCode::UnsupportedFormat;
        check(prepare(&declared(&heic, "image/jpeg"), heic), format, "Export the image as JPEG");
        check(prepare(&declared(b"hello", "image/png"), b"hello".to_vec()), format, "This file type is not supported");
        let cut = image_with_comment()[..40].to_vec();
        check(prepare(&declared(&cut, "image/png"), cut), RejectionCode::Damaged, "PNG");
    }

    #[test]
    fn larger_area_than_the_limit_is_rejected() {
        let with_sides = |width: u32, height: u32| {
            let mut png = image_with_comment();
            png.splice(16..24, [width.to_be_bytes(), height.to_be_bytes()].concat());
            let crc = crc32fast::hash(&png[12..29]).to_be_bytes();
            png.splice(29..33, crc);
            prepare(&declared(&png, "image/png"), png)
        };
        check(with_sides(8193, 8193), RejectionCode::Dimensions, "at most 64 megapixels");
        // Within the limit, but without the pixels.
        check(with_sides(9000, 5000), RejectionCode::Damaged, "cannot be decoded");
    }
}
