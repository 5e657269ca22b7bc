//! Refuses the words that the [glossary](../../../docs/glossary.md) replaced, in identifiers, prose and texts of the web client.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What to do about a word that is found.
pub(crate) const ADVICE: &str = "say what the glossary says: docs/glossary.md";
/// The list: each word with what is said instead.
const LIST: &str = include_str!("../words.toml");
/// Kinds of files that are read.
const EXTENSIONS: &[&str] =
    &["css", "html", "json", "md", "mjs", "py", "rs", "sh", "toml", "ts", "tsx", "txt", "yaml", "yml", "j2"];

/// The list of replaced words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// Paths, by their beginning, that are not read: what is generated, and the list itself.
    skip: Vec<String>,
    /// The words.
    word: Vec<Replaced>,
}

/// A word that is not used any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replaced {
    /// The word or words, in lower case. A plural `s` is found as well.
    old: String,
    /// What is said instead.
    say: String,
    /// Phrases in which the word has another meaning.
    #[serde(default)]
    except: Vec<String>,
    /// Paths, by their beginning, in which the word has another meaning.
    #[serde(default)]
    allow: Vec<String>,
}

/// Reads every file that git tracks below `root`, and returns one line for each replaced word in it.
///
/// # Errors
/// The list is invalid, or git or a file cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let list: List = toml::from_str(LIST).context("infra/xtask/words.toml")?;
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().context("git ls-files")?;
    ensure!(listed.status.success(), "git ls-files failed in {}", root.display());
    let listed = String::from_utf8(listed.stdout).context("git ls-files")?;
    let mut found = Vec::new();
    for path in listed.split('\0').filter(|path| is_read(path, &list)) {
        // A file that is deleted and not committed yet is still listed.
        let Ok(text) = fs::read_to_string(root.join(path)) else { continue };
        found.extend(find(path, &text, &list.word));
    }
    Ok(found)
}

fn is_read(path: &str, list: &List) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.contains(&extension) && !list.skip.iter().any(|skipped| path.starts_with(skipped.as_str()))
}

fn find(path: &str, text: &str, words: &[Replaced]) -> Vec<String> {
    let names = split(path);
    let in_name =
        words.iter().filter(|word| is_said(word, path, &names)).map(|word| format!("{path}: {}", advice(word)));
    let in_text = text.lines().enumerate().flat_map(|(index, line)| {
        let said = split(line);
        let here = words.iter().filter(move |word| is_said(word, path, &said));
        here.map(move |word| format!("{path}:{}: {}", index + 1, advice(word)))
    });
    in_name.chain(in_text).collect()
}

fn advice(word: &Replaced) -> String {
    format!("`{}`: say {}", word.old, word.say)
}

fn is_said(word: &Replaced, path: &str, line: &[String]) -> bool {
    if word.allow.iter().any(|allowed| path.starts_with(allowed.as_str())) {
        return false;
    }
    let excepted: Vec<_> = word.except.iter().flat_map(|phrase| places(&split(phrase), line)).collect();
    places(&split(&word.old), line)
        .into_iter()
        .any(|(start, end)| !excepted.iter().any(|(from, to)| *from <= start && end <= *to))
}

/// Where the words of a phrase follow each other in a line, as ranges of words.
fn places(phrase: &[String], line: &[String]) -> Vec<(usize, usize)> {
    let Some((last, first)) = phrase.split_last() else { return Vec::new() };
    let is_last = |word: &String| word == last || word.strip_suffix('s') == Some(last.as_str());
    let windows = line.windows(phrase.len()).enumerate();
    let matching = windows.filter(|(_, window)| window.starts_with(first) && window.last().is_some_and(is_last));
    matching.map(|(start, window)| (start, start + window.len())).collect()
}

/// The words of a line in lower case, the parts of identifiers apart: `snake_case`, `camelCase`, `SCREAMING_CASE`.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before_is_lower = false;
    for character in line.chars() {
        let begins = character.is_uppercase() && before_is_lower;
        if (begins || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before_is_lower = character.is_lowercase() || character.is_numeric();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, count: usize) {
        let word = Replaced {
            old: "letter".to_owned(),
            say: "guest ticket".to_owned(),
            except: vec!["dead letter".to_owned()],
            allow: vec!["docs/".to_owned()],
        };
        let found = find("src/lib.rs", text, std::slice::from_ref(&word));
        assert_eq!(found.len(), count, "{text}: {found:?}");
        assert_eq!(find("docs/a.md", text, &[word]), Vec::<String>::new(), "{text}");
    }

    #[test]
    fn replaced_word_is_found_in_identifiers_and_prose() {
        check("a letter to support", 1);
        check("let letters = WaitingLetterView::new(LETTER_DAYS)", 1);
        check("first\nremove_letters()\n", 1);
        check("lettering", 0);
        check("its own dead letters", 0);
        check("ImageDeadLetters and a letter", 1);
    }

    #[test]
    fn list_is_valid() {
        let list: List = toml::from_str(LIST).unwrap();
        assert!(list.word.iter().all(|word| !split(&word.old).is_empty() && !word.say.is_empty()));
    }
}
