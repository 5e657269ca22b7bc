//! Strikes, and the freeze that they lead to.

use domain::{
    Refusal,
    accounts::{account::Account, freeze::FreezeReason, strikes::StrikePolicy},
    staff::role::Role,
};
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
fn freeze_is_lifted_by_the_role_that_decides_about_its_reason() {
    let frozen = struck(&[1, 2, 3], POLICY);
    for roles in [&[][..], &[Role::Support], &[Role::Finance], &[Role::Support, Role::Finance]] {
        assert!(matches!(frozen.unfrozen(roles, "paid", hour(4)), Err(Refusal::Conflict(_))), "{roles:?}");
    }
    for role in [Role::Moderation, Role::Administrator] {
        assert!(!frozen.unfrozen(&[role], "looked at it", hour(4)).unwrap().is_frozen());
    }
    // What another role decides about stays.
    let both = frozen.frozen("asked by mail".to_owned(), hour(4));
    let lifted = both.unfrozen(&[Role::Finance], "answered", hour(5)).unwrap();
    assert!(matches!(lifted.freezes.current().map(|freeze| &freeze.reason), Some(FreezeReason::BlockedContent { .. })));
}

#[test]
fn account_that_was_unfrozen_is_frozen_again_only_by_as_many_new_strikes() {
    let unfrozen = struck(&[1, 2, 3], POLICY).unfrozen(&[Role::Moderation], "looked at it", hour(4)).unwrap();
    let again = unfrozen.struck(POLICY, hour(5)).struck(POLICY, hour(6));
    assert!(!again.is_frozen());
    assert!(again.struck(POLICY, hour(7)).is_frozen());
}
