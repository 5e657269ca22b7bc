//! Pending changes of email addresses in the table.

use domain::{
    AccountId,
    accounts::{
        account::Account,
        email_change::{EmailChange, EmailChangeStage},
    },
};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, expire_at},
    keys,
    table::Table,
};

pub(crate) fn to_item(change: &EmailChange) -> Result<Item, StoreError> {
    let mut item = encode(change, keys::account(change.account), keys::EMAIL_CHANGE)?;
    match change.stage {
        EmailChangeStage::Requested { .. } => expire_at(&mut item, change.next_at),
        EmailChangeStage::Confirmed | EmailChangeStage::Changed { .. } => {
            mark_due(&mut item, DueKind::EmailChange, change.next_at);
        }
    }
    Ok(item)
}

impl Table {
    /// Reads the pending email change of an account.
    ///
    /// # Errors
    /// The call failed.
    pub async fn email_change(&self, account: AccountId) -> Result<Option<EmailChange>, StoreError> {
        self.read(keys::account(account), keys::EMAIL_CHANGE).await
    }

    /// Reads an account and its pending email change in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_email_change(
        &self,
        account: AccountId,
    ) -> Result<(Option<Account>, Option<EmailChange>), StoreError> {
        self.read_with_account(account, keys::EMAIL_CHANGE).await
    }
}
