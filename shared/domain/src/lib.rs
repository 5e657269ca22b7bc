//! The rules of Darkroom, as plain functions over plain values.
//!
//! Nothing here reads a clock, makes an id or does I/O: time and ids are arguments, and what a function answers is what
//! its caller writes. That makes every rule testable in a line, and every write a consequence of one decision.

pub mod accounts;
pub mod catalogue;
pub mod credits;
pub mod generations;
pub mod ids;
pub mod money;
pub mod payments;
pub mod privacy;
pub mod rate_limit;
pub mod refusal;
pub mod registry;
pub mod staff;
pub mod support;

pub use credits::ledger::Credits;
pub use ids::{
    AccountId, ActivityId, AuditEntryId, CorrectionId, DisclosureId, ExportId, GenerationId, GuestTicketId, HoldId,
    LedgerEntryId, PaymentId, ReceiptId, ShareId, TicketId, UploadId,
};
pub use refusal::Refusal;
