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
    /// Lists the public images and videos of all accounts, newest first. Names no account.
    EXPLORE = get("/v1/gallery", "gallery").public()
        .parameters(&[Page]).returns::<PublicPage>(200).problems(&[400, 429]);
}

/// Shows a public image or video to everyone, without its account.
#[derive(Serialize, ToSchema)]
pub struct PublicView {
    /// The id of the generation.
    pub id: GenerationId,
    /// The number in the generation.
    pub output: u32,
    /// Whether it is an image or a video.
    pub kind: MediaKind,
    /// The prompt, if its owner shows it.
    pub prompt: Option<String>,
    /// The file.
    pub file: MediaView,
    /// When it was published.
    pub published_at: Timestamp,
    /// Names it in a report. It is another one each time.
    pub report_token: String,
}

/// Shows a page of the public gallery, newest first.
#[derive(Serialize, ToSchema)]
pub struct PublicPage {
    /// The images and videos. May be empty while there is a next page.
    pub items: Vec<PublicView>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}
