//! Rules against payment fraud. Their numbers are in the [settings of the service](crate::service_settings). Each outcome is recorded with
//! its reason, and a staff member can reverse it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::account::Account,
    credits::ledger::Credits,
    payments::{payment::Payment, review::ReviewReason},
};

/// The numbers of the rules.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct FraudRules {
    /// Payments of an account in an hour. Further ones are reviewed.
    pub payments_per_hour: u32,
    /// Different cards or PayPal accounts of an account in an hour. Payments with further ones are reviewed.
    pub cards_per_hour: u32,
    /// Days for which an account is new.
    pub new_account_days: u32,
    /// Credits that a new account may buy in total. Further payments are reviewed.
    pub new_account_credits: Credits,
    /// Lost disputes with which an account is frozen.
    pub lost_disputes: u32,
}

/// Returns the first rule, if any, that demands a review of this payment. `others` are the other payments of the account.
/// `cards_in_hour` counts the different cards that it paid with in this hour, this one included.
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
