//! Assertions that several tests share.

use super::canary::CANARY;

pub(super) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Checks that stripping removes every canary, is stable, and leaves what is measured as it was.
pub(super) fn check_stripped(file: &[u8]) -> Vec<u8> {
    assert!(contains(file, CANARY), "the sample must hold what is to be removed");
    let stripped = crate::strip_metadata(file.to_vec()).unwrap();
    assert!(!contains(&stripped, CANARY), "a canary is left: {}", String::from_utf8_lossy(&stripped));
    assert_eq!(crate::strip_metadata(stripped.clone()).unwrap(), stripped, "stripping twice is the same as once");
    assert_eq!(crate::inspect(&stripped).unwrap(), crate::inspect(file).unwrap());
    stripped
}

/// Checks that a file that ends anywhere before its end is refused.
pub(super) fn check_cuts(file: &[u8]) {
    for length in 0..file.len() {
        assert!(crate::inspect(&file[..length]).is_err(), "cut to {length} of {} bytes", file.len());
    }
}

pub(super) fn check_mark(file: Vec<u8>) -> Vec<u8> {
    let marked = crate::mark_generated(file, "made <by> Darkroom & co").unwrap();
    let packet = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
    assert!(contains(&marked, packet.as_bytes()));
    assert!(contains(&marked, b"made &lt;by&gt; Darkroom &amp; co"));
    assert!(!contains(&marked, CANARY));
    let again = crate::mark_generated(marked.clone(), "made <by> Darkroom & co").unwrap();
    assert!(again == marked, "marking again replaces the mark");
    assert!(
        !contains(&crate::strip_metadata(marked.clone()).unwrap(), packet.as_bytes()),
        "stripping removes the mark"
    );
    marked
}
