//! Disclosures: data of an account that is compiled for a lawful request, for staff to hand over once a second staff member
//! has approved it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    ids::{AccountId, AuditEntryId, DisclosureId},
    privacy::hold,
    refusal::Refusal,
    registry::{self, DataFields},
    staff::{
        approval::Approval,
        audit::{AuditAction, AuditEntry},
        justification::Justification,
    },
};

/// Largest document of a disclosure, in bytes.
pub const DOCUMENT_BYTES: usize = 4 << 20;
/// Most files of a disclosure.
pub const FILES: usize = 500;
/// Seconds for which the request that compiles one has leased it.
const LEASE_S: i64 = 60;

/// What a disclosure contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosureScope {
    kinds: BTreeSet<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl DisclosureScope {
    /// Takes names of [kinds](crate::registry::DATA_KINDS) and a period, which includes its start and not its end.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if no kind is named, or one that cannot be disclosed, or the period is empty.
    pub fn new(kinds: Vec<String>, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, Refusal> {
        let kinds = hold::parse_kinds("kinds", kinds)?;
        match (from, to) {
            (Some(from), Some(to)) if from >= to => Err(Refusal::invalid("from", "before `to`")),
            _ => Ok(Self { kinds, from, to }),
        }
    }
}

/// A disclosure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Disclosure {
    /// Its id: that of its entry in the audit log.
    #[data(plain)]
    pub id: DisclosureId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The staff member who requested it, as in the audit log. No one else can download it.
    #[data(plain)]
    pub staff: String,
    /// The names of the [kinds](crate::registry::DATA_KINDS) in it.
    #[data(plain)]
    pub kinds: BTreeSet<String>,
    /// The start of the period, included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub from: Option<Timestamp>,
    /// The end of the period, not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub to: Option<Timestamp>,
    /// When it was requested.
    #[data(plain)]
    pub at: Timestamp,
    /// When it expires, with its document.
    #[data(plain)]
    pub expires_at: Timestamp,
    /// Until when it is being compiled. It is not available while this is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub lease_until: Option<Timestamp>,
    /// The number of items in its document.
    #[data(plain)]
    pub items: u64,
    /// The keys of its files, without the prefix of the account.
    #[serde(default)]
    #[data(plain)]
    pub files: Vec<String>,
    /// Until when the account owner is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub undisclosed_until: Option<Timestamp>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl Disclosure {
    /// Begins a disclosure. Returns it with its entry in the audit log and the approval that it needs, which have its id.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if the account is being deleted and none of its data is held.
    pub fn begin(
        account: &Account,
        (id, staff): (DisclosureId, String),
        scope: DisclosureScope,
        why: Justification,
        now: Timestamp,
    ) -> Result<(Self, AuditEntry, Approval), Refusal> {
        account.check_accessible()?;
        let Justification { reference, reason, undisclosed_until, undisclosed_basis } = why;
        let DisclosureScope { kinds, from, to } = scope;
        let disclosure = Self {
            id,
            account: account.id,
            staff: staff.clone(),
            kinds: kinds.clone(),
            from,
            to,
            at: now,
            expires_at: now + SignedDuration::from_hours(24 * i64::from(registry::DISCLOSURE_DAYS)),
            lease_until: Some(now + SignedDuration::from_secs(LEASE_S)),
            items: 0,
            files: Vec::new(),
            undisclosed_until,
            version: 1,
        };
        let action = AuditAction::Disclosed {
            disclosure: id,
            reference,
            reason,
            kinds: kinds.into_iter().collect(),
            undisclosed_basis,
        };
        let id = AuditEntryId(id.0);
        let entry = AuditEntry { id, account: account.id, staff, at: now, action, undisclosed_until };
        let approval = Approval::request(&entry, disclosure.expires_at);
        Ok((disclosure, entry, approval))
    }

    /// Says whether it includes data of this time.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// Completes it.
    #[must_use]
    pub fn completed(&self, items: u64, files: Vec<String>) -> Self {
        Self { lease_until: None, items, files, version: self.version + 1, ..self.clone() }
    }

    /// Records a download. Returns the entry in the audit log.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if another staff member requested it or it has expired, [`Refusal::ApprovalNeeded`] if its
    /// approval is missing, [`Refusal::Conflict`] if it was not completed, [`Refusal::AccountStatus`] if the account is being
    /// deleted and none of its data is held.
    pub fn download(
        &self,
        (account, approval): (&Account, Option<&Approval>),
        (id, staff): (AuditEntryId, String),
        now: Timestamp,
    ) -> Result<AuditEntry, Refusal> {
        if self.staff != staff || self.expires_at <= now {
            return Err(Refusal::NotFound);
        }
        Approval::check(approval)?;
        account.check_accessible()?;
        if self.lease_until.is_some() {
            return Err(Refusal::Conflict("the disclosure was not completed: request another one"));
        }
        let action = AuditAction::Downloaded { disclosure: self.id };
        Ok(AuditEntry { id, account: self.account, staff, at: now, action, undisclosed_until: self.undisclosed_until })
    }
}
