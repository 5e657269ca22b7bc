//! The index of what is due: items that the sweep or staff must process, by kind and time.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::AccountId;
use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    error::StoreError,
    item::{Item, id_of, number, string, text},
    keys,
    query::Page,
    table::Table,
};

/// The attribute that is the partition key of the index.
pub(crate) const PARTITION: &str = "due_partition";

/// A kind of due item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueKind {
    /// Generations that have not ended.
    Generation,
    /// Uploads, unfinished or past their retention.
    Upload,
    /// Ended generations past their retention, or deleted.
    Media,
    /// Checkouts whose outcome is not known.
    Checkout,
    /// Facts about payments that are not known yet.
    Parked,
    /// Approvals that wait for a second staff member.
    Approval,
    /// Payments that staff must review.
    Review,
    /// Unclaimed payments that staff have not refunded.
    Unclaimed,
    /// Accounts that are frozen until staff lift the freeze.
    Frozen,
    /// Accounts that are being deleted.
    Erasure,
    /// Exports that are being built, and archives past their retention.
    Export,
    /// Email changes that were confirmed and not completed.
    EmailChange,
    /// Users who signed up and may never have signed in.
    SignUp,
    /// Disclosures past their retention.
    Disclosure,
    /// Accounts whose plan changed, until the expiry of their files has followed.
    PlanChange,
    /// Accounts whose items must be checked against their legal holds.
    HoldCheck,
    /// Tickets without a reply.
    Ticket,
    /// Guest tickets without a reply.
    GuestTicket,
    /// Moderation cases that wait for a decision.
    Case,
    /// Mails about moderation cases that were not sent.
    CaseNotice,
    /// Reports of what was deleted with its account before a decision.
    Report,
}

impl DueKind {
    /// Returns the name of its partition in the index, or of its shards.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Upload => "upload",
            Self::Media => "media",
            Self::Checkout => "checkout",
            Self::Parked => "parked",
            Self::Approval => "approval",
            Self::Review => "review",
            Self::Unclaimed => "unclaimed",
            Self::Frozen => "frozen",
            Self::Erasure => "erasure",
            Self::Export => "export",
            Self::EmailChange => "email-change",
            Self::SignUp => "sign-up",
            Self::Disclosure => "disclosure",
            Self::PlanChange => "plan-change",
            Self::HoldCheck => "hold-check",
            Self::Ticket => "ticket",
            Self::GuestTicket => "guest-ticket",
            Self::Case => "case",
            Self::CaseNotice => "case-notice",
            Self::Report => "report",
        }
    }

    /// Returns the beginning of the sort keys of this kind.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Generation | Self::Media => keys::GENERATION,
            Self::Upload => keys::UPLOAD,
            Self::Checkout | Self::Review => keys::PAYMENT,
            Self::Parked => keys::PARKED,
            Self::Approval => keys::APPROVAL,
            Self::Unclaimed => keys::UNCLAIMED,
            Self::Frozen | Self::Erasure => keys::ACCOUNT,
            Self::Export => keys::EXPORT,
            Self::EmailChange => keys::EMAIL_CHANGE,
            Self::SignUp => keys::SIGN_UP,
            Self::Disclosure => keys::DISCLOSURE,
            Self::PlanChange => keys::PLAN_CHANGE,
            Self::HoldCheck => keys::HOLD_CHECK,
            Self::Ticket => keys::TICKET,
            Self::GuestTicket => keys::GUEST_TICKET,
            Self::Case => keys::CASE,
            Self::CaseNotice => keys::CASE_NOTICE,
            Self::Report => keys::REPORT,
        }
    }
}

/// An item that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueItem {
    /// The account.
    pub account: AccountId,
    /// Its id; the id of the account for kinds of which an account has one item.
    pub id: Uuid,
}

/// A position in the index of what is due, after which a list goes on: the last keys of each shard that has more.
#[derive(Clone, Debug)]
pub struct DuePosition(Vec<Item>);

/// Adds an item to the index. The write puts it into a shard, if its kind has more than one.
pub(crate) fn mark_due(item: &mut Item, kind: DueKind, at: Timestamp) {
    item.insert(PARTITION.to_owned(), string(kind.as_str()));
    item.insert("due_at".to_owned(), number(at.as_second()));
}

impl Table {
    /// Lists items of accounts that are due at `now`, the longest due first, at most `limit` of each shard, starting after a
    /// position.
    ///
    /// # Errors
    /// A call failed.
    pub async fn due(
        &self,
        kind: DueKind,
        now: Timestamp,
        limit: usize,
        after: Option<DuePosition>,
    ) -> Result<Page<DueItem, DuePosition>, StoreError> {
        let Page { items, next } = self.due_keys(kind, now, limit, after).await?;
        let found = items.iter().filter_map(|item| {
            let account = keys::parse_account(item.get("pk")?.as_s().ok()?)?;
            let is_account = !kind.prefix().ends_with('#');
            let id = if is_account { Some(account.0) } else { id_of(item, kind.prefix()) };
            Some(DueItem { account, id: id? })
        });
        Ok(Page { items: found.collect(), next })
    }

    /// Counts the generations that have not ended, at most `limit` of each shard, and returns when the oldest of them was submitted,
    /// as its id says.
    ///
    /// # Errors
    /// A call failed.
    pub async fn unfinished_generations(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(usize, Option<Timestamp>), StoreError> {
        // Each is due when its message is late or its deadline has passed: within a day.
        let until = now + SignedDuration::from_hours(24);
        let found = self.due(DueKind::Generation, until, limit, None).await?.items;
        let submitted = found.iter().filter_map(|item| {
            let (seconds, _) = item.id.get_timestamp()?.to_unix();
            Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
        });
        Ok((found.len(), submitted.min()))
    }

    /// Lists the keys, in the table and in the index, of items that are due at `now`, as [`due`](Self::due) does.
    pub(crate) async fn due_keys(
        &self,
        kind: DueKind,
        now: Timestamp,
        limit: usize,
        after: Option<DuePosition>,
    ) -> Result<Page<Item, DuePosition>, StoreError> {
        let starts: Vec<_> = match after {
            None => self.index_partitions(kind.as_str()).into_iter().map(|partition| (partition, None)).collect(),
            Some(DuePosition(keys)) => {
                keys.into_iter().filter_map(|keys| Some((text(&keys, PARTITION)?, Some(keys)))).collect()
            }
        };
        let shards = starts.into_iter().map(|(partition, start)| self.due_in(partition, now, limit, start));
        let shards = try_join_all(shards).await?;
        let next: Vec<_> = shards.iter().filter(|keys| keys.len() >= limit).filter_map(|keys| keys.last()).collect();
        let next = (!next.is_empty()).then(|| DuePosition(next.into_iter().cloned().collect()));
        let mut items: Vec<_> = shards.into_iter().flatten().collect();
        items.sort_by_key(due_at);
        Ok(Page { items, next })
    }

    /// Lists the keys of what is due in one partition of the index, the longest due first, starting after the given keys.
    pub(crate) async fn due_in(
        &self,
        partition: String,
        now: Timestamp,
        limit: usize,
        after: Option<Item>,
    ) -> Result<Vec<Item>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .index_name("due")
            .key_condition_expression("due_partition = :partition AND due_at <= :now")
            .expression_attribute_values(":partition", AttributeValue::S(partition))
            .expression_attribute_values(":now", number(now.as_second()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after)
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        Ok(answer.items.unwrap_or_default())
    }
}

fn due_at(keys: &Item) -> Option<i64> {
    keys.get("due_at")?.as_n().ok()?.parse().ok()
}
