//! Access of staff to what is somebody's. None of it stands open: a member of staff opens an access for some minutes and
//! says why, and everything that is done under it is a line of a log in that person's drawer, written before anything is
//! shown. Its owner reads the log, but for what the law forbids to tell, and that for a bounded time.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, AuditEntryId, DisclosureId, GenerationId, HoldId, Refusal, TicketId, UploadId,
    accounts::account::Account,
    refusal::{FieldError, check_text},
};

/// Minutes that an access lasts.
pub const ACCESS_MINUTES: RangeInclusive<u32> = 1..=60;
/// Most days for which something is not told to its owner.
pub const UNDISCLOSED_DAYS: i64 = 366;
/// Longest reference of a ticket, in characters.
pub const REFERENCE_CHARACTERS: usize = 100;
/// Longest reason, in characters.
pub const REASON_CHARACTERS: usize = 500;

/// Why staff do something with what is somebody's. Its owner gets it with their data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Justification {
    pub(crate) reference: String,
    pub(crate) reason: String,
    pub(crate) undisclosed_until: Option<Timestamp>,
    pub(crate) undisclosed_basis: Option<String>,
}

impl Justification {
    /// A ticket and a reason, and, where something forbids to tell the owner, until when that is so and what it is.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] names each field and its rule.
    pub fn new(
        (ticket, reason): (String, String),
        (undisclosed_until, undisclosed_under): (Option<Timestamp>, Option<String>),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        errors.extend(check_text("reference", &ticket, REFERENCE_CHARACTERS));
        errors.extend(check_text("reason", &reason, REASON_CHARACTERS));
        let latest = now + SignedDuration::from_hours(24 * UNDISCLOSED_DAYS);
        if undisclosed_until.is_some_and(|until| until <= now || until > latest) {
            let rule = format!("a time to come, at most {UNDISCLOSED_DAYS} days from now");
            errors.push(FieldError::new("undisclosed_until", rule));
        }
        match &undisclosed_under {
            Some(under) => errors.extend(check_text("undisclosed_basis", under, REASON_CHARACTERS)),
            None if undisclosed_until.is_some() => {
                errors.push(FieldError::new("undisclosed_basis", "what forbids to tell the owner"));
            }
            None => {}
        }
        if undisclosed_until.is_none() && undisclosed_under.is_some() {
            errors.push(FieldError::new("undisclosed_until", "until when it is forbidden to tell the owner"));
        }
        if errors.is_empty() {
            Ok(Self { reference: ticket, reason, undisclosed_until, undisclosed_basis: undisclosed_under })
        } else {
            Err(Refusal::Invalid(errors))
        }
    }
}

/// How long an access of so many minutes lasts.
///
/// # Errors
/// [`Refusal::Invalid`] unless they are as many as may be.
pub fn access_duration(minutes: u32) -> Result<SignedDuration, Refusal> {
    if ACCESS_MINUTES.contains(&minutes) {
        return Ok(SignedDuration::from_mins(i64::from(minutes)));
    }
    Err(Refusal::invalid("minutes", format!("{} to {}", ACCESS_MINUTES.start(), ACCESS_MINUTES.end())))
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditEntry {
    /// Its id; of the line that opens an access, the access's.
    pub id: AuditEntryId,
    /// Whose log.
    pub account: AccountId,
    /// Who of the staff, under a keyed hash: the same person has the same, and it says nothing else about them.
    pub staff: String,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: AuditAction,
    /// Until when the owner of the log is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undisclosed_until: Option<Timestamp>,
}

/// What a member of staff did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = AuditAction)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuditAction {
    /// Opened an access.
    Opened {
        /// The reference of the request that it was opened for.
        reference: String,
        /// Why.
        reason: String,
        /// Until when it lasts.
        until: Timestamp,
        /// What forbade to tell its owner at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undisclosed_basis: Option<String>,
    },
    /// Looked at something under an access.
    Read {
        /// Which access.
        access: AuditEntryId,
        /// At what.
        resource: AuditedResource,
    },
    /// Answered a question under an access.
    Replied {
        /// Which access.
        access: AuditEntryId,
        /// Which question.
        ticket: TicketId,
    },
    /// Had something kept from being erased.
    Held {
        /// The hold.
        hold: HoldId,
    },
    /// Ended that.
    Released {
        /// The hold.
        hold: HoldId,
    },
    /// Put together what a lawful request demands.
    Disclosed {
        /// What was put together.
        disclosure: DisclosureId,
        /// The reference of the request.
        reference: String,
        /// Why.
        reason: String,
        /// Of which kinds.
        kinds: Vec<String>,
        /// What forbade to tell its owner at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undisclosed_basis: Option<String>,
    },
    /// Fetched what was put together.
    Downloaded {
        /// What was fetched.
        disclosure: DisclosureId,
    },
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditedResource {
    /// The profile.
    Profile,
    /// A page of the generations, without their files.
    Generations,
    /// A generation with its files.
    Generation(GenerationId),
    /// A page of the uploads, without their files.
    Uploads,
    /// An upload with its file.
    Upload(UploadId),
    /// A page of the payments.
    Payments,
    /// A page of the activity.
    Activity,
    /// A page of the questions to staff.
    Tickets,
}

impl AuditEntry {
    /// A member of staff opens an access.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if the account is being deleted and nothing is held.
    pub fn open(
        account: &Account,
        (id, staff): (AuditEntryId, String),
        until: Timestamp,
        why: Justification,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        account.check_accessible()?;
        let Justification { reference: ticket, reason, undisclosed_until, undisclosed_basis: undisclosed_under } = why;
        let act = AuditAction::Opened { reference: ticket, reason, until, undisclosed_basis: undisclosed_under };
        Ok(Self { id, account: account.id, staff, at: now, action: act, undisclosed_until })
    }

    /// The line of a look under this access.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is no access of this member of staff, [`Refusal::AccessOver`] if its time is over,
    /// [`Refusal::AccountStatus`] if the account is being deleted and nothing is held.
    pub fn read(
        &self,
        account: &Account,
        line: (AuditEntryId, &str),
        at: AuditedResource,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.record_action(account, line, AuditAction::Read { access: self.id, resource: at }, now)
    }

    /// The line of an answer to a question under this access.
    ///
    /// # Errors
    /// As of a look.
    pub fn reply(
        &self,
        account: &Account,
        line: (AuditEntryId, &str),
        question: TicketId,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.record_action(account, line, AuditAction::Replied { access: self.id, ticket: question }, now)
    }

    fn record_action(
        &self,
        account: &Account,
        (id, staff): (AuditEntryId, &str),
        act: AuditAction,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let AuditAction::Opened { until, .. } = self.action else { return Err(Refusal::NotFound) };
        if self.staff != staff {
            return Err(Refusal::NotFound);
        }
        if until <= now {
            return Err(Refusal::AccessExpired);
        }
        account.check_accessible()?;
        Ok(Self { id, at: now, action: act, ..self.clone() })
    }

    /// Whether its owner may know of it.
    #[must_use]
    pub fn is_disclosed(&self, now: Timestamp) -> bool {
        self.undisclosed_until.is_none_or(|until| until <= now)
    }
}

impl Account {
    /// # Errors
    /// [`Refusal::AccountStatus`] if it is being deleted and nothing of it is held.
    pub fn check_accessible(&self) -> Result<(), Refusal> {
        let gone = self.deletion.is_some() && self.held_kinds().is_empty();
        if gone { Err(Refusal::AccountStatus(self.status())) } else { Ok(()) }
    }
}
