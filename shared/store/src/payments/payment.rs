//! Payments in the table.

use domain::{AccountId, PaymentId, accounts::account::Account, payments::payment::Payment};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, expire_at, primary_key},
    keys,
    query::{Page, all, page},
    table::Table,
};

pub(crate) fn to_item(payment: &Payment) -> Result<Item, StoreError> {
    let mut item = encode(payment, keys::account(payment.account), keys::payment(payment.id))?;
    if let Some(review) = payment.review.as_ref().filter(|_| payment.awaits_decision()) {
        mark_due(&mut item, DueKind::Review, review.at);
    } else if let Some(at) = payment.poll_at {
        mark_due(&mut item, DueKind::Checkout, at);
    }
    if let Some(until) = payment.kept_until() {
        expire_at(&mut item, until);
    }
    Ok(item)
}

impl Table {
    /// Reads a payment.
    ///
    /// # Errors
    /// The call failed.
    pub async fn payment(&self, account: AccountId, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        self.read(keys::account(account), keys::payment(id)).await
    }

    /// Reads an account and one of its payments in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_payment(
        &self,
        account: AccountId,
        id: PaymentId,
    ) -> Result<(Option<Account>, Option<Payment>), StoreError> {
        self.read_with_account(account, keys::payment(id)).await
    }

    /// Lists the payments of an account, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn payments(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<PaymentId>,
    ) -> Result<Page<Payment, PaymentId>, StoreError> {
        let start = after.map(|id| primary_key(keys::account(account), keys::payment(id)));
        let query = self.query_prefix(account, keys::PAYMENT).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |payment: &Payment| payment.id).await
    }

    /// Lists every payment of an account.
    ///
    /// # Errors
    /// A call failed.
    pub async fn all_payments(&self, account: AccountId) -> Result<Vec<Payment>, StoreError> {
        all(self.query_prefix(account, keys::PAYMENT)).await
    }
}
