//! The deflate format ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951), 3.2.4), without compression.

/// The most bytes of a block.
const BLOCK_BYTES: u64 = u16::MAX as u64;
/// The bytes of a block besides its content.
const BLOCK_HEAD_BYTES: u64 = 5;

/// The size of the last block, which is empty.
pub(crate) const END_BYTES: u64 = BLOCK_HEAD_BYTES;

/// Returns how many bytes [`append`] appends for this many.
pub(crate) const fn size(bytes: u64) -> u64 {
    bytes + bytes.div_ceil(BLOCK_BYTES) * BLOCK_HEAD_BYTES
}

/// Appends bytes in blocks that are stored as they are.
pub(crate) fn append(bytes: &[u8], out: &mut Vec<u8>) {
    for content in bytes.chunks(usize::from(u16::MAX)) {
        append_block(0, content, out);
    }
}

/// Appends the last block.
pub(crate) fn append_end(out: &mut Vec<u8>) {
    append_block(1, &[], out);
}

fn append_block(is_last: u8, content: &[u8], out: &mut Vec<u8>) {
    // Chunks are not longer.
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    out.push(is_last);
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend_from_slice(content);
}
