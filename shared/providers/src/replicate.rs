//! Replicate's [predictions](https://replicate.com/docs/reference/http#models.predictions.create), for images and videos.
//!
//! A prediction is created, [asked after](https://replicate.com/docs/reference/http#predictions.get), and its output
//! fetched from `replicate.delivery`, where it lies for an hour. Every model has inputs of its own, so only the models
//! below are known.

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::batch::{Batch, Queue, Share, Standing};
use crate::input::data_url;
use crate::outbound::Outbound;
use crate::{GenerationRequest, PollResponse, Provider, ProviderError, StartResponse, shape};

pub(crate) const NAME: &str = "replicate";

/// The Wan models are trained on 16 frames a second.
const WAN_FRAMES_PER_SECOND: u64 = 16;

pub(crate) struct Replicate(pub(crate) Outbound);

#[derive(Deserialize)]
struct Prediction {
    id: String,
    status: Status,
    output: Option<Files>,
    error: Option<Value>,
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

    async fn start(&self, request: &GenerationRequest) -> Result<StartResponse, ProviderError> {
        Batch::start(self, request, model(request)?.per_job, "").await
    }

    async fn poll(&self, job: &str) -> Result<PollResponse, ProviderError> {
        Batch::from_id(NAME, job)?.poll(self).await
    }
}

#[async_trait]
impl Queue for Replicate {
    fn outbound(&self) -> &Outbound {
        &self.0
    }

    async fn begin(&self, request: &GenerationRequest, share: Share) -> Result<String, ProviderError> {
        let path = format!("/v1/models/{}/predictions", request.model);
        let body = json!({ "input": (model(request)?.input)(request, share) });
        let prediction: Prediction = self.0.json(self.0.request(Method::POST, &path).json(&body)).await?;
        Ok(prediction.id)
    }

    async fn ask(&self, _place: &str, job: &str) -> Result<Standing, ProviderError> {
        let call = self.0.request(Method::GET, &format!("/v1/predictions/{job}"));
        self.0.json(call).await.map(standing)
    }
}

fn standing(prediction: Prediction) -> Standing {
    match prediction.status {
        Status::Starting | Status::Processing => Standing::Pending,
        Status::Succeeded => match prediction.output {
            Some(Files::One(file)) => Standing::Done(vec![file]),
            Some(Files::Many(files)) => Standing::Done(files),
            None => Standing::Failed(ProviderError::invalid_response(NAME, "a success without output")),
        },
        Status::Failed if is_refusal(prediction.error.as_ref()) => Standing::Failed(ProviderError::rejected(
            NAME,
            "The model's safety check refused the prompt or the result.",
        )),
        Status::Failed => Standing::Failed(ProviderError::invalid_response(NAME, "the prediction failed")),
        Status::Canceled | Status::Aborted => {
            Standing::Failed(ProviderError::invalid_response(NAME, "the prediction was stopped"))
        }
    }
}

/// There is no field for it: the models' safety checks speak in the error's text.
fn is_refusal(error: Option<&Value>) -> bool {
    let text = error.and_then(Value::as_str).unwrap_or_default().to_lowercase();
    ["nsfw", "flagged as sensitive", "(e005)", "safety"].iter().any(|sign| text.contains(sign))
}

struct Model {
    name: &'static str,
    per_job: u8,
    takes_image: Takes,
    input: fn(&GenerationRequest, Share) -> Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    No,
    Maybe,
    Must,
}

const MODELS: [Model; 4] = [
    Model { name: "black-forest-labs/flux-schnell", per_job: 4, takes_image: Takes::No, input: flux },
    Model { name: "black-forest-labs/flux-dev", per_job: 4, takes_image: Takes::Maybe, input: flux },
    Model { name: "wan-video/wan-2.2-t2v-fast", per_job: 1, takes_image: Takes::No, input: wan },
    Model { name: "wan-video/wan-2.2-i2v-fast", per_job: 1, takes_image: Takes::Must, input: wan },
];

fn model(request: &GenerationRequest) -> Result<&'static Model, ProviderError> {
    let known = MODELS.iter().find(|model| model.name == request.model);
    let model = known.ok_or_else(|| ProviderError::invalid_request(NAME, "an unknown model"))?;
    match (model.takes_image, &request.reference_image) {
        (Takes::No, Some(_)) => Err(ProviderError::invalid_request(NAME, "the model takes no input image")),
        (Takes::Must, None) => Err(ProviderError::invalid_request(NAME, "the model needs an input image")),
        _ => Ok(model),
    }
}

/// <https://replicate.com/black-forest-labs/flux-dev/api/schema>
fn flux(request: &GenerationRequest, share: Share) -> Map<String, Value> {
    let mut input = common(request, share);
    input.insert("aspect_ratio".to_owned(), shape::nearest(&shape::ASPECTS, request.width, request.height).into());
    input.insert("num_outputs".to_owned(), share.count.into());
    input.insert("output_format".to_owned(), "png".into());
    input
}

/// <https://replicate.com/wan-video/wan-2.2-t2v-fast/api/schema>
fn wan(request: &GenerationRequest, share: Share) -> Map<String, Value> {
    let mut input = common(request, share);
    if request.reference_image.is_none() {
        let aspect = shape::nearest(&shape::WIDE_OR_TALL, request.width, request.height);
        input.insert("aspect_ratio".to_owned(), aspect.into());
    }
    let frames = request.duration_ms.unwrap_or(5_000) * WAN_FRAMES_PER_SECOND / 1000;
    input.insert("num_frames".to_owned(), frames.clamp(81, 100).into());
    input.insert("frames_per_second".to_owned(), WAN_FRAMES_PER_SECOND.into());
    input.insert("resolution".to_owned(), shape::resolution(request.width, request.height).into());
    input
}

fn common(request: &GenerationRequest, share: Share) -> Map<String, Value> {
    let mut input = Map::new();
    input.insert("prompt".to_owned(), request.prompt.clone().into());
    if let Some(seed) = share.seed {
        input.insert("seed".to_owned(), seed.into());
    }
    if let Some(image) = &request.reference_image {
        input.insert("image".to_owned(), data_url(image).into());
    }
    input
}
