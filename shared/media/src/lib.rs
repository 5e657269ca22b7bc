//! Inspects, cleans, marks and previews images and videos.
//!
//! The crate is pure: no I/O and no clock. Every parser is total: whatever the input, it ends with a value or a
//! [`MediaError`], in time and memory that grow with the input's length, without recursion.
//!
//! Dimensions are in pixels as a viewer shows them, with the file's orientation applied.
//!
//! [`sniff`], [`inspect`] and [`strip_metadata`] read containers and never decode. [`normalize_image`],
//! [`check_output`], [`fit_image`] and [`perceptual_hash`] decode images; [`create_preview`] and [`square_of`] decode images and H.264. [`watermark`] decodes both, and encodes them
//! again.
//!
//! The modules are layers: plain data (`media_type`, `unsupported_format`, `limits`, `error`, `orientation`,
//! `media_info`) and byte access (`read`), then one module for each format, then `sniff`, `inspect` and `decode`, which
//! dispatch to the formats, then the operations. A module imports only from layers below its own.

mod aigc;
mod colors;
mod decode;
mod error;
mod fit;
mod inks;
mod inspect;
mod jpeg;
mod label;
mod limits;
mod media_info;
mod media_type;
mod mp4;
mod normalize;
mod orientation;
mod output;
mod pdq;
mod png;
mod preview;
mod provenance;
mod read;
mod sniff;
mod strip;
mod unsupported_format;
pub mod watermark;
mod webm;
mod webp;

#[cfg(test)]
mod tests;

pub use aigc::AigcLabel;
pub use error::MediaError;
pub use fit::{ImageLimits, fit_image, square_of};
pub use inspect::inspect;
pub use label::{InvalidLabel, MAX_LABEL_CHARACTERS, VisibleLabel};
pub use limits::{MAX_DURATION_MS, MAX_PIXELS, MAX_SIDE_PX};
pub use media_info::MediaInfo;
pub use media_type::{FileKind, MediaType, UnknownMediaType};
pub use normalize::normalize_image;
pub use output::{OutputRequirements, check_output};
pub use pdq::perceptual_hash;
pub use preview::{Preview, create_preview};
pub use provenance::{MAX_NOTE_BYTES, check_markable, mark_generated, stated_source};
pub use sniff::sniff;
pub use strip::strip_metadata;
pub use unsupported_format::UnsupportedFormat;
