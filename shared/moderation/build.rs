//! Folds the terms of the lists, so that a function does not have to while it starts.

use std::{error::Error, fs, path::PathBuf};

#[allow(dead_code, reason = "prompts are folded by the crate itself")]
#[path = "src/fold.rs"]
mod fold;

const LISTS: [&str; 3] = ["english", "german", "people"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=lists");
    println!("cargo::rerun-if-changed=src/fold.rs");
    let mut folded = String::new();
    for list in LISTS {
        let list = fs::read_to_string(format!("lists/{list}.txt"))?;
        for line in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            folded.push_str(&if line.starts_with("= ") { line.to_owned() } else { term(line) });
            folded.push('\n');
        }
    }
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or("cargo sets OUT_DIR")?;
    Ok(fs::write(out.join("lists.txt"), folded)?)
}

/// Returns a term as it is found in a view, with the signs around it that say how it is looked for.
fn term(line: &str) -> String {
    let start = line.trim_start_matches(['~', '*']);
    let term = start.trim_end_matches('*');
    let (before, after) = (&line[..line.len() - start.len()], &start[term.len()..]);
    let words = fold::split(&fold::letters(term));
    let words: Vec<String> = words.iter().map(|word| fold::without_repeats(&fold::plain(word), 2)).collect();
    format!("{before}{}{after}", words.join(" "))
}
