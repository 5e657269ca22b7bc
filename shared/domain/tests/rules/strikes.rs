//! Strikes, and the freeze that they lead to.

use domain::accounts::{account::Account, freeze::FreezeReason, strikes::StrikePolicy};
use jiff::Timestamp;

use crate::{account, at};

const POLICY: StrikePolicy = StrikePolicy { limit: 3, days: 7 };

fn hour(hour: i64) -> Timestamp {
    at(3_600 * hour)
}

fn struck(hours: &[i64], policy: StrikePolicy) -> Account {
    hours.iter().fold(account(5), |account, at| account.struck(policy, hour(*at)))
}

#[test]
fn strikes_within_the_window_freeze_the_account_at_the_limit() {
    assert!(!struck(&[1, 2], POLICY).is_frozen());
    let frozen = struck(&[1, 2, 168], POLICY);
    let reason = FreezeReason::BlockedContent { since: hour(1), count: 3 };
    assert_eq!(frozen.freezes.current().map(|freeze| &freeze.reason), Some(&reason));
    assert_eq!(frozen.version, 4);
    assert!(!struck(&[1, 2, 169], POLICY).is_frozen(), "the window is over");
    assert!(!struck(&[1, 2, 3, 4, 5], StrikePolicy { limit: 0, days: 7 }).is_frozen());
}

#[test]
fn account_that_was_unfrozen_is_frozen_again_only_by_as_many_new_strikes() {
    let unfrozen = struck(&[1, 2, 3], POLICY).unfrozen("looked at it", hour(4)).unwrap();
    let again = unfrozen.struck(POLICY, hour(5)).struck(POLICY, hour(6));
    assert!(!again.is_frozen());
    assert!(again.struck(POLICY, hour(7)).is_frozen());
}
