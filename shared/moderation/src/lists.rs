//! The lists of terms, and where they are found in a view.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use domain::moderation::verdict::{Category, Score};

/// What a term says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A category of its own, with this score.
    Category(Category, Score),
    /// A sexual act or depiction.
    Explicit,
    /// A part of the body that is explicit outside of art and medicine.
    Anatomy,
    /// A person without clothes.
    Nudity,
    /// Suggestive.
    Suggestive,
    /// A minor.
    Minor,
    /// A person.
    PersonNoun,
    /// A real person whom the writer knows, or who is in an image.
    RealPerson,
    /// A public figure by name.
    KnownPerson,
    /// A piece of clothing.
    Garment,
    /// Taking something off.
    TakeOff,
    /// Removing the clothes of a person.
    Undress,
    /// A scene that is invented to deceive.
    Fabricated,
    /// A group of people.
    Group,
    /// What degrades a group.
    Degrading,
    /// Art.
    Art,
    /// Medicine and education.
    Medical,
    /// History, prevention, satire.
    History,
    /// Harmless, however it looks.
    Allow,
}

impl Class {
    fn parse(line: &str) -> Option<Self> {
        let (name, score) = line.split_once(' ').map_or((line, "100"), |(name, score)| (name, score));
        Some(match name {
            "explicit" => Self::Explicit,
            "anatomy" => Self::Anatomy,
            "nudity" => Self::Nudity,
            "suggestive" => Self::Suggestive,
            "minor" => Self::Minor,
            "person_noun" => Self::PersonNoun,
            "known_person" => Self::KnownPerson,
            "garment" => Self::Garment,
            "take_off" => Self::TakeOff,
            "undress" => Self::Undress,
            "fabricated" => Self::Fabricated,
            "group" => Self::Group,
            "degrading" => Self::Degrading,
            "art" => Self::Art,
            "medical" => Self::Medical,
            "history" => Self::History,
            "allow" => Self::Allow,
            "real_person" if line == name => Self::RealPerson,
            name => Self::Category(Category::by_name(name)?, Score::percent(score.parse().ok()?)),
        })
    }
}

/// Why the lists cannot be used. The tests use the lists that are built in.
#[derive(Debug, thiserror::Error)]
pub enum InvalidList {
    /// A line names no class.
    #[error("a list has an unknown class: {0}")]
    Class(String),
    /// A term comes before the first class, or has no letters.
    #[error("a list has a term that cannot be found: {0}")]
    Term(String),
    /// The terms cannot be compiled.
    #[error("the terms cannot be compiled")]
    Terms(#[from] aho_corasick::BuildError),
}

/// A term as it is looked for.
#[derive(Debug)]
struct Term {
    class: Class,
    text: String,
    begins_word: bool,
    ends_word: bool,
    across_spaces: bool,
}

impl Term {
    fn parse(class: Class, line: &str) -> Option<Self> {
        let (across_spaces, line) = line.strip_prefix('~').map_or((false, line), |rest| (true, rest));
        let (begins_word, line) = line.strip_prefix('*').map_or((true, line), |rest| (false, rest));
        let (ends_word, line) = line.strip_suffix('*').map_or((true, line), |rest| (false, rest));
        (!line.is_empty()).then(|| Self { class, text: line.to_owned(), begins_word, ends_word, across_spaces })
    }
}

/// All lists, compiled.
#[derive(Debug)]
pub(crate) struct Lists {
    terms: Vec<Term>,
    finder: AhoCorasick,
}

/// The classes that are found in a view, with the positions of the first and after the last word of each hit.
#[derive(Debug, Default)]
pub(crate) struct Found(BTreeMap<Class, Vec<(usize, usize)>>);

impl Found {
    /// Says whether something of a class was found.
    pub(crate) fn has(&self, class: Class) -> bool {
        self.0.contains_key(&class)
    }

    /// Returns where a class was found.
    pub(crate) fn places(&self, class: Class) -> impl Iterator<Item = (usize, usize)> {
        self.0.get(&class).into_iter().flatten().copied()
    }

    /// Returns the classes.
    pub(crate) fn classes(&self) -> impl Iterator<Item = Class> {
        self.0.keys().copied()
    }

    fn add(&mut self, class: Class, words: (usize, usize)) {
        self.0.entry(class).or_default().push(words);
    }
}

impl Lists {
    /// Compiles the lists, whose terms `build.rs` has folded.
    pub(crate) fn new(lists: &str) -> Result<Self, InvalidList> {
        let mut terms = Vec::new();
        let mut class = None;
        for line in lists.lines() {
            if let Some(name) = line.strip_prefix("= ") {
                class = Some(Class::parse(name).ok_or_else(|| InvalidList::Class(name.to_owned()))?);
            } else {
                let term = class.and_then(|class| Term::parse(class, line));
                terms.push(term.ok_or_else(|| InvalidList::Term(line.to_owned()))?);
            }
        }
        let texts = terms.iter().map(|term| &term.text);
        let finder = AhoCorasick::builder().match_kind(MatchKind::Standard).build(texts)?;
        Ok(Self { terms, finder })
    }

    /// Finds the terms of a view, apart from what is within a harmless one.
    pub(crate) fn find(&self, view: &str) -> (Found, String) {
        let masked = self.masked(view);
        let mut found = Found::default();
        for (term, start, end) in self.hits(&masked) {
            let word = |at: usize| masked.get(..at).map_or(0, |before| before.matches(' ').count().saturating_sub(1));
            found.add(term.class, (word(start), word(end) + 1));
        }
        let squeezed: String = masked.split(' ').collect();
        let across = self.finder.find_overlapping_iter(&squeezed);
        for term in across.filter_map(|hit| self.terms.get(hit.pattern().as_usize())).filter(|term| term.across_spaces)
        {
            found.add(term.class, (0, 0));
        }
        (found, masked)
    }

    /// Returns the class of a single explicit or naked word that a word with hidden letters can be.
    pub(crate) fn starred(&self, word: &str) -> Option<Class> {
        let fits = |term: &&Term| {
            let length = word.chars().count();
            let text: Vec<char> = term.text.chars().collect();
            let is_word = matches!(term.class, Class::Explicit | Class::Nudity | Class::Anatomy | Class::Minor);
            is_word
                && text.len() >= 4
                && (text.len() == length || (!term.ends_word && text.len() < length))
                && text.iter().zip(word.chars()).all(|(letter, c)| c == '*' || c == *letter)
        };
        self.terms.iter().find(fits).map(|term| term.class)
    }

    /// Hides harmless terms.
    fn masked(&self, view: &str) -> String {
        let mut bytes = view.as_bytes().to_vec();
        for (_, start, end) in self.hits(view).filter(|(term, ..)| term.class == Class::Allow) {
            let end = view.get(end..).and_then(|rest| rest.find(' ')).map_or(end, |rest| end + rest);
            for byte in bytes.iter_mut().take(end).skip(start).filter(|byte| **byte != b' ') {
                *byte = b'#';
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Lists the terms at whole words, or at parts of words where a star says so.
    fn hits<'a>(&'a self, view: &'a str) -> impl Iterator<Item = (&'a Term, usize, usize)> {
        let is_space = |at: Option<usize>| at.and_then(|at| view.as_bytes().get(at)).is_none_or(|byte| *byte == b' ');
        self.finder.find_overlapping_iter(view).filter_map(move |hit| {
            let term = self.terms.get(hit.pattern().as_usize())?;
            let begins = !term.begins_word || is_space(hit.start().checked_sub(1));
            let ends = !term.ends_word || is_space(Some(hit.end()));
            (begins && ends).then_some((term, hit.start(), hit.end()))
        })
    }
}
