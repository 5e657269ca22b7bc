//! Maps sizes to the fixed choices of a provider.

/// The aspect ratios of Stability.
pub(crate) const ASPECT_RATIOS: [(&str, u32, u32); 9] = [
    ("1:1", 1, 1),
    ("16:9", 16, 9),
    ("21:9", 21, 9),
    ("2:3", 2, 3),
    ("3:2", 3, 2),
    ("4:5", 4, 5),
    ("5:4", 5, 4),
    ("9:16", 9, 16),
    ("9:21", 9, 21),
];

/// The aspect ratios of the Flux models at Replicate.
pub(crate) const FLUX_ASPECT_RATIOS: [(&str, u32, u32); 11] = [
    ("1:1", 1, 1),
    ("16:9", 16, 9),
    ("21:9", 21, 9),
    ("2:3", 2, 3),
    ("3:2", 3, 2),
    ("3:4", 3, 4),
    ("4:3", 4, 3),
    ("4:5", 4, 5),
    ("5:4", 5, 4),
    ("9:16", 9, 16),
    ("9:21", 9, 21),
];

/// The aspect ratios of the Wan video models.
pub(crate) const WIDE_OR_TALL: [(&str, u32, u32); 2] = [("16:9", 16, 9), ("9:16", 9, 16)];

/// Returns the name of the choice whose aspect ratio is nearest to that of `width` and `height`.
pub(crate) fn nearest(choices: &[(&'static str, u32, u32)], width: u32, height: u32) -> &'static str {
    // On a logarithmic scale, twice as wide is as far off as twice as tall.
    let log_ratio = |width: u32, height: u32| (f64::from(width) / f64::from(height.max(1))).ln();
    let distance = |choice: &&(&str, u32, u32)| (log_ratio(choice.1, choice.2) - log_ratio(width, height)).abs();
    let best = choices.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    best.map_or("", |(name, ..)| name)
}

/// Returns the name of the resolution of the Wan video models that fits.
pub(crate) fn resolution(width: u32, height: u32) -> &'static str {
    if width.min(height) > 600 { "720p" } else { "480p" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_aspect_ratio_is_chosen() {
        let check = |width, height, name| assert_eq!(nearest(&ASPECT_RATIOS, width, height), name, "{width}x{height}");
        check(1024, 1024, "1:1");
        check(1280, 720, "16:9");
        check(768, 1024, "4:5");
        check(720, 1280, "9:16");
        check(4000, 100, "21:9");
        assert_eq!(nearest(&FLUX_ASPECT_RATIOS, 768, 1024), "3:4");
        assert_eq!(nearest(&FLUX_ASPECT_RATIOS, 1024, 768), "4:3");
    }
}
