//! Folds a text into views in which spelling tricks are undone, so that one list of terms finds them all.
//!
//! A view is words of lower-case letters and digits, each with one space before and after it. Accents, full-width and styled
//! letters, letters of other scripts that look Latin, and invisible characters are folded in every view. What can be read in
//! more than one way gives more than one view: digits and signs in place of letters, signs within words, and letters that
//! are repeated.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Letters that look like Latin ones, in pairs with these.
const LOOKALIKES: &str = "аaвbсcԁdеeғfɡgһhнhіiјjкkԛqмmоoрpѕsтtцuѵvԝwхxуyзz\
    αaβbεeηnιiκkνvοoρpτtυuχxγyωwσo\
    ոnսuօoհhցgıiłløođdħhŧtəeɑaʀrɴnʟlᴀaʙbᴄcᴅdᴇeɪiᴊjᴋkᴍmᴏoᴘpᴛtᴜuᴠvᴡwʏyᴢzæaœo";

static LATIN: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let letters: Vec<char> = LOOKALIKES.chars().filter(|letter| !letter.is_whitespace()).collect();
    letters.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect()
});

/// Pictures that say a word of the lists.
const PICTURES: [(char, &str); 7] = [
    ('👶', "baby"),
    ('🧒', "child"),
    ('👧', "child"),
    ('👦', "child"),
    ('🔞', "nsfw"),
    ('🍆', "penis"),
    ('🍼', "baby"),
];

/// The most characters of a text that are looked at. A prompt is shorter.
const MOST_CHARACTERS: usize = 8_000;

/// Returns the views of a text, without repeats.
pub(crate) fn views(text: &str) -> Vec<String> {
    let text = letters(text);
    let mut views = BTreeSet::new();
    for parts in [split(&text), joined(&text)] {
        let words = join_single_letters(parts);
        for one in [None, Some('i'), Some('l')] {
            let read: Vec<String> =
                words.iter().map(|word| one.map_or_else(|| plain(word), |one| unleet(word, one))).collect();
            views.insert(view(read.iter().map(|word| without_repeats(word, 2))));
            views.insert(view(read.iter().map(|word| without_repeats(word, 1))));
        }
    }
    views.into_iter().filter(|view| view.len() > 1).collect()
}

/// Returns the words that hide letters behind stars, as `n*de`.
pub(crate) fn starred(text: &str) -> Vec<String> {
    let words = letters(text);
    let hides = |word: &&str| word.trim_matches('*').contains('*') && word.chars().any(char::is_alphanumeric);
    let words = words.split(|c: char| !c.is_alphanumeric() && c != '*').filter(hides);
    words.map(|word| umlauts(word.trim_start_matches('*'))).collect()
}

/// Writes everything in plain lower-case letters, and leaves out what is not seen.
pub(crate) fn letters(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    for c in text.chars().take(MOST_CHARACTERS) {
        if let Some((_, word)) = PICTURES.iter().find(|(picture, _)| *picture == c) {
            letters.push(' ');
            letters.push_str(word);
            letters.push(' ');
        } else if c == 'ß' || c == 'ẞ' {
            letters.push_str("ss");
        } else if !is_invisible(c) {
            for part in c.nfkd().filter(|part| !is_combining_mark(*part)).flat_map(char::to_lowercase) {
                letters.push(LATIN.get(&part).copied().unwrap_or(part));
            }
        }
    }
    letters
}

/// Says whether a character is not shown.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Returns the letter that a digit or sign is written for. `one` is the letter for 1, which looks like two.
const fn letter_for(c: char, one: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        _ => return None,
    })
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || letter_for(c, 'i').is_some()
}

/// Splits at every sign that is not written for a letter.
pub(crate) fn split(text: &str) -> Vec<String> {
    let text = text.replace("'s ", " ").replace("’s ", " ");
    let words = text.split(|c: char| !is_part_of_word(c)).map(trimmed);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Splits at spaces only, and leaves other signs out: `n.u-d_e` is one word.
fn joined(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.chars().filter(|c| is_part_of_word(*c)).collect::<String>());
    words.map(|word| trimmed(&word).to_owned()).filter(|word| !word.is_empty()).collect()
}

/// Takes off the signs that end a sentence.
fn trimmed(word: &str) -> &str {
    word.trim_matches(['!', '|'])
}

/// Joins three or more letters in a row that stand alone: `n u d e` is one word.
fn join_single_letters(words: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    let mut single: Vec<String> = Vec::new();
    let flush = |single: &mut Vec<String>, joined: &mut Vec<String>| {
        if single.len() >= 3 {
            joined.push(single.concat());
            single.clear();
        } else {
            joined.append(single);
        }
    };
    for word in words {
        if word.chars().count() == 1 {
            single.push(word);
        } else {
            flush(&mut single, &mut joined);
            joined.push(word);
        }
    }
    flush(&mut single, &mut joined);
    joined
}

/// Reads a word as it stands, without signs.
pub(crate) fn plain(word: &str) -> String {
    umlauts(&word.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
}

/// Reads the digits and signs of a word as letters, if it has letters.
fn unleet(word: &str, one: char) -> String {
    if !word.chars().any(char::is_alphabetic) {
        return plain(word);
    }
    umlauts(&word.chars().map(|c| letter_for(c, one).unwrap_or(c)).collect::<String>())
}

/// Reads `ae`, `oe` and `ue` as what is left of an umlaut without its dots.
fn umlauts(word: &str) -> String {
    word.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}

/// Shortens three or more of one letter in a row to this many.
pub(crate) fn without_repeats(word: &str, most: usize) -> String {
    let letters: Vec<char> = word.chars().collect();
    let runs = letters.chunk_by(|one, next| one == next && one.is_alphabetic());
    runs.flat_map(|run| run.iter().take(if run.len() >= 3 { most } else { run.len() })).collect()
}

fn view(words: impl Iterator<Item = String>) -> String {
    words.filter(|word| !word.is_empty()).fold(" ".to_owned(), |view, word| view + &word + " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, word: &str) {
        let found = views(text);
        assert!(found.iter().any(|view| view.contains(&format!(" {word} "))), "{text}: {found:?}");
    }

    #[test]
    fn spelling_tricks_are_undone() {
        for text in [
            "word",
            "WORD",
            "wörd",
            "w0rd",
            "ｗｏｒｄ",
            "𝓌𝓸𝓇𝒹",
            "ⓦⓞⓡⓓ",
            "wоrd",
            "w\u{200b}o\u{ad}rd",
            "w.o.r.d",
            "w o r d",
            "w-o_r d",
            "wooooord",
            "wo-rd",
            "«word»",
            "word!",
            "the word's end",
            "w\u{336}o\u{336}r\u{336}d\u{336}",
        ] {
            check(text, "word");
        }
        check("g1rl", "girl");
        check("chi1d", "child");
    }

    #[test]
    fn umlauts_are_one_however_they_are_written() {
        for text in ["Mädchen", "Maedchen", "Madchen", "MÄDCHEN", "Ma\u{308}dchen"] {
            check(text, "madchen");
        }
        check("Straße", "strasse");
        check("Schüler", "schuler");
    }

    #[test]
    fn digits_stay_in_one_view() {
        check("12 years", "12");
        check("12yo", "12yo");
    }

    #[test]
    fn stars_within_words_are_kept_for_a_comparison() {
        assert_eq!(starred("a n*de b**ch, **bold** 3*4 * x"), ["n*de", "b**ch", "3*4"]);
    }
}
