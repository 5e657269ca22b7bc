//! Identifies the cases that wait for staff, of whatever kind.

use serde::Deserialize;

use crate::{
    ids::{AccountId, CaseId, GuestTicketId, PaymentId, TicketId},
    staff::role::Role,
};

/// Identifies a case that waits for staff. Approvals are none: they take one press of a button, and may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OpenCaseId {
    /// A moderation case: reports, or an appeal.
    Case {
        /// The account whose image or video was reported.
        account: AccountId,
        /// Its id.
        id: CaseId,
    },
    /// A payment under review.
    Payment {
        /// The account that paid.
        account: AccountId,
        /// Its id.
        id: PaymentId,
    },
    /// Money to refund.
    Unclaimed {
        /// The payment.
        payment: PaymentId,
    },
    /// A ticket.
    Ticket {
        /// The account that opened it.
        account: AccountId,
        /// Its id.
        id: TicketId,
    },
    /// A guest ticket.
    GuestTicket {
        /// The keyed hash of the address that it came from.
        guest: String,
        /// Its id.
        id: GuestTicketId,
    },
    /// A frozen account.
    Account {
        /// The account.
        account: AccountId,
    },
}

impl OpenCaseId {
    /// Returns its name: its kind and its id.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Case { id, .. } => format!("case {id}"),
            Self::Payment { id, .. } => format!("payment {id}"),
            Self::Unclaimed { payment } => format!("unclaimed {payment}"),
            Self::Ticket { id, .. } => format!("ticket {id}"),
            Self::GuestTicket { id, .. } => format!("guest_ticket {id}"),
            Self::Account { account } => format!("account {account}"),
        }
    }

    /// Says whether its parts are such as cases have: the address of a guest is a hash of 64 hexadecimal digits.
    #[must_use]
    pub fn can_be(&self) -> bool {
        match self {
            Self::GuestTicket { guest, .. } => {
                guest.len() == 64 && guest.bytes().all(|digit| digit.is_ascii_hexdigit())
            }
            _ => true,
        }
    }

    /// Returns the account that it is about; `None` if it is about none that exists.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Case { account, .. }
            | Self::Payment { account, .. }
            | Self::Ticket { account, .. }
            | Self::Account { account } => Some(*account),
            Self::Unclaimed { .. } | Self::GuestTicket { .. } => None,
        }
    }

    /// Returns the roles that decide it.
    #[must_use]
    pub fn roles(&self) -> &'static [Role] {
        match self {
            Self::Case { .. } => &[Role::Moderation],
            Self::Payment { .. } | Self::Unclaimed { .. } => &[Role::Finance],
            Self::Ticket { .. } | Self::GuestTicket { .. } => &[Role::Support],
            Self::Account { .. } => &[Role::Finance, Role::Moderation],
        }
    }
}
