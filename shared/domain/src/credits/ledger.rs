//! Credits and the ledger: double entry, integers, append only.
//!
//! An entry moves credits between buckets, and its postings sum to zero. Entries are never changed or deleted; a
//! correction is another entry. The entries of an account always sum to its balance.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AuditEntryId, GenerationId, GiftId, LedgerEntryId, PaymentId, PromotionId},
    registry::DataFields,
};

/// An amount of credits. Negative only after a claw-back of credits that were spent.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Credits(pub i64);

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self(0);

    /// Adds; saturates, which no real balance reaches.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts; saturates, which no real balance reaches.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Multiplies; saturates, which no real balance reaches.
    #[must_use]
    pub const fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count as i64))
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A bucket of credits. `Available` and `Held` belong to the account; the others are the counterpart of each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditBucket {
    /// Granted for a payment.
    Bought,
    /// Granted by the operator.
    Granted,
    /// In gifts whose codes were not redeemed.
    Gifted,
    /// Available to spend.
    Available,
    /// Reserved for a generation that has not ended.
    Held,
    /// Spent on generations.
    Spent,
    /// Clawed back after a refund or a dispute.
    Reversed,
}

/// One side of an entry.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema, utoipa::ToSchema,
)]
pub struct Posting {
    /// The bucket.
    #[data(plain)]
    pub bucket: CreditBucket,
    /// The amount that it gains; negative for a loss.
    #[data(plain)]
    pub amount: Credits,
}

/// The cause of a ledger entry.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    DataFields,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// The account was opened.
    Welcome,
    /// A generation was submitted.
    Reserve {
        /// The generation.
        #[data(plain)]
        generation: GenerationId,
    },
    /// The generation succeeded, in whole or in part.
    Settle {
        /// The generation.
        #[data(plain)]
        generation: GenerationId,
    },
    /// The generation failed, was canceled or passed its deadline.
    Release {
        /// The generation.
        #[data(plain)]
        generation: GenerationId,
    },
    /// A package was paid for.
    Purchase {
        /// The payment.
        #[data(plain)]
        payment: PaymentId,
    },
    /// Money of a payment was refunded, disputed or reversed.
    ClawBack {
        /// The payment.
        #[data(plain)]
        payment: PaymentId,
    },
    /// Money of a payment that was taken back was restored.
    Restore {
        /// The payment.
        #[data(plain)]
        payment: PaymentId,
    },
    /// A staff member granted or took credits.
    Adjustment {
        /// The entry of the access log that says why.
        #[data(plain)]
        decision: AuditEntryId,
    },
    /// The code of a promotion was redeemed.
    Redemption {
        /// The promotion.
        #[data(plain)]
        promotion: PromotionId,
    },
    /// A gift code was redeemed.
    Gift {
        /// The gift.
        #[data(plain)]
        gift: GiftId,
    },
}

impl Cause {
    /// Returns the generation that moved credits, if it was one.
    #[must_use]
    pub const fn generation(&self) -> Option<GenerationId> {
        match *self {
            Self::Reserve { generation } | Self::Settle { generation } | Self::Release { generation } => {
                Some(generation)
            }
            Self::Welcome
            | Self::Purchase { .. }
            | Self::ClawBack { .. }
            | Self::Restore { .. }
            | Self::Adjustment { .. }
            | Self::Redemption { .. }
            | Self::Gift { .. } => None,
        }
    }
}

/// The balance of an account.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    DataFields,
    schemars::JsonSchema,
    utoipa::ToSchema,
)]
pub struct Balance {
    /// Available to spend.
    #[data(plain)]
    pub available: Credits,
    /// Reserved for generations that have not ended.
    #[data(plain)]
    pub held: Credits,
}

impl Balance {
    /// Returns the balance after these postings.
    #[must_use]
    pub fn after(self, postings: &[Posting]) -> Self {
        postings.iter().fold(self, |balance, posting| match posting.bucket {
            CreditBucket::Available => Self { available: balance.available.plus(posting.amount), ..balance },
            CreditBucket::Held => Self { held: balance.held.plus(posting.amount), ..balance },
            CreditBucket::Bought
            | CreditBucket::Granted
            | CreditBucket::Gifted
            | CreditBucket::Spent
            | CreditBucket::Reversed => balance,
        })
    }

    /// Returns the balance before these postings.
    #[must_use]
    pub fn before(self, postings: &[Posting]) -> Self {
        let reversed: Vec<_> =
            postings.iter().map(|p| Posting { amount: Credits::ZERO.minus(p.amount), ..*p }).collect();
        self.after(&reversed)
    }
}

/// A ledger entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct LedgerEntry {
    /// Its id. Ids are in the order of the entries.
    #[data(plain)]
    pub id: LedgerEntryId,
    /// When it was made.
    #[data(plain)]
    pub at: Timestamp,
    /// The cause.
    #[data(nested)]
    pub cause: Cause,
    /// The postings, which sum to zero.
    #[data(nested)]
    pub postings: Vec<Posting>,
    /// The balance after it, so that a statement needs no entry outside of its period.
    #[data(nested)]
    pub balance_after: Balance,
}

impl LedgerEntry {
    /// Records `moves` from `balance`, with an id after `last`. A move of no credits leaves no posting.
    pub(crate) fn record(
        id: LedgerEntryId,
        at: Timestamp,
        cause: Cause,
        (balance, last): (Balance, Option<LedgerEntryId>),
        moves: &[(CreditBucket, CreditBucket, Credits)],
    ) -> Self {
        let postings: Vec<_> = moves
            .iter()
            .filter(|(_, _, amount)| *amount != Credits::ZERO)
            .flat_map(|&(from, to, amount)| {
                [Posting { bucket: from, amount: Credits::ZERO.minus(amount) }, Posting { bucket: to, amount }]
            })
            .collect();
        let balance_after = balance.after(&postings);
        Self { id: id.after(last), at, cause, postings, balance_after }
    }

    /// Returns the balance before this entry.
    #[must_use]
    pub fn balance_before(&self) -> Balance {
        self.balance_after.before(&self.postings)
    }
}

/// An inconsistency of a ledger, or of its account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Drift {
    /// The postings of an entry do not sum to zero.
    #[error("entry {0} does not sum to zero")]
    Unbalanced(LedgerEntryId),
    /// The balance of an entry is not the sum of the entries up to it.
    #[error("entry {0} states another balance than the entries up to it give")]
    Misstated(LedgerEntryId),
    /// The entries sum to another balance than that of the account.
    #[error("the entries give {replayed:?}, the account has {actual:?}")]
    Balance {
        /// The sum of the entries.
        replayed: Balance,
        /// The balance of the account.
        actual: Balance,
    },
    /// A reservation did not end exactly once.
    #[error("the hold of generation {0} has {1} ends")]
    Ends(GenerationId, usize),
    /// Another amount ended than was reserved.
    #[error("the end of generation {0} left {1} credits held")]
    Remainder(GenerationId, Credits),
    /// More was clawed back for a payment than it granted, or less than nothing.
    #[error("payment {0} took back more than it granted, or gave back more than it took")]
    Reversed(PaymentId),
    /// An adjustment moved other credits than those that the operator grants and the account has available.
    #[error("adjustment {0} moved credits that are not available")]
    Adjusted(LedgerEntryId),
    /// A code gave credits twice, or other credits than those that the operator grants or a gift holds.
    #[error("redemption {0} gave credits again, or none that the code holds")]
    Redeemed(LedgerEntryId),
}

/// Checks a whole ledger, oldest entry first, against the balance of its account.
///
/// `open` lists the generations that have not ended: their reservations have no end yet, every other one has exactly
/// one.
///
/// # Errors
/// The first [`Drift`] found.
pub fn audit(entries: &[LedgerEntry], actual: Balance, open: &[GenerationId]) -> Result<(), Drift> {
    let mut replayed = Balance::default();
    let mut holds: BTreeMap<GenerationId, (usize, Credits)> = BTreeMap::new();
    let mut payments: BTreeMap<PaymentId, (Credits, Credits)> = BTreeMap::new();
    let mut redeemed: BTreeSet<Cause> = BTreeSet::new();
    for entry in entries {
        let sum: i64 = entry.postings.iter().map(|posting| posting.amount.0).sum();
        if sum != 0 {
            return Err(Drift::Unbalanced(entry.id));
        }
        let before = replayed;
        replayed = before.after(&entry.postings);
        if replayed != entry.balance_after {
            return Err(Drift::Misstated(entry.id));
        }
        let (generation, ended) = match entry.cause {
            Cause::Welcome => continue,
            Cause::Adjustment { .. } => {
                let granted = moved(entry, CreditBucket::Granted);
                if granted.plus(moved(entry, CreditBucket::Available)) != Credits::ZERO {
                    return Err(Drift::Adjusted(entry.id));
                }
                continue;
            }
            Cause::Redemption { .. } | Cause::Gift { .. } => {
                let source = match entry.cause {
                    Cause::Gift { .. } => CreditBucket::Gifted,
                    _ => CreditBucket::Granted,
                };
                let gained = moved(entry, CreditBucket::Available);
                let is_of_code = gained.plus(moved(entry, source)) == Credits::ZERO;
                if !redeemed.insert(entry.cause) || gained <= Credits::ZERO || !is_of_code {
                    return Err(Drift::Redeemed(entry.id));
                }
                continue;
            }
            Cause::Purchase { payment } | Cause::ClawBack { payment } | Cause::Restore { payment } => {
                let (bought, reversed) = payments.entry(payment).or_default();
                *bought = bought.minus(moved(entry, CreditBucket::Bought));
                *reversed = reversed.plus(moved(entry, CreditBucket::Reversed));
                if *reversed < Credits::ZERO || *reversed > *bought {
                    return Err(Drift::Reversed(payment));
                }
                continue;
            }
            Cause::Reserve { generation } => (generation, 0),
            Cause::Settle { generation } | Cause::Release { generation } => (generation, 1),
        };
        let (ends, held) = holds.entry(generation).or_default();
        *ends += ended;
        *held = held.plus(replayed.held.minus(before.held));
    }
    if replayed != actual {
        return Err(Drift::Balance { replayed, actual });
    }
    for (generation, (ends, held)) in holds {
        let ended = !open.contains(&generation);
        if ends != usize::from(ended) {
            return Err(Drift::Ends(generation, ends));
        }
        if ended && held != Credits::ZERO {
            return Err(Drift::Remainder(generation, held));
        }
    }
    Ok(())
}

/// Returns what a bucket gained by an entry.
fn moved(entry: &LedgerEntry, bucket: CreditBucket) -> Credits {
    let postings = entry.postings.iter().filter(|posting| posting.bucket == bucket);
    postings.fold(Credits::ZERO, |sum, posting| sum.plus(posting.amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Movement<'a> = (Cause, &'a [(CreditBucket, CreditBucket, i64)]);

    const JOB: GenerationId = GenerationId(uuid::Uuid::nil());
    const RESERVE: Movement<'_> =
        (Cause::Reserve { generation: JOB }, &[(CreditBucket::Available, CreditBucket::Held, 8)]);

    fn ledger(movements: &[Movement<'_>]) -> Vec<LedgerEntry> {
        let mut last: Option<LedgerEntry> = None;
        let welcome: Movement<'_> = (Cause::Welcome, &[(CreditBucket::Granted, CreditBucket::Available, 20)]);
        let movements = [welcome].into_iter().chain(movements.iter().copied());
        let entries = movements.map(|(cause, moves)| {
            let moves: Vec<_> = moves.iter().map(|&(from, to, amount)| (from, to, Credits(amount))).collect();
            let upon = last.as_ref().map_or_else(Default::default, |last| (last.balance_after, Some(last.id)));
            let entry =
                LedgerEntry::record(LedgerEntryId(uuid::Uuid::nil()), Timestamp::UNIX_EPOCH, cause, upon, &moves);
            last.insert(entry).clone()
        });
        entries.collect()
    }

    fn check(entries: &[LedgerEntry], open: &[GenerationId], expected: Result<(), &str>) {
        let balance = entries.last().unwrap().balance_after;
        let found = audit(entries, balance, open).map_err(|drift| drift.to_string());
        assert_eq!(found, expected.map_err(|drift| drift.replace("JOB", &JOB.to_string())));
    }

    #[test]
    fn reservation_ends_once_and_in_full() {
        let settle: Movement<'_> = (
            Cause::Settle { generation: JOB },
            &[(CreditBucket::Held, CreditBucket::Spent, 6), (CreditBucket::Held, CreditBucket::Available, 2)],
        );
        let short: Movement<'_> =
            (Cause::Release { generation: JOB }, &[(CreditBucket::Held, CreditBucket::Available, 5)]);
        check(&ledger(&[]), &[], Ok(()));
        check(&ledger(&[RESERVE]), &[JOB], Ok(()));
        check(&ledger(&[RESERVE, settle]), &[], Ok(()));
        check(&ledger(&[RESERVE]), &[], Err("the hold of generation JOB has 0 ends"));
        check(&ledger(&[RESERVE, settle]), &[JOB], Err("the hold of generation JOB has 1 ends"));
        check(&ledger(&[RESERVE, settle, settle]), &[], Err("the hold of generation JOB has 2 ends"));
        check(&ledger(&[RESERVE, short]), &[], Err("the end of generation JOB left 3 credits held"));
        check(&ledger(&[short]), &[], Err("the end of generation JOB left -5 credits held"));
    }

    #[test]
    fn adjustment_of_credits_on_hold_is_found() {
        let decision = AuditEntryId(uuid::Uuid::nil());
        let adjust = |to| -> Vec<LedgerEntry> {
            ledger(&[RESERVE, (Cause::Adjustment { decision }, &[(CreditBucket::Granted, to, 3)])])
        };
        check(&adjust(CreditBucket::Available), &[JOB], Ok(()));
        let held = adjust(CreditBucket::Held);
        assert_eq!(audit(&held, held[2].balance_after, &[JOB]), Err(Drift::Adjusted(held[2].id)));
    }

    #[test]
    fn promotion_that_gives_twice_or_takes_is_found() {
        let redeem = |amount| {
            let moves: &[_] = match amount {
                7 => &[(CreditBucket::Granted, CreditBucket::Available, 7)],
                _ => &[(CreditBucket::Granted, CreditBucket::Available, -7)],
            };
            (Cause::Redemption { promotion: PromotionId(uuid::Uuid::nil()) }, moves)
        };
        check(&ledger(&[redeem(7)]), &[], Ok(()));
        for movements in [vec![redeem(7), redeem(7)], vec![redeem(-7)]] {
            let entries = ledger(&movements);
            let last = entries.last().unwrap();
            assert_eq!(audit(&entries, last.balance_after, &[]), Err(Drift::Redeemed(last.id)));
        }
    }

    #[test]
    fn tampered_entry_is_found() {
        let tamper = |change: fn(&mut LedgerEntry)| {
            let mut entries = ledger(&[RESERVE]);
            change(&mut entries[1]);
            audit(&entries, entries[1].balance_after, &[JOB])
        };
        let id = ledger(&[RESERVE])[1].id;
        assert_eq!(tamper(|entry| entry.postings[0].amount = Credits(-7)), Err(Drift::Unbalanced(id)));
        assert_eq!(tamper(|entry| entry.balance_after.available = Credits(0)), Err(Drift::Misstated(id)));
        assert_eq!(tamper(|entry| entry.postings.clear()), Err(Drift::Misstated(id)));
        let actual = Balance { available: Credits(12), held: Credits(0) };
        assert!(matches!(audit(&ledger(&[RESERVE]), actual, &[JOB]), Err(Drift::Balance { .. })));
    }

    #[test]
    fn entries_sort_in_their_order_whatever_the_clocks_say() {
        let entries = ledger(&[RESERVE, RESERVE]);
        assert!(entries.is_sorted_by(|a, b| a.id < b.id), "{entries:?}");
    }
}
