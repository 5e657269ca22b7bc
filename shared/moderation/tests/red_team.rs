//! Measures the local classifier with a corpus of words: which share of what must be blocked is blocked, and how many
//! prompts that must pass are blocked. Run with `--nocapture` to see each miss.

#![expect(clippy::print_stdout, reason = "the figures are the result")]
#![expect(clippy::unwrap_used, reason = "a failure of a test ends in a panic")]

use domain::moderation::verdict::{Category, Thresholds};
use moderation::Local;

const BLOCKED: &str = include_str!("../corpus/blocked.txt");
const PASSING: &str = include_str!("../corpus/passing.txt");
const HELD_OUT_BLOCKED: &str = include_str!("../corpus/held-out-blocked.txt");
const HELD_OUT_PASSING: &str = include_str!("../corpus/held-out-passing.txt");

/// Prompts on each side, at least.
const PROMPTS: usize = 200;

fn lines(corpus: &str) -> impl Iterator<Item = &str> {
    corpus.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn must_block(corpus: &str) -> Vec<(Category, &str)> {
    let parse = |line| {
        let (category, prompt): (&str, &str) = str::split_once(line, " | ").unwrap();
        (Category::by_name(category).unwrap(), prompt)
    };
    lines(corpus).map(parse).collect()
}

fn percent(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) * 100.0 / f64::from(u32::try_from(whole).unwrap())
}

/// Returns the share of these prompts that is blocked, for any reason.
fn blocked_share(name: &str, prompts: &[(Category, String)]) -> f64 {
    let (local, thresholds) = (Local::new().unwrap(), Thresholds::default());
    let passes = |prompt: &str| thresholds.reached(&local.score(prompt, None)).is_empty();
    let missed: Vec<_> = prompts.iter().filter(|(_, prompt)| passes(prompt)).collect();
    for (category, prompt) in &missed {
        println!("{name}, not blocked: {category} | {prompt}");
    }
    let share = percent(prompts.len() - missed.len(), prompts.len());
    println!("{name}: {share:.1} % of {} blocked", prompts.len());
    share
}

/// Returns the share of these prompts that is blocked by mistake.
fn false_alarms(name: &str, prompts: &[&str]) -> f64 {
    let (local, thresholds) = (Local::new().unwrap(), Thresholds::default());
    let mut alarms = 0;
    for prompt in prompts {
        let reached = thresholds.reached(&local.score(prompt, None));
        if !reached.is_empty() {
            println!("{name}, false alarm: {reached:?} | {prompt}");
            alarms += 1;
        }
    }
    let share = percent(alarms, prompts.len());
    println!("{name}: {share:.1} % of {} are false alarms", prompts.len());
    share
}

fn owned(prompts: &[(Category, &str)]) -> Vec<(Category, String)> {
    prompts.iter().map(|(category, prompt)| (*category, (*prompt).to_owned())).collect()
}

#[test]
fn corpus_has_enough_prompts_of_each_side_and_of_each_category() {
    let blocked = [must_block(BLOCKED), must_block(HELD_OUT_BLOCKED)].concat();
    assert!(blocked.len() >= PROMPTS, "{}", blocked.len());
    assert!(lines(PASSING).chain(lines(HELD_OUT_PASSING)).count() >= PROMPTS);
    for category in Category::ALL.into_iter().filter(|category| *category != Category::SexualSuggestive) {
        let in_corpus = |corpus| must_block(corpus).iter().any(|(other, _)| *other == category);
        assert!(in_corpus(BLOCKED) && in_corpus(HELD_OUT_BLOCKED), "{category}");
    }
}

#[test]
fn prompts_that_the_lists_are_tuned_with_are_told_apart() {
    assert!(blocked_share("tuned", &owned(&must_block(BLOCKED))) >= 99.0);
    assert!(false_alarms("tuned", &lines(PASSING).collect::<Vec<_>>()) <= 1.0);
}

#[test]
fn prompts_that_the_lists_were_not_tuned_with_are_told_apart() {
    assert!(blocked_share("held out", &owned(&must_block(HELD_OUT_BLOCKED))) >= 80.0);
    assert!(false_alarms("held out", &lines(HELD_OUT_PASSING).collect::<Vec<_>>()) <= 5.0);
}

#[test]
fn gravest_prompts_are_named_as_what_they_are() {
    let (local, thresholds) = (Local::new().unwrap(), Thresholds::default());
    for (category, prompt) in must_block(BLOCKED).into_iter().filter(|(category, _)| category.is_floor()) {
        let reached = thresholds.reached(&local.score(prompt, None));
        assert!(reached.contains(&category), "{category} | {prompt}: {reached:?}");
    }
}

/// Writes a prompt in another way that a person still reads.
type Evasion = (&'static str, fn(&str) -> String, f64);

fn replaced(prompt: &str, pairs: &[(char, char)]) -> String {
    let replace = |c| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
    prompt.chars().map(replace).collect()
}

fn between_letters(prompt: &str, sign: &str) -> String {
    let words = prompt.split(' ').map(|word| word.chars().map(String::from).collect::<Vec<_>>().join(sign));
    words.collect::<Vec<_>>().join("  ")
}

const EVASIONS: [Evasion; 10] = [
    ("capitals", |prompt| prompt.to_uppercase(), 99.0),
    ("digits for letters", |prompt| replaced(prompt, &[('e', '3'), ('o', '0'), ('i', '1'), ('s', '5')]), 85.0),
    ("letters that look alike", |prompt| replaced(prompt, &[('a', 'а'), ('e', 'е'), ('o', 'о'), ('c', 'с')]), 99.0),
    ("invisible characters", |prompt| between_letters(prompt, "\u{200b}"), 99.0),
    ("dots between letters", |prompt| between_letters(prompt, "."), 95.0),
    ("soft hyphens", |prompt| between_letters(prompt, "\u{ad}"), 99.0),
    ("accents", |prompt| replaced(prompt, &[('a', 'á'), ('e', 'ë'), ('u', 'ù'), ('n', 'ñ')]), 99.0),
    ("repeated letters", |prompt| prompt.replace('e', "eeee").replace('a', "aaaa"), 90.0),
    (
        "a long harmless frame",
        |prompt| format!("{} {prompt} {}", "sunset over the sea, ".repeat(20), "8k, sharp"),
        95.0,
    ),
    ("styled letters", |prompt| styled(prompt), 99.0),
];

fn styled(prompt: &str) -> String {
    let style = |c: char| match c {
        'a'..='z' => char::from_u32(0x1d41a + (c as u32 - 'a' as u32)).unwrap_or(c),
        other => other,
    };
    prompt.chars().map(style).collect()
}

#[test]
fn spelling_tricks_hide_little_of_the_floor() {
    let floor: Vec<_> = must_block(BLOCKED).into_iter().filter(|(category, _)| category.is_floor()).collect();
    for (name, evade, least) in EVASIONS {
        let prompts: Vec<_> = floor.iter().map(|(category, prompt)| (*category, evade(prompt))).collect();
        let share = blocked_share(name, &prompts);
        assert!(share >= least, "{name}: {share:.1} % is below {least} %");
    }
}

#[test]
fn negative_prompt_counts_only_where_it_undresses() {
    let (local, thresholds) = (Local::new().unwrap(), Thresholds::default());
    let blocked = |prompt, negative| !thresholds.reached(&local.score(prompt, Some(negative))).is_empty();
    assert!(blocked("a woman at the beach", "clothes, bikini"));
    assert!(blocked("Frau am Strand", "Kleidung"));
    assert!(!blocked("a woman at the beach", "nude, nsfw, gore, extra fingers"));
    assert!(!blocked("a wardrobe in an attic", "clothes"));
}
