//! What was corrected, and the change of an address that waits for its codes.

use domain::{
    AccountId, CorrectionId,
    accounts::account::Account,
    accounts::correction::CorrectionRecord,
    accounts::email::{EmailChange, EmailChangeStage},
    registry,
};
use jiff::SignedDuration;

use crate::{
    DueKind, Page, StoreError, Table,
    item::{Item, decode, due, encode, key, keys, live_until},
    listing::{all, page},
};

pub(crate) fn correction(corrected: &CorrectionRecord) -> Result<Item, StoreError> {
    let mut item = encode(corrected, key::account(corrected.account), key::correction(corrected.id))?;
    let days = i64::from(registry::CORRECTION_DAYS);
    live_until(&mut item, corrected.at + SignedDuration::from_hours(24 * days));
    Ok(item)
}

pub(crate) fn email_change(change: &EmailChange) -> Result<Item, StoreError> {
    let mut item = encode(change, key::account(change.account), key::EMAIL_CHANGE)?;
    match change.stage {
        EmailChangeStage::Requested { .. } => live_until(&mut item, change.next_at),
        EmailChangeStage::Confirmed | EmailChangeStage::Changed { .. } => {
            due(&mut item, DueKind::EmailChange, change.next_at)
        }
    }
    Ok(item)
}

impl Table {
    /// What was corrected of an account, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn corrections(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<CorrectionId>,
    ) -> Result<Page<CorrectionRecord, CorrectionId>, StoreError> {
        let start = after.map(|id| keys(key::account(account), key::correction(id)));
        let query = self.in_partition(account, all("CORRECTION#")).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |corrected: &CorrectionRecord| corrected.id).await
    }

    /// The change of an account's address, if one is asked for.
    ///
    /// # Errors
    /// The call failed.
    pub async fn email_change(&self, account: AccountId) -> Result<Option<EmailChange>, StoreError> {
        self.item(keys(key::account(account), key::EMAIL_CHANGE)).await?.map(decode).transpose()
    }

    /// An account and the change of its address, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_email_change(
        &self,
        account: AccountId,
    ) -> Result<(Option<Account>, Option<EmailChange>), StoreError> {
        let (first, second) = self.pair(account, key::EMAIL_CHANGE.to_owned()).await?;
        Ok((first.map(decode).transpose()?, second.map(decode).transpose()?))
    }
}
