//! Redelivery of queue messages that were lost.

/// Seconds after which a message that was not handled is sent again.
pub(crate) const LOST_MESSAGE_S: i64 = 60;
