//! Where every kind of data of [`domain::registry`] is stored: keys, folders, queues, and the types whose fields it has.

#[cfg(test)]
mod template;

use domain::{
    accounts::{
        account::Account, correction::CorrectionRecord, email_change::EmailChange, plan_change::PlanChange,
        second_factor::SecondFactor, sign_up::SignUp, welcome::Welcome,
    },
    catalogue::{margin::Margin, watch::ModelWatch},
    credits::{
        ledger::LedgerEntry,
        promotion::{Promotion, RedeemedCode, Redemption},
    },
    documents::DocumentVersion,
    generations::{generation::Generation, output::GalleryEntry, share::Share, upload::Upload},
    moderation::{blocklist::BlockedFile, case::Case, notice::CaseNotice, outcome::CaseOutcome, report::Report},
    payments::{gift::Gift, payment::Payment, unclaimed::UnclaimedPayment},
    privacy::{
        disclosure::Disclosure,
        erasure::{ErasureReceipt, RetainedPayment},
        export::Export,
    },
    provenance::SigningCertificate,
    registry::{ConfiguredRetention, DATA_KINDS, DataField, DataKind, FieldList},
    staff::{
        administrators::LostAdministrators, approval::Approval, assignment::Assignment, audit::AuditEntry,
        daily_sum::DailySum, invitation::Invitation, notes::CaseNotes, record::RecordEntry,
        reply_templates::ReplyTemplates,
    },
    support::{guest_ticket::GuestTicket, ticket::Ticket},
};

use crate::{
    accounts::activity::Activity,
    generations::share::SharePointer,
    idempotency::IdempotencyRecord,
    keys,
    payments::{parked::ParkedFact, pointer::PaymentPointer},
    privacy::{hold_check::HoldCheck, records::Tombstone},
    queue::{EraseAccountMessage, ExportMessage, GenerationMessage, IpnNotification},
};

/// Where a kind of data is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLocation {
    /// Items in the partition of an account, whose sort keys begin with this.
    AccountItem {
        /// The beginning of `sk`.
        sk: &'static str,
    },
    /// Items of the table outside of the partitions of accounts.
    SharedItem {
        /// The beginning of `pk`.
        pk: &'static str,
        /// The beginning of `sk`.
        sk: &'static str,
    },
    /// Items of the records table.
    Record {
        /// The beginning of `pk`.
        pk: &'static str,
    },
    /// Objects of the bucket in this folder of the prefix of an account.
    Objects {
        /// The folder.
        folder: &'static str,
    },
    /// Messages of a queue.
    Messages {
        /// The output of the template that is the URL of the queue.
        output: &'static str,
    },
    /// The user pool.
    Users,
    /// A cookie.
    Cookie {
        /// Its name.
        name: &'static str,
    },
    /// The storage of the browser.
    Browser {
        /// The key.
        key: &'static str,
    },
    /// The logs.
    Logs,
}

/// A kind of data with the place where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredKind {
    /// The kind.
    pub kind: &'static DataKind,
    /// Where it is stored.
    pub location: DataLocation,
}

/// Lists every kind of data with the place where it is stored.
pub fn kinds() -> impl Iterator<Item = StoredKind> {
    DATA_KINDS.iter().filter_map(|kind| Some(StoredKind { kind, location: location(kind.name)? }))
}

/// Returns the kind of the items in the partition of an account with this sort key.
#[must_use]
pub fn account_item_kind(sk: &str) -> Option<&'static DataKind> {
    find(|location| matches!(location, DataLocation::AccountItem { sk: start } if sk.starts_with(start)))
}

/// Returns the kind of an item of the table.
#[must_use]
pub fn item_kind(pk: &str, sk: &str) -> Option<&'static DataKind> {
    if pk.starts_with(keys::ACCOUNT_PARTITION) {
        return account_item_kind(sk);
    }
    find(|location| {
        matches!(location, DataLocation::SharedItem { pk: pk_start, sk: sk_start }
            if pk.starts_with(pk_start) && sk.starts_with(sk_start))
    })
}

/// Returns the kind of an item of the records table.
#[must_use]
pub fn record_kind(pk: &str) -> Option<&'static DataKind> {
    find(|location| matches!(location, DataLocation::Record { pk: start } if pk.starts_with(start)))
}

/// Returns the kind of the files in this folder of the prefix of an account.
#[must_use]
pub fn folder_kind(name: &str) -> Option<&'static DataKind> {
    find(|location| matches!(location, DataLocation::Objects { folder } if folder == name))
}

/// Returns the kind of an object with this key: `accounts/<account>/<folder>/..`.
#[must_use]
pub fn object_kind(key: &str) -> Option<&'static DataKind> {
    let mut parts = key.split('/');
    let (Some("accounts"), Some(_), Some(folder)) = (parts.next(), parts.next(), parts.next()) else { return None };
    folder_kind(folder)
}

/// Returns the parameter of the template that sets this retention, in days.
#[must_use]
pub const fn template_parameter(retention: ConfiguredRetention) -> &'static str {
    match retention {
        ConfiguredRetention::PaymentRecords => "PaymentRecordDays",
        ConfiguredRetention::Logs => "LogRetentionDays",
        ConfiguredRetention::SignUps => "SignUpDays",
    }
}

fn find(matches: impl Fn(DataLocation) -> bool) -> Option<&'static DataKind> {
    kinds().find(|stored| matches(stored.location)).map(|stored| stored.kind)
}

/// Returns where the kind with this name is stored.
fn location(kind: &str) -> Option<DataLocation> {
    LOCATIONS.iter().find(|(name, _)| *name == kind).map(|(_, location)| *location)
}

const fn item(sk: &'static str) -> DataLocation {
    DataLocation::AccountItem { sk }
}

const fn shared(pk: &'static str, sk: &'static str) -> DataLocation {
    DataLocation::SharedItem { pk, sk }
}

const LOCATIONS: &[(&str, DataLocation)] = &[
    ("account", item(keys::ACCOUNT)),
    ("sign-up", item(keys::SIGN_UP)),
    ("ledger", item(keys::LEDGER_ENTRY)),
    ("redemption", item(keys::REDEMPTION)),
    ("payment", item(keys::PAYMENT)),
    ("generation", item(keys::GENERATION)),
    ("upload", item(keys::UPLOAD)),
    ("share", item(keys::SHARE)),
    ("gallery-entry", item(keys::GALLERY_ENTRY)),
    ("idempotency", item(keys::IDEMPOTENCY)),
    ("activity", item(keys::ACTIVITY)),
    ("export", item(keys::EXPORT)),
    ("correction", item(keys::CORRECTION)),
    ("email-change", item(keys::EMAIL_CHANGE)),
    ("second-factor", item(keys::SECOND_FACTOR)),
    ("access", item(keys::AUDIT_ENTRY)),
    ("disclosure", item(keys::DISCLOSURE)),
    ("approval", item(keys::APPROVAL)),
    ("plan-change", item(keys::PLAN_CHANGE)),
    ("hold-check", item(keys::HOLD_CHECK)),
    ("ticket", item(keys::TICKET)),
    ("case", item(keys::CASE)),
    ("case-notes", item(keys::CASE_NOTES)),
    ("case-notice", item(keys::CASE_NOTICE)),
    ("report", shared(keys::REPORTER_PARTITION, keys::REPORT)),
    ("blocked-file", shared(keys::BLOCKLIST_PARTITION, keys::BLOCKED_FILE)),
    ("case-outcome", shared(keys::TRANSPARENCY_PARTITION, keys::CASE_OUTCOME)),
    ("guest-ticket", shared(keys::GUEST_PARTITION, keys::GUEST_TICKET)),
    ("share-pointer", shared(keys::SHARE, keys::POINTER)),
    ("payment-pointer", shared(keys::PAYMENT, keys::POINTER)),
    ("gift", shared(keys::GIFT_PARTITION, keys::GIFT)),
    ("parked-fact", shared(keys::PAYMENT, keys::PARKED)),
    ("unclaimed-payment", shared(keys::PAYMENT, keys::UNCLAIMED)),
    ("window", shared(keys::WINDOW_PARTITION, keys::WINDOW)),
    ("staff-record", shared(keys::STAFF_RECORD_PARTITION, keys::STAFF_RECORD)),
    ("assignment", shared(keys::ASSIGNMENT_PARTITION, keys::ASSIGNMENT)),
    ("invitation", shared(keys::INVITATION_PARTITION, keys::INVITATION)),
    ("lost-administrators", shared(keys::LOST_ADMINISTRATORS, keys::LOST_ADMINISTRATORS)),
    ("reply-templates", shared(keys::REPLY_TEMPLATES, keys::REPLY_TEMPLATES)),
    ("redeemed-code", shared(keys::REDEEMED_CODES_PARTITION, keys::REDEEMED_CODE)),
    ("welcome", shared(keys::WELCOME_PARTITION, keys::WELCOME)),
    ("signing-certificate", shared(keys::PROVENANCE_PARTITION, keys::SIGNING_CERTIFICATE)),
    ("document-version", shared(keys::DOCUMENT_PARTITION, keys::DOCUMENT_VERSION)),
    ("model-watch", shared(keys::MODEL_WATCH_PARTITION, keys::MODEL_WATCH)),
    ("promotion", shared(keys::PROMOTION_PARTITION, keys::PROMOTION)),
    ("margin", shared(keys::MARGIN_PARTITION, keys::MARGIN)),
    ("daily-sum", shared(keys::SUM_PARTITION, keys::MARGIN)),
    ("uploads", DataLocation::Objects { folder: "uploads" }),
    ("generations", DataLocation::Objects { folder: "generations" }),
    ("exports", DataLocation::Objects { folder: "exports" }),
    ("disclosures", DataLocation::Objects { folder: "disclosures" }),
    ("tombstone", DataLocation::Record { pk: keys::TOMBSTONE }),
    ("receipt", DataLocation::Record { pk: keys::RECEIPT }),
    ("retained-payment", DataLocation::Record { pk: keys::PAYMENT }),
    ("image-message", DataLocation::Messages { output: "ImageQueueUrl" }),
    ("video-message", DataLocation::Messages { output: "VideoQueueUrl" }),
    ("finish-message", DataLocation::Messages { output: "FinishQueueUrl" }),
    ("erasure-message", DataLocation::Messages { output: "ErasuresUrl" }),
    ("export-message", DataLocation::Messages { output: "ExportsUrl" }),
    ("notification", DataLocation::Messages { output: "NotificationsUrl" }),
    ("user", DataLocation::Users),
    ("refresh-cookie", DataLocation::Cookie { name: "__Host-refresh" }),
    ("console-cookie", DataLocation::Cookie { name: "__Host-console" }),
    ("browser-csrf", DataLocation::Browser { key: "csrf" }),
    ("browser-theme", DataLocation::Browser { key: "theme" }),
    ("browser-language", DataLocation::Browser { key: "language" }),
    ("browser-draft", DataLocation::Browser { key: "draft" }),
    ("log", DataLocation::Logs),
];

/// Returns the fields of the kind with this name, without the attributes that indexes and the time to live add. Files and
/// the storage of browsers have none.
#[must_use]
pub fn fields(kind: &str) -> Vec<DataField> {
    match kind {
        "account" => FieldList::of::<Account>(),
        "sign-up" => FieldList::of::<SignUp>(),
        "ledger" => FieldList::of::<LedgerEntry>(),
        "redemption" => FieldList::of::<Redemption>(),
        "payment" => FieldList::of::<Payment>(),
        "generation" => FieldList::of::<Generation>(),
        "upload" => FieldList::of::<Upload>(),
        "share" => FieldList::of::<Share>(),
        "gallery-entry" => FieldList::of::<GalleryEntry>(),
        "idempotency" => FieldList::of::<IdempotencyRecord>(),
        "activity" => FieldList::of::<Activity>(),
        "export" => FieldList::of::<Export>(),
        "correction" => FieldList::of::<CorrectionRecord>(),
        "email-change" => FieldList::of::<EmailChange>(),
        "second-factor" => FieldList::of::<SecondFactor>(),
        "access" => FieldList::of::<AuditEntry>(),
        "disclosure" => FieldList::of::<Disclosure>(),
        "approval" => FieldList::of::<Approval>(),
        "plan-change" => FieldList::of::<PlanChange>(),
        "hold-check" => FieldList::of::<HoldCheck>(),
        "ticket" => FieldList::of::<Ticket>(),
        "case" => FieldList::of::<Case>(),
        "case-notes" => FieldList::of::<CaseNotes>(),
        "case-notice" => FieldList::of::<CaseNotice>(),
        "report" => FieldList::of::<Report>(),
        "blocked-file" => FieldList::of::<BlockedFile>(),
        "case-outcome" => FieldList::of::<CaseOutcome>(),
        "guest-ticket" => FieldList::of::<GuestTicket>(),
        "share-pointer" => FieldList::of::<SharePointer>(),
        "payment-pointer" => FieldList::of::<PaymentPointer>(),
        "gift" => FieldList::of::<Gift>(),
        "parked-fact" => FieldList::of::<ParkedFact>(),
        "unclaimed-payment" => FieldList::of::<UnclaimedPayment>(),
        "tombstone" => FieldList::of::<Tombstone>(),
        "receipt" => FieldList::of::<ErasureReceipt>(),
        "retained-payment" => FieldList::of::<RetainedPayment>(),
        "image-message" | "video-message" | "finish-message" => FieldList::of::<GenerationMessage>(),
        "erasure-message" => FieldList::of::<EraseAccountMessage>(),
        "export-message" => FieldList::of::<ExportMessage>(),
        "notification" => FieldList::of::<IpnNotification>(),
        "staff-record" => FieldList::of::<RecordEntry>(),
        "assignment" => FieldList::of::<Assignment>(),
        "invitation" => FieldList::of::<Invitation>(),
        "lost-administrators" => FieldList::of::<LostAdministrators>(),
        "reply-templates" => FieldList::of::<ReplyTemplates>(),
        "redeemed-code" => FieldList::of::<RedeemedCode>(),
        "welcome" => FieldList::of::<Welcome>(),
        "document-version" => FieldList::of::<DocumentVersion>(),
        "model-watch" => FieldList::of::<ModelWatch>(),
        "promotion" => FieldList::of::<Promotion>(),
        "margin" => FieldList::of::<Margin>(),
        "daily-sum" => FieldList::of::<DailySum>(),
        "signing-certificate" => FieldList::of::<SigningCertificate>(),
        "window" => named(&["hits", "seen", "credits"], false),
        "user" => [named(&["sub", "email_verified"], false), named(&["email"], true)].concat(),
        "log" => named(LOG_FIELDS, false),
        _ => Vec::new(),
    }
}

fn named(paths: &[&str], personal: bool) -> Vec<DataField> {
    paths.iter().map(|path| DataField { path: (*path).to_owned(), personal }).collect()
}

/// The names of log fields. Their values are ids, counts, and texts of the service itself.
const LOG_FIELDS: &[&str] = &[
    "level",
    "target",
    "message",
    "span.name",
    "span.request_id",
    "span.requestId",
    "span.xrayTraceId",
    "span.message_id",
    "account",
    "document",
    "case",
    "code",
    "column",
    "drift",
    "error",
    "export",
    "fact",
    "faults",
    "field",
    "files",
    "generation",
    "guest_ticket",
    "id",
    "kind",
    "line",
    "number",
    "operation",
    "path",
    "payment",
    "provider",
    "receipt",
    "refused",
    "report",
    "staff",
    "transaction",
    "upload",
    "what",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{AccountId, ExportId, GenerationId};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_kind_has_one_location_and_every_location_a_kind() {
        let declared: Vec<_> = DATA_KINDS.iter().map(|kind| kind.name).collect();
        let mut located: Vec<_> = LOCATIONS.iter().map(|(name, _)| *name).collect();
        let mut sorted = declared.clone();
        sorted.sort_unstable();
        located.sort_unstable();
        assert_eq!(located, sorted);
        assert_eq!(kinds().map(|stored| stored.kind.name).collect::<Vec<_>>(), declared);
    }

    #[test]
    fn every_kind_but_files_and_browser_data_has_fields() {
        for StoredKind { kind, location } in kinds() {
            let without = matches!(
                location,
                DataLocation::Objects { .. } | DataLocation::Cookie { .. } | DataLocation::Browser { .. }
            );
            assert_eq!(fields(kind.name).is_empty(), without, "{}", kind.name);
        }
    }

    #[test]
    fn kinds_are_found_by_keys() {
        let name = |kind: Option<&DataKind>| kind.map(|kind| kind.name);
        assert_eq!(name(item_kind("ACCOUNT#1", "ACCOUNT")), Some("account"));
        assert_eq!(name(item_kind("ACCOUNT#1", "SHARE#2#1#3")), Some("share"));
        assert_eq!(name(item_kind("SHARE#abc", "POINTER")), Some("share-pointer"));
        assert_eq!(name(item_kind("GUEST#abc", "GUESTTICKET#1")), Some("guest-ticket"));
        assert_eq!(name(item_kind("GUEST#abc", "TICKET#1")), None);
        assert_eq!(name(record_kind("PAYMENT#stripe#pi_1")), Some("retained-payment"));
        assert_eq!(name(object_kind("accounts/1/uploads/2/original")), Some("uploads"));
        assert_eq!(name(object_kind("accounts/1/other/2")), None);
    }

    #[test]
    fn messages_have_the_declared_fields_only() {
        let (account, generation) = (AccountId(Uuid::nil()), GenerationId(Uuid::nil()));
        let check = |kind: &str, message: Value| {
            let found: BTreeSet<_> = message.as_object().unwrap().keys().cloned().collect();
            let declared: BTreeSet<_> = fields(kind).into_iter().map(|field| field.path).collect();
            assert_eq!(found, declared, "{kind}");
        };
        check(
            "image-message",
            json!(GenerationMessage { job_reported: true, ..GenerationMessage::new(account, generation) }),
        );
        check(
            "video-message",
            json!(GenerationMessage { job_reported: true, ..GenerationMessage::new(account, generation) }),
        );
        check(
            "finish-message",
            json!(GenerationMessage { job_reported: true, ..GenerationMessage::new(account, generation) }),
        );
        check("erasure-message", json!(EraseAccountMessage { account }));
        check("export-message", json!(ExportMessage { account, export: ExportId(Uuid::nil()) }));
        check("notification", json!(IpnNotification { raw: String::new() }));
    }
}
