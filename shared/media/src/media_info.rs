//! Plain data about a file: its type, dimensions and duration.

use crate::media_type::MediaType;
use crate::orientation::Orientation;

/// Holds what a file's structure says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaInfo {
    /// The type, by content.
    pub media_type: MediaType,
    /// The width in pixels, as a viewer shows it.
    pub width: u32,
    /// The height in pixels, as a viewer shows it.
    pub height: u32,
    /// The duration in milliseconds, rounded up; `None` for images.
    pub duration_ms: Option<u64>,
}

/// Holds what a container's headers declare, before limits are applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContainerInfo {
    /// The width in pixels, as a viewer shows it.
    pub(crate) width: u64,
    /// The height in pixels, as a viewer shows it.
    pub(crate) height: u64,
    pub(crate) duration_ms: Option<u64>,
}

/// Holds what an image's headers declare, before limits are applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageHeader {
    /// The width in pixels, as coded.
    pub(crate) width: u32,
    /// The height in pixels, as coded.
    pub(crate) height: u32,
    pub(crate) orientation: Option<Orientation>,
}

impl ImageHeader {
    /// Applies the orientation to the dimensions.
    pub(crate) fn container_info(self) -> ContainerInfo {
        let (width, height) = if self.orientation.is_some_and(Orientation::swaps_sides) {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        ContainerInfo { width: width.into(), height: height.into(), duration_ms: None }
    }
}
