//! Handles SQS batches: each record is decoded and handled by itself, and only failed records are delivered again.
//!
//! The event source mapping must have `ReportBatchItemFailures`; without it a partial failure counts as a success
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting>).

use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;

use crate::{
    clock,
    telemetry::{Metric, metric},
};

/// The time that must be left of the invocation to begin a record.
const MIN_TIME_LEFT: SignedDuration = SignedDuration::from_secs(2);

/// Is a decoded message.
#[derive(Clone, Debug)]
pub struct Record<T> {
    /// The id of the message; the same for every delivery.
    pub message_id: String,
    /// The handle to change its visibility; a different one for every delivery.
    pub receipt_handle: String,
    /// The body.
    pub body: T,
    /// The number of deliveries, this one included. SQS counts approximately.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The queue that it comes from.
    pub queue_arn: String,
    /// When the invocation times out.
    pub deadline: Timestamp,
}

/// Says why a batch fails as a whole, so that all of it is delivered again.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The event is not an SQS event.
    #[error("the event is not a batch of SQS records")]
    Envelope(#[from] serde_json::Error),
    /// A record has no id, so that its failure could not be reported and SQS would delete it.
    #[error("a record of the batch has no message id")]
    MissingMessageId,
}

/// What becomes of a body that is not decoded.
#[derive(Clone, Copy)]
enum Undecodable {
    /// It is delivered again, and becomes a dead letter in the end.
    Return,
    /// It is deleted: nobody will ever decode it.
    Delete,
}

/// Handles a batch of dead letters as [`handle_batch`] does, except that a body that is not a `T` is deleted: it would be
/// delivered until it expires. Counts it in [`Metric::Abandoned`].
///
/// # Errors
/// As for [`handle_batch`].
pub async fn handle_dead_letters<T, E>(
    event: LambdaEvent<Value>,
    handle: impl AsyncFn(Record<T>) -> Result<(), E>,
) -> Result<SqsBatchResponse, BatchError>
where
    T: DeserializeOwned,
    E: std::error::Error,
{
    handle_records(event, Undecodable::Delete, handle).await
}

/// Passes the records to `handle`, in order, and reports those to deliver again: a body that is not a `T`, an error or panic of
/// `handle`, no time left. Logs each failure once, without the body.
///
/// # Errors
/// The event is not a batch, or a record has no id.
pub async fn handle_batch<T, E>(
    event: LambdaEvent<Value>,
    handle: impl AsyncFn(Record<T>) -> Result<(), E>,
) -> Result<SqsBatchResponse, BatchError>
where
    T: DeserializeOwned,
    E: std::error::Error,
{
    handle_records(event, Undecodable::Return, handle).await
}

async fn handle_records<T, E>(
    event: LambdaEvent<Value>,
    undecodable: Undecodable,
    handle: impl AsyncFn(Record<T>) -> Result<(), E>,
) -> Result<SqsBatchResponse, BatchError>
where
    T: DeserializeOwned,
    E: std::error::Error,
{
    let (payload, context) = event.into_parts();
    let messages = serde_json::from_value::<SqsEvent>(payload)?.records;
    if messages.iter().any(|message| message.message_id.as_deref().unwrap_or_default().is_empty()) {
        return Err(BatchError::MissingMessageId);
    }
    let mut response = SqsBatchResponse::default();
    for message in messages {
        let message_id = message.message_id.clone().unwrap_or_default();
        let span = tracing::info_span!("record", request_id = context.request_id, message_id);
        if !handle_message(message, &context, undecodable, &handle).instrument(span).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

/// Handles a message. Returns whether it is completed.
async fn handle_message<T, E>(
    message: SqsMessage,
    context: &Context,
    undecodable: Undecodable,
    handle: &impl AsyncFn(Record<T>) -> Result<(), E>,
) -> bool
where
    T: DeserializeOwned,
    E: std::error::Error,
{
    let deadline = clock::at_millisecond(context.deadline);
    if deadline.duration_since(clock::now()) < MIN_TIME_LEFT {
        tracing::warn!("no time left for record");
        return false;
    }
    let record = match decode(message, deadline) {
        Ok(record) => record,
        Err(error) => {
            // Only the position: serde's message may quote the body.
            tracing::error!(line = error.line(), column = error.column(), "record body could not be decoded");
            return match undecodable {
                Undecodable::Return => false,
                Undecodable::Delete => {
                    metric(Metric::Abandoned, 1, &[]);
                    true
                }
            };
        }
    };
    match AssertUnwindSafe(handle(record)).catch_unwind().await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(error = chain(&error), "record failed");
            false
        }
        Err(_) => {
            tracing::error!("record handler panicked");
            false
        }
    }
}

fn decode<T: DeserializeOwned>(message: SqsMessage, deadline: Timestamp) -> Result<Record<T>, serde_json::Error> {
    let attribute = |name| message.attributes.get(name).and_then(|value| value.parse::<u64>().ok());
    Ok(Record {
        body: serde_json::from_str(message.body.as_deref().unwrap_or_default())?,
        receive_count: attribute("ApproximateReceiveCount").and_then(|count| count.try_into().ok()).unwrap_or(1),
        sent_at: attribute("SentTimestamp").map_or_else(clock::now, clock::at_millisecond),
        message_id: message.message_id.unwrap_or_default(),
        receipt_handle: message.receipt_handle.unwrap_or_default(),
        queue_arn: message.event_source_arn.unwrap_or_default(),
        deadline,
    })
}

/// Formats an error with all its sources in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        number: u32,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("an odd number fails")]
    struct Failed;

    /// Runs a batch in which odd numbers fail and 13 panics. Returns the numbers that were handled and the ids that failed.
    fn run(payload: Value, deadline: Timestamp) -> Result<(Vec<u32>, Vec<String>), BatchError> {
        run_with(Undecodable::Return, payload, deadline)
    }

    fn run_with(
        undecodable: Undecodable,
        payload: Value,
        deadline: Timestamp,
    ) -> Result<(Vec<u32>, Vec<String>), BatchError> {
        let mut context = Context::default();
        context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
        let handled = RefCell::new(Vec::new());
        let handle = async |record: Record<Body>| {
            handled.borrow_mut().push(record.body.number);
            match record.body.number {
                13 => panic!("13"),
                odd if odd % 2 == 1 => Err(Failed),
                _ => Ok(()),
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(handle_records(LambdaEvent::new(payload, context), undecodable, handle))?;
        let failures = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        Ok((handled.into_inner(), failures))
    }

    fn check(bodies: &[(&str, &str)], handled: &[u32], failed: &[&str]) {
        let records: Vec<_> = bodies.iter().map(|(id, body)| json!({"messageId": id, "body": body})).collect();
        let (done, failures) = run(json!({ "Records": records }), Timestamp::MAX).unwrap();
        assert_eq!(done, handled);
        assert_eq!(failures, failed);
    }

    #[test]
    fn only_failed_records_are_delivered_again() {
        check(&[("a", r#"{"number":2}"#), ("b", r#"{"number":3}"#), ("c", r#"{"number":4}"#)], &[2, 3, 4], &["b"]);
    }

    #[test]
    fn bad_body_fails_one_record() {
        check(&[("a", "{"), ("b", r#"{"number":2}"#), ("c", "{}"), ("d", "")], &[2], &["a", "c", "d"]);
    }

    #[test]
    fn dead_letter_that_cannot_be_decoded_is_deleted() {
        let records = [("a", "{"), ("b", r#"{"number":3}"#)].map(|(id, body)| json!({"messageId": id, "body": body}));
        let (done, failures) = run_with(Undecodable::Delete, json!({ "Records": records }), Timestamp::MAX).unwrap();
        assert_eq!((done, failures), (vec![3], vec!["b".to_owned()]));
    }

    #[test]
    fn panic_fails_one_record() {
        check(&[("a", r#"{"number":13}"#), ("b", r#"{"number":2}"#)], &[13, 2], &["a"]);
    }

    #[test]
    fn empty_batch_succeeds() {
        check(&[], &[], &[]);
    }

    #[test]
    fn record_without_an_id_fails_the_invocation_before_any_is_handled() {
        for record in [json!({"body": "{}"}), json!({"messageId": "", "body": "{}"})] {
            let records = json!({"Records": [{"messageId": "a", "body": r#"{"number":2}"#}, record]});
            assert!(matches!(run(records, Timestamp::MAX), Err(BatchError::MissingMessageId)));
        }
    }

    #[test]
    fn event_that_is_no_batch_fails_the_invocation() {
        for garbage in [json!(null), json!([]), json!("Records"), json!({"Records": "none"}), json!({"records": []})] {
            assert!(matches!(run(garbage, Timestamp::MAX), Err(BatchError::Envelope(_))));
        }
    }

    #[test]
    fn record_without_time_left_is_delivered_again_unhandled() {
        let records = json!({"Records": [{"messageId": "a", "body": r#"{"number":2}"#}]});
        let (handled, failures) = run(records, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((handled, failures), (vec![], vec!["a".to_owned()]));
    }

    #[test]
    fn record_has_the_attributes_of_the_message() {
        let message = serde_json::from_value::<SqsMessage>(json!({
            "messageId": "a", "receiptHandle": "h", "body": r#"{"number":2}"#, "eventSourceARN": "arn:aws:sqs:q",
            "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1790000000000"},
        }));
        let record: Record<Body> = decode(message.unwrap(), Timestamp::MAX).unwrap();
        assert_eq!((record.receive_count, record.sent_at.as_second()), (3, 1_790_000_000));
        assert_eq!((record.receipt_handle.as_str(), record.queue_arn.as_str()), ("h", "arn:aws:sqs:q"));
    }
}
