//! The table, with consistent reads of single items: a decision is made from the current state.

use std::{num::NonZeroU8, sync::Arc};

use aws_sdk_dynamodb::{
    Client,
    types::{DeleteRequest, KeysAndAttributes, WriteRequest},
};
use domain::{AccountId, accounts::account::Account, service_settings::ServiceSettings, service_texts::ServiceTexts};
use serde::de::DeserializeOwned;

use crate::{
    documents::Latest,
    error::StoreError,
    item::{Item, decode, primary_key},
    keys,
};

/// Most keys of one call
/// ([`BatchGetItem`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html)).
const READS: usize = 100;
/// Most rounds for keys that a throttled batch left out.
const READ_ROUNDS: usize = 5;
/// Most deletions of one call
/// ([`BatchWriteItem`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html)).
const DELETIONS: usize = 25;
/// Most rounds for deletions that a throttled batch left out.
const DELETION_ROUNDS: usize = 8;

/// The table of accounts and everything that belongs to them.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) db: Client,
    pub(crate) name: String,
    /// The number of shards of a partition that is split.
    pub(crate) shards: NonZeroU8,
    /// The settings of the service, as they were read last.
    pub(crate) settings: Arc<Latest<ServiceSettings>>,
    /// The texts of the operator, as they were read last.
    pub(crate) texts: Arc<Latest<ServiceTexts>>,
}

impl Table {
    /// Addresses the table with this name, whose indexes have this number of shards. Items in shards above it are not found.
    #[must_use]
    pub fn new(db: Client, name: String, shards: NonZeroU8) -> Self {
        Self { db, name, shards, settings: Arc::default(), texts: Arc::default() }
    }

    /// Reads an item.
    pub(crate) async fn item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let request = self.db.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await.map_err(StoreError::call("GetItem"))?.item)
    }

    /// Reads and decodes an item.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        pk: String,
        sk: impl Into<String>,
    ) -> Result<Option<T>, StoreError> {
        self.item(primary_key(pk, sk)).await?.map(decode).transpose()
    }

    /// Reads an account and one of its items in one round trip.
    pub(crate) async fn read_with_account<T: DeserializeOwned>(
        &self,
        account: AccountId,
        sk: impl Into<String>,
    ) -> Result<(Option<Account>, Option<T>), StoreError> {
        let pk = keys::account(account);
        let [first, second] = self.batch([primary_key(pk.clone(), keys::ACCOUNT), primary_key(pk, sk)]).await?;
        Ok((first.map(decode).transpose()?, second.map(decode).transpose()?))
    }

    /// Reads an account and two of its items in one round trip.
    pub(crate) async fn read_two_with_account<T: DeserializeOwned, U: DeserializeOwned>(
        &self,
        account: AccountId,
        (first, second): (String, String),
    ) -> Result<(Option<Account>, Option<T>, Option<U>), StoreError> {
        let keys = [keys::ACCOUNT.to_owned(), first, second].map(|sk| primary_key(keys::account(account), sk));
        let [account, first, second] = self.batch(keys).await?;
        Ok((account.map(decode).transpose()?, first.map(decode).transpose()?, second.map(decode).transpose()?))
    }

    /// Reads these items in one round trip. Each is returned at the position of its key.
    pub(crate) async fn batch<const N: usize>(&self, keys: [Item; N]) -> Result<[Option<Item>; N], StoreError> {
        let found = self.read_all(keys.to_vec()).await?;
        Ok(keys.map(|key| found.iter().find(|item| is_at(item, &key)).cloned()))
    }

    /// Reads the items with these keys that exist, in any order.
    pub(crate) async fn read_all(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for some in keys.chunks(READS) {
            let mut wanted = some.to_vec();
            for _ in 0..READ_ROUNDS {
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(std::mem::take(&mut wanted)))
                    .consistent_read(true)
                    .build()
                    .map_err(StoreError::of("build BatchGetItem"))?;
                let answer = self
                    .db
                    .batch_get_item()
                    .request_items(&self.name, request)
                    .send()
                    .await
                    .map_err(StoreError::call("BatchGetItem"))?;
                found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
                let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.name);
                wanted = left.map(|left| left.keys).unwrap_or_default();
                if wanted.is_empty() {
                    break;
                }
            }
            if !wanted.is_empty() {
                return Err(StoreError::busy("BatchGetItem")("some keys were never processed"));
            }
        }
        Ok(found)
    }

    /// Deletes items. A repeat deletes the rest.
    pub(crate) async fn delete_all(&self, keys: Vec<Item>) -> Result<(), StoreError> {
        for some in keys.chunks(DELETIONS) {
            let mut wanted = Vec::with_capacity(some.len());
            for key in some {
                let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
                let delete = delete.map_err(StoreError::of("build BatchWriteItem"))?;
                wanted.push(WriteRequest::builder().delete_request(delete).build());
            }
            for _ in 0..DELETION_ROUNDS {
                let request = self.db.batch_write_item().request_items(&self.name, std::mem::take(&mut wanted));
                let answer = request.send().await.map_err(StoreError::call("BatchWriteItem"))?;
                wanted = answer.unprocessed_items.unwrap_or_default().remove(&self.name).unwrap_or_default();
                if wanted.is_empty() {
                    break;
                }
            }
            if !wanted.is_empty() {
                return Err(StoreError::busy("BatchWriteItem")("some deletions were never processed"));
            }
        }
        Ok(())
    }
}

/// Says whether an item has this key.
fn is_at(item: &Item, key: &Item) -> bool {
    ["pk", "sk"].into_iter().all(|name| item.get(name) == key.get(name))
}
