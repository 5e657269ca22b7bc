//! Ages below 18 in a view.

/// The numbers below 18 in English and in German, as they are after folding.
const NUMBERS: [(&str, &str); 17] = [
    ("one", "einjahrig"),
    ("two", "zweijahrig"),
    ("three", "dreijahrig"),
    ("four", "vierjahrig"),
    ("five", "funfjahrig"),
    ("six", "sechsjahrig"),
    ("seven", "siebenjahrig"),
    ("eight", "achtjahrig"),
    ("nine", "neunjahrig"),
    ("ten", "zehnjahrig"),
    ("eleven", "elfjahrig"),
    ("twelve", "zwolfjahrig"),
    ("thirteen", "dreizehnjahrig"),
    ("fourteen", "vierzehnjahrig"),
    ("fifteen", "funfzehnjahrig"),
    ("sixteen", "sechzehnjahrig"),
    ("seventeen", "siebzehnjahrig"),
];
/// What follows the number.
const UNITS: [&str; 12] = [
    "year old",
    "years old",
    "yr old",
    "yrs old",
    "yo",
    "y o",
    "yearold",
    "yearsold",
    "jahre alt",
    "jahre jung",
    "jahrig",
    "j alt",
];
/// What comes before the number.
const BEFORE: [&str; 14] = [
    "aged",
    "age",
    "age of",
    "looks",
    "look",
    "looking",
    "turning",
    "turned",
    "is only",
    "im alter von",
    "alter",
    "under",
    "erst",
    "jahrgang alter",
];

/// Says whether a view names an age below 18.
pub(crate) fn is_minor(view: &str) -> bool {
    let words: Vec<&str> = view.split_whitespace().collect();
    words.iter().enumerate().any(|(at, word)| {
        let is_compound = NUMBERS.iter().any(|(_, compound)| word.starts_with(compound));
        let joined = UNITS.iter().any(|unit| {
            let number = word.find(unit.split(' ').next().unwrap_or_default()).and_then(|end| word.get(..end));
            number.is_some_and(is_below_18) && is_unit(word.trim_start_matches(|c: char| c.is_ascii_digit()))
        });
        let after = words.get(at + 1..).unwrap_or_default().iter().take(3).copied().collect::<Vec<_>>().join(" ");
        let followed = UNITS.iter().any(|unit| after.strip_prefix(unit).is_some_and(|rest| is_end_of_unit(unit, rest)));
        let before = words.get(..at).unwrap_or_default();
        let preceded = BEFORE.iter().any(|phrase| {
            let length = phrase.split(' ').count();
            before.len() >= length && before.get(before.len() - length..).is_some_and(|last| last.join(" ") == *phrase)
        });
        let is_number = is_below_18(word) || (*word == "18" && before.last() == Some(&"under"));
        is_compound || joined || (is_number && (followed || preceded))
    })
}

/// Says whether nothing but an ending follows: `jahriger`, `yo`.
fn is_end_of_unit(unit: &str, rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(' ') || unit == "jahrig"
}

fn is_unit(word: &str) -> bool {
    UNITS.iter().any(|unit| word == unit.replace(' ', "") || (*unit == "jahrig" && word.starts_with(unit)))
}

fn is_below_18(word: &str) -> bool {
    word.parse::<u32>().is_ok_and(|age| (1..18).contains(&age)) || NUMBERS.iter().any(|(number, _)| number == &word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold;

    fn check(text: &str, expected: bool) {
        assert_eq!(fold::views(text).iter().any(|view| is_minor(view)), expected, "{text}");
    }

    #[test]
    fn age_below_18_is_found_however_it_is_written() {
        for text in [
            "12 year old",
            "12-year-old",
            "12yo",
            "12 y.o.",
            "twelve years old",
            "aged 9",
            "age of 17",
            "she looks fourteen",
            "im Alter von 13",
            "13 Jahre alt",
            "13-jährige",
            "13jähriger",
            "dreizehnjährige",
            "Dreizehnjaehrigen",
            "12yearold",
            "under 18",
        ] {
            check(text, true);
        }
    }

    #[test]
    fn other_numbers_are_no_ages_of_minors() {
        for text in [
            "18 year old",
            "25yo",
            "12 balloons",
            "35 Jahre alt",
            "dreißigjährige",
            "version 12",
            "112 years old",
            "0 years old",
        ] {
            check(text, false);
        }
    }
}
