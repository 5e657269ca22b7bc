//! Describes the API that submits and cancels generations.

use domain::{
    Credits, UploadId,
    catalogue::models::{MediaKind, Quality},
    generations::settings::RequestedSettings,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    generations::generation::GenerationView,
    operation::{Parameter::IdempotencyKey, operations},
};

/// Is an example of a [`GenerationRequest`].
const EXAMPLE: &str = r#"{
    "model": "sketch-image", "prompt": "a vase", "width": 320, "height": 320, "count": 1, "seed": 7, "max_credits": 9
}"#;

operations! {
    /// Quotes the price of a generation. Reserves nothing.
    QUOTE = post("/v1/generations/quote", "submit")
        .takes::<GenerationRequest>(EXAMPLE)
        .returns::<QuoteView>(200).problems(&[400, 404, 413, 415]);

    /// Submits a generation: reserves its price and queues it. Without an Idempotency-Key a repeat is another generation.
    SUBMIT = post("/v1/generations", "submit")
        .takes::<GenerationRequest>(EXAMPLE)
        .parameters(&[IdempotencyKey])
        .returns::<GenerationView>(202).problems(&[400, 402, 403, 404, 409, 413, 415, 422, 429]);

    /// Cancels a generation that is queued or running. While no provider can charge for it, it ends and its credits are
    /// refunded. After that it is `canceling`, and ends as `canceled`: its credits are refunded if the provider confirms that
    /// nothing is charged, and else the price of what was generated is charged. A repeat changes nothing more. A generation
    /// that has ended in another way gets 409, and too many cancels in an hour get 429.
    CANCEL = post("/v1/generations/{id}/cancel", "submit")
        .parameters(&[IdempotencyKey])
        .returns::<GenerationView>(200).problems(&[400, 404, 409, 422, 429]);
}

/// Says what to generate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerationRequest {
    /// The id of a model, from `GET /v1/models`.
    #[schema(max_length = 64)]
    pub model: String,
    /// The prompt: at most 2,000 characters and 6,000 bytes of UTF-8.
    #[schema(min_length = 1, max_length = 2000)]
    pub prompt: String,
    /// The negative prompt, if the model takes one.
    #[schema(min_length = 1, max_length = 2000)]
    pub negative_prompt: Option<String>,
    /// The width in pixels, of one of the model's sizes; the model's first size if width and height are absent.
    pub width: Option<u32>,
    /// The height in pixels.
    pub height: Option<u32>,
    /// The duration of a video in milliseconds, one of the model's.
    pub duration_ms: Option<u32>,
    /// The quality, one of the model's; its first one if absent.
    pub quality: Option<Quality>,
    /// The number of images or videos; 1 if absent.
    #[schema(minimum = 1)]
    pub count: Option<u32>,
    /// The seed, 0 to 4294967295, if the model takes one.
    #[schema(maximum = 4294967295u64)]
    pub seed: Option<u64>,
    /// The starting image, an upload of the account that is ready, if the model takes one.
    pub input_upload: Option<UploadId>,
    /// Whether a visible label is drawn into each image and video; `false` if absent. The operator may have it always drawn.
    #[serde(default)]
    pub visible_label: bool,
    /// The highest price to accept. A generation that costs more is refused.
    #[schema(value_type = Option<u64>)]
    pub max_credits: Option<u64>,
}

impl GenerationRequest {
    /// Splits the request into the settings and the highest price to accept.
    #[must_use]
    pub fn split(self) -> (RequestedSettings, Option<Credits>) {
        let max_credits = self.max_credits.map(|max| Credits(i64::try_from(max).unwrap_or(i64::MAX)));
        let settings = RequestedSettings {
            model: self.model,
            prompt: self.prompt,
            negative_prompt: self.negative_prompt,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            quality: self.quality,
            count: self.count,
            seed: self.seed,
            input_upload: self.input_upload,
            visible_label: self.visible_label,
        };
        (settings, max_credits)
    }
}

/// Shows the price of a generation that is not submitted yet.
#[derive(Serialize, ToSchema)]
pub struct QuoteView {
    /// Whether it is an image or a video.
    pub kind: MediaKind,
    /// The price of all outputs.
    pub credits: Credits,
    /// The version of the catalogue that the price is from.
    pub catalogue: u32,
    /// The credits that are available now.
    pub available: Credits,
}
