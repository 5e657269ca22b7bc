//! Approvals in the table.

use domain::{
    AccountId, AuditEntryId, DisclosureId,
    accounts::account::Account,
    privacy::disclosure::Disclosure,
    staff::{approval::Approval, audit::AuditEntry},
};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, expire_at},
    keys,
    table::Table,
};

pub(crate) fn to_item(approval: &Approval) -> Result<Item, StoreError> {
    let mut item = encode(approval, keys::account(approval.account), keys::approval(approval.id))?;
    expire_at(&mut item, approval.expires_at);
    if approval.approved_by.is_none() {
        mark_due(&mut item, DueKind::Approval, approval.at);
    }
    Ok(item)
}

impl Table {
    /// Reads an account and a requested approval in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_and_approval(
        &self,
        account: AccountId,
        id: AuditEntryId,
    ) -> Result<(Option<Account>, Option<Approval>), StoreError> {
        self.read_with_account(account, keys::approval(id)).await
    }

    /// Reads an account, an entry of its audit log and the approval that the entry requests, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_entry_and_approval(
        &self,
        account: AccountId,
        id: AuditEntryId,
    ) -> Result<(Option<Account>, Option<AuditEntry>, Option<Approval>), StoreError> {
        self.read_two_with_account(account, (keys::audit_entry(id), keys::approval(id))).await
    }

    /// Reads an account, a disclosure of its data and the approval of that, in one round trip.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account_disclosure_and_approval(
        &self,
        account: AccountId,
        id: DisclosureId,
    ) -> Result<(Option<Account>, Option<Disclosure>, Option<Approval>), StoreError> {
        let keys = (keys::disclosure(id), keys::approval(AuditEntryId(id.0)));
        self.read_two_with_account(account, keys).await
    }
}
