//! The one declaration of everything that is kept: what it is, whose, whether personal, how it is exported and erased, and
//! how long it stays. What is not declared here must not be kept, and a test looks.

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
    /// Objects of the bucket in this folder of an account's prefix.
    Objects {
        /// The folder.
        folder: &'static str,
    },
}

/// How long something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// As long as the account.
    Account,
    /// The plan's retention.
    Plan,
    /// This many days, then the table's time to live removes it.
    Days(u32),
    /// Until the expiry that its owner chose.
    OwnExpiry,
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
    /// How it leaves with its owner.
    pub erased: Erased,
}

/// Days that activity records stay.
pub const ACTIVITY_DAYS: u32 = 90;
/// Days that a fact about an unknown payment waits for it. PayPal sends for four days, Stripe for three.
pub const PARKED_DAYS: u32 = 30;
/// Days that money which nobody claims is remembered, in which it must be refunded: as long as Stripe refunds
/// (<https://docs.stripe.com/refunds>).
pub const UNCLAIMED_DAYS: u32 = 180;
/// Days for which it is remembered that an account was erased. No older backup may be restored.
pub const TOMBSTONE_DAYS: u32 = 400;
/// Hours that the answer to an `Idempotency-Key` stays.
pub const IDEMPOTENCY_HOURS: i64 = 24;

const fn drawer(name: &'static str, sk: &'static str, purpose: &'static str, kept: Kept) -> Kind {
    Kind { name, place: Place::Item { pk: "ACCOUNT#", sk }, purpose, personal: true, kept, erased: Erased::WithDrawer }
}

const fn files(name: &'static str, folder: &'static str, purpose: &'static str) -> Kind {
    Kind {
        name,
        place: Place::Objects { folder },
        purpose,
        personal: true,
        kept: Kept::Plan,
        erased: Erased::WithDrawer,
    }
}

/// Everything that is kept.
pub const KINDS: &[Kind] = &[
    drawer("account", "ACCOUNT", "who the person is to us, what they have and prefer", Kept::Account),
    drawer("ledger", "LEDGER#", "each movement of credits and its cause", Kept::Account),
    drawer("payment", "PAYMENT#", "what was bought, and what became of the money", Kept::Account),
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
    Kind {
        name: "share-pointer",
        place: Place::Item { pk: "SHARE#", sk: "POINTER" },
        purpose: "finds a share by the hash of its token",
        personal: false,
        kept: Kept::OwnExpiry,
        erased: Erased::WithTarget,
    },
    Kind {
        name: "payment-pointer",
        place: Place::Item { pk: "PAYMENT#", sk: "POINTER" },
        purpose: "finds a payment by its id, or by the provider's id of the transaction",
        personal: false,
        kept: Kept::Account,
        erased: Erased::WithTarget,
    },
    Kind {
        name: "parked-fact",
        place: Place::Item { pk: "PAYMENT#", sk: "PARKED#" },
        purpose: "what a provider said of a payment before it was known: amount, ids, time",
        personal: false,
        kept: Kept::Days(PARKED_DAYS),
        erased: Erased::Expires,
    },
    Kind {
        name: "unclaimed-payment",
        place: Place::Item { pk: "PAYMENT#", sk: "UNCLAIMED" },
        purpose: "money that arrived for an account that is gone, to be refunded: amount, transaction, time",
        personal: false,
        kept: Kept::Days(UNCLAIMED_DAYS),
        erased: Erased::Expires,
    },
    Kind {
        name: "window",
        place: Place::Item { pk: "WINDOW#", sk: "WINDOW" },
        purpose: "counts requests, new accounts and means of payment, under keyed hashes",
        personal: false,
        kept: Kept::Days(2),
        erased: Erased::Expires,
    },
    files("uploads", "uploads", "what was uploaded, without its metadata"),
    files("generations", "generations", "what was made, and thumbnails of it"),
];

/// The kind of an item.
#[must_use]
pub fn item_kind(pk: &str, sk: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| match kind.place {
        Place::Item { pk: pk_start, sk: sk_start } => pk.starts_with(pk_start) && sk.starts_with(sk_start),
        Place::Objects { .. } => false,
    })
}

/// The kind of an object: its key is `accounts/<account>/<folder>/..`.
#[must_use]
pub fn object_kind(key: &str) -> Option<&'static Kind> {
    let mut parts = key.split('/');
    let (Some("accounts"), Some(_), Some(found)) = (parts.next(), parts.next(), parts.next()) else { return None };
    KINDS.iter().find(|kind| match kind.place {
        Place::Objects { folder } => folder == found,
        Place::Item { .. } => false,
    })
}

/// The kind of the files in this folder of an account's prefix.
#[must_use]
pub fn folder_kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| matches!(kind.place, Place::Objects { folder } if folder == name))
}
