//! Open cases: everything that waits for staff, in one list.

use domain::{
    accounts::account::Account,
    moderation::case::Case,
    payments::payment::{Payment, PaymentReference, UnclaimedPayment},
    staff::{approval::Approval, audit::AuditEntry, open_case::OpenCaseId},
    support::{guest_ticket::GuestTicket, ticket::Ticket},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    due::{self, DueKind},
    error::StoreError,
    item::{Item, decode, number, primary_key, string, text},
    keys,
    query::Page,
    table::Table,
};

/// The kinds, in the order of the list. Approvals and moderation cases come first, as they have a clock, and accounts last, as a freeze may last for a
/// long time.
const KINDS: [DueKind; 7] = [
    DueKind::Approval,
    DueKind::Case,
    DueKind::Review,
    DueKind::Unclaimed,
    DueKind::Ticket,
    DueKind::GuestTicket,
    DueKind::Frozen,
];

/// A case that waits for staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenCase {
    /// An approval that a second staff member must give, with the entry of the audit log that requests it.
    Approval(Approval, AuditEntry),
    /// A moderation case.
    Moderation(Case),
    /// A payment whose credits wait for a decision.
    Payment(Payment),
    /// An unclaimed payment that must be refunded.
    Unclaimed(UnclaimedPayment),
    /// A ticket.
    Ticket(Ticket),
    /// A guest ticket.
    GuestTicket(GuestTicket),
    /// An account that is frozen.
    Account(Account),
}

impl OpenCase {
    /// Returns its id; `None` for an approval, which has none.
    #[must_use]
    pub fn id(&self) -> Option<OpenCaseId> {
        Some(match self {
            Self::Approval(..) => return None,
            Self::Moderation(case) => OpenCaseId::Case { account: case.account, id: case.id },
            Self::Payment(payment) => OpenCaseId::Payment { account: payment.account, id: payment.id },
            Self::Unclaimed(unclaimed) => OpenCaseId::Unclaimed { payment: unclaimed.payment },
            Self::Ticket(ticket) => OpenCaseId::Ticket { account: ticket.account, id: ticket.id },
            Self::GuestTicket(ticket) => OpenCaseId::GuestTicket { guest: ticket.guest.clone(), id: ticket.id },
            Self::Account(account) => OpenCaseId::Account { account: account.id },
        })
    }
}

/// A position in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCasePosition {
    kind: usize,
    pk: String,
    sk: String,
    due_at: i64,
}

impl OpenCasePosition {
    fn of(kind: usize, keys: &Item) -> Option<Self> {
        let due_at = keys.get("due_at")?.as_n().ok()?.parse().ok()?;
        Some(Self { kind, pk: text(keys, "pk")?, sk: text(keys, "sk")?, due_at })
    }

    fn item_keys(&self) -> Item {
        primary_key(self.pk.clone(), self.sk.clone())
    }

    /// Returns the keys of the table and of the index.
    fn index_keys(&self) -> Item {
        let mut keys = self.item_keys();
        keys.extend(KINDS.get(self.kind).map(|kind| (due::PARTITION.to_owned(), string(kind.as_str()))));
        keys.insert("due_at".to_owned(), number(self.due_at));
        keys
    }
}

impl Table {
    /// Lists the cases that wait for staff at `now`: approvals, moderation cases, payments, unclaimed payments, tickets, guest tickets, accounts; of each
    /// kind the longest waiting first. A page may be shorter than `limit`, as the index lags behind the table.
    ///
    /// # Errors
    /// A call failed.
    pub async fn open_cases(
        &self,
        now: Timestamp,
        limit: usize,
        after: Option<OpenCasePosition>,
    ) -> Result<Page<OpenCase, OpenCasePosition>, StoreError> {
        let mut places = Vec::new();
        let first = after.as_ref().map_or(0, |place| place.kind);
        let mut start = after.map(|place| place.index_keys());
        for (index, kind) in KINDS.into_iter().enumerate().skip(first) {
            // One more than the page, so that a page that is exactly full has no cursor to an empty one.
            let wanted = limit + 1 - places.len();
            let keys = self.due_in(kind.as_str().to_owned(), now, wanted, start.take()).await?;
            places.extend(keys.iter().filter_map(|keys| OpenCasePosition::of(index, keys)));
            if places.len() > limit {
                break;
            }
        }
        let more = places.len() > limit;
        places.truncate(limit);
        let mut items = Vec::new();
        for place in &places {
            let Some(kind) = KINDS.get(place.kind) else { continue };
            items.extend(self.open_case(*kind, place.item_keys(), now).await?);
        }
        Ok(Page { items, next: places.pop().filter(|_| more) })
    }

    /// Counts the tickets and guest tickets that have waited for staff since this time or longer, at most `limit` of each.
    ///
    /// # Errors
    /// A call failed.
    pub async fn unanswered(&self, since: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut found = 0;
        for kind in [DueKind::Ticket, DueKind::GuestTicket] {
            found += self.due_in(kind.as_str().to_owned(), since, limit, None).await?.len();
        }
        Ok(found)
    }

    /// Reads a case, if it waits for staff at `now`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn find_open_case(&self, id: &OpenCaseId, now: Timestamp) -> Result<Option<OpenCase>, StoreError> {
        let (kind, pk, sk) = match id {
            OpenCaseId::Case { account, id } => (DueKind::Case, keys::account(*account), keys::case(*id)),
            OpenCaseId::Payment { account, id } => (DueKind::Review, keys::account(*account), keys::payment(*id)),
            OpenCaseId::Unclaimed { payment } => {
                let pk = keys::payment_reference(&PaymentReference::Payment(*payment));
                (DueKind::Unclaimed, pk, keys::UNCLAIMED.to_owned())
            }
            OpenCaseId::Ticket { account, id } => (DueKind::Ticket, keys::account(*account), keys::ticket(*id)),
            OpenCaseId::GuestTicket { guest, id } => {
                (DueKind::GuestTicket, keys::guest(guest), keys::guest_ticket(*id))
            }
            OpenCaseId::Account { account } => (DueKind::Frozen, keys::account(*account), keys::ACCOUNT.to_owned()),
        };
        self.open_case(kind, primary_key(pk, sk), now).await
    }

    async fn open_case(&self, kind: DueKind, keys: Item, now: Timestamp) -> Result<Option<OpenCase>, StoreError> {
        let Some(item) = self.item(keys).await? else { return Ok(None) };
        Ok(match kind {
            DueKind::Approval => {
                let approval: Approval = decode(item)?;
                if !approval.is_pending(now) {
                    return Ok(None);
                }
                let entry = self.read(keys::account(approval.account), keys::audit_entry(approval.id)).await?;
                entry.map(|entry| OpenCase::Approval(approval, entry))
            }
            DueKind::Case => {
                Some(decode(item)?).filter(|case: &Case| case.waiting_since().is_some()).map(OpenCase::Moderation)
            }
            DueKind::Review => Some(decode(item)?).filter(Payment::awaits_decision).map(OpenCase::Payment),
            DueKind::Unclaimed => {
                let unclaimed: UnclaimedPayment = decode(item)?;
                unclaimed.refunded_at.is_none().then_some(OpenCase::Unclaimed(unclaimed))
            }
            DueKind::Ticket => {
                let ticket: Ticket = decode(item)?;
                ticket.waiting_since().is_some().then_some(OpenCase::Ticket(ticket))
            }
            DueKind::GuestTicket => {
                let ticket: GuestTicket = decode(item)?;
                ticket.waiting_since().is_some().then_some(OpenCase::GuestTicket(ticket))
            }
            _ => Some(decode(item)?).filter(Account::is_frozen).map(OpenCase::Account),
        })
    }
}
