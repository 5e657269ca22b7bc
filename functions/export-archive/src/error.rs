//! The error of a message that does not complete its archive.

use archive::ZipError;
use store::StoreError;

/// Says why a message does not complete its archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// A call to the table, the bucket or the queue failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The steps of the ZIP came in an impossible order.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// A page that this function wrote cannot be parsed, or a value cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A row cannot be written as CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A page or the multipart upload no longer exists. The archive is started again.
    #[error("{0} no longer exists")]
    Lost(&'static str),
    /// Another worker holds the lease, or the export has ended.
    #[error("another worker holds the lease, or the export has ended")]
    Superseded,
    /// The account is being deleted or does not exist.
    #[error("the account is being deleted or does not exist")]
    AccountGone,
    /// Too little of the invocation's time is left. The next invocation continues.
    #[error("too little of the invocation's time is left")]
    OutOfTime,
}
