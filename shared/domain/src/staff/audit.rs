//! Access of staff to what is somebody's. None of it stands open: a member of staff opens an access for some minutes and
//! says why, and everything that is done under it is a line of a log in that person's drawer, written before anything is
//! shown. Its owner reads the log, but for what the law forbids to tell, and that for a bounded time.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AccessId, AccountId, DisclosureId, GenerationId, HoldId, Refusal, TicketId, UploadId,
    accounts::account::Account,
    refusal::{FieldError, text},
};

/// Minutes that an access lasts.
pub const MINUTES: RangeInclusive<u32> = 1..=60;
/// Most days for which something is not told to its owner.
pub const UNDISCLOSED_DAYS: i64 = 366;
/// Longest reference of a ticket, in characters.
pub const TICKET_CHARACTERS: usize = 100;
/// Longest reason, in characters.
pub const REASON_CHARACTERS: usize = 500;

/// Why staff do something with what is somebody's. Its owner gets it with their data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Justification {
    pub(crate) ticket: String,
    pub(crate) reason: String,
    pub(crate) undisclosed_until: Option<Timestamp>,
    pub(crate) undisclosed_under: Option<String>,
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
        errors.extend(text("ticket", &ticket, TICKET_CHARACTERS));
        errors.extend(text("reason", &reason, REASON_CHARACTERS));
        let latest = now + SignedDuration::from_hours(24 * UNDISCLOSED_DAYS);
        if undisclosed_until.is_some_and(|until| until <= now || until > latest) {
            let rule = format!("a time to come, at most {UNDISCLOSED_DAYS} days from now");
            errors.push(FieldError::new("undisclosed_until", rule));
        }
        match &undisclosed_under {
            Some(under) => errors.extend(text("undisclosed_under", under, REASON_CHARACTERS)),
            None if undisclosed_until.is_some() => {
                errors.push(FieldError::new("undisclosed_under", "what forbids to tell the owner"));
            }
            None => {}
        }
        if undisclosed_until.is_none() && undisclosed_under.is_some() {
            errors.push(FieldError::new("undisclosed_until", "until when it is forbidden to tell the owner"));
        }
        if errors.is_empty() {
            Ok(Self { ticket, reason, undisclosed_until, undisclosed_under })
        } else {
            Err(Refusal::Invalid(errors))
        }
    }
}

/// How long an access of so many minutes lasts.
///
/// # Errors
/// [`Refusal::Invalid`] unless they are as many as may be.
pub fn lasting(minutes: u32) -> Result<SignedDuration, Refusal> {
    if MINUTES.contains(&minutes) {
        return Ok(SignedDuration::from_mins(i64::from(minutes)));
    }
    Err(Refusal::invalid("minutes", format!("{} to {}", MINUTES.start(), MINUTES.end())))
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Access {
    /// Its id; of the line that opens an access, the access's.
    pub id: AccessId,
    /// Whose log.
    pub account: AccountId,
    /// Who of the staff, under a keyed hash: the same person has the same, and it says nothing else about them.
    pub staff: String,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub act: Act,
    /// Until when the owner of the log is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undisclosed_until: Option<Timestamp>,
}

/// What a member of staff did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[schema(as = AccessAct)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Act {
    /// Opened an access.
    Opened {
        /// The reference of the request that it was opened for.
        ticket: String,
        /// Why.
        reason: String,
        /// Until when it lasts.
        until: Timestamp,
        /// What forbade to tell its owner at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undisclosed_under: Option<String>,
    },
    /// Looked at something under an access.
    Looked {
        /// Which access.
        access: AccessId,
        /// At what.
        at: Sight,
    },
    /// Answered a question under an access.
    Answered {
        /// Which access.
        access: AccessId,
        /// Which question.
        question: TicketId,
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
        ticket: String,
        /// Why.
        reason: String,
        /// Of which kinds.
        kinds: Vec<String>,
        /// What forbade to tell its owner at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undisclosed_under: Option<String>,
    },
    /// Fetched what was put together.
    Fetched {
        /// What was fetched.
        disclosure: DisclosureId,
    },
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
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

impl Access {
    /// A member of staff opens an access.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if the account is being deleted and nothing is held.
    pub fn open(
        account: &Account,
        (id, staff): (AccessId, String),
        until: Timestamp,
        why: Justification,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        account.may_be_looked_at()?;
        let Justification { ticket, reason, undisclosed_until, undisclosed_under } = why;
        let act = Act::Opened { ticket, reason, until, undisclosed_under };
        Ok(Self { id, account: account.id, staff, at: now, act, undisclosed_until })
    }

    /// The line of a look under this access.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is no access of this member of staff, [`Refusal::AccessOver`] if its time is over,
    /// [`Refusal::AccountStatus`] if the account is being deleted and nothing is held.
    pub fn look(&self, account: &Account, line: (AccessId, &str), at: Sight, now: Timestamp) -> Result<Self, Refusal> {
        self.act(account, line, Act::Looked { access: self.id, at }, now)
    }

    /// The line of an answer to a question under this access.
    ///
    /// # Errors
    /// As of a look.
    pub fn answer(
        &self,
        account: &Account,
        line: (AccessId, &str),
        question: TicketId,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.act(account, line, Act::Answered { access: self.id, question }, now)
    }

    fn act(&self, account: &Account, (id, staff): (AccessId, &str), act: Act, now: Timestamp) -> Result<Self, Refusal> {
        let Act::Opened { until, .. } = self.act else { return Err(Refusal::NotFound) };
        if self.staff != staff {
            return Err(Refusal::NotFound);
        }
        if until <= now {
            return Err(Refusal::AccessOver);
        }
        account.may_be_looked_at()?;
        Ok(Self { id, at: now, act, ..self.clone() })
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
    pub fn may_be_looked_at(&self) -> Result<(), Refusal> {
        let gone = self.closing.is_some() && self.held_kinds().is_empty();
        if gone { Err(Refusal::AccountStatus(self.status())) } else { Ok(()) }
    }
}
