//! A form as browsers encode it (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>), read strictly: what two
//! readers could read differently is refused.

use std::collections::BTreeMap;

use super::error::{IpnError, MAX_BYTES};

/// The fields, in whatever charset they are.
#[derive(Default)]
pub(super) struct Form(BTreeMap<Vec<u8>, Vec<u8>>);

impl Form {
    pub(super) fn parse(raw: &[u8]) -> Result<Self, IpnError> {
        if raw.is_empty() {
            return Err(IpnError::Empty);
        }
        if raw.len() > MAX_BYTES {
            return Err(IpnError::TooLarge);
        }
        let mut fields = BTreeMap::new();
        for field in raw.split(|byte| *byte == b'&') {
            let mut sides = field.splitn(2, |byte| *byte == b'=');
            let (Some(name), Some(value)) = (sides.next(), sides.next()) else { return Err(IpnError::Encoding) };
            if fields.insert(decode(name)?, decode(value)?).is_some() {
                return Err(IpnError::Duplicate);
            }
        }
        Ok(Self(fields))
    }

    /// A field that is there, not blank, and ASCII.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name.as_bytes()).filter(|value| !value.is_empty() && value.is_ascii())?;
        std::str::from_utf8(value).ok()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.text(name).is_some()
    }
}

fn decode(encoded: &[u8]) -> Result<Vec<u8>, IpnError> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high * 16 + low,
                _ => return Err(IpnError::Encoding),
            },
            b'!'..=b'~' => byte,
            _ => return Err(IpnError::Encoding),
        });
    }
    Ok(decoded)
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
