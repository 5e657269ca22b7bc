//! Promotions: codes that give credits, once to each account.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    credits::ledger::{Cause, CreditBucket, Credits, LedgerEntry},
    ids::{AccountId, LedgerEntryId, PromotionId},
    refusal::{FieldError, Refusal},
    registry::DataFields,
};

/// The fewest and the most characters of a code. A code that is short enough to be guessed is worth an attempt.
const CODE: RangeInclusive<usize> = 6..=32;
/// The credits that a code can give.
const CREDITS: RangeInclusive<i64> = 1..=10_000;
/// How many accounts can redeem a code.
const LIMIT: RangeInclusive<u32> = 1..=1_000_000;
/// What a code must be to be redeemed. It does not tell a code that is used up from one that never was.
const REDEEMABLE: &str = "a code that is valid, not expired and not used up";

/// A promotion: who has its code gets credits, as long as it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Promotion {
    /// Its id.
    #[data(plain)]
    pub id: PromotionId,
    /// The code, normalized.
    #[data(plain)]
    pub code: String,
    /// What it gives.
    #[data(plain)]
    pub credits: Credits,
    /// How many accounts can redeem it.
    #[data(plain)]
    pub limit: u32,
    /// How many did.
    #[data(plain)]
    pub redeemed: u32,
    /// Until when it can be redeemed; the time at which staff ended it, if they did.
    #[data(plain)]
    pub until: Timestamp,
    /// When it was published.
    #[data(plain)]
    pub published_at: Timestamp,
    /// The staff member who published it, as a keyed hash, as in the audit log.
    #[data(plain)]
    pub staff: String,
    /// Its version, from 1.
    #[data(plain)]
    pub version: u64,
}

/// Records that an account redeemed a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields, schemars::JsonSchema)]
pub struct Redemption {
    /// The promotion.
    #[data(plain)]
    pub promotion: PromotionId,
    /// The account.
    #[data(plain)]
    pub account: AccountId,
    /// The code.
    #[data(plain)]
    pub code: String,
    /// What it gave.
    #[data(plain)]
    pub credits: Credits,
    /// When.
    #[data(plain)]
    pub at: Timestamp,
}

/// Remembers that an account redeemed a code, under the keyed hash of its mailbox: neither a second account with the mailbox nor one
/// that is opened after an erasure gets its credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct RedeemedCode {
    /// The keyed hash, as that of [`Account::welcome_key`].
    #[data(plain)]
    pub mailbox: String,
    /// The promotion.
    #[data(plain)]
    pub promotion: PromotionId,
    /// When this expires: the code cannot be redeemed any more.
    #[data(plain)]
    pub expires_at: Timestamp,
}

/// A promotion to publish.
#[derive(Clone, Debug)]
pub struct NewPromotion {
    /// The code.
    pub code: String,
    /// What it gives.
    pub credits: Credits,
    /// How many accounts can redeem it.
    pub limit: u32,
    /// Until when.
    pub until: Timestamp,
}

/// What redeeming a code changes. All of it is written in one transaction, with the account.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// The ledger entry.
    pub entry: LedgerEntry,
    /// The account.
    pub account: Account,
    /// The promotion.
    pub promotion: Promotion,
    /// That the account redeemed it, which it can once.
    pub redemption: Redemption,
    /// That its mailbox did.
    pub mailbox: Option<RedeemedCode>,
}

/// Returns the one spelling of a code: people type it in lower case, and with spaces around. `None` if no code is spelled so.
#[must_use]
pub fn normalize(code: &str) -> Option<String> {
    let code = code.trim().to_ascii_uppercase();
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    (CODE.contains(&code.len()) && code.bytes().all(allowed)).then_some(code)
}

/// Refuses a code that cannot be redeemed.
#[must_use]
pub fn not_redeemable() -> Refusal {
    Refusal::invalid("code", REDEEMABLE)
}

impl NewPromotion {
    /// Publishes it.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every rule that is broken.
    pub fn publish(self, (id, staff): (PromotionId, String), now: Timestamp) -> Result<Promotion, Refusal> {
        let Self { code, credits, limit, until } = self;
        let mut errors = Vec::new();
        let normalized = normalize(&code);
        if normalized.is_none() {
            let rule = format!("{} to {} of A to Z, 0 to 9 and hyphens", CODE.start(), CODE.end());
            errors.push(FieldError::new("code", rule));
        }
        if !CREDITS.contains(&credits.0) {
            errors.push(FieldError::new("credits", format!("{} to {}", CREDITS.start(), CREDITS.end())));
        }
        if !LIMIT.contains(&limit) {
            errors.push(FieldError::new("limit", format!("{} to {}", LIMIT.start(), LIMIT.end())));
        }
        if until <= now {
            errors.push(FieldError::new("until", "in the future"));
        }
        match normalized {
            Some(code) if errors.is_empty() => {
                Ok(Promotion { id, code, credits, limit, redeemed: 0, until, published_at: now, staff, version: 1 })
            }
            _ => Err(Refusal::Invalid(errors)),
        }
    }
}

impl Promotion {
    /// Says whether the code can be redeemed.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.until && self.redeemed < self.limit
    }

    /// Ends it, unless it is over. What was redeemed stays.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> Self {
        Self { until: self.until.min(now), version: self.version + 1, ..self.clone() }
    }
}

impl Account {
    /// Redeems a code, which no account with this mailbox has redeemed before.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if the account is frozen or being deleted, [`Refusal::Invalid`] if the code is expired or used up.
    pub fn redeem(&self, promotion: &Promotion, entry: LedgerEntryId, now: Timestamp) -> Result<Redeemed, Refusal> {
        self.check_active()?;
        if !promotion.is_open(now) {
            return Err(not_redeemable());
        }
        let Promotion { id, code, credits, .. } = promotion.clone();
        let moves = [(CreditBucket::Granted, CreditBucket::Available, credits)];
        let (entry, account) = self.with_entry(entry, now, Cause::Redemption { promotion: id }, &moves);
        let redemption = Redemption { promotion: id, account: self.id, code, credits, at: now };
        let remember =
            |mailbox: &String| RedeemedCode { mailbox: mailbox.clone(), promotion: id, expires_at: promotion.until };
        let mailbox = self.welcome_key.as_ref().map(remember);
        let (redeemed, version) = (promotion.redeemed.saturating_add(1), promotion.version + 1);
        let promotion = Promotion { redeemed, version, ..promotion.clone() };
        Ok(Redeemed { entry, account, promotion, redemption, mailbox })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::credits::ledger::audit;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const LATER: Timestamp = Timestamp::constant(3_600, 0);

    fn new() -> NewPromotion {
        NewPromotion { code: " spring-2027 ".to_owned(), credits: Credits(50), limit: 2, until: LATER }
    }

    fn publish(new: NewPromotion) -> Result<Promotion, Refusal> {
        new.publish((PromotionId(Uuid::nil()), "a hash".to_owned()), NOW)
    }

    fn fields(new: NewPromotion) -> Vec<String> {
        match publish(new) {
            Err(Refusal::Invalid(errors)) => errors.into_iter().map(|error| error.field.into_owned()).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn code_has_one_spelling_and_every_broken_rule_is_named() {
        assert_eq!(publish(new()).unwrap().code, "SPRING-2027");
        assert_eq!(normalize("Spring-2027"), normalize("SPRING-2027"));
        for code in ["", "ABCDE", "SPRING 2027", "FRÜHLING", &"A".repeat(33)] {
            assert_eq!(normalize(code), None, "{code}");
        }
        let broken = NewPromotion { code: "a".to_owned(), credits: Credits(0), limit: 0, until: NOW };
        assert_eq!(fields(broken), ["code", "credits", "limit", "until"]);
        assert_eq!(fields(NewPromotion { credits: Credits(10_001), ..new() }), ["credits"]);
    }

    #[test]
    fn code_gives_its_credits_until_its_limit_and_its_end() {
        let entry = LedgerEntryId(Uuid::nil());
        let (account, first) = Account::open(AccountId(Uuid::nil()), String::new(), Credits(20), entry, NOW);
        let account = account.remembered_as("a mailbox".to_owned());
        let promotion = publish(NewPromotion { limit: 1, ..new() }).unwrap();
        let Redeemed { entry: last, account: richer, promotion: used, redemption, mailbox } =
            account.redeem(&promotion, entry, NOW).unwrap();
        assert_eq!(mailbox.map(|mailbox| (mailbox.mailbox, mailbox.expires_at)), Some(("a mailbox".to_owned(), LATER)));
        assert_eq!((richer.balance.available, richer.version), (Credits(70), account.version + 1));
        assert_eq!(audit(&[first.unwrap(), last], richer.balance, &[]), Ok(()));
        assert_eq!((used.redeemed, used.version, redemption.credits), (1, 2, Credits(50)));
        let refused = |promotion: &Promotion, now| account.redeem(promotion, entry, now).unwrap_err().to_string();
        assert!(refused(&used, NOW).starts_with("code: "), "it is used up");
        assert_eq!(refused(&promotion, LATER), refused(&used, NOW), "an end tells no more than a limit");
        let ended = promotion.ended(NOW);
        assert_eq!(refused(&ended, NOW), refused(&used, NOW));
        assert_eq!(ended.ended(LATER).until, NOW, "an end does not move");
        let frozen = account.frozen("asked by mail".to_owned(), NOW);
        assert!(matches!(frozen.redeem(&promotion, entry, NOW), Err(Refusal::AccountStatus(_))));
    }
}
