//! Invitations: a role that waits for a person who may have no account yet.
//!
//! The invitation names an address. Only the account that signs in with exactly that address accepts it, once, within
//! [`INVITATION_DAYS`].

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    ids::{AccountId, InvitationId},
    refusal::Refusal,
    registry::{DataFields, INVITATION_DAYS},
    staff::role::Role,
};

/// Most invitations that wait at a time: each sends a mail.
pub const INVITATIONS: usize = 20;

/// A role that is offered to the owner of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Invitation {
    /// Its id.
    #[data(plain)]
    pub id: InvitationId,
    /// The address, normalized.
    #[data(personal)]
    pub email: String,
    /// The role.
    #[data(plain)]
    pub role: Role,
    /// The administrator who invites, as in audit logs.
    #[data(plain)]
    pub staff: String,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
    /// The account that accepted it. It has the role once the user pool knows; then the invitation is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub accepted_by: Option<AccountId>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl Invitation {
    /// Invites the owner of an address. `others` are the invitations that are stored.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if they are invited to the role already, or too many are invited.
    pub fn new(
        others: &[Self],
        (id, staff): (InvitationId, String),
        (email, role): (String, Role),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let open: Vec<_> = others.iter().filter(|other| other.is_open(now)).collect();
        if open.iter().any(|other| other.email == email && other.role == role) {
            return Err(Refusal::Conflict("they are invited to this role already: withdraw that invitation first"));
        }
        if open.len() >= INVITATIONS {
            return Err(Refusal::Conflict("too many invitations wait: withdraw one first"));
        }
        Ok(Self { id, email, role, staff, at: now, accepted_by: None, version: 1 })
    }

    /// Accepts it for an account. Returns `None` if the account accepted it before, and is yet to get the role.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is for another address, expired, or accepted by another account, [`Refusal::AccountStatus`] if the
    /// account is frozen or being deleted.
    pub fn accept(&self, account: &Account, now: Timestamp) -> Result<Option<Self>, Refusal> {
        if !self.is_for(account) || !self.is_open(now) || self.accepted_by.is_some_and(|by| by != account.id) {
            return Err(Refusal::NotFound);
        }
        account.check_active()?;
        if self.accepted_by.is_some() {
            return Ok(None);
        }
        Ok(Some(Self { accepted_by: Some(account.id), version: self.version + 1, ..self.clone() }))
    }

    /// Says whether it is for the owner of this account.
    #[must_use]
    pub fn is_for(&self, account: &Account) -> bool {
        self.email == account.email
    }

    /// Says whether it can be accepted.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.at + SignedDuration::from_hours(24 * i64::from(INVITATION_DAYS))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{credits::ledger::Credits, ids::LedgerEntryId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn invite(others: &[Invitation], email: &str) -> Result<Invitation, Refusal> {
        let id = InvitationId(Uuid::nil());
        Invitation::new(others, (id, "boss".to_owned()), (email.to_owned(), Role::Support), NOW)
    }

    fn account(id: u128, email: &str) -> Account {
        let entry = LedgerEntryId(Uuid::nil());
        Account::open(AccountId(Uuid::from_u128(id)), email.to_owned(), Credits(0), entry, NOW).0
    }

    #[test]
    fn only_the_exact_address_accepts_and_once() {
        let invitation = invite(&[], "ada@example.com").unwrap();
        let (ada, bob) = (account(1, "ada@example.com"), account(2, "bob@example.com"));
        assert_eq!(invitation.accept(&bob, NOW), Err(Refusal::NotFound));
        let accepted = invitation.accept(&ada, NOW).unwrap().unwrap();
        assert_eq!((accepted.accepted_by, accepted.version), (Some(ada.id), 2));
        assert_eq!(accepted.accept(&ada, NOW), Ok(None), "a repeat after a crash goes on");
        let second = account(3, "ada@example.com");
        assert_eq!(accepted.accept(&second, NOW), Err(Refusal::NotFound));
        let frozen = ada.frozen("asked by mail".to_owned(), NOW);
        assert!(matches!(invitation.accept(&frozen, NOW), Err(Refusal::AccountStatus(_))));
        assert_eq!(invitation.accept(&ada, invitation.expires_at()), Err(Refusal::NotFound));
    }

    #[test]
    fn person_is_invited_to_a_role_once_and_few_are_invited() {
        let first = invite(&[], "ada@example.com").unwrap();
        assert!(matches!(invite(std::slice::from_ref(&first), "ada@example.com"), Err(Refusal::Conflict(_))));
        let many: Vec<_> = (0..INVITATIONS).map(|n| invite(&[], &format!("{n}@example.com")).unwrap()).collect();
        assert!(matches!(invite(&many, "ada@example.com"), Err(Refusal::Conflict(_))));
        let expired = Invitation { at: NOW - SignedDuration::from_hours(24 * 7), ..first };
        assert!(invite(&[expired], "ada@example.com").is_ok());
    }
}
