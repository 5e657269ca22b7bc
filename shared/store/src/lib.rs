//! The table, the bucket and the queues. `AttributeValue` and `SdkError` stop here.
//!
//! Every write of an item that has a version is conditioned on the version that was read, so a decision is written only
//! upon what it was made from. Whoever loses reads again and decides again.

mod access;
mod bucket;
mod commit;
mod correction;
mod drawer;
mod export;
mod hold;
mod item;
mod letter;
mod listing;
mod parts;
mod payments;
mod queue;
mod records;
mod table;
mod waiting;

pub use access::redact_undisclosed;
pub use bucket::{Bucket, Presigned};
pub use commit::{CommitError, Write};
pub use drawer::{PartitionItem, ScanPosition};
pub use export::ExportContent;
pub use hold::{HeldItem, HoldCheck};
pub use item::{Activity, ActivityKind, IdempotencyRecord, key};
pub use listing::{DueItem, DueKind, Filter, Page};
pub use parts::{MAX_PARTS, MIN_PART_BYTES, Part, StoredObject};
pub use payments::ParkedFact;
pub use queue::{EraseAccountMessage, ExportMessage, GenerationMessage, GenerationQueues, IpnNotification, Queue};
pub use records::Records;
pub use table::Table;
pub use waiting::{OpenCase, OpenCasePosition};

/// A call to AWS that did not work out, after the SDK's own retries. Nothing is known of its effect.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed")]
pub struct StoreError {
    /// The operation, for the log.
    pub operation: &'static str,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    pub(crate) fn of<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        operation: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self { operation, source: source.into() }
    }
}
