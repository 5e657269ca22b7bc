//! An account: what it is, what moved on it, what was done with it, what was corrected of it.

use std::collections::BTreeSet;

use domain::{
    AccountId, ActivityId, CorrectionId, LedgerEntryId,
    accounts::account::{Account, AccountStatus, Preferences},
    accounts::correction::{CorrectedField, CorrectionRecord},
    accounts::plan::Plan,
    credits::ledger::{Balance, Cause, LedgerEntry, Posting},
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Activity, ActivityKind};
use utoipa::ToSchema;

use crate::{payments::FreezeView, privacy::RetainedView};

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// The address that signs in.
    pub email: String,
    /// What its owner wants to be called.
    pub display_name: Option<String>,
    /// Where the payment providers send their receipts, if not to the address that signs in.
    pub billing_email: Option<String>,
    /// Its plan.
    pub plan: Plan,
    /// Whether it may act.
    pub status: AccountStatus,
    /// Why it may not, the longest reason first.
    pub frozen_for: Vec<FreezeView>,
    /// What it has.
    pub credits: Balance,
    /// What the plan allows, and how much of it is used.
    pub limits: LimitsView,
    /// Preferences.
    pub preferences: Preferences,
    /// What a lawful request has kept from being erased, even by its owner.
    pub held: Vec<RetainedView>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A limit and how much of it is used.
#[derive(Serialize, ToSchema)]
pub struct Used {
    /// Used now.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

/// What a plan allows, and how much of it is used.
#[derive(Serialize, ToSchema)]
pub struct LimitsView {
    /// Generations that have not ended.
    pub jobs_in_flight: Used,
    /// Uploads kept.
    pub uploads: Used,
    /// Their bytes.
    pub upload_bytes: Used,
    /// Outputs of one generation at most.
    pub outputs_per_generation: u8,
    /// Pixels of one output at most.
    pub output_pixels: u32,
    /// Submits in a minute at most.
    pub submits_per_minute: u32,
    /// Share links of one generation at most.
    pub shares_per_generation: u32,
}

impl AccountView {
    /// An account with what its owner may know of it at `now`.
    #[must_use]
    pub fn new(account: Account, now: Timestamp) -> Self {
        let held = account.disclosed_holds(now).into_iter().map(RetainedView::from).collect();
        let (limits, status) = (account.plan.limits(), account.status());
        let frozen_for = account.freezes.into_iter().filter(|freeze| freeze.lifted_at.is_none());
        let used = |used: u64, limit: u64| Used { used, limit };
        Self {
            id: account.id,
            email: account.email,
            display_name: account.display_name,
            billing_email: account.billing_email,
            plan: account.plan,
            status,
            frozen_for: frozen_for.map(FreezeView::from).collect(),
            credits: account.balance,
            limits: LimitsView {
                jobs_in_flight: used(account.jobs_in_flight.into(), limits.jobs_in_flight.into()),
                uploads: used(account.uploads.into(), limits.uploads.into()),
                upload_bytes: used(account.upload_bytes, limits.upload_bytes),
                outputs_per_generation: limits.outputs_per_generation,
                output_pixels: limits.output_pixels,
                submits_per_minute: limits.submits.per_minute,
                shares_per_generation: limits.shares_per_generation,
            },
            preferences: account.preferences,
            held,
            created_at: account.created_at,
        }
    }
}

/// An entry of the ledger.
#[derive(Serialize, ToSchema)]
pub struct EntryView {
    /// Its id.
    pub id: LedgerEntryId,
    /// When it was made.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// What moved; sums to zero.
    pub postings: Vec<Posting>,
    /// The balance after it.
    pub balance_after: Balance,
}

impl From<LedgerEntry> for EntryView {
    fn from(entry: LedgerEntry) -> Self {
        let LedgerEntry { id, at, cause, postings, balance_after } = entry;
        Self { id, at, cause, postings, balance_after }
    }
}

/// A statement: what moved in `from..to`, and the balance at both ends of this page.
#[derive(Serialize, ToSchema)]
pub struct Statement {
    /// The start, included.
    pub from: Timestamp,
    /// The end, not included.
    pub to: Timestamp,
    /// The balance before the first entry of this page.
    pub opening: Balance,
    /// The balance after the last entry of this page.
    pub closing: Balance,
    /// The entries, oldest first.
    pub entries: Vec<EntryView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// What somebody did, from where, with what client.
#[derive(Serialize, ToSchema)]
pub struct ActivityView {
    /// Its id.
    pub id: ActivityId,
    /// `sign_in`, `submit` or `checkout`.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub address: String,
    /// With what client.
    pub user_agent: String,
}

impl From<Activity> for ActivityView {
    fn from(activity: Activity) -> Self {
        Self {
            id: activity.id,
            kind: match activity.kind {
                ActivityKind::SignIn => "sign_in".to_owned(),
                ActivityKind::Submit => "submit".to_owned(),
                ActivityKind::Checkout => "checkout".to_owned(),
            },
            at: activity.at,
            address: activity.address,
            user_agent: activity.user_agent,
        }
    }
}

/// A page of activity, newest first.
#[derive(Serialize, ToSchema)]
pub struct ActivityPage {
    /// What is on it.
    pub items: Vec<ActivityView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}

/// That something of the account was corrected.
#[derive(Serialize, ToSchema)]
pub struct CorrectionView {
    /// Its id.
    pub id: CorrectionId,
    /// What.
    pub fields: BTreeSet<CorrectedField>,
    /// When.
    pub at: Timestamp,
}

impl From<CorrectionRecord> for CorrectionView {
    fn from(corrected: CorrectionRecord) -> Self {
        let CorrectionRecord { id, fields, at, .. } = corrected;
        Self { id, fields, at }
    }
}

/// A page of corrections, newest first.
#[derive(Serialize, ToSchema)]
pub struct CorrectionPage {
    /// What is on it.
    pub items: Vec<CorrectionView>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
}
