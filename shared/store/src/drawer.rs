//! A drawer as a whole: what lies in it, whatever it is, and its removal.

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use domain::{
    AccountId,
    generations::share::Share,
    payments::payment::{Payment, PaymentReference},
};
use jiff::Timestamp;

use crate::{
    Page, StoreError, Table,
    item::{Item, key, keys, string},
    listing::{all, decode_all},
};

/// Most deletions of one call
/// ([`BatchWriteItem`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html)).
const BATCH: usize = 25;
/// Most rounds for deletions that a throttled batch left out.
const BATCH_ROUNDS: usize = 8;

/// One thing in a drawer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionItem {
    /// Its sort key.
    pub sk: String,
    /// Until when a worker has it for itself.
    pub lease_until: Option<Timestamp>,
}

impl Table {
    /// What lies in a drawer as things stand, `limit` of it at most, in the order of the sort keys.
    ///
    /// # Errors
    /// The call failed.
    pub async fn partition(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<String>,
    ) -> Result<Page<PartitionItem, String>, StoreError> {
        let answer = self
            .db
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(key::account(account)))
            .projection_expression("sk, lease_until")
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|sk| keys(key::account(account), sk)))
            .send()
            .await
            .map_err(StoreError::of("Query"))?;
        let text = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let kept = answer.items.unwrap_or_default().into_iter().filter_map(|item| {
            let lease_until = text(&item, "lease_until").and_then(|at| at.parse().ok());
            Some(PartitionItem { sk: text(&item, "sk")?, lease_until })
        });
        let next = answer.last_evaluated_key.and_then(|last| text(&last, "sk"));
        Ok(Page { items: kept.collect(), next })
    }

    /// Every share of an account, as things stand.
    ///
    /// # Errors
    /// A call failed.
    pub async fn all_shares(&self, account: AccountId) -> Result<Vec<Share>, StoreError> {
        let mut shares = Vec::new();
        let mut start = None;
        loop {
            let query = self.in_partition(account, all("SHARE#")).consistent_read(true);
            let answer = query.set_exclusive_start_key(start).send().await.map_err(StoreError::of("Query"))?;
            shares.extend(decode_all::<Share>(answer.items)?);
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(shares);
            }
        }
    }

    /// Removes these from a drawer. Gone already is as good.
    ///
    /// # Errors
    /// A call failed; some may be gone.
    pub async fn remove_items(&self, account: AccountId, sort_keys: &[String]) -> Result<(), StoreError> {
        self.remove(sort_keys.iter().map(|sk| keys(key::account(account), sk)).collect()).await
    }

    /// Removes what points to these payments. Gone already is as good.
    ///
    /// # Errors
    /// A call failed; some may be gone.
    pub async fn remove_payment_pointers(&self, payments: &[Payment]) -> Result<(), StoreError> {
        let references = payments.iter().flat_map(|payment| {
            let transaction = payment
                .receipt
                .as_ref()
                .map(|receipt| PaymentReference::Transaction(receipt.provider, receipt.transaction.clone()));
            [Some(PaymentReference::Payment(payment.id)), transaction].into_iter().flatten()
        });
        self.remove(references.map(|known| keys(key::payment_reference(&known), key::POINTER)).collect()).await
    }

    pub(crate) async fn remove(&self, keys: Vec<Item>) -> Result<(), StoreError> {
        for some in keys.chunks(BATCH) {
            let mut wanted = Vec::with_capacity(some.len());
            for key in some {
                let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
                let delete = delete.map_err(StoreError::of("build BatchWriteItem"))?;
                wanted.push(WriteRequest::builder().delete_request(delete).build());
            }
            for _ in 0..BATCH_ROUNDS {
                let request = self.db.batch_write_item().request_items(&self.name, std::mem::take(&mut wanted));
                let answer = request.send().await.map_err(StoreError::of("BatchWriteItem"))?;
                wanted = answer.unprocessed_items.unwrap_or_default().remove(&self.name).unwrap_or_default();
                if wanted.is_empty() {
                    break;
                }
            }
            if !wanted.is_empty() {
                return Err(StoreError::of("BatchWriteItem")("some deletions were never processed"));
            }
        }
        Ok(())
    }

    /// Accounts of the whole table, a page of what was read of it at a time: `after` is where the page before ended. For
    /// the replay of erasures after a restore, when every account must be looked at.
    ///
    /// # Errors
    /// The call failed.
    pub async fn accounts(&self, after: Option<ScanPosition>) -> Result<Page<AccountId, ScanPosition>, StoreError> {
        let answer = self
            .db
            .scan()
            .table_name(&self.name)
            .filter_expression("sk = :account")
            .expression_attribute_values(":account", string(key::ACCOUNT))
            .projection_expression("pk, sk")
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|place| keys(place.pk, place.sk)))
            .send()
            .await
            .map_err(StoreError::of("Scan"))?;
        let text = |value: Option<&AttributeValue>| value.and_then(|value| value.as_s().ok()).cloned();
        let items = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| text(item.get("pk"))?.strip_prefix("ACCOUNT#")?.parse().ok());
        let next = answer.last_evaluated_key;
        let next = next.and_then(|last| Some(ScanPosition { pk: text(last.get("pk"))?, sk: text(last.get("sk"))? }));
        Ok(Page { items: items.collect(), next })
    }
}

/// A place in the table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScanPosition {
    pk: String,
    sk: String,
}
