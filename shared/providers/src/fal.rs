//! Calls fal's [queue API](https://docs.fal.ai/model-endpoints/queue), for images and videos.
//!
//! It submits a request, polls its status, reads its response and downloads the files in it from `fal.media`. It builds the
//! URLs itself and takes none from a response, so that the API key cannot reach another host. Every model has its own
//! inputs, so only the models below are supported.

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use crate::api_client::{ApiClient, ApiResponse};
use crate::aspect_ratio;
use crate::batch::{Batch, BatchPart, JobApi, JobStatus, checked_job_id};
use crate::error::ProviderError;
use crate::provider::Provider;
use crate::reference_image::data_url;
use crate::request::ProviderRequest;
use crate::response::{ModelStatus, Outputs, PollResponse, StartResponse};

pub(crate) const NAME: &str = "fal";

/// Limits how long fal serves the [files of a request](https://fal.ai/docs/model-endpoints/media-expiration).
const LIFECYCLE_HEADER: &str = "x-fal-object-lifecycle-preference";
const LIFECYCLE: &str = r#"{"expiration_duration_seconds":3600}"#;

/// The type of a failure, beside the body
/// (<https://fal.ai/docs/documentation/model-apis/request-errors>).
const ERROR_TYPE_HEADER: &str = "x-fal-error-type";
/// Is in what fal responds, and not in what a gateway in front of it does: its own client tells them apart by it.
const REQUEST_ID_HEADER: &str = "x-fal-request-id";

const UNUSABLE: &str = "fal cannot use the prompt, a setting or the reference image. Change them and try again.";
const REJECTED: &str =
    "fal's safety check rejected the prompt, the reference image or the result. Change them and try again.";

/// The queue, and the [platform](https://fal.ai/docs/platform-apis/v1/models/requests/payloads) that deletes stored payloads.
pub(crate) struct Fal {
    pub(crate) queue: ApiClient,
    pub(crate) platform: ApiClient,
}

#[derive(Deserialize)]
struct Submitted {
    request_id: String,
}

/// The result for each file of a request.
#[derive(Deserialize)]
struct Deleted {
    #[serde(default)]
    cdn_delete_results: Vec<DeletedFile>,
}

#[derive(Deserialize)]
struct DeletedFile {
    exception: Option<Value>,
}

/// <https://fal.ai/docs/platform-apis/v1/models>
#[derive(Deserialize)]
struct Endpoints {
    models: Vec<EndpointInfo>,
}

#[derive(Deserialize)]
struct EndpointInfo {
    endpoint_id: String,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    /// `active` or `deprecated`.
    status: Option<String>,
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

/// The response of the supported models: images, or one video.
#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    images: Vec<File>,
    video: Option<File>,
    /// For each of `images`, whether the safety check blacked it out.
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

    async fn start(&self, request: &ProviderRequest, _: &dyn Outputs) -> Result<StartResponse, ProviderError> {
        let model = model(request)?;
        Batch::start(self, request, model.per_job, app(model.name)).await
    }

    async fn poll(&self, job: &str, outputs: &dyn Outputs) -> Result<PollResponse, ProviderError> {
        let batch = Batch::from_id(NAME, job)?;
        if !MODELS.iter().any(|model| app(model.name) == batch.app) {
            return Err(ProviderError::invalid_request(NAME, "a job of an unknown model"));
        }
        batch.poll(self, outputs).await
    }

    fn reports_jobs(&self) -> bool {
        true
    }

    async fn cancel(&self, job: &str) -> Result<bool, ProviderError> {
        Batch::from_id(NAME, job)?.cancel(self).await
    }

    /// Deletes the input and the output of each request, and the files of the output. The API key must have the scope
    /// `ADMIN`. A file that fal could not delete is a failure.
    async fn delete_remote(&self, job: &str) -> Result<(), ProviderError> {
        for request in &Batch::from_id(NAME, job)?.jobs {
            let path = format!("/v1/models/requests/{}/payloads", checked_job_id(NAME, request)?);
            let response = self.platform.send(self.platform.request(Method::DELETE, &path)).await?;
            if response.status == StatusCode::NOT_FOUND {
                continue;
            }
            if !response.status.is_success() {
                return Err(self.platform.error_for(&response));
            }
            let deleted: Deleted = self.platform.parse(&response)?;
            if deleted.cdn_delete_results.iter().any(|file| file.exception.is_some()) {
                return Err(ProviderError::unconfirmed(NAME, "a file was not deleted"));
            }
        }
        Ok(())
    }

    /// fal says that a model is deprecated, and not when it ends.
    async fn model_status(&self, model: &str) -> Result<ModelStatus, ProviderError> {
        // The catalogue names no model of fal without a template, so the name needs no escaping.
        let path = format!("/v1/models?endpoint_id={model}");
        let response = self.platform.send(self.platform.request(Method::GET, &path)).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(ModelStatus::Gone);
        }
        if !response.status.is_success() {
            return Err(self.platform.error_for(&response));
        }
        let found: Endpoints = self.platform.parse(&response)?;
        let endpoint = found.models.iter().find(|endpoint| endpoint.endpoint_id == model);
        Ok(match endpoint.map(|endpoint| endpoint.metadata.as_ref().and_then(|known| known.status.as_deref())) {
            None => ModelStatus::Gone,
            Some(Some("deprecated")) => ModelStatus::Deprecated,
            Some(_) => ModelStatus::Available,
        })
    }
}

#[async_trait]
impl JobApi for Fal {
    fn api_client(&self) -> &ApiClient {
        &self.queue
    }

    async fn submit(&self, request: &ProviderRequest, part: BatchPart) -> Result<String, ProviderError> {
        let model = model(request)?;
        // <https://fal.ai/docs/model-apis/webhooks>
        let callback = request.callback.as_deref().filter(|_| part.is_last);
        let query = callback.map(|url| format!("?fal_webhook={}", byte_serialize(url.as_bytes()).collect::<String>()));
        let call = self.queue.request(Method::POST, &format!("/{}{}", model.name, query.unwrap_or_default()));
        let call = call.header(LIFECYCLE_HEADER, LIFECYCLE).json(&(model.input)(request, part));
        let response = self.queue.send(call).await?;
        if !response.status.is_success() {
            return Err(self.error_for(&response));
        }
        Ok(self.queue.parse::<Submitted>(&response)?.request_id)
    }

    /// Cancels a request that is in the queue: fal removes it and answers 200. A request in progress is left alone, as fal
    /// only signals its runner then, with 202.
    async fn cancel_job(&self, app: &str, job: &str) -> Result<bool, ProviderError> {
        let status = self.queue.request(Method::GET, &format!("/{app}/requests/{job}/status"));
        if !matches!(self.queue.json::<Queued>(status).await?.status, Status::InQueue) {
            return Ok(false);
        }
        let cancel = self.queue.request(Method::PUT, &format!("/{app}/requests/{job}/cancel"));
        Ok(self.queue.send(cancel).await?.status == StatusCode::OK)
    }

    async fn job_status(&self, app: &str, job: &str) -> Result<JobStatus, ProviderError> {
        let status = self.queue.request(Method::GET, &format!("/{app}/requests/{job}/status"));
        match self.queue.json::<Queued>(status).await?.status {
            Status::InQueue | Status::InProgress => return Ok(JobStatus::Pending),
            Status::Completed => {}
        }
        let response = self.queue.send(self.queue.request(Method::GET, &format!("/{app}/requests/{job}"))).await?;
        let status = response.status.as_u16();
        let has_failed = match status {
            401..=403 | 408 | 409 | 429 => false,
            502..=504 => self.says_how_it_failed(&response),
            _ => (400..=599).contains(&status),
        };
        match status {
            200 => Ok(job_status(self.queue.parse(&response)?)),
            _ if has_failed => Ok(JobStatus::Failed(self.result_error(&response))),
            409 => Err(ProviderError::unavailable(NAME, "a result that cannot be had now: 409", None)),
            _ => Err(self.error_for(&response)),
        }
    }
}

impl Fal {
    /// Says whether fal tells how a request failed. A gateway in front of it does not, and the result may still come: fal's own
    /// client asks again then, as it does after 409.
    fn says_how_it_failed(&self, response: &ApiResponse) -> bool {
        let body = self.queue.parse::<Value>(response).unwrap_or_default();
        [ERROR_TYPE_HEADER, REQUEST_ID_HEADER].iter().any(|header| response.headers.contains_key(*header))
            || body.get("error_type").is_some()
            || body.pointer("/detail/0/type").is_some()
    }

    /// Classifies the result of a request that is completed without files: it was rejected, or it ended for a reason of fal's own,
    /// such as a lost runner or a cancellation (<https://fal.ai/docs/documentation/model-apis/request-errors>).
    fn result_error(&self, response: &ApiResponse) -> ProviderError {
        match self.error_for(response) {
            error if error.is_about_input() => error,
            _ => ProviderError::job_ended(NAME, "the request failed"),
        }
    }

    fn error_for(&self, response: &ApiResponse) -> ProviderError {
        let kinds = self.queue.parse::<Failure>(response).map(|failure| failure.detail).unwrap_or_default();
        if kinds.iter().any(|detail| detail.kind == "content_policy_violation") {
            ProviderError::rejected(NAME, REJECTED)
        } else if response.status == StatusCode::UNPROCESSABLE_ENTITY && !kinds.is_empty() {
            ProviderError::invalid_input(NAME, UNUSABLE)
        } else {
            self.queue.error_for(response)
        }
    }
}

fn job_status(response: Response) -> JobStatus {
    let files = response.images.into_iter().chain(response.video);
    let hidden = response.has_nsfw_concepts.into_iter().chain(std::iter::repeat(false));
    let (hidden, shown): (Vec<_>, Vec<_>) = files.zip(hidden).partition(|(_, hidden)| *hidden);
    match (shown.is_empty(), hidden.is_empty()) {
        (true, false) => JobStatus::Failed(ProviderError::rejected(NAME, REJECTED)),
        (true, true) => JobStatus::Failed(ProviderError::job_ended(NAME, "a response without files")),
        (false, _) => JobStatus::Done(shown.into_iter().map(|(file, _)| file.url).collect()),
    }
}

/// Returns the first two segments of the model's name, which the paths of status and response use.
fn app(model: &str) -> &str {
    let second_slash = model.match_indices('/').nth(1);
    second_slash.and_then(|(end, _)| model.get(..end)).unwrap_or(model)
}

struct Model {
    name: &'static str,
    per_job: u8,
    needs_reference_image: bool,
    input: fn(&ProviderRequest, BatchPart) -> Map<String, Value>,
}

const MODELS: [Model; 5] = [
    Model { name: "fal-ai/flux/schnell", per_job: 4, needs_reference_image: false, input: flux },
    Model { name: "fal-ai/flux/dev", per_job: 4, needs_reference_image: false, input: flux },
    Model { name: "fal-ai/flux/dev/image-to-image", per_job: 4, needs_reference_image: true, input: flux },
    Model { name: "fal-ai/wan/v2.2-a14b/text-to-video/turbo", per_job: 1, needs_reference_image: false, input: wan },
    Model { name: "fal-ai/wan/v2.2-a14b/image-to-video/turbo", per_job: 1, needs_reference_image: true, input: wan },
];

fn model(request: &ProviderRequest) -> Result<&'static Model, ProviderError> {
    let known = MODELS.iter().find(|model| model.name == request.model);
    match known {
        None => Err(ProviderError::invalid_request(NAME, "unknown model")),
        Some(model) if model.needs_reference_image != request.reference_image.is_some() => {
            Err(ProviderError::invalid_request(
                NAME,
                "a reference image that the model does not take, or none although it needs one",
            ))
        }
        Some(model) => Ok(model),
    }
}

/// <https://fal.ai/models/fal-ai/flux/dev/api>
fn flux(request: &ProviderRequest, part: BatchPart) -> Map<String, Value> {
    let mut input = common(request, part);
    input.insert("num_images".to_owned(), part.count.into());
    input.insert("output_format".to_owned(), "png".into());
    if request.reference_image.is_none() {
        input.insert("image_size".to_owned(), json!({ "width": request.width, "height": request.height }));
    }
    input
}

/// <https://fal.ai/models/fal-ai/wan/v2.2-a14b/text-to-video/turbo/api>
fn wan(request: &ProviderRequest, part: BatchPart) -> Map<String, Value> {
    let mut input = common(request, part);
    input.insert("enable_output_safety_checker".to_owned(), true.into());
    input.insert("resolution".to_owned(), aspect_ratio::resolution(request.width, request.height).into());
    if request.reference_image.is_none() {
        let aspect = aspect_ratio::nearest(&aspect_ratio::WIDE_OR_TALL, request.width, request.height);
        input.insert("aspect_ratio".to_owned(), aspect.into());
    }
    input
}

fn common(request: &ProviderRequest, part: BatchPart) -> Map<String, Value> {
    let mut input = Map::new();
    input.insert("prompt".to_owned(), request.prompt.clone().into());
    input.insert("enable_safety_checker".to_owned(), true.into());
    if let Some(seed) = part.seed {
        input.insert("seed".to_owned(), seed.into());
    }
    if let Some(image) = &request.reference_image {
        input.insert("image_url".to_owned(), data_url(&image.bytes, &image.mime).into());
    }
    input
}

#[cfg(test)]
mod tests {
    use domain::catalogue::models::TEMPLATES;

    use super::*;

    #[test]
    fn catalogue_may_offer_the_models_that_have_a_template() {
        let names = MODELS.iter().map(|model| model.name).collect::<Vec<_>>();
        assert_eq!(
            TEMPLATES.iter().find(|(provider, _)| *provider == NAME).map(|(_, models)| models.to_vec()),
            Some(names)
        );
    }
}
