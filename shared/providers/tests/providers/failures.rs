//! Classification of API failures.

use providers::{ProviderConfig, ProviderErrorKind, ProviderRequest, Providers};

use crate::stub::{Reply, Stub};
use crate::{Case, KEY, PROMPT, fal, openai, rejected, replicate, run, stability, throttled, unavailable};

const REJECTED_BY_OPENAI: &str =
    "OpenAI's safety system rejected the prompt or the reference image. Change it and try again.";
const REJECTED_BY_STABILITY: &str =
    "Stability's content filter rejected the prompt, the reference image or the result. Change them and try again.";
const REJECTED_BY_REPLICATE: &str =
    "The model's safety check rejected the prompt or the result. Change the prompt and try again.";
const REJECTED_BY_FAL: &str =
    "fal's safety check rejected the prompt, the reference image or the result. Change them and try again.";

// Of <https://fal.ai/docs/documentation/model-apis/request-errors>.
const LOST_RUNNER: &str = r#"{"detail":"…","error_type":"runner_disconnected"}"#;
const CANCELED: &str = r#"{"detail":"…","error_type":"client_cancelled"}"#;
const BAD_REQUEST: &str = r#"{"detail":"…","error_type":"bad_request"}"#;
// Of <https://fal.ai/docs/documentation/model-apis/errors>.
const SLOW_MODEL: &str = r#"{"detail":[{"loc":["body"],"msg":"…","type":"generation_timeout"}]}"#;

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
        matches!(
            expected,
            ProviderErrorKind::Throttled { .. }
                | ProviderErrorKind::Unavailable { .. }
                | ProviderErrorKind::InvalidResponse
        ),
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
            ("throttled for some seconds", status(429).header("retry-after", "7"), throttled(Some(7))),
            ("throttled until a time", until, throttled(Some(60))),
            ("throttled", status(429), throttled(None)),
            ("broken", status(500), unavailable(None)),
            ("not reached", status(502), unavailable(None)),
            ("a gateway that does not wait", status(504), ProviderErrorKind::Unconfirmed),
            ("a proxy that does not wait", status(524), ProviderErrorKind::Unconfirmed),
            ("overloaded", status(503).header("retry-after", "3"), throttled(Some(3))),
            ("a slow body", good.clone().stall(), ProviderErrorKind::Unconfirmed),
            ("no answer", good.clone().silent(), ProviderErrorKind::Unconfirmed),
            ("a cut body", good.clone().cut(), ProviderErrorKind::Unconfirmed),
            ("wrong JSON", Reply::json(r#"{"hello":"#), ProviderErrorKind::Unconfirmed),
            ("other JSON", Reply::json(r#"{"hello":"world"}"#), ProviderErrorKind::Unconfirmed),
            ("a redirect", Reply::redirect("{base}/moved"), ProviderErrorKind::InvalidResponse),
            ("a bad request", status(400), ProviderErrorKind::InvalidRequest),
            ("a wrong API key", status(401), ProviderErrorKind::AccountProblem),
            ("no funds", status(402), ProviderErrorKind::AccountProblem),
            ("a forbidden model", status(403), ProviderErrorKind::AccountProblem),
            ("a retired model", status(404), ProviderErrorKind::ModelGone),
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
async fn job_that_ended_is_told_from_one_that_could_not_be_asked() {
    let failed = r#"{"id":"abc123","status":"failed","output":null,"error":"CUDA out of memory"}"#;
    let status = |status: &str| Reply::json(&format!(r#"{{"id":"abc123","status":"{status}"}}"#));
    let later = |case: Case, steps: usize, last: Reply| Case {
        replies: case.replies.into_iter().take(steps).chain([last]).collect(),
        ..case
    };
    let json = |status, body: &str| Reply::new(status, "application/json", body.as_bytes());
    let gateway = |status| Reply::new(status, "text/html", b"<html>nginx</html>");
    let cases = [
        ("failed", later(replicate(), 1, Reply::json(failed)), ProviderErrorKind::JobEnded),
        ("canceled", later(replicate(), 1, status("canceled")), ProviderErrorKind::JobEnded),
        ("aborted", later(replicate(), 1, status("aborted")), ProviderErrorKind::JobEnded),
        (
            "empty",
            later(replicate(), 1, Reply::json(r#"{"id":"abc123","status":"succeeded","output":[]}"#)),
            ProviderErrorKind::JobEnded,
        ),
        ("gone", later(replicate(), 1, json(404, "{}")), ProviderErrorKind::JobEnded),
        ("failed at the runner", later(fal(), 3, json(500, r#"{"detail":"…"}"#)), ProviderErrorKind::JobEnded),
        ("a lost runner", later(fal(), 3, json(503, LOST_RUNNER)), ProviderErrorKind::JobEnded),
        ("canceled at fal", later(fal(), 3, json(499, CANCELED)), ProviderErrorKind::JobEnded),
        ("a bad request of a runner", later(fal(), 3, json(400, BAD_REQUEST)), ProviderErrorKind::JobEnded),
        (
            "a lost runner, by its header",
            later(fal(), 3, json(502, "").header("x-fal-error-type", "runner_disconnected")),
            ProviderErrorKind::JobEnded,
        ),
        (
            "a bad gateway of the model itself",
            later(fal(), 3, json(502, "").header("x-fal-request-id", "abc123")),
            ProviderErrorKind::JobEnded,
        ),
        ("too slow at the runner", later(fal(), 3, json(504, SLOW_MODEL)), ProviderErrorKind::JobEnded),
        ("a gateway before the result", later(fal(), 3, gateway(502)), unavailable(None)),
        ("a gateway that is overloaded", later(fal(), 3, gateway(503)), throttled(None)),
        ("a gateway that does not wait for the result", later(fal(), 3, gateway(504)), unavailable(None)),
        ("a result that conflicts", later(fal(), 3, json(409, "{}")), unavailable(None)),
        ("a result that is busy", later(fal(), 3, json(429, "{}")), throttled(None)),
        ("busy", later(replicate(), 1, json(429, "{}")), throttled(None)),
        ("down", later(fal(), 1, json(500, "{}")), unavailable(None)),
        ("a cut status", later(replicate(), 1, status("starting").cut()), ProviderErrorKind::InvalidResponse),
        ("other JSON", later(fal(), 1, Reply::json("{}")), ProviderErrorKind::InvalidResponse),
    ];
    for (what, case, expected) in cases {
        check(what, case.provider, &case.request, case.replies, &expected).await;
    }
}

#[tokio::test]
async fn billing_stop_is_a_problem_of_the_account() {
    let error = |code: &str, kind: &str| format!(r#"{{"error":{{"code":"{code}","type":"{kind}","message":"…"}}}}"#);
    let stops = [
        ("insufficient_quota", "insufficient_quota"),
        ("credit_balance_exhausted", "insufficient_quota"),
        ("project_spend_limit_exceeded", "insufficient_quota"),
        ("organization_spend_limit_exceeded", "insufficient_quota"),
        ("organization_usage_limit_exceeded", "insufficient_quota"),
        ("a_later_code", "insufficient_quota"),
        ("billing_hard_limit_reached", "image_generation_user_error"),
    ];
    for (code, kind) in stops {
        let reply = Reply::new(429, "application/json", error(code, kind).as_bytes()).header("retry-after", "1");
        check(code, "openai", &openai().request, vec![reply], &ProviderErrorKind::AccountProblem).await;
    }
    let locked = br#"{"detail":"User is locked. Reason: Exhausted balance. Top up your balance."}"#;
    let locked = Reply::new(403, "application/json", locked);
    check("locked", "fal", &fal().request, vec![locked], &ProviderErrorKind::AccountProblem).await;
    let empty = br#"{"title":"Insufficient credit","status":402}"#;
    let empty = Reply::new(402, "application/problem+json", empty);
    check("no credit", "replicate", &replicate().request, vec![empty], &ProviderErrorKind::AccountProblem).await;
    let throttle = error("rate_limit_exceeded", "requests");
    let throttle = Reply::new(429, "application/json", throttle.as_bytes());
    check("a throttle", "openai", &openai().request, vec![throttle], &throttled(None)).await;
}

#[tokio::test]
async fn retired_model_is_told_from_a_malformed_request() {
    let gone = br#"{"error":{"code":"model_not_found","type":"invalid_request_error","message":"no"}}"#;
    for status in [400, 403, 404] {
        let reply = Reply::new(status, "application/json", gone);
        check("gone", "openai", &openai().request, vec![reply], &ProviderErrorKind::ModelGone).await;
    }
}

#[tokio::test]
async fn input_that_a_provider_cannot_use_carries_a_reason() {
    let json = |status, body: &str| vec![Reply::new(status, "application/json", body.as_bytes())];
    let file = r#"{"error":{"code":"invalid_image_file","type":"image_generation_user_error","message":"…"}}"#;
    let field = r#"{"detail":[{"loc":["body","image_url"],"msg":"…","type":"image_load_error"}]}"#;
    let language = r#"{"id":"1","name":"invalid_language","errors":["English is the only supported language"]}"#;
    let schema = r#"{"detail":"- input.prompt: too long","status":422,"title":"Input validation failed"}"#;
    let input = |reason: &str| ProviderErrorKind::InvalidInput { reason: reason.to_owned() };
    check(
        "a file",
        "openai",
        &openai().request,
        json(400, file),
        &input("OpenAI cannot use the prompt or the reference image. Change them and try again."),
    )
    .await;
    check(
        "a field",
        "fal",
        &fal().request,
        json(422, field),
        &input("fal cannot use the prompt, a setting or the reference image. Change them and try again."),
    )
    .await;
    check(
        "a language",
        "stability",
        &stability().request,
        json(400, language),
        &input("Stability understands English prompts only. Translate the prompt and try again."),
    )
    .await;
    check(
        "a schema",
        "replicate",
        &replicate().request,
        json(422, schema),
        &input("Replicate cannot use the prompt, a setting or the reference image. Change them and try again."),
    )
    .await;
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
