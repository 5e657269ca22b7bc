//! Random ids in the formats of Stripe and PayPal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use runtime::clock;

const ALPHANUMERIC: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const UPPERCASE: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX: &[u8] = b"0123456789abcdef";

/// Returns a new Stripe id with this prefix, such as `pi_3`.
pub(crate) fn stripe(prefix: &str) -> String {
    format!("{prefix}{}", encode(&clock::random::<23>(), ALPHANUMERIC))
}

/// Returns a new id of a Stripe checkout session.
pub(crate) fn stripe_session() -> String {
    format!("cs_test_a1{}", encode(&clock::random::<56>(), ALPHANUMERIC))
}

/// Returns a new id of a PayPal order, capture or refund.
pub(crate) fn paypal() -> String {
    encode(&clock::random::<17>(), UPPERCASE)
}

/// Returns a new `ipn_track_id`, which also serves as `debug_id` and nonce.
pub(crate) fn paypal_track_id() -> String {
    encode(&clock::random::<13>(), HEX)
}

/// Returns a new id of an event of PayPal.
pub(crate) fn paypal_event() -> String {
    format!("WH-{}-{}", paypal(), paypal())
}

/// Returns a new id of a transmission of PayPal, such as `103e3700-8b0c-11e6-8695-6b62a8a99ac4`.
pub(crate) fn paypal_transmission() -> String {
    let hex = encode(&clock::random::<32>(), HEX);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
    parts.join("-")
}

/// Returns a text that looks like a signature of PayPal.
pub(crate) fn paypal_signature() -> String {
    STANDARD.encode(clock::random::<256>())
}

/// Returns the fingerprint of a card or bank account at [Stripe](https://docs.stripe.com/api/charges/object). The same number
/// has the same fingerprint.
pub(crate) fn fingerprint(number: &str) -> String {
    encode(digest(&SHA256, number.as_bytes()).as_ref().iter().take(16), ALPHANUMERIC)
}

/// Returns the id of a PayPal payer. The same email address has the same id.
pub(crate) fn paypal_payer(email: &str) -> String {
    encode(digest(&SHA256, email.as_bytes()).as_ref().iter().take(13), UPPERCASE)
}

fn encode<'a>(bytes: impl IntoIterator<Item = &'a u8>, alphabet: &[u8]) -> String {
    bytes
        .into_iter()
        .filter_map(|byte| alphabet.iter().cycle().nth(usize::from(*byte)))
        .map(|c| char::from(*c))
        .collect()
}
