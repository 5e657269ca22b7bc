//! Freezes: periods in which an account may not spend credits, publish or share.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{CaseId, PaymentId},
    refusal::Refusal,
    registry::DataFields,
    staff::role::Role,
};

/// Why an account is frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FreezeReason {
    /// A payment is disputed.
    Dispute {
        /// The payment.
        #[data(plain)]
        payment: PaymentId,
        /// The provider's id of the dispute.
        #[data(plain)]
        id: String,
    },
    /// The card network warned of fraud, or the buyer opened a case with PayPal.
    Warning {
        /// The payment.
        #[data(plain)]
        payment: PaymentId,
        /// The provider's id of the warning or case.
        #[data(plain)]
        id: String,
    },
    /// The account lost too many disputes.
    LostDisputes {
        /// How many it had lost by then.
        #[data(plain)]
        count: u32,
    },
    /// Too many accounts were opened from one network in a day.
    ManyAccounts,
    /// Another account with the same address is or was frozen or in debt.
    EarlierAccount,
    /// A moderation case was decided against it.
    Moderation {
        /// The case.
        #[data(plain)]
        case: CaseId,
    },
    /// As many of its prompts and outputs were blocked as the operator allows.
    BlockedContent {
        /// When the first of them was blocked.
        #[data(plain)]
        since: Timestamp,
        /// How many.
        #[data(plain)]
        count: u32,
    },
    /// A staff member froze it.
    Staff,
}

impl FreezeReason {
    /// Returns the roles whose members may lift a freeze for this reason, besides administrators.
    #[must_use]
    pub const fn lifted_by(&self) -> &'static [Role] {
        match self {
            Self::Dispute { .. } | Self::Warning { .. } | Self::LostDisputes { .. } => &[Role::Finance],
            Self::Moderation { .. } | Self::BlockedContent { .. } => &[Role::Moderation],
            Self::ManyAccounts | Self::EarlierAccount | Self::Staff => &[Role::Finance, Role::Moderation],
        }
    }
}

/// A period in which an account may not spend credits, publish or share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Freeze {
    /// Why.
    #[data(nested)]
    pub reason: FreezeReason,
    /// When it began.
    #[data(plain)]
    pub at: Timestamp,
    /// When it was lifted; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub lifted_at: Option<Timestamp>,
    /// The note of the staff member who froze the account or lifted the freeze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(personal)]
    pub note: Option<String>,
}

/// All freezes of an account, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Freezes(#[data(nested)] Vec<Freeze>);

impl Freezes {
    /// Iterates over all freezes, lifted ones included.
    pub fn iter(&self) -> std::slice::Iter<'_, Freeze> {
        self.0.iter()
    }

    /// Says whether the account was never frozen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the oldest freeze that lasts.
    #[must_use]
    pub fn current(&self) -> Option<&Freeze> {
        self.0.iter().find(|freeze| freeze.lifted_at.is_none())
    }

    /// Adds a freeze. A repeat with the same reason changes nothing, even after the freeze was lifted.
    pub(crate) fn add(&mut self, reason: FreezeReason, now: Timestamp) {
        if self.0.iter().all(|freeze| freeze.reason != reason) {
            self.0.push(Freeze { reason, at: now, lifted_at: None, note: None });
        }
    }

    /// Adds a freeze by a staff member.
    pub(crate) fn add_by_staff(&mut self, note: String, now: Timestamp) {
        self.0.push(Freeze { reason: FreezeReason::Staff, at: now, lifted_at: None, note: Some(note) });
    }

    /// Lifts the freeze with this reason, if it lasts.
    pub(crate) fn lift(&mut self, reason: &FreezeReason, now: Timestamp) {
        for freeze in self.0.iter_mut().filter(|freeze| freeze.reason == *reason && freeze.lifted_at.is_none()) {
            freeze.lifted_at = Some(now);
        }
    }

    /// Lifts every freeze that lasts and that a member with these roles may lift, with their note.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if none lasts, or none of those that last is theirs to lift.
    pub(crate) fn lift_by(&mut self, roles: &[Role], note: &str, now: Timestamp) -> Result<(), Refusal> {
        if self.current().is_none() {
            return Err(Refusal::Conflict("the account is not frozen"));
        }
        let may_lift = |freeze: &Freeze| roles.iter().any(|role| role.is_among(freeze.reason.lifted_by()));
        let mut lifted = false;
        for freeze in self.0.iter_mut().filter(|freeze| freeze.lifted_at.is_none() && may_lift(freeze)) {
            freeze.lifted_at = Some(now);
            freeze.note = Some(note.to_owned());
            lifted = true;
        }
        if lifted {
            Ok(())
        } else {
            Err(Refusal::Conflict("it is frozen for a reason that another role decides about"))
        }
    }
}

impl IntoIterator for Freezes {
    type Item = Freeze;
    type IntoIter = std::vec::IntoIter<Freeze>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Freezes {
    type Item = &'a Freeze;
    type IntoIter = std::slice::Iter<'a, Freeze>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
