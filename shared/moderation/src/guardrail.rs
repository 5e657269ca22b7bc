//! A guardrail of Amazon Bedrock as a classifier of prompts and images.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::moderation::verdict::{Category, Score, Scores};
use media::{ImageLimits, MediaType};
use runtime::{clients::Clients, clock, signed::SignedCall};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::classifier::{Classifier, ClassifierError, Content, Scored};

/// Sends prompts and images to a guardrail in the account and region of the deployment, and nothing else.
pub struct Guardrail {
    clients: Arc<Clients>,
    id: String,
    version: String,
}

const NAME: &str = "guardrail";

/// What it takes: <https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-mmfilter.html>.
const LIMITS: ImageLimits = ImageLimits { max_bytes: 4 << 20, max_side_px: 8_000 };

/// The filter that keeps the floor. A guardrail without it must not decide.
const FLOOR: &str = "SEXUAL";

/// What each filter says. Insults are about words to a person, and no attack on a model shows in an image.
const FILTERS: [(&str, Option<Category>); 6] = [
    (FLOOR, Some(Category::SexualExplicit)),
    ("VIOLENCE", Some(Category::Violence)),
    ("HATE", Some(Category::Hate)),
    ("MISCONDUCT", Some(Category::IllicitGoods)),
    ("INSULTS", None),
    ("PROMPT_ATTACK", None),
];

const BLOCKED: &str = "BLOCKED";
const NO_CATEGORY: &str = "it intervenes by a policy that has no category";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    action: String,
    assessments: Vec<Assessment>,
    guardrail_coverage: Coverage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assessment {
    #[serde(default)]
    content_policy: Filters,
    #[serde(default)]
    topic_policy: Topics,
}

#[derive(Default, Deserialize)]
struct Filters {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
struct Filter {
    r#type: String,
    confidence: String,
    action: String,
}

#[derive(Default, Deserialize)]
struct Topics {
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
struct Topic {
    name: String,
    action: String,
}

/// How much of the content was looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Coverage {
    text_characters: Option<Part>,
    images: Option<Part>,
}

#[derive(Clone, Copy, Deserialize)]
struct Part {
    guarded: u64,
    total: u64,
}

impl Guardrail {
    /// Makes the classifier of the guardrail with this id and version.
    #[must_use]
    pub const fn new(clients: Arc<Clients>, id: String, version: String) -> Self {
        Self { clients, id, version }
    }

    async fn ask(&self, content: Value, is_image: bool) -> Result<Response, ClassifierError> {
        let body = json!({"source": "INPUT", "content": [content], "outputScope": "FULL"});
        let call = SignedCall {
            host: "bedrock-runtime",
            service: "bedrock",
            region: None,
            path: format!("/guardrail/{}/version/{}/apply", self.id, self.version),
            content_type: "application/json",
            target: None,
            body: body.to_string().into_bytes(),
        };
        let response = self.clients.call(call, clock::now()).await.map_err(unavailable)?;
        if !response.is_success {
            return Err(failure(response.error, is_image));
        }
        serde_json::from_slice(&response.body).map_err(|_| unavailable("a response without assessments"))
    }
}

#[async_trait]
impl Classifier for Guardrail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sees(&self, _content: &Content<'_>) -> bool {
        true
    }

    async fn scores(&self, content: &Content<'_>) -> Result<Scored, ClassifierError> {
        let (asked, is_image) = match content {
            // The negative prompt says what not to show.
            Content::Prompt { prompt, .. } => (json!({"text": {"text": prompt}}), false),
            Content::Image { bytes, .. } => {
                let bytes = bytes.to_vec();
                let fitted = tokio::task::spawn_blocking(move || media::fit_image(&bytes, LIMITS)).await;
                let (image, media_type) = fitted.map_err(unavailable)?.map_err(unavailable)?;
                let format = if media_type == MediaType::Png { "png" } else { "jpeg" };
                let source = json!({"bytes": BASE64_STANDARD.encode(image)});
                (json!({"image": {"format": format, "source": source}}), true)
            }
        };
        let response = self.ask(asked, is_image).await?;
        let covered = &response.guardrail_coverage;
        let looked_at = if is_image { covered.images } else { covered.text_characters };
        if !looked_at.is_some_and(|part| part.total > 0 && part.guarded == part.total) {
            return Err(refused("it does not look at all of the content: choose text and images in its filters"));
        }
        Ok(Scored { scores: meaning(&response)?, version: format!("{}:{}", self.id, self.version) })
    }
}

fn unavailable(reason: impl ToString) -> ClassifierError {
    ClassifierError::Unavailable { classifier: NAME, reason: reason.to_string() }
}

fn refused(reason: &str) -> ClassifierError {
    ClassifierError::Refused { classifier: NAME, reason: reason.to_owned() }
}

fn failure(error: Option<String>, is_image: bool) -> ClassifierError {
    match error.as_deref() {
        // It cannot read this image, which says nothing about the deployment.
        Some("ValidationException") if is_image => unavailable("ValidationException"),
        None | Some("ThrottlingException" | "InternalServerException" | "ServiceUnavailableException") => {
            unavailable(error.as_deref().unwrap_or("an error without a name"))
        }
        Some(other) => refused(other),
    }
}

/// Returns the scores of the filters by their confidence, which are certain where the guardrail blocks. A topic counts if it blocks
/// and has the name of a category. A guardrail that intervenes for any other reason is an error, as the person could not be told why.
fn meaning(response: &Response) -> Result<Scores, ClassifierError> {
    let mut scores = Scores::default();
    let filters = response.assessments.iter().flat_map(|assessment| &assessment.content_policy.filters);
    let topics = response.assessments.iter().flat_map(|assessment| &assessment.topic_policy.topics);
    if !filters.clone().any(|filter| filter.r#type == FLOOR) {
        return Err(refused("it has no filter of sexual content"));
    }
    let found = filters.map(|Filter { r#type, confidence, action }| {
        let category = FILTERS.iter().find(|(name, _)| name == r#type).and_then(|(_, category)| *category);
        (category, score(confidence), action == BLOCKED)
    });
    let denied = topics.map(|Topic { name, action }| (Category::by_name(name), Score::NONE, action == BLOCKED));
    let mut is_explained = response.action == "NONE";
    for (category, score, is_blocked) in found.chain(denied) {
        match category {
            Some(category) => scores.raise(category, if is_blocked { Score::CERTAIN } else { score }),
            None if is_blocked => return Err(refused(NO_CATEGORY)),
            None => {}
        }
        is_explained |= is_blocked;
    }
    if is_explained { Ok(scores) } else { Err(refused(NO_CATEGORY)) }
}

fn score(confidence: &str) -> Score {
    match confidence {
        "NONE" => Score::NONE,
        "LOW" => Score::percent(40),
        "MEDIUM" => Score::percent(65),
        _ => Score::percent(90),
    }
}
