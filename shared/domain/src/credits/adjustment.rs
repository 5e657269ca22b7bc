//! Adjustments: credits that staff grant or take, with a reason.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use crate::{
    accounts::account::Account,
    credits::ledger::{Cause, CreditBucket, Credits, LedgerEntry},
    ids::{AuditEntryId, LedgerEntryId},
    refusal::Refusal,
};

/// Credits that one adjustment can grant or, negative, take.
pub const ADJUSTMENT: RangeInclusive<i64> = -100_000..=100_000;

impl Account {
    /// Grants credits, or takes them if the amount is negative. `decision` is the entry of the audit log that says why and by whom:
    /// it is the cause. Returns the ledger entry with the account.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] unless the amount is within [`ADJUSTMENT`] and not zero, [`Refusal::Conflict`] if more would be taken than
    /// is available, [`Refusal::AccountStatus`] if the account is being deleted.
    pub fn adjusted(
        &self,
        amount: Credits,
        (decision, entry): (AuditEntryId, LedgerEntryId),
        now: Timestamp,
    ) -> Result<(LedgerEntry, Self), Refusal> {
        if !ADJUSTMENT.contains(&amount.0) || amount == Credits::ZERO {
            let range = format!("{} to {}, not 0", ADJUSTMENT.start(), ADJUSTMENT.end());
            return Err(Refusal::invalid("amount", range));
        }
        self.check_not_deleted()?;
        if self.balance.available.plus(amount) < Credits::ZERO.min(self.balance.available) {
            return Err(Refusal::Conflict("the account has fewer credits available"));
        }
        let moves = [(CreditBucket::Granted, CreditBucket::Available, amount)];
        Ok(self.with_entry(entry, now, Cause::Adjustment { decision }, &moves))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{credits::ledger::audit, ids::AccountId};
    use uuid::Uuid;

    fn adjusted(welcome: i64, amount: i64) -> Result<i64, Refusal> {
        let (now, entry) = (Timestamp::UNIX_EPOCH, LedgerEntryId(Uuid::nil()));
        let (account, first) = Account::open(AccountId(Uuid::nil()), String::new(), Credits(welcome), entry, now);
        let (last, adjusted) = account.adjusted(Credits(amount), (AuditEntryId(Uuid::nil()), entry), now)?;
        assert_eq!(adjusted.version, account.version + 1);
        assert_eq!(audit(&[first.unwrap(), last], adjusted.balance, &[]), Ok(()));
        Ok(adjusted.balance.available.0)
    }

    #[test]
    fn adjustment_grants_and_takes_what_is_there() {
        assert_eq!(adjusted(20, 5), Ok(25));
        assert_eq!(adjusted(20, -20), Ok(0));
        assert!(matches!(adjusted(20, -21), Err(Refusal::Conflict(_))));
        for amount in [0, 100_001, -100_001, i64::MIN] {
            assert!(matches!(adjusted(20, amount), Err(Refusal::Invalid(_))), "{amount}");
        }
    }
}
