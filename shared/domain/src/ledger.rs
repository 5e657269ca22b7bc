//! Credits and the ledger: double entry, integers, append only.
//!
//! An entry moves credits between buckets and its postings sum to zero. Entries are never changed or deleted; a correction
//! is another entry. Replaying an account's entries gives its balance, always.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EntryId, GenerationId};

/// An amount of credits. Negative only where a claw-back left a debt.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Posting {
    /// The bucket.
    pub bucket: Bucket,
    /// What it gains; negative for what it loses.
    pub amount: Credits,
}

/// Why credits moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
}

/// What a person has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
            Bucket::Available => Self { available: balance.available.plus(posting.amount), ..balance },
            Bucket::Held => Self { held: balance.held.plus(posting.amount), ..balance },
            Bucket::Bought | Bucket::Granted | Bucket::Spent | Bucket::Reversed => balance,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id, in the order of time.
    pub id: EntryId,
    /// When it was made.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// What moved; sums to zero.
    pub postings: Vec<Posting>,
    /// The balance once it was made, so that a statement needs no entry outside its period.
    pub balance_after: Balance,
}

impl Entry {
    /// The entry that makes `moves` upon `balance`. A move of nothing leaves no posting.
    pub(crate) fn record(
        id: EntryId,
        at: Timestamp,
        cause: Cause,
        balance: Balance,
        moves: &[(Bucket, Bucket, Credits)],
    ) -> Self {
        let postings: Vec<_> = moves
            .iter()
            .filter(|(_, _, amount)| *amount != Credits::ZERO)
            .flat_map(|&(from, to, amount)| {
                [Posting { bucket: from, amount: Credits::ZERO.minus(amount) }, Posting { bucket: to, amount }]
            })
            .collect();
        let balance_after = balance.after(&postings);
        Self { id, at, cause, postings, balance_after }
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
    Unbalanced(EntryId),
    /// An entry's running balance is not what the entries up to it give.
    #[error("entry {0} states another balance than the entries up to it give")]
    Misstated(EntryId),
    /// The entries give another balance than the account has.
    #[error("the entries give {replayed:?}, the account has {actual:?}")]
    Balance {
        /// What the entries give.
        replayed: Balance,
        /// What the account has.
        actual: Balance,
    },
    /// A hold ended more or less often than once, or another amount ended than was held.
    #[error("the hold of generation {0} has {1} ends")]
    Ends(GenerationId, usize),
}

/// Checks a whole ledger, oldest entry first, against the balance that its account has.
///
/// `open` lists the generations that have not ended: their holds have no end yet, every other hold exactly one.
///
/// # Errors
/// The first [`Drift`] found.
pub fn audit(entries: &[Entry], actual: Balance, open: &[GenerationId]) -> Result<(), Drift> {
    let mut replayed = Balance::default();
    for entry in entries {
        let sum: i64 = entry.postings.iter().map(|posting| posting.amount.0).sum();
        if sum != 0 {
            return Err(Drift::Unbalanced(entry.id));
        }
        replayed = replayed.after(&entry.postings);
    }
    if replayed != actual {
        return Err(Drift::Balance { replayed, actual });
    }
    for entry in entries {
        if let Cause::Reserve { generation } = entry.cause {
            let ends = entries.iter().filter(|end| match end.cause {
                Cause::Settle { generation: ended } | Cause::Release { generation: ended } => ended == generation,
                Cause::Welcome | Cause::Reserve { .. } => false,
            });
            let count = ends.count();
            if count != usize::from(!open.contains(&generation)) {
                return Err(Drift::Ends(generation, count));
            }
        }
    }
    Ok(())
}
