//! Settlement: the payment, the account and the ledger entry that one transaction writes for new facts about a payment.

use jiff::Timestamp;

use crate::{
    accounts::{account::Account, freeze::FreezeReason, plan::Plan, plan_change::PlanChange},
    credits::ledger::{Cause, CreditBucket, Credits, LedgerEntry},
    ids::LedgerEntryId,
    payments::{
        fact::PaymentFact,
        fraud::{self, FraudRules},
        gift::Gift,
        payment::{Mismatch, Payment},
        review::{Review, ReviewDecision},
    },
    refusal::Refusal,
    staff::daily_sum::DailySum,
};

/// What a settlement depends on besides the payment.
#[derive(Clone, Copy, Debug)]
pub struct SettlementContext<'a> {
    /// Its account.
    pub account: &'a Account,
    /// All other payments of the account.
    pub others: &'a [Payment],
    /// Different cards or PayPal accounts that it paid with in this hour, this payment included.
    pub cards_in_hour: u32,
    /// The rules against fraud.
    pub rules: &'a FraudRules,
    /// What is stored of its gift, if it is the payment for one.
    pub gift: Option<&'a Gift>,
}

/// The writes of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The payment, as its next version.
    pub payment: Payment,
    /// The account, if it changed.
    pub account: Option<Account>,
    /// The ledger entry, if credits changed.
    pub entry: Option<LedgerEntry>,
    /// The gift, if its credits changed.
    pub gift: Option<Gift>,
    /// What the files of the account must follow, if the plan changed or a dispute began or ended.
    pub plan_change: Option<PlanChange>,
    /// What it adds to the sums of the day.
    pub sums: Vec<DailySum>,
}

/// Applies facts to a payment. Returns `None` if all of them were known.
///
/// A balance may become negative. That forbids submissions, and nothing else.
///
/// # Errors
/// [`Mismatch`] if one of the facts contradicts the payment. Then none is applied.
pub fn apply_facts(
    payment: &Payment,
    facts: &[PaymentFact],
    around: SettlementContext<'_>,
    entry: LedgerEntryId,
    now: Timestamp,
) -> Result<Option<Settlement>, Mismatch> {
    let mut known = payment.clone();
    for fact in facts {
        known = known.with_fact(fact, now)?;
    }
    if known == *payment {
        return Ok(None);
    }
    if payment.receipt.is_none() && known.receipt.is_some() {
        let SettlementContext { account, others, cards_in_hour, rules, .. } = around;
        let reason = fraud::review(rules, account, &known, others, cards_in_hour, now);
        known.review = reason.map(|reason| Review { reason, at: now, decision: None });
    }
    Ok(Some(settle(payment, known, around, entry, now)))
}

/// Applies a decision of staff to a payment whose credits wait for one. A later decision replaces an earlier one until
/// credits are granted.
///
/// # Errors
/// [`Refusal::Conflict`] if no review is open, or the credits were granted.
pub fn apply_decision(
    payment: &Payment,
    decision: ReviewDecision,
    around: SettlementContext<'_>,
    entry: LedgerEntryId,
    now: Timestamp,
) -> Result<Settlement, Refusal> {
    let review = payment.review.as_ref().filter(|review| review.withholds());
    let review = review.ok_or(Refusal::Conflict("no review of the payment is open"))?;
    let decided = Review { decision: Some(decision), ..review.clone() };
    Ok(settle(payment, Payment { review: Some(decided), ..payment.clone() }, around, entry, now))
}

fn settle(
    unsettled: &Payment,
    known: Payment,
    around: SettlementContext<'_>,
    entry: LedgerEntryId,
    now: Timestamp,
) -> Settlement {
    let before = around.account;
    let mut account = before.clone();
    freeze(&mut account, &known, around, now);
    account.plan = plan(around.others.iter().chain([&known])).max(account.granted_plan).max(account.gifted_plan);
    let [was_disputed, is_disputed] =
        [unsettled, &known].map(|payment| around.others.iter().chain([payment]).any(Payment::has_open_dispute));
    let moves_expiry = account.plan != before.plan || is_disputed != was_disputed;

    let granted = known.credits_to_grant();
    let taken_back = known.credits_to_claw_back();
    let grant = granted.minus(known.granted);
    let claw_back = taken_back.minus(known.clawed_back);
    let payment = Payment { granted, clawed_back: taken_back, ..known.next_version() };
    let cause = match (grant > Credits::ZERO, claw_back > Credits::ZERO) {
        (true, _) => Cause::Purchase { payment: payment.id },
        (false, true) => Cause::ClawBack { payment: payment.id },
        (false, false) => Cause::Restore { payment: payment.id },
    };
    let gift = Gift::open(unsettled, around.gift);
    let holder = if gift.is_some() { CreditBucket::Gifted } else { CreditBucket::Available };
    let moves = [(CreditBucket::Bought, holder, grant), (holder, CreditBucket::Reversed, claw_back)];
    let moves_credits = moves.iter().any(|(_, _, amount)| *amount != Credits::ZERO);
    let gift = gift.filter(|_| moves_credits).map(|gift| gift.moved(grant, claw_back));
    let (entry, account) = if moves_credits {
        let (entry, account) = account.with_entry(entry, now, cause, &moves);
        (Some(entry), Some(account))
    } else {
        (None, (moves_expiry || account != *before).then(|| account.next_version()))
    };
    let plan_change =
        account.as_ref().filter(|_| moves_expiry).map(|account| PlanChange::new(account, is_disputed, now));
    let sums = DailySum::of_payment(unsettled, &payment, now);
    Settlement { payment, account, entry, gift, plan_change, sums }
}

/// Freezes the account while a dispute is open, and after a warning until staff lift the freeze.
fn freeze(account: &mut Account, known: &Payment, around: SettlementContext<'_>, now: Timestamp) {
    let payment = known.id;
    for (id, dispute) in &known.disputes {
        let why = FreezeReason::Dispute { payment, id: id.clone() };
        if dispute.is_open() {
            account.freezes.add(why, now);
        } else {
            account.freezes.lift(&why, now);
        }
    }
    for id in &known.warnings {
        account.freezes.add(FreezeReason::Warning { payment, id: id.clone() }, now);
    }
    let lost = around.others.iter().chain([known]).filter(|payment| payment.lost_dispute()).count();
    let count = u32::try_from(lost).unwrap_or(u32::MAX);
    if count > 0 && count >= around.rules.lost_disputes {
        account.freezes.add(FreezeReason::LostDisputes { count }, now);
    }
}

/// Returns the highest plan of a payment that was granted and not wholly clawed back. The plan of a gift is that of who redeems it.
fn plan<'a>(payments: impl Iterator<Item = &'a Payment>) -> Plan {
    let paid_for = payments
        .filter(|payment| payment.gift.is_none() && payment.credits_to_claw_back() < payment.credits_to_grant());
    paid_for.map(|payment| payment.plan).max().unwrap_or_default()
}

/// Grants a plan to an account with these payments: it is on this one at least. `free` takes back what was granted, so that it is
/// on the plan that was paid for, or that came with a gift. Returns it with what its files must follow, if its plan changed by that.
#[must_use]
pub fn grant_plan(
    account: &Account,
    payments: &[Payment],
    granted_plan: Plan,
    now: Timestamp,
) -> (Account, Option<PlanChange>) {
    let plan = plan(payments.iter()).max(granted_plan).max(account.gifted_plan);
    let granted = Account { plan, granted_plan, ..account.next_version() };
    let is_disputed = payments.iter().any(Payment::has_open_dispute);
    let change = (granted.plan != account.plan).then(|| PlanChange::new(&granted, is_disputed, now));
    (granted, change)
}
