//! The blocklist: fingerprints of images and videos that were removed for the gravest reasons, so that they do not come back.
//!
//! A file matches if it is the same, or if it looks the same: PDQ is a hash of what an image shows, which stays similar when the
//! image is scaled or compressed again. Videos match only if they are the same file.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    ids::CaseId,
    moderation::report::ReportReason,
    refusal::Refusal,
    registry::{BLOCKLIST_DAYS, DataFields},
};

/// The most bits of 256 in which two PDQ hashes of one image differ, as the authors of PDQ recommend
/// (<https://github.com/facebook/ThreatExchange/blob/main/hashing/hashing.pdf>).
pub const PDQ_DISTANCE: u32 = 31;

/// What a file is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Fingerprints {
    /// Its SHA-256, hexadecimal.
    #[data(plain)]
    pub sha256: String,
    /// The PDQ hash of an image that shows enough, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub pdq: Option<String>,
}

/// A file that was removed for one of the gravest reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct BlockedFile {
    /// The case in which it was removed.
    #[data(plain)]
    pub case: CaseId,
    /// Why.
    #[data(plain)]
    pub reason: ReportReason,
    /// Its SHA-256, hexadecimal.
    #[data(plain)]
    pub sha256: String,
    /// Its PDQ hash, hexadecimal, if it is an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub pdq: Option<String>,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
}

impl BlockedFile {
    /// Blocks a file.
    #[must_use]
    pub fn new(case: CaseId, reason: ReportReason, file: &Fingerprints, now: Timestamp) -> Self {
        Self { case, reason, sha256: file.sha256.clone(), pdq: file.pdq.clone(), at: now }
    }

    /// Says whether a file is the same, or looks the same.
    #[must_use]
    pub fn matches(&self, file: &Fingerprints) -> bool {
        let differing = self.pdq.as_ref().zip(file.pdq.as_ref()).and_then(|(one, other)| distance(one, other));
        self.sha256 == file.sha256 || differing.is_some_and(|bits| bits <= PDQ_DISTANCE)
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.at + SignedDuration::from_hours(24 * i64::from(BLOCKLIST_DAYS))
    }
}

/// Checks that a file is not on the blocklist.
///
/// # Errors
/// [`Refusal::KnownContent`] if it is.
pub fn check(blocklist: &[BlockedFile], file: &Fingerprints) -> Result<(), Refusal> {
    if blocklist.iter().any(|blocked| blocked.matches(file)) { Err(Refusal::KnownContent) } else { Ok(()) }
}

/// Counts the bits in which two hashes differ. Returns `None` if one is not hexadecimal, or their lengths differ.
fn distance(one: &str, other: &str) -> Option<u32> {
    if one.len() != other.len() {
        return None;
    }
    let differing = |(a, b): (char, char)| Some((a.to_digit(16)? ^ b.to_digit(16)?).count_ones());
    one.chars().zip(other.chars()).map(differing).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sha256: &str, pdq: Option<String>) -> Fingerprints {
        Fingerprints { sha256: sha256.to_owned(), pdq }
    }

    #[test]
    fn same_and_similar_files_match_and_no_others() {
        let case = CaseId(uuid::Uuid::nil());
        let zeros = "0".repeat(64);
        let blocked =
            BlockedFile::new(case, ReportReason::IntimateImage, &file("a", Some(zeros)), Timestamp::UNIX_EPOCH);
        // 31 bits differ, then 32.
        let near = format!("7fffffff{}", "0".repeat(56));
        let far = format!("ffffffff{}", "0".repeat(56));
        assert!(blocked.matches(&file("b", Some(near))));
        assert!(!blocked.matches(&file("b", Some(far))));
        assert!(!blocked.matches(&file("b", None)) && !blocked.matches(&file("b", Some("zz".to_owned()))));
        assert!(blocked.matches(&file("a", None)), "the same file");
        assert_eq!(check(&[blocked], &file("a", None)), Err(Refusal::KnownContent));
        assert_eq!(check(&[], &file("a", None)), Ok(()));
    }
}
