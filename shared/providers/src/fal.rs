//! fal's [queue](https://docs.fal.ai/model-endpoints/queue), for images and videos.
//!
//! A request is submitted, its status asked after, its response read and the files in it fetched from `fal.media`. The
//! addresses are made here and not taken from the answers, so that the key cannot be led elsewhere. Every model has inputs
//! of its own, so only the models below are known.

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::batch::{Batch, Queue, Share, Standing, checked};
use crate::input::data_url;
use crate::outbound::{Answer, Outbound};
use crate::{GenerationRequest, PollResponse, Provider, ProviderError, StartResponse, shape};

pub(crate) const NAME: &str = "fal";

const REFUSED: &str = "fal's safety check refused the prompt, the input image or the result.";

/// The queue, and the [platform](https://fal.ai/docs/platform-apis/v1/models/requests/payloads) that deletes what was in it.
pub(crate) struct Fal {
    pub(crate) queue: Outbound,
    pub(crate) platform: Outbound,
}

#[derive(Deserialize)]
struct Submitted {
    request_id: String,
}

#[derive(Deserialize)]
struct Queued {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    InQueue,
    InProgress,
    Completed,
}

/// What the models here answer: images, or one video.
#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    images: Vec<File>,
    video: Option<File>,
    /// Beside `images`: which of them were painted over.
    #[serde(default)]
    has_nsfw_concepts: Vec<bool>,
}

#[derive(Deserialize)]
struct File {
    url: String,
}

/// <https://fal.ai/docs/documentation/model-apis/errors>
#[derive(Deserialize)]
struct Failure {
    detail: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: String,
}

#[async_trait]
impl Provider for Fal {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &GenerationRequest) -> Result<StartResponse, ProviderError> {
        let model = model(request)?;
        Batch::start(self, request, model.per_job, app(model.name)).await
    }

    async fn poll(&self, job: &str) -> Result<PollResponse, ProviderError> {
        let batch = Batch::from_id(NAME, job)?;
        if !MODELS.iter().any(|model| app(model.name) == batch.place) {
            return Err(ProviderError::invalid_request(NAME, "a job of an unknown model"));
        }
        batch.poll(self).await
    }

    /// Input and output of each request, and the files of the output. The key must be one with the scope `ADMIN`.
    async fn delete_remote(&self, job: &str) -> Result<(), ProviderError> {
        for request in &Batch::from_id(NAME, job)?.jobs {
            let path = format!("/v1/models/requests/{}/payloads", checked(NAME, request)?);
            let answer = self.platform.answer(self.platform.request(Method::DELETE, &path)).await?;
            if !answer.status.is_success() && answer.status != StatusCode::NOT_FOUND {
                return Err(self.platform.failure(&answer));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Queue for Fal {
    fn outbound(&self) -> &Outbound {
        &self.queue
    }

    async fn begin(&self, request: &GenerationRequest, share: Share) -> Result<String, ProviderError> {
        let model = model(request)?;
        let call = self.queue.request(Method::POST, &format!("/{}", model.name)).json(&(model.input)(request, share));
        let answer = self.queue.answer(call).await?;
        if !answer.status.is_success() {
            return Err(self.failure(&answer));
        }
        Ok(self.queue.parse::<Submitted>(&answer)?.request_id)
    }

    async fn ask(&self, app: &str, job: &str) -> Result<Standing, ProviderError> {
        let status = self.queue.request(Method::GET, &format!("/{app}/requests/{job}/status"));
        match self.queue.json::<Queued>(status).await?.status {
            Status::InQueue | Status::InProgress => return Ok(Standing::Pending),
            Status::Completed => {}
        }
        let answer = self.queue.answer(self.queue.request(Method::GET, &format!("/{app}/requests/{job}"))).await?;
        match answer.status.as_u16() {
            200 => Ok(standing(self.queue.parse(&answer)?)),
            400 | 422 => Ok(Standing::Failed(self.failure(&answer))),
            _ => Err(self.failure(&answer)),
        }
    }
}

impl Fal {
    fn failure(&self, answer: &Answer) -> ProviderError {
        let refused = |failure: Failure| failure.detail.iter().any(|detail| detail.kind == "content_policy_violation");
        if self.queue.parse(answer).is_ok_and(refused) {
            ProviderError::rejected(NAME, REFUSED)
        } else {
            self.queue.failure(answer)
        }
    }
}

fn standing(response: Response) -> Standing {
    let files = response.images.into_iter().chain(response.video);
    let hidden = response.has_nsfw_concepts.into_iter().chain(std::iter::repeat(false));
    let (hidden, shown): (Vec<_>, Vec<_>) = files.zip(hidden).partition(|(_, hidden)| *hidden);
    match (shown.is_empty(), hidden.is_empty()) {
        (true, false) => Standing::Failed(ProviderError::rejected(NAME, REFUSED)),
        (true, true) => Standing::Failed(ProviderError::invalid_response(NAME, "a response without files")),
        (false, _) => Standing::Done(shown.into_iter().map(|(file, _)| file.url).collect()),
    }
}

/// Status and response lie under the model's first two names only.
fn app(model: &str) -> &str {
    let second_slash = model.match_indices('/').nth(1);
    second_slash.and_then(|(end, _)| model.get(..end)).unwrap_or(model)
}

struct Model {
    name: &'static str,
    per_job: u8,
    needs_image: bool,
    input: fn(&GenerationRequest, Share) -> Map<String, Value>,
}

const MODELS: [Model; 5] = [
    Model { name: "fal-ai/flux/schnell", per_job: 4, needs_image: false, input: flux },
    Model { name: "fal-ai/flux/dev", per_job: 4, needs_image: false, input: flux },
    Model { name: "fal-ai/flux/dev/image-to-image", per_job: 4, needs_image: true, input: flux },
    Model { name: "fal-ai/wan/v2.2-a14b/text-to-video/turbo", per_job: 1, needs_image: false, input: wan },
    Model { name: "fal-ai/wan/v2.2-a14b/image-to-video/turbo", per_job: 1, needs_image: true, input: wan },
];

fn model(request: &GenerationRequest) -> Result<&'static Model, ProviderError> {
    let known = MODELS.iter().find(|model| model.name == request.model);
    match known {
        None => Err(ProviderError::invalid_request(NAME, "an unknown model")),
        Some(model) if model.needs_image != request.reference_image.is_some() => Err(ProviderError::invalid_request(
            NAME,
            "an input image where the model takes none, or none where it needs one",
        )),
        Some(model) => Ok(model),
    }
}

/// <https://fal.ai/models/fal-ai/flux/dev/api>
fn flux(request: &GenerationRequest, share: Share) -> Map<String, Value> {
    let mut input = common(request, share);
    input.insert("num_images".to_owned(), share.count.into());
    input.insert("output_format".to_owned(), "png".into());
    if request.reference_image.is_none() {
        input.insert("image_size".to_owned(), json!({ "width": request.width, "height": request.height }));
    }
    input
}

/// <https://fal.ai/models/fal-ai/wan/v2.2-a14b/text-to-video/turbo/api>
fn wan(request: &GenerationRequest, share: Share) -> Map<String, Value> {
    let mut input = common(request, share);
    input.insert("resolution".to_owned(), shape::resolution(request.width, request.height).into());
    if request.reference_image.is_none() {
        let aspect = shape::nearest(&shape::WIDE_OR_TALL, request.width, request.height);
        input.insert("aspect_ratio".to_owned(), aspect.into());
    }
    input
}

fn common(request: &GenerationRequest, share: Share) -> Map<String, Value> {
    let mut input = Map::new();
    input.insert("prompt".to_owned(), request.prompt.clone().into());
    input.insert("enable_safety_checker".to_owned(), true.into());
    if let Some(seed) = share.seed {
        input.insert("seed".to_owned(), seed.into());
    }
    if let Some(image) = &request.reference_image {
        input.insert("image_url".to_owned(), data_url(image).into());
    }
    input
}
