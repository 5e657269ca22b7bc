//! How late queue messages are delivered, and redelivery of those that were lost.

/// Seconds after which a message that was not handled is sent again.
pub(crate) const LOST_MESSAGE_S: i64 = 60;
/// Longest delay of a message, in seconds
/// ([`DelaySeconds`](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html)).
pub const LONGEST_DELAY_S: u32 = 900;
