//! Sign-ups in the table, in the partition of the account that they may become.

use domain::{
    AccountId,
    accounts::sign_up::{SignUp, SignUpStage},
};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, expire_at},
    keys,
    table::Table,
};

pub(crate) fn to_item(sign_up: &SignUp) -> Result<Item, StoreError> {
    let mut item = encode(sign_up, keys::account(sign_up.account), keys::SIGN_UP)?;
    match sign_up.stage {
        SignUpStage::Waiting | SignUpStage::Deleting => mark_due(&mut item, DueKind::SignUp, sign_up.next_at),
        SignUpStage::Deleted => expire_at(&mut item, sign_up.next_at),
    }
    Ok(item)
}

impl Table {
    /// Reads the sign-up of a user who has no account.
    ///
    /// # Errors
    /// The call failed.
    pub async fn sign_up(&self, account: AccountId) -> Result<Option<SignUp>, StoreError> {
        self.read(keys::account(account), keys::SIGN_UP).await
    }
}
