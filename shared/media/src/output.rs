use crate::{Kind, Measured, MediaError, MediaType, measure, mp4, picture};

/// What a caller expects of a provider's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputRule {
    /// Picture or video.
    pub kind: Kind,
    /// The most bytes that are stored.
    pub max_bytes: u64,
}

/// Checks that a provider's output is what it should be, and measures it.
///
/// Pictures are decoded in full. Videos are not: of MP4 every sample must be where its tables say, of WebM every
/// block must be complete.
///
/// # Errors
/// Those of [`measure`], [`MediaError::TooLarge`], [`MediaError::WrongKind`] and [`MediaError::Decode`].
pub fn check_output(bytes: &[u8], rule: OutputRule) -> Result<Measured, MediaError> {
    let length = bytes.len() as u64;
    if length > rule.max_bytes {
        return Err(MediaError::TooLarge { bytes: length, max_bytes: rule.max_bytes });
    }
    let measured = measure(bytes)?;
    if measured.media_type.kind() != rule.kind {
        return Err(MediaError::WrongKind { expected: rule.kind, found: measured.media_type });
    }
    match measured.media_type {
        MediaType::Jpeg | MediaType::Png | MediaType::Webp => drop(picture::decode(bytes, measured.media_type)?),
        MediaType::Mp4 => mp4::check_samples(bytes)?,
        MediaType::Webm => {}
    }
    Ok(measured)
}
