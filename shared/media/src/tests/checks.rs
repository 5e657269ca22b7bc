//! Assertions that several tests share.

use super::canary::CANARY;
use crate::AigcLabel;

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

/// Checks what a mark says, that it can be replaced, and that stripping removes it, with and without the label for China.
pub(super) fn check_mark(file: Vec<u8>) -> Vec<u8> {
    let label = AigcLabel { producer: "Dunkel \"&\" Kammer", id: "00c0ffee" };
    let mark = |file: Vec<u8>, label| crate::mark_generated(file, "made <by> Darkroom & co", label).unwrap();
    let labelled = mark(file.clone(), Some(label));
    assert!(contains(&labelled, b"<TC260:AIGC xmlns:TC260=\"http://www.tc260.org.cn/ns/AIGC/1.0/\">{\"Label\":\"1\","));
    assert!(contains(&labelled, b"\"ContentProducer\":\"Dunkel \\\"&amp;\\\" Kammer\",\"ProduceID\":\"00c0ffee\","));
    assert!(contains(&labelled, b"\"PropagateID\":\"00c0ffee\",\"ReservedCode2\":\"\"}</TC260:AIGC>"));
    assert!(mark(labelled.clone(), Some(label)) == labelled, "labelling again replaces the label");
    assert_eq!(crate::inspect(&labelled).unwrap(), crate::inspect(&file).unwrap());
    let stripped = crate::strip_metadata(labelled.clone()).unwrap();
    assert!(!contains(&stripped, b"00c0ffee"), "stripping removes the label");
    assert!(!contains(&mark(labelled, None), b"00c0ffee"));

    let marked = mark(file, None);
    assert!(!contains(&marked, b"TC260") && !contains(&marked, b"AIGC"), "without the label nothing of it is there");
    let packet = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
    assert!(contains(&marked, packet.as_bytes()));
    assert!(contains(&marked, b"made &lt;by&gt; Darkroom &amp; co"));
    assert!(!contains(&marked, CANARY));
    assert!(mark(marked.clone(), None) == marked, "marking again replaces the mark");
    assert!(
        !contains(&crate::strip_metadata(marked.clone()).unwrap(), packet.as_bytes()),
        "stripping removes the mark"
    );
    marked
}
