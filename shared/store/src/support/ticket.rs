//! Tickets of account owners in the table.

use domain::{AccountId, TicketId, support::ticket::Ticket};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, expire_at, primary_key},
    keys,
    query::{Page, page},
    table::Table,
};

pub(crate) fn to_item(ticket: &Ticket) -> Result<Item, StoreError> {
    let mut item = encode(ticket, keys::account(ticket.account), keys::ticket(ticket.id))?;
    expire_at(&mut item, ticket.expires_at());
    if let Some(since) = ticket.waiting_since() {
        mark_due(&mut item, DueKind::Ticket, since);
    }
    Ok(item)
}

impl Table {
    /// Reads a ticket.
    ///
    /// # Errors
    /// The call failed.
    pub async fn ticket(&self, account: AccountId, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        self.read(keys::account(account), keys::ticket(id)).await
    }

    /// Lists tickets, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn tickets(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<TicketId>,
    ) -> Result<Page<Ticket, TicketId>, StoreError> {
        let start = after.map(|id| primary_key(keys::account(account), keys::ticket(id)));
        let query = self.query_prefix(account, keys::TICKET).scan_index_forward(false).consistent_read(true);
        page(query.set_exclusive_start_key(start), limit, |ticket: &Ticket| ticket.id).await
    }
}
