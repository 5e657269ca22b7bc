//! Ids that look like the real ones.

use ring::digest::{SHA256, digest};
use runtime::clock;

const ALPHANUMERIC: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const UPPERCASE: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX: &[u8] = b"0123456789abcdef";

/// An id of Stripe's, such as `pi_3...`.
pub(crate) fn stripe(prefix: &str) -> String {
    format!("{prefix}{}", spell(&clock::random::<23>(), ALPHANUMERIC))
}

/// An id of a checkout session, which is longer than the others.
pub(crate) fn session() -> String {
    format!("cs_test_a1{}", spell(&clock::random::<56>(), ALPHANUMERIC))
}

/// The id of an order, a capture or a refund at PayPal.
pub(crate) fn paypal() -> String {
    spell(&clock::random::<17>(), UPPERCASE)
}

/// PayPal's id of one message.
pub(crate) fn track() -> String {
    spell(&clock::random::<13>(), HEX)
}

/// The same for the same card, as [Stripe's](https://docs.stripe.com/api/charges/object) is.
pub(crate) fn fingerprint(card: &str) -> String {
    spell(digest(&SHA256, card.as_bytes()).as_ref().iter().take(16), ALPHANUMERIC)
}

/// The same for the same address, as the id of a payer at PayPal is.
pub(crate) fn payer(email: &str) -> String {
    spell(digest(&SHA256, email.as_bytes()).as_ref().iter().take(13), UPPERCASE)
}

fn spell<'a>(bytes: impl IntoIterator<Item = &'a u8>, alphabet: &[u8]) -> String {
    bytes
        .into_iter()
        .filter_map(|byte| alphabet.iter().cycle().nth(usize::from(*byte)))
        .map(|c| char::from(*c))
        .collect()
}
