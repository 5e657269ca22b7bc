//! Limits that hold for every file.

/// The longest accepted side, in pixels. It is the limit of the WebP format, and more than any provider generates.
pub const MAX_SIDE_PX: u32 = 16_383;

/// The largest accepted area, in pixels. A photo of a 48-megapixel camera fits; it takes 200 MB once decoded.
pub const MAX_PIXELS: u64 = 50_000_000;

/// The longest accepted video, in milliseconds. Plans set their own, lower limits.
pub const MAX_DURATION_MS: u64 = 60 * 60 * 1000;
