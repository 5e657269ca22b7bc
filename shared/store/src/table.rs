//! Reads of single items, always consistent: a decision is made from what is there.

use aws_sdk_dynamodb::{
    Client,
    types::{KeysAndAttributes, ReturnValue},
};
use domain::{
    AccountId, ExportId, GenerationId, TicketId, UploadId, accounts::account::Account,
    generations::generation::Generation, generations::share::Share, generations::upload::Upload,
    privacy::export::Export, support::ticket::Ticket,
};
use jiff::Timestamp;

use crate::{
    StoreError,
    item::{IdempotencyRecord, Item, SharePointer, TTL, decode, key, keys, number},
};

/// Most rounds for keys that a throttled batch left out.
const BATCH_ROUNDS: usize = 5;

/// The one table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) db: Client,
    pub(crate) name: String,
}

impl Table {
    /// The table of this name.
    #[must_use]
    pub fn new(db: Client, name: String) -> Self {
        Self { db, name }
    }

    /// An account.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.item(keys(key::account(id), key::ACCOUNT)).await?.map(decode).transpose()
    }

    /// Whether there is this account and it is not being deleted.
    ///
    /// # Errors
    /// The call failed.
    pub async fn is_active(&self, id: AccountId) -> Result<bool, StoreError> {
        let request = self.db.get_item().table_name(&self.name).consistent_read(true);
        let request = request.set_key(Some(keys(key::account(id), key::ACCOUNT))).projection_expression("pk, deletion");
        let found = request.send().await.map_err(StoreError::of("GetItem"))?.item;
        Ok(found.is_some_and(|item| !item.contains_key("deletion")))
    }

    /// A generation.
    ///
    /// # Errors
    /// The call failed.
    pub async fn generation(&self, account: AccountId, id: GenerationId) -> Result<Option<Generation>, StoreError> {
        self.item(keys(key::account(account), key::generation(id))).await?.map(decode).transpose()
    }

    /// An upload.
    ///
    /// # Errors
    /// The call failed.
    pub async fn upload(&self, account: AccountId, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.item(keys(key::account(account), key::upload(id))).await?.map(decode).transpose()
    }

    /// An export.
    ///
    /// # Errors
    /// The call failed.
    pub async fn export(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, StoreError> {
        self.item(keys(key::account(account), key::export(id))).await?.map(decode).transpose()
    }

    /// An account and one of its generations, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_generation(
        &self,
        account: AccountId,
        id: GenerationId,
    ) -> Result<(Option<Account>, Option<Generation>), StoreError> {
        let (first, second) = self.pair(account, key::generation(id)).await?;
        Ok((first.map(decode).transpose()?, second.map(decode).transpose()?))
    }

    /// An account and one of its uploads, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_upload(
        &self,
        account: AccountId,
        id: UploadId,
    ) -> Result<(Option<Account>, Option<Upload>), StoreError> {
        let (first, second) = self.pair(account, key::upload(id)).await?;
        Ok((first.map(decode).transpose()?, second.map(decode).transpose()?))
    }

    /// A ticket.
    ///
    /// # Errors
    /// The call failed.
    pub async fn ticket(&self, account: AccountId, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        self.item(keys(key::account(account), key::ticket(id))).await?.map(decode).transpose()
    }

    /// The answer that was given to a request with this key.
    ///
    /// # Errors
    /// The call failed.
    pub async fn idempotency_record(
        &self,
        account: AccountId,
        idempotency_key: &str,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.item(keys(key::account(account), key::idempotency(idempotency_key))).await?.map(decode).transpose()
    }

    /// The share with this token's hash, and what it shows. Two round trips: the pointer, then what it points to.
    ///
    /// # Errors
    /// A call failed.
    pub async fn shared(&self, token_hash: &str) -> Result<Option<(Share, Option<Generation>)>, StoreError> {
        let Some(pointer) = self.item(keys(key::share_pointer(token_hash), key::POINTER)).await? else {
            return Ok(None);
        };
        let SharePointer { account, generation, share } = decode(pointer)?;
        let drawer = key::account(account);
        let (share, generation) = self
            .both(keys(drawer.clone(), key::share(generation, share)), keys(drawer, key::generation(generation)))
            .await?;
        let Some(share) = share else { return Ok(None) };
        Ok(Some((decode(share)?, generation.map(decode).transpose()?)))
    }

    /// Counts a request in the window that `now` lies in, and answers how many there were, this one included.
    ///
    /// # Errors
    /// The call failed.
    pub async fn count_in_window(
        &self,
        kind: &str,
        keyed_hash: &str,
        window_s: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let window = now.as_second() / window_s.max(1);
        let pk = key::window(kind, &format!("{keyed_hash}#{window}"));
        let answer = self
            .db
            .update_item()
            .table_name(&self.name)
            .set_key(Some(keys(pk, key::WINDOW)))
            .update_expression("ADD hits :one SET #ttl = :ttl")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":ttl", number((window + 2) * window_s))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(StoreError::of("UpdateItem"))?;
        let hits = answer.attributes.as_ref().and_then(|item| item.get("hits"));
        Ok(hits.and_then(|hits| hits.as_n().ok()).and_then(|hits| hits.parse().ok()).unwrap_or(u64::MAX))
    }

    pub(crate) async fn item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let request = self.db.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await.map_err(StoreError::of("GetItem"))?.item)
    }

    pub(crate) async fn pair(
        &self,
        account: AccountId,
        sk: String,
    ) -> Result<(Option<Item>, Option<Item>), StoreError> {
        let drawer = key::account(account);
        self.both(keys(drawer.clone(), key::ACCOUNT), keys(drawer, sk)).await
    }

    async fn both(&self, first: Item, second: Item) -> Result<(Option<Item>, Option<Item>), StoreError> {
        let mut found = Vec::new();
        let mut wanted = vec![first.clone(), second.clone()];
        for _ in 0..BATCH_ROUNDS {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()
                .map_err(StoreError::of("build BatchGetItem"))?;
            let answer = self
                .db
                .batch_get_item()
                .request_items(&self.name, request)
                .send()
                .await
                .map_err(StoreError::of("BatchGetItem"))?;
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.name);
            wanted = left.map(|left| left.keys).unwrap_or_default();
            if wanted.is_empty() {
                let pick = |key: &Item| {
                    found.iter().find(|item| item.get("pk") == key.get("pk") && item.get("sk") == key.get("sk"))
                };
                return Ok((pick(&first).cloned(), pick(&second).cloned()));
            }
        }
        Err(StoreError::of("BatchGetItem")("some keys were never processed"))
    }
}
