//! What tells whether a file arrived whole: CRC-32 for the archive, SHA-256 for people. Both can be kept and gone on with.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{
    Digest, Sha256,
    digest::common::hazmat::{SerializableState, SerializedState},
};

/// The checksums of the bytes so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Checksums {
    /// How many bytes.
    pub bytes: u64,
    /// Their CRC-32.
    pub crc32: u32,
    #[serde(with = "kept")]
    sha256: Sha256,
}

impl Checksums {
    /// Takes in more.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let mut crc32 = crc32fast::Hasher::new_with_initial_len(self.crc32, self.bytes);
        crc32.update(bytes);
        self.crc32 = crc32.finalize();
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The SHA-256 in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        self.sha256.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The state of a hash. It stays readable as long as the crate keeps its minor version: an archive that is being written
/// while another one is deployed is begun anew.
mod kept {
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
