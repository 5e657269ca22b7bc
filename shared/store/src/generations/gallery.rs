//! The public gallery: an entry for each public output, in a sparse index that sorts them by time.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    accounts::account::Account,
    generations::{generation::Generation, output::GalleryEntry},
};
use futures_util::future::try_join_all;

use crate::{
    error::StoreError,
    item::{Item, decode, decode_all, encode, primary_key, string, text},
    keys,
    query::{Page, page_limit},
    table::Table,
};

/// The partition of the public gallery in its index.
pub(crate) const PUBLIC: &str = "public";

/// How many more entries than its share a page reads of a shard. With too few, a page gets shorter.
const MORE_OF_A_SHARD: usize = 5;

/// The attribute that is the partition key of the index.
pub(crate) const PARTITION: &str = "gallery_partition";

pub(crate) fn to_item(entry: &GalleryEntry) -> Result<Item, StoreError> {
    let sk = keys::gallery_entry(entry.generation, entry.output);
    let mut item = encode(entry, keys::account(entry.account), sk)?;
    item.insert(PARTITION.to_owned(), string(PUBLIC));
    item.insert("gallery_at".to_owned(), string(gallery_at(entry)));
    Ok(item)
}

/// Sorts by time, then by id and number, so that no two are equal.
fn gallery_at(entry: &GalleryEntry) -> String {
    format!("{:015}#{}#{}", entry.published_at.as_millisecond(), entry.generation, entry.output)
}

/// Merges pages of the shards into one page of at most `limit`, newest first. A shard that has more may hold entries that come
/// right after its last one: what is older in other shards waits for the next page.
fn merge(shards: Vec<Page<GalleryEntry, String>>, limit: usize) -> Page<GalleryEntry, String> {
    let known_until = shards.iter().filter_map(|shard| shard.next.clone()).max();
    let mut entries: Vec<_> =
        shards.into_iter().flat_map(|shard| shard.items).map(|entry| (gallery_at(&entry), entry)).collect();
    entries.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
    entries.retain(|(at, _)| known_until.as_ref().is_none_or(|until| at >= until));
    let more = known_until.is_some() || entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().map(|(at, _)| at.clone()).filter(|_| more);
    Page { items: entries.into_iter().map(|(_, entry)| entry).collect(), next }
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
        let partitions = self.index_partitions(PUBLIC);
        let of_each = if partitions.len() == 1 { limit } else { limit.div_ceil(partitions.len()) + MORE_OF_A_SHARD };
        let shards = partitions.into_iter().map(|shard| self.published_in(shard, of_each, after));
        let Page { items, next } = merge(try_join_all(shards).await?, limit);
        Ok(Page { items: self.shown(items).await?, next })
    }

    /// Lists the entries of a shard, newest first, and says where it goes on if it has more: at its last entry.
    async fn published_in(
        &self,
        shard: String,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<GalleryEntry, String>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .index_name("gallery")
            .key_condition_expression("gallery_partition = :partition AND gallery_at < :after")
            .expression_attribute_values(":partition", AttributeValue::S(shard))
            // Every position begins with a digit, and digits sort before a colon.
            .expression_attribute_values(":after", string(after.unwrap_or(":")))
            .scan_index_forward(false)
            .limit(page_limit(limit))
            .send()
            .await
            .map_err(StoreError::call("Query"))?;
        let items: Vec<GalleryEntry> = decode_all(answer.items)?;
        // A call also ends after a megabyte.
        let next = items.last().map(gallery_at).filter(|_| answer.last_evaluated_key.is_some());
        Ok(Page { items, next })
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

#[cfg(test)]
mod tests {
    use domain::{AccountId, GenerationId};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    /// An entry for each of these times.
    fn page(times: &[i64], has_more: bool) -> Page<GalleryEntry, String> {
        let entry = |time: &i64| GalleryEntry {
            account: AccountId(Uuid::nil()),
            generation: GenerationId(Uuid::nil()),
            output: 1,
            published_at: Timestamp::from_second(*time).unwrap(),
        };
        let items: Vec<_> = times.iter().map(entry).collect();
        let next = items.last().map(gallery_at).filter(|_| has_more);
        Page { items, next }
    }

    fn check(shards: Vec<Page<GalleryEntry, String>>, limit: usize, expected: &[i64], has_more: bool) {
        let merged = merge(shards, limit);
        let times: Vec<_> = merged.items.iter().map(|entry| entry.published_at.as_second()).collect();
        assert_eq!(times, expected);
        assert_eq!(merged.next, merged.items.last().map(gallery_at).filter(|_| has_more));
    }

    #[test]
    fn shards_are_merged_newest_first() {
        check(vec![page(&[9, 5, 1], false), page(&[], false), page(&[8, 6], false)], 5, &[9, 8, 6, 5, 1], false);
        check(vec![page(&[9, 5, 1], false), page(&[8, 6], false)], 3, &[9, 8, 6], true);
    }

    #[test]
    fn shard_that_ends_early_holds_back_what_is_older_in_others() {
        check(vec![page(&[9, 7], true), page(&[8, 6, 5], false)], 10, &[9, 8, 7], true);
        check(vec![page(&[9, 2], true), page(&[8, 4], true)], 10, &[9, 8, 4], true);
    }
}
