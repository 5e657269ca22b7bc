//! The shards of the index partitions that are written with each generation or publication.
//!
//! One value of a partition key takes 1,000 writes and 3,000 reads a second
//! ([partition limits](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html)). All
//! accounts share the partitions of an index, so these are split by a hash of the item's key. What is written rarely, or listed
//! for staff, has one partition.

use crate::{
    due::{self, DueKind},
    generations::gallery,
    item::{Item, string, text},
    table::Table,
};

/// The partitions that are split.
const SPLIT: [&str; 4] =
    [DueKind::Generation.as_str(), DueKind::Media.as_str(), DueKind::Upload.as_str(), gallery::PUBLIC];

impl Table {
    /// Returns the number of shards of this kind of due items.
    #[must_use]
    pub fn shards(&self, kind: DueKind) -> usize {
        self.index_partitions(kind.as_str()).len()
    }

    /// Returns the partition keys of all shards of a partition of an index.
    pub(crate) fn index_partitions(&self, partition: &str) -> Vec<String> {
        if !SPLIT.contains(&partition) {
            return vec![partition.to_owned()];
        }
        (0..self.shards.get()).map(|shard| shard_of(partition, shard)).collect()
    }

    /// Moves an item from the partitions of its indexes to its shards of them.
    pub(crate) fn place_in_shards(&self, item: &mut Item) {
        for attribute in [due::PARTITION, gallery::PARTITION] {
            let Some(partition) = text(item, attribute).filter(|found| SPLIT.contains(&found.as_str())) else {
                continue;
            };
            item.insert(attribute.to_owned(), string(shard_of(&partition, self.shard(item))));
        }
    }

    /// Chooses a shard by the key of an item: always the same one.
    fn shard(&self, item: &Item) -> u8 {
        let key = ["pk", "sk"].map(|name| text(item, name).unwrap_or_default()).concat();
        let hash = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
        hash.as_ref().first().map_or(0, |byte| *byte % self.shards)
    }
}

fn shard_of(partition: &str, shard: u8) -> String {
    format!("{partition}#{shard}")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, num::NonZeroU8};

    use aws_sdk_dynamodb::{Client, config::BehaviorVersion};
    use domain::AccountId;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{due::mark_due, item::primary_key, keys};

    fn table(shards: u8) -> Table {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
        Table::new(Client::from_conf(config), "table".to_owned(), NonZeroU8::new(shards).unwrap())
    }

    fn placed(table: &Table, kind: DueKind, account: u128) -> String {
        let mut item = primary_key(keys::account(AccountId(Uuid::from_u128(account))), "GENERATION#1");
        mark_due(&mut item, kind, Timestamp::UNIX_EPOCH);
        table.place_in_shards(&mut item);
        text(&item, due::PARTITION).unwrap()
    }

    #[test]
    fn items_are_spread_over_all_shards_that_are_read() {
        let table = table(4);
        let mut counts = BTreeMap::<_, u32>::new();
        for account in 0..400 {
            *counts.entry(placed(&table, DueKind::Media, account)).or_default() += 1;
        }
        assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), table.index_partitions("media"));
        assert!(counts.values().all(|count| (60..140).contains(count)), "{counts:?}");
    }

    #[test]
    fn item_stays_in_its_shard() {
        let table = table(16);
        assert_eq!(placed(&table, DueKind::Upload, 7), placed(&table, DueKind::Upload, 7));
    }

    #[test]
    fn kind_that_staff_list_has_one_partition() {
        let table = table(16);
        assert_eq!(placed(&table, DueKind::Ticket, 7), "ticket");
        assert_eq!(table.shards(DueKind::Ticket), 1);
        assert_eq!(table.shards(DueKind::Generation), 16);
    }
}
