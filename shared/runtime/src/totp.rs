//! One-time codes of authenticator apps: [TOTP](https://www.rfc-editor.org/rfc/rfc6238) with what every app supports, SHA-1,
//! 6 digits and steps of 30 seconds.

use jiff::Timestamp;
use ring::hmac;

/// The length of a secret, in bytes: that of the hash
/// ([RFC 4226](https://www.rfc-editor.org/rfc/rfc4226#section-4), R6).
pub const SECRET_BYTES: usize = 20;
const STEP_S: i64 = 30;
const CODES: u32 = 1_000_000;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Returns the step of a time. Each step has its own code.
#[must_use]
pub fn step(at: Timestamp) -> i64 {
    at.as_second().div_euclid(STEP_S)
}

/// Returns the code of a step, 6 digits.
#[must_use]
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = tag.last().map_or(0, |last| usize::from(last & 0x0f));
    let bits = tag.iter().skip(offset).take(4).fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
    format!("{:06}", (bits & 0x7fff_ffff) % CODES)
}

/// Returns the step whose code this is: the one of `now`, or the one before or after, as clocks differ. `None` for every other
/// code.
#[must_use]
pub fn matching_step(secret: &[u8], given: &str, now: Timestamp) -> Option<i64> {
    let present = step(now);
    [present, present - 1, present + 1].into_iter().find(|step| is_same(&code(secret, *step), given))
}

/// Compares two codes in a time that does not depend on where they differ.
fn is_same(code: &str, given: &str) -> bool {
    let difference = code.bytes().zip(given.bytes()).fold(0, |difference, (one, other)| difference | (one ^ other));
    code.len() == given.len() && difference == 0
}

/// Encodes a secret for an authenticator app, in [base32](https://www.rfc-editor.org/rfc/rfc4648#section-6) without padding.
#[must_use]
pub fn base32(secret: &[u8]) -> String {
    let (mut text, mut bits, mut count) = (String::new(), 0_u32, 0_u32);
    let mut push = |bits: u32| text.extend(BASE32.get((bits & 31) as usize).map(|symbol| char::from(*symbol)));
    for byte in secret {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count);
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        push(bits << (5 - count));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the test vectors, RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_test_vectors() {
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(code(SECRET, step(at(second))), expected, "{second}");
        }
    }

    #[test]
    fn code_is_valid_in_its_step_and_its_neighbours() {
        let found = |second| matching_step(SECRET, "081804", at(second));
        let own = step(at(1_111_111_109));
        for second in [1_111_111_050, 1_111_111_109, 1_111_111_139] {
            assert_eq!(found(second), Some(own), "{second}");
        }
        assert_eq!((found(1_111_111_049), found(1_111_111_140)), (None, None));
        for wrong in ["", "81804", "0818040", "081805", "０８１８０４"] {
            assert_eq!(matching_step(SECRET, wrong, at(1_111_111_109)), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_encoded_as_rfc_4648_does() {
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }
}
