//! Calls OpenAI's [moderation endpoint](https://developers.openai.com/api/reference/resources/moderations), which scores a
//! text and images and costs nothing. It is a classifier and no provider: it generates nothing.
//!
//! Only `sexual`, `violence` and `self-harm` with their subcategories are scored for images; the others, `sexual/minors` among
//! them, for text alone.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::api_client::ApiClient;
use crate::error::ProviderError;
use crate::openai::NAME;
use crate::reference_image::data_url;

/// The model: OpenAI's current one.
const MODEL: &str = "omni-moderation-latest";

/// OpenAI's moderation endpoint.
pub struct OpenAiModeration(pub(crate) ApiClient);

/// What the endpoint returned for one input.
#[derive(Clone, Debug, PartialEq)]
pub struct ModerationScores {
    /// The model that scored.
    pub model: String,
    /// Probabilities from 0 to 1, by OpenAI's names, such as `sexual/minors`.
    pub scores: BTreeMap<String, f64>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'static str,
    input: [Input<'a>; 1],
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Input<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Deserialize)]
struct Response {
    model: String,
    results: Vec<ResponseResult>,
}

#[derive(Deserialize)]
struct ResponseResult {
    category_scores: BTreeMap<String, Option<f64>>,
}

impl OpenAiModeration {
    /// Scores a text.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn score_text(&self, text: &str) -> Result<ModerationScores, ProviderError> {
        self.score(Input::Text { text }).await
    }

    /// Scores an image of this media type.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn score_image(&self, bytes: &[u8], media_type: &str) -> Result<ModerationScores, ProviderError> {
        self.score(Input::ImageUrl { image_url: ImageUrl { url: data_url(bytes, media_type) } }).await
    }

    async fn score(&self, input: Input<'_>) -> Result<ModerationScores, ProviderError> {
        let request = Request { model: MODEL, input: [input] };
        let call = self.0.request(Method::POST, "/v1/moderations").json(&request);
        // It holds the image once more.
        drop(request);
        let response: Response = self.0.json(call).await?;
        // A response without scores would look harmless.
        let result = response.results.into_iter().next().filter(|result| result.category_scores.contains_key("sexual"));
        let result = result.ok_or_else(|| ProviderError::invalid_response(NAME, "a moderation without scores"))?;
        let scores = result.category_scores.into_iter().filter_map(|(name, score)| Some((name, score?)));
        Ok(ModerationScores { model: response.model, scores: scores.collect() })
    }
}
