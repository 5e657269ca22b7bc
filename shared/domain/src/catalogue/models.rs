//! The models of the catalogue: their capabilities, prices and providers, in the order in which the providers are tried.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{credits::ledger::Credits, registry::DataFields};

/// A kind of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// An image.
    Image,
    /// A video.
    Video,
}

/// How much work a provider puts into an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// A draft.
    Low,
    /// A good output.
    Medium,
    /// The best that the model can do.
    High,
}

/// Width and height in pixels.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema,
)]
pub struct Size {
    /// Pixels across.
    #[data(plain)]
    pub width: u32,
    /// Pixels down.
    #[data(plain)]
    pub height: u32,
}

impl Size {
    /// Returns the number of pixels.
    #[must_use]
    pub const fn pixels(self) -> u32 {
        self.width.saturating_mul(self.height)
    }
}

/// What a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PricedBy {
    /// One image or one video.
    Output,
    /// Each started second of a video.
    Second,
    /// Each million pixels of an image; parts of a credit are rounded up for each image.
    Megapixel,
}

impl PricedBy {
    /// Returns the price of one output from the price of a unit.
    fn of_output(self, unit: i64, size: Size, duration_ms: Option<u32>) -> i64 {
        match self {
            Self::Output => unit,
            Self::Second => unit.saturating_mul(i64::from(duration_ms.unwrap_or(1000).div_ceil(1000))),
            Self::Megapixel => {
                let exact = unit.saturating_mul(i64::from(size.pixels()));
                exact / 1_000_000 + i64::from(exact % 1_000_000 > 0)
            }
        }
    }
}

/// A quality with its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityTier {
    /// The quality.
    pub quality: Quality,
    /// The price of a unit.
    pub credits: Credits,
}

/// What a model costs, in credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceRule {
    /// What the unit is.
    pub per: PricedBy,
    /// The price of a unit in the default quality.
    pub credits: Credits,
    /// The qualities that can be chosen, the default first; empty if there is no choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualities: Vec<QualityTier>,
}

/// A quality with its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CostTier {
    /// The quality.
    pub quality: Quality,
    /// What a unit costs, in millionths of a US dollar.
    pub microusd: i64,
}

/// What the provider charges the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CostRule {
    /// What the unit is.
    pub per: PricedBy,
    /// What a unit costs, in millionths of a US dollar. 0 if the provider charges nothing.
    pub microusd: i64,
    /// The qualities that cost otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualities: Vec<CostTier>,
}

impl CostRule {
    /// Returns what one output costs, in millionths of a US dollar.
    #[must_use]
    pub fn of_output(&self, size: Size, duration_ms: Option<u32>, quality: Option<Quality>) -> i64 {
        let tier = self.qualities.iter().find(|tier| Some(tier.quality) == quality);
        self.per.of_output(tier.map_or(self.microusd, |tier| tier.microusd), size, duration_ms)
    }
}

/// The offer of a model by a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = ModelOffer)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its name among the offers of the model, which must not change: generations name it.
    pub key: String,
    /// The provider.
    pub provider: String,
    /// The provider's name of the model.
    pub model: String,
    /// The seconds for which a response is waited for.
    pub timeout_s: u32,
    /// The seconds that it usually takes: a job is polled first after so long, and clients are told to ask shortly before, as each
    /// question costs. 0 for as soon as any other.
    #[serde(default)]
    pub usual_s: u32,
    /// What the provider charges.
    pub cost: CostRule,
}

impl Offer {
    /// Says whether the provider charges nothing.
    #[must_use]
    pub fn is_free(&self) -> bool {
        FREE_PROVIDERS.contains(&self.provider.as_str())
    }
}

/// What a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Generates an image from a prompt.
    TextToImage,
    /// Generates an image from a prompt and a starting image.
    ImageToImage,
    /// Generates a video from a prompt.
    TextToVideo,
    /// Generates a video from a prompt and a starting image.
    ImageToVideo,
}

impl Operation {
    /// Returns the kind of what it generates.
    #[must_use]
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::TextToImage | Self::ImageToImage => MediaKind::Image,
            Self::TextToVideo | Self::ImageToVideo => MediaKind::Video,
        }
    }

    /// Says whether it takes a starting image.
    #[must_use]
    pub const fn takes_image(self) -> bool {
        matches!(self, Self::ImageToImage | Self::ImageToVideo)
    }
}

/// What a model takes beside the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A negative prompt.
    NegativePrompt,
    /// A seed.
    Seed,
}

/// Whether a model can be asked for. The jobs that were submitted before end in each state.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// It can.
    #[default]
    Active,
    /// It cannot for now, and is not listed.
    Hidden,
    /// It cannot from this day of UTC on, and is not listed then.
    Retired(Date),
}

impl ModelState {
    /// Says whether a model in this state can be asked for at `now`.
    #[must_use]
    pub fn is_open(self, now: Timestamp) -> bool {
        match self {
            Self::Active => true,
            Self::Hidden => false,
            Self::Retired(day) => now.to_zoned(TimeZone::UTC).date() < day,
        }
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = CatalogueModel)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its id in requests, which must not change: generations name it.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// The kind of its output.
    pub kind: MediaKind,
    /// Whether it can be asked for.
    #[serde(default)]
    pub state: ModelState,
    /// What it can do.
    pub operations: Vec<Operation>,
    /// What it takes beside the prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The sizes of its output, the default first.
    pub sizes: Vec<Size>,
    /// The durations of its output, the default first; empty for images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub durations_ms: Vec<u32>,
    /// Outputs of one request at most.
    pub max_count: u8,
    /// What it costs.
    pub price: PriceRule,
    /// Its offers, in the order in which they are tried.
    pub offers: Vec<Offer>,
}

impl Model {
    /// Says whether it takes this beside the prompt.
    #[must_use]
    pub fn takes(&self, input: Input) -> bool {
        self.inputs.contains(&input)
    }

    /// Says whether it takes a starting image.
    #[must_use]
    pub fn takes_image(&self) -> bool {
        self.operations.iter().any(|operation| operation.takes_image())
    }

    /// Returns the price of `count` outputs of a quality, or of the default one.
    #[must_use]
    pub fn price(&self, count: u8, size: Size, duration_ms: Option<u32>, quality: Option<Quality>) -> Credits {
        let PriceRule { per, credits, qualities } = &self.price;
        let tier = qualities.iter().find(|tier| Some(tier.quality) == quality);
        let unit = tier.map_or(*credits, |tier| tier.credits);
        Credits(per.of_output(unit.0, size, duration_ms)).times(count.into())
    }

    /// Says whether a provider that offers it charges the operator.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        self.offers.iter().any(|offer| !offer.is_free())
    }
}

/// The providers that can be called.
pub const PROVIDERS: &[&str] = &["openai", "stability", "replicate", "fal", "sketch"];
/// The models of providers that the code has a template of the request for. Other providers take one request for all models.
pub const TEMPLATES: &[(&str, &[&str])] = &[
    ("stability", &["core", "ultra", "sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium"]),
    (
        "replicate",
        &[
            "black-forest-labs/flux-schnell",
            "black-forest-labs/flux-dev",
            "wan-video/wan-2.2-t2v-fast",
            "wan-video/wan-2.2-i2v-fast",
        ],
    ),
    (
        "fal",
        &[
            "fal-ai/flux/schnell",
            "fal-ai/flux/dev",
            "fal-ai/flux/dev/image-to-image",
            "fal-ai/wan/v2.2-a14b/text-to-video/turbo",
            "fal-ai/wan/v2.2-a14b/image-to-video/turbo",
        ],
    ),
];
/// The providers that charge nothing.
const FREE_PROVIDERS: &[&str] = &["sketch"];
/// The providers that store inputs and outputs until they are asked to delete them.
pub const KEEPING_PROVIDERS: &[&str] = &["fal"];
