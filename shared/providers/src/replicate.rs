//! Calls Replicate's [predictions API](https://replicate.com/docs/reference/http#models.predictions.create), for images and videos.
//!
//! It creates a prediction, [polls](https://replicate.com/docs/reference/http#predictions.get) it, and downloads the output
//! from `replicate.delivery`, which keeps it for an hour. Every model has its own inputs, so only the models below are
//! supported.

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api_client::{ApiClient, ApiResponse};
use crate::aspect_ratio;
use crate::batch::{Batch, BatchPart, JobApi, JobStatus};
use crate::error::ProviderError;
use crate::provider::Provider;
use crate::reference_image::data_url;
use crate::request::ProviderRequest;
use crate::response::{ModelStatus, Outputs, PollResponse, StartResponse};

pub(crate) const NAME: &str = "replicate";

/// When Replicate stops a prediction that nobody waits for any more: after the longest deadline of a generation.
const CANCEL_AFTER: &str = "30m";
/// The frame rate that the Wan models are trained on.
const WAN_FRAMES_PER_SECOND: u64 = 16;

pub(crate) struct Replicate {
    pub(crate) api: ApiClient,
    /// Whether its reports can be verified.
    pub(crate) reports: bool,
}

#[derive(Deserialize)]
struct Prediction {
    id: String,
    status: Status,
    output: Option<Files>,
    error: Option<Value>,
}

/// What every model has. Without it a response comes from something else.
#[derive(Deserialize)]
struct ModelInfo {
    #[serde(rename = "owner")]
    _owner: String,
    #[serde(rename = "name")]
    _name: String,
}

/// <https://replicate.com/docs/topics/predictions/lifecycle>
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Starting,
    Processing,
    Succeeded,
    Failed,
    Canceled,
    Aborted,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Files {
    One(String),
    Many(Vec<String>),
}

#[async_trait]
impl Provider for Replicate {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &ProviderRequest, _: &dyn Outputs) -> Result<StartResponse, ProviderError> {
        Batch::start(self, request, model(request)?.per_job, "").await
    }

    async fn poll(&self, job: &str, outputs: &dyn Outputs) -> Result<PollResponse, ProviderError> {
        Batch::from_id(NAME, job)?.poll(self, outputs).await
    }

    fn reports_jobs(&self) -> bool {
        self.reports
    }

    async fn cancel(&self, job: &str) -> Result<bool, ProviderError> {
        Batch::from_id(NAME, job)?.cancel(self).await
    }

    /// [Replicate](https://replicate.com/docs/reference/http#models.get) has no field for an announced end.
    async fn model_status(&self, model: &str) -> Result<ModelStatus, ProviderError> {
        let response = self.api.send(self.api.request(Method::GET, &format!("/v1/models/{model}"))).await?;
        match response.status {
            StatusCode::NOT_FOUND => Ok(ModelStatus::Gone),
            status if status.is_success() => {
                self.api.parse::<ModelInfo>(&response)?;
                Ok(ModelStatus::Available)
            }
            _ => Err(self.api.error_for(&response)),
        }
    }
}

#[async_trait]
impl JobApi for Replicate {
    fn api_client(&self) -> &ApiClient {
        &self.api
    }

    async fn submit(&self, request: &ProviderRequest, part: BatchPart) -> Result<String, ProviderError> {
        let path = format!("/v1/models/{}/predictions", request.model);
        let mut body = Map::new();
        body.insert("input".to_owned(), (model(request)?.input)(request, part).into());
        // <https://replicate.com/docs/topics/webhooks/setup-webhook>
        if let Some(callback) = request.callback.as_deref().filter(|_| self.reports && part.is_last) {
            body.insert("webhook".to_owned(), callback.into());
            body.insert("webhook_events_filter".to_owned(), json!(["completed"]));
        }
        let call = self.api.request(Method::POST, &path).header("cancel-after", CANCEL_AFTER).json(&body);
        // It holds the reference image once more.
        drop(body);
        let response = self.api.send(call).await?;
        if !response.status.is_success() {
            return Err(self.error_for(&response));
        }
        Ok(self.api.parse::<Prediction>(&response)?.id)
    }

    /// Replicate charges for a canceled prediction, and not for an aborted one, which had not started
    /// ([deadlines](https://replicate.com/changelog/2025-10-16-prediction-deadlines)). One that runs is left alone.
    async fn cancel_job(&self, _app: &str, job: &str) -> Result<bool, ProviderError> {
        let prediction = self.api.request(Method::GET, &format!("/v1/predictions/{job}"));
        let status = self.api.json::<Prediction>(prediction).await?.status;
        if !matches!(status, Status::Starting) {
            return Ok(matches!(status, Status::Aborted));
        }
        let cancel = self.api.request(Method::POST, &format!("/v1/predictions/{job}/cancel"));
        Ok(matches!(self.api.json::<Prediction>(cancel).await?.status, Status::Aborted))
    }

    async fn job_status(&self, _app: &str, job: &str) -> Result<JobStatus, ProviderError> {
        let call = self.api.request(Method::GET, &format!("/v1/predictions/{job}"));
        self.api.json(call).await.map(job_status)
    }
}

impl Replicate {
    /// Replicate answers 422 to an input that the model's schema does not allow.
    fn error_for(&self, response: &ApiResponse) -> ProviderError {
        match response.status {
            StatusCode::UNPROCESSABLE_ENTITY => ProviderError::invalid_input(
                NAME,
                "Replicate cannot use the prompt, a setting or the reference image. Change them and try again.",
            ),
            _ => self.api.error_for(response),
        }
    }
}

fn job_status(prediction: Prediction) -> JobStatus {
    match prediction.status {
        Status::Starting | Status::Processing => JobStatus::Pending,
        Status::Succeeded => match prediction.output {
            Some(Files::One(file)) => JobStatus::Done(vec![file]),
            Some(Files::Many(files)) => JobStatus::Done(files),
            None => JobStatus::Failed(ProviderError::job_ended(NAME, "a success without output")),
        },
        Status::Failed if is_rejection(prediction.error.as_ref()) => JobStatus::Failed(ProviderError::rejected(
            NAME,
            "The model's safety check rejected the prompt or the result. Change the prompt and try again.",
        )),
        Status::Failed => JobStatus::Failed(ProviderError::job_ended(NAME, "the prediction failed")),
        Status::Canceled | Status::Aborted => {
            JobStatus::Failed(ProviderError::job_ended(NAME, "the prediction was stopped"))
        }
    }
}

/// Returns whether the error text reports a safety check. The API has no field for it.
fn is_rejection(error: Option<&Value>) -> bool {
    let text = error.and_then(Value::as_str).unwrap_or_default().to_lowercase();
    ["nsfw", "flagged as sensitive", "(e005)", "safety"].iter().any(|marker| text.contains(marker))
}

struct Model {
    name: &'static str,
    per_job: u8,
    reference_image: ReferenceImageUse,
    input: fn(&ProviderRequest, BatchPart) -> Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReferenceImageUse {
    Unsupported,
    Optional,
    Required,
}

const MODELS: [Model; 4] = [
    Model {
        name: "black-forest-labs/flux-schnell",
        per_job: 4,
        reference_image: ReferenceImageUse::Unsupported,
        input: flux,
    },
    Model { name: "black-forest-labs/flux-dev", per_job: 4, reference_image: ReferenceImageUse::Optional, input: flux },
    Model {
        name: "wan-video/wan-2.2-t2v-fast",
        per_job: 1,
        reference_image: ReferenceImageUse::Unsupported,
        input: wan,
    },
    Model { name: "wan-video/wan-2.2-i2v-fast", per_job: 1, reference_image: ReferenceImageUse::Required, input: wan },
];

fn model(request: &ProviderRequest) -> Result<&'static Model, ProviderError> {
    let known = MODELS.iter().find(|model| model.name == request.model);
    let model = known.ok_or_else(|| ProviderError::invalid_request(NAME, "unknown model"))?;
    match (model.reference_image, &request.reference_image) {
        (ReferenceImageUse::Unsupported, Some(_)) => {
            Err(ProviderError::invalid_request(NAME, "the model takes no reference image"))
        }
        (ReferenceImageUse::Required, None) => {
            Err(ProviderError::invalid_request(NAME, "the model needs a reference image"))
        }
        _ => Ok(model),
    }
}

/// <https://replicate.com/black-forest-labs/flux-dev/api/schema>
fn flux(request: &ProviderRequest, part: BatchPart) -> Map<String, Value> {
    let mut input = common(request, part);
    input.insert(
        "aspect_ratio".to_owned(),
        aspect_ratio::nearest(&aspect_ratio::FLUX_ASPECT_RATIOS, request.width, request.height).into(),
    );
    input.insert("num_outputs".to_owned(), part.count.into());
    input.insert("output_format".to_owned(), "png".into());
    // With the default, true, one seed does not give one image.
    input.insert("go_fast".to_owned(), false.into());
    input
}

/// <https://replicate.com/wan-video/wan-2.2-t2v-fast/api/schema>
fn wan(request: &ProviderRequest, part: BatchPart) -> Map<String, Value> {
    let mut input = common(request, part);
    if request.reference_image.is_none() {
        let aspect = aspect_ratio::nearest(&aspect_ratio::WIDE_OR_TALL, request.width, request.height);
        input.insert("aspect_ratio".to_owned(), aspect.into());
    }
    let frames = request.duration_ms.unwrap_or(5_000) * WAN_FRAMES_PER_SECOND / 1000;
    input.insert("num_frames".to_owned(), frames.clamp(81, 100).into());
    input.insert("frames_per_second".to_owned(), WAN_FRAMES_PER_SECOND.into());
    input.insert("resolution".to_owned(), aspect_ratio::resolution(request.width, request.height).into());
    input
}

fn common(request: &ProviderRequest, part: BatchPart) -> Map<String, Value> {
    let mut input = Map::new();
    input.insert("prompt".to_owned(), request.prompt.clone().into());
    if let Some(seed) = part.seed {
        input.insert("seed".to_owned(), seed.into());
    }
    if let Some(image) = &request.reference_image {
        input.insert("image".to_owned(), data_url(&image.bytes, &image.mime).into());
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
