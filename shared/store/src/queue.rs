//! The queues.

use aws_sdk_sqs::Client;
use domain::{AccountId, ExportId, GenerationId, catalogue::models::MediaKind};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Longest delay of a message, in seconds
/// ([`DelaySeconds`](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html)).
pub(crate) const LONGEST_DELAY_S: u32 = 900;

/// A message: work on this generation. It says nothing else, so that one that comes twice or late does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationMessage {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub generation: GenerationId,
}

/// A message: what PayPal's notification was, byte for byte, as base64. It is nobody's word until PayPal confirms it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IpnNotification {
    /// The body.
    pub raw: String,
}

/// A message: go on with the erasure of this account. It says nothing else, so that one that comes twice or late does no
/// harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseAccountMessage {
    /// Whose.
    pub account: AccountId,
}

/// A message: go on with this export. It says nothing else, so that one that comes twice or late does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportMessage {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub export: ExportId,
}

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    sqs: Client,
    url: String,
}

impl Queue {
    /// The queue at this address.
    #[must_use]
    pub fn new(sqs: Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Sends a message that is seen after `delay_s` seconds, at most 900.
    ///
    /// # Errors
    /// The call failed; the message may have been sent.
    pub async fn send(&self, message: &impl Serialize, delay_s: u32) -> Result<(), StoreError> {
        let body = serde_json::to_string(message).map_err(StoreError::of("encode"))?;
        let delay_s = i32::try_from(delay_s.min(LONGEST_DELAY_S)).unwrap_or(0);
        let request = self.sqs.send_message().queue_url(&self.url).message_body(body);
        // A delay of its own, even of zero, would override the queue's.
        request
            .set_delay_seconds((delay_s > 0).then_some(delay_s))
            .send()
            .await
            .map_err(StoreError::of("SendMessage"))?;
        Ok(())
    }
}

/// The queues that drive generation, for whoever sends to either.
#[derive(Clone, Debug)]
pub struct GenerationQueues {
    image: Queue,
    video: Queue,
}

impl GenerationQueues {
    /// The queues at these addresses.
    #[must_use]
    pub fn new(sqs: Client, image_url: String, video_url: String) -> Self {
        Self { image: Queue::new(sqs.clone(), image_url), video: Queue::new(sqs, video_url) }
    }

    /// Sends a message to the queue of this kind, as [`Queue::send`] does.
    ///
    /// # Errors
    /// The call failed; the message may have been sent.
    pub async fn send(&self, kind: MediaKind, job: GenerationMessage, delay_s: u32) -> Result<(), StoreError> {
        match kind {
            MediaKind::Image => self.image.send(&job, delay_s).await,
            MediaKind::Video => self.video.send(&job, delay_s).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::registry;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_message_says_what_is_declared_and_no_more() {
        let (account, generation) = (AccountId(Uuid::nil()), GenerationId(Uuid::nil()));
        let job = serde_json::to_value(GenerationMessage { account, generation }).unwrap();
        let departure = serde_json::to_value(EraseAccountMessage { account }).unwrap();
        let export = serde_json::to_value(ExportMessage { account, export: ExportId(Uuid::nil()) }).unwrap();
        let notification = serde_json::to_value(IpnNotification { raw: String::new() }).unwrap();
        for (kind, message) in [
            ("image-message", &job),
            ("video-message", &job),
            ("erasure-message", &departure),
            ("export-message", &export),
            ("notification", &notification),
        ] {
            let said: BTreeSet<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
            let declared: BTreeSet<_> = registry::fields(kind).iter().map(|field| field.path).collect();
            assert_eq!(said, declared, "{kind}");
        }
    }
}
