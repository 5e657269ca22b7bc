//! Reading numbers at an offset: `None` where the bytes end, so that no offset can panic or wrap.

use std::ops::Range;

pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(crate) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// A `u32` of a file as a `usize`. Nothing here runs where `usize` is smaller; there it would saturate and so be
/// out of every file's bounds.
pub(crate) fn size(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// The range of `length` bytes from `at`, if `end` leaves room for it.
pub(crate) fn span(at: usize, length: u64, end: usize) -> Option<Range<usize>> {
    let stop = at.checked_add(usize::try_from(length).ok()?)?;
    (stop <= end).then_some(at..stop)
}

/// Overwrites a range with zeros; a range outside the bytes is cut to them.
pub(crate) fn zero(bytes: &mut [u8], range: Range<usize>) {
    let end = range.end.min(bytes.len());
    if let Some(part) = bytes.get_mut(range.start.min(end)..end) {
        part.fill(0);
    }
}

/// Overwrites the bytes at `at`. Does nothing if they do not fit.
pub(crate) fn write(bytes: &mut [u8], at: usize, new: &[u8]) {
    if let Some(part) = at.checked_add(new.len()).and_then(|end| bytes.get_mut(at..end)) {
        part.copy_from_slice(new);
    }
}
