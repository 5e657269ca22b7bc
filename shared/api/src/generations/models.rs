//! Describes the API of the model catalogue.

use domain::{
    Credits,
    catalogue::models::{Input, MediaKind, Model, PricedBy, Quality, Size},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Lists the models that can be chosen, with their options and prices.
    LIST = get("/v1/models", "submit").public()
        .returns::<Models>(200);
}

/// Shows the models that can be chosen.
#[derive(Serialize, ToSchema)]
pub struct Models {
    /// The models, the recommended one first.
    pub models: Vec<ModelView>,
    /// Whether the operator has a visible label drawn into every image and video, whatever a request says.
    pub always_labelled: bool,
}

/// Shows a model that can be chosen.
#[derive(Serialize, ToSchema)]
pub struct ModelView {
    /// The id, for requests.
    pub id: String,
    /// The name that people see.
    pub title: String,
    /// Whether it generates images or videos.
    pub kind: MediaKind,
    /// The price of a unit in the default quality.
    pub credits: Credits,
    /// What the unit is.
    pub price_per: PricedBy,
    /// The qualities that can be chosen, the default first; empty if there is no choice.
    pub qualities: Vec<QualityView>,
    /// The sizes that it generates, the default first.
    pub sizes: Vec<Size>,
    /// The durations that it generates, the default first; empty for images.
    pub durations_ms: Vec<u32>,
    /// The largest number of outputs of one request.
    pub max_count: u8,
    /// Whether it takes a negative prompt.
    pub negative_prompt: bool,
    /// Whether it takes a seed.
    pub seed: bool,
    /// Whether it takes a starting image.
    pub input_image: bool,
    /// Whether only accounts that have bought credits can use it: those on another plan than Free. Welcome credits pay for
    /// the other models.
    pub needs_purchase: bool,
}

/// Shows a quality that can be chosen.
#[derive(Serialize, ToSchema)]
pub struct QualityView {
    /// The quality.
    pub quality: Quality,
    /// The price of a unit.
    pub credits: Credits,
}

impl ModelView {
    /// Shows a model.
    #[must_use]
    pub fn new(model: &Model, needs_purchase: bool) -> Self {
        Self {
            id: model.id.clone(),
            title: model.title.clone(),
            kind: model.kind,
            credits: model.price.credits,
            price_per: model.price.per,
            qualities: model
                .price
                .qualities
                .iter()
                .map(|tier| QualityView { quality: tier.quality, credits: tier.credits })
                .collect(),
            sizes: model.sizes.clone(),
            durations_ms: model.durations_ms.clone(),
            max_count: model.max_count,
            negative_prompt: model.takes(Input::NegativePrompt),
            seed: model.takes(Input::Seed),
            input_image: model.takes_image(),
            needs_purchase,
        }
    }
}
