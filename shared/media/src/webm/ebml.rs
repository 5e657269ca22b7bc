//! The elements of an EBML document (RFC 8794), read one at a time by offset, so that the bytes can be edited
//! between two reads.

use crate::error::MediaError;
use crate::media_type::MediaType;
use crate::read;

const VOID: u8 = 0xEC;

/// Where an element lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    /// With its length marker, as specifications print it.
    pub(super) id: u32,
    pub(super) start: usize,
    pub(super) body: usize,
    pub(super) end: usize,
    /// Whether the element leaves its size open; `end` is then where the parent ends.
    pub(super) open: bool,
}

impl Element {
    /// Reads the element at `start`, if `end` is not reached.
    pub(super) fn read(file: &[u8], start: usize, end: usize) -> Result<Option<Self>, MediaError> {
        if start >= end {
            return Ok(None);
        }
        let part = file.get(..end).unwrap_or(file);
        let first = *part.get(start).ok_or(truncated("an element"))?;
        let id_length = vint_length(first);
        if id_length > 4 {
            return Err(malformed("an element's id is longer than 4 bytes"));
        }
        let id = number(part, start, id_length).ok_or(truncated("an element"))?;
        let id = u32::try_from(id).map_err(|_| malformed("an element's id is longer than 4 bytes"))?;
        let at = start.saturating_add(id_length);
        let (size, size_length) = vint(part, at)?;
        let body = at.saturating_add(size_length);
        let Some(size) = size else {
            return Ok(Some(Self { id, start, body, end, open: true }));
        };
        let span = read::span(body, size, part.len()).ok_or(truncated("an element"))?;
        Ok(Some(Self { id, start, body, end: span.end, open: false }))
    }

    pub(super) fn bytes(self, file: &[u8]) -> &[u8] {
        file.get(self.body..self.end).unwrap_or_default()
    }

    pub(super) const fn children(self) -> Children {
        Children { at: self.body, end: self.end }
    }

    /// The first child with that id.
    pub(super) fn child(self, file: &[u8], id: u32) -> Result<Option<Self>, MediaError> {
        let mut children = self.children();
        while let Some(child) = children.next(file)? {
            if child.id == id {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// The value of an unsigned integer element, whose bytes may be fewer than 8 and are 0 if there are none.
    pub(super) fn unsigned(self, file: &[u8]) -> Result<u64, MediaError> {
        let bytes = self.bytes(file);
        number(bytes, 0, bytes.len()).ok_or(malformed("a number is longer than 8 bytes"))
    }

    /// The value of a float element.
    pub(super) fn float(self, file: &[u8]) -> Result<f64, MediaError> {
        match self.bytes(file).len() {
            0 => Some(0.0),
            4 => read::array(file, self.body).map(|bytes| f32::from_be_bytes(bytes).into()),
            8 => read::array(file, self.body).map(f64::from_be_bytes),
            _ => None,
        }
        .ok_or(malformed("a float has neither 4 nor 8 bytes"))
    }

    /// Turns the element into a Void element of the same size, so that no offset in the file changes.
    pub(super) fn void(self, file: &mut [u8]) {
        let length = self.end.saturating_sub(self.start);
        read::zero(file, self.start..self.end);
        read::write(file, self.start, &[VOID]);
        // An element has at least two bytes: id and size.
        let content = length.saturating_sub(2);
        match u8::try_from(content) {
            Ok(content @ 0..=126) => read::write(file, self.start.saturating_add(1), &[0x80 | content]),
            _ => {
                let size = (content as u64).saturating_sub(7) | 1 << 56;
                read::write(file, self.start.saturating_add(1), &size.to_be_bytes());
            }
        }
    }
}

/// A cursor over elements that follow one another, none of which may leave its size open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Children {
    at: usize,
    end: usize,
}

impl Children {
    pub(super) fn next(&mut self, file: &[u8]) -> Result<Option<Element>, MediaError> {
        let element = Element::read(file, self.at, self.end)?;
        if let Some(element) = element {
            if element.open {
                return Err(malformed("an element leaves its size open where it may not"));
            }
            self.at = element.end;
        }
        Ok(element)
    }
}

/// A variable-size integer without its marker, and its length in bytes. `None` stands for "unknown".
pub(super) fn vint(bytes: &[u8], at: usize) -> Result<(Option<u64>, usize), MediaError> {
    let first = *bytes.get(at).ok_or(truncated("an element"))?;
    let length = vint_length(first);
    if length > 8 {
        return Err(malformed("a size is longer than 8 bytes"));
    }
    let value = number(bytes, at, length).ok_or(truncated("an element"))?;
    let mask = (1_u64 << (7 * length)) - 1;
    let value = value & mask;
    Ok(((value != mask).then_some(value), length))
}

/// 1 to 9; 9 is not allowed anywhere.
const fn vint_length(first: u8) -> usize {
    first.leading_zeros() as usize + 1
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    if length > 8 {
        return None;
    }
    let digits = bytes.get(at..at.checked_add(length)?)?;
    Some(digits.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

pub(super) const fn truncated(part: &'static str) -> MediaError {
    MediaError::truncated(MediaType::Webm, part)
}

pub(super) const fn malformed(rule: &'static str) -> MediaError {
    MediaError::malformed(MediaType::Webm, rule)
}
