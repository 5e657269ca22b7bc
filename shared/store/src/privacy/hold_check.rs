//! Checks of the items of an account against its legal holds.

use domain::{AccountId, accounts::account::Account, registry::DataFields};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, primary_key},
    keys,
    table::Table,
};

/// A due check of the items of an account against its legal holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct HoldCheck {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The version of the account whose holds changed last.
    #[data(plain)]
    pub version: u64,
    /// When the check is due.
    #[data(plain)]
    pub next_at: Timestamp,
    /// The sort key after which an unfinished check continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub after: Option<String>,
}

impl HoldCheck {
    /// Creates a check that is due at once, since the holds of this account changed.
    #[must_use]
    pub fn new(account: &Account, now: Timestamp) -> Self {
        Self { account: account.id, version: account.version, next_at: now, after: None }
    }

    pub(crate) fn primary_key(&self) -> Item {
        primary_key(keys::account(self.account), keys::HOLD_CHECK)
    }
}

pub(crate) fn to_item(check: &HoldCheck) -> Result<Item, StoreError> {
    let mut item = encode(check, keys::account(check.account), keys::HOLD_CHECK)?;
    mark_due(&mut item, DueKind::HoldCheck, check.next_at);
    Ok(item)
}

impl Table {
    /// Reads the due check of an account.
    ///
    /// # Errors
    /// The call failed.
    pub async fn hold_check(&self, account: AccountId) -> Result<Option<HoldCheck>, StoreError> {
        self.read(keys::account(account), keys::HOLD_CHECK).await
    }
}
