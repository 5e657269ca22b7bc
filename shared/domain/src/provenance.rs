//! Which certificate the outputs are signed under.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::registry::DataFields;

/// The days before its end from which a certificate of the deployment's own is replaced: so long can a file be checked at least, as
/// a signature without a time stamp ends with its certificate.
const RENEWAL_DAYS: i64 = 20 * 365;

/// Who made a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateOrigin {
    /// The deployment, with a certificate authority that nobody else trusts.
    Deployment,
    /// The operator got it from an authority.
    Operator,
}

/// A certificate of the signing key, with its chain. It is kept until it ends, as the files that were signed under it are checked
/// against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct SigningCertificate {
    /// Its number, from 1. No two have the same.
    #[data(plain)]
    pub number: u32,
    /// Who made it.
    #[data(plain)]
    pub origin: CertificateOrigin,
    /// The ARN of the signing key.
    #[data(plain)]
    pub key: String,
    /// The chain as PEM, the certificate of the signing key first.
    #[data(plain)]
    pub chain: String,
    /// When it was stored.
    #[data(plain)]
    pub created_at: Timestamp,
    /// When it ends.
    #[data(plain)]
    pub ends_at: Timestamp,
}

impl SigningCertificate {
    /// Returns the days until it ends, rounded down, and 0 after that.
    #[must_use]
    pub fn days_left(&self, now: Timestamp) -> i64 {
        (self.ends_at.duration_since(now).as_hours() / 24).max(0)
    }
}

/// Returns the certificate to sign under at `now` among those that are stored: the one with the chain that the operator gave, or
/// else the latest of the deployment's own that has many years left. `None` if it is still to be stored.
#[must_use]
pub fn current_certificate<'a>(
    stored: &'a [SigningCertificate],
    key: &str,
    given: Option<&str>,
    now: Timestamp,
) -> Option<&'a SigningCertificate> {
    let renewed = now + SignedDuration::from_hours(24 * RENEWAL_DAYS);
    stored.iter().rev().filter(|certificate| certificate.key == key).find(|certificate| match given {
        Some(chain) => certificate.chain == chain && certificate.ends_at > now,
        None => certificate.origin == CertificateOrigin::Deployment && certificate.ends_at > renewed,
    })
}

/// Returns the number of the certificate that is stored next. Two that are made at once get the same, and one of them is stored.
#[must_use]
pub fn next_number(stored: &[SigningCertificate]) -> u32 {
    stored.iter().map(|certificate| certificate.number).max().unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:000000000000:key/1";

    fn at(days: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + days * 86_400).unwrap()
    }

    fn certificate(number: u32, origin: CertificateOrigin, chain: &str, days: i64) -> SigningCertificate {
        SigningCertificate {
            number,
            origin,
            key: KEY.to_owned(),
            chain: chain.to_owned(),
            created_at: at(0),
            ends_at: at(days),
        }
    }

    #[test]
    fn latest_own_certificate_with_years_left_is_used() {
        let own = CertificateOrigin::Deployment;
        let stored = [certificate(1, own, "a", 10_950), certificate(2, own, "b", 10_951)];
        let number = |given, now| current_certificate(&stored, KEY, given, now).map(|certificate| certificate.number);
        assert_eq!(number(None, at(0)), Some(2));
        assert_eq!(number(None, at(10_951 - RENEWAL_DAYS)), None);
        assert_eq!(current_certificate(&stored, "another key", None, at(0)), None);
        assert_eq!(next_number(&stored), 3);
        assert_eq!(next_number(&[]), 1);
    }

    #[test]
    fn certificate_of_the_operator_is_used_until_it_ends() {
        let stored = [
            certificate(1, CertificateOrigin::Deployment, "own", 10_950),
            certificate(2, CertificateOrigin::Operator, "first", 365),
            certificate(3, CertificateOrigin::Operator, "second", 730),
        ];
        let number = |given, now| current_certificate(&stored, KEY, given, now).map(|certificate| certificate.number);
        assert_eq!(number(Some("first"), at(0)), Some(2));
        assert_eq!(number(Some("first"), at(365)), None);
        assert_eq!(number(Some("another"), at(0)), None);
        assert_eq!(number(None, at(0)), Some(1));
        assert_eq!(stored[1].days_left(at(335)), 30);
        assert_eq!(stored[1].days_left(at(400)), 0);
    }
}
