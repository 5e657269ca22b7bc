//! Random ids in the formats of Stripe and PayPal.

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
