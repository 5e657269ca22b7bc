//! Time stamps of an authority (RFC 3161): what is asked for, and the check of an answer before it is embedded.
//!
//! The authority learns a hash of a signature and when it was made: neither the file nor who it belongs to.

use c2pa::{
    crypto::{
        cose::CertificateTrustPolicy,
        time_stamp::{TimeStampError as Refusal, tsa_signer_cert_der_from_token, verify_time_stamp},
    },
    status_tracker::StatusTracker,
};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use x509_parser::{
    asn1_rs::{Any, FromDer, Tag},
    prelude::X509Certificate,
};

/// The largest answer of an authority, in bytes. Each file that is to have a time stamp has so much space for it.
pub const MAX_TIME_STAMP_BYTES: usize = 12 << 10;
/// How far the time of an authority may be from that of the manifest.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);
/// The beginning of a `TimeStampReq` (RFC 3161, 2.4.1) for a hash with SHA-256, up to the hash: its length and its version, and the
/// identifier of the algorithm, without parameters (RFC 5754, 2).
const BEFORE_HASH: &[u8] = &[
    0x30, 0x41, 0x02, 0x01, 0x01, 0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
    0x01, 0x04, 0x20,
];
/// The tag and the length of the nonce, after the hash.
const BEFORE_NONCE: &[u8] = &[0x02, 0x08];
/// That the answer is to contain the certificate of the authority.
const AFTER_NONCE: &[u8] = &[0x01, 0x01, 0xff];

/// Calls a time-stamping authority.
pub trait TimeStampAuthority: Send + Sync {
    /// Returns bytes that nobody can guess.
    fn nonce(&self) -> [u8; 8];

    /// Sends a request (`TimeStampReq`, DER) and returns the answer (`TimeStampResp`, DER). May block.
    ///
    /// # Errors
    /// There is no answer.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

/// What became of the time stamp of a signature.
#[derive(Debug)]
pub enum TimeStamp {
    /// The signer has no authority, so none was asked for.
    NotAsked,
    /// The signature has a time stamp that names this time.
    Given(Timestamp),
    /// The signature has none, although the signer has an authority.
    Missing(TimeStampError),
}

/// Says why a signature has no time stamp.
#[derive(Debug, thiserror::Error)]
pub enum TimeStampError {
    /// The authority could not be asked.
    #[error("the time-stamping authority did not answer: {0}")]
    NoAnswer(String),
    /// The answer is too large to be embedded.
    #[error("the answer of the time-stamping authority has {0} bytes, more than {MAX_TIME_STAMP_BYTES}")]
    TooLarge(usize),
    /// The answer is no response with a time stamp in it: the authority refused, or it is something else.
    #[error("the time-stamping authority gave no time stamp: {0}")]
    NotGiven(String),
    /// The time stamp is not signed as it should be, or for something else than this signature.
    #[error("the time stamp is not right: {0}")]
    NotValid(String),
    /// The time stamp answers another request.
    #[error("the time stamp is for another request")]
    OtherNonce,
    /// The certificate of its signer is not for time stamps.
    #[error("the time stamp is not signed by a time-stamping authority")]
    NotAnAuthority,
    /// It names a time that is more than an hour away.
    #[error("the time stamp names a time that is more than an hour away: {0}")]
    OtherTime(Timestamp),
}

/// Asks an authority for a time stamp of a message, and checks the answer. Returns it with the time that it names.
pub(crate) fn ask(
    authority: &dyn TimeStampAuthority,
    message: &[u8],
    now: Timestamp,
) -> Result<(Vec<u8>, Timestamp), TimeStampError> {
    let nonce = positive(authority.nonce());
    let answer =
        authority.ask(&request(message, nonce)).map_err(|error| TimeStampError::NoAnswer(error.to_string()))?;
    let at = check(&answer, message, nonce, now)?;
    Ok((answer, at))
}

/// Makes a nonce a positive number of eight bytes, so that DER has one way to write it.
fn positive([first, rest @ ..]: [u8; 8]) -> [u8; 8] {
    let [b1, b2, b3, b4, b5, b6, b7] = rest;
    [first & 0x3f | 0x40, b1, b2, b3, b4, b5, b6, b7]
}

/// Writes the request for a time stamp of a message (`TimeStampReq`, DER).
pub(crate) fn request(message: &[u8], nonce: [u8; 8]) -> Vec<u8> {
    [BEFORE_HASH, digest(&SHA256, message).as_ref(), BEFORE_NONCE, &nonce, AFTER_NONCE].concat()
}

/// Checks that an answer is a time stamp for this message and this nonce, that its signature is right, that its signer may give
/// time stamps, and that the time is about `now`. Whether the signer is trusted is for those to decide who check the file.
pub(crate) fn check(
    answer: &[u8],
    message: &[u8],
    nonce: [u8; 8],
    now: Timestamp,
) -> Result<Timestamp, TimeStampError> {
    if answer.len() > MAX_TIME_STAMP_BYTES {
        return Err(TimeStampError::TooLarge(answer.len()));
    }
    if !has_token(answer) {
        return Err(TimeStampError::NotGiven("it is no response with a time stamp in it".to_owned()));
    }
    let (policy, mut log) = (CertificateTrustPolicy::passthrough(), StatusTracker::default());
    let stamp = verify_time_stamp(answer, message, &policy, &mut log, false).map_err(|error| match error {
        Refusal::DecodeError(what) => TimeStampError::NotGiven(what),
        error => TimeStampError::NotValid(error.to_string()),
    })?;
    if stamp.nonce.is_none_or(|given| given.as_slice() != nonce) {
        return Err(TimeStampError::OtherNonce);
    }
    if !is_authority(answer) {
        return Err(TimeStampError::NotAnAuthority);
    }
    let seconds = i64::try_from(stamp.gen_time.as_der_time().to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    if at.duration_since(now).abs() > TOLERANCE {
        return Err(TimeStampError::OtherTime(at));
    }
    Ok(at)
}

/// Says whether an answer is a whole `TimeStampResp` with a token (RFC 3161, 2.4.2): a sequence of a status, which is a sequence that
/// begins with a number, and of a token. A token alone would pass the check of it, but cannot be embedded.
fn has_token(answer: &[u8]) -> bool {
    let read = || {
        let (rest, response) = Any::from_der(answer).ok()?;
        let (token, status) = Any::from_der(response.data).ok()?;
        let (_, code) = Any::from_der(status.data).ok()?;
        let (end, token) = Any::from_der(token).ok()?;
        let is_sequence = [&response, &status, &token].iter().all(|part| part.tag() == Tag::Sequence);
        Some(is_sequence && code.tag() == Tag::Integer && rest.is_empty() && end.is_empty())
    };
    read().unwrap_or(false)
}

/// Says whether the certificate that signed a time stamp is for that and nothing else (RFC 3161, 2.3).
fn is_authority(answer: &[u8]) -> bool {
    let Ok(Some(certificate)) = tsa_signer_cert_der_from_token(answer) else { return false };
    let Ok((_, certificate)) = X509Certificate::from_der(&certificate) else { return false };
    let Ok(Some(purposes)) = certificate.extended_key_usage() else { return false };
    let others = [
        purposes.value.any,
        purposes.value.server_auth,
        purposes.value.client_auth,
        purposes.value.code_signing,
        purposes.value.email_protection,
        purposes.value.ocsp_signing,
        !purposes.value.other.is_empty(),
    ];
    purposes.critical && purposes.value.time_stamping && !others.contains(&true)
}
