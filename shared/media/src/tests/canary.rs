//! The text that stands for metadata.

/// Stands for everything that must not survive.
pub(super) const CANARY: &[u8] = b"CANARY";
