//! Accounts in the table.

use domain::{AccountId, accounts::account::Account};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, encode, primary_key, string, text},
    keys,
    query::Page,
    table::Table,
};

/// The attribute that an account has while it is being deleted.
pub(crate) const DELETION: &str = "deletion";

pub(crate) fn to_item(account: &Account) -> Result<Item, StoreError> {
    let mut item = encode(account, keys::account(account.id), keys::ACCOUNT)?;
    if let Some(deletion) = &account.deletion {
        mark_due(&mut item, DueKind::Erasure, deletion.next_at);
    } else if let Some(freeze) = account.freezes.current() {
        mark_due(&mut item, DueKind::Frozen, freeze.at);
    }
    Ok(item)
}

/// A position in a scan of the table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScanPosition {
    pk: String,
    sk: String,
}

impl Table {
    /// Reads an account.
    ///
    /// # Errors
    /// The call failed.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.read(keys::account(id), keys::ACCOUNT).await
    }

    /// Says whether the account exists and is not being deleted.
    ///
    /// # Errors
    /// The call failed.
    pub async fn is_active(&self, id: AccountId) -> Result<bool, StoreError> {
        let request = self.db.get_item().table_name(&self.name).consistent_read(true);
        let request = request.set_key(Some(primary_key(keys::account(id), keys::ACCOUNT)));
        let request = request.projection_expression("pk, #deletion").expression_attribute_names("#deletion", DELETION);
        let found = request.send().await.map_err(StoreError::call("GetItem"))?.item;
        Ok(found.is_some_and(|item| !item.contains_key(DELETION)))
    }

    /// Scans the table for accounts, one call at a time. A page may be empty before the last one. Used to repeat erasures
    /// after a restore, when every account must be checked.
    ///
    /// # Errors
    /// The call failed.
    pub async fn accounts(&self, after: Option<ScanPosition>) -> Result<Page<AccountId, ScanPosition>, StoreError> {
        let answer = self
            .db
            .scan()
            .table_name(&self.name)
            .filter_expression("sk = :account")
            .expression_attribute_values(":account", string(keys::ACCOUNT))
            .projection_expression("pk, sk")
            .consistent_read(true)
            .set_exclusive_start_key(after.map(|position| primary_key(position.pk, position.sk)))
            .send()
            .await
            .map_err(StoreError::call("Scan"))?;
        let items = answer.items.unwrap_or_default();
        let items = items.iter().filter_map(|item| keys::parse_account(&text(item, "pk")?)).collect();
        let next = answer.last_evaluated_key;
        let next = next.and_then(|last| Some(ScanPosition { pk: text(&last, "pk")?, sk: text(&last, "sk")? }));
        Ok(Page { items, next })
    }
}

#[cfg(test)]
mod tests {
    use domain::{Credits, privacy::deletion::DeletionReason};
    use jiff::{SignedDuration, Timestamp};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn account_has_the_deletion_attribute_only_while_it_is_being_deleted() {
        let (nil, now) = (Uuid::nil(), Timestamp::UNIX_EPOCH);
        let (account, _) = Account::open(nil.into(), String::new(), Credits(0), nil.into(), now);
        assert!(!to_item(&account).unwrap().contains_key(DELETION));
        let deleted =
            account.request_deletion(nil.into(), DeletionReason::Requested, SignedDuration::ZERO, now).unwrap();
        let item = to_item(&deleted).unwrap();
        assert!(item.contains_key(DELETION));
        assert_eq!(text(&item, "due_partition").as_deref(), Some("erasure"));
    }
}
