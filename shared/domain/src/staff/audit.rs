//! The audit log of staff access.
//!
//! Staff have no standing access. A staff member opens an access for some minutes and states why. Every action under it is
//! an entry of the audit log in the partition of the account, written before any data is shown. The account owner reads the
//! log, except for entries that the law forbids to disclose, and those for a bounded time. Decisions about the account, such as a
//! freeze, are entries too.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{account::Account, plan::Plan},
    credits::ledger::Credits,
    ids::{AccountId, AuditEntryId, CaseId, DisclosureId, GenerationId, HoldId, PaymentId, TicketId, UploadId},
    money::Money,
    refusal::Refusal,
    registry::DataFields,
    staff::{approval::Approval, justification::Justification, role::Role},
};

/// Minutes for which an access can last.
pub const ACCESS_MINUTES: RangeInclusive<u32> = 1..=60;

/// Converts the minutes of an access.
///
/// # Errors
/// [`Refusal::Invalid`] unless they are within [`ACCESS_MINUTES`].
pub fn access_duration(minutes: u32) -> Result<SignedDuration, Refusal> {
    if ACCESS_MINUTES.contains(&minutes) {
        return Ok(SignedDuration::from_mins(i64::from(minutes)));
    }
    Err(Refusal::invalid("minutes", format!("{} to {}", ACCESS_MINUTES.start(), ACCESS_MINUTES.end())))
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct AuditEntry {
    /// Its id. The entry that opens an access or creates a disclosure has the id of that.
    #[data(plain)]
    pub id: AuditEntryId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The staff member, as a keyed hash. One person has one hash, and it states nothing else about them.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// The action.
    #[data(nested)]
    pub action: AuditAction,
    /// Until when the account owner is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub undisclosed_until: Option<Timestamp>,
}

/// What a staff member did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuditAction {
    /// Opened an access.
    Opened {
        /// The reference of the request that it was opened for.
        #[data(personal)]
        reference: String,
        /// Why.
        #[data(personal)]
        reason: String,
        /// Until when it lasts.
        #[data(plain)]
        until: Timestamp,
        /// The legal basis for not telling the account owner at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[data(personal)]
        undisclosed_basis: Option<String>,
    },
    /// Read data under an access.
    Read {
        /// The access.
        #[data(plain)]
        access: AuditEntryId,
        /// What was read.
        #[data(nested)]
        resource: AuditedResource,
    },
    /// Replied to a ticket under an access.
    Replied {
        /// The access.
        #[data(plain)]
        access: AuditEntryId,
        /// The ticket.
        #[data(plain)]
        ticket: TicketId,
    },
    /// Placed a legal hold.
    Held {
        /// The hold.
        #[data(plain)]
        hold: HoldId,
    },
    /// Released a legal hold.
    Released {
        /// The hold.
        #[data(plain)]
        hold: HoldId,
    },
    /// Created a disclosure for a lawful request.
    Disclosed {
        /// The disclosure.
        #[data(plain)]
        disclosure: DisclosureId,
        /// The reference of the request.
        #[data(personal)]
        reference: String,
        /// Why.
        #[data(personal)]
        reason: String,
        /// The kinds of data.
        #[data(plain)]
        kinds: Vec<String>,
        /// The legal basis for not telling the account owner at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[data(personal)]
        undisclosed_basis: Option<String>,
    },
    /// Downloaded a disclosure.
    Downloaded {
        /// The disclosure.
        #[data(plain)]
        disclosure: DisclosureId,
    },
    /// Approved an access or a disclosure that another staff member requested.
    Approved {
        /// The entry that requests it.
        #[data(plain)]
        request: AuditEntryId,
    },
    /// Froze the account.
    Froze {
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Lifted the freezes of the account.
    Unfroze {
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Granted credits, or took them if the amount is negative.
    AdjustedCredits {
        /// The credits.
        #[data(plain)]
        amount: Credits,
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Granted a plan, or took it back.
    GrantedPlan {
        /// The plan that the account is on at least; `free` takes back what was granted.
        #[data(plain)]
        plan: Plan,
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Asked the payment provider to refund a payment, in whole or in part.
    RequestedRefund {
        /// The payment.
        #[data(plain)]
        payment: PaymentId,
        /// The money.
        #[data(nested)]
        amount: Money,
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Ended all sessions of the account.
    EndedSessions {
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Requested the deletion of the account, as its owner asked for it in writing.
    RequestedDeletion {
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Made the account owner a member of staff with this role.
    GrantedRole {
        /// The role.
        #[data(plain)]
        role: Role,
    },
    /// Took this role from the account owner, and ended their sessions.
    RevokedRole {
        /// The role.
        #[data(plain)]
        role: Role,
    },
    /// Looked at what is reported in a moderation case.
    ReadCase {
        /// The case.
        #[data(plain)]
        case: CaseId,
    },
    /// Noted something about a case of the account, for other staff members.
    NotedCase {
        /// The case: its kind and its id.
        #[data(plain)]
        about: String,
    },
    /// Read the notes about a case of the account.
    ReadNotes {
        /// The case: its kind and its id.
        #[data(plain)]
        about: String,
    },
    /// Decided a moderation case.
    DecidedCase {
        /// The case.
        #[data(plain)]
        case: CaseId,
    },
    /// Decided about the appeal in a moderation case.
    DecidedAppeal {
        /// The case.
        #[data(plain)]
        case: CaseId,
    },
    /// Compiled the report of a moderation case to an authority.
    ExportedCase {
        /// The case.
        #[data(plain)]
        case: CaseId,
    },
    /// Suspended publishing and sharing.
    SuspendedPublishing {
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Allowed publishing and sharing again.
    RestoredPublishing {
        /// Why.
        #[data(personal)]
        note: String,
    },
    /// Decided about a payment under review.
    Decided {
        /// The payment.
        #[data(plain)]
        payment: PaymentId,
        /// Whether the credits are granted.
        #[data(plain)]
        release: bool,
        /// Why.
        #[data(personal)]
        note: String,
    },
}

/// Data that staff can read under an access.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AuditedResource {
    /// The profile.
    Profile,
    /// A page of the generations, without their files.
    Generations,
    /// A generation with its files.
    Generation(#[data(plain)] GenerationId),
    /// A page of the uploads, without their files.
    Uploads,
    /// An upload with its file.
    Upload(#[data(plain)] UploadId),
    /// A page of the payments.
    Payments,
    /// A page of the activity.
    Activity,
    /// A page of the tickets.
    Tickets,
    /// The legal holds.
    Holds,
}

impl AuditEntry {
    /// Opens an access.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if the account is being deleted and none of its data is held.
    pub fn open(
        account: &Account,
        (id, staff): (AuditEntryId, String),
        until: Timestamp,
        why: Justification,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        account.check_accessible()?;
        let Justification { reference, reason, undisclosed_until, undisclosed_basis } = why;
        let action = AuditAction::Opened { reference, reason, until, undisclosed_basis };
        Ok(Self { id, account: account.id, staff, at: now, action, undisclosed_until })
    }

    /// Records that data was read under this access. An access that the account owner is not told of needs its `approval`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if this is no access of this staff member, [`Refusal::AccessExpired`] if it has expired,
    /// [`Refusal::ApprovalNeeded`] if its approval is missing, [`Refusal::AccountStatus`] if the account is being deleted and
    /// none of its data is held.
    pub fn read(
        &self,
        (account, approval): (&Account, Option<&Approval>),
        (id, staff): (AuditEntryId, &str),
        resource: AuditedResource,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.record_action((account, approval), (id, staff), AuditAction::Read { access: self.id, resource }, now)
    }

    /// Records a reply to a ticket under this access.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub fn reply(
        &self,
        (account, approval): (&Account, Option<&Approval>),
        (id, staff): (AuditEntryId, &str),
        ticket: TicketId,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.record_action((account, approval), (id, staff), AuditAction::Replied { access: self.id, ticket }, now)
    }

    /// Records a decision of a staff member about the account, which its owner is told of at once.
    #[must_use]
    pub fn decision(
        account: AccountId,
        (id, staff): (AuditEntryId, String),
        action: AuditAction,
        now: Timestamp,
    ) -> Self {
        Self { id, account, staff, at: now, action, undisclosed_until: None }
    }

    fn record_action(
        &self,
        (account, approval): (&Account, Option<&Approval>),
        (id, staff): (AuditEntryId, &str),
        action: AuditAction,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let AuditAction::Opened { until, .. } = self.action else { return Err(Refusal::NotFound) };
        if self.staff != staff {
            return Err(Refusal::NotFound);
        }
        if until <= now {
            return Err(Refusal::AccessExpired);
        }
        if self.undisclosed_until.is_some() {
            Approval::check(approval)?;
        }
        account.check_accessible()?;
        Ok(Self { id, at: now, action, ..self.clone() })
    }

    /// Says whether the account owner may know of it.
    #[must_use]
    pub fn is_disclosed(&self, now: Timestamp) -> bool {
        self.undisclosed_until.is_none_or(|until| until <= now)
    }
}

/// Days for which who got a role approves nothing, and decides nothing that takes another member: a member who gives a role to a second
/// account of their own has to leave it in the list of the staff for so long.
pub const SETTLED_DAYS: i64 = 7;

/// Checks that a member of staff got no role within the last [`SETTLED_DAYS`]. `entries` are those of their own access log.
///
/// # Errors
/// [`Refusal::Conflict`] if they did.
pub fn check_settled(entries: &[AuditEntry], now: Timestamp) -> Result<(), Refusal> {
    let since = now - SignedDuration::from_hours(24 * SETTLED_DAYS);
    let is_recent = |entry: &AuditEntry| matches!(entry.action, AuditAction::GrantedRole { .. }) && entry.at > since;
    if entries.iter().any(is_recent) {
        return Err(Refusal::Conflict(
            "who got a role within the last seven days does not act as the second member of staff",
        ));
    }
    Ok(())
}

impl Approval {
    /// Requests an approval of what this entry records, which expires with it.
    #[must_use]
    pub fn request(entry: &AuditEntry, expires_at: Timestamp) -> Self {
        Self {
            id: entry.id,
            account: entry.account,
            staff: entry.staff.clone(),
            at: entry.at,
            expires_at,
            approved_by: None,
            undisclosed_until: entry.undisclosed_until,
            version: 1,
        }
    }

    /// Requests the approval of an access. Returns `None` if the account owner is told of it, as it needs none then.
    #[must_use]
    pub fn request_for_access(entry: &AuditEntry) -> Option<Self> {
        match entry.action {
            AuditAction::Opened { until, .. } if entry.undisclosed_until.is_some() => Some(Self::request(entry, until)),
            _ => None,
        }
    }

    /// Approves it. Returns it with the entry in the audit log.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it has expired, [`Refusal::Conflict`] if it was approved before or this staff member requested
    /// it, [`Refusal::AccountStatus`] if the account is being deleted and none of its data is held.
    pub fn approve(
        &self,
        account: &Account,
        (id, staff): (AuditEntryId, String),
        now: Timestamp,
    ) -> Result<(Self, AuditEntry), Refusal> {
        if self.expires_at <= now {
            return Err(Refusal::NotFound);
        }
        if self.staff == staff {
            return Err(Refusal::Conflict("another staff member must approve what you requested"));
        }
        if self.approved_by.is_some() {
            return Err(Refusal::Conflict("it is approved already"));
        }
        account.check_accessible()?;
        let approved = Self { approved_by: Some(staff.clone()), version: self.version + 1, ..self.clone() };
        let (account, undisclosed_until) = (self.account, self.undisclosed_until);
        let action = AuditAction::Approved { request: self.id };
        Ok((approved, AuditEntry { id, account, staff, at: now, action, undisclosed_until }))
    }
}
