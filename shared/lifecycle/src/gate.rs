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
    #[error("MODERATION is neither local nor local,openai: correct it in template.yaml")]
    Classifiers,
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

/// Reads whether OpenAI's moderation endpoint is a classifier, beside the local one.
///
/// # Errors
/// The variable is missing, or names another classifier.
pub fn asks_openai(environment: &Environment) -> Result<bool, InvalidModeration> {
    match environment.required("MODERATION")?.as_str() {
        "local" => Ok(false),
        "local,openai" => Ok(true),
        _ => Err(InvalidModeration::Classifiers),
    }
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
        let read = |classifiers: &str| asks_openai(&Environment::from_iter([("MODERATION", classifiers)]));
        assert!(!read("local").unwrap() && read("local,openai").unwrap());
        for other in ["", "off", "openai", "local,other"] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
