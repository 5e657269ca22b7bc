//! The money of a payment that was returned, as far as providers reported it.

use std::collections::BTreeMap;

use super::fact::{Dispute, Mismatch, PaymentFact, Refund, RefundState};
use crate::money::{Currency, Money};

/// Refunds, disputes, reversals and canceled reversals, by the provider's ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Returns {
    pub(crate) refunds: BTreeMap<String, Refund>,
    pub(crate) disputes: BTreeMap<String, Dispute>,
    pub(crate) reversals: BTreeMap<String, i64>,
    pub(crate) restorations: BTreeMap<String, i64>,
}

impl Returns {
    /// Adds a fact about a payment in this currency. A fact of another kind, or that is known, changes nothing.
    ///
    /// # Errors
    /// [`Mismatch`]: the fact is in another currency.
    pub(crate) fn learn(&mut self, fact: &PaymentFact, currency: Currency) -> Result<(), Mismatch> {
        match fact {
            PaymentFact::Refund { id, amount, state } => {
                let refund = Refund { amount: magnitude(*amount, currency)?, state: *state };
                let known = self.refunds.entry(id.clone()).or_insert(refund);
                known.state = known.state.max(*state);
            }
            PaymentFact::Dispute { id, currency: of_dispute, dispute } => {
                magnitude(Money::new(dispute.amount, *of_dispute), currency)?;
                let known = self.disputes.entry(id.clone()).or_default();
                *known = known.join(*dispute);
            }
            PaymentFact::Reversal { id, amount } => {
                self.reversals.entry(id.clone()).or_insert(magnitude(*amount, currency)?);
            }
            PaymentFact::Restoration { id, amount } => {
                self.restorations.entry(id.clone()).or_insert(magnitude(*amount, currency)?);
            }
            PaymentFact::Pending
            | PaymentFact::Expired
            | PaymentFact::Failed
            | PaymentFact::Paid(_)
            | PaymentFact::FraudWarning { .. }
            | PaymentFact::Case { .. }
            | PaymentFact::RespondBy { .. } => {}
        }
        Ok(())
    }

    /// Adds what others know.
    pub(crate) fn join(mut self, others: Self) -> Self {
        for (id, refund) in others.refunds {
            let known = self.refunds.entry(id).or_insert(refund);
            known.state = known.state.max(refund.state);
        }
        for (id, dispute) in others.disputes {
            let known = self.disputes.entry(id).or_default();
            *known = known.join(dispute);
        }
        for (all, others) in [(&mut self.reversals, others.reversals), (&mut self.restorations, others.restorations)] {
            for (id, amount) in others {
                all.entry(id).or_insert(amount);
            }
        }
        self
    }

    /// Returns the money that was returned of a total, in the smallest unit. Money that was returned twice, by a refund and a
    /// dispute, counts once.
    pub(crate) fn amount_of(&self, total: i64) -> i64 {
        let disputed = self.disputes.values().map(|dispute| i128::from(dispute.takes())).sum::<i128>();
        let gone = i128::from(self.refunded()) + disputed + i128::from(self.reversed());
        i64::try_from(gone.clamp(0, i128::from(total.max(1)))).unwrap_or(i64::MAX)
    }

    /// Returns the money of refunds. PayPal's API shows a reversal as a refund with the same id, which counts as the reversal.
    pub(crate) fn refunded(&self) -> i64 {
        let is_made =
            |id: &String, refund: &Refund| refund.state == RefundState::Succeeded && !self.reversals.contains_key(id);
        let made = self.refunds.iter().filter(|(id, refund)| is_made(id, refund));
        made.fold(0, |sum, (_, refund)| sum.saturating_add(refund.amount))
    }

    /// Returns the money of reversals that were not canceled.
    pub(crate) fn reversed(&self) -> i64 {
        let sum = |amounts: &BTreeMap<String, i64>| amounts.values().fold(0_i64, |sum, one| sum.saturating_add(*one));
        sum(&self.reversals).saturating_sub(sum(&self.restorations)).max(0)
    }
}

/// Returns the amount without its sign, if it is in this currency.
fn magnitude(money: Money, currency: Currency) -> Result<i64, Mismatch> {
    if money.currency == currency { Ok(money.magnitude().amount) } else { Err(Mismatch("currency")) }
}
