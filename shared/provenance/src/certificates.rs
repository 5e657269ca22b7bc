//! Certificate chains of the key that signs manifests.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};
use x509_parser::{oid_registry, pem::Pem, prelude::X509Certificate};

/// The years for which a chain of the deployment's own is valid. A manifest without a time stamp can be checked only as long.
const VALID_YEARS: i16 = 30;
/// The C2PA purpose of a certificate, `c2pa-kp-claimSigning` (C2PA 2.2, 14.4.2).
const CLAIM_SIGNING: &[u64] = &[1, 3, 6, 1, 4, 1, 62558, 2, 1];
/// The beginning of the public key of an elliptic curve P-256 as `SubjectPublicKeyInfo` (RFC 5480); the point follows, 65 bytes.
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT_BYTES: usize = 65;

/// Says why there is no certificate chain.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The text is no PEM, or what it contains is no certificate.
    #[error("the certificate chain is not PEM: {0}")]
    Unreadable(String),
    /// The text has no certificate.
    #[error("the certificate chain is empty")]
    Empty,
    /// The first certificate is one of a certificate authority, or only self-signed.
    #[error("the first certificate of the chain must be the one of the signing key, signed by an authority")]
    NotALeaf,
    /// The first certificate may not be used for signatures of manifests.
    #[error("the first certificate of the chain has no purpose that C2PA accepts, such as c2pa-kp-claimSigning")]
    WrongPurpose,
    /// The first certificate has another public key than the signing key.
    #[error("the first certificate of the chain is not for the signing key")]
    OtherKey,
    /// A certificate is not valid at this time.
    #[error("a certificate of the chain is not valid now")]
    NotValidNow,
    /// The public key is of another kind than ECDSA with the curve P-256.
    #[error("the signing key is not of the kind ECC_NIST_P256")]
    UnsupportedKey,
    /// The certificate could not be made.
    #[error("the certificate could not be made: {0}")]
    Issue(#[from] rcgen::Error),
}

/// A certificate chain, the certificate of the signing key first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateChain {
    pem: String,
    certificates: Vec<Vec<u8>>,
    public_key: Vec<u8>,
    begins_at: Timestamp,
    ends_at: Timestamp,
}

impl CertificateChain {
    /// Reads a chain from PEM.
    ///
    /// # Errors
    /// It has no certificate, or the first one cannot sign manifests.
    pub fn parse(pem: &str) -> Result<Self, CertificateError> {
        let unreadable = |error: &dyn std::fmt::Display| CertificateError::Unreadable(error.to_string());
        let mut certificates = Vec::new();
        for block in Pem::iter_from_buffer(pem.as_bytes()) {
            let block = block.map_err(|error| unreadable(&error))?;
            if block.label != "CERTIFICATE" {
                return Err(unreadable(&format!("it contains {}", block.label)));
            }
            certificates.push(block);
        }
        let chain: Result<Vec<_>, _> = certificates.iter().map(Pem::parse_x509).collect();
        let chain = chain.map_err(|error| unreadable(&error))?;
        let leaf = chain.first().ok_or(CertificateError::Empty)?;
        if leaf.is_ca() || leaf.subject() == leaf.issuer() {
            return Err(CertificateError::NotALeaf);
        }
        if !signs_manifests(leaf) {
            return Err(CertificateError::WrongPurpose);
        }
        let time = |second: i64| Timestamp::from_second(second).map_err(|error| unreadable(&error));
        // Who checks a file checks each of them.
        let begins_at = chain.iter().map(|one| one.validity().not_before.timestamp()).max();
        let ends_at = chain.iter().map(|one| one.validity().not_after.timestamp()).min();
        Ok(Self {
            public_key: leaf.public_key().raw.to_vec(),
            begins_at: time(begins_at.unwrap_or_default())?,
            ends_at: time(ends_at.unwrap_or_default())?,
            pem: pem.to_owned(),
            certificates: certificates.into_iter().map(|block| block.contents).collect(),
        })
    }

    /// Makes a chain for a public key (`SubjectPublicKeyInfo`, DER) that is valid from `now` on: the certificate of the key and that
    /// of a certificate authority whose own key is forgotten. Each call makes another authority. Nobody else trusts it, and its
    /// name says so.
    ///
    /// # Errors
    /// The key is of another kind than P-256.
    pub fn issue(public_key: &[u8], now: Timestamp) -> Result<Self, CertificateError> {
        let point = public_key.strip_prefix(P256_PREFIX).filter(|point| point.len() == POINT_BYTES);
        let point = point.ok_or(CertificateError::UnsupportedKey)?;

        let mut authority = parameters("Darkroom certificate authority of one deployment (on no trust list)", now)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let authority_pem = authority.self_signed(&authority_key)?.pem();

        let mut leaf = parameters("Darkroom", now)?;
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::Other(CLAIM_SIGNING.to_vec()), ExtendedKeyUsagePurpose::EmailProtection];
        let leaf = leaf.signed_by(&Point(point.to_vec()), &Issuer::new(authority, authority_key))?;
        Self::parse(&format!("{}{authority_pem}", leaf.pem()))
    }

    /// Checks that this chain can be used at `now` with the signing key, whose public key (`SubjectPublicKeyInfo`, DER) this is.
    ///
    /// # Errors
    /// It is for another key, or not valid now.
    pub fn check(&self, public_key: &[u8], now: Timestamp) -> Result<(), CertificateError> {
        if self.public_key != public_key {
            return Err(CertificateError::OtherKey);
        }
        if now < self.begins_at || now >= self.ends_at {
            return Err(CertificateError::NotValidNow);
        }
        Ok(())
    }

    /// Returns the chain as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns when the first of the certificates ends.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// Returns the certificates as DER, the one of the signing key first.
    pub(crate) fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }
}

/// Says whether a certificate has a purpose that C2PA validators accept by default.
fn signs_manifests(leaf: &X509Certificate<'_>) -> bool {
    let Ok(Some(purposes)) = leaf.extended_key_usage() else { return false };
    let claim_signing = CLAIM_SIGNING.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    let document_signing = "1.3.6.1.5.5.7.3.36";
    !purposes.value.any
        && (purposes.value.email_protection
            || purposes
                .value
                .other
                .iter()
                .any(|oid| [claim_signing.as_str(), document_signing].contains(&oid.to_id_string().as_str())))
        && leaf.public_key().algorithm.algorithm == oid_registry::OID_KEY_TYPE_EC_PUBLIC_KEY
}

fn parameters(name: &str, now: Timestamp) -> Result<CertificateParams, CertificateError> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.distinguished_name.push(DnType::OrganizationName, "Darkroom");
    // A day early, for clocks that are late.
    let begin = (now - SignedDuration::from_hours(24)).to_zoned(TimeZone::UTC).date();
    let date = |year: i16| {
        rcgen::date_time_ymd(i32::from(year), begin.month().unsigned_abs(), begin.day().unsigned_abs().min(28))
    };
    parameters.not_before = date(begin.year());
    parameters.not_after = date(begin.year() + VALID_YEARS);
    Ok(parameters)
}

/// The point of a public key on P-256.
struct Point(Vec<u8>);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
