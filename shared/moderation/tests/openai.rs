//! OpenAI's moderation endpoint, held against OpenAI's own OpenAPI document.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod played;

use domain::moderation::verdict::{Category, Score};
use moderation::{Classifier, ClassifierError, Content, OpenAi};
use providers::{Endpoint, ProviderConfig, Providers};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// An extract of the document: server, path, names of the scores, and its example.
const DOCUMENT: &str = include_str!("openai-moderations.json");
const PROMPT: Content<'static> = Content::Prompt { prompt: "a lighthouse", negative_prompt: Some("ships") };

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// A classifier that gets one response. Returns it, and its request.
async fn play(status: u16, body: &Value) -> (OpenAi, JoinHandle<(String, Value)>) {
    let (base_url, request) = played::play(status, body).await;
    let openai = Endpoint { api_key: Some("the-key".to_owned()), base_url, result_hosts: Vec::new() };
    let providers = Providers::new(&ProviderConfig { openai, ..ProviderConfig::default() }).unwrap();
    (OpenAi::new(providers.openai_moderation().unwrap()), request)
}

#[tokio::test]
async fn request_is_as_documented_and_holds_the_content_alone() {
    let (classifier, request) = play(200, &document()["response"]).await;
    classifier.scores(&PROMPT).await.unwrap();
    let (head, body) = request.await.unwrap();
    let server = document()["server"].as_str().unwrap().trim_start_matches("https://api.openai.com").to_owned();
    let path = format!("post {server}{} http/1.1", document()["path"].as_str().unwrap());
    assert!(head.starts_with(&path), "{head}");
    assert!(head.contains("authorization: bearer the-key"), "{head}");
    let expected = json!({"model": "omni-moderation-latest", "input": [{"type": "text", "text": "a lighthouse"}]});
    assert_eq!(body, expected);

    let (classifier, request) = play(200, &document()["response"]).await;
    classifier.scores(&Content::Image { bytes: b"bytes", media_type: "image/webp" }).await.unwrap();
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/webp;base64,Ynl0ZXM="}});
    assert_eq!(request.await.unwrap().1, json!({"model": "omni-moderation-latest", "input": [image]}));
}

#[tokio::test]
async fn documented_example_gives_the_scores_of_its_categories() {
    let (classifier, _request) = play(200, &document()["response"]).await;
    let scores = classifier.scores(&PROMPT).await.unwrap().scores;
    assert_eq!(scores.of(Category::Violence), Score::percent(85));
    assert_eq!(scores.of(Category::SexualExplicit), Score::percent(1));
    assert_eq!(scores.of(Category::IllicitGoods), Score::percent(4));
}

#[tokio::test]
async fn every_documented_score_has_a_category_or_is_left_out_on_purpose() {
    let left_out = ["harassment", "violence"];
    for name in document()["scores"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let mut response = document()["response"].clone();
        for score in response["results"][0]["category_scores"].as_object_mut().unwrap().values_mut() {
            *score = json!(0);
        }
        response["results"][0]["category_scores"][name] = json!(1);
        let (classifier, _request) = play(200, &response).await;
        let scores = classifier.scores(&PROMPT).await.unwrap().scores;
        let found: Vec<_> =
            Category::ALL.into_iter().filter(|category| scores.of(*category) == Score::CERTAIN).collect();
        let expected = match name.split('/').next().unwrap() {
            _ if left_out.contains(&name) => None,
            "sexual" if name.ends_with("/minors") => Some(Category::SexualMinors),
            "sexual" => Some(Category::SexualExplicit),
            "violence" => Some(Category::Violence),
            "hate" | "harassment" => Some(Category::Hate),
            "self-harm" => Some(Category::SelfHarm),
            "illicit" => Some(Category::IllicitGoods),
            other => panic!("{other} has no category"),
        };
        assert_eq!(found, Vec::from_iter(expected), "{name}");
    }
}

#[tokio::test]
async fn response_that_is_not_understood_gives_no_scores() {
    for (status, body, is_refused) in [
        (500, json!({}), false),
        (429, json!({}), false),
        (200, json!({}), false),
        (200, json!({"id": "m", "model": "m", "results": []}), false),
        (200, json!({"id": "m", "model": "m", "results": [{"category_scores": {}}]}), false),
        (401, json!({}), true),
        (400, json!({}), true),
    ] {
        let (classifier, _request) = play(status, &body).await;
        let error = classifier.scores(&PROMPT).await.unwrap_err();
        assert_eq!(matches!(error, ClassifierError::Refused { .. }), is_refused, "{status} {body}: {error}");
        assert!(!error.to_string().contains("lighthouse") && !error.to_string().contains("the-key"), "{error}");
    }
}
