//! Calls OpenAI's images API: [generations](https://developers.openai.com/api/reference/resources/images/methods/generate) and,
//! with a reference image, [edits](https://developers.openai.com/api/reference/resources/images/methods/edit), by the GPT
//! image models.
//!
//! Images come at once and in base64. The models take no seed and no negative prompt: the seed is not sent, and the
//! negative prompt is appended to the prompt. OpenAI has no video: the Videos API was
//! [shut down](https://developers.openai.com/api/docs/guides/video-generation) on 24 September 2026.

use std::borrow::Cow;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::future::join_all;
use jiff::civil::Date;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::api_client::{ApiClient, ApiResponse};
use crate::aspect_ratio;
use crate::error::{ProviderError, ProviderErrorKind};
use crate::provider::Provider;
use crate::reference_image::form_part;
use crate::request::{OutputKind, ProviderRequest, Quality, ReferenceImage};
use crate::response::{ModelStatus, Outputs, PollResponse, StartResponse};

pub(crate) const NAME: &str = "openai";

/// The sizes that every GPT image model offers.
const SIZES: [(&str, u32, u32); 3] = [("1024x1024", 1, 1), ("1536x1024", 3, 2), ("1024x1536", 2, 3)];

/// Returns the name of the quality. OpenAI's own default, `auto`, may cost forty times the lowest.
fn quality(request: &ProviderRequest) -> &'static str {
    match request.quality {
        Some(Quality::Low) => "low",
        None | Some(Quality::Medium) => "medium",
        Some(Quality::High) => "high",
    }
}

pub(crate) struct OpenAi(pub(crate) ApiClient);

#[derive(Deserialize)]
struct Images<'a> {
    #[serde(borrow)]
    data: Vec<Image<'a>>,
}

#[derive(Deserialize)]
struct Image<'a> {
    #[serde(borrow)]
    b64_json: Cow<'a, str>,
}

/// <https://developers.openai.com/api/reference/resources/models/methods/list>
#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    /// The day when it shuts down, or null if none is announced. Of any form, so that one entry does not make the list unreadable.
    shutdown_date: Option<Value>,
}

#[derive(Deserialize)]
struct Failure {
    error: Detail,
}

/// <https://developers.openai.com/api/docs/guides/error-codes>
#[derive(Default, Deserialize)]
struct Detail {
    code: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &ProviderRequest, outputs: &dyn Outputs) -> Result<StartResponse, ProviderError> {
        if request.kind == OutputKind::Video {
            return Err(ProviderError::invalid_request(NAME, "the provider has no video"));
        }
        // One image for each call: a call that carries several takes as long as all of them. What they wait for is one at a time.
        let outputs = Mutex::new(outputs);
        let images = join_all((0..request.count.max(1)).map(|_| self.generate_one(request, &outputs))).await;
        let is_one_done = images.iter().any(Result::is_ok);
        // A failure that a repeat would meet again decides for all, then one after which a repeat may be paid for twice.
        let rank =
            |failure: &ProviderError| (!failure.is_about_input(), failure.kind != ProviderErrorKind::Unconfirmed);
        match images.into_iter().filter_map(Result::err).min_by_key(rank) {
            // Outputs that are paid for are kept.
            Some(failure) if !is_one_done => Err(failure),
            _ => Ok(StartResponse::Done),
        }
    }

    async fn poll(&self, _job: &str, _: &dyn Outputs) -> Result<PollResponse, ProviderError> {
        Err(ProviderError::invalid_request(NAME, "the provider has no jobs"))
    }

    async fn model_status(&self, model: &str) -> Result<ModelStatus, ProviderError> {
        let models: Models = self.0.json(self.0.request(Method::GET, "/v1/models")).await?;
        let found = models.data.into_iter().find(|listed| listed.id == model);
        Ok(match found.map(|listed| listed.shutdown_date) {
            None => ModelStatus::Gone,
            Some(None) => ModelStatus::Available,
            Some(Some(day)) => announced(model, &day),
        })
    }
}

/// Returns what an announced end means: one that is no date is an end of which nobody knows the day.
fn announced(model: &str, day: &Value) -> ModelStatus {
    match day.as_str().and_then(|day| day.parse::<Date>().ok()) {
        Some(day) => ModelStatus::ShutsDown(day),
        None => {
            let error = format_args!("{model}: {day}");
            tracing::warn!(error = %error, provider = NAME, "the day on which a model ends cannot be read");
            ModelStatus::Deprecated
        }
    }
}

impl OpenAi {
    async fn generate_one(
        &self,
        request: &ProviderRequest,
        outputs: &Mutex<&dyn Outputs>,
    ) -> Result<(), ProviderError> {
        let call = match &request.reference_image {
            None => self.0.request(Method::POST, "/v1/images/generations").json(&json!({
                "model": request.model,
                "prompt": prompt(request),
                "n": 1,
                "size": aspect_ratio::nearest(&SIZES, request.width, request.height),
                "quality": quality(request),
                "output_format": "png",
            })),
            Some(image) => self.0.request(Method::POST, "/v1/images/edits").multipart(edit(request, image)?),
        };
        let head = self.0.head(call).await?;
        let outputs = outputs.lock().await;
        let bytes = self.image(&self.0.read(head).await?)?;
        outputs.take(bytes).await;
        Ok(())
    }

    fn image(&self, response: &ApiResponse) -> Result<Vec<u8>, ProviderError> {
        if !response.status.is_success() {
            return Err(self.error_for(response));
        }
        let images: Images<'_> = self.0.parse(response)?;
        match images.data.first().map(|image| BASE64_STANDARD.decode(image.b64_json.as_bytes())) {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(_)) => Err(ProviderError::unconfirmed(NAME, "an image that is not base64")),
            None => Err(ProviderError::unconfirmed(NAME, "a response without images")),
        }
    }

    fn error_for(&self, response: &ApiResponse) -> ProviderError {
        let error = self.0.parse::<Failure>(response).map(|failure| failure.error).unwrap_or_default();
        let (code, kind) = (error.code.as_deref().unwrap_or_default(), error.kind.as_deref().unwrap_or_default());
        match code {
            "moderation_blocked" | "content_policy_violation" => ProviderError::rejected(
                NAME,
                "OpenAI's safety system rejected the prompt or the reference image. Change it and try again.",
            ),
            // They come with 429, but waiting adds no funds.
            "insufficient_quota"
            | "billing_hard_limit_reached"
            | "credit_balance_exhausted"
            | "project_spend_limit_exceeded"
            | "organization_spend_limit_exceeded"
            | "organization_usage_limit_exceeded" => {
                ProviderError::account_problem(NAME, "the account has no funds or has reached a spending limit")
            }
            _ if kind == "insufficient_quota" => {
                ProviderError::account_problem(NAME, "the account has no funds or has reached a spending limit")
            }
            "model_not_found" => ProviderError::model_gone(NAME, "the model does not exist"),
            _ if response.status == StatusCode::BAD_REQUEST && kind == "image_generation_user_error" => {
                ProviderError::invalid_input(
                    NAME,
                    "OpenAI cannot use the prompt or the reference image. Change them and try again.",
                )
            }
            _ => self.0.error_for(response),
        }
    }
}

fn prompt(request: &ProviderRequest) -> String {
    match request.negative_prompt.as_deref() {
        Some(negative) if !negative.is_empty() => format!("{}\n\nDo not show: {negative}", request.prompt),
        _ => request.prompt.clone(),
    }
}

fn edit(request: &ProviderRequest, image: &ReferenceImage) -> Result<Form, ProviderError> {
    Ok(Form::new()
        .text("model", request.model.clone())
        .text("prompt", prompt(request))
        .text("n", "1")
        .text("quality", quality(request))
        .text("size", aspect_ratio::nearest(&SIZES, request.width, request.height))
        .text("output_format", "png")
        .part("image[]", form_part(NAME, image)?))
}
