//! The one declaration of everything that is kept: what it is, whose, whether personal, how it is exported and erased, and
//! how long it stays. What is not declared here must not be kept, and a test looks; what is declared and never kept must
//! not stay here, and a test looks for that too.
//!
//! [`KINDS`] are the kinds of things, [`fields`] what each is made of.

mod fields;

pub use fields::{DataField, fields};

/// Where something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataLocation {
    /// Items of the table with this prefix of `pk` and this prefix of `sk`.
    Item {
        /// The start of `pk`.
        pk: &'static str,
        /// The start of `sk`.
        sk: &'static str,
    },
    /// Items of the table of records with this prefix of `pk`.
    Record {
        /// The start of `pk`.
        pk: &'static str,
    },
    /// Objects of the bucket in this folder of an account's prefix.
    Objects {
        /// The folder.
        folder: &'static str,
    },
    /// Messages of a queue, whose address the template gives out under this name.
    Messages {
        /// The name.
        output: &'static str,
    },
    /// The user pool.
    Users,
    /// A cookie of this name.
    Cookie {
        /// The name.
        name: &'static str,
    },
    /// What the web client keeps in the browser under this key.
    Browser {
        /// The key.
        key: &'static str,
    },
    /// The logs.
    Logs,
}

/// How long something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionRule {
    /// As long as the account.
    Account,
    /// The plan's retention.
    Plan,
    /// This many days, then the table's time to live, the queue or the sweep removes it.
    Days(u32),
    /// Until the expiry that its owner chose.
    OwnExpiry,
    /// The days that the operator sets with this parameter of the template.
    Configured(&'static str),
    /// Until the person clears it.
    InBrowser,
}

/// How something is taken out by its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportRule {
    /// As JSON, in a file with the name of the kind.
    Json,
    /// As files.
    Files,
    /// With something else, or not at all, for this reason.
    Not(&'static str),
}

/// How something leaves with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureRule {
    /// With everything under the owner's partition key or prefix.
    WithAccount,
    /// With the item that it points to.
    WithTarget,
    /// It says nothing about anybody and expires.
    Expires,
    /// The law has it kept; it does not say who the person was.
    KeptByLaw,
    /// With the user in the user pool.
    WithUser,
    /// With the account that has the address under whose keyed hash it lies, if there is one.
    WithAddress,
    /// It lies with the person, who clears it.
    WithBrowser,
}

/// One kind of thing that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataKind {
    /// Its name, in an export and in the inventory.
    pub name: &'static str,
    /// Where it lies.
    pub location: DataLocation,
    /// What it holds and what for.
    pub purpose: &'static str,
    /// Whether it says something about a person.
    pub personal: bool,
    /// How long it stays.
    pub retention: RetentionRule,
    /// How its owner takes it out.
    pub export: ExportRule,
    /// How it leaves with its owner.
    pub erasure: ErasureRule,
}

/// Days that activity records stay.
pub const ACTIVITY_DAYS: u32 = 90;
/// Days that a ticket stays after the last word.
pub const TICKET_DAYS: u32 = 180;
/// Days that a letter of somebody who is not signed in waits for staff. It goes with the answer.
pub const GUEST_TICKET_DAYS: u32 = 30;
/// Days after which a question, or a letter, has waited for so long that the operator is told: there are as many left in
/// which a letter can be answered.
pub const ANSWER_DAYS: u32 = 15;
/// Days that a fact about an unknown payment waits for it. PayPal sends for four days, Stripe for three.
pub const PARKED_DAYS: u32 = 30;
/// Days that money which nobody claims is remembered, in which it must be refunded: as long as Stripe refunds
/// (<https://docs.stripe.com/refunds>).
pub const UNCLAIMED_DAYS: u32 = 180;
/// Days for which it is remembered that an account was erased. No older backup may be restored.
pub const TOMBSTONE_DAYS: u32 = 400;
/// Days that an archive of everything stays: one to be made, and as many as a ready one is kept.
pub const EXPORT_DAYS: u32 = 8;
/// Days that what PayPal did not confirm stays: over a long weekend, in which the operator may have it tried again.
pub const NOTIFICATION_DAYS: u32 = 4;
/// Days that a checkout stays which nobody paid: as long as its owner may ask what became of it.
pub const UNPAID_DAYS: u32 = 90;
/// Days for which it is remembered what was corrected, and when.
pub const CORRECTION_DAYS: u32 = 365;
/// Days that the change of an address waits for its codes, at most.
pub const EMAIL_CHANGE_DAYS: u32 = 1;
/// Days that a disclosure for a lawful request stays, for staff to fetch.
pub const DISCLOSURE_DAYS: u32 = 7;
/// Hours that the answer to an `Idempotency-Key` stays.
pub const IDEMPOTENCY_HOURS: i64 = 24;

const IS_ELSEWHERE: ExportRule = ExportRule::Not("it is made of the payment, which is exported");
const SAYS_NOTHING: ExportRule = ExportRule::Not("it says nothing about a person");
const FOR_STAFF: ExportRule =
    ExportRule::Not("it is made of what is exported, and the log of accesses says that it was made");

const fn account_item(name: &'static str, sk: &'static str, purpose: &'static str, kept: RetentionRule) -> DataKind {
    DataKind {
        name,
        location: DataLocation::Item { pk: "ACCOUNT#", sk },
        purpose,
        personal: true,
        retention: kept,
        export: ExportRule::Json,
        erasure: ErasureRule::WithAccount,
    }
}

const fn files(name: &'static str, folder: &'static str, purpose: &'static str) -> DataKind {
    DataKind {
        name,
        location: DataLocation::Objects { folder },
        purpose,
        personal: true,
        retention: RetentionRule::Plan,
        export: ExportRule::Files,
        erasure: ErasureRule::WithAccount,
    }
}

const fn pointer_item(
    name: &'static str,
    (pk, sk): (&'static str, &'static str),
    purpose: &'static str,
    (kept, erased): (RetentionRule, ErasureRule),
) -> DataKind {
    let place = DataLocation::Item { pk, sk };
    DataKind { name, location: place, purpose, personal: false, retention: kept, export: SAYS_NOTHING, erasure: erased }
}

const fn record(
    name: &'static str,
    pk: &'static str,
    purpose: &'static str,
    kept: RetentionRule,
    erased: ErasureRule,
) -> DataKind {
    let place = DataLocation::Record { pk };
    DataKind { name, location: place, purpose, personal: false, retention: kept, export: IS_ELSEWHERE, erasure: erased }
}

const fn messages(name: &'static str, output: &'static str, purpose: &'static str, personal: bool) -> DataKind {
    let exported = ExportRule::Not("what it leads to is exported, where it is about a person");
    let (place, kept) = (DataLocation::Messages { output }, RetentionRule::Days(14));
    DataKind {
        name,
        location: place,
        purpose,
        personal,
        retention: kept,
        export: exported,
        erasure: ErasureRule::Expires,
    }
}

const fn browser(name: &'static str, key: &'static str, purpose: &'static str, personal: bool) -> DataKind {
    let (place, exported) = (DataLocation::Browser { key }, ExportRule::Not("it lies with the person"));
    DataKind {
        name,
        location: place,
        purpose,
        personal,
        retention: RetentionRule::InBrowser,
        export: exported,
        erasure: ErasureRule::WithBrowser,
    }
}

/// Everything that is kept.
pub const DATA_KINDS: &[DataKind] = &[
    account_item("account", "ACCOUNT", "who the person is to us, what they have and prefer", RetentionRule::Account),
    account_item("ledger", "LEDGER#", "each movement of credits and its cause", RetentionRule::Account),
    account_item(
        "payment",
        "PAYMENT#",
        "what was bought, and what became of the money; a checkout that nobody paid goes after 90 days",
        RetentionRule::Account,
    ),
    account_item("generation", "GENERATION#", "what was asked for and what was made", RetentionRule::Plan),
    account_item("upload", "UPLOAD#", "what was declared and what arrived", RetentionRule::Plan),
    account_item("share", "SHARE#", "links that show one generation", RetentionRule::OwnExpiry),
    account_item("idempotency", "IDEMPOTENCY#", "the answer to a request that may be repeated", RetentionRule::Days(1)),
    account_item(
        "activity",
        "ACTIVITY#",
        "address and client of sign-ins, submits and checkouts, against abuse",
        RetentionRule::Days(ACTIVITY_DAYS),
    ),
    account_item(
        "export",
        "EXPORT#",
        "archives of everything that is held, asked for by their owner",
        RetentionRule::Days(EXPORT_DAYS),
    ),
    account_item(
        "correction",
        "CORRECTION#",
        "what of the account was corrected, and when; not what it was before",
        RetentionRule::Days(CORRECTION_DAYS),
    ),
    account_item(
        "email-change",
        "EMAILCHANGE",
        "a new address until it is confirmed, with keyed hashes of the codes",
        RetentionRule::Days(EMAIL_CHANGE_DAYS),
    ),
    account_item(
        "access",
        "ACCESS#",
        "each look that staff took at what is the person's, and why",
        RetentionRule::Account,
    ),
    DataKind {
        export: FOR_STAFF,
        ..account_item(
            "disclosure",
            "DISCLOSURE#",
            "what was put together for a lawful request, for staff to fetch",
            RetentionRule::Days(DISCLOSURE_DAYS),
        )
    },
    DataKind {
        export: SAYS_NOTHING,
        ..account_item(
            "hold-check",
            "HOLDCHECK",
            "when to look again at what a legal hold keeps",
            RetentionRule::Account,
        )
    },
    account_item(
        "ticket",
        "TICKET#",
        "questions to staff and what was said about them",
        RetentionRule::Days(TICKET_DAYS),
    ),
    DataKind {
        personal: true,
        export: ExportRule::Not(
            "no account has its address: one from the address of an account becomes a ticket there",
        ),
        ..pointer_item(
            "letter",
            ("LETTERS#", "LETTER#"),
            "a question to staff from an address without an account, until it is answered, and who of them read it and why",
            (RetentionRule::Days(GUEST_TICKET_DAYS), ErasureRule::WithAddress),
        )
    },
    pointer_item(
        "share-pointer",
        ("SHARE#", "POINTER"),
        "finds a share by the hash of its token",
        (RetentionRule::OwnExpiry, ErasureRule::WithTarget),
    ),
    pointer_item(
        "payment-pointer",
        ("PAYMENT#", "POINTER"),
        "finds a payment by its id, or by the provider's id of the transaction; goes with the payment",
        (RetentionRule::Account, ErasureRule::WithTarget),
    ),
    pointer_item(
        "parked-fact",
        ("PAYMENT#", "PARKED#"),
        "what a provider said of a payment before it was known: amount, ids, time",
        (RetentionRule::Days(PARKED_DAYS), ErasureRule::Expires),
    ),
    pointer_item(
        "unclaimed-payment",
        ("PAYMENT#", "UNCLAIMED"),
        "money that arrived for a payment that is gone, to be refunded: amount, transaction, time",
        (RetentionRule::Days(UNCLAIMED_DAYS), ErasureRule::Expires),
    ),
    pointer_item(
        "window",
        ("WINDOW#", "WINDOW"),
        "counts requests, new accounts and means of payment, under keyed hashes",
        (RetentionRule::Days(2), ErasureRule::Expires),
    ),
    files("uploads", "uploads", "what was uploaded, without its metadata"),
    files("generations", "generations", "what was made, and thumbnails of it"),
    DataKind {
        retention: RetentionRule::Days(EXPORT_DAYS),
        export: ExportRule::Not("they are the archives that it is exported in"),
        ..files("exports", "exports", "archives of everything that is held, and what is needed while one is made")
    },
    DataKind {
        retention: RetentionRule::Days(DISCLOSURE_DAYS),
        export: FOR_STAFF,
        ..files("disclosures", "disclosures", "what was put together for lawful requests, for staff to fetch")
    },
    record(
        "tombstone",
        "TOMBSTONE#",
        "that an account was erased, under a keyed hash, so that a restored backup does not bring it back",
        RetentionRule::Days(TOMBSTONE_DAYS),
        ErasureRule::Expires,
    ),
    record(
        "receipt",
        "RECEIPT#",
        "what an erasure removed and what the law keeps, by kind and count",
        RetentionRule::Configured("PaymentRecordDays"),
        ErasureRule::Expires,
    ),
    record(
        "kept-payment",
        "PAYMENT#",
        "payments of people who are gone, as the law has them kept: amount, time, transaction",
        RetentionRule::Configured("PaymentRecordDays"),
        ErasureRule::KeptByLaw,
    ),
    messages("image-message", "ImageQueueUrl", "has a picture made: two ids", false),
    messages("video-message", "VideoQueueUrl", "has a film made: two ids", false),
    messages("erasure-message", "ErasuresUrl", "has an erasure go on: an id", false),
    messages("export-message", "ExportsUrl", "has an archive made: two ids", false),
    DataKind {
        retention: RetentionRule::Days(NOTIFICATION_DAYS),
        ..messages(
            "notification",
            "NotificationsUrl",
            "what PayPal says, until PayPal has confirmed it: name and address of the buyer are in it",
            true,
        )
    },
    DataKind {
        name: "user",
        location: DataLocation::Users,
        purpose: "signs the person in: address, password as a hash, sessions",
        personal: true,
        retention: RetentionRule::Account,
        export: ExportRule::Not("the address is exported with the account; the rest is secret"),
        erasure: ErasureRule::WithUser,
    },
    DataKind {
        name: "refresh-cookie",
        location: DataLocation::Cookie { name: "__Host-refresh" },
        purpose: "keeps the person signed in; essential, so nobody is asked for it",
        personal: true,
        retention: RetentionRule::Days(30),
        export: ExportRule::Not("it lies with the person, and is secret"),
        erasure: ErasureRule::WithUser,
    },
    browser(
        "browser-csrf",
        "csrf",
        "shows that a renewal of the session comes from the client; essential, and gone with the session",
        false,
    ),
    browser("browser-theme", "theme", "how the client looks, once that was chosen", false),
    browser("browser-language", "language", "the language of the client, once that was chosen", false),
    browser(
        "browser-draft",
        "draft",
        "what is being composed, so that a reload loses nothing; gone with the tab or the session",
        true,
    ),
    DataKind {
        name: "log",
        location: DataLocation::Logs,
        purpose: "what the service did, to find faults and abuse: ids and counts, no prompt, address or token",
        personal: false,
        retention: RetentionRule::Configured("LogRetentionDays"),
        export: SAYS_NOTHING,
        erasure: ErasureRule::Expires,
    },
];

/// The kind of an item.
#[must_use]
pub fn item_kind(pk: &str, sk: &str) -> Option<&'static DataKind> {
    DATA_KINDS.iter().find(|kind| match kind.location {
        DataLocation::Item { pk: pk_start, sk: sk_start } => pk.starts_with(pk_start) && sk.starts_with(sk_start),
        _ => false,
    })
}

/// The kind of an item of the table of records.
#[must_use]
pub fn record_kind(pk: &str) -> Option<&'static DataKind> {
    DATA_KINDS.iter().find(|kind| matches!(kind.location, DataLocation::Record { pk: start } if pk.starts_with(start)))
}

/// The kind of the files in this folder of an account's prefix.
#[must_use]
pub fn folder_kind(name: &str) -> Option<&'static DataKind> {
    DATA_KINDS.iter().find(|kind| matches!(kind.location, DataLocation::Objects { folder } if folder == name))
}

/// The kind of an object: its key is `accounts/<account>/<folder>/..`.
#[must_use]
pub fn object_kind(key: &str) -> Option<&'static DataKind> {
    let mut parts = key.split('/');
    let (Some("accounts"), Some(_), Some(folder)) = (parts.next(), parts.next(), parts.next()) else { return None };
    folder_kind(folder)
}
