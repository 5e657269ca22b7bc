//! Changes of plans in the table, and the items whose expiry follows them.

use domain::{
    AccountId,
    accounts::{plan::Plans, plan_change::PlanChange},
    generations::{generation::Generation, upload::Upload},
};

use crate::{
    due::{DueKind, mark_due},
    error::StoreError,
    item::{Item, decode_all, encode, text},
    keys,
    query::Page,
    table::Table,
};

/// An item that expires by the plan of its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpiringItem {
    /// A generation.
    Generation(Box<Generation>),
    /// An upload.
    Upload(Box<Upload>),
}

impl ExpiringItem {
    /// Moves the expiry after a change of the plan. Returns `None` if that changes nothing.
    #[must_use]
    pub fn after_plan_change(&self, change: &PlanChange, plans: &Plans) -> Option<Self> {
        match self {
            Self::Generation(generation) => {
                generation.after_plan_change(change, plans).map(Box::new).map(Self::Generation)
            }
            Self::Upload(upload) => upload.after_plan_change(change, plans).map(Box::new).map(Self::Upload),
        }
    }
}

pub(crate) fn to_item(change: &PlanChange) -> Result<Item, StoreError> {
    let mut item = encode(change, keys::account(change.account), keys::PLAN_CHANGE)?;
    mark_due(&mut item, DueKind::PlanChange, change.at);
    Ok(item)
}

impl Table {
    /// Reads the change of the plan of an account that not all files follow yet.
    ///
    /// # Errors
    /// The call failed.
    pub async fn plan_change(&self, account: AccountId) -> Result<Option<PlanChange>, StoreError> {
        self.read(keys::account(account), keys::PLAN_CHANGE).await
    }

    /// Lists the next items of the account that may have to follow a change of its plan, with a consistent read, at
    /// most `limit`: the generations, the oldest first, then the uploads.
    ///
    /// # Errors
    /// The call failed.
    pub async fn expiring_items(
        &self,
        change: &PlanChange,
        limit: usize,
    ) -> Result<Page<ExpiringItem, String>, StoreError> {
        let after = change.after.as_deref().unwrap_or(keys::GENERATION);
        let are_uploads = after.starts_with(keys::UPLOAD);
        let kind = if are_uploads { keys::UPLOAD } else { keys::GENERATION };
        // The rest of a sort key is alphanumerics and hyphens, which sort between these two.
        let query = self.query_range(change.account, (format!("{after}!"), format!("{kind}~")));
        let query = query.consistent_read(true).limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = query.send().await.map_err(StoreError::of("Query"))?;
        let last = answer.last_evaluated_key.and_then(|last| text(&last, "sk"));
        let next = last.or_else(|| (!are_uploads).then(|| keys::UPLOAD.to_owned()));
        let items = if are_uploads {
            decode_all(answer.items)?.into_iter().map(ExpiringItem::Upload).collect()
        } else {
            decode_all(answer.items)?.into_iter().map(ExpiringItem::Generation).collect()
        };
        Ok(Page { items, next })
    }
}
