//! Limits that hold for every file.

/// The longest accepted side, in pixels. It is the limit of the WebP format, and more than any provider generates.
pub const MAX_SIDE_PX: u32 = 16_383;

/// The largest accepted area, in pixels. A photo of a phone with 50 megapixels (8160x6144) fits. An image takes 256 MB once
/// decoded.
pub const MAX_PIXELS: u64 = 64_000_000;

/// The longest accepted video, in milliseconds.
pub const MAX_DURATION_MS: u64 = 5 * 60 * 1000;
