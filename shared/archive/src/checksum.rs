//! The checksums of a file: CRC-32 for the archive, SHA-256 for people. Their state can be stored and resumed.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{
    Digest, Sha256,
    digest::common::hazmat::{SerializableState, SerializedState},
};

/// Holds the checksums of the bytes so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checksums {
    /// The number of bytes.
    pub bytes: u64,
    /// The CRC-32 of the bytes.
    pub crc32: u32,
    #[serde(with = "sha256_state")]
    sha256: Sha256,
}

impl Checksums {
    /// Adds more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let mut crc32 = crc32fast::Hasher::new_with_initial_len(self.crc32, self.bytes);
        crc32.update(bytes);
        self.crc32 = crc32.finalize();
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Returns the SHA-256 in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(self.sha256.clone().finalize())
    }
}

/// Serializes the state of a hash. A stored state stays readable as long as `sha2` keeps its minor version: after an
/// update of it, an archive in progress starts over.
mod sha256_state {
    use super::{
        Deserialize, Deserializer, Engine, Error, STANDARD_NO_PAD, SerializableState, Serialize, SerializedState,
        Serializer, Sha256,
    };

    pub(super) fn serialize<S: Serializer>(sha256: &Sha256, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD_NO_PAD.encode(SerializableState::serialize(sha256)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sha256, D::Error> {
        let state = STANDARD_NO_PAD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        let state = SerializedState::<Sha256>::try_from(state.as_slice()).map_err(D::Error::custom)?;
        <Sha256 as SerializableState>::deserialize(&state).map_err(D::Error::custom)
    }
}
