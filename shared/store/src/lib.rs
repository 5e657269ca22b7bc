//! The table, the bucket and the queues. `AttributeValue` and `SdkError` stay in this crate.
//!
//! Every write of an item with a version is conditioned on the version that was read, so a decision is written only over the
//! state that it was made from. A caller that loses a race reads again and decides again.

mod accounts;
mod bucket;
mod catalogue;
mod commit;
mod credits;
mod documents;
mod due;
mod error;
mod generations;
mod idempotency;
mod item;
mod keys;
mod latest;
mod moderation;
mod payments;
mod privacy;
mod provenance;
mod query;
mod queue;
mod rate_windows;
pub mod registry;
mod shards;
mod staff;
mod sums;
mod support;
mod table;

pub use accounts::{
    account::ScanPosition,
    activity::{Activity, ActivityKind},
    plan_change::ExpiringItem,
};
pub use bucket::{
    Bucket, FileVersion, Presigned,
    distribution::Distribution,
    parts::{MAX_PARTS, MIN_PART_BYTES, Part, StoredObject},
};
pub use commit::{CommitError, Write};
pub use due::{DueItem, DueKind, DuePosition};
pub use error::{Busy, StoreError};
pub use generations::{generation::Filter, share::Shared};
pub use idempotency::IdempotencyRecord;
pub use latest::{CACHE_S, Latest};
pub use payments::parked::ParkedFact;
pub use privacy::{
    disclosure::redact_undisclosed,
    held::HeldItem,
    hold_check::HoldCheck,
    partition::{ExportContent, PartitionItem},
    records::Records,
};
pub use query::Page;
pub use queue::{
    EraseAccountMessage, ExportMessage, GenerationMessage, GenerationQueues, IpnNotification, Message, Queue,
};
pub use staff::{
    case_work::CaseWork,
    open_cases::{OpenCase, OpenCasePosition},
    record::{record_hash, staff_act},
};
pub use table::Table;
