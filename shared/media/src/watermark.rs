//! An invisible watermark: 64 bits in the pixels, which survive compression, resizing and cropping.
//!
//! The watermark is a square tile of 127 by 127 cells that repeats over the whole picture. The tile is a sum of waves of
//! middle frequency: high enough to be hard to see, low enough to survive JPEG and half the size. A secret key decides
//! which waves show where the tile begins, and which carry the bits and with which phase. The amplitude follows the
//! texture of the picture.
//!
//! The 64 bits are protected by a check of 40 bits that depends on the key, a convolutional code of rate 1/4, and
//! repetition. Without the key, a mark can neither be read nor made.
//!
//! The modules are layers: `key`, `plane`, `texture`, `code` and `waves` are independent steps; `tile` draws and folds
//! tiles; `embed` and `detect` use them all, and `file` uses these.

mod code;
mod detect;
mod embed;
mod file;
mod key;
mod plane;
mod texture;
mod tile;
mod waves;

pub use detect::{Detected, Frames, detect};
pub use embed::{Embedding, embed};
pub use file::{detect_file, embed_file};
pub use key::WatermarkKey;

/// The purpose for which the key of a deployment is derived from its application key.
pub const WATERMARK_KEY: &str = "watermark key";

/// The shortest side of a picture that can be marked, in pixels: about one and a half tiles.
pub const MIN_SIDE_PX: u32 = 192;
