//! Activity records in the table.

use domain::{
    AccountId, ActivityId,
    registry::{ACTIVITY_DAYS, DataFields},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    item::{Item, days_after, encode, expire_at, primary_key},
    keys,
    query::{Page, page},
    table::Table,
};

/// What an account owner did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// Signed in.
    SignIn,
    /// Submitted a generation.
    Submit,
    /// Started a checkout.
    Checkout,
}

/// Records from which address and with which client an account owner did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Activity {
    /// Its id.
    #[data(plain)]
    pub id: ActivityId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// What was done.
    #[data(plain)]
    pub kind: ActivityKind,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// The network address.
    #[data(personal)]
    pub address: String,
    /// The `User-Agent` of the client, cut at 256 characters.
    #[data(personal)]
    pub user_agent: String,
}

/// Longest `User-Agent` that is stored, in characters.
const USER_AGENT_CHARACTERS: usize = 256;

impl Activity {
    /// Records an activity at `at`. Cuts the `User-Agent` at 256 characters.
    #[must_use]
    pub fn new(
        id: ActivityId,
        account: AccountId,
        kind: ActivityKind,
        at: Timestamp,
        (address, user_agent): (String, &str),
    ) -> Self {
        let user_agent = user_agent.chars().take(USER_AGENT_CHARACTERS).collect();
        Self { id, account, kind, at, address, user_agent }
    }
}

pub(crate) fn to_item(activity: &Activity) -> Result<Item, StoreError> {
    let mut item = encode(activity, keys::account(activity.account), keys::activity(activity.id))?;
    expire_at(&mut item, days_after(activity.at, ACTIVITY_DAYS));
    Ok(item)
}

impl Table {
    /// Lists activity records, newest first.
    ///
    /// # Errors
    /// The call failed.
    pub async fn activities(
        &self,
        account: AccountId,
        limit: usize,
        after: Option<ActivityId>,
    ) -> Result<Page<Activity, ActivityId>, StoreError> {
        let start = after.map(|id| primary_key(keys::account(account), keys::activity(id)));
        let query = self.query_prefix(account, keys::ACTIVITY).scan_index_forward(false);
        page(query.set_exclusive_start_key(start), limit, |activity: &Activity| activity.id).await
    }
}
