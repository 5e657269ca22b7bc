//! The error of every call to AWS.

use std::error::Error;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;

/// The codes of calls that AWS refuses because there are too many, or because another call is writing the same item: the same
/// call succeeds a little later. <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
const BUSY: [&str; 8] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// A call to AWS that failed after the SDK's own retries. Its effect is unknown.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed")]
pub struct StoreError {
    /// The operation, for the log.
    pub operation: &'static str,
    /// Why it failed.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// The source of the error of a call that was refused because there were too many: it changed nothing, and succeeds a little
/// later.
#[derive(Debug, thiserror::Error)]
#[error("AWS is busy")]
pub struct Busy(#[source] Box<dyn Error + Send + Sync>);

impl Busy {
    /// Says whether this error, or one that it comes from, is that AWS is busy.
    #[must_use]
    pub fn is_source_of(error: &(dyn Error + 'static)) -> bool {
        error.is::<Self>() || error.source().is_some_and(Self::is_source_of)
    }
}

impl StoreError {
    /// Converts the error of a call.
    pub(crate) fn call<E>(operation: &'static str) -> impl FnOnce(E) -> Self
    where
        E: ProvideErrorMetadata + Into<Box<dyn Error + Send + Sync>>,
    {
        move |source| match source.code() {
            Some(code) if BUSY.contains(&code) => Self::busy(operation)(source),
            _ => Self::of(operation)(source),
        }
    }

    /// Converts the error of a call that AWS was too busy for.
    pub(crate) fn busy<E: Into<Box<dyn Error + Send + Sync>>>(operation: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self { operation, source: Box::new(Busy(source.into())) }
    }

    /// Converts an error of our own, such as a value that cannot be decoded.
    pub(crate) fn of<E: Into<Box<dyn Error + Send + Sync>>>(operation: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self { operation, source: source.into() }
    }
}
