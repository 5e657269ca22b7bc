//! The one declaration of everything that is kept: what it is, whose, whether personal, how it is exported and erased, and
//! how long it stays. What is not declared here must not be kept, and a test looks; what is declared and never kept must
//! not stay here, and a test looks for that too.
//!
//! [`KINDS`] are the kinds of things, [`fields`] what each is made of.

mod fields;

pub use fields::{Field, fields};

/// Where something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
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
pub enum Kept {
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
pub enum Exported {
    /// As JSON, in a file with the name of the kind.
    Json,
    /// As files.
    Files,
    /// With something else, or not at all, for this reason.
    Not(&'static str),
}

/// How something leaves with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// With everything under the owner's partition key or prefix.
    WithDrawer,
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
pub struct Kind {
    /// Its name, in an export and in the inventory.
    pub name: &'static str,
    /// Where it lies.
    pub place: Place,
    /// What it holds and what for.
    pub purpose: &'static str,
    /// Whether it says something about a person.
    pub personal: bool,
    /// How long it stays.
    pub kept: Kept,
    /// How its owner takes it out.
    pub exported: Exported,
    /// How it leaves with its owner.
    pub erased: Erased,
}

/// Days that activity records stay.
pub const ACTIVITY_DAYS: u32 = 90;
/// Days that a ticket stays after the last word.
pub const TICKET_DAYS: u32 = 180;
/// Days that a letter of somebody who is not signed in waits for staff. It goes with the answer.
pub const LETTER_DAYS: u32 = 30;
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

const IS_ELSEWHERE: Exported = Exported::Not("it is made of the payment, which is exported");
const SAYS_NOTHING: Exported = Exported::Not("it says nothing about a person");
const FOR_STAFF: Exported =
    Exported::Not("it is made of what is exported, and the log of accesses says that it was made");

const fn drawer(name: &'static str, sk: &'static str, purpose: &'static str, kept: Kept) -> Kind {
    Kind {
        name,
        place: Place::Item { pk: "ACCOUNT#", sk },
        purpose,
        personal: true,
        kept,
        exported: Exported::Json,
        erased: Erased::WithDrawer,
    }
}

const fn files(name: &'static str, folder: &'static str, purpose: &'static str) -> Kind {
    Kind {
        name,
        place: Place::Objects { folder },
        purpose,
        personal: true,
        kept: Kept::Plan,
        exported: Exported::Files,
        erased: Erased::WithDrawer,
    }
}

const fn beside(
    name: &'static str,
    (pk, sk): (&'static str, &'static str),
    purpose: &'static str,
    (kept, erased): (Kept, Erased),
) -> Kind {
    let place = Place::Item { pk, sk };
    Kind { name, place, purpose, personal: false, kept, exported: SAYS_NOTHING, erased }
}

const fn record(name: &'static str, pk: &'static str, purpose: &'static str, kept: Kept, erased: Erased) -> Kind {
    let place = Place::Record { pk };
    Kind { name, place, purpose, personal: false, kept, exported: IS_ELSEWHERE, erased }
}

const fn messages(name: &'static str, output: &'static str, purpose: &'static str, personal: bool) -> Kind {
    let exported = Exported::Not("what it leads to is exported, where it is about a person");
    let (place, kept) = (Place::Messages { output }, Kept::Days(14));
    Kind { name, place, purpose, personal, kept, exported, erased: Erased::Expires }
}

const fn browser(name: &'static str, key: &'static str, purpose: &'static str, personal: bool) -> Kind {
    let (place, exported) = (Place::Browser { key }, Exported::Not("it lies with the person"));
    Kind { name, place, purpose, personal, kept: Kept::InBrowser, exported, erased: Erased::WithBrowser }
}

/// Everything that is kept.
pub const KINDS: &[Kind] = &[
    drawer("account", "ACCOUNT", "who the person is to us, what they have and prefer", Kept::Account),
    drawer("ledger", "LEDGER#", "each movement of credits and its cause", Kept::Account),
    drawer(
        "payment",
        "PAYMENT#",
        "what was bought, and what became of the money; a checkout that nobody paid goes after 90 days",
        Kept::Account,
    ),
    drawer("generation", "GENERATION#", "what was asked for and what was made", Kept::Plan),
    drawer("upload", "UPLOAD#", "what was declared and what arrived", Kept::Plan),
    drawer("share", "SHARE#", "links that show one generation", Kept::OwnExpiry),
    drawer("idempotency", "IDEMPOTENCY#", "the answer to a request that may be repeated", Kept::Days(1)),
    drawer(
        "activity",
        "ACTIVITY#",
        "address and client of sign-ins, submits and checkouts, against abuse",
        Kept::Days(ACTIVITY_DAYS),
    ),
    drawer(
        "export",
        "EXPORT#",
        "archives of everything that is held, asked for by their owner",
        Kept::Days(EXPORT_DAYS),
    ),
    drawer(
        "correction",
        "CORRECTION#",
        "what of the account was corrected, and when; not what it was before",
        Kept::Days(CORRECTION_DAYS),
    ),
    drawer(
        "email-change",
        "EMAILCHANGE",
        "a new address until it is confirmed, with keyed hashes of the codes",
        Kept::Days(EMAIL_CHANGE_DAYS),
    ),
    drawer("access", "ACCESS#", "each look that staff took at what is the person's, and why", Kept::Account),
    Kind {
        exported: FOR_STAFF,
        ..drawer(
            "disclosure",
            "DISCLOSURE#",
            "what was put together for a lawful request, for staff to fetch",
            Kept::Days(DISCLOSURE_DAYS),
        )
    },
    Kind {
        exported: SAYS_NOTHING,
        ..drawer("hold-check", "HOLDCHECK", "when to look again at what a legal hold keeps", Kept::Account)
    },
    drawer("ticket", "TICKET#", "questions to staff and what was said about them", Kept::Days(TICKET_DAYS)),
    Kind {
        personal: true,
        exported: Exported::Not(
            "no account has its address: one from the address of an account becomes a ticket there",
        ),
        ..beside(
            "letter",
            ("LETTERS#", "LETTER#"),
            "a question to staff from an address without an account, until it is answered, and who of them read it and why",
            (Kept::Days(LETTER_DAYS), Erased::WithAddress),
        )
    },
    beside(
        "share-pointer",
        ("SHARE#", "POINTER"),
        "finds a share by the hash of its token",
        (Kept::OwnExpiry, Erased::WithTarget),
    ),
    beside(
        "payment-pointer",
        ("PAYMENT#", "POINTER"),
        "finds a payment by its id, or by the provider's id of the transaction; goes with the payment",
        (Kept::Account, Erased::WithTarget),
    ),
    beside(
        "parked-fact",
        ("PAYMENT#", "PARKED#"),
        "what a provider said of a payment before it was known: amount, ids, time",
        (Kept::Days(PARKED_DAYS), Erased::Expires),
    ),
    beside(
        "unclaimed-payment",
        ("PAYMENT#", "UNCLAIMED"),
        "money that arrived for a payment that is gone, to be refunded: amount, transaction, time",
        (Kept::Days(UNCLAIMED_DAYS), Erased::Expires),
    ),
    beside(
        "window",
        ("WINDOW#", "WINDOW"),
        "counts requests, new accounts and means of payment, under keyed hashes",
        (Kept::Days(2), Erased::Expires),
    ),
    files("uploads", "uploads", "what was uploaded, without its metadata"),
    files("generations", "generations", "what was made, and thumbnails of it"),
    Kind {
        kept: Kept::Days(EXPORT_DAYS),
        exported: Exported::Not("they are the archives that it is exported in"),
        ..files("exports", "exports", "archives of everything that is held, and what is needed while one is made")
    },
    Kind {
        kept: Kept::Days(DISCLOSURE_DAYS),
        exported: FOR_STAFF,
        ..files("disclosures", "disclosures", "what was put together for lawful requests, for staff to fetch")
    },
    record(
        "tombstone",
        "TOMBSTONE#",
        "that an account was erased, under a keyed hash, so that a restored backup does not bring it back",
        Kept::Days(TOMBSTONE_DAYS),
        Erased::Expires,
    ),
    record(
        "receipt",
        "RECEIPT#",
        "what an erasure removed and what the law keeps, by kind and count",
        Kept::Configured("PaymentRecordDays"),
        Erased::Expires,
    ),
    record(
        "kept-payment",
        "PAYMENT#",
        "payments of people who are gone, as the law has them kept: amount, time, transaction",
        Kept::Configured("PaymentRecordDays"),
        Erased::KeptByLaw,
    ),
    messages("image-message", "ImageQueueUrl", "has a picture made: two ids", false),
    messages("video-message", "VideoQueueUrl", "has a film made: two ids", false),
    messages("erasure-message", "ErasuresUrl", "has an erasure go on: an id", false),
    messages("export-message", "ExportsUrl", "has an archive made: two ids", false),
    Kind {
        kept: Kept::Days(NOTIFICATION_DAYS),
        ..messages(
            "notification",
            "NotificationsUrl",
            "what PayPal says, until PayPal has confirmed it: name and address of the buyer are in it",
            true,
        )
    },
    Kind {
        name: "user",
        place: Place::Users,
        purpose: "signs the person in: address, password as a hash, sessions",
        personal: true,
        kept: Kept::Account,
        exported: Exported::Not("the address is exported with the account; the rest is secret"),
        erased: Erased::WithUser,
    },
    Kind {
        name: "refresh-cookie",
        place: Place::Cookie { name: "__Host-refresh" },
        purpose: "keeps the person signed in; essential, so nobody is asked for it",
        personal: true,
        kept: Kept::Days(30),
        exported: Exported::Not("it lies with the person, and is secret"),
        erased: Erased::WithUser,
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
    Kind {
        name: "log",
        place: Place::Logs,
        purpose: "what the service did, to find faults and abuse: ids and counts, no prompt, address or token",
        personal: false,
        kept: Kept::Configured("LogRetentionDays"),
        exported: SAYS_NOTHING,
        erased: Erased::Expires,
    },
];

/// The kind of an item.
#[must_use]
pub fn item_kind(pk: &str, sk: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| match kind.place {
        Place::Item { pk: pk_start, sk: sk_start } => pk.starts_with(pk_start) && sk.starts_with(sk_start),
        _ => false,
    })
}

/// The kind of an item of the table of records.
#[must_use]
pub fn record_kind(pk: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| matches!(kind.place, Place::Record { pk: start } if pk.starts_with(start)))
}

/// The kind of the files in this folder of an account's prefix.
#[must_use]
pub fn folder_kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| matches!(kind.place, Place::Objects { folder } if folder == name))
}

/// The kind of an object: its key is `accounts/<account>/<folder>/..`.
#[must_use]
pub fn object_kind(key: &str) -> Option<&'static Kind> {
    let mut parts = key.split('/');
    let (Some("accounts"), Some(_), Some(folder)) = (parts.next(), parts.next(), parts.next()) else { return None };
    folder_kind(folder)
}
