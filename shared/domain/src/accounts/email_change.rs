//! The change of the address that signs in.
//!
//! The account owner requests a change and confirms it with a code from each of both addresses. It is then carried out in
//! the user pool first, which checks the address at sign-in, and in the account second. A confirmed change is always
//! completed: another worker claims it if the first one stops.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{accounts::account::Account, ids::AccountId, refusal::Refusal, registry::DataFields};

/// Minutes for which both codes are valid.
pub const CODE_MINUTES: i64 = 15;
/// Wrong codes after which no code is accepted.
pub const MAX_CODE_ATTEMPTS: u32 = 5;
/// Seconds after which another worker claims a confirmed change that was not completed.
const UNFINISHED_S: i64 = 60;

/// A pending change of the address that signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct EmailChange {
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The new address.
    #[data(personal)]
    pub to: String,
    /// The stage.
    #[data(nested)]
    pub stage: EmailChangeStage,
    /// When it was requested.
    #[data(plain)]
    pub requested_at: Timestamp,
    /// When it expires; once it is confirmed, when another worker claims it.
    #[data(plain)]
    pub next_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// The stage of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum EmailChangeStage {
    /// A code was sent to each address.
    Requested {
        /// The keyed hash of the code that was sent to the present address.
        #[data(plain)]
        present: String,
        /// The keyed hash of the code that was sent to the new address.
        #[data(plain)]
        new: String,
        /// Wrong codes so far.
        #[data(plain)]
        tries: u32,
    },
    /// Both codes were confirmed. The address is not changed yet, or only in the user pool.
    Confirmed,
    /// The address is changed. Sessions must still end, and the old address must be told.
    Changed {
        /// The old address.
        #[data(personal)]
        from: String,
    },
}

/// The result of checking two codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// Both codes are right, or the change was confirmed before. Write this change, then complete it.
    Confirmed(EmailChange),
    /// A code is wrong. Write this change, then refuse.
    Wrong(EmailChange),
    /// The codes expired, or there were too many wrong ones.
    Expired,
}

impl EmailChange {
    /// Requests a change, which replaces the one before. `present` and `new` are keyed hashes of the codes for the two
    /// addresses.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the account has the address already, [`Refusal::AccountStatus`] if the account is being
    /// deleted, [`Refusal::Conflict`] if the change before is confirmed and being completed.
    pub fn request(
        account: &Account,
        before: Option<&Self>,
        to: String,
        (present, new): (String, String),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        account.check_not_deleted()?;
        if account.email == to {
            return Err(Refusal::invalid("email", "another address than the present one"));
        }
        if before.is_some_and(|before| !matches!(before.stage, EmailChangeStage::Requested { .. })) {
            return Err(Refusal::Conflict("the address is being changed: try again in a minute"));
        }
        Ok(Self {
            account: account.id,
            to,
            stage: EmailChangeStage::Requested { present, new, tries: 0 },
            requested_at: now,
            next_at: now + SignedDuration::from_mins(CODE_MINUTES),
            version: before.map_or(1, |before| before.version + 1),
        })
    }

    /// Checks two codes, given as their keyed hashes. A repeat after the confirmation claims the change again.
    #[must_use]
    pub fn confirm(&self, (given_present, given_new): (&str, &str), now: Timestamp) -> CodeCheck {
        let EmailChangeStage::Requested { present, new, tries } = &self.stage else {
            return CodeCheck::Confirmed(self.claimed(now));
        };
        if self.next_at <= now || *tries >= MAX_CODE_ATTEMPTS {
            return CodeCheck::Expired;
        }
        // Keyed hashes: the time of their comparison tells nothing about the codes.
        if present == given_present && new == given_new {
            return CodeCheck::Confirmed(Self { stage: EmailChangeStage::Confirmed, ..self.claimed(now) });
        }
        let stage = EmailChangeStage::Requested { present: present.clone(), new: new.clone(), tries: tries + 1 };
        CodeCheck::Wrong(Self { stage, ..self.next_version() })
    }

    /// Claims the change for one worker, for a minute.
    #[must_use]
    pub fn claimed(&self, now: Timestamp) -> Self {
        Self { next_at: now + SignedDuration::from_secs(UNFINISHED_S), ..self.next_version() }
    }

    /// Completes the change once the user pool has the new address. Returns the account with its new address and the
    /// change with the steps that are left.
    #[must_use]
    pub fn complete(&self, account: &Account) -> (Account, Self) {
        let changed = Account { email: self.to.clone(), ..account.next_version() };
        (changed, Self { stage: EmailChangeStage::Changed { from: account.email.clone() }, ..self.next_version() })
    }

    fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credits::ledger::Credits;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn account() -> Account {
        let nil = uuid::Uuid::nil();
        Account::open(nil.into(), "ada@example.com".to_owned(), Credits(0), nil.into(), at(0)).0
    }

    fn requested() -> EmailChange {
        let hashes = ("p".to_owned(), "n".to_owned());
        EmailChange::request(&account(), None, "ada@example.org".to_owned(), hashes, at(0)).unwrap()
    }

    #[test]
    fn change_needs_both_codes_and_accepts_five_wrong_ones() {
        let mut change = requested();
        for _ in 0..MAX_CODE_ATTEMPTS {
            let CodeCheck::Wrong(next) = change.confirm(("p", "p"), at(1)) else { panic!("not wrong") };
            change = next;
        }
        assert_eq!(change.confirm(("p", "n"), at(1)), CodeCheck::Expired);
        let CodeCheck::Confirmed(confirmed) = requested().confirm(("p", "n"), at(899)) else { panic!("not confirmed") };
        assert_eq!((confirmed.stage, confirmed.next_at), (EmailChangeStage::Confirmed, at(959)));
        assert_eq!(requested().confirm(("p", "n"), at(900)), CodeCheck::Expired);
    }

    #[test]
    fn confirmed_change_is_completed_and_not_replaced() {
        let CodeCheck::Confirmed(confirmed) = requested().confirm(("p", "n"), at(1)) else { panic!("not confirmed") };
        assert!(matches!(confirmed.confirm(("", ""), at(9_999)), CodeCheck::Confirmed(_)));
        let hashes = ("p".to_owned(), "n".to_owned());
        let again = EmailChange::request(&account(), Some(&confirmed), "eve@example.org".to_owned(), hashes, at(2));
        assert!(matches!(again, Err(Refusal::Conflict(_))));
        let (changed, change) = confirmed.complete(&account());
        assert_eq!(changed.email, "ada@example.org");
        assert_eq!(change.stage, EmailChangeStage::Changed { from: "ada@example.com".to_owned() });
    }
}
