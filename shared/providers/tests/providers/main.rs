//! Tests every provider against a server that speaks its documented wire format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]

mod failures;
mod models;
mod results;
mod sketch;
mod stub;
mod wire;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use providers::{
    Endpoint, OutputKind, Outputs, PollResponse, Provider, ProviderConfig, ProviderError, ProviderErrorKind,
    ProviderRequest, Providers, ReferenceImage, StartResponse,
};
use stub::{Reply, Stub};

const KEY: &str = "key-that-must-not-leak";
const PROMPT: &str = "a lighthouse in a storm";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n not really";

/// Holds a provider, a request that it accepts, and the replies that give one output.
struct Case {
    provider: &'static str,
    request: ProviderRequest,
    replies: Vec<Reply>,
}

/// Configures all providers to call the stub, with short timeouts where it is slow on purpose.
fn settings(stub: &Stub) -> ProviderConfig {
    let mut settings = ProviderConfig::default();
    for endpoint in [&mut settings.openai, &mut settings.stability, &mut settings.replicate, &mut settings.fal] {
        let result_hosts = ["replicate.delivery", "fal.media", "localhost"].map(str::to_owned).to_vec();
        *endpoint = Endpoint { api_key: Some(KEY.to_owned()), base_url: stub.base.clone(), result_hosts };
    }
    settings.fal_platform_url.clone_from(&stub.base);
    settings.trusted_origins = vec![stub.base.clone()];
    if stub.slow {
        settings.limits.idle_timeout = Duration::from_millis(100);
        settings.limits.call_timeout = Duration::from_millis(300);
    }
    settings
}

/// Keeps every output.
#[derive(Default)]
struct Kept(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl Outputs for Kept {
    async fn take(&self, bytes: Vec<u8>) {
        self.0.lock().unwrap().push(bytes);
    }
}

/// Starts a request and polls it until it ends, without waiting in between. Returns the outputs.
async fn run_with(provider: &dyn Provider, request: &ProviderRequest) -> Result<Vec<Vec<u8>>, ProviderError> {
    let kept = Kept::default();
    let StartResponse::Job { mut id, .. } = provider.start(request, &kept).await? else {
        return Ok(kept.0.into_inner().unwrap());
    };
    for _ in 0..5 {
        match provider.poll(&id, &kept).await? {
            PollResponse::Done => return Ok(kept.0.into_inner().unwrap()),
            PollResponse::Pending { job, .. } => id = job.unwrap_or(id),
        }
    }
    panic!("{} never ends", provider.name());
}

async fn run(stub: &Stub, name: &str, request: &ProviderRequest) -> Result<Vec<Vec<u8>>, ProviderError> {
    let providers = Providers::new(&settings(stub)).unwrap();
    run_with(providers.by_name(name).unwrap().as_ref(), request).await
}

fn request(kind: OutputKind, model: &str) -> ProviderRequest {
    ProviderRequest {
        kind,
        model: model.to_owned(),
        prompt: PROMPT.to_owned(),
        negative_prompt: None,
        width: 1280,
        height: 720,
        quality: None,
        count: 1,
        seed: Some(7),
        duration_ms: None,
        reference_image: None,
        callback: None,
    }
}

fn reference_image() -> ReferenceImage {
    ReferenceImage { bytes: b"input-bytes".to_vec().into(), mime: "image/png".to_owned() }
}

const REPLICATE_STARTED: &str = r#"{"id":"abc123","status":"starting","output":null,"error":null,
    "urls":{"get":"https://attacker.example/steal","cancel":"https://attacker.example/steal"}}"#;
const REPLICATE_DONE: &str = r#"{"id":"abc123","status":"succeeded","error":null,"output":["{base}/result.png"]}"#;
const FAL_SUBMITTED: &str = r#"{"request_id":"80e732af-660e","status":"IN_QUEUE",
    "response_url":"https://attacker.example/steal","status_url":"https://attacker.example/steal"}"#;
const FAL_COMPLETED: &str = r#"{"status":"COMPLETED","request_id":"80e732af-660e"}"#;
const FAL_IMAGES: &str = r#"{"images":[{"url":"{base}/result.png","content_type":"image/png"}],
    "has_nsfw_concepts":[false],"seed":7}"#;

fn openai() -> Case {
    // The base64 of `PNG`.
    let answer = r#"{"created":1,"data":[{"b64_json":"iVBORw0KGgogbm90IHJlYWxseQ=="}],"usage":{}}"#;
    let request = request(OutputKind::Image, "gpt-image-2");
    Case { provider: "openai", request, replies: vec![Reply::json(answer)] }
}

fn stability() -> Case {
    let reply = Reply::new(200, "image/png", PNG).header("finish-reason", "SUCCESS").header("seed", "8");
    Case { provider: "stability", request: request(OutputKind::Image, "core"), replies: vec![reply] }
}

fn replicate() -> Case {
    let replies = [REPLICATE_STARTED, r#"{"id":"abc123","status":"processing"}"#, REPLICATE_DONE].map(Reply::json);
    let request = request(OutputKind::Image, "black-forest-labs/flux-schnell");
    Case { provider: "replicate", request, replies: [&replies[..], &[Reply::new(200, "image/png", PNG)]].concat() }
}

fn fal() -> Case {
    let replies = [FAL_SUBMITTED, r#"{"status":"IN_PROGRESS"}"#, FAL_COMPLETED, FAL_IMAGES].map(Reply::json);
    let request = request(OutputKind::Image, "fal-ai/flux/schnell");
    Case { provider: "fal", request, replies: [&replies[..], &[Reply::new(200, "image/png", PNG)]].concat() }
}

fn rejected(reason: &str) -> ProviderErrorKind {
    ProviderErrorKind::Rejected { reason: reason.to_owned() }
}

fn throttled(seconds: Option<u64>) -> ProviderErrorKind {
    ProviderErrorKind::Throttled { retry_after: seconds.map(Duration::from_secs) }
}

fn unavailable(seconds: Option<u64>) -> ProviderErrorKind {
    ProviderErrorKind::Unavailable { retry_after: seconds.map(Duration::from_secs) }
}
