//! Moderation cases in the table.

use domain::{AccountId, CaseId, moderation::case::Case};
use jiff::Timestamp;

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, decode_all, encode, expire_at, primary_key, text},
    keys,
    query::{Page, all, page},
    table::Table,
};

pub(crate) fn to_item(case: &Case) -> Result<Item, StoreError> {
    let mut item = encode(case, keys::account(case.account), keys::case(case.id))?;
    if let Some(since) = case.waiting_since() {
        mark_due(&mut item, DueKind::Case, since);
    }
    if let Some(at) = case.expires_at() {
        expire_at(&mut item, at);
    }
    Ok(item)
}

impl Table {
    /// Reads a case.
    ///
    /// # Errors
    /// The call failed.
    pub async fn case(&self, account: AccountId, id: CaseId) -> Result<Option<Case>, StoreError> {
        self.read(keys::account(account), keys::case(id)).await
    }

    /// Lists every case of an account, oldest first. They are few, as an open case collects the reports of an output.
    ///
    /// # Errors
    /// A call failed.
    pub async fn all_cases(&self, account: AccountId) -> Result<Vec<Case>, StoreError> {
        all(self.query_prefix(account, keys::CASE).consistent_read(true)).await
    }

    /// Lists cases of an account, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn cases(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<CaseId>,
    ) -> Result<Page<Case, CaseId>, StoreError> {
        let start = after.map(|id| primary_key(keys::account(account), keys::case(id)));
        let query = self.query_prefix(account, keys::CASE).scan_index_forward(false).consistent_read(true);
        page(query.set_exclusive_start_key(start), limit, |case: &Case| case.id).await
    }

    /// Counts the cases that staff must decide soon, of the `limit` that have waited longest.
    ///
    /// # Errors
    /// A call failed.
    pub async fn pressing_cases(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let due = self.due_in(DueKind::Case.as_str().to_owned(), now, limit, None).await?;
        let keys = due.iter().filter_map(|item| Some(primary_key(text(item, "pk")?, text(item, "sk")?)));
        let cases: Vec<Case> = decode_all(Some(self.read_all(keys.collect()).await?))?;
        Ok(cases.iter().filter(|case| case.is_pressing(now)).count())
    }
}
