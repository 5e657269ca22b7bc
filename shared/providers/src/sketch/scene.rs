//! Decides what an image shows, from the words and the numbers of the request.

use super::noise::{Random, hash};
use super::palette::{Mood, Palette};
use crate::request::ProviderRequest;

/// Holds everything that the painter needs.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) prompt: String,
    pub(super) ground: Ground,
    pub(super) mood: Mood,
    pub(super) snow: bool,
    pub(super) palette: Palette,
    pub(super) light: Light,
    /// The bottom of the sky, as a part of the height.
    pub(super) horizon: f32,
    /// The share of the sky that is cloud, 0 to 1.
    pub(super) clouds: f32,
    /// The seed of every noise of the image.
    pub(super) seed: u32,
}

/// What is below the sky, or an abstract flow without sky.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    Ridges,
    Forest,
    City,
    Sea,
    Flow,
}

/// Sun or moon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    /// As a part of the width.
    pub(super) x: f32,
    /// As a part of the sky's height.
    pub(super) y: f32,
    /// In units of the shorter side.
    pub(super) radius: f32,
}

const GROUNDS: &[(Ground, &[&str])] = &[
    (
        Ground::Sea,
        &[
            "sea",
            "ocean",
            "water",
            "lake",
            "river",
            "beach",
            "coast",
            "island",
            "ship",
            "boat",
            "wave",
            "lighthouse",
            "harbour",
            "harbor",
            "sail",
            "fish",
            "whale",
        ],
    ),
    (Ground::Forest, &["forest", "tree", "wood", "pine", "jungle", "park", "fox", "deer", "bear", "owl", "cabin"]),
    (Ground::City, &["city", "street", "skyline", "tower", "town", "building", "robot", "car", "neon", "house"]),
    (Ground::Ridges, &["mountain", "hill", "valley", "desert", "dune", "landscape", "field", "canyon", "castle"]),
    (
        Ground::Flow,
        &["abstract", "flow", "pattern", "dream", "smoke", "marble", "music", "energy", "portrait", "space"],
    ),
];

const MOODS: &[(Mood, &[&str])] = &[
    (Mood::Night, &["night", "moon", "star", "midnight", "dark", "aurora", "space", "galaxy", "neon"]),
    (Mood::Dusk, &["sunset", "sunrise", "dawn", "dusk", "evening", "twilight", "autumn", "fire"]),
    (Mood::Mist, &["fog", "mist", "rain", "winter", "snow", "storm", "grey", "gray", "ice"]),
    (Mood::Day, &["sun", "sunny", "day", "noon", "summer", "spring", "bright", "blue"]),
];

/// In degrees of Oklch.
const HUES: &[(f32, &[&str])] = &[
    (27.0, &["red", "crimson", "scarlet", "ruby", "blood", "mars"]),
    (55.0, &["orange", "copper", "amber", "fox", "desert"]),
    (95.0, &["yellow", "gold", "golden", "wheat", "honey"]),
    (145.0, &["green", "emerald", "jade", "moss", "jungle"]),
    (195.0, &["teal", "turquoise", "cyan", "aurora"]),
    (255.0, &["blue", "azure", "sapphire"]),
    (305.0, &["purple", "violet", "lavender", "neon"]),
    (355.0, &["pink", "rose", "magenta", "cherry"]),
];

impl Scene {
    /// Decides the scene of one output; `index` counts from 0.
    pub(super) fn new(request: &ProviderRequest, index: u8) -> Self {
        let unwanted = words(request.negative_prompt.as_deref().unwrap_or_default());
        let wanted: Vec<String> = words(&request.prompt).into_iter().filter(|word| !unwanted.contains(word)).collect();
        let about = hash(&format!("{}\0{}", request.prompt, request.negative_prompt.as_deref().unwrap_or_default()));
        let variant = request.seed.unwrap_or_default().wrapping_add(u64::from(index));
        let mut random = Random::new(about ^ Random::new(variant).next());
        let ground = match named(GROUNDS, &wanted) {
            Some(ground) => ground,
            None => pick(&[Ground::Ridges, Ground::Flow, Ground::Sea, Ground::Ridges, Ground::Forest], &mut random),
        };
        let mood = match named(MOODS, &wanted) {
            Some(mood) => mood,
            None => pick(&[Mood::Dusk, Mood::Day, Mood::Night, Mood::Dusk, Mood::Mist], &mut random),
        };
        let hue = match named(HUES, &wanted) {
            None if ground == Ground::Flow => Some(random.between(0.0, 360.0)),
            hue => hue,
        };
        Self {
            width: request.width,
            height: request.height,
            prompt: request.prompt.clone(),
            ground,
            mood,
            snow: wanted.iter().any(|word| ["snow", "winter", "ice", "blizzard"].contains(&word.as_str())),
            palette: Palette::new(mood, hue, &mut random),
            light: Light {
                x: random.between(0.18, 0.82),
                y: height_of_light(mood, &mut random),
                radius: random.between(0.045, 0.09),
            },
            horizon: random.between(0.52, 0.64),
            clouds: random.between(0.25, 0.9),
            seed: random.next() as u32,
        }
    }
}

fn height_of_light(mood: Mood, random: &mut Random) -> f32 {
    match mood {
        Mood::Dusk => random.between(0.62, 0.86),
        Mood::Night | Mood::Day | Mood::Mist => random.between(0.25, 0.55),
    }
}

/// Returns the words in lower case, without the ending of the plural.
fn words(text: &str) -> Vec<String> {
    let word = |word: &str| {
        let word = word.to_lowercase();
        match word.strip_suffix('s') {
            Some(singular) if singular.len() > 2 && !singular.ends_with('s') => singular.to_owned(),
            _ => word,
        }
    };
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).map(word).collect()
}

/// Returns the value of the first known word.
fn named<T: Copy>(table: &[(T, &[&str])], words: &[String]) -> Option<T> {
    let meaning =
        |word: &String| table.iter().find(|(_, names)| names.contains(&word.as_str())).map(|(value, _)| *value);
    words.iter().find_map(meaning)
}

fn pick<T: Copy>(choices: &[T; 5], random: &mut Random) -> T {
    let [a, b, c, d, e] = *choices;
    match random.next() % 5 {
        0 => a,
        1 => b,
        2 => c,
        3 => d,
        _ => e,
    }
}
