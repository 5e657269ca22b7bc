use sha2::{Digest, Sha256};

/// The secret that hides the watermark. It decides the waves and the check of each mark.
#[derive(Clone)]
pub struct WatermarkKey([u8; 32]);

impl WatermarkKey {
    /// Takes 32 bytes that nobody can guess.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    fn hash(&self, purpose: &[u8], number: u64) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(purpose);
        hasher.update(number.to_be_bytes());
        hasher.finalize().into()
    }

    /// Bytes that only the key's owner can predict.
    pub(super) fn stream(&self, purpose: &'static [u8]) -> impl Iterator<Item = u8> {
        let key = self.clone();
        (0..).flat_map(move |number| key.hash(purpose, number))
    }

    /// The check of a mark: 40 bits that are right by chance once in 10^12 times.
    pub(super) fn check(&self, mark: u64) -> u64 {
        let bytes = self.hash(b"check", mark).into_iter().take(5);
        bytes.fold(0, |check, byte| (check << 8) | u64::from(byte))
    }
}

/// Shows no secret.
impl std::fmt::Debug for WatermarkKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WatermarkKey")
    }
}
