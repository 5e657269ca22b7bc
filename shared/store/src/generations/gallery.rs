//! The public gallery: an entry for each public output, in a sparse index that sorts them by time.

use std::collections::BTreeSet;

use domain::{
    accounts::account::Account,
    generations::{generation::Generation, output::GalleryEntry},
};

use crate::{
    error::StoreError,
    item::{Item, decode, decode_all, encode, primary_key, string, text},
    keys,
    query::{Page, page_limit},
    table::Table,
};

/// The partition of the public gallery in its index.
const PUBLIC: &str = "public";

pub(crate) fn to_item(entry: &GalleryEntry) -> Result<Item, StoreError> {
    let sk = keys::gallery_entry(entry.generation, entry.output);
    let mut item = encode(entry, keys::account(entry.account), sk)?;
    item.insert("gallery_partition".to_owned(), string(PUBLIC));
    item.insert("gallery_at".to_owned(), string(gallery_at(entry)));
    Ok(item)
}

/// Sorts by time, then by id and number, so that no two are equal.
fn gallery_at(entry: &GalleryEntry) -> String {
    format!("{:015}#{}#{}", entry.published_at.as_millisecond(), entry.generation, entry.output)
}

impl Table {
    /// Lists the public outputs, newest first: each with its generation. The index only says where to look: what the
    /// generation and the account say at the time of the call is shown. The cursor is a position in the index.
    ///
    /// # Errors
    /// A call failed.
    pub async fn gallery(
        &self,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<(Generation, GalleryEntry), String>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .index_name("gallery")
            .key_condition_expression("gallery_partition = :partition AND gallery_at < :after")
            .expression_attribute_values(":partition", string(PUBLIC))
            // Every position begins with a digit, and digits sort before a colon.
            .expression_attribute_values(":after", string(after.unwrap_or(":")))
            .scan_index_forward(false)
            .limit(page_limit(limit))
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        let mut entries: Vec<GalleryEntry> = decode_all(answer.items)?;
        // A call also ends after a megabyte.
        let more = entries.len() > limit || answer.last_evaluated_key.is_some();
        entries.truncate(limit);
        let next = entries.last().map(gallery_at).filter(|_| more);
        Ok(Page { items: self.shown(entries).await?, next })
    }

    /// Reads the generations of these entries, in the same order. Leaves out those whose output is not public any more, and
    /// those of accounts that are being deleted.
    async fn shown(&self, entries: Vec<GalleryEntry>) -> Result<Vec<(Generation, GalleryEntry)>, StoreError> {
        let named = entries.iter().flat_map(|entry| {
            let pk = keys::account(entry.account);
            [(pk.clone(), keys::ACCOUNT.to_owned()), (pk, keys::generation(entry.generation))]
        });
        let keys: BTreeSet<(String, String)> = named.collect();
        let (mut accounts, mut generations) = (Vec::<Account>::new(), Vec::<Generation>::new());
        for item in self.read_all(keys.into_iter().map(|(pk, sk)| primary_key(pk, sk)).collect()).await? {
            if text(&item, "sk").as_deref() == Some(keys::ACCOUNT) {
                accounts.push(decode(item)?);
            } else {
                generations.push(decode(item)?);
            }
        }
        let shown = entries.into_iter().filter_map(|entry| {
            let is_active = |account: &&Account| account.id == entry.account && account.deletion.is_none();
            accounts.iter().find(is_active)?;
            let generation = generations.iter().find(|generation| generation.id == entry.generation)?;
            (generation.gallery_entry(entry.output).as_ref() == Some(&entry)).then(|| (generation.clone(), entry))
        });
        Ok(shown.collect())
    }
}
