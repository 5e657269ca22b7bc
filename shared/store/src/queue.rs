//! The queues and their messages.

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use domain::{
    AccountId, ExportId, GenerationId, catalogue::models::MediaKind, messages::LONGEST_DELAY_S, registry::DataFields,
};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// Asks a worker to process a generation. Contains ids only, so that a late or repeated message does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
#[serde(deny_unknown_fields)]
pub struct GenerationMessage {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The generation.
    #[data(plain)]
    pub generation: GenerationId,
    /// The provider reported that its job has ended: it is polled at once, though it may not be due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[data(plain)]
    pub job_reported: bool,
}

impl GenerationMessage {
    /// Asks to process this generation when it is due.
    #[must_use]
    pub const fn new(account: AccountId, generation: GenerationId) -> Self {
        Self { account, generation, job_reported: false }
    }
}

/// A notification of PayPal, byte for byte. It must not be trusted until PayPal confirms it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
#[serde(deny_unknown_fields)]
pub struct IpnNotification {
    /// The body, as base64.
    #[data(personal)]
    pub raw: String,
}

/// Asks to continue the erasure of an account. Contains an id only, so that a late or repeated message does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
#[serde(deny_unknown_fields)]
pub struct EraseAccountMessage {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
}

/// Asks to continue an export. Contains ids only, so that a late or repeated message does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
#[serde(deny_unknown_fields)]
pub struct ExportMessage {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The export.
    #[data(plain)]
    pub export: ExportId,
}

/// A message of a queue.
pub trait Message: Serialize {
    /// Returns the account that causes it, if it is one. While some accounts have many messages, those of the others are
    /// delivered first ([fair queues](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html)).
    fn account(&self) -> Option<AccountId>;
}

impl Message for GenerationMessage {
    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }
}

impl Message for EraseAccountMessage {
    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }
}

impl Message for ExportMessage {
    fn account(&self) -> Option<AccountId> {
        Some(self.account)
    }
}

impl Message for IpnNotification {
    fn account(&self) -> Option<AccountId> {
        None
    }
}

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    sqs: Client,
    url: String,
}

impl Queue {
    /// Addresses the queue with this URL.
    #[must_use]
    pub fn new(sqs: Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Connects to SQS, by asking how many messages wait.
    ///
    /// # Errors
    /// The call failed.
    pub async fn connect(&self) -> Result<(), StoreError> {
        let waiting = QueueAttributeName::ApproximateNumberOfMessages;
        let asked = self.sqs.get_queue_attributes().queue_url(&self.url).attribute_names(waiting).send().await;
        asked.map(drop).map_err(StoreError::call("GetQueueAttributes"))
    }

    /// Sends a message that is delivered after `delay_s` seconds, at most [`LONGEST_DELAY_S`].
    ///
    /// # Errors
    /// The call failed; the message may have been sent.
    pub async fn send(&self, message: &impl Message, delay_s: u32) -> Result<(), StoreError> {
        let body = serde_json::to_string(message).map_err(StoreError::of("encode"))?;
        let delay_s = i32::try_from(delay_s.min(LONGEST_DELAY_S)).unwrap_or(0);
        let request = self.sqs.send_message().queue_url(&self.url).message_body(body);
        // A delay of the message, even of zero, would override the delay of the queue.
        request
            .set_message_group_id(message.account().map(|account| account.to_string()))
            .set_delay_seconds((delay_s > 0).then_some(delay_s))
            .send()
            .await
            .map_err(StoreError::call("SendMessage"))?;
        Ok(())
    }
}

/// The queues of generations, one for each kind of media.
#[derive(Clone, Debug)]
pub struct GenerationQueues {
    image: Queue,
    video: Queue,
}

impl GenerationQueues {
    /// Addresses the queues with these URLs.
    #[must_use]
    pub fn new(sqs: Client, image_url: String, video_url: String) -> Self {
        Self { image: Queue::new(sqs.clone(), image_url), video: Queue::new(sqs, video_url) }
    }

    /// Connects to SQS, by asking how many images are queued.
    ///
    /// # Errors
    /// The call failed.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.image.connect().await
    }

    /// Sends a message to the queue of this kind, as [`Queue::send`] does.
    ///
    /// # Errors
    /// The call failed; the message may have been sent.
    pub async fn send(&self, kind: MediaKind, message: GenerationMessage, delay_s: u32) -> Result<(), StoreError> {
        match kind {
            MediaKind::Image => self.image.send(&message, delay_s).await,
            MediaKind::Video => self.video.send(&message, delay_s).await,
        }
    }
}
