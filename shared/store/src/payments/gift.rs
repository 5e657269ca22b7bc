//! Gifts in the table.

use std::collections::BTreeMap;

use domain::{
    AccountId, GiftId,
    accounts::account::Account,
    payments::{gift::Gift, payment::Payment},
};
use futures_util::{future::try_join_all, try_join};

use crate::{
    error::StoreError,
    item::{Item, encode, primary_key},
    keys,
    table::Table,
};

pub(crate) fn to_item(gift: &Gift) -> Result<Item, StoreError> {
    encode(gift, keys::gift(gift.id), keys::GIFT)
}

impl Table {
    /// Reads a gift.
    ///
    /// # Errors
    /// The call failed.
    pub async fn gift(&self, id: GiftId) -> Result<Option<Gift>, StoreError> {
        self.read(keys::gift(id), keys::GIFT).await
    }

    /// Reads the gift of a payment, if it is for one.
    ///
    /// # Errors
    /// The call failed.
    pub async fn gift_of(&self, payment: &Payment) -> Result<Option<Gift>, StoreError> {
        match payment.gift {
            Some(id) => self.gift(id).await,
            None => Ok(None),
        }
    }

    /// Reads the gifts of these payments of an account, and the account if there is one.
    ///
    /// # Errors
    /// A call failed.
    pub async fn gifts_and_buyer(
        &self,
        buyer: AccountId,
        payments: &[Payment],
    ) -> Result<(BTreeMap<GiftId, Gift>, Option<Account>), StoreError> {
        if payments.iter().all(|payment| payment.gift.is_none()) {
            return Ok((BTreeMap::new(), None));
        }
        let gifts = try_join_all(payments.iter().map(|payment| self.gift_of(payment)));
        let (gifts, buyer) = try_join!(gifts, self.account(buyer))?;
        Ok((gifts.into_iter().flatten().map(|gift| (gift.id, gift)).collect(), buyer))
    }

    /// Deletes gifts. A repeat deletes the rest.
    ///
    /// # Errors
    /// A call failed; some may be deleted.
    pub async fn remove_gifts(&self, gifts: &[GiftId]) -> Result<(), StoreError> {
        self.delete_all(gifts.iter().map(|id| primary_key(keys::gift(*id), keys::GIFT)).collect()).await
    }
}
