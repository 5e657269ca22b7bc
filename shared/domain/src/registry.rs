//! The declaration of every kind of data that the service stores: its purpose, whether it is personal, how it is exported
//! and erased, and how long it is kept.
//!
//! [`DATA_KINDS`] lists the kinds. The fields of a kind are declared on its type, with [`DataFields`]. Where a kind is
//! stored, and under which keys, is for the crate `store` to say. The end-to-end suite compares this list with everything
//! that was ever stored: a kind that is missing here fails, and so does one that is never stored.

mod fields;

pub use fields::{DataField, DataFields, FieldList};

/// How long a kind of data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionRule {
    /// As long as the account.
    Account,
    /// As long as the plan keeps files.
    Plan,
    /// This many days. Then the time to live of the table, the queue or the sweep removes it.
    Days(u32),
    /// Until the expiry that the account owner chose.
    OwnExpiry,
    /// The days that the operator configures.
    Configured(ConfiguredRetention),
    /// Until the person clears their browser.
    InBrowser,
    /// As long as the service is operated.
    Operation,
}

/// A retention that the operator configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfiguredRetention {
    /// Of payment records that outlive their account.
    PaymentRecords,
    /// Of logs.
    Logs,
    /// Of users who have not signed in.
    SignUps,
}

/// How the account owner gets a kind of data in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportRule {
    /// As JSON, in a file with the name of the kind.
    Json,
    /// As files.
    Files,
    /// Within another kind or not at all, for this reason.
    Not(&'static str),
}

/// How a kind of data is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureRule {
    /// With everything in the partition or under the prefix of the account.
    WithAccount,
    /// With the item that it points to.
    WithTarget,
    /// It names no person, and expires.
    Expires,
    /// The law requires to retain it. It does not identify the person.
    RetainedByLaw,
    /// With the user in the user pool.
    WithUser,
    /// With the account that has its address, if there is one.
    WithAddress,
    /// By the person, in their browser.
    WithBrowser,
    /// Never: it is about the operator, and names no other person.
    OfOperator,
}

/// A kind of data that the service stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataKind {
    /// Its name, in an export and in the inventory.
    pub name: &'static str,
    /// What it holds, and for what purpose.
    pub purpose: &'static str,
    /// Whether it says something about a person.
    pub personal: bool,
    /// How long it is kept.
    pub retention: RetentionRule,
    /// How the account owner gets it in an export.
    pub export: ExportRule,
    /// How it is erased.
    pub erasure: ErasureRule,
}

/// Days for which activity records are kept.
pub const ACTIVITY_DAYS: u32 = 90;
/// Days for which a ticket is kept after its last message.
pub const TICKET_DAYS: u32 = 180;
/// Days for which a guest ticket waits for staff. A reply deletes it.
pub const GUEST_TICKET_DAYS: u32 = 30;
/// Days after which the operator is alerted about a ticket or guest ticket without a reply. As many days are left to reply
/// to a guest ticket.
pub const REPLY_ALERT_DAYS: u32 = 15;
/// Days for which a report is kept. A case is decided in days, and an appeal is possible for half a year after that.
pub const REPORT_DAYS: u32 = 365;
/// Days for which a moderation case is kept after its last change: longer than earlier violations count.
pub const CASE_DAYS: u32 = 400;
/// Days for which a fingerprint is on the blocklist: ten years.
pub const BLOCKLIST_DAYS: u32 = 3_653;
/// Days for which the outcome of a moderation case is kept: three years of transparency reports.
pub const OUTCOME_DAYS: u32 = 1_096;
/// Days for which a fact about an unknown payment is kept. PayPal sends for four days, Stripe for three.
pub const PARKED_DAYS: u32 = 30;
/// Days for which an unclaimed payment is kept, in which it must be refunded: as long as Stripe refunds
/// (<https://docs.stripe.com/refunds>).
pub const UNCLAIMED_DAYS: u32 = 180;
/// Days for which the tombstone of an erased account is kept. No older backup may be restored.
pub const TOMBSTONE_DAYS: u32 = 400;
/// Days in which an export must be ready.
pub const EXPORT_DUE_DAYS: u32 = 1;
/// Days for which an export is kept once it is ready.
pub const EXPORT_READY_DAYS: u32 = 7;
/// Days for which an export is kept at most.
pub const EXPORT_DAYS: u32 = EXPORT_DUE_DAYS + EXPORT_READY_DAYS;
/// Days for which a queue keeps a message that is not handled.
pub const MESSAGE_DAYS: u32 = 14;
/// Days for which a notification that PayPal did not confirm is kept: over a long weekend, in which the operator can
/// redrive it.
pub const NOTIFICATION_DAYS: u32 = 4;
/// Days for which an unpaid checkout is kept, so that its owner can look it up.
pub const UNPAID_DAYS: u32 = 90;
/// Days for which a correction record is kept.
pub const CORRECTION_DAYS: u32 = 365;
/// Days for which a requested change of an address is kept at most.
pub const EMAIL_CHANGE_DAYS: u32 = 1;
/// Days for which a disclosure is kept, for staff to download.
pub const DISCLOSURE_DAYS: u32 = 7;
/// Days for which the response to an `Idempotency-Key` is kept.
pub const IDEMPOTENCY_DAYS: u32 = 1;
/// Days for which an entry of the record of the acts of staff is kept.
pub const STAFF_RECORD_DAYS: u32 = 1_095;
/// Days for which a staff member has a case that they took.
pub const ASSIGNMENT_DAYS: u32 = 30;
/// Days in which an invitation to a role of staff can be accepted.
pub const INVITATION_DAYS: u32 = 7;
/// Days for which the notes of staff about a case are kept after the last one.
pub const CASE_NOTE_DAYS: u32 = 180;
/// Days for which a rate window is kept at most.
pub const RATE_WINDOW_DAYS: u32 = 2;
/// Days for which it is remembered that an address was welcomed, after the opening and again after the erasure of its account.
pub const WELCOME_DAYS: u32 = 365;
/// Days for which a certificate of the signing key is kept at most: as long as files that were signed with it can be checked.
pub const SIGNING_CERTIFICATE_DAYS: u32 = 10_958;
/// Days for which the sums of a day and what models earned and cost are kept: two years, to compare a month with the one a year before.
pub const MARGIN_DAYS: u32 = 730;
/// Days for which logs are kept, unless the operator configures others.
pub const LOG_DEFAULT_DAYS: u32 = 30;
/// Days for which payments are retained without the person, unless the operator configures others.
pub const PAYMENT_RECORD_DEFAULT_DAYS: u32 = 3_650;
/// Days after which a user who never signed in is deleted, unless the operator configures others.
pub const SIGN_UP_DEFAULT_DAYS: u32 = 7;
/// Days for which a session lasts without a refresh.
pub const SESSION_DAYS: u32 = 30;

const FROM_PAYMENT: ExportRule = ExportRule::Not("it is derived from the payment, which is exported");
const NOT_PERSONAL: ExportRule = ExportRule::Not("it says nothing about a person");
const FOR_STAFF: ExportRule =
    ExportRule::Not("it is a copy of data that is exported, and the access log states that it was made");

const fn account_item(name: &'static str, purpose: &'static str, retention: RetentionRule) -> DataKind {
    let (export, erasure) = (ExportRule::Json, ErasureRule::WithAccount);
    DataKind { name, purpose, personal: true, retention, export, erasure }
}

const fn files(name: &'static str, purpose: &'static str) -> DataKind {
    let (export, erasure) = (ExportRule::Files, ErasureRule::WithAccount);
    DataKind { name, purpose, personal: true, retention: RetentionRule::Plan, export, erasure }
}

const fn shared_item(
    name: &'static str,
    purpose: &'static str,
    retention: RetentionRule,
    erasure: ErasureRule,
) -> DataKind {
    DataKind { name, purpose, personal: false, retention, export: NOT_PERSONAL, erasure }
}

const fn record(name: &'static str, purpose: &'static str, retention: RetentionRule, erasure: ErasureRule) -> DataKind {
    DataKind { name, purpose, personal: false, retention, export: FROM_PAYMENT, erasure }
}

const fn message(name: &'static str, purpose: &'static str) -> DataKind {
    let export = ExportRule::Not("its result is exported, where it is personal");
    let (retention, erasure) = (RetentionRule::Days(MESSAGE_DAYS), ErasureRule::Expires);
    DataKind { name, purpose, personal: false, retention, export, erasure }
}

const fn browser(name: &'static str, purpose: &'static str) -> DataKind {
    let export = ExportRule::Not("it is in the browser of the person");
    let (retention, erasure) = (RetentionRule::InBrowser, ErasureRule::WithBrowser);
    DataKind { name, purpose, personal: false, retention, export, erasure }
}

/// Every kind of data that the service stores.
pub const DATA_KINDS: &[DataKind] = &[
    account_item(
        "account",
        "the profile, plan, balance and preferences of the account, the terms that were accepted, and how much of it was blocked",
        RetentionRule::Account,
    ),
    DataKind {
        export: ExportRule::Not("it is deleted with the first sign-in, before which there is no export"),
        ..account_item(
            "sign-up",
            "when a user is deleted who never signed in, and the terms that they accepted",
            RetentionRule::Configured(ConfiguredRetention::SignUps),
        )
    },
    account_item("ledger", "every change of the balance, with its cause", RetentionRule::Account),
    account_item("redemption", "codes of promotions that were redeemed, each once", RetentionRule::Account),
    account_item(
        "payment",
        "what was bought, and the state of the payment; an unpaid checkout is deleted after 90 days",
        RetentionRule::Account,
    ),
    account_item(
        "generation",
        "the settings of a generation, its result, and whether it breaks the rules of the service",
        RetentionRule::Plan,
    ),
    account_item("upload", "the declaration of an upload and the result of its inspection", RetentionRule::Plan),
    account_item("share", "links that show one image or video", RetentionRule::OwnExpiry),
    DataKind {
        personal: false,
        export: ExportRule::Not("it is derived from the generation, which is exported"),
        ..account_item("gallery-entry", "the position of a public image or video in the gallery", RetentionRule::Plan)
    },
    account_item(
        "idempotency",
        "the response to a request that may be repeated",
        RetentionRule::Days(IDEMPOTENCY_DAYS),
    ),
    account_item(
        "activity",
        "address and client of sign-ins, submissions and checkouts, against abuse",
        RetentionRule::Days(ACTIVITY_DAYS),
    ),
    account_item("export", "data exports that the account owner requested", RetentionRule::Days(EXPORT_DAYS)),
    account_item(
        "correction",
        "which fields of the account were corrected, and when, without their old values",
        RetentionRule::Days(CORRECTION_DAYS),
    ),
    account_item(
        "email-change",
        "a new address until it is confirmed, with keyed hashes of the codes",
        RetentionRule::Days(EMAIL_CHANGE_DAYS),
    ),
    account_item(
        "second-factor",
        "signs the account owner in with an authenticator app or a passkey: the secret of the app, sealed, name and public key \
         of each passkey, and recovery codes as keyed hashes",
        RetentionRule::Account,
    ),
    account_item("access", "every access by staff to the data of the account, and why", RetentionRule::Account),
    DataKind {
        export: FOR_STAFF,
        ..account_item(
            "disclosure",
            "data that was compiled for a lawful request, for staff to download",
            RetentionRule::Days(DISCLOSURE_DAYS),
        )
    },
    DataKind {
        export: ExportRule::Not("the access log states what was requested and who approved it"),
        ..account_item(
            "approval",
            "what a staff member requested of the account and a second one must approve, until it expires",
            RetentionRule::Days(DISCLOSURE_DAYS),
        )
    },
    DataKind {
        export: NOT_PERSONAL,
        ..account_item(
            "plan-change",
            "that the plan changed, until the expiry of all files has followed it",
            RetentionRule::Account,
        )
    },
    DataKind {
        export: NOT_PERSONAL,
        ..account_item("hold-check", "when to check again what a legal hold keeps", RetentionRule::Account)
    },
    account_item("ticket", "tickets to support, with their messages", RetentionRule::Days(TICKET_DAYS)),
    account_item(
        "case",
        "reports of an image or a video by count and reason, the decision with its reasons, and the appeal",
        RetentionRule::Days(CASE_DAYS),
    ),
    account_item(
        "case-notes",
        "what staff noted for each other about a case of the account: a ticket, a payment, a report, a freeze",
        RetentionRule::Days(CASE_NOTE_DAYS),
    ),
    DataKind {
        export: NOT_PERSONAL,
        ..account_item("case-notice", "that a mail about a moderation case is to be sent", RetentionRule::Account)
    },
    DataKind {
        personal: true,
        export: ExportRule::Not(
            "it names the reporter of what is public or shared, who needs no account, and no account",
        ),
        ..shared_item(
            "report",
            "a report of an image or a video: its reason and explanation, with name and address of the reporter for the answer",
            RetentionRule::Days(REPORT_DAYS),
            ErasureRule::WithAddress,
        )
    },
    DataKind {
        personal: true,
        export: ExportRule::Not(
            "no account has its address: a guest ticket from the address of an account becomes a ticket of the account",
        ),
        ..shared_item(
            "guest-ticket",
            "a message to support from an address without an account, until the reply, with the staff who read it and why",
            RetentionRule::Days(GUEST_TICKET_DAYS),
            ErasureRule::WithAddress,
        )
    },
    shared_item(
        "share-pointer",
        "finds a share by the hash of its token",
        RetentionRule::OwnExpiry,
        ErasureRule::WithTarget,
    ),
    shared_item(
        "payment-pointer",
        "finds a payment by its id, or by the provider's id of the transaction; deleted with the payment",
        RetentionRule::Account,
        ErasureRule::WithTarget,
    ),
    shared_item(
        "gift",
        "what a gift code gives, under a keyed hash of the code, as it never expires, and which account redeemed it, until that is deleted",
        RetentionRule::Operation,
        ErasureRule::WithTarget,
    ),
    shared_item(
        "parked-fact",
        "what a provider reported of a payment before it was known: amount, ids, time",
        RetentionRule::Days(PARKED_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "unclaimed-payment",
        "money that arrived for a deleted payment, to be refunded: amount, transaction, time",
        RetentionRule::Days(UNCLAIMED_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "window",
        "counts requests, new accounts and cards under keyed hashes, and credits spent at each AI provider",
        RetentionRule::Days(RATE_WINDOW_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "staff-record",
        "what each staff member did and when, each entry with the hash of the one before; staff members and accounts are hashes",
        RetentionRule::Days(STAFF_RECORD_DAYS),
        ErasureRule::Expires,
    ),
    DataKind {
        personal: true,
        export: ExportRule::Not("it is shown to the account that has its address, and ends with the acceptance"),
        ..shared_item(
            "invitation",
            "a role of staff that is offered to the owner of an address, with the staff member, as a keyed hash, until it is accepted",
            RetentionRule::Days(INVITATION_DAYS),
            ErasureRule::WithAddress,
        )
    },
    shared_item(
        "lost-administrators",
        "which staff members lost the role administrator in the last minutes, as keyed hashes, so that one is left",
        RetentionRule::Operation,
        ErasureRule::OfOperator,
    ),
    shared_item(
        "assignment",
        "which staff member works on a case, under a hash of the case; staff members are hashes",
        RetentionRule::Days(ASSIGNMENT_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "reply-templates",
        "texts that staff reply to tickets with, with the staff member who changed them last, as a keyed hash",
        RetentionRule::Operation,
        ErasureRule::OfOperator,
    ),
    shared_item(
        "welcome",
        "the latest account that was opened with an address, until it is erased, and whether one was frozen or in debt, under \
         a keyed hash of the address, against abuse of welcome credits",
        RetentionRule::Days(WELCOME_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "redeemed-code",
        "that an account with an address redeemed the code of a promotion, under a keyed hash of the address, until the code cannot \
         be redeemed any more",
        RetentionRule::OwnExpiry,
        ErasureRule::Expires,
    ),
    shared_item(
        "signing-certificate",
        "a certificate of the key that signs generated files, until it ends, so that the files can be checked",
        RetentionRule::Days(SIGNING_CERTIFICATE_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "blocked-file",
        "fingerprints of an image or a video that was removed for one of the gravest reasons, so that copies are found: reason, \
         time and id of the case, without an account",
        RetentionRule::Days(BLOCKLIST_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "case-outcome",
        "what a moderation case came to, counted in the transparency report: month, reason, decision, time to it, appeal; nothing \
         about a person, an account or what was reported",
        RetentionRule::Days(OUTCOME_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "document-version",
        "a published version of the catalogue, the settings or the texts of the operator, with the staff member, as a keyed hash, and the reason",
        RetentionRule::Operation,
        ErasureRule::OfOperator,
    ),
    shared_item(
        "model-watch",
        "what AI providers said about the models of the catalogue when they were asked last: which they do not have or will end",
        RetentionRule::Operation,
        ErasureRule::OfOperator,
    ),
    shared_item(
        "promotion",
        "a code that gives credits, with its limits and how often it was redeemed, and the staff member who published it, as a \
         keyed hash",
        RetentionRule::Operation,
        ErasureRule::OfOperator,
    ),
    shared_item(
        "margin",
        "what the generations of a model earned and cost on a day, as sums",
        RetentionRule::Days(MARGIN_DAYS),
        ErasureRule::Expires,
    ),
    shared_item(
        "daily-sum",
        "how many generations ended in which way and how long their providers took, how many payments and sign-ups there were, on a \
         day, as sums",
        RetentionRule::Days(MARGIN_DAYS),
        ErasureRule::Expires,
    ),
    files("uploads", "uploaded files, without their metadata"),
    files("generations", "generated images and videos, with their thumbnails"),
    DataKind {
        retention: RetentionRule::Days(EXPORT_DAYS),
        export: ExportRule::Not("they are the archives of the export itself"),
        ..files("exports", "archives of data exports, with the working files of one that is being built")
    },
    DataKind {
        retention: RetentionRule::Days(DISCLOSURE_DAYS),
        export: FOR_STAFF,
        ..files("disclosures", "data that was compiled for lawful requests, for staff to download")
    },
    record(
        "tombstone",
        "that an account was erased, under a keyed hash, so that a restored backup does not bring it back",
        RetentionRule::Days(TOMBSTONE_DAYS),
        ErasureRule::Expires,
    ),
    record(
        "receipt",
        "what an erasure deleted and what the law retains, by kind and count",
        RetentionRule::Configured(ConfiguredRetention::PaymentRecords),
        ErasureRule::Expires,
    ),
    record(
        "retained-payment",
        "payments of erased accounts, as the law retains them: amount, time, transaction, what was returned",
        RetentionRule::Configured(ConfiguredRetention::PaymentRecords),
        ErasureRule::RetainedByLaw,
    ),
    message("image-message", "starts the generation of an image: two ids"),
    message("video-message", "starts the generation of a video: two ids"),
    message("finish-message", "finishes received images and videos: two ids"),
    message("erasure-message", "continues an erasure: an id"),
    message("export-message", "continues an export: two ids"),
    DataKind {
        personal: true,
        retention: RetentionRule::Days(NOTIFICATION_DAYS),
        ..message(
            "notification",
            "a notification of PayPal until PayPal confirms it, with name and address of the buyer",
        )
    },
    DataKind {
        name: "user",
        purpose: "signs the account owner in: address, password as a hash, sessions",
        personal: true,
        retention: RetentionRule::Account,
        export: ExportRule::Not("the address is exported with the account; the rest is secret"),
        erasure: ErasureRule::WithUser,
    },
    DataKind {
        name: "refresh-cookie",
        purpose: "keeps the account owner signed in; essential, so it needs no consent",
        personal: true,
        retention: RetentionRule::Days(SESSION_DAYS),
        export: ExportRule::Not("it is in the browser of the person, and is secret"),
        erasure: ErasureRule::WithUser,
    },
    DataKind {
        name: "console-cookie",
        purpose: "lets the browser of a staff member load the console for five minutes; essential, and names nobody",
        personal: false,
        retention: RetentionRule::Days(1),
        export: ExportRule::Not("it is in the browser of a staff member"),
        erasure: ErasureRule::WithBrowser,
    },
    browser(
        "browser-csrf",
        "shows that a refresh of the session comes from the client; essential, and deleted with the session",
    ),
    browser("browser-theme", "the theme of the client, once one was chosen"),
    browser("browser-language", "the language of the client, once one was chosen"),
    DataKind {
        personal: true,
        ..browser(
            "browser-draft",
            "the generation form, so that a reload loses nothing; deleted with the tab or the session",
        )
    },
    DataKind {
        name: "log",
        purpose: "what the service did, to find faults and abuse: ids and counts, no prompts, addresses or tokens",
        personal: false,
        retention: RetentionRule::Configured(ConfiguredRetention::Logs),
        export: NOT_PERSONAL,
        erasure: ErasureRule::Expires,
    },
];

/// Returns the kind with this name.
#[must_use]
pub fn data_kind(name: &str) -> Option<&'static DataKind> {
    DATA_KINDS.iter().find(|kind| kind.name == name)
}
