//! Guest tickets in the table. They are in the partition of no account, but under a keyed hash of the address that they
//! come from.

use domain::{GuestTicketId, support::guest_ticket::GuestTicket};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, expire_at, primary_key, string},
    keys,
    query::all,
    table::Table,
};

pub(crate) fn to_item(ticket: &GuestTicket) -> Result<Item, StoreError> {
    let mut item = encode(ticket, keys::guest(&ticket.guest), keys::guest_ticket(ticket.id))?;
    expire_at(&mut item, ticket.expires_at());
    if let Some(since) = ticket.waiting_since() {
        mark_due(&mut item, DueKind::GuestTicket, since);
    }
    Ok(item)
}

impl Table {
    /// Reads a guest ticket. `guest` is the keyed hash of its address.
    ///
    /// # Errors
    /// The call failed.
    pub async fn guest_ticket(&self, guest: &str, id: GuestTicketId) -> Result<Option<GuestTicket>, StoreError> {
        self.read(keys::guest(guest), keys::guest_ticket(id)).await
    }

    /// Lists the guest tickets from an address. They are few, as their number per day is limited.
    ///
    /// # Errors
    /// A call failed.
    pub async fn guest_tickets(&self, guest: &str) -> Result<Vec<GuestTicket>, StoreError> {
        let query = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(keys::guest(guest)));
        all(query).await
    }

    /// Deletes the guest tickets from an address. A repeat deletes the rest.
    ///
    /// # Errors
    /// A call failed; some may be deleted.
    pub async fn remove_guest_tickets(&self, guest: &str) -> Result<(), StoreError> {
        let tickets = self.guest_tickets(guest).await?;
        let keys = tickets.iter().map(|ticket| primary_key(keys::guest(guest), keys::guest_ticket(ticket.id)));
        self.delete_all(keys.collect()).await
    }
}
