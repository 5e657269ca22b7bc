//! Classification of API failures.

use providers::{ProviderConfig, ProviderErrorKind, ProviderRequest, Providers};

use crate::stub::{Reply, Stub};
use crate::{Case, KEY, PROMPT, fal, openai, rejected, replicate, run, stability, unavailable};

const REJECTED_BY_OPENAI: &str =
    "OpenAI's safety system rejected the prompt or the reference image. Change it and try again.";
const REJECTED_BY_STABILITY: &str =
    "Stability's content filter rejected the prompt, the reference image or the result. Change them and try again.";
const REJECTED_BY_REPLICATE: &str =
    "The model's safety check rejected the prompt or the result. Change the prompt and try again.";
const REJECTED_BY_FAL: &str =
    "fal's safety check rejected the prompt, the reference image or the result. Change them and try again.";

/// Plays the replies and compares the resulting error. Its text may contain nothing secret.
async fn check(
    what: &str,
    provider: &str,
    request: &ProviderRequest,
    replies: Vec<Reply>,
    expected: &ProviderErrorKind,
) {
    let stub = Stub::play(replies).await;
    let error = run(&stub, provider, request).await.unwrap_err();
    assert_eq!(&error.kind, expected, "{provider}: {what}: {error}");
    assert_eq!(
        error.retryable(),
        matches!(expected, ProviderErrorKind::Unavailable { .. } | ProviderErrorKind::InvalidResponse),
        "{provider}: {what}"
    );
    let text = format!("{error} {error:?}");
    assert!(!text.contains(KEY) && !text.contains(PROMPT), "{text}");
}

#[tokio::test]
async fn http_failures_are_classified_by_status_and_body() {
    let (html, date) = ("<html>sorry</html>", "Sun, 06 Nov 1994 08:49:37 GMT");
    let status = |status| Reply::new(status, "text/html", html.as_bytes());
    for Case { provider, request, replies } in [openai(), stability(), replicate(), fal()] {
        let good = replies.first().unwrap().clone();
        let until = status(429).header("date", date).header("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT");
        let failures = [
            ("throttled for some seconds", status(429).header("retry-after", "7"), unavailable(Some(7))),
            ("throttled until a time", until, unavailable(Some(60))),
            ("throttled", status(429), unavailable(None)),
            ("broken", status(500), unavailable(None)),
            ("overloaded", status(503).header("retry-after", "3"), unavailable(Some(3))),
            ("a slow body", good.clone().stall(), unavailable(None)),
            ("no answer", good.clone().silent(), unavailable(None)),
            ("a cut body", good.clone().cut(), ProviderErrorKind::InvalidResponse),
            ("wrong JSON", Reply::json(r#"{"hello":"#), ProviderErrorKind::InvalidResponse),
            ("other JSON", Reply::json(r#"{"hello":"world"}"#), ProviderErrorKind::InvalidResponse),
            ("a redirect", Reply::redirect("{base}/moved"), ProviderErrorKind::InvalidResponse),
            ("a bad request", status(400), ProviderErrorKind::InvalidRequest),
            ("a wrong API key", status(401), ProviderErrorKind::InvalidRequest),
            ("no funds", status(402), ProviderErrorKind::InvalidRequest),
            ("a forbidden model", status(403), ProviderErrorKind::InvalidRequest),
            ("a missing endpoint", status(404), ProviderErrorKind::InvalidRequest),
        ];
        for (what, reply, expected) in failures {
            check(what, provider, &request, vec![reply], &expected).await;
        }
    }
}

#[tokio::test]
async fn rejection_by_moderation_carries_a_reason() {
    let json = |status, body: &str| Reply::new(status, "application/json", body.as_bytes());
    let blocked = r#"{"error":{"code":"moderation_blocked","type":"image_generation_user_error","message":"…"}}"#;
    let flagged = r#"{"id":"1","name":"content_moderation","errors":["…"]}"#;
    let filtered = Reply::new(200, "image/png", b"blurred").header("finish-reason", "CONTENT_FILTERED");
    let nsfw = r#"{"id":"abc123","status":"failed","output":null,"error":"NSFW content detected. Try again."}"#;
    let policy = r#"{"detail":[{"loc":["body","prompt"],"msg":"…","type":"content_policy_violation"}]}"#;
    let covered = r#"{"images":[{"url":"{base}/black.png"}],"has_nsfw_concepts":[true]}"#;
    let later = |case: Case, steps: usize, last: Reply| Case {
        replies: case.replies.into_iter().take(steps).chain([last]).collect(),
        ..case
    };
    let cases = [
        (later(openai(), 0, json(400, blocked)), REJECTED_BY_OPENAI),
        (later(stability(), 0, json(403, flagged)), REJECTED_BY_STABILITY),
        (later(stability(), 0, filtered), REJECTED_BY_STABILITY),
        (later(replicate(), 2, json(200, nsfw)), REJECTED_BY_REPLICATE),
        (later(fal(), 0, json(422, policy)), REJECTED_BY_FAL),
        (later(fal(), 3, json(422, policy)), REJECTED_BY_FAL),
        (later(fal(), 3, json(200, covered)), REJECTED_BY_FAL),
    ];
    for (case, reason) in cases {
        check("rejected", case.provider, &case.request, case.replies, &rejected(reason)).await;
    }
}

#[tokio::test]
async fn failed_or_missing_job_is_retryable() {
    let failed = r#"{"id":"abc123","status":"failed","output":null,"error":"CUDA out of memory"}"#;
    let replies = |last: Reply| replicate().replies.into_iter().take(1).chain([last]).collect();
    let check = async |what, last, expected| {
        check(what, "replicate", &replicate().request, replies(last), &expected).await;
    };
    check("failed", Reply::json(failed), ProviderErrorKind::InvalidResponse).await;
    check("stopped", Reply::json(r#"{"id":"abc123","status":"canceled"}"#), ProviderErrorKind::InvalidResponse).await;
    check(
        "empty",
        Reply::json(r#"{"id":"abc123","status":"succeeded","output":[]}"#),
        ProviderErrorKind::InvalidResponse,
    )
    .await;
    check("gone", Reply::new(404, "application/json", b"{}"), ProviderErrorKind::InvalidResponse).await;
    check("busy", Reply::new(429, "application/json", b"{}"), unavailable(None)).await;
}

#[tokio::test]
async fn insufficient_quota_with_429_is_an_invalid_request() {
    let body = br#"{"error":{"code":"insufficient_quota","message":"You exceeded your quota."}}"#;
    let replies = vec![Reply::new(429, "application/json", body).header("retry-after", "1")];
    check("no quota", "openai", &openai().request, replies, &ProviderErrorKind::InvalidRequest).await;
}

#[tokio::test]
async fn unreachable_server_is_unavailable() {
    for Case { provider, request, .. } in [openai(), stability(), replicate(), fal()] {
        check("no server", provider, &request, Vec::new(), &unavailable(None)).await;
    }
}

#[tokio::test]
async fn unknown_model_is_an_invalid_request_without_a_call() {
    for Case { provider, request, .. } in [stability(), replicate(), fal()] {
        let request = ProviderRequest { model: "made-up/model".to_owned(), ..request };
        check("unknown model", provider, &request, Vec::new(), &ProviderErrorKind::InvalidRequest).await;
    }
}

#[test]
fn provider_without_api_key_is_not_configured() {
    let names = |settings: &ProviderConfig| Providers::new(settings).unwrap().configured().collect::<Vec<_>>();
    let mut settings = ProviderConfig::default();
    assert!(names(&settings).is_empty());
    settings.openai.api_key = Some(" ".to_owned());
    assert!(names(&settings).is_empty());
    settings.fal.api_key = Some(KEY.to_owned());
    assert_eq!(names(&settings), ["fal"]);
    assert!(Providers::new(&settings).unwrap().by_name("openai").is_none());
}
