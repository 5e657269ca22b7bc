//! Notices about moderation cases in the table.

use domain::{AccountId, CaseNoticeId, moderation::notice::CaseNotice};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode},
    keys,
    table::Table,
};

pub(crate) fn to_item(notice: &CaseNotice) -> Result<Item, StoreError> {
    let mut item = encode(notice, keys::account(notice.account), keys::case_notice(notice.id))?;
    mark_due(&mut item, DueKind::CaseNotice, notice.due_at());
    Ok(item)
}

impl Table {
    /// Reads a notice that was not sent.
    ///
    /// # Errors
    /// The call failed.
    pub async fn case_notice(&self, account: AccountId, id: CaseNoticeId) -> Result<Option<CaseNotice>, StoreError> {
        self.read(keys::account(account), keys::case_notice(id)).await
    }
}
