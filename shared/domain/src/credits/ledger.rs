//! Credits and the ledger: double entry, integers, append only.
//!
//! An entry moves credits between buckets and its postings sum to zero. Entries are never changed or deleted; a correction
//! is another entry. Replaying an account's entries gives its balance, always.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{GenerationId, LedgerEntryId, PaymentId};

/// An amount of credits. Negative only where a claw-back left a debt.
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
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum; saturates, which no real balance reaches.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; saturates, which no real balance reaches.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This many times over.
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

/// Where credits are. `Available` and `Held` are the person's; the others are the other side of each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditBucket {
    /// Came from a payment.
    Bought,
    /// Given by the operator.
    Granted,
    /// Free to spend.
    Available,
    /// Reserved for a generation that has not ended.
    Held,
    /// Paid for generations.
    Spent,
    /// Taken back after a refund or a dispute.
    Reversed,
}

/// One side of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
pub struct Posting {
    /// The bucket.
    pub bucket: CreditBucket,
    /// What it gains; negative for what it loses.
    pub amount: Credits,
}

/// Why credits moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// The account was made.
    Welcome,
    /// A generation was submitted.
    Reserve {
        /// Which.
        generation: GenerationId,
    },
    /// It ended well, in whole or in part.
    Settle {
        /// Which.
        generation: GenerationId,
    },
    /// It failed, was canceled or passed its deadline.
    Release {
        /// Which.
        generation: GenerationId,
    },
    /// A package was paid for.
    Purchase {
        /// With which payment.
        payment: PaymentId,
    },
    /// Money of a payment went back.
    ClawBack {
        /// Of which.
        payment: PaymentId,
    },
    /// Money of a payment that went back came again.
    Restore {
        /// Of which.
        payment: PaymentId,
    },
}

/// What a person has.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
pub struct Balance {
    /// Free to spend.
    pub available: Credits,
    /// Reserved for generations that have not ended.
    pub held: Credits,
}

impl Balance {
    /// The balance after these postings.
    #[must_use]
    pub fn after(self, postings: &[Posting]) -> Self {
        postings.iter().fold(self, |balance, posting| match posting.bucket {
            CreditBucket::Available => Self { available: balance.available.plus(posting.amount), ..balance },
            CreditBucket::Held => Self { held: balance.held.plus(posting.amount), ..balance },
            CreditBucket::Bought | CreditBucket::Granted | CreditBucket::Spent | CreditBucket::Reversed => balance,
        })
    }

    /// The balance before these postings.
    #[must_use]
    pub fn before(self, postings: &[Posting]) -> Self {
        let reversed: Vec<_> =
            postings.iter().map(|p| Posting { amount: Credits::ZERO.minus(p.amount), ..*p }).collect();
        self.after(&reversed)
    }
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LedgerEntry {
    /// Its id, in the order of time.
    pub id: LedgerEntryId,
    /// When it was made.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// What moved; sums to zero.
    pub postings: Vec<Posting>,
    /// The balance once it was made, so that a statement needs no entry outside its period.
    pub balance_after: Balance,
}

impl LedgerEntry {
    /// The entry that makes `moves` upon `balance`, with an id after `last`. A move of nothing leaves no posting.
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

    /// The balance before this entry.
    #[must_use]
    pub fn balance_before(&self) -> Balance {
        self.balance_after.before(&self.postings)
    }
}

/// A way in which a ledger contradicts itself or its account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Drift {
    /// The postings of an entry do not sum to zero.
    #[error("entry {0} does not sum to zero")]
    Unbalanced(LedgerEntryId),
    /// An entry's running balance is not what the entries up to it give.
    #[error("entry {0} states another balance than the entries up to it give")]
    Misstated(LedgerEntryId),
    /// The entries give another balance than the account has.
    #[error("the entries give {replayed:?}, the account has {actual:?}")]
    Balance {
        /// What the entries give.
        replayed: Balance,
        /// What the account has.
        actual: Balance,
    },
    /// A hold ended more or less often than once.
    #[error("the hold of generation {0} has {1} ends")]
    Ends(GenerationId, usize),
    /// Another amount ended than was held.
    #[error("the end of generation {0} left {1} credits held")]
    Remainder(GenerationId, Credits),
    /// More was taken back for a payment than it granted, or less than nothing.
    #[error("payment {0} took back more than it granted, or gave back more than it took")]
    Reversed(PaymentId),
}

/// Checks a whole ledger, oldest entry first, against the balance that its account has.
///
/// `open` lists the generations that have not ended: their holds have no end yet, every other hold exactly one.
///
/// # Errors
/// The first [`Drift`] found.
pub fn audit(entries: &[LedgerEntry], actual: Balance, open: &[GenerationId]) -> Result<(), Drift> {
    let mut replayed = Balance::default();
    let mut holds: BTreeMap<GenerationId, (usize, Credits)> = BTreeMap::new();
    let mut payments: BTreeMap<PaymentId, (Credits, Credits)> = BTreeMap::new();
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

/// What a bucket gained by an entry.
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
    fn a_hold_ends_once_and_in_full() {
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
    fn an_entry_that_was_tampered_with_is_found() {
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
    fn entries_sort_in_the_order_in_which_they_were_made_whatever_the_clocks_say() {
        let entries = ledger(&[RESERVE, RESERVE]);
        assert!(entries.is_sorted_by(|a, b| a.id < b.id), "{entries:?}");
    }
}
