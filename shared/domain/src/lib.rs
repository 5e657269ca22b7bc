//! The rules of Darkroom, as plain functions over plain values.
//!
//! Nothing here reads a clock, makes an id or does I/O: time and ids are arguments, and what a function answers is what
//! its caller writes. That makes every rule testable in a line, and every write a consequence of one decision.

pub mod access;
pub mod account;
pub mod catalogue;
pub mod closing;
pub mod correction;
pub mod disclosure;
pub mod email;
pub mod erasure;
pub mod export;
pub mod fraud;
pub mod generation;
pub mod hold;
pub mod ids;
pub mod ledger;
pub mod letter;
pub mod money;
pub mod package;
pub mod payment;
pub mod plan;
pub mod promise;
pub mod rate;
pub mod refusal;
pub mod registry;
pub mod settings;
pub mod settlement;
pub mod share;
pub mod submission;
pub mod ticket;
pub mod upload;

pub use ids::{
    AccessId, AccountId, ActivityId, CorrectionId, DisclosureId, EntryId, ExportId, GenerationId, HoldId, LetterId,
    PaymentId, ReceiptId, ShareId, TicketId, UploadId,
};
pub use ledger::Credits;
pub use refusal::Refusal;
