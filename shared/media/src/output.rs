use crate::decode::decode;
use crate::error::MediaError;
use crate::inspect::inspect;
use crate::media_info::MediaInfo;
use crate::media_type::FileKind;

/// What a caller expects of a provider's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputRequirements {
    /// Picture or video.
    pub kind: FileKind,
    /// The most bytes that are stored.
    pub max_bytes: u64,
}

/// Checks that a provider's output is what it should be, and measures it.
///
/// Pictures are decoded in full. Of videos only the structure is read, to the end, as [`inspect`] does.
///
/// # Errors
/// Those of [`inspect`], [`MediaError::TooLarge`], [`MediaError::WrongKind`] and [`MediaError::Decode`].
pub fn check_output(bytes: &[u8], rule: OutputRequirements) -> Result<MediaInfo, MediaError> {
    let length = bytes.len() as u64;
    if length > rule.max_bytes {
        return Err(MediaError::TooLarge { bytes: length, max_bytes: rule.max_bytes });
    }
    let measured = inspect(bytes)?;
    if measured.media_type.kind() != rule.kind {
        return Err(MediaError::WrongKind { expected: rule.kind, found: measured.media_type });
    }
    if rule.kind == FileKind::Image {
        decode(bytes, measured.media_type)?;
    }
    Ok(measured)
}
