//! The classifiers of starting images and outputs. The local classifier has checked the prompt before anything was reserved.

use std::sync::Arc;

use domain::moderation::verdict::{Stage, Thresholds, Verdict};
use jiff::Timestamp;
use moderation::{ClassifierError, Content, Gate, OpenAi};
use runtime::{clients::Clients, config::Environment, secrets::SecretUnreadable};

use crate::configuration::{ConfigurationError, Configured};

/// Why something could not be checked. It must not pass then.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A classifier failed.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// Its key cannot be read.
    #[error(transparent)]
    Keys(#[from] SecretUnreadable),
}

/// Asks the classifiers that the operator chose beside the local one.
pub struct Classifiers {
    /// Where the key of OpenAI is, if its moderation endpoint is asked.
    openai: Option<Arc<Configured>>,
    thresholds: Thresholds,
}

impl Classifiers {
    /// Reads which classifiers the operator chose, and needs no key if it is the local one alone.
    ///
    /// # Errors
    /// [`ConfigurationError`].
    pub fn new(environment: &Environment, clients: impl Into<Arc<Clients>>) -> Result<Self, ConfigurationError> {
        let openai = if lifecycle::gate::asks_openai(environment)? {
            Some(Arc::new(Configured::new(environment, clients)?))
        } else {
            None
        };
        Ok(Self { openai, thresholds: lifecycle::gate::thresholds(environment)? })
    }

    /// Does what [`new`](Self::new) does, with keys that are there already.
    pub(crate) fn with_keys(environment: &Environment, keys: &Arc<Configured>) -> Result<Self, ConfigurationError> {
        let openai = lifecycle::gate::asks_openai(environment)?.then(|| Arc::clone(keys));
        Ok(Self { openai, thresholds: lifecycle::gate::thresholds(environment)? })
    }

    /// Says whether one of them looks at images.
    #[must_use]
    pub const fn see_images(&self) -> bool {
        self.openai.is_some()
    }

    /// Checks content. Returns the verdicts: none if no classifier was chosen that sees it.
    ///
    /// # Errors
    /// [`CheckError`].
    pub async fn check(&self, stage: Stage, content: &Content<'_>, now: Timestamp) -> Result<Vec<Verdict>, CheckError> {
        let Some(keys) = &self.openai else { return Ok(Vec::new()) };
        let Some(endpoint) = keys.openai_moderation(now).await? else {
            let reason = "it was chosen and has no usable key".to_owned();
            return Err(ClassifierError::Refused { classifier: "openai", reason }.into());
        };
        let gate = Gate::new(vec![Arc::new(OpenAi::new(endpoint))], self.thresholds.clone());
        let checked = gate.check(stage, content).await;
        if let Err(ClassifierError::Refused { .. }) = &checked {
            keys.refused(now);
        }
        Ok(checked?)
    }
}

/// Logs why a check failed: an error if the operator must mend it.
pub fn log_failed_check(error: &CheckError) {
    match error {
        CheckError::Classifier(ClassifierError::Unavailable { .. }) => {
            tracing::warn!(error = %error, "a classifier did not answer");
        }
        CheckError::Classifier(ClassifierError::Refused { .. }) | CheckError::Keys(_) => {
            tracing::error!(error = %error, "a classifier does not serve this deployment");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Content<'static> = Content::Image { bytes: b"image", media_type: "image/png" };

    async fn check(classifiers: &str, keys: &str) -> (Result<Vec<Verdict>, CheckError>, Vec<String>) {
        let aws = fake_aws::aws::Aws::start("5f0c9a52-6f0e-4c5e-9d3a-0a4d8d6c1b11").await.unwrap();
        aws.play("GetSecretValue", serde_json::json!({"SecretString": keys})).await;
        let environment = Environment::from_iter([
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", aws.endpoint()),
            ("PROVIDERS", "sketch"),
            ("PROVIDER_KEYS_SECRET", "provider-keys"),
            ("MODERATION", classifiers),
        ]);
        let classifiers = Classifiers::new(&environment, Clients::new(&environment).unwrap()).unwrap();
        let checked = classifiers.check(Stage::Outputs, &IMAGE, Timestamp::UNIX_EPOCH).await;
        (checked, aws.take_calls().await)
    }

    #[tokio::test]
    async fn local_classifier_alone_sees_no_image_and_needs_no_key() {
        let (checked, calls) = check("local", "{}").await;
        assert!(checked.unwrap().is_empty() && calls.is_empty(), "{calls:?}");
    }

    #[tokio::test]
    async fn chosen_classifier_without_a_key_lets_nothing_pass() {
        for keys in ["{}", r#"{"openai": ""}"#, "no json"] {
            let (checked, _) = check("local,openai", keys).await;
            let refused = matches!(checked, Err(CheckError::Classifier(ClassifierError::Refused { .. })));
            assert!(refused, "{keys}: {checked:?}");
        }
    }
}
