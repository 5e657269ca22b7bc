//! Unclaimed payments in the table.

use domain::{
    PaymentId,
    payments::payment::{PaymentReference, UnclaimedPayment},
    registry::UNCLAIMED_DAYS,
};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, days_after, encode, expire_at},
    keys,
    table::Table,
};

pub(crate) fn to_item(unclaimed: &UnclaimedPayment) -> Result<Item, StoreError> {
    let pk = keys::payment_reference(&PaymentReference::Payment(unclaimed.payment));
    let mut item = encode(unclaimed, pk, keys::UNCLAIMED)?;
    if unclaimed.refunded_at.is_none() {
        mark_due(&mut item, DueKind::Unclaimed, unclaimed.at);
    }
    expire_at(&mut item, days_after(unclaimed.at, UNCLAIMED_DAYS));
    Ok(item)
}

impl Table {
    /// Reads the money that arrived for a payment after it was deleted.
    ///
    /// # Errors
    /// The call failed.
    pub async fn unclaimed_payment(&self, payment: PaymentId) -> Result<Option<UnclaimedPayment>, StoreError> {
        self.read(keys::payment_reference(&PaymentReference::Payment(payment)), keys::UNCLAIMED).await
    }
}
