//! The catalogue of models: their capabilities, prices and providers, in the order in which the providers are tried.

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

/// A quality with its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityTier {
    /// The quality.
    pub quality: Quality,
    /// The price of one image, or of one second of video.
    pub unit_price: Credits,
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
    const fn of(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Returns the number of pixels.
    #[must_use]
    pub const fn pixels(self) -> u32 {
        self.width.saturating_mul(self.height)
    }
}

/// The offer of a model by a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The provider.
    pub provider: &'static str,
    /// The provider's name of the model.
    pub model: &'static str,
}

impl Offer {
    /// Says whether the provider charges nothing.
    #[must_use]
    pub fn is_free(&self) -> bool {
        FREE_PROVIDERS.contains(&self.provider)
    }
}

/// A model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its id in requests.
    pub id: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The kind of its output.
    pub kind: MediaKind,
    /// The sizes of its output, the default first.
    pub sizes: &'static [Size],
    /// The durations of its output, the default first; empty for images.
    pub durations_ms: &'static [u32],
    /// Outputs of one request at most.
    pub max_count: u8,
    /// Whether it accepts a negative prompt.
    pub negative_prompt: bool,
    /// Whether it accepts a seed.
    pub seed: bool,
    /// Whether it accepts an input image.
    pub input_image: bool,
    /// The price of one image, or of one second of video, in the default quality.
    pub unit_price: Credits,
    /// The qualities that can be chosen, the default first; empty if there is no choice.
    pub qualities: &'static [QualityTier],
    /// Its offers, in the order in which they are tried.
    pub offers: &'static [Offer],
}

impl Model {
    /// Returns the price of `count` outputs of a quality, or of the default one. A video costs its price for each started second.
    #[must_use]
    pub fn price(&self, count: u8, duration_ms: Option<u32>, quality: Option<Quality>) -> Credits {
        let seconds = match duration_ms {
            Some(ms) => ms.div_ceil(1000),
            None => 1,
        };
        let tier = self.qualities.iter().find(|tier| Some(tier.quality) == quality);
        tier.map_or(self.unit_price, |tier| tier.unit_price).times(seconds.saturating_mul(count as u32))
    }

    /// Returns the offers of enabled providers.
    pub fn enabled_offers<'a>(&'a self, enabled: &'a [String]) -> impl Iterator<Item = Offer> + 'a {
        self.offers.iter().copied().filter(|offer| enabled.iter().any(|name| name == offer.provider))
    }

    /// Says whether an enabled provider that offers it charges the operator.
    #[must_use]
    pub fn is_paid(&self, enabled: &[String]) -> bool {
        self.enabled_offers(enabled).any(|offer| !offer.is_free())
    }
}

/// Returns the model with this id, if an enabled provider offers it.
#[must_use]
pub fn model(id: &str, enabled: &[String]) -> Option<&'static Model> {
    models(enabled).find(|model| model.id == id)
}

/// Returns the models that enabled providers offer.
pub fn models(enabled: &[String]) -> impl Iterator<Item = &'static Model> {
    MODELS.iter().filter(|model| model.enabled_offers(enabled).next().is_some())
}

/// The providers that charge nothing.
const FREE_PROVIDERS: &[&str] = &["sketch"];
/// The providers that store inputs and outputs until they are asked to delete them.
pub const KEEPING_PROVIDERS: &[&str] = &["fal"];

const SQUARE: Size = Size::of(1024, 1024);
const WIDE_VIDEO: Size = Size::of(1280, 720);
const TALL_VIDEO: Size = Size::of(720, 1280);

/// All models. The sketch models come last, so that a client that takes the first of a kind gets a real one if there is
/// one.
pub const MODELS: &[Model] = &[
    Model {
        id: "gpt-image",
        title: "GPT Image",
        kind: MediaKind::Image,
        sizes: &[SQUARE, Size::of(1536, 1024), Size::of(1024, 1536)],
        durations_ms: &[],
        max_count: 8,
        negative_prompt: false,
        seed: false,
        input_image: true,
        unit_price: Credits(8),
        // OpenAI charges $0.006, $0.053 and $0.211 for a square of low, medium and high quality.
        qualities: &[
            QualityTier { quality: Quality::Medium, unit_price: Credits(8) },
            QualityTier { quality: Quality::Low, unit_price: Credits(2) },
            QualityTier { quality: Quality::High, unit_price: Credits(30) },
        ],
        offers: &[Offer { provider: "openai", model: "gpt-image-2" }],
    },
    Model {
        id: "stable-image-core",
        title: "Stable Image Core",
        kind: MediaKind::Image,
        sizes: &[SQUARE, Size::of(1344, 768), Size::of(768, 1344)],
        durations_ms: &[],
        max_count: 4,
        negative_prompt: true,
        seed: true,
        input_image: false,
        unit_price: Credits(4),
        qualities: &[],
        offers: &[Offer { provider: "stability", model: "core" }],
    },
    Model {
        id: "flux-schnell",
        title: "FLUX.1 schnell",
        kind: MediaKind::Image,
        sizes: &[SQUARE, Size::of(1344, 768), Size::of(768, 1344)],
        durations_ms: &[],
        max_count: 4,
        negative_prompt: false,
        seed: true,
        input_image: false,
        unit_price: Credits(2),
        qualities: &[],
        offers: &[
            Offer { provider: "replicate", model: "black-forest-labs/flux-schnell" },
            Offer { provider: "fal", model: "fal-ai/flux/schnell" },
        ],
    },
    Model {
        id: "wan-video",
        title: "Wan 2.2",
        kind: MediaKind::Video,
        sizes: &[WIDE_VIDEO, TALL_VIDEO],
        durations_ms: &[5_000],
        max_count: 1,
        negative_prompt: false,
        seed: true,
        input_image: false,
        unit_price: Credits(8),
        qualities: &[],
        offers: &[
            Offer { provider: "replicate", model: "wan-video/wan-2.2-t2v-fast" },
            Offer { provider: "fal", model: "fal-ai/wan/v2.2-a14b/text-to-video/turbo" },
        ],
    },
    Model {
        id: "sketch-image",
        title: "Sketch",
        kind: MediaKind::Image,
        sizes: &[Size::of(768, 768), SQUARE, Size::of(1024, 640), Size::of(640, 1024), Size::of(320, 320)],
        durations_ms: &[],
        max_count: 8,
        negative_prompt: true,
        seed: true,
        input_image: true,
        unit_price: Credits(1),
        qualities: &[],
        offers: &[Offer { provider: "sketch", model: "sketch" }],
    },
    Model {
        id: "sketch-video",
        title: "Sketch Video",
        kind: MediaKind::Video,
        sizes: &[Size::of(640, 360), Size::of(360, 640), Size::of(320, 180)],
        durations_ms: &[4_000, 1_000, 8_000],
        max_count: 1,
        negative_prompt: true,
        seed: true,
        input_image: true,
        unit_price: Credits(2),
        qualities: &[],
        offers: &[Offer { provider: "sketch", model: "sketch" }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn enabled(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn video_costs_its_price_for_each_started_second() {
        let video = model("sketch-video", &enabled(&["sketch"])).unwrap();
        assert_eq!(video.price(1, Some(4_000), None), Credits(8));
        assert_eq!(video.price(1, Some(4_001), None), Credits(10));
    }

    #[test]
    fn each_quality_has_its_own_price() {
        let image = model("gpt-image", &enabled(&["openai"])).unwrap();
        let price = |quality| image.price(2, None, quality);
        assert_eq!(price(None), price(Some(Quality::Medium)));
        assert!(price(Some(Quality::Low)) < price(None) && price(None) < price(Some(Quality::High)));
    }

    #[test]
    fn model_needs_an_enabled_provider() {
        assert!(model("flux-schnell", &enabled(&["sketch"])).is_none());
        let flux = model("flux-schnell", &enabled(&["fal"])).unwrap();
        assert_eq!(flux.enabled_offers(&enabled(&["fal"])).map(|o| o.provider).collect::<Vec<_>>(), ["fal"]);
    }

    #[test]
    fn model_is_paid_if_an_enabled_provider_charges_for_it() {
        let all = enabled(&["openai", "sketch"]);
        assert!(model("gpt-image", &all).unwrap().is_paid(&all));
        assert!(!model("sketch-image", &all).unwrap().is_paid(&all));
        assert!(!model("gpt-image", &all).unwrap().is_paid(&enabled(&["sketch"])));
    }

    #[test]
    fn every_model_has_sizes_offers_and_a_price() {
        for model in MODELS {
            assert!(!model.sizes.is_empty() && !model.offers.is_empty() && model.max_count > 0, "{}", model.id);
            assert_eq!(model.durations_ms.is_empty(), model.kind == MediaKind::Image, "{}", model.id);
            assert!(model.unit_price > Credits::ZERO, "{}", model.id);
            let prices: Vec<_> = model.qualities.iter().map(|tier| tier.unit_price).collect();
            assert!(prices.first().is_none_or(|price| *price == model.unit_price), "{}", model.id);
        }
    }
}
