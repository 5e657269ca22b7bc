//! Letters: they lie in nobody's drawer, under a keyed hash of the address that they come from.

use domain::{LetterId, support::guest_ticket::Letter};

use crate::{
    DueKind, StoreError, Table,
    item::{Item, decode, due, encode, key, keys, live_until, string},
    listing::decode_all,
};

pub(crate) fn letter(letter: &Letter) -> Result<Item, StoreError> {
    let mut item = encode(letter, key::letters(&letter.writer), key::letter(letter.id))?;
    live_until(&mut item, letter.expires_at());
    if let Some(since) = letter.waits_since() {
        due(&mut item, DueKind::Letter, since);
    }
    Ok(item)
}

impl Table {
    /// A letter.
    ///
    /// # Errors
    /// The call failed.
    pub async fn letter(&self, writer: &str, id: LetterId) -> Result<Option<Letter>, StoreError> {
        self.item(keys(key::letters(writer), key::letter(id))).await?.map(decode).transpose()
    }

    /// What came from an address and is still there, as things stand: a few, as few may come in a day.
    ///
    /// # Errors
    /// The call failed.
    pub async fn letters(&self, writer: &str) -> Result<Vec<Letter>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(key::letters(writer)))
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
    pub async fn remove_letters(&self, writer: &str) -> Result<(), StoreError> {
        let letters = self.letters(writer).await?;
        self.remove(letters.iter().map(|letter| keys(key::letters(writer), key::letter(letter.id))).collect()).await
    }
}
