//! The trait of classifiers.

use async_trait::async_trait;
use domain::moderation::verdict::Scores;

/// What is classified. Holds nothing about the account.
pub enum Content<'a> {
    /// A prompt.
    Prompt {
        /// The prompt.
        prompt: &'a str,
        /// The negative prompt.
        negative_prompt: Option<&'a str>,
    },
    /// An image.
    Image {
        /// Its bytes.
        bytes: &'a [u8],
        /// Its media type, such as `image/png`.
        media_type: &'a str,
    },
}

impl std::fmt::Debug for Content<'_> {
    /// Says what it is, and nothing of what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Prompt { .. } => "prompt",
            Self::Image { .. } => "image",
        })
    }
}

/// Why a classifier gave no scores. What it was asked about must not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassifierError {
    /// It is busy or down, or its response is not understood. Another attempt may succeed.
    #[error("{classifier} did not answer: {reason}")]
    Unavailable {
        /// The classifier.
        classifier: &'static str,
        /// What happened, without content.
        reason: String,
    },
    /// It does not serve this deployment: key, permission, request. Another attempt fails too.
    #[error("{classifier} does not serve this deployment: {reason}")]
    Refused {
        /// The classifier.
        classifier: &'static str,
        /// What happened, without content.
        reason: String,
    },
}

/// What a classifier found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scored {
    /// Its scores.
    pub scores: Scores,
    /// Its version, as verdicts name it: what else decided how it scored.
    pub version: String,
}

/// Scores content. Keeps and logs none of it.
#[async_trait]
pub trait Classifier: Send + Sync {
    /// Returns its name in verdicts.
    fn name(&self) -> &'static str;

    /// Says whether it can score content of this kind. What it cannot score must not be given to it.
    fn sees(&self, content: &Content<'_>) -> bool;

    /// Scores content.
    ///
    /// # Errors
    /// [`ClassifierError`]. The content must not pass then.
    async fn scores(&self, content: &Content<'_>) -> Result<Scored, ClassifierError>;
}
