//! The classifier of images that needs no key: a small network in this process, which knows photos and drawings of naked people.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use domain::moderation::verdict::{Category, Score, Scores};

use crate::{
    classifier::{Classifier, ClassifierError, Content, Scored},
    network::{InvalidModel, Network, SIDE},
};

/// Finds explicit images. Calls nothing.
#[derive(Clone, Default)]
pub struct Pixels(Arc<OnceLock<Result<Network, InvalidModel>>>);

const MANIFEST: &str = include_str!("../model/manifest.json");
const WEIGHTS: &[u8] = include_bytes!("../model/weights.bin");

impl Pixels {
    /// Its name in verdicts.
    pub const NAME: &str = "pixels";
    /// The package of the model, and how its classes count.
    pub const VERSION: &str = "nsfwjs-4.3.0-1";

    /// Makes the classifier. The first image reads its model.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn score(&self, image: &[u8]) -> Result<Scores, ClassifierError> {
        let network = self
            .0
            .get_or_init(|| Network::read(MANIFEST, WEIGHTS))
            .as_ref()
            .map_err(|error| ClassifierError::Refused { classifier: Self::NAME, reason: error.to_string() })?;
        let pixels = media::square_of(image, u32::try_from(SIDE).unwrap_or(u32::MAX)).map_err(unavailable)?;
        let classes = network.classify(pixels.into_iter().map(|value| f32::from(value) / 255.0).collect());
        meaning(&classes).ok_or_else(|| unavailable("other classes than known"))
    }
}

/// Returns the scores of classes, in this order: a drawing, a drawing of sex, a harmless photo, a photo of sex, a photo that suggests it.
fn meaning(classes: &[f32]) -> Option<Scores> {
    let [_, drawn, _, photo, suggestive] = classes else { return None };
    let mut scores = Scores::default();
    scores.raise(Category::SexualExplicit, Score::of_probability(f64::from(drawn + photo)));
    scores.raise(Category::SexualSuggestive, Score::of_probability(f64::from(*suggestive)));
    Some(scores)
}

fn unavailable(reason: impl ToString) -> ClassifierError {
    ClassifierError::Unavailable { classifier: Pixels::NAME, reason: reason.to_string() }
}

#[async_trait]
impl Classifier for Pixels {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn sees(&self, content: &Content<'_>) -> bool {
        matches!(content, Content::Image { .. })
    }

    async fn scores(&self, content: &Content<'_>) -> Result<Scored, ClassifierError> {
        let Content::Image { bytes, .. } = content else { return Err(unavailable("it sees images only")) };
        let (own, bytes) = (self.clone(), bytes.to_vec());
        let scores = tokio::task::spawn_blocking(move || own.score(&bytes)).await.map_err(unavailable)??;
        Ok(Scored { scores, version: Self::VERSION.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use domain::moderation::verdict::{Stage, Thresholds, Verdict};
    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;
    use crate::gate::Gate;

    /// A drawn picture: a disc on a slope.
    fn drawn(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let color = |x: u32, y: u32| {
            let inside = x.abs_diff(150).pow(2) + y.abs_diff(90).pow(2) < 2500;
            if inside { Rgb([250, 210, 40]) } else { Rgb([40, u8::try_from(y).unwrap(), 160]) }
        };
        RgbImage::from_fn(320, 200, color).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn content(bytes: &[u8]) -> Content<'_> {
        Content::Image { bytes, media_type: "image/png" }
    }

    #[tokio::test]
    async fn harmless_drawing_passes_and_a_low_threshold_blocks_it() {
        let image = drawn(ImageFormat::Png);
        let check = async |settings: &str| {
            let gate = Gate::new(vec![Arc::new(Pixels::new())], Thresholds::parse(settings).unwrap());
            gate.check(Stage::Outputs, &content(&image)).await.unwrap()
        };
        let passed = check("").await;
        let [verdict] = passed.as_slice() else { panic!("{passed:?}") };
        assert_eq!((verdict.classifier.as_str(), verdict.version.as_str()), (Pixels::NAME, Pixels::VERSION));
        assert!(!verdict.is_blocked(), "{verdict:?}");
        assert!(check("sexual_explicit=1").await.iter().all(Verdict::is_blocked));
    }

    #[test]
    fn drawings_and_photos_of_sex_count_together() {
        let scores = meaning(&[0.0, 0.25, 0.125, 0.5, 0.125]).unwrap();
        let found = [Category::SexualExplicit, Category::SexualSuggestive].map(|category| scores.of(category));
        assert_eq!(found, [Score::percent(75), Score::percent(13)]);
        assert!(meaning(&[1.0]).is_none());
    }

    #[tokio::test]
    async fn same_image_has_the_same_scores_in_each_process_and_format() {
        let scores = async |bytes: Vec<u8>| Pixels::new().scores(&content(&bytes)).await.unwrap().scores;
        let once = scores(drawn(ImageFormat::Png)).await;
        assert_eq!(scores(drawn(ImageFormat::Png)).await, once);
        assert_eq!(scores(drawn(ImageFormat::WebP)).await, once, "WebP without loss");
    }

    #[tokio::test]
    async fn image_that_cannot_be_decoded_and_a_model_that_cannot_be_read_let_nothing_pass() {
        let damaged = Pixels::new().scores(&content(b"no image")).await;
        assert!(matches!(damaged, Err(ClassifierError::Unavailable { .. })), "{damaged:?}");
        let unreadable = Pixels::new();
        let model = Network::read(MANIFEST, &WEIGHTS[1..]);
        assert!(model.is_err() && unreadable.0.set(model).is_ok());
        let refused = unreadable.scores(&content(&drawn(ImageFormat::Png))).await;
        assert!(matches!(refused, Err(ClassifierError::Refused { .. })), "{refused:?}");
    }
}
