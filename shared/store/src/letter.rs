//! Letters: they lie in nobody's drawer, under a keyed hash of the address that they come from.

use domain::{GuestTicketId, support::guest_ticket::GuestTicket};

use crate::{
    DueKind, StoreError, Table,
    item::{Item, decode, due, encode, key, keys, live_until, string},
    listing::decode_all,
};

pub(crate) fn guest_ticket(letter: &GuestTicket) -> Result<Item, StoreError> {
    let mut item = encode(letter, key::guest_tickets(&letter.guest), key::guest_ticket(letter.id))?;
    live_until(&mut item, letter.expires_at());
    if let Some(since) = letter.waiting_since() {
        due(&mut item, DueKind::GuestTicket, since);
    }
    Ok(item)
}

impl Table {
    /// A letter.
    ///
    /// # Errors
    /// The call failed.
    pub async fn guest_ticket(&self, writer: &str, id: GuestTicketId) -> Result<Option<GuestTicket>, StoreError> {
        self.item(keys(key::guest_tickets(writer), key::guest_ticket(id))).await?.map(decode).transpose()
    }

    /// What came from an address and is still there, as things stand: a few, as few may come in a day.
    ///
    /// # Errors
    /// The call failed.
    pub async fn guest_tickets(&self, writer: &str) -> Result<Vec<GuestTicket>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(key::guest_tickets(writer)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::of("Query"))?;
        decode_all(answer.items)
    }

    /// Removes what came from an address. Gone already is as good.
    ///
    /// # Errors
    /// A call failed; some may be gone.
    pub async fn remove_guest_tickets(&self, writer: &str) -> Result<(), StoreError> {
        let letters = self.guest_tickets(writer).await?;
        self.remove(
            letters.iter().map(|letter| keys(key::guest_tickets(writer), key::guest_ticket(letter.id))).collect(),
        )
        .await
    }
}
