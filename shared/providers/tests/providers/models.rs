//! What providers say about their models.

use jiff::civil::date;
use providers::{ModelStatus, ProviderErrorKind, Providers};

use crate::stub::{Reply, Stub};
use crate::{KEY, settings, throttled, unavailable};

/// As <https://developers.openai.com/api/reference/resources/models/methods/list> has it.
const OPENAI: &str = r#"{"object":"list","data":[
    {"id":"gpt-image-2","object":"model","created":1686935002,"owned_by":"openai","shutdown_date":null},
    {"id":"gpt-image-1","object":"model","created":1686935002,"owned_by":"openai","shutdown_date":"2026-10-23"},
    {"id":"gpt-image-1-mini","object":"model","created":1686935002,"owned_by":"openai"}]}"#;
/// The same with ends that are no days.
const UNREADABLE_ENDS: &str = r#"{"object":"list","data":[
    {"id":"gpt-image-2","object":"model","created":1686935002,"owned_by":"openai","shutdown_date":"soon"},
    {"id":"gpt-image-1","object":"model","created":1686935002,"owned_by":"openai","shutdown_date":"2026-10-23"},
    {"id":"gpt-image-1-mini","object":"model","created":1686935002,"owned_by":"openai","shutdown_date":1792713600}]}"#;
/// As <https://replicate.com/docs/reference/http#models.get> has it.
const REPLICATE: &str = r#"{"url":"https://replicate.com/replicate/hello-world","owner":"replicate","name":"hello-world",
    "description":"A tiny model that says hello","visibility":"public","run_count":5681081,"latest_version":{"id":"5c7d5dc6"}}"#;

/// As <https://fal.ai/docs/platform-apis/v1/models> has it.
fn fal(status: &str) -> String {
    let metadata = format!(r#"{{"display_name":"FLUX.1 [dev]","category":"text-to-image","status":"{status}"}}"#);
    format!(
        r#"{{"models":[{{"endpoint_id":"fal-ai/flux/dev","metadata":{metadata}}}],"next_cursor":null,"has_more":false}}"#
    )
}

/// Asks a provider that replies this, and returns what it said and what it was asked.
async fn ask(provider: &str, model: &str, reply: Reply) -> (Result<ModelStatus, ProviderErrorKind>, String, String) {
    let stub = Stub::play(vec![reply]).await;
    let provider = Providers::new(&settings(&stub)).unwrap().by_name(provider).unwrap();
    let status = provider.model_status(model).await.map_err(|error| error.kind);
    let seen = stub.seen().remove(0);
    (status, seen.line().to_owned(), seen.header("authorization").unwrap().to_owned())
}

fn missing() -> Reply {
    Reply::new(404, "application/json", br#"{"detail":"Not found."}"#)
}

#[tokio::test]
async fn each_provider_says_what_became_of_a_model() {
    let empty = r#"{"models":[],"next_cursor":null,"has_more":false}"#;
    let said = [
        ("openai", "gpt-image-2", Reply::json(OPENAI), ModelStatus::Available),
        ("openai", "gpt-image-1-mini", Reply::json(OPENAI), ModelStatus::Available),
        ("openai", "gpt-image-1", Reply::json(OPENAI), ModelStatus::ShutsDown(date(2026, 10, 23))),
        ("openai", "dall-e-3", Reply::json(OPENAI), ModelStatus::Gone),
        // An end that cannot be read leaves the day of that one model unknown.
        ("openai", "gpt-image-2", Reply::json(UNREADABLE_ENDS), ModelStatus::Deprecated),
        ("openai", "gpt-image-1-mini", Reply::json(UNREADABLE_ENDS), ModelStatus::Deprecated),
        ("openai", "gpt-image-1", Reply::json(UNREADABLE_ENDS), ModelStatus::ShutsDown(date(2026, 10, 23))),
        ("replicate", "replicate/hello-world", Reply::json(REPLICATE), ModelStatus::Available),
        ("replicate", "replicate/hello-world", missing(), ModelStatus::Gone),
        ("fal", "fal-ai/flux/dev", Reply::json(&fal("active")), ModelStatus::Available),
        ("fal", "fal-ai/flux/dev", Reply::json(&fal("deprecated")), ModelStatus::Deprecated),
        ("fal", "fal-ai/flux/dev", Reply::json(empty), ModelStatus::Gone),
        ("fal", "fal-ai/flux/dev", missing(), ModelStatus::Gone),
    ];
    for (provider, model, reply, expected) in said {
        let (status, line, authorization) = ask(provider, model, reply).await;
        assert_eq!(status, Ok(expected), "{provider} {model}");
        let expected = match provider {
            "openai" => ("GET /v1/models", "Bearer"),
            "replicate" => ("GET /v1/models/replicate/hello-world", "Bearer"),
            _ => ("GET /v1/models?endpoint_id=fal-ai/flux/dev", "Key"),
        };
        assert_eq!((line.as_str(), authorization), (expected.0, format!("{} {KEY}", expected.1)));
    }
}

#[tokio::test]
async fn provider_that_cannot_be_asked_says_nothing_about_a_model() {
    let page = |status| Reply::new(status, "text/html", b"<html>sorry</html>");
    for (provider, model) in
        [("openai", "gpt-image-2"), ("replicate", "replicate/hello-world"), ("fal", "fal-ai/flux/dev")]
    {
        let failures = [
            (page(500), unavailable(None)),
            (page(429), throttled(None)),
            (page(401), ProviderErrorKind::AccountProblem),
            (page(200), ProviderErrorKind::InvalidResponse),
            (Reply::json("{}"), ProviderErrorKind::InvalidResponse),
            (page(200).silent(), unavailable(None)),
        ];
        for (reply, kind) in failures {
            assert_eq!(ask(provider, model, reply).await.0, Err(kind), "{provider}");
        }
    }
    let stub = Stub::play(Vec::new()).await;
    let stability = Providers::new(&settings(&stub)).unwrap().by_name("stability").unwrap();
    assert_eq!(stability.model_status("core").await.unwrap(), ModelStatus::Untold);
}
