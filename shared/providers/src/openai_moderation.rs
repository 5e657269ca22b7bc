//! Calls OpenAI's [moderation endpoint](https://developers.openai.com/api/reference/resources/moderations), which scores a
//! text and images and costs nothing. It is a classifier and no provider: it generates nothing.
//!
//! Only `sexual`, `violence` and `self-harm` with their subcategories are scored for images; the others, `sexual/minors` among
//! them, for text alone.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api_client::ApiClient;
use crate::error::ProviderError;
use crate::openai::NAME;

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
        self.score(json!([{"type": "text", "text": text}])).await
    }

    /// Scores an image of this media type.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn score_image(&self, bytes: &[u8], media_type: &str) -> Result<ModerationScores, ProviderError> {
        let url = format!("data:{media_type};base64,{}", BASE64_STANDARD.encode(bytes));
        self.score(json!([{"type": "image_url", "image_url": {"url": url}}])).await
    }

    async fn score(&self, input: Value) -> Result<ModerationScores, ProviderError> {
        let request = self.0.request(Method::POST, "/v1/moderations").json(&json!({"model": MODEL, "input": input}));
        let response: Response = self.0.json(request).await?;
        // A response without scores would look harmless.
        let result = response.results.into_iter().next().filter(|result| result.category_scores.contains_key("sexual"));
        let result = result.ok_or_else(|| ProviderError::invalid_response(NAME, "a moderation without scores"))?;
        let scores = result.category_scores.into_iter().filter_map(|(name, score)| Some((name, score?)));
        Ok(ModerationScores { model: response.model, scores: scores.collect() })
    }
}
