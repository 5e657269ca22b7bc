//! Describes the API of visibility, favorites and share links.

use domain::{
    ShareId,
    catalogue::models::MediaKind,
    generations::{
        output::Visibility,
        share::{Share, ShareTerms},
    },
};
use jiff::Timestamp;
use ring::digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    generations::{generation::GenerationView, media::MediaView},
    operation::{
        Parameter::{IdempotencyKey, IfMatch},
        operations,
    },
};

operations! {
    /// Sets whether an image or a video of a generation is public or private. A repeat changes nothing.
    SET_VISIBILITY = put("/v1/generations/{id}/outputs/{output}/visibility", "visibility")
        .takes::<VisibilityRequest>(r#"{"visibility": "public", "show_prompt": true}"#)
        .parameters(&[IdempotencyKey, IfMatch])
        .returns::<GenerationView>(200).problems(&[400, 403, 404, 409, 412, 413, 415, 422, 429]);

    /// Marks an image or a video of a generation as a favorite, or unmarks it. Only the account owner sees this. A repeat changes
    /// nothing.
    SET_FAVORITE = put("/v1/generations/{id}/outputs/{output}/favorite", "visibility")
        .takes::<FavoriteRequest>(r#"{"favorite": true}"#)
        .parameters(&[IdempotencyKey, IfMatch])
        .returns::<GenerationView>(200).problems(&[400, 404, 409, 412, 413, 415, 422, 429]);

    /// Creates a share link to an image or a video. Everyone who has the link sees it until the link expires. Without an
    /// Idempotency-Key a repeat creates another link.
    CREATE = post("/v1/generations/{id}/outputs/{output}/shares", "visibility")
        .takes::<ShareRequest>(r#"{"expires_in_s": 3600, "show_prompt": true}"#)
        .parameters(&[IdempotencyKey])
        .returns::<ShareView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Lists the share links of an image or a video, without their tokens.
    LIST = get("/v1/generations/{id}/outputs/{output}/shares", "visibility")
        .returns::<Shares>(200).problems(&[404]);

    /// Revokes a share link at once.
    REVOKE = delete("/v1/generations/{id}/outputs/{output}/shares/{share}", "visibility")
        .parameters(&[IdempotencyKey]).problems(&[400, 404, 409, 422, 429]);

    /// Shows the image or video that a share link leads to.
    OPEN = get("/v1/shared/{token}", "gallery").public()
        .returns::<SharedView>(200).problems(&[404, 429]);
}

/// Sets the visibility of an image or a video.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisibilityRequest {
    /// Private or public.
    pub visibility: Visibility,
    /// Whether the prompt is shown too; `false` if absent.
    #[serde(default)]
    pub show_prompt: bool,
}

/// Marks an image or a video as a favorite, or unmarks it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FavoriteRequest {
    /// Whether it is a favorite.
    pub favorite: bool,
}

/// Sets the terms of a new share link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRequest {
    /// The seconds until the link expires: 60 to 31536000.
    #[schema(minimum = 60, maximum = 31536000)]
    pub expires_in_s: u64,
    /// Whether the prompt is shown too; `false` if absent.
    #[serde(default)]
    pub show_prompt: bool,
}

impl From<ShareRequest> for ShareTerms {
    fn from(body: ShareRequest) -> Self {
        Self { expires_in_s: body.expires_in_s, show_prompt: body.show_prompt }
    }
}

/// Shows a shared image or video to everyone who has the link, without its account.
#[derive(Serialize, ToSchema)]
pub struct SharedView {
    /// Whether it is an image or a video.
    pub kind: MediaKind,
    /// The prompt, if its owner shows it.
    pub prompt: Option<String>,
    /// The file.
    pub file: MediaView,
    /// When the link expires.
    pub expires_at: Timestamp,
    /// Names it in a report. It is another one each time.
    pub report_token: String,
}

/// Shows a share link to the account owner.
#[derive(Serialize, ToSchema)]
pub struct ShareView {
    /// The id.
    pub id: ShareId,
    /// The token for `GET /v1/shared/{token}`. Only in the response that created the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether the prompt is shown too.
    pub show_prompt: bool,
    /// When the link was created.
    pub created_at: Timestamp,
    /// When the link expires.
    pub expires_at: Timestamp,
}

impl ShareView {
    /// Shows a share link, with its token if it was created just now.
    #[must_use]
    pub fn new(share: &Share, token: Option<String>) -> Self {
        Self {
            id: share.id,
            token,
            show_prompt: share.show_prompt,
            created_at: share.created_at,
            expires_at: share.expires_at,
        }
    }
}

/// Shows the share links of an image or a video, oldest first.
#[derive(Serialize, ToSchema)]
pub struct Shares {
    /// The links.
    pub items: Vec<ShareView>,
}

/// Hashes the token of a share link: SHA-256 in hexadecimal. Links are stored and found by this hash, never by the token.
#[must_use]
pub fn token_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    hex::encode(hash)
}
