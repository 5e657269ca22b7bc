//! The one Exif tag that pictures keep: without it a viewer would turn them.

use crate::read;

/// The tag's number in IFD 0 (Exif 2.32, 4.6.4 A).
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// An orientation other than upright: 2 to 8, as Exif numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    /// Finds the tag in the TIFF structure of an Exif block. Upright, absent and unreadable are all `None`: viewers
    /// treat them the same.
    pub(crate) fn find(tiff: &[u8]) -> Option<Self> {
        let little = match tiff.get(..4)? {
            [b'I', b'I', 42, 0] => true,
            [b'M', b'M', 0, 42] => false,
            _ => return None,
        };
        let u16_at = |bytes, at| if little { read::u16_le(bytes, at) } else { read::u16_be(bytes, at) };
        let u32_at = |bytes, at| if little { read::u32_le(bytes, at) } else { read::u32_be(bytes, at) };
        let ifd = read::size(u32_at(tiff, 4)?);
        let count = usize::from(u16_at(tiff, ifd)?);
        let entries = tiff.get(ifd.checked_add(2)?..)?.chunks_exact(12).take(count);
        entries
            .filter(|entry| u16_at(entry, 0) == Some(ORIENTATION) && u16_at(entry, 2) == Some(SHORT))
            .find_map(|entry| u16_at(entry, 8))
            .and_then(|value| u8::try_from(value).ok())
            .filter(|value| (2..=8).contains(value))
            .map(Self)
    }

    /// A TIFF structure that holds this tag and nothing else.
    pub(crate) const fn to_tiff(self) -> [u8; 26] {
        #[rustfmt::skip]
        let tiff = [
            b'M', b'M', 0, 42, 0, 0, 0, 8,
            0, 1,
            0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, self.0, 0, 0,
            0, 0, 0, 0,
        ];
        tiff
    }

    /// The number that Exif gives it.
    pub(crate) const fn exif(self) -> u8 {
        self.0
    }

    /// Whether the picture is shown with width and height exchanged.
    pub(crate) const fn swaps_sides(self) -> bool {
        self.0 >= 5
    }
}
