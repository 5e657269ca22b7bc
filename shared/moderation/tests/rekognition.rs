//! Amazon Rekognition, held against its service model and its documented labels. `infra/stack/on_aws/test_classifiers.py` holds the
//! extract of the model here, and the requests and responses of these tests, against botocore.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod played;

use std::{io::Cursor, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::moderation::verdict::{Category, Score, Scores};
use image::{ImageFormat, Rgb, RgbImage};
use moderation::{Classifier, ClassifierError, Content, Rekognition, Scored};
use runtime::{clients::Clients, config::Environment};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const DOCUMENT: &str = include_str!("rekognition.json");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// A classifier that gets one response. Returns it, and its request.
async fn play(status: u16, body: &Value) -> (Rekognition, JoinHandle<(String, Value)>) {
    let (endpoint, request) = played::play(status, body).await;
    let environment = Environment::from_iter([
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", &endpoint),
    ]);
    (Rekognition::new(Arc::new(Clients::new(&environment).unwrap())), request)
}

fn drawn(format: ImageFormat, side: u32) -> Vec<u8> {
    let value =
        |x: u32, y: u32| u8::try_from((x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77)) >> 24).unwrap();
    let image = RgbImage::from_fn(side, side, |x, y| Rgb([value(x, y), value(y, x), value(x + y, x)]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn content(bytes: &[u8]) -> Content<'_> {
    Content::Image { bytes, media_type: "image/png" }
}

/// Returns what becomes of a response with these labels: name, parent, confidence.
async fn of_labels(labels: &[(&str, &str, f64)]) -> Result<Scores, ClassifierError> {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, parent, confidence)| json!({"Name": name, "ParentName": parent, "Confidence": confidence}))
        .collect();
    let (classifier, _request) = play(200, &json!({"ModerationLabels": labels, "ModerationModelVersion": "7.0"})).await;
    classifier.scores(&content(&drawn(ImageFormat::Png, 64))).await.map(|scored| scored.scores)
}

#[tokio::test]
async fn request_is_as_modelled_signed_and_holds_the_image_alone() {
    let document = document();
    let image = drawn(ImageFormat::Png, 64);
    let (classifier, request) = play(200, &document["response"]).await;
    classifier.scores(&content(&image)).await.unwrap();
    let (head, body) = request.await.unwrap();
    let metadata = &document["metadata"];
    let target =
        format!("{}.{}", metadata["targetPrefix"].as_str().unwrap(), document["operation"]["name"].as_str().unwrap());
    assert!(head.starts_with("post / http/1.1"), "{head}");
    for line in [
        format!("x-amz-target: {target}"),
        format!("content-type: application/x-amz-json-{}", metadata["jsonVersion"].as_str().unwrap()),
        "authorization: aws4-hmac-sha256 credential=key/".to_owned(),
        "/eu-west-1/rekognition/aws4_request".to_owned(),
    ] {
        assert!(head.contains(&line.to_lowercase()), "{line}: {head}");
    }
    assert!(!head.contains("the-secret"), "{head}");
    let mut expected = document["request"].clone();
    expected["Image"]["Bytes"] = json!(BASE64_STANDARD.encode(&image));
    assert_eq!(body, expected);
}

#[tokio::test]
async fn image_that_rekognition_does_not_take_is_sent_as_a_small_jpeg() {
    let max = document()["shapes"]["ImageBlob"]["max"].as_u64().unwrap();
    let large = drawn(ImageFormat::Png, 1500);
    assert!(large.len() as u64 > max);
    for image in [large, drawn(ImageFormat::WebP, 64)] {
        let (classifier, request) = play(200, &document()["response"]).await;
        classifier.scores(&content(&image)).await.unwrap();
        let sent = BASE64_STANDARD.decode(request.await.unwrap().1["Image"]["Bytes"].as_str().unwrap()).unwrap();
        assert!(sent.starts_with(b"\xFF\xD8\xFF") && sent.len() as u64 <= max, "{}", sent.len());
    }
}

#[tokio::test]
async fn response_gives_scores_and_the_version_of_the_model() {
    let (classifier, _request) = play(200, &document()["response"]).await;
    let Scored { scores, version } = classifier.scores(&content(&drawn(ImageFormat::Png, 64))).await.unwrap();
    assert_eq!(version, "7.0");
    // Weapons explain "Violence" of the same confidence; a pistol is no gore.
    assert_eq!(scores.of(Category::Violence), Score::NONE);
    assert_eq!(scores.of(Category::SexualSuggestive), Score::percent(84));
    assert_eq!(scores.of(Category::SexualExplicit), Score::percent(2));
}

#[tokio::test]
async fn every_documented_label_is_known_with_its_parent() {
    for label in document()["labels"].as_array().unwrap() {
        let (name, parent) = (label[0].as_str().unwrap(), label[1].as_str().unwrap());
        let expected = label[2].as_str().map(|category| Category::by_name(category).unwrap());
        let scores = of_labels(&[(name, parent, 99.5)]).await.unwrap();
        let found: Vec<_> =
            Category::ALL.into_iter().filter(|category| scores.of(*category) == Score::CERTAIN).collect();
        assert_eq!(found, Vec::from_iter(expected), "{name}");
        // It is a parent of its own: a child that is not known counts as it does.
        let scores = of_labels(&[("Something New", name, 99.5)]).await.unwrap();
        let of_child: Vec<_> =
            Category::ALL.into_iter().filter(|category| scores.of(*category) == Score::CERTAIN).collect();
        assert_eq!(of_child, found, "a new child of {name}");
    }
}

#[tokio::test]
async fn parent_counts_unless_a_known_child_explains_it() {
    let violence = async |labels: &[_]| of_labels(labels).await.unwrap().of(Category::Violence);
    let graphic = ("Graphic Violence", "Violence", 95.0);
    let blast = |confidence| ("Explosions and Blasts", "Graphic Violence", confidence);
    assert_eq!(violence(&[("Violence", "", 95.0), graphic, blast(95.0)]).await, Score::NONE);
    assert_eq!(violence(&[("Violence", "", 95.0), graphic, blast(60.0)]).await, Score::percent(95));
    assert_eq!(violence(&[("Violence", "", 95.0), ("Something New", "Violence", 95.0)]).await, Score::percent(95));
}

#[tokio::test]
async fn label_that_nobody_knows_lets_nothing_pass() {
    let new = of_labels(&[("Something New", "Of Another Version", 50.0)]).await;
    assert!(matches!(new, Err(ClassifierError::Refused { .. })), "{new:?}");
    // Below this Rekognition would say nothing if it were not asked for more.
    assert_eq!(of_labels(&[("Something New", "", 49.9)]).await, Ok(Scores::default()));
}

#[tokio::test]
async fn failure_gives_no_scores_and_says_whether_the_operator_must_mend_it() {
    let errors = document()["errors"].clone();
    for error in errors.as_array().unwrap() {
        let name = error.as_str().unwrap();
        let (classifier, _request) = play(400, &json!({"__type": name, "Message": "about a lighthouse"})).await;
        let failure = classifier.scores(&content(&drawn(ImageFormat::Png, 64))).await.unwrap_err();
        let is_refused = matches!(failure, ClassifierError::Refused { .. });
        let is_busy_or_of_the_image =
            ["Throttling", "Throughput", "Internal", "Image", "Parameter"].iter().any(|part| name.contains(part));
        assert_eq!(is_refused, !is_busy_or_of_the_image, "{name}");
        assert!(failure.to_string().contains(name) && !failure.to_string().contains("lighthouse"), "{failure}");
    }
    for (status, body) in
        [(200, json!({})), (200, json!({"ModerationLabels": [{}]})), (500, json!({})), (502, json!("no"))]
    {
        let (classifier, _request) = play(status, &body).await;
        let failure = classifier.scores(&content(&drawn(ImageFormat::Png, 64))).await;
        assert!(matches!(failure, Err(ClassifierError::Unavailable { .. })), "{status} {body}: {failure:?}");
    }
}

#[tokio::test]
async fn what_is_no_image_cannot_be_checked() {
    let environment = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];
    let clients = Clients::new(&Environment::from_iter(environment)).unwrap();
    let classifier = Rekognition::new(Arc::new(clients));
    assert!(!classifier.sees(&Content::Prompt { prompt: "a lighthouse", negative_prompt: None }));
    let failure = classifier.scores(&content(b"no image")).await;
    assert!(matches!(failure, Err(ClassifierError::Unavailable { .. })), "{failure:?}");
}
