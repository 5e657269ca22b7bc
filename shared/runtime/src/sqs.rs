//! SQS batches: each record is decoded and handled by itself, and only those that failed come back.
//!
//! The event source mapping must have `ReportBatchItemFailures`, or a partial failure would count as success
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting>).

use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;

use crate::clock;

/// A record is not begun when less than this is left of the invocation: it would only be cut off half way.
const LEAST_TIME: SignedDuration = SignedDuration::from_secs(2);

/// One message, decoded.
#[derive(Clone, Debug)]
pub struct Record<T> {
    /// The id that SQS gave it; the same for every delivery.
    pub message_id: String,
    /// What its visibility is changed with; another one for every delivery.
    pub receipt_handle: String,
    /// The body.
    pub body: T,
    /// How often it was delivered, this time included. SQS counts approximately.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The queue it comes from.
    pub queue_arn: String,
    /// When the invocation is cut off.
    pub deadline: Timestamp,
}

/// Why a batch fails as a whole, so that all of it is delivered again.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// What arrived is not an SQS event.
    #[error("the event is not a batch of SQS records")]
    Envelope(#[from] serde_json::Error),
    /// A record without an id: its failure could not be reported, and silence would delete it.
    #[error("a record of the batch has no message id")]
    MissingMessageId,
}

/// Hands the records to `handle`, in order, and reports those that are to be delivered again: whose body is no `T`, for
/// which `handle` fails or panics, or for which there is no time left. Each failure is logged here, once, without the body.
pub async fn handle_batch<T, E>(
    event: LambdaEvent<Value>,
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
        if !handle_message(message, &context, &handle).instrument(span).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

/// Whether the message is done with.
async fn handle_message<T, E>(
    message: SqsMessage,
    context: &Context,
    handle: &impl AsyncFn(Record<T>) -> Result<(), E>,
) -> bool
where
    T: DeserializeOwned,
    E: std::error::Error,
{
    let deadline = clock::at_millisecond(context.deadline);
    if deadline.duration_since(clock::now()) < LEAST_TIME {
        tracing::warn!("no time is left for this record");
        return false;
    }
    let record = match decode(message, deadline) {
        Ok(record) => record,
        Err(error) => {
            // The position only: the message of serde may quote the body.
            tracing::error!(line = error.line(), column = error.column(), "the body of this record is not understood");
            return false;
        }
    };
    match AssertUnwindSafe(handle(record)).catch_unwind().await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(error = chain(&error), "this record failed");
            false
        }
        Err(_) => {
            tracing::error!("the handler of this record panicked");
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

/// An error with all its sources, in one line.
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
    struct Job {
        number: u32,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("this job fails")]
    struct Failed;

    /// Runs a batch whose odd jobs fail and whose job 13 panics. Answers which jobs were handled and which ids failed.
    fn run(payload: Value, deadline: Timestamp) -> Result<(Vec<u32>, Vec<String>), BatchError> {
        let mut context = Context::default();
        context.deadline = u64::try_from(deadline.as_millisecond()).unwrap();
        let handled = RefCell::new(Vec::new());
        let handle = async |record: Record<Job>| {
            handled.borrow_mut().push(record.body.number);
            match record.body.number {
                13 => panic!("job 13"),
                odd if odd % 2 == 1 => Err(Failed),
                _ => Ok(()),
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(handle_batch(LambdaEvent::new(payload, context), handle))?;
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
    fn only_the_records_that_failed_come_back() {
        check(&[("a", r#"{"number":2}"#), ("b", r#"{"number":3}"#), ("c", r#"{"number":4}"#)], &[2, 3, 4], &["b"]);
    }

    #[test]
    fn a_bad_body_is_one_failed_record() {
        check(&[("a", "{"), ("b", r#"{"number":2}"#), ("c", "{}"), ("d", "")], &[2], &["a", "c", "d"]);
    }

    #[test]
    fn a_panic_is_one_failed_record() {
        check(&[("a", r#"{"number":13}"#), ("b", r#"{"number":2}"#)], &[13, 2], &["a"]);
    }

    #[test]
    fn an_empty_batch_is_done() {
        check(&[], &[], &[]);
    }

    #[test]
    fn a_record_without_an_id_fails_the_invocation_before_anything_is_handled() {
        for record in [json!({"body": "{}"}), json!({"messageId": "", "body": "{}"})] {
            let records = json!({"Records": [{"messageId": "a", "body": r#"{"number":2}"#}, record]});
            assert!(matches!(run(records, Timestamp::MAX), Err(BatchError::MissingMessageId)));
        }
    }

    #[test]
    fn what_is_not_a_batch_fails_the_invocation() {
        for garbage in [json!(null), json!([]), json!("Records"), json!({"Records": "none"}), json!({"records": []})] {
            assert!(matches!(run(garbage, Timestamp::MAX), Err(BatchError::Envelope(_))));
        }
    }

    #[test]
    fn a_record_for_which_no_time_is_left_comes_back_untouched() {
        let records = json!({"Records": [{"messageId": "a", "body": r#"{"number":2}"#}]});
        let (handled, failures) = run(records, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((handled, failures), (vec![], vec!["a".to_owned()]));
    }

    #[test]
    fn a_record_carries_what_sqs_knows_about_it() {
        let message = serde_json::from_value::<SqsMessage>(json!({
            "messageId": "a", "receiptHandle": "h", "body": r#"{"number":2}"#, "eventSourceARN": "arn:aws:sqs:q",
            "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1790000000000"},
        }));
        let record: Record<Job> = decode(message.unwrap(), Timestamp::MAX).unwrap();
        assert_eq!((record.receive_count, record.sent_at.as_second()), (3, 1_790_000_000));
        assert_eq!((record.receipt_handle.as_str(), record.queue_arn.as_str()), ("h", "arn:aws:sqs:q"));
    }
}
