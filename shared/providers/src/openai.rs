//! OpenAI's images: [generations](https://developers.openai.com/api/reference/resources/images/methods/generate) and,
//! with an input image, [edits](https://developers.openai.com/api/reference/resources/images/methods/edit), by the GPT
//! image models.
//!
//! They come at once and in base64. The models take no seed and no negative prompt: the first is not sent, the second is
//! said in the prompt. There is no video: the Videos API was
//! [shut down](https://developers.openai.com/api/docs/guides/video-generation) on 24 September 2026.

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::input::file;
use crate::outbound::{Answer, Outbound};
use crate::{
    GenerationRequest, Output, OutputKind, PollResponse, Provider, ProviderError, ReferenceImage, StartResponse, shape,
};

pub(crate) const NAME: &str = "openai";

/// The sizes that every GPT image model has.
const SIZES: [(&str, u32, u32); 3] = [("1024x1024", 1, 1), ("1536x1024", 3, 2), ("1024x1536", 2, 3)];

pub(crate) struct OpenAi(pub(crate) Outbound);

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

    async fn start(&self, request: &GenerationRequest) -> Result<StartResponse, ProviderError> {
        if request.kind == OutputKind::Video {
            return Err(ProviderError::invalid_request(NAME, "there is no video"));
        }
        let call = match &request.reference_image {
            None => self.0.request(Method::POST, "/v1/images/generations").json(&json!({
                "model": request.model,
                "prompt": prompt(request),
                "n": request.count,
                "size": shape::nearest(&SIZES, request.width, request.height),
                "output_format": "png",
            })),
            Some(input) => self.0.request(Method::POST, "/v1/images/edits").multipart(edit(request, input)?),
        };
        let answer = self.0.answer(call).await?;
        if !answer.status.is_success() {
            return Err(self.failure(&answer));
        }
        let images: Images = self.0.parse(&answer)?;
        let decode = |image: Image| BASE64_STANDARD.decode(image.b64_json).map(|bytes| Output { bytes });
        let outputs = images.data.into_iter().take(request.count.into()).map(decode).collect::<Result<Vec<_>, _>>();
        match outputs {
            Ok(outputs) if !outputs.is_empty() => Ok(StartResponse::Done(outputs)),
            Ok(_) => Err(ProviderError::invalid_response(NAME, "no images")),
            Err(_) => Err(ProviderError::invalid_response(NAME, "an image that is not base64")),
        }
    }

    async fn poll(&self, _job: &str) -> Result<PollResponse, ProviderError> {
        Err(ProviderError::invalid_request(NAME, "there are no jobs"))
    }
}

impl OpenAi {
    fn failure(&self, answer: &Answer) -> ProviderError {
        let code = self.0.parse::<Failure>(answer).ok().and_then(|failure| failure.error.code);
        match (answer.status, code.as_deref()) {
            (StatusCode::BAD_REQUEST, Some("moderation_blocked" | "content_policy_violation")) => {
                ProviderError::rejected(NAME, "OpenAI's safety system refused the prompt or the input image.")
            }
            // Comes with 429, but waiting does not fill an account.
            (_, Some("insufficient_quota" | "billing_hard_limit_reached")) => {
                ProviderError::invalid_request(NAME, "the account is empty")
            }
            _ => self.0.failure(answer),
        }
    }
}

fn prompt(request: &GenerationRequest) -> String {
    match request.negative_prompt.as_deref() {
        Some(unwanted) if !unwanted.is_empty() => format!("{}\n\nDo not show: {unwanted}", request.prompt),
        _ => request.prompt.clone(),
    }
}

fn edit(request: &GenerationRequest, input: &ReferenceImage) -> Result<Form, ProviderError> {
    Ok(Form::new()
        .text("model", request.model.clone())
        .text("prompt", prompt(request))
        .text("n", request.count.to_string())
        .text("size", shape::nearest(&SIZES, request.width, request.height))
        .text("output_format", "png")
        .part("image[]", file(NAME, input)?))
}
