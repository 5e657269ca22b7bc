//! A key of the fake KMS.

use p256::ecdsa::{DerSignature, Signature, SigningKey, signature::hazmat::PrehashSigner};

/// The beginning of a public key on P-256 as `SubjectPublicKeyInfo` (RFC 5480).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key that signs as one of KMS of the kind `ECC_NIST_P256`.
#[derive(Clone, Debug)]
pub struct Key(SigningKey);

impl Key {
    /// Returns the key with this number, from 1: the same each time. `None` for 0.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        SigningKey::from_slice(&[number; 32]).ok().map(Self)
    }

    /// Returns the public key as `SubjectPublicKeyInfo`, DER.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        [&P256, self.0.verifying_key().to_encoded_point(false).as_bytes()].concat()
    }

    /// Signs a SHA-256 digest. Returns the signature as DER.
    ///
    /// # Errors
    /// The digest is too short.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, p256::ecdsa::Error> {
        let signature: Signature = self.0.sign_prehash(digest)?;
        Ok(DerSignature::from(signature).as_bytes().to_vec())
    }
}
