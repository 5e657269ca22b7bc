//! From what a provider sent to what is stored. Pure, and heavy on the processor.

use domain::catalogue::models::MediaKind;
use media::{MediaError, MediaInfo, MediaType, OutputRequirements, Preview};

/// The largest picture that is stored.
const IMAGE_BYTES: u64 = 25 << 20;
/// The largest film that is stored.
const VIDEO_BYTES: u64 = 100 << 20;
/// The longer side of a thumbnail.
const THUMBNAIL_SIDE_PX: u32 = 512;

/// A file as it is stored.
#[derive(Debug)]
pub(crate) struct File {
    /// Stripped, and marked as generated where its format has a place for that.
    pub(crate) bytes: Vec<u8>,
    /// What it shows.
    pub(crate) measured: MediaInfo,
    /// What stands for it until it is opened, where it could be decoded.
    pub(crate) preview: Option<Preview>,
}

/// Checks what a provider sent, takes out what it says about its making, says in it that `model` made it, and draws its
/// preview. The same bytes give the same file.
///
/// # Errors
/// It is not what it should be: of another kind, damaged, empty, or too large.
pub(crate) fn finish(bytes: Vec<u8>, kind: MediaKind, model: &str) -> Result<File, MediaError> {
    let rule = match kind {
        MediaKind::Image => OutputRequirements { kind: media::FileKind::Image, max_bytes: IMAGE_BYTES },
        MediaKind::Video => OutputRequirements { kind: media::FileKind::Video, max_bytes: VIDEO_BYTES },
    };
    let measured = media::check_output(&bytes, rule)?;
    let bytes = match measured.media_type {
        MediaType::Webm => media::strip_metadata(bytes)?,
        MediaType::Jpeg | MediaType::Png | MediaType::Webp | MediaType::Mp4 => {
            media::mark_generated(bytes, &format!("Generated with Darkroom by the model {model}"))?
        }
    };
    let preview = media::create_preview(&bytes, THUMBNAIL_SIDE_PX)
        .inspect_err(|error| tracing::info!(error = %error, "a file has no preview"))
        .ok();
    Ok(File { bytes, measured, preview })
}

#[cfg(test)]
mod tests {
    use providers::{PollResponse, Provider, ProviderRequest, Sketch, StartResponse};

    use super::*;

    async fn sketched(kind: providers::OutputKind, side: u32) -> Vec<u8> {
        let request = ProviderRequest {
            kind,
            model: "sketch".to_owned(),
            prompt: "a lighthouse".to_owned(),
            negative_prompt: None,
            width: side,
            height: side / 2,
            count: 1,
            seed: Some(7),
            duration_ms: Some(200),
            reference_image: None,
        };
        let mut job = match Sketch::default().start(&request).await.unwrap() {
            StartResponse::Done(outputs) => return outputs.into_iter().next().unwrap().bytes,
            StartResponse::Job { id, .. } => id,
        };
        loop {
            match Sketch::default().poll(&job).await.unwrap() {
                PollResponse::Done(outputs) => return outputs.into_iter().next().unwrap().bytes,
                PollResponse::Pending { job: next, .. } => job = next.unwrap_or(job),
            }
        }
    }

    fn contains(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    fn check(file: &File, media_type: MediaType, size: (u32, u32), thumbnail: (u32, u32)) {
        assert_eq!((file.measured.media_type, file.measured.width, file.measured.height), (media_type, size.0, size.1));
        assert!(contains(&file.bytes, "trainedAlgorithmicMedia"));
        assert!(contains(&file.bytes, "the model some-model"));
        assert!(!contains(&file.bytes, "lighthouse"));
        let preview = file.preview.as_ref().unwrap();
        assert_eq!((preview.width, preview.height), thumbnail);
        assert!(!preview.thumbhash.is_empty());
    }

    #[tokio::test]
    async fn a_picture_is_measured_marked_and_previewed() {
        let file = finish(sketched(providers::OutputKind::Image, 1024).await, MediaKind::Image, "some-model").unwrap();
        check(&file, MediaType::Png, (1024, 512), (512, 256));
        assert_eq!(file.measured.duration_ms, None);
    }

    #[tokio::test]
    async fn a_film_is_measured_marked_and_previewed() {
        let file = finish(sketched(providers::OutputKind::Video, 128).await, MediaKind::Video, "some-model").unwrap();
        check(&file, MediaType::Mp4, (128, 64), (128, 64));
        assert!(file.measured.duration_ms.is_some());
    }

    #[tokio::test]
    async fn the_same_bytes_give_the_same_file() {
        let bytes = sketched(providers::OutputKind::Image, 128).await;
        let first = finish(bytes.clone(), MediaKind::Image, "some-model").unwrap();
        let second = finish(bytes, MediaKind::Image, "some-model").unwrap();
        assert_eq!((first.bytes, first.preview), (second.bytes, second.preview));
    }

    #[tokio::test]
    async fn what_is_not_what_was_asked_for_is_refused() {
        let picture = sketched(providers::OutputKind::Image, 128).await;
        let cut = picture[..picture.len() / 2].to_vec();
        assert!(matches!(finish(picture, MediaKind::Video, "m"), Err(MediaError::WrongKind { .. })));
        assert!(finish(cut, MediaKind::Image, "m").is_err());
        assert!(matches!(finish(Vec::new(), MediaKind::Image, "m"), Err(MediaError::Empty)));
        assert!(finish(b"<html>Not Found</html>".to_vec(), MediaKind::Image, "m").is_err());
        let large = vec![0; usize::try_from(IMAGE_BYTES).unwrap() + 1];
        assert!(matches!(finish(large, MediaKind::Image, "m"), Err(MediaError::TooLarge { .. })));
    }
}
