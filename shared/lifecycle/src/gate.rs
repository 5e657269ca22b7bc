//! The settings of the gate.

use domain::{
    accounts::strikes::StrikePolicy,
    moderation::verdict::{InvalidThresholds, Stage, Thresholds, Verdict},
};
use runtime::{
    config::{Environment, InvalidVariable},
    telemetry::{Metric, metric},
};

/// Why the settings of the gate are refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidModeration {
    /// A threshold is not understood, or would turn off the floor.
    #[error("MODERATION_THRESHOLDS: {0}")]
    Thresholds(#[from] InvalidThresholds),
    /// A classifier is unknown, or the local one is missing.
    #[error(
        "MODERATION is not local with at most one of each of openai, rekognition, guardrail after it: correct it in template.yaml"
    )]
    Classifiers,
    /// What the local classifier looks at is unknown.
    #[error("LOCAL_CLASSIFIER is neither words nor words-and-images: correct it in template.yaml")]
    Local,
    /// A variable is missing.
    #[error(transparent)]
    Variable(#[from] InvalidVariable),
}

/// Reads from which score on each category is blocked.
///
/// # Errors
/// [`InvalidModeration::Thresholds`].
pub fn thresholds(environment: &Environment) -> Result<Thresholds, InvalidModeration> {
    Ok(Thresholds::parse(environment.optional("MODERATION_THRESHOLDS").unwrap_or_default())?)
}

/// The classifiers that the operator chose beside the local one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The local classifier of images.
    pub pixels: bool,
    /// OpenAI's moderation endpoint.
    pub openai: bool,
    /// Amazon Rekognition.
    pub rekognition: bool,
    /// The id and the version of a guardrail of Amazon Bedrock.
    pub guardrail: Option<(String, String)>,
}

/// Reads which classifiers the operator chose beside the local one.
///
/// # Errors
/// The variable is missing, or names another classifier, or one that lacks a variable.
pub fn chosen(environment: &Environment) -> Result<Chosen, InvalidModeration> {
    let names = environment.required("MODERATION")?;
    let mut names = names.split(',');
    if names.next() != Some("local") {
        return Err(InvalidModeration::Classifiers);
    }
    let pixels = match environment.optional("LOCAL_CLASSIFIER") {
        None | Some("words") => false,
        Some("words-and-images") => true,
        Some(_) => return Err(InvalidModeration::Local),
    };
    let mut chosen = Chosen { pixels, ..Chosen::default() };
    for name in names {
        match name {
            "openai" if !chosen.openai => chosen.openai = true,
            "rekognition" if !chosen.rekognition => chosen.rekognition = true,
            "guardrail" if chosen.guardrail.is_none() => {
                let (id, version) = (environment.required("GUARDRAIL_ID")?, environment.required("GUARDRAIL_VERSION")?);
                chosen.guardrail = Some((id, version));
            }
            _ => return Err(InvalidModeration::Classifiers),
        }
    }
    Ok(chosen)
}

/// Reads how many strikes freeze an account.
///
/// # Errors
/// A variable is missing or not a number.
pub fn strike_policy(environment: &Environment) -> Result<StrikePolicy, InvalidVariable> {
    Ok(StrikePolicy {
        limit: environment.integer("MODERATION_STRIKES")?,
        days: environment.integer("MODERATION_STRIKE_DAYS")?,
    })
}

/// Counts a verdict that blocks.
pub fn record_verdict(verdict: &Verdict) {
    let stage = match verdict.stage {
        Stage::Prompt => "prompt",
        Stage::StartingImage => "starting_image",
        Stage::Outputs => "outputs",
    };
    if verdict.is_blocked() {
        metric(Metric::BlockedContent, 1, &[stage]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_that_would_turn_off_the_floor_stops_the_start_and_is_named() {
        let read = |settings: &str| thresholds(&Environment::from_iter([("MODERATION_THRESHOLDS", settings)]));
        assert_eq!(read("").unwrap(), Thresholds::default());
        assert!(read("violence=off").is_ok());
        let refused = read("sexual_minors=off").unwrap_err().to_string();
        assert!(refused.contains("MODERATION_THRESHOLDS") && refused.contains("sexual_minors"), "{refused}");
    }

    #[test]
    fn local_classifier_is_always_on() {
        let read = |classifiers: &str| chosen(&Environment::from_iter([("MODERATION", classifiers)]));
        assert_eq!(read("local").unwrap(), Chosen::default());
        assert_eq!(read("local,openai").unwrap(), Chosen { openai: true, ..Chosen::default() });
        assert_eq!(
            read("local,openai,rekognition").unwrap(),
            Chosen { openai: true, rekognition: true, ..Chosen::default() }
        );
        let guardrail = [("MODERATION", "local,guardrail"), ("GUARDRAIL_ID", "abc123"), ("GUARDRAIL_VERSION", "3")];
        let read_guardrail = |variables: &[(&'static str, &'static str)]| chosen(&variables.iter().copied().collect());
        let expected = Some(("abc123".to_owned(), "3".to_owned()));
        assert_eq!(read_guardrail(&guardrail).unwrap().guardrail, expected);
        assert!(read_guardrail(&guardrail[..2]).is_err(), "a guardrail without a version");
        let images = |value| chosen(&[("MODERATION", "local"), ("LOCAL_CLASSIFIER", value)].into_iter().collect());
        assert_eq!(images("words").unwrap(), Chosen::default());
        assert_eq!(images("words-and-images").unwrap(), Chosen { pixels: true, ..Chosen::default() });
        assert!(images("images").is_err());
        for other in ["", "off", "openai", "rekognition,local", "local,other", "local,", "local,openai,openai"] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
