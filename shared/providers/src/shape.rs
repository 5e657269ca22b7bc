//! Sizes for providers that offer a fixed choice of them.

/// The aspect ratios that Stability and the Flux models share.
pub(crate) const ASPECTS: [(&str, u32, u32); 9] = [
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

/// The aspect ratios of the Wan video models.
pub(crate) const WIDE_OR_TALL: [(&str, u32, u32); 2] = [("16:9", 16, 9), ("9:16", 9, 16)];

/// The choice whose shape is nearest to the one asked for.
pub(crate) fn nearest(choices: &[(&'static str, u32, u32)], width: u32, height: u32) -> &'static str {
    // On a logarithmic scale, twice as wide is as far off as twice as tall.
    let shape = |width: u32, height: u32| (f64::from(width) / f64::from(height.max(1))).ln();
    let off = |choice: &&(&str, u32, u32)| (shape(choice.1, choice.2) - shape(width, height)).abs();
    let best = choices.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
    best.map_or("", |(name, ..)| name)
}

/// The resolution's name among those of the Wan video models.
pub(crate) fn resolution(width: u32, height: u32) -> &'static str {
    if width.min(height) > 600 { "720p" } else { "480p" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_shape_is_chosen() {
        let check = |width, height, name| assert_eq!(nearest(&ASPECTS, width, height), name, "{width}x{height}");
        check(1024, 1024, "1:1");
        check(1280, 720, "16:9");
        check(768, 1024, "4:5");
        check(720, 1280, "9:16");
        check(4000, 100, "21:9");
    }
}
