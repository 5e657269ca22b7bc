//! The settings of a generation, checked field by field.

use serde::{Deserialize, Serialize};

use crate::{
    accounts::plan::PlanLimits,
    catalogue::{
        Catalogue,
        models::{Input, MediaKind, Model, Quality, Size},
    },
    credits::ledger::Credits,
    ids::UploadId,
    refusal::{FieldError, Refusal},
    registry::DataFields,
};

/// Longest prompt, in characters ([Unicode scalar values](https://www.unicode.org/glossary/#unicode_scalar_value)).
pub const PROMPT_CHARACTERS: usize = 2_000;
/// Longest prompt, in bytes of UTF-8.
pub const PROMPT_BYTES: usize = 6_000;

/// The settings that a client requests. Absent fields get the default of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedSettings {
    /// The id of a model.
    pub model: String,
    /// The prompt.
    pub prompt: String,
    /// The negative prompt.
    pub negative_prompt: Option<String>,
    /// Pixels across; goes with `height`.
    pub width: Option<u32>,
    /// Pixels down; goes with `width`.
    pub height: Option<u32>,
    /// The duration of a video.
    pub duration_ms: Option<u32>,
    /// The quality.
    pub quality: Option<Quality>,
    /// The number of images.
    pub count: Option<u32>,
    /// The seed. With the same seed and settings, one provider of a model that takes a seed generates the same output.
    /// Another provider of the same model does not.
    pub seed: Option<u64>,
    /// An upload of the account that is ready, as input image.
    pub input_upload: Option<UploadId>,
    /// Whether a visible label is drawn into the outputs.
    pub visible_label: bool,
}

/// Settings that are within the rules of the model and the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct GenerationSettings {
    /// The id of a model.
    #[data(plain)]
    pub model: String,
    /// The prompt.
    #[data(personal)]
    pub prompt: String,
    /// The negative prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub negative_prompt: Option<String>,
    /// The size.
    #[data(nested)]
    pub size: Size,
    /// The duration of a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub duration_ms: Option<u32>,
    /// The quality, of a model that has a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub quality: Option<Quality>,
    /// The number of images.
    #[data(plain)]
    pub count: u8,
    /// The seed: the requested one, or a random one if the model takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub seed: Option<u32>,
    /// The upload that is the input image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub input_upload: Option<UploadId>,
    /// Whether a visible label is drawn into the outputs.
    #[serde(default, skip_serializing_if = "is_false")]
    #[data(plain)]
    pub visible_label: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl GenerationSettings {
    /// Chooses this seed if the model takes one and none was requested, so that the output can be generated again.
    #[must_use]
    pub fn with_chosen_seed(mut self, seed: u32, catalogue: &Catalogue) -> Self {
        let takes_seed = catalogue.model(&self.model).is_some_and(|model| model.takes(Input::Seed));
        if takes_seed && self.seed.is_none() {
            // Replicate and fal take 31 bits.
            self.seed = Some(seed >> 1);
        }
        self
    }
}

/// The price of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What is generated.
    pub kind: MediaKind,
    /// The total price.
    pub price: Credits,
    /// The version of the catalogue that the price is from.
    pub catalogue: u32,
    /// The seconds that the first offer of the model usually takes. 0 if nobody knows.
    pub usual_s: u32,
}

/// Checks requested settings against the rules of the model and the plan. The catalogue has the [open](Catalogue::open) models
/// only.
///
/// # Errors
/// [`Refusal::Invalid`] with every field that breaks a rule, not only the first.
pub fn validate(
    asked: RequestedSettings,
    limits: &PlanLimits,
    catalogue: &Catalogue,
) -> Result<(GenerationSettings, Quote), Refusal> {
    let Some(model) = catalogue.model(&asked.model) else {
        return Err(Refusal::invalid("model", "one of the ids that GET /v1/models lists"));
    };
    let mut errors = Vec::new();
    errors.extend(check_text("prompt", &asked.prompt));
    if let Some(text) = &asked.negative_prompt {
        errors.extend(check_text("negative_prompt", text));
    }
    let size = check_size(&asked, model, limits, &mut errors);
    let count = check_count(asked.count, model, limits, &mut errors);
    let duration_ms = check_duration(asked.duration_ms, model, &mut errors);
    let quality = check_quality(asked.quality, model, &mut errors);
    let seed = check_seed(asked.seed, &mut errors);
    let given = [
        ("negative_prompt", asked.negative_prompt.is_some() && !model.takes(Input::NegativePrompt)),
        ("seed", asked.seed.is_some() && !model.takes(Input::Seed)),
        ("input_upload", asked.input_upload.is_some() && !model.takes_image()),
    ];
    errors.extend(
        given
            .iter()
            .filter(|(_, refused)| *refused)
            .map(|(field, _)| FieldError::new(*field, format!("the model {} does not take it", model.id))),
    );
    let (Some(size), Some(count)) = (size, count) else { return Err(Refusal::Invalid(errors)) };
    if !errors.is_empty() {
        return Err(Refusal::Invalid(errors));
    }
    let settings = GenerationSettings {
        model: model.id.clone(),
        prompt: asked.prompt,
        negative_prompt: asked.negative_prompt,
        size,
        duration_ms,
        quality,
        count,
        seed,
        input_upload: asked.input_upload,
        visible_label: asked.visible_label,
    };
    let price = model.price(count, size, duration_ms, quality);
    let usual_s = model.offers.first().map_or(0, |offer| offer.usual_s);
    Ok((settings, Quote { kind: model.kind, price, catalogue: catalogue.version, usual_s }))
}

/// Checks a text of several lines. Returns the rule that it breaks.
pub(crate) fn check_text(field: &'static str, text: &str) -> Option<FieldError> {
    let rule = if text.trim().is_empty() {
        "must not be empty".to_owned()
    } else if text.chars().count() > PROMPT_CHARACTERS {
        format!("at most {PROMPT_CHARACTERS} characters")
    } else if text.len() > PROMPT_BYTES {
        format!("at most {PROMPT_BYTES} bytes of UTF-8")
    } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        "no control characters but line feed and tab".to_owned()
    } else {
        return None;
    };
    Some(FieldError::new(field, rule))
}

fn check_size(
    asked: &RequestedSettings,
    model: &Model,
    limits: &PlanLimits,
    errors: &mut Vec<FieldError>,
) -> Option<Size> {
    let allowed: Vec<Size> = model.sizes.iter().copied().filter(|size| size.pixels() <= limits.output_pixels).collect();
    let size = match (asked.width, asked.height) {
        (None, None) => allowed.first().copied(),
        (Some(width), Some(height)) => allowed.iter().copied().find(|size| *size == Size { width, height }),
        _ => None,
    };
    if size.is_none() {
        let sizes: Vec<String> = allowed.iter().map(|s| format!("{}x{}", s.width, s.height)).collect();
        errors.push(FieldError::new("width", format!("width and height together: one of {}", sizes.join(", "))));
    }
    size
}

fn check_count(asked: Option<u32>, model: &Model, limits: &PlanLimits, errors: &mut Vec<FieldError>) -> Option<u8> {
    let most = model.max_count.min(limits.outputs_per_generation);
    let count = u8::try_from(asked.unwrap_or(1)).ok().filter(|count| (1..=most).contains(count));
    if count.is_none() {
        errors.push(FieldError::new("count", format!("1 to {most}")));
    }
    count
}

fn check_duration(asked: Option<u32>, model: &Model, errors: &mut Vec<FieldError>) -> Option<u32> {
    let duration = asked.or_else(|| model.durations_ms.first().copied());
    if duration.is_some_and(|ms| !model.durations_ms.contains(&ms)) {
        let rule = if model.durations_ms.is_empty() {
            format!("the model {} generates no videos", model.id)
        } else {
            format!("one of {:?}", model.durations_ms)
        };
        errors.push(FieldError::new("duration_ms", rule));
    }
    duration
}

fn check_quality(asked: Option<Quality>, model: &Model, errors: &mut Vec<FieldError>) -> Option<Quality> {
    let mut offered = model.price.qualities.iter().map(|tier| tier.quality);
    if asked.is_some_and(|quality| !offered.clone().any(|other| other == quality)) {
        errors.push(FieldError::new("quality", format!("one that the model {} offers in GET /v1/models", model.id)));
    }
    asked.or_else(|| offered.next())
}

fn check_seed(asked: Option<u64>, errors: &mut Vec<FieldError>) -> Option<u32> {
    let seed = asked.map(u32::try_from);
    if matches!(seed, Some(Err(_))) {
        errors.push(FieldError::new("seed", format!("0 to {}", u32::MAX)));
    }
    seed.and_then(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::compiled;

    fn asked() -> RequestedSettings {
        RequestedSettings {
            model: "sketch-image".to_owned(),
            prompt: "a lighthouse".to_owned(),
            ..RequestedSettings::default()
        }
    }

    fn check(asked: RequestedSettings, fields: &[&str]) {
        let enabled = compiled().offered_by(&["sketch", "fal"]);
        let found = match validate(asked.clone(), &crate::service_settings::compiled().plans.free, &enabled) {
            Ok(_) => vec![],
            Err(Refusal::Invalid(errors)) => errors.into_iter().map(|e| e.field).collect::<Vec<_>>(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found, fields, "{asked:?}");
    }

    #[test]
    fn seed_is_chosen_for_models_that_take_one_and_kept_if_requested() {
        let enabled = compiled().offered_by(&["sketch", "openai"]);
        let seed = |model: &str, seed| {
            let asked = RequestedSettings { model: model.into(), seed, ..asked() };
            validate(asked, &crate::service_settings::compiled().plans.free, &enabled)
                .unwrap()
                .0
                .with_chosen_seed(u32::MAX, &enabled)
                .seed
        };
        assert_eq!(seed("sketch-image", None), Some(u32::MAX >> 1));
        assert_eq!(seed("sketch-image", Some(7)), Some(7));
        assert_eq!(seed("gpt-image", None), None);
    }

    #[test]
    fn quality_is_the_default_unless_one_is_requested() {
        let enabled = compiled().offered_by(&["openai"]);
        let quoted = |quality| {
            let asked = RequestedSettings { model: "gpt-image".into(), quality, ..asked() };
            let (settings, quote) = validate(asked, &crate::service_settings::compiled().plans.free, &enabled).unwrap();
            (settings.quality, quote.price)
        };
        assert_eq!(quoted(None), (Some(Quality::Medium), Credits(8)));
        assert_eq!(quoted(Some(Quality::High)), (Some(Quality::High), Credits(30)));
    }

    #[test]
    fn every_invalid_field_is_named() {
        check(asked(), &[]);
        check(RequestedSettings { model: "gpt-image".into(), ..asked() }, &["model"]);
        check(RequestedSettings { prompt: " \n".into(), ..asked() }, &["prompt"]);
        check(RequestedSettings { prompt: "a\u{7}".into(), ..asked() }, &["prompt"]);
        check(RequestedSettings { prompt: "a\u{202e}b".into(), ..asked() }, &[]);
        check(RequestedSettings { prompt: "é".repeat(2_000), ..asked() }, &[]);
        check(RequestedSettings { prompt: "é".repeat(2_001), ..asked() }, &["prompt"]);
        check(RequestedSettings { prompt: "🎈".repeat(1_501), ..asked() }, &["prompt"]);
        check(RequestedSettings { width: Some(768), ..asked() }, &["width"]);
        check(RequestedSettings { width: Some(769), height: Some(768), ..asked() }, &["width"]);
        check(RequestedSettings { count: Some(0), ..asked() }, &["count"]);
        check(RequestedSettings { count: Some(3), ..asked() }, &["count"]);
        check(RequestedSettings { count: Some(257), ..asked() }, &["count"]);
        check(RequestedSettings { duration_ms: Some(4_000), ..asked() }, &["duration_ms"]);
        check(RequestedSettings { seed: Some(1 << 32), ..asked() }, &["seed"]);
        check(RequestedSettings { quality: Some(Quality::High), ..asked() }, &["quality"]);
        let flux = RequestedSettings { model: "flux-schnell".into(), negative_prompt: Some("rain".into()), ..asked() };
        check(flux, &["negative_prompt"]);
        check(
            RequestedSettings { prompt: String::new(), count: Some(9), seed: Some(u64::MAX), ..asked() },
            &["prompt", "count", "seed"],
        );
    }
}
