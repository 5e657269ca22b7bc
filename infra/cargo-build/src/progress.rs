//! What cargo writes to standard error while it builds.

/// A part of the output, between two ends of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output<'a> {
    /// A state of the progress bar, in words.
    Progress(String),
    /// A line of text.
    Line(&'a str),
    Nothing,
}

/// Reads `    Building [====>    ] 120/345: aws-sdk-s3, ring(build)` and the like.
pub(crate) fn parse(part: &str) -> Output<'_> {
    let text = part.trim();
    if text.is_empty() {
        return Output::Nothing;
    }
    let counted = text.split_once(" [").and_then(|(verb, rest)| Some((verb, rest.split_once("] ")?.1)));
    let Some((verb, counted)) = counted else { return Output::Line(text) };
    let (count, names) = counted.split_once(':').unwrap_or((counted, ""));
    let Some((done, all)) = count.split_once(['/', ',']) else { return Output::Line(text) };
    let (Ok(done), Ok(all)) = (done.trim().parse::<u32>(), all.trim().parse::<u32>()) else {
        return Output::Line(text);
    };
    match verb {
        "Building" => Output::Progress(format!("{done} of {all} crates built, now {}", names.trim())),
        _ => Output::Progress(format!("{} {done} of {all}", verb.to_lowercase())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_bar_is_read_as_crates_of_all() {
        let bar = "    Building [=====>          ] 120/345: aws-sdk-s3, ring(build)";
        let text = "120 of 345 crates built, now aws-sdk-s3, ring(build)".to_owned();
        assert_eq!(parse(bar), Output::Progress(text));
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for line in ["error[E0425]: cannot find value `x`", "Compiling ring v0.17.14", "note: [a] b: c", "--> [1] 2/x:"]
        {
            assert_eq!(parse(line), Output::Line(line));
        }
        assert_eq!(parse("   "), Output::Nothing);
    }
}
