//! The signature of an event: <https://docs.stripe.com/webhooks#verify-manually>.

use hex::FromHex;
use jiff::Timestamp;
use ring::hmac;

use super::error::WebhookError;

/// How old, and how far in the future, an event may be.
const TOLERANCE_S: i64 = 300;
const SIGNATURE_BYTES: usize = 32;

/// Whether one of these secrets signed exactly this body, just now.
pub(super) fn check(body: &[u8], header: &str, secrets: &[String], now: Timestamp) -> Result<(), WebhookError> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let mut times = parts().filter(|(name, _)| *name == "t").map(|(_, time)| time);
    let (Some(time), None) = (times.next(), times.next()) else { return Err(WebhookError::Unsigned) };
    let signed_at: i64 = time.parse().map_err(|_| WebhookError::Unsigned)?;
    let signatures: Vec<_> = parts()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, signature)| <[u8; SIGNATURE_BYTES]>::from_hex(signature).ok())
        .collect();
    if signatures.is_empty() {
        return Err(WebhookError::Unsigned);
    }
    let signed = [time.as_bytes(), b".", body].concat();
    let is_signed_with = |secret: &String| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        signatures.iter().any(|signature| hmac::verify(&key, &signed, signature).is_ok())
    };
    if !secrets.iter().any(is_signed_with) {
        return Err(WebhookError::Forged);
    }
    let age = now.as_second().checked_sub(signed_at).map(i64::saturating_abs);
    if age.is_some_and(|age| age <= TOLERANCE_S) { Ok(()) } else { Err(WebhookError::Stale) }
}
