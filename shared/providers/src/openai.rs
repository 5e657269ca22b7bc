//! Calls OpenAI's images API: [generations](https://developers.openai.com/api/reference/resources/images/methods/generate) and,
//! with a reference image, [edits](https://developers.openai.com/api/reference/resources/images/methods/edit), by the GPT
//! image models.
//!
//! Images come at once and in base64. The models take no seed and no negative prompt: the seed is not sent, and the
//! negative prompt is appended to the prompt. OpenAI has no video: the Videos API was
//! [shut down](https://developers.openai.com/api/docs/guides/video-generation) on 24 September 2026.

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::api_client::{ApiClient, ApiResponse};
use crate::aspect_ratio;
use crate::error::ProviderError;
use crate::provider::Provider;
use crate::reference_image::form_part;
use crate::request::{OutputKind, ProviderRequest, ReferenceImage};
use crate::response::{Output, PollResponse, StartResponse};

pub(crate) const NAME: &str = "openai";

/// The sizes that every GPT image model offers.
const SIZES: [(&str, u32, u32); 3] = [("1024x1024", 1, 1), ("1536x1024", 3, 2), ("1024x1536", 2, 3)];

pub(crate) struct OpenAi(pub(crate) ApiClient);

#[derive(Deserialize)]
struct Images {
    data: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    b64_json: String,
}

#[derive(Deserialize)]
struct Failure {
    error: Detail,
}

#[derive(Deserialize)]
struct Detail {
    code: Option<String>,
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &ProviderRequest) -> Result<StartResponse, ProviderError> {
        if request.kind == OutputKind::Video {
            return Err(ProviderError::invalid_request(NAME, "the provider has no video"));
        }
        let call = match &request.reference_image {
            None => self.0.request(Method::POST, "/v1/images/generations").json(&json!({
                "model": request.model,
                "prompt": prompt(request),
                "n": request.count,
                "size": aspect_ratio::nearest(&SIZES, request.width, request.height),
                "output_format": "png",
            })),
            Some(image) => self.0.request(Method::POST, "/v1/images/edits").multipart(edit(request, image)?),
        };
        let response = self.0.send(call).await?;
        if !response.status.is_success() {
            return Err(self.error_for(&response));
        }
        let images: Images = self.0.parse(&response)?;
        let decode = |image: Image| BASE64_STANDARD.decode(image.b64_json).map(|bytes| Output { bytes });
        let outputs = images.data.into_iter().take(request.count.into()).map(decode).collect::<Result<Vec<_>, _>>();
        match outputs {
            Ok(outputs) if !outputs.is_empty() => Ok(StartResponse::Done(outputs)),
            Ok(_) => Err(ProviderError::invalid_response(NAME, "a response without images")),
            Err(_) => Err(ProviderError::invalid_response(NAME, "an image that is not base64")),
        }
    }

    async fn poll(&self, _job: &str) -> Result<PollResponse, ProviderError> {
        Err(ProviderError::invalid_request(NAME, "the provider has no jobs"))
    }
}

impl OpenAi {
    fn error_for(&self, response: &ApiResponse) -> ProviderError {
        let code = self.0.parse::<Failure>(response).ok().and_then(|failure| failure.error.code);
        match (response.status, code.as_deref()) {
            (StatusCode::BAD_REQUEST, Some("moderation_blocked" | "content_policy_violation")) => {
                ProviderError::rejected(
                    NAME,
                    "OpenAI's safety system rejected the prompt or the reference image. Change it and try again.",
                )
            }
            // It comes with 429, but waiting does not add funds.
            (_, Some("insufficient_quota" | "billing_hard_limit_reached")) => {
                ProviderError::invalid_request(NAME, "the account at the provider has no funds")
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
        .text("n", request.count.to_string())
        .text("size", aspect_ratio::nearest(&SIZES, request.width, request.height))
        .text("output_format", "png")
        .part("image[]", form_part(NAME, image)?))
}
