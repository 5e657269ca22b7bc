//! Second factors in the table.

use domain::{AccountId, accounts::second_factor::SecondFactor};

use crate::{
    error::StoreError,
    item::{Item, encode},
    keys,
    table::Table,
};

pub(crate) fn to_item(factor: &SecondFactor) -> Result<Item, StoreError> {
    encode(factor, keys::account(factor.account), keys::SECOND_FACTOR)
}

impl Table {
    /// Reads the second factor of an account, if it has one.
    ///
    /// # Errors
    /// The call failed.
    pub async fn second_factor(&self, account: AccountId) -> Result<Option<SecondFactor>, StoreError> {
        self.read(keys::account(account), keys::SECOND_FACTOR).await
    }
}
