//! Stability's [stable images](https://platform.stability.ai/docs/api-reference#tag/Generate): `core`, `ultra`, and the
//! `sd3.5-…` models.
//!
//! An answer is one image, at once; several are asked for one after another. An image that the filter withholds
//! (`finish-reason: CONTENT_FILTERED`) is left out, and if none is left the prompt counts as refused. There is no video:
//! its endpoint is no longer offered.

use async_trait::async_trait;
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode, header::ACCEPT};
use serde::Deserialize;

use crate::input::file;
use crate::outbound::{Answer, Outbound};
use crate::{GenerationRequest, Output, OutputKind, PollResponse, Provider, ProviderError, StartResponse, shape};

pub(crate) const NAME: &str = "stability";

const REFUSED: &str = "Stability's content filter refused the prompt, the input image or the result.";
/// Seeds go up to this, and 0 stands for none.
const SEED_MAX: u64 = 4_294_967_294;
/// How far an image may move away from the input image: 0 not at all, 1 wholly.
const STRENGTH: &str = "0.7";

pub(crate) struct Stability(pub(crate) Outbound);

#[derive(Deserialize)]
struct Failure {
    name: String,
}

#[async_trait]
impl Provider for Stability {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn start(&self, request: &GenerationRequest) -> Result<StartResponse, ProviderError> {
        if request.kind == OutputKind::Video {
            return Err(ProviderError::invalid_request(NAME, "there is no video"));
        }
        let mut outputs = Vec::new();
        for index in 0..request.count {
            match self.one(request, index).await {
                Ok(output) => outputs.push(output),
                // The filter may let the next seed through.
                Err(error) if error.is_refusal() && index + 1 < request.count => {}
                Err(error) if outputs.is_empty() => return Err(error),
                // What is paid for is kept.
                Err(_) => break,
            }
        }
        Ok(StartResponse::Done(outputs))
    }

    async fn poll(&self, _job: &str) -> Result<PollResponse, ProviderError> {
        Err(ProviderError::invalid_request(NAME, "there are no jobs"))
    }
}

impl Stability {
    async fn one(&self, request: &GenerationRequest, index: u8) -> Result<Output, ProviderError> {
        let endpoint = match request.model.as_str() {
            model @ ("core" | "ultra") => model,
            model if model.starts_with("sd3") => "sd3",
            _ => return Err(ProviderError::invalid_request(NAME, "an unknown model")),
        };
        let path = format!("/v2beta/stable-image/generate/{endpoint}");
        let call = self.0.request(Method::POST, &path).header(ACCEPT, "image/*");
        let answer = self.0.answer(call.multipart(form(request, endpoint, index)?)).await?;
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !answer.status.is_success() {
            return Err(self.failure(&answer));
        }
        if header("finish-reason") == "CONTENT_FILTERED" {
            return Err(ProviderError::rejected(NAME, REFUSED));
        }
        if !header("content-type").starts_with("image/") || answer.body.is_empty() {
            return Err(ProviderError::invalid_response(NAME, "a success that is no image"));
        }
        Ok(Output { bytes: answer.body })
    }

    fn failure(&self, answer: &Answer) -> ProviderError {
        let name = self.0.parse::<Failure>(answer).map(|failure| failure.name);
        match (answer.status, name.as_deref()) {
            (StatusCode::FORBIDDEN, Ok("content_moderation")) => ProviderError::rejected(NAME, REFUSED),
            _ => self.0.failure(answer),
        }
    }
}

fn form(request: &GenerationRequest, endpoint: &str, index: u8) -> Result<Form, ProviderError> {
    let mut form = Form::new().text("prompt", request.prompt.clone()).text("output_format", "png");
    if let Some(unwanted) = &request.negative_prompt {
        form = form.text("negative_prompt", unwanted.clone());
    }
    if let Some(seed) = request.seed {
        form = form.text("seed", (1 + seed.wrapping_add(index.into()) % SEED_MAX).to_string());
    }
    if endpoint == "sd3" {
        form = form.text("model", request.model.clone());
    }
    match (&request.reference_image, endpoint) {
        (None, _) => Ok(form.text("aspect_ratio", shape::nearest(&shape::ASPECTS, request.width, request.height))),
        (Some(_), "core") => Err(ProviderError::invalid_request(NAME, "core takes no input image")),
        (Some(input), "sd3") => {
            Ok(form.text("mode", "image-to-image").text("strength", STRENGTH).part("image", file(NAME, input)?))
        }
        (Some(input), _) => Ok(form.text("strength", STRENGTH).part("image", file(NAME, input)?)),
    }
}
