//! Describes the API of the public gallery.

use domain::{GenerationId, catalogue::models::MediaKind};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    generations::media::MediaView,
    operation::{Parameter::Page, operations},
};

operations! {
    /// Lists the public generations of all accounts, newest first. Names no account.
    EXPLORE = get("/v1/gallery", "gallery").public()
        .parameters(&[Page]).returns::<PublicPage>(200).problems(&[400]);
}

/// Shows a public generation to everyone, without its account.
#[derive(Serialize, ToSchema)]
pub struct PublicView {
    /// The id.
    pub id: GenerationId,
    /// Whether it is an image or a video.
    pub kind: MediaKind,
    /// The prompt, if its owner shows it.
    pub prompt: Option<String>,
    /// The files.
    pub media: Vec<MediaView>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
}

/// Shows a page of the public gallery, newest first.
#[derive(Serialize, ToSchema)]
pub struct PublicPage {
    /// The generations.
    pub items: Vec<PublicView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}
