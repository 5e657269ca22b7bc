//! Gifts: packages that one account pays for, and whose credits another one gets with a code.
//!
//! What is granted for such a payment goes to the gift, and from there once to the account that redeems the code. Money that is returned
//! before that lessens what the code gives; money that is returned later is clawed back from the account that bought it, as for every
//! payment. The code is 80 bits that only the application key can derive from the payment, so it is stored nowhere, and a gift is found by
//! a keyed hash of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{account::Account, freeze::FreezeReason, plan::Plan, plan_change::PlanChange},
    credits::{
        ledger::{Cause, CreditBucket, Credits, LedgerEntry},
        promotion::not_redeemable,
    },
    ids::{AccountId, GiftId, LedgerEntryId, PaymentId},
    payments::payment::Payment,
    refusal::Refusal,
    registry::DataFields,
};

/// The digits of a code, each of five bits: Crockford's, without those that are mistaken for others
/// (<https://www.crockford.com/base32.html>).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The number of digits of a code.
const LENGTH: usize = 16;
/// The number of digits of a group.
const GROUP: usize = 4;

/// The random bytes of a code.
pub type CodeBytes = [u8; 10];

/// A gift: what its code gives, until it is redeemed, and then who redeemed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DataFields)]
pub struct Gift {
    /// Its id, a keyed hash of the code.
    #[data(plain)]
    pub id: GiftId,
    /// The payment.
    #[data(plain)]
    pub payment: PaymentId,
    /// The plan that the package activates.
    #[data(plain)]
    pub plan: Plan,
    /// The credits that were granted for the payment.
    #[data(plain)]
    pub granted: Credits,
    /// The credits that the code gives: fewer if money of the payment was returned.
    #[data(plain)]
    pub credits: Credits,
    /// The account that redeemed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub redeemed_by: Option<AccountId>,
    /// When it was redeemed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[data(plain)]
    pub redeemed_at: Option<Timestamp>,
    /// Grows with each write. Each write is conditioned on the version that was read.
    #[data(plain)]
    pub version: u64,
}

/// What became of a gift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GiftState {
    /// Its payment is not paid, or waits for a review by staff.
    Waiting,
    /// Its code can be redeemed.
    Open,
    /// Its code cannot be redeemed while the account that bought it is frozen for its payments.
    OnHold,
    /// Its code was redeemed.
    Redeemed,
    /// All of its money was returned before its code was redeemed.
    Void,
}

/// What redeeming a gift depends on besides the account.
#[derive(Clone, Copy, Debug)]
pub struct GiftContext<'a> {
    /// The gift.
    pub gift: &'a Gift,
    /// The account that bought it, unless it was erased.
    pub buyer: Option<&'a Account>,
    /// The payments of the account that redeems it.
    pub payments: &'a [Payment],
}

/// What redeeming a gift changes. All of it is written in one transaction.
#[derive(Clone, Debug)]
pub struct RedeemedGift {
    /// The ledger entry.
    pub entry: LedgerEntry,
    /// The account.
    pub account: Account,
    /// The gift.
    pub gift: Gift,
    /// What the files of the account must follow, if its plan changed.
    pub plan_change: Option<PlanChange>,
}

/// Spells a code: four groups of four digits.
#[must_use]
pub fn spell_code(bytes: CodeBytes) -> String {
    let number = bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let mut code = String::new();
    for place in 0..LENGTH {
        if place > 0 && place % GROUP == 0 {
            code.push('-');
        }
        let value = usize::try_from(number >> (5 * (LENGTH - 1 - place)) & 31).unwrap_or_default();
        code.extend(DIGITS.get(value).map(|digit| char::from(*digit)));
    }
    code
}

/// Reads a code as people type it: in lower case, without hyphens or with spaces, and with an O for a zero or
/// an I or L for a one. `None` if no code is spelled so.
#[must_use]
pub fn read_code(text: &str) -> Option<CodeBytes> {
    let mut number = 0_u128;
    let mut digits = 0;
    for character in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
        let character = match character.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        let digit = DIGITS.iter().position(|digit| *digit == character).and_then(|value| u128::try_from(value).ok())?;
        number = number << 5 | digit;
        digits += 1;
        if digits > LENGTH {
            return None;
        }
    }
    if digits == LENGTH { number.to_be_bytes().last_chunk().copied() } else { None }
}

impl Gift {
    /// Returns the gift of a payment, if it is one whose code was not redeemed: the stored one, or a new one for what is granted first.
    pub(crate) fn open(payment: &Payment, stored: Option<&Self>) -> Option<Self> {
        let id = payment.gift?;
        match stored {
            Some(gift) => gift.redeemed_by.is_none().then(|| gift.clone()),
            // It is deleted with the account that redeemed it.
            None if payment.granted > Credits::ZERO => None,
            None => Some(Self {
                id,
                payment: payment.id,
                plan: payment.plan,
                granted: Credits::ZERO,
                credits: Credits::ZERO,
                redeemed_by: None,
                redeemed_at: None,
                version: 0,
            }),
        }
    }

    /// Returns it once more credits were granted for its payment, or clawed back.
    pub(crate) fn moved(&self, grant: Credits, claw_back: Credits) -> Self {
        Self {
            granted: self.granted.plus(grant),
            credits: self.credits.plus(grant).minus(claw_back),
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Returns it once `returned` of the money that was paid was returned, which is heard after the account that bought it was erased.
    /// `None` if that changes nothing.
    #[must_use]
    pub fn after_return(&self, returned: i64, total: i64) -> Option<Self> {
        let share = i128::from(self.granted.0) * i128::from(returned) / i128::from(total.max(1));
        let left = self.granted.minus(Credits(i64::try_from(share).unwrap_or(self.granted.0)));
        let changes = self.redeemed_by.is_none() && left != self.credits;
        changes.then(|| Self { credits: left, version: self.version + 1, ..self.clone() })
    }

    /// Returns it without credits, as the account that bought it is erased while its payments are in doubt. `None` if that changes
    /// nothing.
    #[must_use]
    pub fn withdrawn(&self) -> Option<Self> {
        let emptied =
            Self { granted: Credits::ZERO, credits: Credits::ZERO, version: self.version + 1, ..self.clone() };
        self.is_open().then_some(emptied)
    }

    /// Says whether the code can be redeemed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.redeemed_by.is_none() && self.credits > Credits::ZERO
    }
}

impl Payment {
    /// Returns what became of its gift, with what is stored of it, and the credits that its code gives or gave. `None` if it is no gift.
    #[must_use]
    pub fn gift_state(&self, gift: Option<&Gift>, buyer: Option<&Account>) -> Option<(GiftState, Credits)> {
        self.gift?;
        Some(match gift {
            _ if self.granted == Credits::ZERO => (GiftState::Waiting, self.credits),
            Some(gift) if gift.is_open() && buyer.is_some_and(Account::has_doubtful_payments) => {
                (GiftState::OnHold, gift.credits)
            }
            Some(gift) if gift.is_open() => (GiftState::Open, gift.credits),
            Some(gift) if gift.redeemed_by.is_none() => (GiftState::Void, gift.credits),
            Some(gift) => (GiftState::Redeemed, gift.credits),
            None => (GiftState::Redeemed, self.granted),
        })
    }
}

impl Account {
    /// Says whether it is frozen for its payments.
    #[must_use]
    pub fn has_doubtful_payments(&self) -> bool {
        let is_of_payment = |reason: &FreezeReason| {
            matches!(
                reason,
                FreezeReason::Dispute { .. } | FreezeReason::Warning { .. } | FreezeReason::LostDisputes { .. }
            )
        };
        self.freezes.iter().any(|freeze| freeze.lifted_at.is_none() && is_of_payment(&freeze.reason))
    }

    /// Redeems a gift. The account gets its credits, and is on its plan from now on, unless it is on a larger one. A gift cannot be
    /// redeemed while the account that bought it is frozen for its payments: its money may have been stolen.
    ///
    /// # Errors
    /// [`Refusal::AccountStatus`] if the account is frozen or being deleted, [`Refusal::Invalid`] if the gift cannot be redeemed,
    /// [`Refusal::Conflict`] if the account bought it itself.
    pub fn redeem_gift(
        &self,
        GiftContext { gift, buyer, payments }: GiftContext<'_>,
        entry: LedgerEntryId,
        now: Timestamp,
    ) -> Result<RedeemedGift, Refusal> {
        self.check_active()?;
        if !gift.is_open() || buyer.is_some_and(Account::has_doubtful_payments) {
            return Err(not_redeemable());
        }
        // Its money could be returned, and the plan would stay.
        if buyer.is_some_and(|buyer| buyer.id == self.id) {
            return Err(Refusal::Conflict("the account bought this gift: its code is for another one"));
        }
        let moves = [(CreditBucket::Gifted, CreditBucket::Available, gift.credits)];
        let (entry, account) = self.with_entry(entry, now, Cause::Gift { gift: gift.id }, &moves);
        let (plan, gifted_plan) = (self.plan.max(gift.plan), self.gifted_plan.max(gift.plan));
        let account = Self { plan, gifted_plan, ..account };
        let is_disputed = payments.iter().any(Payment::has_open_dispute);
        let plan_change = (plan != self.plan).then(|| PlanChange::new(&account, is_disputed, now));
        let gift =
            Gift { redeemed_by: Some(self.id), redeemed_at: Some(now), version: gift.version + 1, ..gift.clone() };
        Ok(RedeemedGift { entry, account, gift, plan_change })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_as_people_type_it() {
        // The digits of 0x00443214C74254B635CF84653A56D7C675BE77DF are those of all numbers from 0 to 31: the first half of them.
        let bytes = [0x00, 0x44, 0x32, 0x14, 0xC7, 0x42, 0x54, 0xB6, 0x35, 0xCF];
        assert_eq!(spell_code(bytes), "0123-4567-89AB-CDEF");
        assert_eq!(spell_code([0xFF; 10]), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        for typed in ["0123-4567-89AB-CDEF", " o123 4567 89ab cdef", "OL23456789abcdef", "0i2345-6789ABCDE-F"] {
            assert_eq!(read_code(typed), Some(bytes), "{typed}");
        }
        for typed in ["", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEF0", "0123-4567-89AB-CDEU", "0123-4567-89AB-CDÉ"] {
            assert_eq!(read_code(typed), None, "{typed}");
        }
    }

    #[test]
    fn money_that_is_returned_later_lessens_what_the_code_gives_unless_it_was_redeemed() {
        let gift = Gift {
            id: GiftId(uuid::Uuid::max()),
            payment: PaymentId(uuid::Uuid::nil()),
            plan: Plan::Plus,
            granted: Credits(200),
            credits: Credits(200),
            redeemed_by: None,
            redeemed_at: None,
            version: 3,
        };
        let less = gift.after_return(125, 500).unwrap();
        assert_eq!((less.credits, less.version, less.is_open()), (Credits(150), 4, true));
        assert_eq!(less.after_return(125, 500), None, "it is known");
        let void = less.after_return(500, 500).unwrap();
        assert_eq!((void.credits, void.is_open()), (Credits(0), false));
        assert_eq!(void.after_return(0, 500).unwrap().credits, Credits(200), "the money came back");
        let redeemed = Gift { redeemed_by: Some(AccountId(uuid::Uuid::nil())), ..gift };
        assert_eq!(redeemed.after_return(125, 500), None);
        let withdrawn = less.withdrawn().unwrap();
        assert_eq!((withdrawn.is_open(), withdrawn.after_return(0, 500)), (false, None), "it does not come back");
        assert_eq!(redeemed.withdrawn(), None);
    }
}
