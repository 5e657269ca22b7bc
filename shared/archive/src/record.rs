//! What the directory says about a file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fields::{
    ELSEWHERE_32, FLAGS, Fields, MADE_BY, MODE, STORED, VERSION, VERSION_ZIP64, ZIP64, dos_time, narrow,
};

/// A file that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
    /// CRC-32 of it.
    pub crc32: u32,
    /// When it was changed last.
    pub modified: Timestamp,
    /// Where it begins in the archive.
    pub(crate) offset: u64,
    /// Whether its header says that its sizes have 64 bits.
    pub(crate) wide: bool,
}

impl DirectoryEntry {
    /// Its header in the central directory (4.3.12).
    pub(crate) fn list(&self, out: &mut Vec<u8>) {
        let mut zip64 = Vec::new();
        let mut or_elsewhere = |value: u64| {
            narrow(value).unwrap_or_else(|| {
                zip64.extend(value.to_le_bytes());
                ELSEWHERE_32
            })
        };
        // In this order, and each only if its field cannot hold it (4.5.3).
        let (size, stored, offset) = (or_elsewhere(self.bytes), or_elsewhere(self.bytes), or_elsewhere(self.offset));
        let extra = length(&zip64);
        let extra = if extra == 0 { 0 } else { extra + 4 };
        let version = if self.wide || extra > 0 { VERSION_ZIP64 } else { VERSION };
        let (time, date) = dos_time(self.modified);
        let fields = Fields(out).bytes(b"PK\x01\x02").u16(MADE_BY).u16(version).u16(FLAGS).u16(STORED);
        let fields = fields.u16(time).u16(date).u32(self.crc32).u32(stored).u32(size);
        // Name, extra field, comment; the disk; internal and external attributes.
        let fields = fields.u16(length(self.name.as_bytes())).u16(extra).u16(0).u16(0).u16(0).u32(MODE);
        let fields = fields.u32(offset).bytes(self.name.as_bytes());
        if extra > 0 {
            fields.u16(ZIP64).u16(length(&zip64)).bytes(&zip64);
        }
    }
}

/// The length of what was checked to be short enough.
pub(crate) fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}
