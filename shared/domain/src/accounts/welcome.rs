//! What is remembered of an address: that an account was opened with it, and whether one may spend no credits.
//!
//! It is stored under a keyed hash of the [mailbox](super::email::mailbox) for a bounded time, so that opening another account
//! brings neither new welcome credits nor an end to a freeze or a debt.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{
        account::Account,
        freeze::{Freeze, FreezeReason},
    },
    credits::ledger::Credits,
    generations::settings::WelcomeModels,
    ids::AccountId,
    registry::{DataFields, WELCOME_DAYS},
};

/// The purpose of the keyed hash of a mailbox.
pub const WELCOME: &str = "welcome";

/// Says what an account gets before its owner buys credits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct WelcomeGrants {
    /// The credits that the first sign-in with an address grants.
    pub credits: Credits,
    /// The accounts that get them in a day of UTC. Later ones start without.
    pub grants_per_day: u64,
    /// The models that it may use.
    pub models: WelcomeModels,
}

impl WelcomeGrants {
    /// Returns the credits of the account that is the `nth` of its day, counted from 1.
    #[must_use]
    pub fn of(self, nth: u64) -> Credits {
        if nth <= self.grants_per_day { self.credits } else { Credits::ZERO }
    }
}

/// Remembers the accounts that were opened with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Welcome {
    /// The latest account, until it is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub account: Option<AccountId>,
    /// Whether an account before the latest one, or an erased one, was frozen or in debt.
    #[data(plain)]
    pub is_frozen: bool,
    /// When this expires.
    #[data(plain)]
    pub expires_at: Timestamp,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

impl Welcome {
    /// Remembers the opening of an account. `before` is what was remembered until now, `latest` is the account that it names, if
    /// it exists.
    #[must_use]
    pub fn opened(before: Option<&Self>, latest: Option<&Account>, account: AccountId, now: Timestamp) -> Self {
        let is_frozen = latest.map_or(carries_freeze(before, now), |latest| leaves_frozen(before, latest, now));
        Self { account: Some(account), is_frozen, ..Self::next(before, now) }
    }

    /// Remembers an account that is being erased, for as long again. A repeat remembers the same.
    #[must_use]
    pub fn erased(before: Option<&Self>, account: &Account, now: Timestamp) -> Self {
        let latest = before.and_then(|before| before.account).filter(|latest| *latest != account.id);
        Self { account: latest, is_frozen: leaves_frozen(before, account, now), ..Self::next(before, now) }
    }

    /// Says whether this still counts: the table deletes what expired some time later.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    fn next(before: Option<&Self>, now: Timestamp) -> Self {
        Self {
            account: None,
            is_frozen: false,
            expires_at: now + SignedDuration::from_hours(24 * i64::from(WELCOME_DAYS)),
            version: before.map_or(0, |before| before.version) + 1,
        }
    }
}

fn carries_freeze(before: Option<&Welcome>, now: Timestamp) -> bool {
    before.is_some_and(|before| before.is_frozen && before.counts(now))
}

/// Says whether the next account with the address is frozen. Staff who unfroze an account decided about those before it too.
fn leaves_frozen(before: Option<&Welcome>, account: &Account, now: Timestamp) -> bool {
    let is_cleared = |freeze: &Freeze| freeze.reason == FreezeReason::EarlierAccount && freeze.lifted_at.is_some();
    account.is_frozen()
        || account.balance.available < Credits::ZERO
        || (carries_freeze(before, now) && !account.freezes.iter().any(is_cleared))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * day)
    }

    fn account(id: u128) -> Account {
        let nil = uuid::Uuid::nil();
        Account::open(uuid::Uuid::from_u128(id).into(), String::new(), Credits(0), nil.into(), at(0)).0
    }

    /// Opens an account with an address. Returns it, frozen if it starts so, and what is remembered.
    fn open(before: Option<&Welcome>, latest: Option<&Account>, id: u128) -> (Account, Welcome) {
        let account = account(id);
        let welcome = Welcome::opened(before, latest, account.id, at(1));
        let reason = FreezeReason::EarlierAccount;
        (if welcome.is_frozen { account.frozen_at_opening(reason, at(1)) } else { account }, welcome)
    }

    #[test]
    fn accounts_above_the_number_of_a_day_get_no_credits() {
        let grants = |grants_per_day, nth| {
            WelcomeGrants { credits: Credits(40), grants_per_day, models: WelcomeModels::Free }.of(nth)
        };
        assert_eq!([grants(2, 1), grants(2, 2), grants(2, 3), grants(0, 1)], [40, 40, 0, 0].map(Credits));
    }

    #[test]
    fn first_account_with_an_address_is_not_frozen() {
        let (account, welcome) = open(None, None, 1);
        assert_eq!((welcome.account, welcome.is_frozen, welcome.version), (Some(account.id), false, 1));
        assert!(!account.is_frozen());
    }

    #[test]
    fn freeze_or_debt_passes_to_the_next_account() {
        let (first, welcome) = open(None, None, 1);
        let mut debtor = first.clone();
        debtor.balance.available = Credits(-1);
        for first in [first.frozen("note".to_owned(), at(1)), debtor] {
            // While it exists, and when it is erased.
            assert!(open(Some(&welcome), Some(&first), 2).0.is_frozen());
            let erased = Welcome::erased(Some(&welcome), &first, at(1));
            assert_eq!((erased.account, erased.version), (None, 2));
            assert!(open(Some(&erased), None, 2).0.is_frozen());
            assert_eq!(Welcome::erased(Some(&erased), &first, at(1)).is_frozen, erased.is_frozen);
        }
        assert!(!open(Some(&welcome), Some(&first), 2).0.is_frozen());
    }

    #[test]
    fn erasure_of_an_account_in_good_standing_keeps_the_freeze_of_another() {
        let (first, welcome) = open(None, None, 1);
        let (second, welcome) = open(Some(&welcome), Some(&first), 2);
        let welcome = Welcome::erased(Some(&welcome), &first.frozen("note".to_owned(), at(1)), at(1));
        assert_eq!(welcome.account, Some(second.id));
        let welcome = Welcome::erased(Some(&welcome), &second, at(1));
        assert_eq!((welcome.account, welcome.is_frozen), (None, true));
    }

    #[test]
    fn staff_end_the_freeze_of_an_address_by_unfreezing_its_account() {
        let erased = Welcome::erased(None, &account(1).frozen("note".to_owned(), at(1)), at(1));
        let (second, welcome) = open(Some(&erased), None, 2);
        assert!(Welcome::erased(Some(&welcome), &second, at(1)).is_frozen);
        let cleared = second.unfrozen(&[crate::staff::role::Role::Administrator], "paid", at(1)).unwrap();
        assert!(!open(Some(&welcome), Some(&cleared), 3).0.is_frozen());
        assert!(!Welcome::erased(Some(&welcome), &cleared, at(1)).is_frozen);
    }

    #[test]
    fn address_is_remembered_for_a_bounded_time() {
        let erased = Welcome::erased(None, &account(1).frozen("note".to_owned(), at(1)), at(0));
        let end = i64::from(WELCOME_DAYS);
        assert!(erased.counts(at(end - 1)) && !erased.counts(at(end)));
        let welcome = Welcome::opened(Some(&erased), None, account(2).id, at(end));
        assert_eq!((welcome.is_frozen, welcome.version), (false, 2));
    }
}
