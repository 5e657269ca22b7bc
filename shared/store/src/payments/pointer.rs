//! Pointers that find a payment by its id, or by the provider's id of its transaction.

use domain::{
    AccountId, PaymentId,
    payments::payment::{Payment, PaymentReference},
    registry::DataFields,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    item::{Item, encode, expire_at, primary_key},
    keys,
    table::Table,
};

/// Points to a payment. Contains ids only.
#[derive(Serialize, Deserialize, DataFields)]
pub(crate) struct PaymentPointer {
    #[data(plain)]
    account: AccountId,
    #[data(plain)]
    payment: PaymentId,
}

pub(crate) fn to_item(reference: &PaymentReference, payment: &Payment) -> Result<Item, StoreError> {
    let pointer = PaymentPointer { account: payment.account, payment: payment.id };
    let mut item = encode(&pointer, keys::payment_reference(reference), keys::POINTER)?;
    if let Some(until) = payment.kept_until() {
        expire_at(&mut item, until);
    }
    Ok(item)
}

impl Table {
    /// Finds the account and the id of a payment.
    ///
    /// # Errors
    /// The call failed.
    pub async fn find_payment(
        &self,
        reference: &PaymentReference,
    ) -> Result<Option<(AccountId, PaymentId)>, StoreError> {
        let pointer = self.read(keys::payment_reference(reference), keys::POINTER).await?;
        Ok(pointer.map(|PaymentPointer { account, payment }| (account, payment)))
    }

    /// Says whether one of these references is to a payment in the table.
    ///
    /// # Errors
    /// A call failed.
    pub async fn has_payment(&self, references: &[PaymentReference]) -> Result<bool, StoreError> {
        for reference in references {
            if self.find_payment(reference).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes the pointers to these payments. A repeat deletes the rest.
    ///
    /// # Errors
    /// A call failed; some may be deleted.
    pub async fn remove_payment_pointers(&self, payments: &[Payment]) -> Result<(), StoreError> {
        let references = payments.iter().flat_map(|payment| {
            let transaction = payment
                .receipt
                .as_ref()
                .map(|receipt| PaymentReference::Transaction(receipt.provider, receipt.transaction.clone()));
            [Some(PaymentReference::Payment(payment.id)), transaction].into_iter().flatten()
        });
        let pointers = references.map(|known| primary_key(keys::payment_reference(&known), keys::POINTER));
        self.delete_all(pointers.collect()).await
    }
}
