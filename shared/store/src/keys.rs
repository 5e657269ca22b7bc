//! The key schema of the table and of the records table. No other file writes a prefix.

use domain::{
    AccountId, ActivityId, AuditEntryId, CaseId, CaseNoticeId, CorrectionId, DisclosureId, ExportId, GenerationId,
    GiftId, GuestTicketId, InvitationId, LedgerEntryId, PaymentId, PromotionId, ReceiptId, ReportId, ShareId, TicketId,
    UploadId, payments::payment::PaymentReference,
};
use jiff::civil::Date;

/// The beginning of the partition key of an account.
pub(crate) const ACCOUNT_PARTITION: &str = "ACCOUNT#";
/// The beginning of the partition key of who works on a case.
pub(crate) const ASSIGNMENT_PARTITION: &str = "ASSIGNMENT#";
/// The beginning of the partition key of the versions of a document.
pub(crate) const DOCUMENT_PARTITION: &str = "DOCUMENT#";
/// The partition key of what providers said about the models of the catalogue.
pub(crate) const MODEL_WATCH_PARTITION: &str = "MODELS";
/// The beginning of the partition key of a gift.
pub(crate) const GIFT_PARTITION: &str = "GIFT#";
/// The beginning of the partition key of the guest tickets from an address.
pub(crate) const GUEST_PARTITION: &str = "GUEST#";
/// The partition key of the invitations to roles of staff.
pub(crate) const INVITATION_PARTITION: &str = "INVITATIONS";
/// The beginning of the partition key of what models earn and cost.
pub(crate) const MARGIN_PARTITION: &str = "MARGIN#";
/// The beginning of the partition key of the sums of days.
pub(crate) const SUM_PARTITION: &str = "SUM#";
/// The beginning of the partition key of the reports from an address.
pub(crate) const REPORTER_PARTITION: &str = "REPORTER#";
/// The partition key of the promotions.
pub(crate) const PROMOTION_PARTITION: &str = "PROMOTIONS";
/// The partition key of the certificates of the signing key.
pub(crate) const PROVENANCE_PARTITION: &str = "PROVENANCE";
/// The partition key of the blocklist.
pub(crate) const BLOCKLIST_PARTITION: &str = "BLOCKLIST";
/// The partition key of the outcomes of moderation cases.
pub(crate) const TRANSPARENCY_PARTITION: &str = "TRANSPARENCY";
/// The partition key of the record of the acts of staff.
pub(crate) const STAFF_RECORD_PARTITION: &str = "STAFFRECORD";
/// The beginning of the partition key of the codes that were redeemed with an address.
pub(crate) const REDEEMED_CODES_PARTITION: &str = "REDEEMED#";
/// The beginning of the partition key of what is remembered of an address.
pub(crate) const WELCOME_PARTITION: &str = "WELCOME#";
/// The beginning of the partition key of a rate window.
pub(crate) const WINDOW_PARTITION: &str = "WINDOW#";

// Sort keys, or their beginnings where they end with `#`.
pub(crate) const ACCOUNT: &str = "ACCOUNT";
pub(crate) const ACTIVITY: &str = "ACTIVITY#";
pub(crate) const APPROVAL: &str = "APPROVAL#";
pub(crate) const ASSIGNMENT: &str = "ASSIGNMENT";
pub(crate) const AUDIT_ENTRY: &str = "ACCESS#";
pub(crate) const BLOCKED_FILE: &str = "BLOCKED#";
pub(crate) const CASE: &str = "CASE#";
pub(crate) const CASE_NOTES: &str = "NOTES#";
pub(crate) const CASE_NOTICE: &str = "CASENOTICE#";
pub(crate) const CASE_OUTCOME: &str = "OUTCOME#";
pub(crate) const CORRECTION: &str = "CORRECTION#";
pub(crate) const DISCLOSURE: &str = "DISCLOSURE#";
pub(crate) const DOCUMENT_VERSION: &str = "VERSION#";
pub(crate) const EMAIL_CHANGE: &str = "EMAILCHANGE";
pub(crate) const EXPORT: &str = "EXPORT#";
pub(crate) const GALLERY_ENTRY: &str = "OUTPUT#";
pub(crate) const GENERATION: &str = "GENERATION#";
pub(crate) const GIFT: &str = "GIFT";
pub(crate) const GUEST_TICKET: &str = "GUESTTICKET#";
pub(crate) const HOLD_CHECK: &str = "HOLDCHECK";
pub(crate) const IDEMPOTENCY: &str = "IDEMPOTENCY#";
pub(crate) const INVITATION: &str = "INVITATION#";
pub(crate) const LEDGER_ENTRY: &str = "LEDGER#";
/// Also the partition key.
pub(crate) const LOST_ADMINISTRATORS: &str = "LOSTADMINISTRATORS";
pub(crate) const MARGIN: &str = "DAY#";
pub(crate) const MODEL_WATCH: &str = "WATCH";
pub(crate) const PARKED: &str = "PARKED#";
pub(crate) const PLAN_CHANGE: &str = "PLANCHANGE";
pub(crate) const POINTER: &str = "POINTER";
pub(crate) const PROMOTION: &str = "CODE#";
pub(crate) const REDEMPTION: &str = "REDEMPTION#";
pub(crate) const REDEEMED_CODE: &str = "PROMOTION#";
/// Also the partition key.
pub(crate) const REPLY_TEMPLATES: &str = "REPLYTEMPLATES";
pub(crate) const REPORT: &str = "REPORT#";
pub(crate) const SECOND_FACTOR: &str = "SECONDFACTOR";
pub(crate) const SIGNING_CERTIFICATE: &str = "CERTIFICATE#";
pub(crate) const SIGN_UP: &str = "SIGNUP";
pub(crate) const STAFF_RECORD: &str = "ACT#";
pub(crate) const TICKET: &str = "TICKET#";
pub(crate) const UNCLAIMED: &str = "UNCLAIMED";
pub(crate) const UPLOAD: &str = "UPLOAD#";
pub(crate) const WELCOME: &str = "WELCOME";
pub(crate) const WINDOW: &str = "WINDOW";

// Beginnings of sort keys in the partition of an account, and of partition keys of pointers and records.
pub(crate) const PAYMENT: &str = "PAYMENT#";
pub(crate) const SHARE: &str = "SHARE#";

// Beginnings of partition keys of the records table. The sort key is the same without `#`.
pub(crate) const RECEIPT: &str = "RECEIPT#";
pub(crate) const TOMBSTONE: &str = "TOMBSTONE#";

pub(crate) fn account(account: AccountId) -> String {
    format!("{ACCOUNT_PARTITION}{account}")
}

/// Reads the account of a partition key.
pub(crate) fn parse_account(pk: &str) -> Option<AccountId> {
    pk.strip_prefix(ACCOUNT_PARTITION)?.parse().ok()
}

pub(crate) fn activity(id: ActivityId) -> String {
    format!("{ACTIVITY}{id}")
}

/// The sort key of the approval that an entry of the audit log requests.
pub(crate) fn approval(id: AuditEntryId) -> String {
    format!("{APPROVAL}{id}")
}

/// The partition key of who works on the case whose name has this hash.
pub(crate) fn assignment(hash: &str) -> String {
    format!("{ASSIGNMENT_PARTITION}{hash}")
}

pub(crate) fn audit_entry(id: AuditEntryId) -> String {
    format!("{AUDIT_ENTRY}{id}")
}

pub(crate) fn case(id: CaseId) -> String {
    format!("{CASE}{id}")
}

/// The sort key of the notes about the case with this name.
pub(crate) fn case_notes(case: &str) -> String {
    format!("{CASE_NOTES}{case}")
}

pub(crate) fn case_notice(id: CaseNoticeId) -> String {
    format!("{CASE_NOTICE}{id}")
}

/// The sort key of the file that was removed in a case.
pub(crate) fn blocked_file(id: CaseId) -> String {
    format!("{BLOCKED_FILE}{id}")
}

/// The sort key of the outcome of a case that was decided in this month.
pub(crate) fn case_outcome(month: &str, id: CaseId) -> String {
    format!("{CASE_OUTCOME}{month}#{id}")
}

/// The partition key of the versions of the document with this name.
pub(crate) fn document(name: &str) -> String {
    format!("{DOCUMENT_PARTITION}{name}")
}

/// The sort key of a version of a document. Those of later numbers sort after it.
pub(crate) fn document_version(number: u32) -> String {
    format!("{DOCUMENT_VERSION}{number:010}")
}

pub(crate) fn correction(id: CorrectionId) -> String {
    format!("{CORRECTION}{id}")
}

pub(crate) fn disclosure(id: DisclosureId) -> String {
    format!("{DISCLOSURE}{id}")
}

pub(crate) fn export(id: ExportId) -> String {
    format!("{EXPORT}{id}")
}

pub(crate) fn gallery_entry(generation: GenerationId, output: u32) -> String {
    format!("{GALLERY_ENTRY}{generation}#{output}")
}

pub(crate) fn generation(id: GenerationId) -> String {
    format!("{GENERATION}{id}")
}

/// The partition key of the guest tickets from an address, by its keyed hash.
pub(crate) fn guest(keyed_hash: &str) -> String {
    format!("{GUEST_PARTITION}{keyed_hash}")
}

pub(crate) fn guest_ticket(id: GuestTicketId) -> String {
    format!("{GUEST_TICKET}{id}")
}

pub(crate) fn idempotency(key: &str) -> String {
    format!("{IDEMPOTENCY}{key}")
}

pub(crate) fn invitation(id: InvitationId) -> String {
    format!("{INVITATION}{id}")
}

pub(crate) fn ledger_entry(id: LedgerEntryId) -> String {
    format!("{LEDGER_ENTRY}{id}")
}

/// The sort key of what a model earned and cost on a day.
pub(crate) fn margin(day: Date, model: &str) -> String {
    format!("{MARGIN}{day}#{model}")
}

/// The partition key of a shard of what models earn and cost.
pub(crate) fn margins(shard: u128) -> String {
    format!("{MARGIN_PARTITION}{shard}")
}

/// The sort key of a sum of a day.
pub(crate) fn daily_sum(day: Date, subject: &str) -> String {
    format!("{MARGIN}{day}#{subject}")
}

/// The partition key of a shard of the sums of days.
pub(crate) fn daily_sums(shard: u128) -> String {
    format!("{SUM_PARTITION}{shard}")
}

pub(crate) fn parked(fact: &str) -> String {
    format!("{PARKED}{fact}")
}

pub(crate) fn payment(id: PaymentId) -> String {
    format!("{PAYMENT}{id}")
}

/// The partition key of the items about a payment outside of the partition of its account.
pub(crate) fn payment_reference(reference: &PaymentReference) -> String {
    match reference {
        PaymentReference::Payment(id) => payment(*id),
        PaymentReference::Transaction(provider, id) => format!("{PAYMENT}{}#{id}", provider.as_str()),
    }
}

/// The partition key of a gift.
pub(crate) fn gift(id: GiftId) -> String {
    format!("{GIFT_PARTITION}{id}")
}

/// The sort key of the promotion with this code.
pub(crate) fn promotion(code: &str) -> String {
    format!("{PROMOTION}{code}")
}

/// The partition key of the codes that were redeemed with an address, by the keyed hash of its mailbox.
pub(crate) fn redeemed_codes(keyed_hash: &str) -> String {
    format!("{REDEEMED_CODES_PARTITION}{keyed_hash}")
}

pub(crate) fn redeemed_code(promotion: PromotionId) -> String {
    format!("{REDEEMED_CODE}{promotion}")
}

/// The sort key of what an account redeemed.
pub(crate) fn redemption(promotion: PromotionId) -> String {
    format!("{REDEMPTION}{promotion}")
}

pub(crate) fn receipt(id: ReceiptId) -> String {
    format!("{RECEIPT}{id}")
}

pub(crate) fn report(id: ReportId) -> String {
    format!("{REPORT}{id}")
}

/// The partition key of the reports from an address, by its keyed hash.
pub(crate) fn reporter(keyed_hash: &str) -> String {
    format!("{REPORTER_PARTITION}{keyed_hash}")
}

pub(crate) fn share(generation: GenerationId, output: u32, id: ShareId) -> String {
    format!("{}{id}", shares(generation, output))
}

/// The beginning of the sort keys of the shares of an output.
pub(crate) fn shares(generation: GenerationId, output: u32) -> String {
    format!("{SHARE}{generation}#{output}#")
}

/// The partition key of the pointer to a share.
pub(crate) fn share_pointer(token_hash: &str) -> String {
    format!("{SHARE}{token_hash}")
}

/// The sort key of a certificate of the signing key. Those of later numbers sort after it.
pub(crate) fn signing_certificate(number: u32) -> String {
    format!("{SIGNING_CERTIFICATE}{number:010}")
}

/// The sort key of an entry of the record of the acts of staff. Those of later numbers sort after it.
pub(crate) fn staff_record(number: u64) -> String {
    format!("{STAFF_RECORD}{number:020}")
}

pub(crate) fn ticket(id: TicketId) -> String {
    format!("{TICKET}{id}")
}

pub(crate) fn tombstone(keyed_hash: &str) -> String {
    format!("{TOMBSTONE}{keyed_hash}")
}

pub(crate) fn upload(id: UploadId) -> String {
    format!("{UPLOAD}{id}")
}

/// The partition key of what is remembered of an address, by the keyed hash of its mailbox.
pub(crate) fn welcome(keyed_hash: &str) -> String {
    format!("{WELCOME_PARTITION}{keyed_hash}")
}

pub(crate) fn window(kind: &str, keyed_hash: &str) -> String {
    format!("{WINDOW_PARTITION}{kind}#{keyed_hash}")
}
