//! Constants and field encodings of the format.

use jiff::{Timestamp, tz::TimeZone};

/// General purpose bit 3: checksum and sizes follow the bytes; bit 11: the name is UTF-8 (4.4.4).
pub(crate) const FLAGS: u16 = 1 << 3 | 1 << 11;
/// Deflated (4.4.5).
pub(crate) const DEFLATED: u16 = 8;
/// The version that a reader needs: 2.0, or 4.5 for ZIP64 (4.4.3.2).
pub(crate) const VERSION: u16 = 20;
pub(crate) const VERSION_ZIP64: u16 = 45;
/// Made on Unix, which the file mode belongs to, by version 4.5 (4.4.2).
pub(crate) const MADE_BY: u16 = 3 << 8 | VERSION_ZIP64;
/// A regular file with mode 0644 (4.4.15).
pub(crate) const MODE: u32 = 0o100_644 << 16;
/// The id of the extra field of ZIP64 (4.5.3).
pub(crate) const ZIP64_EXTRA: u16 = 1;
/// The placeholder of a field whose value is in the extra field of ZIP64, or in its end record.
pub(crate) const IN_ZIP64_16: u16 = u16::MAX;
pub(crate) const IN_ZIP64_32: u32 = u32::MAX;

/// Appends little-endian numbers and bytes to a buffer.
pub(crate) struct Fields<'a>(pub &'a mut Vec<u8>);

impl Fields<'_> {
    pub(crate) fn u16(self, value: u16) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn u64(self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn bytes(self, value: &[u8]) -> Self {
        self.0.extend(value);
        self
    }
}

/// Returns the number for a field of 32 bits if it fits. The largest number is the placeholder of ZIP64 and does not.
pub(crate) fn to_u32(value: u64) -> Option<u32> {
    u32::try_from(value).ok().filter(|value| *value != IN_ZIP64_32)
}

/// Returns time and date in MS-DOS format (4.4.6), in UTC, with a precision of two seconds. Years before 1980 and after
/// 2107 become the first and the last time that the format has.
pub(crate) fn dos_time(at: Timestamp) -> (u16, u16) {
    let at = TimeZone::UTC.to_datetime(at);
    let field = |value: i8| u16::try_from(value).unwrap_or(0);
    if at.year() < 1980 {
        return (0, 1 << 5 | 1);
    }
    if at.year() > 2107 {
        return (23 << 11 | 59 << 5 | 29, 127 << 9 | 12 << 5 | 31);
    }
    let years = u16::try_from(at.year() - 1980).unwrap_or(0);
    let time = field(at.hour()) << 11 | field(at.minute()) << 5 | (field(at.second()) / 2);
    (time, years << 9 | field(at.month()) << 5 | field(at.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(at: &str, seen: (u16, u16, u16, u16, u16, u16)) {
        let (time, date) = dos_time(at.parse().unwrap());
        let found = (1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2);
        assert_eq!(found, seen, "{at}");
    }

    #[test]
    fn dos_time_has_two_second_precision_and_is_clamped_to_its_range() {
        check("2026-11-22T23:04:59Z", (2026, 11, 22, 23, 4, 58));
        check("1969-07-20T20:17:40Z", (1980, 1, 1, 0, 0, 0));
        check("2108-01-01T00:00:00Z", (2107, 12, 31, 23, 59, 58));
    }

    #[test]
    fn largest_32_bit_number_does_not_fit_its_field() {
        assert_eq!(to_u32(0xffff_fffe), Some(0xffff_fffe));
        assert_eq!(to_u32(0xffff_ffff), None);
        assert_eq!(to_u32(0x1_0000_0000), None);
    }
}
