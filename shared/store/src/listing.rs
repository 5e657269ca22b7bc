//! Queries: pages of what lies in a drawer, of the public gallery, and of what is due.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use domain::{
    AccountId, ActivityId, GenerationId, LedgerEntryId, TicketId,
    catalogue::models::MediaKind,
    credits::ledger::LedgerEntry,
    generations::generation::{Generation, GenerationStatus, Visibility},
    generations::share::Share,
    support::ticket::Ticket,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    StoreError, Table,
    item::{Activity, Item, SHELF, decode, gallery_at, key, keys, number, string},
};

/// Most queries for one page: a filter that lets little through answers a short page and a cursor after that.
const QUERIES_PER_PAGE: usize = 5;

/// What is due, by kind of what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueKind {
    /// Generations that have not ended.
    Generation,
    /// Uploads, unfinished or past their retention.
    Upload,
    /// Ended generations past their retention, or deleted.
    Media,
    /// Checkouts of which it is not known how they end.
    Checkout,
    /// Facts that wait for their payment.
    Parked,
    /// Payments that wait for a decision of staff.
    Review,
    /// Money that no account claims, and that staff have not refunded.
    Unclaimed,
    /// Accounts that may not spend until somebody lifts it.
    Frozen,
    /// Accounts that are being deleted.
    Erasure,
    /// Exports that are being made, and archives past their time.
    Export,
    /// Changes of addresses that were confirmed and not carried out.
    EmailChange,
    /// Disclosures past their time.
    Disclosure,
    /// Drawers that must be brought in line with the legal holds on them.
    HoldCheck,
    /// Questions that staff have not answered.
    Ticket,
    /// Letters that staff have not answered.
    GuestTicket,
}

impl DueKind {
    /// As it lies in the index.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Upload => "upload",
            Self::Media => "media",
            Self::Checkout => "checkout",
            Self::Parked => "parked",
            Self::Review => "review",
            Self::Unclaimed => "unclaimed",
            Self::Frozen => "frozen",
            Self::Erasure => "erasure",
            Self::Export => "export",
            Self::EmailChange => "email-change",
            Self::Disclosure => "disclosure",
            Self::HoldCheck => "hold-check",
            Self::Ticket => "ticket",
            Self::GuestTicket => "letter",
        }
    }

    /// What the sort keys of this kind start with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Generation | Self::Media => "GENERATION#",
            Self::Upload => "UPLOAD#",
            Self::Checkout | Self::Review => "PAYMENT#",
            Self::Parked => "PARKED#",
            Self::Unclaimed => key::UNCLAIMED,
            Self::Frozen | Self::Erasure => key::ACCOUNT,
            Self::Export => "EXPORT#",
            Self::EmailChange => key::EMAIL_CHANGE,
            Self::Disclosure => "DISCLOSURE#",
            Self::HoldCheck => key::HOLD_CHECK,
            Self::Ticket => "TICKET#",
            Self::GuestTicket => "LETTER#",
        }
    }
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueItem {
    /// Whose.
    pub account: AccountId,
    /// Its id, of the kind that was asked for.
    pub id: Uuid,
}

/// Which of the own generations to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<GenerationStatus>,
    /// Only of this kind.
    pub kind: Option<MediaKind>,
    /// Only with this visibility.
    pub visibility: Option<Visibility>,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page starts, if there may be more.
    pub next: Option<C>,
}

impl Table {
    /// Own generations, newest first, those being removed left out.
    ///
    /// # Errors
    /// A call failed.
    pub async fn generations(
        &self,
        account: AccountId,
        filter: Filter,
        limit: usize,
        after: Option<GenerationId>,
    ) -> Result<Page<Generation, GenerationId>, StoreError> {
        let mut conditions = vec!["deleting = :false"];
        let mut names = HashMap::new();
        let mut values = Item::from([(":false".to_owned(), AttributeValue::Bool(false))]);
        let wanted = [
            ("#status = :status", "status", filter.status.map(|v| text(&v)).transpose()?),
            ("#kind = :kind", "kind", filter.kind.map(|v| text(&v)).transpose()?),
            ("#visibility = :visibility", "visibility", filter.visibility.map(|v| text(&v)).transpose()?),
        ];
        for (condition, field, value) in wanted {
            if let Some(value) = value {
                conditions.push(condition);
                names.insert(format!("#{field}"), field.to_owned());
                values.insert(format!(":{field}"), value);
            }
        }
        let drawer = key::account(account);
        let mut start = after.map(|id| keys(drawer.clone(), key::generation(id)));
        let mut items: Vec<Generation> = Vec::new();
        for _ in 0..QUERIES_PER_PAGE {
            let answer = self
                .db
                .query()
                .table_name(&self.name)
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .filter_expression(conditions.join(" AND "))
                .set_expression_attribute_names((!names.is_empty()).then(|| names.clone()))
                .set_expression_attribute_values(Some(values.clone()))
                .expression_attribute_values(":pk", string(&drawer))
                .expression_attribute_values(":sk", string("GENERATION#"))
                .scan_index_forward(false)
                .limit(page_limit(limit))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::of("Query"))?;
            items.extend(decode_all::<Generation>(answer.items)?);
            start = answer.last_evaluated_key;
            if items.len() > limit || start.is_none() {
                break;
            }
        }
        let next = if items.len() > limit {
            items.truncate(limit);
            items.last().map(|last| last.id)
        } else {
            start.as_ref().and_then(|key| id_of(key, "GENERATION#")).map(GenerationId)
        };
        Ok(Page { items, next })
    }

    /// Public generations, newest first. The cursor is the place of the last one in the index.
    ///
    /// # Errors
    /// The call failed.
    pub async fn gallery(&self, limit: usize, after: Option<&str>) -> Result<Page<Generation, String>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .index_name("gallery")
            .key_condition_expression("gallery_shelf = :shelf AND gallery_at < :after")
            .expression_attribute_values(":shelf", string(SHELF))
            // Every place in the index starts with a digit, and all digits come before a colon.
            .expression_attribute_values(":after", string(after.unwrap_or(":")))
            .scan_index_forward(false)
            .limit(page_limit(limit))
            .send()
            .await
            .map_err(StoreError::of("Query"))?;
        let mut items: Vec<Generation> = decode_all(answer.items)?;
        // A call ends at a megabyte as well, wherever that is.
        let more = items.len() > limit || answer.last_evaluated_key.is_some();
        items.truncate(limit);
        let last = items.last().and_then(|last| last.published_at.map(|at| gallery_at(at, last)));
        Ok(Page { items, next: last.filter(|_| more) })
    }

    /// The shares of a generation, oldest first.
    ///
    /// # Errors
    /// A call failed.
    pub async fn shares(&self, account: AccountId, generation: GenerationId) -> Result<Vec<Share>, StoreError> {
        let mut shares = Vec::new();
        let mut start = None;
        loop {
            let answer = self
                .in_partition(account, all(&format!("SHARE#{generation}#")))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::of("Query"))?;
            shares.extend(decode_all::<Share>(answer.items)?);
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(shares);
            }
        }
    }

    /// Entries of a ledger made in `from..to`, oldest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn entries(
        &self,
        account: AccountId,
        (from, to): (Timestamp, Timestamp),
        limit: usize,
        after: Option<LedgerEntryId>,
    ) -> Result<Page<LedgerEntry, LedgerEntryId>, StoreError> {
        // The first id of the end is its first millisecond, and the end is not part of the period.
        let period = (format!("LEDGER#{}", first_id_at(from)), format!("LEDGER#{}", first_id_at(to)));
        let start = after.map(|id| keys(key::account(account), format!("LEDGER#{id}")));
        let query = self.in_partition(account, period).set_exclusive_start_key(start);
        page(query, limit, |entry: &LedgerEntry| entry.id).await
    }

    /// The last entry made before `at`: its balance is where a statement that starts there opens.
    ///
    /// # Errors
    /// The call failed.
    pub async fn last_entry_before(
        &self,
        account: AccountId,
        at: Timestamp,
    ) -> Result<Option<LedgerEntry>, StoreError> {
        let before = ("LEDGER#".to_owned(), format!("LEDGER#{}", first_id_at(at)));
        let query = self.in_partition(account, before).scan_index_forward(false).limit(1);
        let answer = query.send().await.map_err(StoreError::of("Query"))?;
        Ok(decode_all(answer.items)?.pop())
    }

    /// Records of activity, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn activities(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<ActivityId>,
    ) -> Result<Page<Activity, ActivityId>, StoreError> {
        let start = after.map(|id| keys(key::account(account), format!("ACTIVITY#{id}")));
        let query = self.in_partition(account, all("ACTIVITY#")).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |activity: &Activity| activity.id).await
    }

    /// Tickets, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn tickets(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<TicketId>,
    ) -> Result<Page<Ticket, TicketId>, StoreError> {
        let start = after.map(|id| keys(key::account(account), key::ticket(id)));
        let query = self.in_partition(account, all("TICKET#")).scan_index_forward(false).consistent_read(true);
        page(query.set_exclusive_start_key(start), limit, |ticket: &Ticket| ticket.id).await
    }

    /// What lies in a drawer between these sort keys, both included.
    pub(crate) fn in_partition(&self, account: AccountId, (first, last): (String, String)) -> QueryFluentBuilder {
        self.db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", string(key::account(account)))
            .expression_attribute_values(":first", string(first))
            .expression_attribute_values(":last", string(last))
    }

    /// What of this kind is due at `now` in the drawers, the longest due first, `limit` at most. An account has its own
    /// id.
    ///
    /// # Errors
    /// The call failed.
    pub async fn due(&self, kind: DueKind, now: Timestamp, limit: usize) -> Result<Vec<DueItem>, StoreError> {
        let items = self.due_keys(kind, now, limit, None).await?;
        let found = items.iter().filter_map(|item| {
            let account: AccountId = item.get("pk")?.as_s().ok()?.strip_prefix("ACCOUNT#")?.parse().ok()?;
            let is_account = !kind.prefix().ends_with('#');
            let id = if is_account { Some(account.0) } else { id_of(item, kind.prefix()) };
            Some(DueItem { account, id: id? })
        });
        Ok(found.collect())
    }

    /// The keys, the index's included, of what of this kind is due at `now`, the longest due first, `limit` at most:
    /// those that come after these.
    pub(crate) async fn due_keys(
        &self,
        kind: DueKind,
        now: Timestamp,
        limit: usize,
        after: Option<Item>,
    ) -> Result<Vec<Item>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .index_name("due")
            .key_condition_expression("due_kind = :kind AND due_at <= :now")
            .expression_attribute_values(":kind", string(kind.as_str()))
            .expression_attribute_values(":now", number(now.as_second()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(StoreError::of("Query"))?;
        Ok(answer.items.unwrap_or_default())
    }
}

/// All sort keys with this beginning: what follows it is letters, digits and hyphens, which come before a tilde.
pub(crate) fn all(prefix: &str) -> (String, String) {
    (prefix.to_owned(), format!("{prefix}~"))
}

pub(crate) async fn page<T: DeserializeOwned, C>(
    query: QueryFluentBuilder,
    limit: usize,
    id: impl Fn(&T) -> C,
) -> Result<Page<T, C>, StoreError> {
    let answer = query.limit(page_limit(limit)).send().await.map_err(StoreError::of("Query"))?;
    let mut items: Vec<T> = decode_all(answer.items)?;
    // A call ends at a megabyte as well, wherever that is.
    let more = items.len() > limit || answer.last_evaluated_key.is_some();
    items.truncate(limit);
    let next = items.last().map(id).filter(|_| more);
    Ok(Page { items, next })
}

/// One more than the page, so that a page that is exactly full has no cursor to an empty one.
fn page_limit(limit: usize) -> i32 {
    i32::try_from(limit + 1).unwrap_or(i32::MAX)
}

pub(crate) fn decode_all<T: DeserializeOwned>(items: Option<Vec<Item>>) -> Result<Vec<T>, StoreError> {
    items.unwrap_or_default().into_iter().map(decode).collect()
}

fn text<T: serde::Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(StoreError::of("encode"))
}

pub(crate) fn id_of(item: &Item, prefix: &str) -> Option<Uuid> {
    item.get("sk")?.as_s().ok()?.strip_prefix(prefix)?.parse().ok()
}

/// The smallest UUIDv7 of this millisecond: 48 bits of Unix time in milliseconds, then the version
/// ([RFC 9562, 5.7](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)).
fn first_id_at(at: Timestamp) -> Uuid {
    let millisecond = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millisecond, &[0; 10]).into_uuid()
}
