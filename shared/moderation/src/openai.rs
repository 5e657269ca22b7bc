//! OpenAI's moderation endpoint as a classifier of prompts and images.

use std::sync::Arc;

use async_trait::async_trait;
use domain::moderation::verdict::{Category, Score, Scores};
use providers::{ModerationScores, OpenAiModeration, ProviderErrorKind};

use crate::classifier::{Classifier, ClassifierError, Content, Scored};

/// Sends prompts and images to OpenAI, and nothing else.
pub struct OpenAi(Arc<OpenAiModeration>);

/// What each score of OpenAI says. Harassment has no category here: it is about words to a person, not about an image.
const MEANINGS: [(&str, Category); 11] = [
    ("sexual/minors", Category::SexualMinors),
    ("sexual", Category::SexualExplicit),
    ("violence/graphic", Category::Violence),
    ("hate", Category::Hate),
    ("hate/threatening", Category::Hate),
    ("self-harm", Category::SelfHarm),
    ("self-harm/intent", Category::SelfHarm),
    ("self-harm/instructions", Category::SelfHarm),
    ("illicit", Category::IllicitGoods),
    ("illicit/violent", Category::IllicitGoods),
    ("harassment/threatening", Category::Hate),
];

impl OpenAi {
    /// Its name in verdicts.
    pub const NAME: &str = "openai";

    /// Makes the classifier.
    #[must_use]
    pub const fn new(endpoint: Arc<OpenAiModeration>) -> Self {
        Self(endpoint)
    }
}

#[async_trait]
impl Classifier for OpenAi {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn sees(&self, _content: &Content<'_>) -> bool {
        true
    }

    async fn scores(&self, content: &Content<'_>) -> Result<Scored, ClassifierError> {
        let response = match content {
            // The negative prompt says what not to show.
            Content::Prompt { prompt, .. } => self.0.score_text(prompt).await,
            Content::Image { bytes, media_type } => self.0.score_image(bytes, media_type).await,
        };
        match response {
            Ok(response) => Ok(Scored { scores: meaning(&response), version: response.model }),
            Err(error) => Err(match error.kind {
                ProviderErrorKind::AccountProblem
                | ProviderErrorKind::ModelGone
                | ProviderErrorKind::InvalidRequest => {
                    ClassifierError::Refused { classifier: Self::NAME, reason: error.to_string() }
                }
                _ => ClassifierError::Unavailable { classifier: Self::NAME, reason: error.to_string() },
            }),
        }
    }
}

fn meaning(response: &ModerationScores) -> Scores {
    let mut scores = Scores::default();
    for (name, category) in MEANINGS {
        if let Some(probability) = response.scores.get(name) {
            scores.raise(category, Score::of_probability(*probability));
        }
    }
    scores
}
