//! Describes media files, and signs links to them.

use domain::generations::output::Media;
use jiff::Timestamp;
use serde::Serialize;
use store::{Bucket, StoreError};
use utoipa::ToSchema;

/// Shows the file of an image or a video.
#[derive(Serialize, ToSchema)]
pub struct MediaView {
    /// A link to the file. It works for up to four minutes, and is the same for half a minute.
    pub url: String,
    /// A link to a thumbnail, a JPEG. It works for up to four minutes, and is the same for half a minute.
    pub thumbnail_url: Option<String>,
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The duration of a video in milliseconds.
    pub duration_ms: Option<u64>,
    /// A [ThumbHash](https://evanw.github.io/thumbhash/) in base64.
    pub thumbhash: Option<String>,
}

impl MediaView {
    /// Shows a file, with links that work for up to four minutes. Signing a link calls no service.
    ///
    /// # Errors
    /// A link could not be signed.
    pub async fn with_links(bucket: &Bucket, media: &Media, now: Timestamp) -> Result<Self, StoreError> {
        let thumbnail_url = match &media.thumbnail_key {
            Some(key) => Some(bucket.media_link(key, now).await?),
            None => None,
        };
        Ok(Self {
            url: bucket.media_link(&media.key, now).await?,
            thumbnail_url,
            content_type: media.content_type.clone(),
            bytes: media.bytes,
            width: media.width,
            height: media.height,
            duration_ms: media.duration_ms,
            thumbhash: media.thumbhash.clone(),
        })
    }
}
