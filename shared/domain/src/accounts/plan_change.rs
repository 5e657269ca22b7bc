//! A change of the plan, which the expiry of the files that exist must follow.
//!
//! The transaction that changes the plan writes it, replacing an earlier one. The sweep changes the generations and
//! uploads of the account in the order of their keys, and deletes it with the last of them. Files that are stored after
//! the change expire by the new plan anyway.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{
        account::Account,
        plan::{Plan, Plans},
    },
    ids::AccountId,
    registry::DataFields,
};

/// Days for which files are kept at least after their account fell to a smaller plan, so that their owner can download
/// them.
pub const DOWNLOAD_DAYS: u32 = 7;

/// A change of the plan that not all files follow yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct PlanChange {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The new plan.
    #[data(plain)]
    pub plan: Plan,
    /// When the plan changed.
    #[data(plain)]
    pub at: Timestamp,
    /// The earliest time to which it may bring an expiry forward. Absent while a dispute is open: then it brings none
    /// forward, as the plan returns if the dispute is won.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub shortens_to: Option<Timestamp>,
    /// The sort key of the item after which the sweep continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub after: Option<String>,
    /// The version of the account that changed its plan. Each later write is conditioned on it, so it fails once the
    /// plan has changed again.
    #[data(plain)]
    pub version: u64,
}

impl PlanChange {
    /// Creates the change to the plan of this account.
    #[must_use]
    pub(crate) fn new(account: &Account, is_disputed: bool, now: Timestamp) -> Self {
        let shortens_to = (!is_disputed).then(|| now + SignedDuration::from_hours(24 * i64::from(DOWNLOAD_DAYS)));
        Self { account: account.id, plan: account.plan, at: now, shortens_to, after: None, version: account.version }
    }

    /// Returns when a file expires now that was stored at `stored_at` and would expire at `expires_at`: as if its
    /// account had been on the new plan then, but never sooner than [`DOWNLOAD_DAYS`] after the change. Returns `None`
    /// if that is the same, or if the file had expired before the change. A repeat returns `None`.
    pub(crate) fn expiry(&self, plans: &Plans, stored_at: Timestamp, expires_at: Timestamp) -> Option<Timestamp> {
        let least = self.shortens_to.map_or(expires_at, |at| at.min(expires_at));
        let next = plans.expires_at(self.plan, stored_at).max(least);
        (expires_at > self.at && next != expires_at).then_some(next)
    }
}
