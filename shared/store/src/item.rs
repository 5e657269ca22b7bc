//! How values lie in the table: keys, and the attributes that the indexes and the time to live need beside them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountId, ActivityId, accounts::account::Account, credits::ledger::LedgerEntry,
    generations::generation::Generation, generations::generation::Visibility, generations::share::Share,
    generations::upload::Upload, privacy::export::Export, registry, support::ticket::Ticket,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::StoreError;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The attribute of the table's time to live.
pub(crate) const TTL: &str = "ttl";
/// The only shelf of the public gallery: its partition.
pub(crate) const SHELF: &str = "public";

/// The keys of every kind of item.
pub mod key {
    use domain::{
        AccountId, AuditEntryId, CorrectionId, DisclosureId, ExportId, GenerationId, GuestTicketId, PaymentId, ShareId,
        TicketId, UploadId, payments::payment::PaymentReference,
    };

    /// The sort key of an account.
    pub const ACCOUNT: &str = "ACCOUNT";
    /// The sort key of a pointer.
    pub const POINTER: &str = "POINTER";
    /// The sort key of money that nobody claims.
    pub const UNCLAIMED: &str = "UNCLAIMED";
    /// The sort key of the change of an address.
    pub const EMAIL_CHANGE: &str = "EMAILCHANGE";
    /// The sort key of the next look at what legal holds keep.
    pub const HOLD_CHECK: &str = "HOLDCHECK";
    /// The sort key of a rate window.
    pub const WINDOW: &str = "WINDOW";

    /// The drawer of an account.
    #[must_use]
    pub fn account(account: AccountId) -> String {
        format!("ACCOUNT#{account}")
    }

    /// A generation's sort key.
    #[must_use]
    pub fn generation(id: GenerationId) -> String {
        format!("GENERATION#{id}")
    }

    /// An upload's sort key.
    #[must_use]
    pub fn upload(id: UploadId) -> String {
        format!("UPLOAD#{id}")
    }

    /// An export's sort key.
    #[must_use]
    pub fn export(id: ExportId) -> String {
        format!("EXPORT#{id}")
    }

    /// The sort key of a line of the log of accesses.
    #[must_use]
    pub fn audit_entry(id: AuditEntryId) -> String {
        format!("ACCESS#{id}")
    }

    /// A disclosure's sort key.
    #[must_use]
    pub fn disclosure(id: DisclosureId) -> String {
        format!("DISCLOSURE#{id}")
    }

    /// A correction's sort key.
    #[must_use]
    pub fn correction(id: CorrectionId) -> String {
        format!("CORRECTION#{id}")
    }

    /// A share's sort key.
    #[must_use]
    pub fn share(generation: GenerationId, id: ShareId) -> String {
        format!("SHARE#{generation}#{id}")
    }

    /// The sort key of a ticket.
    #[must_use]
    pub fn ticket(id: TicketId) -> String {
        format!("TICKET#{id}")
    }

    /// The partition key of what comes from an address, by the keyed hash of it.
    #[must_use]
    pub fn guest_tickets(writer: &str) -> String {
        format!("LETTERS#{writer}")
    }

    /// The sort key of a letter.
    #[must_use]
    pub fn guest_ticket(id: GuestTicketId) -> String {
        format!("LETTER#{id}")
    }

    /// The partition key of a share's pointer.
    #[must_use]
    pub fn share_pointer(token_hash: &str) -> String {
        format!("SHARE#{token_hash}")
    }

    /// A payment's sort key.
    #[must_use]
    pub fn payment(id: PaymentId) -> String {
        format!("PAYMENT#{id}")
    }

    /// The partition key of what lies outside of the drawer about a payment.
    #[must_use]
    pub fn payment_reference(reference: &PaymentReference) -> String {
        match reference {
            PaymentReference::Payment(id) => format!("PAYMENT#{id}"),
            PaymentReference::Transaction(rail, id) => format!("PAYMENT#{}#{id}", rail.as_str()),
        }
    }

    /// The sort key of a fact that waits for its payment.
    #[must_use]
    pub fn parked(fact: &str) -> String {
        format!("PARKED#{fact}")
    }

    /// The sort key of the answer to an `Idempotency-Key`.
    #[must_use]
    pub fn idempotency(key: &str) -> String {
        format!("IDEMPOTENCY#{key}")
    }

    /// The partition key of a rate window.
    #[must_use]
    pub fn window(kind: &str, keyed_hash: &str) -> String {
        format!("WINDOW#{kind}#{keyed_hash}")
    }
}

/// The answer to a request that carried an `Idempotency-Key`, as it is kept: `answer` is sealed by whoever keeps it, as it
/// may say something of somebody else, of whom nothing is left behind when they go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct IdempotencyRecord {
    /// Whose request.
    pub account: AccountId,
    /// Its key.
    pub key: String,
    /// What tells another request with the same key apart.
    pub fingerprint: String,
    /// The status of the answer.
    pub status: u16,
    /// Its `Location` and its body, sealed.
    pub answer: String,
    /// When it was given.
    pub at: Timestamp,
}

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// Signed in.
    SignIn,
    /// Submitted a generation.
    Submit,
    /// Began to buy a package.
    Checkout,
}

/// A record of activity: from where, with what client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Activity {
    /// Its id.
    pub id: ActivityId,
    /// Whose.
    pub account: AccountId,
    /// What.
    pub kind: ActivityKind,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: String,
    /// With what client.
    pub user_agent: String,
}

/// Longest kept text of what a client says it is, in characters.
const USER_AGENT_CHARACTERS: usize = 256;

impl Activity {
    /// A record of what an account did at `at`. What a client says it is, is cut at 256 characters.
    #[must_use]
    pub fn new(
        id: ActivityId,
        account: AccountId,
        kind: ActivityKind,
        at: Timestamp,
        (address, user_agent): (String, &str),
    ) -> Self {
        let user_agent = user_agent.chars().take(USER_AGENT_CHARACTERS).collect();
        Self { id, account, kind, at, address, user_agent }
    }
}

pub(crate) fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn keys(pk: String, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))])
}

pub(crate) fn encode<T: Serialize>(value: &T, pk: String, sk: impl Into<String>) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(StoreError::of("encode"))?;
    item.extend(keys(pk, sk));
    Ok(item)
}

pub(crate) fn decode<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::of("decode"))
}

pub(crate) fn due(item: &mut Item, kind: crate::DueKind, at: Timestamp) {
    item.insert("due_kind".to_owned(), string(kind.as_str()));
    item.insert("due_at".to_owned(), number(at.as_second()));
}

pub(crate) fn live_until(item: &mut Item, at: Timestamp) {
    item.insert(TTL.to_owned(), number(at.as_second()));
}

pub(crate) fn account(account: &Account) -> Result<Item, StoreError> {
    let mut item = encode(account, key::account(account.id), key::ACCOUNT)?;
    if let Some(closing) = &account.deletion {
        due(&mut item, crate::DueKind::Erasure, closing.next_at);
    } else if let Some(freeze) = account.freezes.iter().find(|freeze| freeze.lifted_at.is_none()) {
        due(&mut item, crate::DueKind::Frozen, freeze.at);
    }
    Ok(item)
}

pub(crate) fn entry(owner: AccountId, entry: &LedgerEntry) -> Result<Item, StoreError> {
    encode(entry, key::account(owner), format!("LEDGER#{}", entry.id))
}

pub(crate) fn generation(generation: &Generation) -> Result<Item, StoreError> {
    let mut item = encode(generation, key::account(generation.account), key::generation(generation.id))?;
    if let Some(at) = generation.due_at() {
        let kind = if generation.status.is_final() { crate::DueKind::Media } else { crate::DueKind::Generation };
        due(&mut item, kind, at);
    }
    if let (Visibility::Public, Some(at)) = (generation.visibility, generation.published_at) {
        item.insert("gallery_shelf".to_owned(), string(SHELF));
        item.insert("gallery_at".to_owned(), string(gallery_at(at, generation)));
    }
    Ok(item)
}

/// Sorts by time, then by id, so that no two are equal.
pub(crate) fn gallery_at(published_at: Timestamp, generation: &Generation) -> String {
    format!("{:015}#{}", published_at.as_millisecond(), generation.id)
}

pub(crate) fn upload(upload: &Upload) -> Result<Item, StoreError> {
    let mut item = encode(upload, key::account(upload.account), key::upload(upload.id))?;
    if !upload.held {
        due(&mut item, crate::DueKind::Upload, upload.expires_at);
    }
    Ok(item)
}

pub(crate) fn export(export: &Export) -> Result<Item, StoreError> {
    let mut item = encode(export, key::account(export.account), key::export(export.id))?;
    due(&mut item, crate::DueKind::Export, export.due_at());
    Ok(item)
}

pub(crate) fn share(share: &Share) -> Result<Item, StoreError> {
    let mut item = encode(share, key::account(share.account), key::share(share.generation, share.id))?;
    live_until(&mut item, share.expires_at);
    Ok(item)
}

/// Where the share lies; nothing about anybody but two ids.
#[derive(Serialize, Deserialize)]
pub(crate) struct SharePointer {
    pub account: AccountId,
    pub generation: domain::GenerationId,
    pub share: domain::ShareId,
}

pub(crate) fn share_pointer(share: &Share) -> Result<Item, StoreError> {
    let pointer = SharePointer { account: share.account, generation: share.generation, share: share.id };
    let mut item = encode(&pointer, key::share_pointer(&share.token_hash), key::POINTER)?;
    live_until(&mut item, share.expires_at);
    Ok(item)
}

pub(crate) fn replay(replay: &IdempotencyRecord) -> Result<Item, StoreError> {
    let mut item = encode(replay, key::account(replay.account), key::idempotency(&replay.key))?;
    live_until(&mut item, replay.at + jiff::SignedDuration::from_hours(registry::IDEMPOTENCY_HOURS));
    Ok(item)
}

pub(crate) fn ticket(ticket: &Ticket) -> Result<Item, StoreError> {
    let mut item = encode(ticket, key::account(ticket.account), key::ticket(ticket.id))?;
    live_until(&mut item, ticket.expires_at());
    if let Some(since) = ticket.waiting_since() {
        due(&mut item, crate::DueKind::Ticket, since);
    }
    Ok(item)
}

pub(crate) fn activity(activity: &Activity) -> Result<Item, StoreError> {
    let mut item = encode(activity, key::account(activity.account), format!("ACTIVITY#{}", activity.id))?;
    live_until(&mut item, activity.at + jiff::SignedDuration::from_hours(24 * i64::from(registry::ACTIVITY_DAYS)));
    Ok(item)
}
