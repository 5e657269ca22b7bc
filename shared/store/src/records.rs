//! What outlives an account: the second table, which a restore of the first never touches. Nothing in it says who
//! somebody was.

use aws_sdk_dynamodb::Client;
use domain::{
    ReceiptId,
    privacy::erasure::{ErasureReceipt, RetainedPayment},
    registry,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    item::{Item, decode, encode, keys, live_until},
};

/// That an account was erased, under a keyed hash of its id: what a restored backup brings back is erased again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tombstone {
    at: Timestamp,
}

/// The table of records.
#[derive(Clone, Debug)]
pub struct Records {
    db: Client,
    name: String,
}

impl Records {
    /// The table of this name.
    #[must_use]
    pub fn new(db: Client, name: String) -> Self {
        Self { db, name }
    }

    /// Writes down that an account is erased. A second time it replaces the first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn write_tombstone(&self, keyed_hash: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut item = encode(&Tombstone { at: now }, tombstone(keyed_hash), "TOMBSTONE")?;
        let days = i64::from(registry::TOMBSTONE_DAYS);
        live_until(&mut item, now + SignedDuration::from_hours(24 * days));
        self.put(item).await
    }

    /// Whether an account was erased.
    ///
    /// # Errors
    /// The call failed.
    pub async fn has_tombstone(&self, keyed_hash: &str) -> Result<bool, StoreError> {
        Ok(self.item(keys(tombstone(keyed_hash), "TOMBSTONE")).await?.is_some())
    }

    /// A receipt.
    ///
    /// # Errors
    /// The call failed.
    pub async fn receipt(&self, id: ReceiptId) -> Result<Option<ErasureReceipt>, StoreError> {
        self.item(keys(format!("RECEIPT#{id}"), "RECEIPT")).await?.map(decode).transpose()
    }

    /// Writes a receipt, over the one before.
    ///
    /// # Errors
    /// The call failed.
    pub async fn write_receipt(&self, receipt: &ErasureReceipt) -> Result<(), StoreError> {
        let mut item = encode(receipt, format!("RECEIPT#{}", receipt.id), "RECEIPT")?;
        live_until(&mut item, receipt.expires_at);
        self.put(item).await
    }

    /// Writes what is kept of a payment. A second time it replaces the first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn retain_payment(&self, payment: &RetainedPayment) -> Result<(), StoreError> {
        let pk = format!("PAYMENT#{}#{}", payment.provider.as_str(), payment.transaction);
        let mut item = encode(payment, pk, "PAYMENT")?;
        live_until(&mut item, payment.expires_at);
        self.put(item).await
    }

    async fn put(&self, item: Item) -> Result<(), StoreError> {
        let request = self.db.put_item().table_name(&self.name).set_item(Some(item));
        request.send().await.map_err(StoreError::of("PutItem"))?;
        Ok(())
    }

    async fn item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let request = self.db.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await.map_err(StoreError::of("GetItem"))?.item)
    }
}

fn tombstone(keyed_hash: &str) -> String {
    format!("TOMBSTONE#{keyed_hash}")
}
