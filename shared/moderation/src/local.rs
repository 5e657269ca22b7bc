//! The classifier that needs no key: terms in English and German, and rules about what they mean together.

use async_trait::async_trait;
use domain::moderation::verdict::{Category, Score, Scores};

use crate::{
    age,
    classifier::{Classifier, ClassifierError, Content, Scored},
    fold,
    lists::{Class, Found, InvalidList, Lists},
};

/// The terms in English and German, and people who are known, as `build.rs` makes them from `lists/`.
const LISTS: &str = include_str!(concat!(env!("OUT_DIR"), "/lists.txt"));

/// What may stand between taking off and the clothes.
const BETWEEN: [&str; 28] = [
    "the", "her", "his", "their", "my", "all", "of", "any", "every", "a", "s", "from", "die", "das", "der", "den",
    "ihre", "ihr", "ihren", "ihrer", "seine", "alle", "womans", "girls", "mans", "models", "persons", "de",
];
/// What a person may take off.
const OUTERWEAR: [&str; 12] = [
    "schuhe",
    "mantel",
    "jacke",
    "handschuhe",
    "hut",
    "mutze",
    "socken",
    "stiefel",
    "brille",
    "maske",
    "helm",
    "rustung",
];
/// How far apart a group and what degrades it may be, in words.
const NEAR: usize = 4;
/// What prevention, history and satire take off a score.
const CONTEXT: u8 = 40;

/// Finds forbidden content by words. Sees no images.
#[derive(Debug)]
pub struct Local {
    lists: Lists,
}

/// What was found in all views of a text.
#[derive(Default)]
struct Findings {
    explicit: bool,
    anatomy: bool,
    nudity: bool,
    suggestive: bool,
    minor: bool,
    person: bool,
    real: bool,
    known: bool,
    garment: bool,
    undress: bool,
    fabricated: bool,
    degraded_group: bool,
    art: bool,
    medical: bool,
    history: bool,
    direct: Scores,
}

impl Local {
    /// Its name in verdicts.
    pub const NAME: &str = "local";
    /// The version of its lists and rules. Raise it with each change of them.
    pub const VERSION: &str = "2026-11-30";

    /// Compiles the lists.
    ///
    /// # Errors
    /// A list is not in its form. The tests show that those built in are.
    pub fn new() -> Result<Self, InvalidList> {
        Ok(Self { lists: Lists::new(LISTS)? })
    }

    /// Scores a prompt with its negative prompt.
    ///
    /// A negative prompt says what not to show. So only the clothes in it count, which leave a person naked.
    #[must_use]
    pub fn score(&self, prompt: &str, negative_prompt: Option<&str>) -> Scores {
        let mut found = self.findings(prompt);
        if found.person && negative_prompt.is_some_and(|text| self.findings(text).garment) {
            found.nudity = true;
        }
        found.scores()
    }

    fn findings(&self, text: &str) -> Findings {
        let mut findings = Findings::default();
        for view in fold::views(text) {
            let (found, masked) = self.lists.find(&view);
            findings.add(&found, &masked);
        }
        for word in fold::starred(text) {
            match self.lists.starred(&word) {
                Some(Class::Explicit) => findings.explicit = true,
                Some(Class::Nudity) => findings.nudity = true,
                Some(Class::Anatomy) => findings.anatomy = true,
                Some(Class::Minor) => findings.minor = true,
                _ => {}
            }
        }
        findings
    }
}

#[async_trait]
impl Classifier for Local {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn sees(&self, content: &Content<'_>) -> bool {
        matches!(content, Content::Prompt { .. })
    }

    async fn scores(&self, content: &Content<'_>) -> Result<Scored, ClassifierError> {
        let scores = match content {
            Content::Prompt { prompt, negative_prompt } => self.score(prompt, *negative_prompt),
            Content::Image { .. } => Scores::default(),
        };
        Ok(Scored { scores, version: Self::VERSION.to_owned() })
    }
}

impl Findings {
    fn add(&mut self, found: &Found, view: &str) {
        let words: Vec<&str> = view.split_whitespace().collect();
        self.explicit |= found.has(Class::Explicit);
        self.anatomy |= found.has(Class::Anatomy);
        self.nudity |= found.has(Class::Nudity);
        self.suggestive |= found.has(Class::Suggestive);
        self.minor |= found.has(Class::Minor) || age::is_minor(view);
        self.person |= found.has(Class::PersonNoun) || found.has(Class::Minor);
        self.real |= found.has(Class::RealPerson);
        self.known |= found.has(Class::KnownPerson);
        self.garment |= found.has(Class::Garment);
        self.fabricated |= found.has(Class::Fabricated);
        self.art |= found.has(Class::Art);
        self.medical |= found.has(Class::Medical);
        self.history |= found.has(Class::History);
        let has_person = found.has(Class::PersonNoun) || found.has(Class::RealPerson) || found.has(Class::KnownPerson);
        self.undress |= found.has(Class::Undress) || (has_person && takes_clothes_off(found, &words));
        self.degraded_group |= are_near(found, Class::Group, Class::Degrading);
        for class in found.classes() {
            if let Class::Category(category, score) = class {
                self.direct.raise(category, score);
            }
        }
    }

    fn scores(self) -> Scores {
        let mut scores = Scores::default();
        let is_real = self.real || self.known;
        let is_body = self.nudity || (self.anatomy && !self.medical);
        let is_sexual = self.explicit || is_body || self.undress;
        // Prevention speaks of minors and of what is suggestive, never of naked ones.
        if self.minor && (is_sexual || (self.suggestive && !self.history && !self.medical)) {
            scores.raise(Category::SexualMinors, Score::CERTAIN);
        }
        if self.undress || (is_real && is_sexual) {
            scores.raise(Category::IntimateImagery, Score::CERTAIN);
        } else if self.known && self.suggestive {
            scores.raise(Category::IntimateImagery, Score::percent(70));
        }
        let is_art_or_medicine = (self.art || self.medical) && !self.minor && !is_real;
        if self.explicit {
            scores.raise(Category::SexualExplicit, Score::percent(90));
        } else if self.nudity || self.anatomy {
            let percent = if is_art_or_medicine { 20 } else { 80 };
            scores.raise(Category::SexualExplicit, Score::percent(percent));
        }
        if self.suggestive || self.nudity || self.explicit {
            scores.raise(Category::SexualSuggestive, Score::percent(70));
        }
        if self.known && self.fabricated {
            scores.raise(Category::RealPerson, Score::percent(if self.history { 30 } else { 80 }));
        }
        if self.degraded_group {
            scores.raise(Category::Hate, Score::percent(90));
        }
        let in_context = self.history || self.medical;
        for category in Category::ALL {
            let score = self.direct.of(category);
            let is_softened = match category {
                Category::SexualMinors => self.history && !self.nudity && !self.explicit,
                Category::Violence => in_context || self.art,
                _ => in_context,
            };
            scores.raise(category, if is_softened { score.less(CONTEXT) } else { score });
        }
        scores
    }
}

/// Says whether something of one class is near something of another.
fn are_near(found: &Found, one: Class, other: Class) -> bool {
    found.places(one).any(|(first, after)| {
        found.places(other).any(|(other_first, other_after)| {
            other_first.saturating_sub(after) <= NEAR && first.saturating_sub(other_after) <= NEAR
        })
    })
}

/// Says whether clothes are taken off a person: `remove her dress`, `die Kleidung der Frau entfernen`, `zieh die Frau aus`.
fn takes_clothes_off(found: &Found, words: &[&str]) -> bool {
    let is_person = |at: usize| found.places(Class::PersonNoun).any(|(first, after)| (first..after).contains(&at));
    let only_between = |from: usize, to: usize| {
        to >= from && (from..to).all(|at| is_person(at) || words.get(at).is_some_and(|word| BETWEEN.contains(word)))
    };
    found.places(Class::TakeOff).any(|(verb, after_verb)| {
        let mut clothes = found.places(Class::Garment);
        let removed = clothes.any(|(first, after)| only_between(after_verb, first) || only_between(after, verb));
        removed
            || (words.get(verb).is_some_and(|word| word.starts_with("zieh"))
                && is_pulled_off(after_verb, words, is_person))
    })
}

/// Says whether `aus` follows within a few words, and before it a person and nothing that is worn outside.
fn is_pulled_off(from: usize, words: &[&str], is_person: impl Fn(usize) -> bool) -> bool {
    let rest = words.get(from..).unwrap_or_default();
    let Some(between) = rest.iter().take(8).position(|word| *word == "aus").and_then(|to| rest.get(..to)) else {
        return false;
    };
    let outer = between.iter().any(|word| OUTERWEAR.contains(word));
    !outer && (from..from + between.len()).any(is_person)
}
