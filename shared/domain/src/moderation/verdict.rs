//! Verdicts of the gate: what a classifier found in a prompt or an image, and whether the rules of the service block it.
//!
//! A classifier gives [`Scores`]. The operator sets [`Thresholds`]. A [`Verdict`] follows from both, and is all that is kept:
//! categories, and the name and version of the classifier. It holds nothing of the prompt or the image.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::registry::DataFields;

/// What a rule of the service forbids.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Minors in a sexual or nude depiction.
    SexualMinors,
    /// Nudity or sexual depictions of a real person.
    IntimateImagery,
    /// Explicit sexual depictions, and nudity outside of art and medicine.
    SexualExplicit,
    /// Suggestive depictions of adults.
    SexualSuggestive,
    /// Graphic violence and gore.
    Violence,
    /// Hatred of groups of people.
    Hate,
    /// Self-harm, and encouragement of it.
    SelfHarm,
    /// Propaganda of extremist groups.
    Extremism,
    /// Illegal goods, forged documents, and how to make them.
    IllicitGoods,
    /// Deceptive depictions of a real person.
    RealPerson,
}

impl Category {
    /// All categories, the gravest first.
    pub const ALL: [Self; 10] = [
        Self::SexualMinors,
        Self::IntimateImagery,
        Self::SexualExplicit,
        Self::SexualSuggestive,
        Self::Violence,
        Self::Hate,
        Self::SelfHarm,
        Self::Extremism,
        Self::IllicitGoods,
        Self::RealPerson,
    ];

    /// Returns its name in settings and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SexualMinors => "sexual_minors",
            Self::IntimateImagery => "intimate_imagery",
            Self::SexualExplicit => "sexual_explicit",
            Self::SexualSuggestive => "sexual_suggestive",
            Self::Violence => "violence",
            Self::Hate => "hate",
            Self::SelfHarm => "self_harm",
            Self::Extremism => "extremism",
            Self::IllicitGoods => "illicit_goods",
            Self::RealPerson => "real_person",
        }
    }

    /// Returns the category of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    /// Says whether it belongs to the floor, which no setting turns off.
    #[must_use]
    pub const fn is_floor(self) -> bool {
        matches!(self, Self::SexualMinors | Self::IntimateImagery | Self::SexualExplicit)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How sure a classifier is, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u8);

impl Score {
    /// No sign of it.
    pub const NONE: Self = Self(0);
    /// Certain.
    pub const CERTAIN: Self = Self(100);

    /// Makes a score of so many percent. More than 100 is 100.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        if percent > 100 { Self::CERTAIN } else { Self(percent) }
    }

    /// Returns a score that is so many percent lower.
    #[must_use]
    pub const fn less(self, percent: u8) -> Self {
        Self(self.0.saturating_sub(percent))
    }

    /// Makes a score of a probability from 0 to 1, rounded up. What is not a number is certain, so that a response which makes
    /// no sense blocks.
    #[must_use]
    pub fn of_probability(probability: f64) -> Self {
        let percent = (probability * 100.0).ceil();
        (0..=100_u8)
            .rev()
            .find(|whole| percent >= f64::from(*whole))
            .map_or_else(|| if percent.is_nan() { Self::CERTAIN } else { Self::NONE }, Self)
    }
}

/// What a classifier found, by category. A category that is absent was not found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scores(BTreeMap<Category, Score>);

impl Scores {
    /// Returns the score of a category.
    #[must_use]
    pub fn of(&self, category: Category) -> Score {
        self.0.get(&category).copied().unwrap_or_default()
    }

    /// Raises the score of a category to this one. A lower one changes nothing.
    pub fn raise(&mut self, category: Category, score: Score) {
        let present = self.0.entry(category).or_default();
        *present = score.max(*present);
    }

    /// Adds what another classifier, or the same one about another part, found.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (category, score) in &other.0 {
            self.raise(*category, *score);
        }
        self
    }
}

/// The lowest score that blocks, by category. Settings of the operator, within the floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds(BTreeMap<Category, Score>);

/// The highest threshold of a category of the floor.
const FLOOR: Score = Score(50);

impl Default for Thresholds {
    /// Blocks everything but suggestive depictions of adults.
    fn default() -> Self {
        let default = |category: Category| match category {
            Category::SexualSuggestive => None,
            Category::SexualMinors | Category::IntimateImagery | Category::SexualExplicit => Some(FLOOR),
            Category::Violence | Category::SelfHarm | Category::Hate | Category::Extremism => Some(Score(60)),
            Category::IllicitGoods | Category::RealPerson => Some(Score(60)),
        };
        Self(Category::ALL.into_iter().filter_map(|category| Some((category, default(category)?))).collect())
    }
}

/// Why settings are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidThresholds {
    /// It is no list of settings.
    #[error("{0:?} is not a category with a threshold: write it as violence=70 or violence=off")]
    NotASetting(String),
    /// It names no category.
    #[error("{0:?} is not a category: use one of {names}", names = Category::ALL.map(Category::name).join(", "))]
    UnknownCategory(String),
    /// It is neither a percentage nor off.
    #[error("the threshold of {0} is neither off nor a number from 1 to 100")]
    NotAPercentage(Category),
    /// It would turn off or weaken the floor.
    #[error("{0} cannot be turned off or set above {floor}", floor = FLOOR.0)]
    BelowFloor(Category),
}

impl Thresholds {
    /// Reads settings such as `violence=off,sexual_suggestive=70`: where the operator differs from the default.
    ///
    /// # Errors
    /// [`InvalidThresholds`], also for a category of the floor that is turned off or weakened.
    pub fn parse(settings: &str) -> Result<Self, InvalidThresholds> {
        let mut thresholds = Self::default();
        for setting in settings.split(',').map(str::trim).filter(|setting| !setting.is_empty()) {
            let (name, value) =
                setting.split_once('=').ok_or_else(|| InvalidThresholds::NotASetting(setting.to_owned()))?;
            let category = Category::by_name(name.trim())
                .ok_or_else(|| InvalidThresholds::UnknownCategory(name.trim().to_owned()))?;
            let threshold = match value.trim() {
                "off" => None,
                percent => match percent.parse() {
                    Ok(percent @ 1..=100) => Some(Score(percent)),
                    _ => return Err(InvalidThresholds::NotAPercentage(category)),
                },
            };
            match threshold {
                Some(score) if score <= FLOOR || !category.is_floor() => thresholds.0.insert(category, score),
                None if !category.is_floor() => thresholds.0.remove(&category),
                _ => return Err(InvalidThresholds::BelowFloor(category)),
            };
        }
        Ok(thresholds)
    }

    /// Returns the categories that these scores reach.
    #[must_use]
    pub fn reached(&self, scores: &Scores) -> BTreeSet<Category> {
        let reached = self.0.iter().filter(|(category, threshold)| scores.of(**category) >= **threshold);
        reached.map(|(category, _)| *category).collect()
    }
}

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The prompt.
    Prompt,
    /// The starting image.
    StartingImage,
    /// The outputs.
    Outputs,
}

/// Whether something passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It passes.
    Passed,
    /// It is blocked.
    Blocked,
}

/// What was decided about a prompt, a starting image or outputs. Holds nothing of what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
pub struct Verdict {
    /// What it is about.
    #[data(plain)]
    pub stage: Stage,
    /// Whether it passes.
    #[data(plain)]
    pub decision: Decision,
    /// The categories that block it. None if it passes, and if an AI provider refused it, which names no category.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[data(personal)]
    pub categories: BTreeSet<Category>,
    /// The classifier, or the AI provider that refused it.
    #[data(plain)]
    pub classifier: String,
    /// The version of the classifier, or the model of the AI provider.
    #[data(plain)]
    pub version: String,
}

impl Verdict {
    /// Decides by the scores of a classifier.
    #[must_use]
    pub fn decide(stage: Stage, scores: &Scores, thresholds: &Thresholds, (classifier, version): (&str, &str)) -> Self {
        let categories = thresholds.reached(scores);
        let decision = if categories.is_empty() { Decision::Passed } else { Decision::Blocked };
        Self { stage, decision, categories, classifier: classifier.to_owned(), version: version.to_owned() }
    }

    /// Records that an AI provider refused what it was asked for.
    #[must_use]
    pub fn of_provider(provider: &str, model: &str) -> Self {
        Self {
            stage: Stage::Prompt,
            decision: Decision::Blocked,
            categories: BTreeSet::new(),
            classifier: provider.to_owned(),
            version: model.to_owned(),
        }
    }

    /// Says whether it blocks.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.decision == Decision::Blocked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: (&str, &str) = ("local", "1");

    fn scores(found: &[(Category, u8)]) -> Scores {
        let mut scores = Scores::default();
        for (category, percent) in found {
            scores.raise(*category, Score::percent(*percent));
        }
        scores
    }

    fn blocked(settings: &str, found: &[(Category, u8)]) -> Vec<Category> {
        let thresholds = Thresholds::parse(settings).unwrap();
        Verdict::decide(Stage::Prompt, &scores(found), &thresholds, LOCAL).categories.into_iter().collect()
    }

    #[test]
    fn score_at_its_threshold_blocks_and_one_below_passes() {
        assert_eq!(blocked("", &[(Category::Violence, 60)]), [Category::Violence]);
        assert_eq!(blocked("", &[(Category::Violence, 59)]), []);
        assert_eq!(blocked("violence=80", &[(Category::Violence, 79)]), []);
        assert_eq!(blocked("violence=off", &[(Category::Violence, 100)]), []);
        assert_eq!(blocked("", &[(Category::SexualSuggestive, 100)]), []);
        assert_eq!(blocked("sexual_suggestive=70", &[(Category::SexualSuggestive, 70)]), [Category::SexualSuggestive]);
    }

    #[test]
    fn no_setting_turns_the_floor_off_or_weakens_it() {
        for category in Category::ALL.into_iter().filter(|category| category.is_floor()) {
            for value in ["off", "51", "100"] {
                let refused = Thresholds::parse(&format!("violence=off,{category}={value}"));
                assert_eq!(refused, Err(InvalidThresholds::BelowFloor(category)));
            }
            assert_eq!(blocked(&format!("{category}=20"), &[(category, 20)]), [category]);
            let off = Category::ALL.into_iter().filter(|other| !other.is_floor()).map(|other| format!("{other}=off"));
            assert_eq!(blocked(&off.collect::<Vec<_>>().join(","), &[(category, 50)]), [category]);
        }
    }

    #[test]
    fn setting_that_is_not_understood_is_refused() {
        let refused = |settings: &str| Thresholds::parse(settings).unwrap_err();
        assert_eq!(refused("violence"), InvalidThresholds::NotASetting("violence".to_owned()));
        assert_eq!(refused("violense=50"), InvalidThresholds::UnknownCategory("violense".to_owned()));
        for value in ["0", "101", "-1", "no", ""] {
            let setting = format!("violence={value}");
            assert_eq!(refused(&setting), InvalidThresholds::NotAPercentage(Category::Violence), "{value}");
        }
        assert_eq!(Thresholds::parse(" , "), Ok(Thresholds::default()));
    }

    #[test]
    fn probability_is_rounded_up_and_nonsense_is_certain() {
        let score = |probability| Score::of_probability(probability);
        assert_eq!(score(0.0), Score::NONE);
        assert_eq!(score(0.4901), Score(50));
        assert_eq!(score(1.0), Score::CERTAIN);
        assert_eq!(score(7.0), Score::CERTAIN);
        assert_eq!(score(-1.0), Score::NONE);
        assert_eq!(score(f64::NAN), Score::CERTAIN);
    }

    #[test]
    fn findings_of_two_classifiers_add_up() {
        let one = scores(&[(Category::Hate, 40), (Category::Violence, 90)]);
        let both = one.and(&scores(&[(Category::Hate, 70), (Category::Violence, 10)]));
        assert_eq!(both, scores(&[(Category::Hate, 70), (Category::Violence, 90)]));
    }

    #[test]
    fn stored_verdict_has_categories_and_classifier_and_nothing_else() {
        let verdict = Verdict::decide(Stage::Prompt, &scores(&[(Category::Hate, 90)]), &Thresholds::default(), LOCAL);
        let stored = serde_json::to_value(&verdict).unwrap();
        let expected = serde_json::json!({
            "stage": "prompt", "decision": "blocked", "categories": ["hate"], "classifier": "local", "version": "1",
        });
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_value::<Verdict>(stored).unwrap(), verdict);
    }

    #[test]
    fn names_are_those_of_the_api() {
        for category in Category::ALL {
            assert_eq!(serde_json::to_value(category).unwrap(), category.name());
            assert_eq!(Category::by_name(category.name()), Some(category));
        }
    }
}
