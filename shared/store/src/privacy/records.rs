//! The records table: data that outlives an account. A restore of the table of accounts does not touch it, and it does not
//! identify a person.

use aws_sdk_dynamodb::{Client, operation::put_item::PutItemError, types::AttributeValue};
use domain::{
    ReceiptId,
    payments::payment::{PaymentProvider, PaymentReference},
    privacy::erasure::{ErasureReceipt, RetainedPayment},
    registry::{DataFields, TOMBSTONE_DAYS},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    item::{Item, days_after, decode, encode, expire_at, primary_key},
    keys,
};

/// States that an account was erased, under a keyed hash of its id. An account that a restored backup brings back is erased
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub(crate) struct Tombstone {
    #[data(plain)]
    at: Timestamp,
}

/// The records table.
#[derive(Clone, Debug)]
pub struct Records {
    db: Client,
    name: String,
}

impl Records {
    /// Addresses the table with this name.
    #[must_use]
    pub fn new(db: Client, name: String) -> Self {
        Self { db, name }
    }

    /// Writes the tombstone of an erased account. A repeat replaces it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn write_tombstone(&self, keyed_hash: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut item = encode(&Tombstone { at: now }, keys::tombstone(keyed_hash), sort_key(keys::TOMBSTONE))?;
        expire_at(&mut item, days_after(now, TOMBSTONE_DAYS));
        self.put(item).await
    }

    /// Says whether an account was erased.
    ///
    /// # Errors
    /// The call failed.
    pub async fn has_tombstone(&self, keyed_hash: &str) -> Result<bool, StoreError> {
        Ok(self.item(primary_key(keys::tombstone(keyed_hash), sort_key(keys::TOMBSTONE))).await?.is_some())
    }

    /// Reads the receipt of an erasure.
    ///
    /// # Errors
    /// The call failed.
    pub async fn receipt(&self, id: ReceiptId) -> Result<Option<ErasureReceipt>, StoreError> {
        self.item(primary_key(keys::receipt(id), sort_key(keys::RECEIPT))).await?.map(decode).transpose()
    }

    /// Writes the receipt of an erasure. A repeat replaces it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn write_receipt(&self, receipt: &ErasureReceipt) -> Result<(), StoreError> {
        let mut item = encode(receipt, keys::receipt(receipt.id), sort_key(keys::RECEIPT))?;
        expire_at(&mut item, receipt.expires_at);
        self.put(item).await
    }

    /// Reads a retained payment by the provider's id of its transaction.
    ///
    /// # Errors
    /// The call failed.
    pub async fn retained_payment(
        &self,
        provider: PaymentProvider,
        transaction: &str,
    ) -> Result<Option<RetainedPayment>, StoreError> {
        let reference = PaymentReference::Transaction(provider, transaction.to_owned());
        let key = primary_key(keys::payment_reference(&reference), sort_key(keys::PAYMENT));
        self.item(key).await?.map(decode).transpose()
    }

    /// Writes a payment that the law requires to retain, over the version before it; version 1 only if it is not there. Returns
    /// `false` if another write was faster.
    ///
    /// # Errors
    /// The call failed.
    pub async fn retain_payment(&self, payment: &RetainedPayment) -> Result<bool, StoreError> {
        let reference = PaymentReference::Transaction(payment.provider, payment.transaction.clone());
        let mut item = encode(payment, keys::payment_reference(&reference), sort_key(keys::PAYMENT))?;
        expire_at(&mut item, payment.expires_at);
        let request = self.db.put_item().table_name(&self.name).set_item(Some(item));
        let request = match payment.version {
            0 | 1 => request.condition_expression("attribute_not_exists(pk)"),
            // A payment that was retained by an earlier version of the service has none.
            version => request
                .condition_expression("version = :before OR attribute_not_exists(version)")
                .expression_attribute_values(":before", AttributeValue::N((version - 1).to_string())),
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(StoreError::call("PutItem")(error)),
        }
    }

    async fn put(&self, item: Item) -> Result<(), StoreError> {
        let request = self.db.put_item().table_name(&self.name).set_item(Some(item));
        request.send().await.map_err(StoreError::call("PutItem"))?;
        Ok(())
    }

    async fn item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let request = self.db.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await.map_err(StoreError::call("GetItem"))?.item)
    }
}

/// Returns the sort key of a record: the beginning of its partition key without `#`.
fn sort_key(prefix: &str) -> &str {
    prefix.trim_end_matches('#')
}
