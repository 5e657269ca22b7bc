//! Rules against fraud with payments. Their numbers come from the deployment's configuration. Each outcome is written down
//! with its reason, and a member of staff can reverse it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Credits, PaymentId, Refusal, accounts::account::Account, payments::payment::Payment, refusal};

/// The numbers of the rules. A rule whose number is reached speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FraudRules {
    /// Paid payments of an account in an hour, above which the next is held.
    pub payments_per_hour: u32,
    /// Different cards or PayPal accounts of an account in an hour, above which the next payment is held.
    pub cards_per_hour: u32,
    /// Days for which an account is new.
    pub new_account_days: u32,
    /// Credits that a new account may buy in all before a payment is held.
    pub new_account_credits: Credits,
    /// Disputes that were lost, from which on the account is frozen.
    pub lost_disputes: u32,
}

/// Why a person must look at a payment before its credits are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewReason {
    /// Many payments in an hour.
    ManyPayments,
    /// Many cards in an hour.
    ManyCards,
    /// A new account buys a lot.
    NewAccount,
}

/// What somebody decided who looked at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReviewDecision {
    /// Whether the credits are granted.
    pub release: bool,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub note: String,
}

/// A payment whose credits wait for a decision, or had to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Review {
    /// Which rule spoke.
    pub reason: ReviewReason,
    /// When.
    pub at: Timestamp,
    /// The latest decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<ReviewDecision>,
}

impl Review {
    /// Whether the credits are not granted as things stand.
    #[must_use]
    pub fn withholds(&self) -> bool {
        self.decision.as_ref().is_none_or(|decision| !decision.release)
    }
}

/// Why an account may not spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FreezeReason {
    /// A payment is disputed.
    Dispute {
        /// Which.
        payment: PaymentId,
        /// The provider's id of the dispute.
        id: String,
    },
    /// The card's network warned of fraud, or the buyer opened a case with PayPal.
    Warning {
        /// With which payment.
        payment: PaymentId,
        /// The provider's id of the warning or case.
        id: String,
    },
    /// Disputes were lost.
    LostDisputes {
        /// How many by then.
        count: u32,
    },
    /// Many accounts were opened from one network in a day.
    ManyAccounts,
    /// A member of staff froze it.
    Staff,
}

/// A time for which an account may not spend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Freeze {
    /// Why.
    pub reason: FreezeReason,
    /// Since when.
    pub at: Timestamp,
    /// Until when, if it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_at: Option<Timestamp>,
    /// What a member of staff wrote who froze it or lifted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Longest note of a member of staff, in characters.
const NOTE_CHARACTERS: usize = 500;

/// What a member of staff writes about a decision.
///
/// # Errors
/// [`Refusal::Invalid`] if it is empty, too long, or has control characters.
pub fn note(text: String) -> Result<String, Refusal> {
    match refusal::check_text("note", &text, NOTE_CHARACTERS) {
        Some(error) => Err(Refusal::Invalid(vec![error])),
        None => Ok(text),
    }
}

/// Which rule, if any, wants a person to look at this payment before its credits are granted. `others` are the account's
/// other payments, `cards_in_hour` the different cards that it paid with in this hour, this one included.
#[must_use]
pub fn review(
    rules: &FraudRules,
    account: &Account,
    payment: &Payment,
    others: &[Payment],
    cards_in_hour: u32,
    now: Timestamp,
) -> Option<ReviewReason> {
    let paid = || others.iter().filter_map(|other| Some((other, other.receipt.as_ref()?)));
    let hour_ago = now - SignedDuration::from_hours(1);
    let in_hour = 1 + paid().filter(|(_, receipt)| receipt.at > hour_ago).count();
    let new_until = account.created_at + SignedDuration::from_hours(24 * i64::from(rules.new_account_days));
    let bought = paid().fold(payment.credits, |sum, (other, _)| sum.plus(other.credits));
    if in_hour > usize::try_from(rules.payments_per_hour).unwrap_or(usize::MAX) {
        Some(ReviewReason::ManyPayments)
    } else if cards_in_hour > rules.cards_per_hour {
        Some(ReviewReason::ManyCards)
    } else if now < new_until && bought > rules.new_account_credits {
        Some(ReviewReason::NewAccount)
    } else {
        None
    }
}
