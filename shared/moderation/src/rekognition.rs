//! Amazon Rekognition as a classifier of images.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::moderation::verdict::{Category, Score, Scores};
use media::ImageLimits;
use runtime::{
    clients::Clients,
    clock,
    signed::{SignedCall, SignedResponse},
};
use serde::Deserialize;
use serde_json::json;

use crate::classifier::{Classifier, ClassifierError, Content, Scored};

/// Sends images to Rekognition in the account and region of the deployment, and nothing else.
pub struct Rekognition(Arc<Clients>);

const NAME: &str = "rekognition";

/// What it takes: <https://docs.aws.amazon.com/rekognition/latest/dg/limits.html>.
const LIMITS: ImageLimits = ImageLimits { max_bytes: 5 << 20, max_side_px: 10_000 };
/// It returns labels from this confidence on. The thresholds of the operator decide, which may be as low.
const MIN_CONFIDENCE: u8 = 1;
/// From this confidence on Rekognition returns labels if it is not told otherwise.
const USUAL_CONFIDENCE: f64 = 50.0;

/// Each label with its parent and what it says, of version 7 of the labels:
/// <https://docs.aws.amazon.com/rekognition/latest/dg/moderation-api.html>. A label without a category says nothing that a rule forbids.
const LABELS: [(&str, &str, Option<Category>); 52] = {
    use Category::{Extremism, Hate, IllicitGoods, SelfHarm, SexualExplicit, SexualSuggestive, Violence};
    const INTIMATE: &str = "Non-Explicit Nudity of Intimate parts and Kissing";
    const USE: &str = "Drugs & Tobacco Paraphernalia & Use";
    [
        ("Explicit", "", Some(SexualExplicit)),
        ("Explicit Nudity", "Explicit", Some(SexualExplicit)),
        ("Exposed Male Genitalia", "Explicit Nudity", Some(SexualExplicit)),
        ("Exposed Female Genitalia", "Explicit Nudity", Some(SexualExplicit)),
        ("Exposed Buttocks or Anus", "Explicit Nudity", Some(SexualExplicit)),
        ("Exposed Female Nipple", "Explicit Nudity", Some(SexualExplicit)),
        ("Explicit Sexual Activity", "Explicit", Some(SexualExplicit)),
        ("Sex Toys", "Explicit", Some(SexualExplicit)),
        (INTIMATE, "", Some(SexualSuggestive)),
        ("Non-Explicit Nudity", INTIMATE, Some(SexualSuggestive)),
        ("Bare Back", "Non-Explicit Nudity", None),
        ("Exposed Male Nipple", "Non-Explicit Nudity", None),
        ("Partially Exposed Buttocks", "Non-Explicit Nudity", Some(SexualSuggestive)),
        ("Partially Exposed Female Breast", "Non-Explicit Nudity", Some(SexualSuggestive)),
        ("Implied Nudity", "Non-Explicit Nudity", Some(SexualSuggestive)),
        ("Obstructed Intimate Parts", INTIMATE, Some(SexualSuggestive)),
        ("Obstructed Female Nipple", "Obstructed Intimate Parts", Some(SexualSuggestive)),
        ("Obstructed Male Genitalia", "Obstructed Intimate Parts", Some(SexualSuggestive)),
        ("Kissing on the Lips", INTIMATE, None),
        ("Swimwear or Underwear", "", Some(SexualSuggestive)),
        ("Female Swimwear or Underwear", "Swimwear or Underwear", Some(SexualSuggestive)),
        ("Male Swimwear or Underwear", "Swimwear or Underwear", Some(SexualSuggestive)),
        ("Violence", "", Some(Violence)),
        ("Weapons", "Violence", None),
        ("Graphic Violence", "Violence", Some(Violence)),
        ("Weapon Violence", "Graphic Violence", Some(Violence)),
        ("Physical Violence", "Graphic Violence", Some(Violence)),
        ("Self-Harm", "Graphic Violence", Some(SelfHarm)),
        ("Blood & Gore", "Graphic Violence", Some(Violence)),
        ("Explosions and Blasts", "Graphic Violence", None),
        ("Visually Disturbing", "", Some(Violence)),
        ("Death and Emaciation", "Visually Disturbing", Some(Violence)),
        ("Emaciated Bodies", "Death and Emaciation", Some(Violence)),
        ("Corpses", "Death and Emaciation", Some(Violence)),
        ("Crashes", "Visually Disturbing", None),
        ("Air Crash", "Crashes", None),
        ("Drugs & Tobacco", "", Some(IllicitGoods)),
        ("Products", "Drugs & Tobacco", None),
        ("Pills", "Products", None),
        (USE, "Drugs & Tobacco", Some(IllicitGoods)),
        ("Smoking", USE, None),
        ("Alcohol", "", None),
        ("Alcohol Use", "Alcohol", None),
        ("Drinking", "Alcohol Use", None),
        ("Alcoholic Beverages", "Alcohol", None),
        ("Rude Gestures", "", None),
        ("Middle Finger", "Rude Gestures", None),
        ("Gambling", "", None),
        ("Hate Symbols", "", Some(Hate)),
        ("Nazi Party", "Hate Symbols", Some(Hate)),
        ("White Supremacy", "Hate Symbols", Some(Hate)),
        ("Extremist", "Hate Symbols", Some(Extremism)),
    ]
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    moderation_labels: Vec<Label>,
    moderation_model_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Label {
    name: String,
    #[serde(default)]
    parent_name: String,
    confidence: f64,
}

impl Rekognition {
    /// Makes the classifier.
    #[must_use]
    pub const fn new(clients: Arc<Clients>) -> Self {
        Self(clients)
    }

    async fn ask(&self, image: &[u8]) -> Result<SignedResponse, ClassifierError> {
        let body = json!({"Image": {"Bytes": BASE64_STANDARD.encode(image)}, "MinConfidence": MIN_CONFIDENCE});
        let call = SignedCall {
            host: "rekognition",
            service: "rekognition",
            region: None,
            path: "/".to_owned(),
            content_type: "application/x-amz-json-1.1",
            target: Some("RekognitionService.DetectModerationLabels"),
            body: body.to_string().into_bytes(),
        };
        self.0.call(call, clock::now()).await.map_err(unavailable)
    }
}

#[async_trait]
impl Classifier for Rekognition {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sees(&self, content: &Content<'_>) -> bool {
        matches!(content, Content::Image { .. })
    }

    async fn scores(&self, content: &Content<'_>) -> Result<Scored, ClassifierError> {
        let Content::Image { bytes, .. } = content else { return Err(unavailable("it sees images only")) };
        let bytes = bytes.to_vec();
        let fitted = tokio::task::spawn_blocking(move || media::fit_image(&bytes, LIMITS)).await;
        let (image, _) = fitted.map_err(unavailable)?.map_err(unavailable)?;
        let response = self.ask(&image).await?;
        if !response.is_success {
            return Err(failure(response.error));
        }
        let response: Response =
            serde_json::from_slice(&response.body).map_err(|_| unavailable("a response without labels"))?;
        Ok(Scored { scores: meaning(&response.moderation_labels)?, version: response.moderation_model_version })
    }
}

fn unavailable(reason: impl ToString) -> ClassifierError {
    ClassifierError::Unavailable { classifier: NAME, reason: reason.to_string() }
}

/// Returns what an error of the service means: another attempt may succeed at what is busy, and with what is wrong with one image
/// nothing is wrong with the deployment.
fn failure(error: Option<String>) -> ClassifierError {
    match error.as_deref() {
        None
        | Some(
            "ThrottlingException"
            | "ProvisionedThroughputExceededException"
            | "InternalServerError"
            | "ImageTooLargeException"
            | "InvalidImageFormatException"
            | "InvalidParameterException",
        ) => unavailable(error.as_deref().unwrap_or("an error without a name")),
        Some(other) => ClassifierError::Refused { classifier: NAME, reason: other.to_owned() },
    }
}

/// Returns the entry of a label.
fn known(name: &str) -> Option<&'static (&'static str, &'static str, Option<Category>)> {
    LABELS.iter().find(|(label, ..)| *label == name)
}

/// Returns the scores of labels.
///
/// A label comes with its parents, which have its confidence. So a parent counts only if it is surer than each of its known
/// children: then it saw something else too. A label that is not known counts as its parent does. One whose parent is not known
/// either is an error, as nobody knows what it says.
fn meaning(labels: &[Label]) -> Result<Scores, ClassifierError> {
    let mut scores = Scores::default();
    for label in labels {
        let child = |other: &Label| other.parent_name == label.name && known(&other.name).is_some();
        let is_explained = labels.iter().any(|other| child(other) && other.confidence >= label.confidence);
        if is_explained {
            continue;
        }
        match known(&label.name).or_else(|| known(&label.parent_name)) {
            Some((.., Some(category))) => scores.raise(*category, Score::of_probability(label.confidence / 100.0)),
            Some((.., None)) => {}
            None if label.confidence < USUAL_CONFIDENCE => {}
            None => {
                let reason = "a label that is not known: its labels are of another version than 7".to_owned();
                return Err(ClassifierError::Refused { classifier: NAME, reason });
            }
        }
    }
    Ok(scores)
}
