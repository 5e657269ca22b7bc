//! Responses to requests with an `Idempotency-Key`.

use domain::{
    AccountId,
    registry::{DataFields, IDEMPOTENCY_DAYS},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    item::{Item, days_after, encode, expire_at},
    keys,
    table::Table,
};

/// The response to a request that carried an `Idempotency-Key`. The caller encrypts `answer`, as it may contain data about
/// another account, which must not outlive that account. One that has expired is none, although DynamoDB deletes it later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct IdempotencyRecord {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The key.
    #[data(plain)]
    pub key: String,
    /// Tells a different request with the same key.
    #[data(plain)]
    pub fingerprint: String,
    /// The status of the response.
    #[data(plain)]
    pub status: u16,
    /// Its `Location` and body, encrypted.
    #[data(personal)]
    pub answer: String,
    /// When it was sent.
    #[data(plain)]
    pub at: Timestamp,
}

pub(crate) fn to_item(record: &IdempotencyRecord) -> Result<Item, StoreError> {
    let mut item = encode(record, keys::account(record.account), keys::idempotency(&record.key))?;
    expire_at(&mut item, record.expires_at());
    Ok(item)
}

impl IdempotencyRecord {
    fn expires_at(&self) -> Timestamp {
        days_after(self.at, IDEMPOTENCY_DAYS)
    }
}

impl Table {
    /// Reads the response that was sent to a request with this key, unless it has expired.
    ///
    /// # Errors
    /// The call failed.
    pub async fn idempotency_record(
        &self,
        account: AccountId,
        idempotency_key: &str,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        let record: Option<IdempotencyRecord> =
            self.read(keys::account(account), keys::idempotency(idempotency_key)).await?;
        Ok(record.filter(|record| record.expires_at() > now))
    }
}
