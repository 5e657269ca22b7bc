//! The rules of Darkroom, as pure functions over plain values.
//!
//! Nothing here reads a clock, creates an id or does I/O. Time and ids are arguments, and the caller writes what a
//! function returns. So every rule is tested in a line, and every write follows from one decision.

// The derive macro names this crate by its name.
extern crate self as domain;

pub mod accounts;
pub mod catalogue;
pub mod credits;
pub mod documents;
pub mod generations;
pub mod ids;
pub mod messages;
pub mod moderation;
pub mod money;
pub mod payments;
pub mod privacy;
pub mod provenance;
pub mod rate_limit;
pub mod refusal;
pub mod registry;
pub mod service_settings;
pub mod service_texts;
pub mod staff;
pub mod support;

pub use credits::ledger::Credits;
pub use ids::{
    AccountId, ActivityId, AuditEntryId, CaseId, CaseNoticeId, CorrectionId, DisclosureId, ExportId, GenerationId,
    GiftId, GuestTicketId, HoldId, InvitationId, LedgerEntryId, PasskeyId, PaymentId, PromotionId, ReceiptId, ReportId,
    ShareId, TicketId, UploadId,
};
pub use refusal::Refusal;
