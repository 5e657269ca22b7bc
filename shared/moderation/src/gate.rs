//! The gate: asks each classifier that can see the content, and decides.

use std::{sync::Arc, time::Duration};

use domain::moderation::verdict::{Stage, Thresholds, Verdict};

use crate::classifier::{Classifier, ClassifierError, Content, Scored};

/// The time limit of one question to one classifier.
const PATIENCE: Duration = Duration::from_secs(20);

/// The classifiers that the operator chose, and from which score on they block.
#[derive(Clone)]
pub struct Gate {
    classifiers: Vec<Arc<dyn Classifier>>,
    thresholds: Thresholds,
    patience: Duration,
}

impl Gate {
    /// Makes a gate of these classifiers.
    #[must_use]
    pub fn new(classifiers: Vec<Arc<dyn Classifier>>, thresholds: Thresholds) -> Self {
        Self { classifiers, thresholds, patience: PATIENCE }
    }

    /// Checks content: asks each classifier that can see it, until one blocks it. Returns the verdicts. They are empty if none
    /// can see it.
    ///
    /// # Errors
    /// A classifier failed or took too long. The content must not pass then.
    pub async fn check(&self, stage: Stage, content: &Content<'_>) -> Result<Vec<Verdict>, ClassifierError> {
        let mut verdicts = Vec::new();
        for classifier in self.classifiers.iter().filter(|classifier| classifier.sees(content)) {
            let asked = tokio::time::timeout(self.patience, classifier.scores(content)).await;
            let Scored { scores, version } = asked.unwrap_or_else(|_| {
                let reason = "no response in time".to_owned();
                Err(ClassifierError::Unavailable { classifier: classifier.name(), reason })
            })?;
            let verdict = Verdict::decide(stage, &scores, &self.thresholds, (classifier.name(), &version));
            let is_blocked = verdict.is_blocked();
            verdicts.push(verdict);
            if is_blocked {
                break;
            }
        }
        Ok(verdicts)
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use domain::moderation::verdict::{Category, Score, Scores};

    use super::*;
    use crate::local::Local;

    /// A classifier of images that answers as it is told; `None` never answers.
    struct Played(Option<Result<Score, ClassifierError>>);

    #[async_trait]
    impl Classifier for Played {
        fn name(&self) -> &'static str {
            "played"
        }

        fn sees(&self, content: &Content<'_>) -> bool {
            matches!(content, Content::Image { .. })
        }

        async fn scores(&self, _content: &Content<'_>) -> Result<Scored, ClassifierError> {
            let Some(answer) = self.0.clone() else { return std::future::pending().await };
            let mut scores = Scores::default();
            scores.raise(Category::SexualExplicit, answer?);
            Ok(Scored { scores, version: "1".to_owned() })
        }
    }

    const IMAGE: Content<'static> = Content::Image { bytes: b"image", media_type: "image/png" };

    fn gate(played: Option<Result<Score, ClassifierError>>) -> Gate {
        Gate::new(vec![Arc::new(Local::new().unwrap()), Arc::new(Played(played))], Thresholds::default())
    }

    #[tokio::test]
    async fn image_is_blocked_by_its_score_and_the_verdict_names_the_classifier() {
        let verdicts = gate(Some(Ok(Score::percent(50)))).check(Stage::Outputs, &IMAGE).await.unwrap();
        let [verdict] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert!(verdict.is_blocked() && verdict.classifier == "played", "{verdict:?}");
        let verdicts = gate(Some(Ok(Score::percent(49)))).check(Stage::Outputs, &IMAGE).await.unwrap();
        assert!(!verdicts.iter().any(Verdict::is_blocked), "{verdicts:?}");
    }

    #[tokio::test]
    async fn classifier_that_fails_or_does_not_answer_lets_nothing_pass() {
        let failure = ClassifierError::Unavailable { classifier: "played", reason: "503".to_owned() };
        assert_eq!(gate(Some(Err(failure.clone()))).check(Stage::Outputs, &IMAGE).await, Err(failure));
        let gate = Gate { patience: Duration::from_millis(50), ..gate(None) };
        let silent = gate.check(Stage::Outputs, &IMAGE).await;
        assert!(matches!(silent, Err(ClassifierError::Unavailable { classifier: "played", .. })), "{silent:?}");
    }

    #[tokio::test]
    async fn classifier_gets_only_what_it_can_see() {
        let prompt = Content::Prompt { prompt: "a lighthouse", negative_prompt: None };
        let verdicts = gate(None).check(Stage::Prompt, &prompt).await.unwrap();
        assert!(verdicts.len() == 1 && verdicts.iter().all(|verdict| verdict.classifier == "local"), "{verdicts:?}");
    }
}
