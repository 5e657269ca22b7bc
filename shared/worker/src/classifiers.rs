//! The classifiers of starting images and outputs. The local classifier has checked the prompt before anything was reserved.

use std::sync::Arc;

use domain::moderation::verdict::{Stage, Thresholds, Verdict};
use jiff::Timestamp;
use moderation::{Classifier, ClassifierError, Content, Gate, Guardrail, OpenAi, Pixels, Rekognition};
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
    /// The classifiers took so long for other files that this one would not be done in the time of the invocation.
    #[error("no time is left to check the next file")]
    NoTime,
}

/// Asks the classifiers that the operator chose beside the local one.
pub struct Classifiers {
    /// Where the key of OpenAI is, if its moderation endpoint is asked.
    openai: Option<Arc<Configured>>,
    /// The one of images in this process.
    pixels: Option<Arc<dyn Classifier>>,
    /// Those of AWS.
    of_aws: Vec<Arc<dyn Classifier>>,
    sees_images: bool,
    thresholds: Thresholds,
}

impl Classifiers {
    /// Reads which classifiers the operator chose, and needs no key if it is the local one alone.
    ///
    /// # Errors
    /// [`ConfigurationError`].
    pub fn new(environment: &Environment, clients: impl Into<Arc<Clients>>) -> Result<Self, ConfigurationError> {
        let clients = clients.into();
        let keys = if lifecycle::gate::chosen(environment)?.openai {
            Some(Arc::new(Configured::new(environment, Arc::clone(&clients))?))
        } else {
            None
        };
        Self::with(environment, keys, &clients)
    }

    /// Does what [`new`](Self::new) does, with keys that are there already.
    pub(crate) fn with_keys(
        environment: &Environment,
        keys: &Arc<Configured>,
        clients: &Arc<Clients>,
    ) -> Result<Self, ConfigurationError> {
        Self::with(environment, Some(Arc::clone(keys)), clients)
    }

    fn with(
        environment: &Environment,
        keys: Option<Arc<Configured>>,
        clients: &Arc<Clients>,
    ) -> Result<Self, ConfigurationError> {
        let chosen = lifecycle::gate::chosen(environment)?;
        let pixels = chosen.pixels.then(|| Arc::new(Pixels::new()) as Arc<dyn Classifier>);
        let mut of_aws: Vec<Arc<dyn Classifier>> = Vec::new();
        if chosen.rekognition {
            of_aws.push(Arc::new(Rekognition::new(Arc::clone(clients))));
        }
        if let Some((id, version)) = chosen.guardrail {
            of_aws.push(Arc::new(Guardrail::new(Arc::clone(clients), id, version)));
        }
        Ok(Self {
            sees_images: chosen.openai || pixels.is_some() || !of_aws.is_empty(),
            openai: keys.filter(|_| chosen.openai),
            pixels,
            of_aws,
            thresholds: lifecycle::gate::thresholds(environment)?,
        })
    }

    /// Says whether one of them looks at images.
    #[must_use]
    pub const fn see_images(&self) -> bool {
        self.sees_images
    }

    /// Checks content. Returns the verdicts: none if no classifier was chosen that sees it.
    ///
    /// # Errors
    /// [`CheckError`].
    pub async fn check(&self, stage: Stage, content: &Content<'_>, now: Timestamp) -> Result<Vec<Verdict>, CheckError> {
        // What costs nothing first: what it blocks, the others are not asked about.
        let mut classifiers: Vec<Arc<dyn Classifier>> = self.pixels.iter().cloned().collect();
        if let Some(keys) = &self.openai {
            let Some(endpoint) = keys.openai_moderation(now).await? else {
                let reason = "it was chosen and has no usable key".to_owned();
                return Err(ClassifierError::Refused { classifier: OpenAi::NAME, reason }.into());
            };
            classifiers.push(Arc::new(OpenAi::new(endpoint)));
        }
        classifiers.extend(self.of_aws.iter().cloned());
        let checked = Gate::new(classifiers, self.thresholds.clone()).check(stage, content).await;
        if let (Err(ClassifierError::Refused { classifier: OpenAi::NAME, .. }), Some(keys)) = (&checked, &self.openai) {
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
        CheckError::NoTime => tracing::warn!(error = %error, "the classifiers are slow"),
        CheckError::Classifier(ClassifierError::Refused { .. }) | CheckError::Keys(_) => {
            tracing::error!(error = %error, "a classifier does not serve this deployment");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG of one pixel.
    const PNG: &[u8] =
        b"\x89PNG\x0D\x0A\x1A\x0A\x00\x00\x00\x0DIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\
        \x90wS\xDE\x00\x00\x00\x0CIDATx\xDAc\x10h\xF8\x00\x00\x02$\x01\x81Ql7\xC8\x00\x00\x00\x00IEND\
        \xAEB`\x82";
    const IMAGE: Content<'static> = Content::Image { bytes: b"image", media_type: "image/png" };

    async fn check(chosen: &str, keys: &str) -> (Result<Vec<Verdict>, CheckError>, Vec<String>) {
        let aws = fake_aws::aws::Aws::start("5f0c9a52-6f0e-4c5e-9d3a-0a4d8d6c1b11").await.unwrap();
        aws.play("GetSecretValue", serde_json::json!({"SecretString": keys})).await;
        let checked = classifiers(&aws, chosen).check(Stage::Outputs, &IMAGE, Timestamp::UNIX_EPOCH).await;
        (checked, aws.take_calls().await)
    }

    fn classifiers(aws: &fake_aws::aws::Aws, chosen: &str) -> Classifiers {
        classifiers_with(aws, chosen, "words")
    }

    fn classifiers_with(aws: &fake_aws::aws::Aws, chosen: &str, local: &str) -> Classifiers {
        let environment = Environment::from_iter([
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", aws.endpoint()),
            ("PROVIDERS", "sketch"),
            ("PROVIDER_KEYS_SECRET", "provider-keys"),
            ("MODERATION", chosen),
            ("LOCAL_CLASSIFIER", local),
            ("GUARDRAIL_ID", "abc123"),
            ("GUARDRAIL_VERSION", "3"),
        ]);
        Classifiers::new(&environment, Clients::new(&environment).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn local_classifier_alone_sees_no_image_and_needs_no_key() {
        let (checked, calls) = check("local", "{}").await;
        assert!(checked.unwrap().is_empty() && calls.is_empty(), "{calls:?}");
    }

    #[tokio::test]
    async fn rekognition_needs_no_key_and_lets_nothing_pass_that_its_role_may_not_ask_it() {
        let aws = fake_aws::aws::Aws::start("5f0c9a52-6f0e-4c5e-9d3a-0a4d8d6c1b11").await.unwrap();
        let response = |confidence| {
            let label = serde_json::json!({"Name": "Explicit", "ParentName": "", "Confidence": confidence});
            serde_json::json!({"ModerationLabels": [label], "ModerationModelVersion": "7.0"})
        };
        let classifiers = classifiers(&aws, "local,rekognition");
        assert!(classifiers.see_images());
        let image = Content::Image { bytes: PNG, media_type: "image/png" };
        let check = async || classifiers.check(Stage::Outputs, &image, Timestamp::UNIX_EPOCH).await;
        for (confidence, is_blocked) in [(50.0, true), (49.0, false)] {
            aws.play("DetectModerationLabels", response(confidence)).await;
            let verdicts = check().await.unwrap();
            let [verdict] = verdicts.as_slice() else { panic!("{verdicts:?}") };
            assert_eq!(
                (verdict.is_blocked(), verdict.classifier.as_str(), verdict.version.as_str()),
                (is_blocked, "rekognition", "7.0")
            );
        }
        aws.play("DetectModerationLabels", serde_json::json!({"__type": "AccessDeniedException"})).await;
        let refused = check().await;
        assert!(matches!(refused, Err(CheckError::Classifier(ClassifierError::Refused { .. }))), "{refused:?}");
        assert_eq!(aws.take_calls().await, ["DetectModerationLabels"; 3], "a secret was read, or a prompt was sent");
        let prompt = Content::Prompt { prompt: "a lighthouse", negative_prompt: None };
        let verdicts = classifiers.check(Stage::Prompt, &prompt, Timestamp::UNIX_EPOCH).await.unwrap();
        assert!(verdicts.is_empty() && aws.take_calls().await.is_empty(), "{verdicts:?}");
    }

    #[tokio::test]
    async fn local_classifier_of_images_calls_nothing_and_keeps_what_it_cannot_read_from_passing() {
        let aws = fake_aws::aws::Aws::start("5f0c9a52-6f0e-4c5e-9d3a-0a4d8d6c1b11").await.unwrap();
        let classifiers = classifiers_with(&aws, "local", "words-and-images");
        assert!(classifiers.see_images());
        let image = Content::Image { bytes: PNG, media_type: "image/png" };
        let verdicts = classifiers.check(Stage::Outputs, &image, Timestamp::UNIX_EPOCH).await.unwrap();
        let [verdict] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert_eq!((verdict.classifier.as_str(), verdict.version.as_str()), (Pixels::NAME, Pixels::VERSION));
        let unreadable = classifiers.check(Stage::Outputs, &IMAGE, Timestamp::UNIX_EPOCH).await;
        assert!(
            matches!(unreadable, Err(CheckError::Classifier(ClassifierError::Unavailable { .. }))),
            "{unreadable:?}"
        );
        assert!(aws.take_calls().await.is_empty());
    }

    #[tokio::test]
    async fn guardrail_sees_prompts_and_images_and_needs_no_key() {
        let aws = fake_aws::aws::Aws::start("5f0c9a52-6f0e-4c5e-9d3a-0a4d8d6c1b11").await.unwrap();
        let filter = serde_json::json!({"type": "SEXUAL", "confidence": "HIGH", "action": "NONE"});
        let played = serde_json::json!({
            "action": "NONE", "assessments": [{"contentPolicy": {"filters": [filter]}}],
            "guardrailCoverage": {"textCharacters": {"guarded": 12, "total": 12}, "images": {"guarded": 1, "total": 1}},
        });
        aws.play("ApplyGuardrail", played).await;
        let classifiers = classifiers(&aws, "local,guardrail");
        assert!(classifiers.see_images());
        let prompt = Content::Prompt { prompt: "a lighthouse", negative_prompt: None };
        for content in [prompt, Content::Image { bytes: PNG, media_type: "image/png" }] {
            let verdicts = classifiers.check(Stage::Outputs, &content, Timestamp::UNIX_EPOCH).await.unwrap();
            let [verdict] = verdicts.as_slice() else { panic!("{verdicts:?}") };
            let named = (verdict.is_blocked(), verdict.classifier.as_str(), verdict.version.as_str());
            assert_eq!(named, (true, "guardrail", "abc123:3"));
        }
        assert_eq!(aws.take_calls().await, ["ApplyGuardrail"; 2]);
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
