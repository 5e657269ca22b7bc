//! A guardrail of Amazon Bedrock, held against its service model. `infra/stack/on_aws/test_classifiers.py` holds the requests and
//! responses of these tests against botocore.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod played;

use std::{io::Cursor, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::moderation::verdict::{Category, Score, Scores};
use image::{ImageFormat, Rgb, RgbImage};
use moderation::{Classifier, ClassifierError, Content, Guardrail, Scored};
use runtime::{clients::Clients, config::Environment};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const DOCUMENT: &str = include_str!("guardrail.json");
const PROMPT: Content<'static> = Content::Prompt { prompt: "a lighthouse", negative_prompt: Some("ships") };

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// A classifier that gets one response. Returns it, and its request.
async fn play(status: u16, body: &Value) -> (Guardrail, JoinHandle<(String, Value)>) {
    let (endpoint, request) = played::play(status, body).await;
    let environment = Environment::from_iter([
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", &endpoint),
    ]);
    let clients = Arc::new(Clients::new(&environment).unwrap());
    (Guardrail::new(clients, "abc123def456".to_owned(), "3".to_owned()), request)
}

fn drawn(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(64, 64, Rgb([9, 99, 199])).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Returns what becomes of the played response to a prompt with these changes.
async fn of(change: impl FnOnce(&mut Value)) -> Result<Scores, ClassifierError> {
    let mut response = document()["response"].clone();
    change(&mut response);
    let (classifier, _request) = play(200, &response).await;
    classifier.scores(&PROMPT).await.map(|scored| scored.scores)
}

fn filter(kind: &str, confidence: &str, action: &str) -> Value {
    json!({"type": kind, "confidence": confidence, "filterStrength": "LOW", "action": action, "detected": action != "NONE"})
}

async fn of_filters(action: &str, filters: &[Value]) -> Result<Scores, ClassifierError> {
    of(|response| {
        response["action"] = json!(action);
        response["assessments"][0]["contentPolicy"]["filters"] = json!(filters);
    })
    .await
}

#[tokio::test]
async fn request_is_as_modelled_signed_and_holds_the_content_alone() {
    let document = document();
    let (classifier, request) = play(200, &document["response"]).await;
    classifier.scores(&PROMPT).await.unwrap();
    let (head, body) = request.await.unwrap();
    assert!(head.starts_with("post /guardrail/abc123def456/version/3/apply http/1.1"), "{head}");
    assert!(head.contains("/eu-west-1/bedrock/aws4_request") && !head.contains("the-secret"), "{head}");
    assert_eq!(body, document["request"]);

    for (format, sent, name) in [
        (ImageFormat::Png, "png", &b"\x89PNG"[..]),
        (ImageFormat::Jpeg, "jpeg", b"\xFF\xD8"),
        (ImageFormat::WebP, "jpeg", b"\xFF\xD8"),
    ] {
        let (classifier, request) = play(200, &document["response_to_image"]).await;
        classifier.scores(&Content::Image { bytes: &drawn(format), media_type: "image/any" }).await.unwrap();
        let (_, mut body) = request.await.unwrap();
        let source = body["content"][0]["image"]["source"]["bytes"].take();
        assert!(BASE64_STANDARD.decode(source.as_str().unwrap()).unwrap().starts_with(name), "{format:?}");
        let mut expected = document["request_of_image"].clone();
        expected["content"][0]["image"] = json!({"format": sent, "source": {"bytes": null}});
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn filters_give_scores_by_their_confidence_and_are_certain_where_they_block() {
    let (classifier, _request) = play(200, &document()["response"]).await;
    let Scored { scores, version } = classifier.scores(&PROMPT).await.unwrap();
    assert_eq!((scores.of(Category::Violence), version.as_str()), (Score::percent(65), "abc123def456:3"));
    assert_eq!(scores.of(Category::SexualExplicit), Score::NONE);
    for (kind, category) in [
        ("SEXUAL", Category::SexualExplicit),
        ("VIOLENCE", Category::Violence),
        ("HATE", Category::Hate),
        ("MISCONDUCT", Category::IllicitGoods),
    ] {
        for (confidence, percent) in [("NONE", 0), ("LOW", 40), ("MEDIUM", 65), ("HIGH", 90)] {
            let filters = [filter("SEXUAL", "NONE", "NONE"), filter(kind, confidence, "NONE")];
            assert_eq!(of_filters("NONE", &filters).await.unwrap().of(category), Score::percent(percent), "{kind}");
        }
        let filters = [filter("SEXUAL", "NONE", "NONE"), filter(kind, "LOW", "BLOCKED")];
        let blocked = of_filters("GUARDRAIL_INTERVENED", &filters).await.unwrap();
        assert_eq!(blocked.of(category), Score::CERTAIN, "{kind}");
    }
}

#[tokio::test]
async fn topic_with_the_name_of_a_category_blocks_for_it() {
    let of_topic = async |name: &str| {
        of(|response| {
            response["action"] = json!("GUARDRAIL_INTERVENED");
            let topic = json!({"name": name, "type": "DENY", "action": "BLOCKED", "detected": true});
            response["assessments"][0]["topicPolicy"] = json!({"topics": [topic]});
        })
        .await
    };
    assert_eq!(of_topic("real_person").await.unwrap().of(Category::RealPerson), Score::CERTAIN);
    assert!(matches!(of_topic("Competitors").await, Err(ClassifierError::Refused { .. })));
}

#[tokio::test]
async fn guardrail_that_does_not_look_or_blocks_for_no_category_lets_nothing_pass() {
    let calm = filter("SEXUAL", "NONE", "NONE");
    for refused in [
        of(|response| response["guardrailCoverage"]["textCharacters"]["guarded"] = json!(3)).await,
        of(|response| response["guardrailCoverage"] = json!({})).await,
        of(|response| response["assessments"] = json!([])).await,
        of_filters("NONE", &[filter("VIOLENCE", "NONE", "NONE")]).await,
        of_filters("GUARDRAIL_INTERVENED", std::slice::from_ref(&calm)).await,
        of_filters("GUARDRAIL_INTERVENED", &[calm.clone(), filter("INSULTS", "HIGH", "BLOCKED")]).await,
        of_filters(
            "GUARDRAIL_INTERVENED",
            &[calm, filter("VIOLENCE", "HIGH", "BLOCKED"), filter("NEW", "HIGH", "BLOCKED")],
        )
        .await,
    ] {
        assert!(matches!(refused, Err(ClassifierError::Refused { .. })), "{refused:?}");
    }
    // A guardrail of text alone answers about an image, and has not seen it.
    let (classifier, _request) = play(200, &document()["response"]).await;
    let blind = classifier.scores(&Content::Image { bytes: &drawn(ImageFormat::Png), media_type: "image/png" }).await;
    assert!(matches!(blind, Err(ClassifierError::Refused { .. })), "{blind:?}");
}

#[tokio::test]
async fn failure_gives_no_scores_and_says_whether_the_operator_must_mend_it() {
    for error in document()["errors"].as_array().unwrap() {
        let name = error.as_str().unwrap();
        let (classifier, _request) = play(400, &json!({"__type": name, "message": "about a lighthouse"})).await;
        let failure = classifier.scores(&PROMPT).await.unwrap_err();
        let is_busy = ["Throttling", "Internal", "Unavailable"].iter().any(|part| name.contains(part));
        assert_eq!(matches!(failure, ClassifierError::Refused { .. }), !is_busy, "{name}");
        assert!(failure.to_string().contains(name) && !failure.to_string().contains("lighthouse"), "{failure}");
    }
    // One odd image is no fault of the deployment.
    let (classifier, _request) = play(400, &json!({"__type": "ValidationException"})).await;
    let odd = classifier.scores(&Content::Image { bytes: &drawn(ImageFormat::Png), media_type: "image/png" }).await;
    assert!(matches!(odd, Err(ClassifierError::Unavailable { .. })), "{odd:?}");
    for (status, body) in [(200, json!({})), (200, json!({"action": "NONE"})), (500, json!({}))] {
        let (classifier, _request) = play(status, &body).await;
        let failure = classifier.scores(&PROMPT).await;
        assert!(matches!(failure, Err(ClassifierError::Unavailable { .. })), "{status} {body}: {failure:?}");
    }
}
