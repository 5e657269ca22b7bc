//! Calls Stability's [stable image API](https://platform.stability.ai/docs/api-reference#tag/Generate): `core`, `ultra`, and the
//! `sd3.5-…` models.
//!
//! A response is one image, at once; several images take several calls, one after another. Images that the content filter
//! withholds (`finish-reason: CONTENT_FILTERED`) are left out, and if none is left the request counts as rejected.
//! Stability has no video: its endpoint is no longer offered.

use async_trait::async_trait;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode, header::ACCEPT};
use serde::Deserialize;

use crate::api_client::{ApiClient, ApiResponse};
use crate::aspect_ratio;
use crate::error::ProviderError;
use crate::provider::Provider;
use crate::reference_image::form_part;
use crate::request::{OutputKind, ProviderRequest};
use crate::response::{Outputs, PollResponse, StartResponse};

pub(crate) const NAME: &str = "stability";

const REJECTED: &str =
    "Stability's content filter rejected the prompt, the reference image or the result. Change them and try again.";
/// The largest seed. 0 stands for a random seed.
const SEED_MAX: u64 = 4_294_967_294;
/// The influence of the reference image: 0 keeps it unchanged, 1 ignores it.
const STRENGTH: &str = "0.7";

pub(crate) struct Stability(pub(crate) ApiClient);

#[derive(Deserialize)]
struct Failure {
    name: String,
}

#[async_trait]
impl Provider for Stability {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &ProviderRequest, outputs: &dyn Outputs) -> Result<StartResponse, ProviderError> {
        if request.kind == OutputKind::Video {
            return Err(ProviderError::invalid_request(NAME, "the provider has no video"));
        }
        let mut is_one_done = false;
        for index in 0..request.count {
            match self.generate_one(request, index).await {
                Ok(image) => {
                    outputs.take(image).await;
                    is_one_done = true;
                }
                // The filter may let the next seed through.
                Err(error) if error.is_rejection() && index + 1 < request.count => {}
                Err(error) if !is_one_done => return Err(error),
                // Outputs that are paid for are kept.
                Err(_) => break,
            }
        }
        Ok(StartResponse::Done)
    }

    async fn poll(&self, _job: &str, _: &dyn Outputs) -> Result<PollResponse, ProviderError> {
        Err(ProviderError::invalid_request(NAME, "the provider has no jobs"))
    }
}

impl Stability {
    async fn generate_one(&self, request: &ProviderRequest, index: u8) -> Result<Vec<u8>, ProviderError> {
        let endpoint = match request.model.as_str() {
            model @ ("core" | "ultra") => model,
            model if model.starts_with("sd3") => "sd3",
            _ => return Err(ProviderError::invalid_request(NAME, "unknown model")),
        };
        let path = format!("/v2beta/stable-image/generate/{endpoint}");
        let call = self.0.request(Method::POST, &path).header(ACCEPT, "image/*");
        let response = self.0.send(call.multipart(form(request, endpoint, index)?)).await?;
        let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !response.status.is_success() {
            return Err(self.error_for(&response));
        }
        if header("finish-reason") == "CONTENT_FILTERED" {
            return Err(ProviderError::rejected(NAME, REJECTED));
        }
        if !header("content-type").starts_with("image/") || response.body.is_empty() {
            return Err(ProviderError::unconfirmed(NAME, "a success without an image"));
        }
        Ok(response.body)
    }

    fn error_for(&self, response: &ApiResponse) -> ProviderError {
        let name = self.0.parse::<Failure>(response).map(|failure| failure.name);
        match (response.status, name.as_deref()) {
            (StatusCode::FORBIDDEN, Ok("content_moderation")) => ProviderError::rejected(NAME, REJECTED),
            (StatusCode::BAD_REQUEST, Ok("invalid_language")) => ProviderError::invalid_input(
                NAME,
                "Stability understands English prompts only. Translate the prompt and try again.",
            ),
            _ => self.0.error_for(response),
        }
    }
}

fn form(request: &ProviderRequest, endpoint: &str, index: u8) -> Result<Form, ProviderError> {
    let mut form = Form::new().text("prompt", request.prompt.clone()).text("output_format", "png");
    if let Some(negative) = &request.negative_prompt {
        form = form.text("negative_prompt", negative.clone());
    }
    if let Some(seed) = request.seed {
        form = form.text("seed", (1 + seed.wrapping_add(index.into()) % SEED_MAX).to_string());
    }
    if endpoint == "sd3" {
        form = form.text("model", request.model.clone());
    }
    match (&request.reference_image, endpoint) {
        (None, _) => Ok(form
            .text("aspect_ratio", aspect_ratio::nearest(&aspect_ratio::ASPECT_RATIOS, request.width, request.height))),
        (Some(_), "core") => Err(ProviderError::invalid_request(NAME, "core takes no reference image")),
        (Some(image), "sd3") => {
            Ok(form.text("mode", "image-to-image").text("strength", STRENGTH).part("image", form_part(NAME, image)?))
        }
        (Some(image), _) => Ok(form.text("strength", STRENGTH).part("image", form_part(NAME, image)?)),
    }
}
