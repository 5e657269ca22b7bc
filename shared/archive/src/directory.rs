//! Entries of the central directory.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fields::{
    DEFLATED, FLAGS, Fields, IN_ZIP64_32, MADE_BY, MODE, VERSION, VERSION_ZIP64, ZIP64_EXTRA, dos_time, to_u32,
};

/// Describes a finished file, for the central directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// The name, with slashes between folders.
    pub name: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256 of the content, in hexadecimal digits.
    pub sha256: String,
    /// The CRC-32 of the content.
    pub crc32: u32,
    /// The time of the last change.
    pub modified: Timestamp,
    /// The size in the archive, in bytes.
    pub(crate) deflated: u64,
    /// The offset of the local header in the archive.
    pub(crate) offset: u64,
    /// Whether the local header declares sizes of 64 bits.
    pub(crate) zip64: bool,
}

impl DirectoryEntry {
    /// Appends the header of the central directory (4.3.12).
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let mut zip64_values = Vec::new();
        let mut or_zip64 = |value: u64| {
            to_u32(value).unwrap_or_else(|| {
                zip64_values.extend(value.to_le_bytes());
                IN_ZIP64_32
            })
        };
        // In this order, and each only if its field cannot hold it (4.5.3).
        let (size, deflated, offset) = (or_zip64(self.bytes), or_zip64(self.deflated), or_zip64(self.offset));
        let extra = length(&zip64_values);
        let extra = if extra == 0 { 0 } else { extra + 4 };
        let version = if self.zip64 || extra > 0 { VERSION_ZIP64 } else { VERSION };
        let (time, date) = dos_time(self.modified);
        let fields = Fields(out).bytes(b"PK\x01\x02").u16(MADE_BY).u16(version).u16(FLAGS).u16(DEFLATED);
        let fields = fields.u16(time).u16(date).u32(self.crc32).u32(deflated).u32(size);
        // Name, extra field, comment; the disk; internal and external attributes.
        let fields = fields.u16(length(self.name.as_bytes())).u16(extra).u16(0).u16(0).u16(0).u32(MODE);
        let fields = fields.u32(offset).bytes(self.name.as_bytes());
        if extra > 0 {
            fields.u16(ZIP64_EXTRA).u16(length(&zip64_values)).bytes(&zip64_values);
        }
    }
}

/// Returns the length of bytes that were checked to fit 16 bits.
pub(crate) fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}
