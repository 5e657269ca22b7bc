//! Seals data that clients store for us, so that they can neither read nor change it, and hashes data with a key.
//!
//! Each purpose has its own key, derived from the application key with HKDF-SHA256
//! ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)). What was sealed for one purpose does not open for another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::{hkdf, hmac};

use crate::clock;

/// The length of the shortest application key, in bytes.
const KEY_LENGTH: usize = 32;
const SALT_LENGTH: usize = 16;

/// Holds the application key.
pub struct Sealer(hkdf::Prk);

/// Says that the application key is too short.
#[derive(Debug, thiserror::Error)]
#[error("the application key has {0} bytes, and needs {KEY_LENGTH}")]
pub struct WeakKey(usize);

impl Sealer {
    /// Takes an application key of 32 random bytes or more.
    ///
    /// # Errors
    /// The key is shorter.
    pub fn new(app_key: &[u8]) -> Result<Self, WeakKey> {
        if app_key.len() < KEY_LENGTH {
            return Err(WeakKey(app_key.len()));
        }
        Ok(Self(hkdf::Salt::new(hkdf::HKDF_SHA256, b"darkroom").extract(app_key)))
    }

    /// Encrypts and authenticates content, and encodes it as base64url. The same content is sealed to a different text every time.
    #[must_use]
    #[expect(clippy::expect_used, reason = "ring fails here only for lengths that these constants rule out")]
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let salt = clock::random::<SALT_LENGTH>();
        let mut sealed = content.to_vec();
        self.message_key(purpose, &salt)
            .and_then(|key| key.seal_in_place_append_tag(only_nonce(), Aad::empty(), &mut sealed))
            .expect("lengths are fixed");
        URL_SAFE_NO_PAD.encode([salt.as_slice(), &sealed].concat())
    }

    /// Opens sealed content; `None` if it is not ours, was changed, or was sealed for another purpose.
    #[must_use]
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (salt, ciphertext) = bytes.split_first_chunk::<SALT_LENGTH>()?;
        let mut content = ciphertext.to_vec();
        let key = self.message_key(purpose, salt).ok()?;
        let length = key.open_in_place(only_nonce(), Aad::empty(), &mut content).ok()?.len();
        content.truncate(length);
        Some(content)
    }

    /// Hashes content with a key (HMAC-SHA256). Without the key the content cannot be found by trial.
    #[must_use]
    #[expect(clippy::expect_used, reason = "ring fails here only for lengths that these constants rule out")]
    pub fn mac(&self, purpose: &str, content: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.mac_key(purpose), content);
        tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Returns the [`mac`](Self::mac) as 64 hexadecimal digits.
    #[must_use]
    pub fn keyed_hash(&self, purpose: &str, content: &[u8]) -> String {
        hex::encode(self.mac(purpose, content))
    }

    /// Tells whether `tag` is the [`mac`](Self::mac) of the content, in constant time.
    #[must_use]
    pub fn verify(&self, purpose: &str, content: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.mac_key(purpose), content, tag).is_ok()
    }

    /// Derives a key for one message. Its 128 bit salt is random, so no key is used twice, and the nonce can be zero.
    fn message_key(&self, purpose: &str, salt: &[u8; SALT_LENGTH]) -> Result<LessSafeKey, Unspecified> {
        let info = [b"seal".as_slice(), salt, purpose.as_bytes()];
        let key: UnboundKey = self.0.expand(&info, &CHACHA20_POLY1305)?.into();
        Ok(LessSafeKey::new(key))
    }

    #[expect(clippy::expect_used, reason = "ring fails here only for lengths that these constants rule out")]
    fn mac_key(&self, purpose: &str) -> hmac::Key {
        let info = [b"mac".as_slice(), purpose.as_bytes()];
        self.0.expand(&info, hmac::HMAC_SHA256).expect("lengths are fixed").into()
    }
}

fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&[byte; 32]).unwrap()
    }

    #[test]
    fn sealed_content_opens_and_differs_every_time() {
        let (one, two) = (sealer(1).seal("cursor", b"here"), sealer(1).seal("cursor", b"here"));
        assert_ne!(one, two);
        assert_eq!(sealer(1).open("cursor", &one).unwrap(), b"here");
        assert_eq!(sealer(1).open("cursor", &two).unwrap(), b"here");
    }

    #[test]
    fn other_purposes_other_keys_and_changes_are_refused() {
        let sealed = sealer(1).seal("cursor", b"here");
        assert!(sealer(1).open("replay", &sealed).is_none());
        assert!(sealer(2).open("cursor", &sealed).is_none());
        for position in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(sealer(1).open("cursor", std::str::from_utf8(&changed).unwrap()).is_none());
        }
    }

    #[test]
    fn text_that_was_not_sealed_is_refused() {
        for garbage in ["", "A", "not base64!", "AAAAAAAAAAAAAAAAAAAAAA", &"A".repeat(100)] {
            assert!(sealer(1).open("cursor", garbage).is_none(), "{garbage}");
        }
    }

    #[test]
    fn keyed_hash_depends_on_key_and_purpose() {
        let tag = sealer(1).mac("window", b"192.0.2.1");
        assert!(sealer(1).verify("window", b"192.0.2.1", &tag));
        assert!(!sealer(1).verify("share", b"192.0.2.1", &tag));
        assert!(!sealer(2).verify("window", b"192.0.2.1", &tag));
        assert!(!sealer(1).verify("window", b"192.0.2.2", &tag));
        assert!(!sealer(1).verify("window", b"192.0.2.1", &tag[..31]));
    }

    #[test]
    fn short_application_key_is_refused() {
        assert!(Sealer::new(&[1; 31]).is_err());
    }
}
