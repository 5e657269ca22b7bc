//! Disclosures: what a lawful request demands of somebody's data, put together for staff to hand over.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, AuditEntryId, DisclosureId, Refusal,
    accounts::account::Account,
    privacy::hold,
    registry,
    staff::audit::{AuditAction, AuditEntry, Justification},
};

/// Largest document of a disclosure, in bytes.
pub const DOCUMENT_BYTES: usize = 4 << 20;
/// Most files of a disclosure.
pub const FILES: usize = 500;
/// Seconds for which whoever makes one has it for itself.
const LEASE_S: i64 = 60;

/// What is to be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosureScope {
    kinds: BTreeSet<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl DisclosureScope {
    /// Names of [kinds](registry::KINDS), and the period: its start is included, its end is not.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if something is named that cannot be, or nothing, or the period is none.
    pub fn new(kinds: Vec<String>, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, Refusal> {
        let kinds = hold::parse_kinds("kinds", kinds)?;
        match (from, to) {
            (Some(from), Some(to)) if from >= to => Err(Refusal::invalid("from", "before `to`")),
            _ => Ok(Self { kinds, from, to }),
        }
    }
}

/// A disclosure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosure {
    /// Its id.
    pub id: DisclosureId,
    /// Of whose data.
    pub account: AccountId,
    /// Who of the staff made it, as in the log of accesses; nobody else can fetch it.
    pub staff: String,
    /// What is in it: names of [kinds](registry::KINDS).
    pub kinds: BTreeSet<String>,
    /// The start of the period, included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The end of the period, not included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// When it was asked for.
    pub at: Timestamp,
    /// When it goes, with its document.
    pub expires_at: Timestamp,
    /// Until when somebody is putting it together. It is not there yet as long as this is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// How many things are in its document.
    pub items: u64,
    /// The files that belong to it, by their keys behind the account's prefix.
    #[serde(default)]
    pub files: Vec<String>,
    /// Until when the owner of the data is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undisclosed_until: Option<Timestamp>,
    /// Grows with each write; each write is conditioned on it.
    pub version: u64,
}

impl Disclosure {
    /// A disclosure that is being put together, and its line in the log.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if the account is being deleted and nothing is held.
    pub fn begin(
        account: &Account,
        (id, line, staff): (DisclosureId, AuditEntryId, String),
        wanted: DisclosureScope,
        why: Justification,
        now: Timestamp,
    ) -> Result<(Self, AuditEntry), Refusal> {
        account.check_accessible()?;
        let Justification { reference: ticket, reason, undisclosed_until, undisclosed_basis: undisclosed_under } = why;
        let DisclosureScope { kinds, from, to } = wanted;
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
        let act = AuditAction::Disclosed {
            disclosure: id,
            reference: ticket,
            reason,
            kinds: kinds.into_iter().collect(),
            undisclosed_basis: undisclosed_under,
        };
        let line = AuditEntry { id: line, account: account.id, staff, at: now, action: act, undisclosed_until };
        Ok((disclosure, line))
    }

    /// Whether something of this time belongs to it.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// The disclosure, put together.
    #[must_use]
    pub fn completed(&self, things: u64, files: Vec<String>) -> Self {
        Self { lease_until: None, items: things, files, version: self.version + 1, ..self.clone() }
    }

    /// The line of whoever fetches it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is somebody else's or its time is over, [`Refusal::Conflict`] if it was never put
    /// together, [`Refusal::AccountStatus`] if the account is being deleted and nothing is held.
    pub fn download(
        &self,
        account: &Account,
        (id, staff): (AuditEntryId, String),
        now: Timestamp,
    ) -> Result<AuditEntry, Refusal> {
        if self.staff != staff || self.expires_at <= now {
            return Err(Refusal::NotFound);
        }
        account.check_accessible()?;
        if self.lease_until.is_some() {
            return Err(Refusal::Conflict("it was not put together: make another one"));
        }
        let act = AuditAction::Downloaded { disclosure: self.id };
        Ok(AuditEntry {
            id,
            account: self.account,
            staff,
            at: now,
            action: act,
            undisclosed_until: self.undisclosed_until,
        })
    }
}
