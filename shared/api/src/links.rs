//! Links: to the files of generations, and those that share one.

use domain::{generations::generation::Generation, generations::share::MEDIA_LINK_S};
use jiff::Timestamp;
use ring::digest;
use store::{Bucket, StoreError};

use crate::views::{GenerationView, MediaView};

/// A generation as its owner sees it.
///
/// # Errors
/// A link could not be signed.
pub async fn generation_view(
    bucket: &Bucket,
    generation: Generation,
    now: Timestamp,
) -> Result<GenerationView, StoreError> {
    let media = media_views(bucket, &generation, now).await?;
    Ok(GenerationView::new(generation, media))
}

/// The files of a generation, with links that live [`MEDIA_LINK_S`] seconds. Signing asks nobody.
///
/// # Errors
/// A link could not be signed.
pub async fn media_views(
    bucket: &Bucket,
    generation: &Generation,
    now: Timestamp,
) -> Result<Vec<MediaView>, StoreError> {
    let mut views = Vec::with_capacity(generation.media.len());
    for media in &generation.media {
        let thumbnail_url = match &media.thumbnail_key {
            Some(key) => Some(bucket.presign_get(key, MEDIA_LINK_S, now).await?),
            None => None,
        };
        views.push(MediaView {
            url: bucket.presign_get(&media.key, MEDIA_LINK_S, now).await?,
            thumbnail_url,
            content_type: media.content_type.clone(),
            bytes: media.bytes,
            width: media.width,
            height: media.height,
            duration_ms: media.duration_ms,
            thumbhash: media.thumbhash.clone(),
        });
    }
    Ok(views)
}

/// What a share link is found by: SHA-256 of its token, hexadecimal. The token itself is not kept.
#[must_use]
pub fn token_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
