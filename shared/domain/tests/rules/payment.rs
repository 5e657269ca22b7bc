use domain::{
    Credits, PaymentId, Refusal,
    accounts::{account::Account, freeze::FreezeReason, plan::Plan, plan_change::PlanChange, status::AccountStatus},
    catalogue,
    credits::ledger::audit,
    money::{Currency, Money},
    payments::{
        fraud::FraudRules,
        payment::{
            Dispute, DisputeOutcome, DisputeState, Mismatch, Payment, PaymentFact, PaymentProvider, PaymentReceipt,
            PaymentStatus, RefundState, UnclaimedPayment,
        },
        review::{ReviewDecision, ReviewReason},
        settlement::{Settlement, SettlementContext, apply_decision, apply_facts},
    },
    staff::{
        daily_sum::{DailySum, SumKind},
        role::Role,
    },
};
use jiff::SignedDuration;
use uuid::Uuid;

use super::{NEW, account, at};

const RULES: FraudRules = FraudRules {
    payments_per_hour: 2,
    cards_per_hour: 2,
    new_account_days: 7,
    new_account_credits: Credits(6_000),
    lost_disputes: 2,
};

/// The story of one payment: what happens to it, to its account and to the ledger.
struct Story {
    account: Account,
    payment: Payment,
    entries: Vec<domain::credits::ledger::LedgerEntry>,
    others: Vec<Payment>,
    cards_in_hour: u32,
    plan_change: Option<PlanChange>,
    sums: Vec<DailySum>,
}

fn checkout(number: u8, package: &str) -> Payment {
    let choice = catalogue::compiled().choose(package, Currency::Eur).unwrap();
    Payment::open(PaymentId(Uuid::from_bytes([number; 16])), account(0).id, PaymentProvider::Stripe, choice, at(0))
}

fn story(package: &str) -> Story {
    let payment = checkout(1, package);
    Story {
        account: account(0),
        payment,
        entries: Vec::new(),
        others: Vec::new(),
        cards_in_hour: 1,
        plan_change: None,
        sums: Vec::new(),
    }
}

impl Story {
    fn settle(&mut self, settlement: Settlement) {
        self.payment = settlement.payment;
        self.account = settlement.account.unwrap_or_else(|| self.account.clone());
        self.entries.extend(settlement.entry);
        self.plan_change = settlement.plan_change;
        self.sums.extend(settlement.sums);
        self.check_sums();
        assert_eq!(audit(&self.entries, self.account.balance, &[]), Ok(()));
    }

    /// The sums of the days say what became of the payment, whatever was heard in whatever order.
    fn check_sums(&self) {
        let total = |kind| {
            let of_kind = self.sums.iter().filter(|sum| sum.kind == kind);
            of_kind.fold((0, 0, 0), |(count, credits, amount), sum| {
                assert_eq!(sum.detail, "EUR");
                (count + sum.count, credits + sum.credits.0, amount + sum.amount)
            })
        };
        let paid = self.payment.receipt.as_ref().map_or(0, |receipt| receipt.total.amount);
        assert_eq!(total(SumKind::Sold), (i64::from(paid > 0), self.payment.granted.0, paid));
        let (_, clawed_back, returned) = total(SumKind::Returned);
        assert_eq!((clawed_back, returned), (self.payment.clawed_back.0, self.payment.amount_returned()));
    }

    fn apply(&mut self, fact: PaymentFact) -> Result<bool, Mismatch> {
        let Self { account, others, cards_in_hour, .. } = &*self;
        let around = SettlementContext { account, others, cards_in_hour: *cards_in_hour, rules: &RULES, gift: None };
        let settlement = apply_facts(&self.payment, &[fact], around, NEW.entry, at(60))?;
        let new = settlement.is_some();
        settlement.into_iter().for_each(|settlement| self.settle(settlement));
        Ok(new)
    }

    fn decide(&mut self, release: bool) -> Result<(), Refusal> {
        let Self { account, others, cards_in_hour, .. } = &*self;
        let around = SettlementContext { account, others, cards_in_hour: *cards_in_hour, rules: &RULES, gift: None };
        let decision = ReviewDecision { release, at: at(90), note: "asked the buyer".to_owned() };
        self.settle(apply_decision(&self.payment, decision, around, NEW.entry, at(90))?);
        Ok(())
    }

    /// Hears these facts, and ends in this status with so many credits.
    fn check(mut self, facts: &[PaymentFact], status: PaymentStatus, available: i64) -> Self {
        for fact in facts {
            self.apply(fact.clone()).unwrap();
        }
        assert_eq!((self.payment.status(), self.account.balance.available), (status, Credits(available)), "{facts:?}");
        self
    }
}

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::Eur)
}

/// 20 euros, and 19 % of tax.
fn receipt() -> PaymentReceipt {
    let total = eur(2_380);
    PaymentReceipt {
        provider: PaymentProvider::Stripe,
        net: eur(2_000),
        total,
        transaction: "pi_1".to_owned(),
        billing_email: None,
        country: None,
        at: at(50),
    }
}

fn paid() -> PaymentFact {
    PaymentFact::Paid(receipt())
}

fn refund(id: &str, amount: i64, state: RefundState) -> PaymentFact {
    PaymentFact::Refund { id: id.to_owned(), amount: eur(amount), state }
}

fn dispute(dispute: Dispute) -> PaymentFact {
    PaymentFact::Dispute { id: "du_1".to_owned(), currency: Currency::Eur, dispute }
}

const INQUIRY: Dispute =
    Dispute { amount: 2_380, formal: false, money_withdrawn: 0, money_reinstated: 0, outcome: None };
const OPENED: Dispute = Dispute { formal: true, ..INQUIRY };
const WITHDRAWN: Dispute = Dispute { money_withdrawn: 2_380, ..OPENED };
const LOST: Dispute = Dispute { outcome: Some(DisputeOutcome::Lost), ..OPENED };
const WON: Dispute = Dispute { outcome: Some(DisputeOutcome::Won), ..OPENED };

#[test]
fn payment_grants_package_and_plan_once() {
    let mut story = story("maker").check(&[PaymentFact::Pending], PaymentStatus::Pending, 0).check(
        &[paid()],
        PaymentStatus::Paid,
        1_000,
    );
    assert_eq!((story.account.plan, story.payment.is_open()), (Plan::Plus, false));
    assert_eq!(story.apply(paid()), Ok(false));
    assert_eq!(story.entries.len(), 1);
}

#[test]
fn s7_price_with_tax_in_it_pays_the_package_and_returns_in_proportion() {
    let inside = PaymentReceipt { net: eur(1_681), total: eur(2_000), ..receipt() };
    story("maker").check(&[PaymentFact::Paid(inside)], PaymentStatus::Paid, 1_000).check(
        &[refund("re_1", 1_000, RefundState::Succeeded)],
        PaymentStatus::PartlyRefunded,
        500,
    );
}

#[test]
fn s2_expired_checkout_grants_nothing_until_money_arrives() {
    story("maker").check(&[PaymentFact::Pending, PaymentFact::Failed], PaymentStatus::Failed, 0).check(
        &[paid()],
        PaymentStatus::Paid,
        1_000,
    );
    story("maker").check(&[PaymentFact::Expired, PaymentFact::Pending], PaymentStatus::Expired, 0).check(
        &[paid()],
        PaymentStatus::Paid,
        1_000,
    );
    story("maker").check(
        &[paid(), PaymentFact::Expired, PaymentFact::Failed, PaymentFact::Pending],
        PaymentStatus::Paid,
        1_000,
    );
}

#[test]
fn s4_other_amount_currency_or_transaction_is_a_mismatch() {
    let mut story = story("maker").check(&[PaymentFact::Pending], PaymentStatus::Pending, 0);
    let other = |change: fn(&mut PaymentReceipt)| {
        let mut receipt = receipt();
        change(&mut receipt);
        PaymentFact::Paid(receipt)
    };
    assert_eq!(story.apply(other(|r| r.provider = PaymentProvider::Paypal)), Err(Mismatch("provider")));
    assert_eq!(story.apply(other(|r| r.net = eur(1_999))), Err(Mismatch("amount")));
    assert_eq!(story.apply(other(|r| r.total = eur(1_999))), Err(Mismatch("amount")));
    let inside = |net| PaymentReceipt { net: eur(net), total: eur(2_000), ..receipt() };
    for net in [-1, 2_001] {
        assert_eq!(story.apply(PaymentFact::Paid(inside(net))), Err(Mismatch("amount")), "{net}");
    }
    assert_eq!(story.apply(other(|r| r.net = Money::new(2_000, Currency::Usd))), Err(Mismatch("currency")));
    assert_eq!(story.apply(other(|r| r.total = Money::new(2_380, Currency::Usd))), Err(Mismatch("currency")));
    let mut story = story.check(&[paid()], PaymentStatus::Paid, 1_000);
    assert_eq!(story.apply(other(|r| r.transaction = "pi_2".to_owned())), Err(Mismatch("transaction")));
    let (id, amount) = (|| "x".to_owned(), Money::new(5, Currency::Usd));
    for foreign in [
        PaymentFact::Refund { id: id(), amount, state: RefundState::Succeeded },
        PaymentFact::Dispute { id: id(), currency: Currency::Usd, dispute: LOST },
        PaymentFact::Reversal { id: id(), amount },
        PaymentFact::Restoration { id: id(), amount },
    ] {
        assert_eq!(story.apply(foreign), Err(Mismatch("currency")));
    }
    story.check(&[], PaymentStatus::Paid, 1_000);
}

#[test]
fn s7_partial_refund_claws_back_its_share_until_it_fails() {
    use RefundState::{Reverted, Succeeded};
    let half = refund("re_1", 1_190, Succeeded);
    let story = story("maker").check(&[paid(), half.clone(), half.clone()], PaymentStatus::PartlyRefunded, 500);
    let story = story.check(&[refund("re_2", 1, Succeeded)], PaymentStatus::PartlyRefunded, 500);
    let story = story.check(&[refund("re_3", 1_189, Succeeded)], PaymentStatus::Refunded, 0);
    assert_eq!(story.account.plan, Plan::Free);
    let story = story.check(
        &[refund("re_3", 1_189, Reverted), refund("re_3", 1_189, Succeeded)],
        PaymentStatus::PartlyRefunded,
        500,
    );
    let story =
        story.check(&[refund("re_1", 1_190, Reverted), refund("re_2", 1, Reverted)], PaymentStatus::Paid, 1_000);
    assert_eq!(story.account.plan, Plan::Plus);
}

#[test]
fn s6_refund_before_its_payment_counts_once_it_is_paid() {
    use RefundState::Succeeded;
    story("maker").check(&[refund("re_1", 1_190, Succeeded)], PaymentStatus::Created, 0).check(
        &[paid()],
        PaymentStatus::PartlyRefunded,
        500,
    );
}

#[test]
fn s8_dispute_freezes_claws_back_and_restores() {
    let story = story("maker").check(&[paid(), dispute(INQUIRY)], PaymentStatus::Paid, 1_000);
    assert_eq!(story.account.status(), AccountStatus::Active);
    let story = story.check(&[dispute(OPENED)], PaymentStatus::Disputed, 1_000);
    assert_eq!(story.account.status(), AccountStatus::Frozen);
    let story = story.check(&[dispute(WITHDRAWN)], PaymentStatus::Disputed, 0);
    let story = story.check(&[dispute(Dispute { money_reinstated: 2_380, ..WITHDRAWN })], PaymentStatus::Won, 1_000);
    assert_eq!(story.account.status(), AccountStatus::Active);
    story.check(&[dispute(WON), dispute(WITHDRAWN), dispute(OPENED)], PaymentStatus::Won, 1_000);
}

#[test]
fn s8_lost_dispute_claws_back_without_a_withdrawal() {
    let story = story("maker").check(&[dispute(LOST), paid()], PaymentStatus::Lost, 0);
    assert_eq!(story.account.status(), AccountStatus::Active);
}

#[test]
fn s8_lost_dispute_stays_lost_when_refunded_money_is_reinstated() {
    let lost = Dispute { outcome: Some(DisputeOutcome::Lost), ..WITHDRAWN };
    // 40 percent had been refunded before, and comes back in the currency of the operator's balance.
    let (withdrawn, reinstated) = (5_000, 2_000);
    let settled = Dispute { money_withdrawn: withdrawn, money_reinstated: reinstated, ..lost };
    let story = story("maker").check(
        &[paid(), refund("re_1", 952, RefundState::Succeeded), dispute(lost), dispute(settled)],
        PaymentStatus::Lost,
        0,
    );
    assert_eq!(story.payment.amount_returned(), 2_380);
    assert!(story.payment.lost_dispute());
}

#[test]
fn s8_reinstated_part_is_kept_and_the_rest_is_clawed_back() {
    let half = Dispute { money_reinstated: 1_190, outcome: Some(DisputeOutcome::Lost), ..WITHDRAWN };
    story("maker").check(&[paid(), dispute(half)], PaymentStatus::Lost, 500);
}

#[test]
fn s8_b3_refund_after_dispute_claws_back_once() {
    let story = story("maker").check(
        &[paid(), refund("re_1", 1_190, RefundState::Succeeded)],
        PaymentStatus::PartlyRefunded,
        500,
    );
    let story = story.check(&[dispute(WITHDRAWN)], PaymentStatus::Disputed, 0);
    story.check(&[dispute(WON)], PaymentStatus::PartlyRefunded, 500);
}

#[test]
fn pp8_reversal_and_its_cancellation_balance_in_any_order() {
    let reversal = PaymentFact::Reversal { id: "R1".to_owned(), amount: eur(-777) };
    let restoration = PaymentFact::Restoration { id: "R2".to_owned(), amount: eur(777) };
    let taken = 1_000 * 777 / 2_380;
    let story =
        story("maker").check(&[paid(), reversal.clone(), reversal.clone()], PaymentStatus::Reversed, 1_000 - taken);
    story.check(&[restoration.clone(), restoration.clone()], PaymentStatus::Restored, 1_000);
    let story = self::story("maker").check(&[paid(), restoration], PaymentStatus::Restored, 1_000);
    story.check(&[reversal], PaymentStatus::Restored, 1_000);
}

#[test]
fn pp8_b3_reversal_that_is_shown_as_a_refund_too_counts_once() {
    let reversal = PaymentFact::Reversal { id: "R1".to_owned(), amount: eur(1_190) };
    let shown = refund("R1", 1_190, RefundState::Succeeded);
    let restoration = PaymentFact::Restoration { id: "R2".to_owned(), amount: eur(1_190) };
    for facts in [[shown.clone(), reversal.clone()], [reversal, shown]] {
        let story =
            story("maker").check(&[paid()], PaymentStatus::Paid, 1_000).check(&facts, PaymentStatus::Reversed, 500);
        story.check(std::slice::from_ref(&restoration), PaymentStatus::Restored, 1_000);
    }
}

#[test]
fn p8_receipt_takes_the_payer_from_whichever_report_names_it() {
    let named =
        PaymentReceipt { billing_email: Some("jo@b.example".to_owned()), country: Some("DE".to_owned()), ..receipt() };
    for reports in [[receipt(), named.clone()], [named.clone(), receipt()]] {
        let story = story("maker").check(&reports.map(PaymentFact::Paid), PaymentStatus::Paid, 1_000);
        assert_eq!(story.payment.receipt, Some(named.clone()));
        assert_eq!(story.entries.len(), 1);
    }
}

#[test]
fn s9_pp9_warning_freezes_once_until_staff_lift_it() {
    let warning = PaymentFact::FraudWarning { id: "issfr_1".to_owned() };
    let mut story = story("maker").check(&[paid(), warning.clone()], PaymentStatus::Paid, 1_000);
    assert_eq!(story.account.status(), AccountStatus::Frozen);
    story.account = story.account.unfrozen(&[Role::Finance], "the buyer answered", at(70)).unwrap();
    let story = story.check(&[warning, dispute(INQUIRY)], PaymentStatus::Paid, 1_000);
    assert_eq!(story.account.status(), AccountStatus::Active);
    let story = story.check(&[PaymentFact::Case { id: "PP-1".to_owned() }], PaymentStatus::Paid, 1_000);
    assert_eq!(story.account.status(), AccountStatus::Frozen);
    let notes: Vec<_> = story.account.freezes.iter().map(|freeze| freeze.note.as_deref()).collect();
    assert_eq!(notes, [Some("the buyer answered"), None]);
}

#[test]
fn what_is_contested_is_listed_with_the_time_to_respond() {
    let respond_by = |id: &str, second| PaymentFact::RespondBy { id: id.to_owned(), at: at(second) };
    let case = PaymentFact::Case { id: "PP-1".to_owned() };
    let facts =
        [paid(), dispute(OPENED), respond_by("du_1", 900), respond_by("du_1", 800), case, respond_by("PP-1", 700)];
    let mut story = story("maker").check(&facts, PaymentStatus::Disputed, 1_000);
    assert_eq!(story.apply(respond_by("du_1", 900)), Ok(false), "it is known");
    let listed = |payment: &Payment| -> Vec<_> {
        payment.dispute_summaries().into_iter().map(|one| (one.id, one.state, one.amount, one.respond_by)).collect()
    };
    let open = ("du_1".to_owned(), DisputeState::Open, Some(eur(2_380)), Some(at(900)));
    let case = ("PP-1".to_owned(), DisputeState::Warning, None, Some(at(700)));
    assert_eq!(listed(&story.payment), [open, case]);
    let state = |payment: &Payment| payment.dispute_summaries()[0].state;
    story.apply(dispute(LOST)).unwrap();
    assert_eq!(state(&story.payment), DisputeState::Lost);
    story.apply(dispute(WON)).unwrap();
    assert_eq!(state(&story.payment), DisputeState::Won);
    assert_eq!(
        state(&self::story("maker").check(&[dispute(INQUIRY)], PaymentStatus::Created, 0).payment),
        DisputeState::Inquiry
    );
}

#[test]
fn s10_claw_back_of_spent_credits_leaves_a_debt() {
    let mut story = story("maker").check(&[paid()], PaymentStatus::Paid, 1_000);
    story.account.balance.available = Credits(100);
    let gone = apply_facts(
        &story.payment,
        &[refund("re_1", 2_380, RefundState::Succeeded)],
        SettlementContext { account: &story.account, others: &[], cards_in_hour: 1, rules: &RULES, gift: None },
        NEW.entry,
        at(60),
    );
    let account = gone.unwrap().unwrap().account.unwrap();
    assert_eq!((account.balance.available, account.status()), (Credits(-900), AccountStatus::Active));
}

#[test]
fn what_is_left_of_a_payment_can_be_refunded() {
    let left = |payment: &Payment, amount| payment.request_refund("key", amount, at(60)).map(|(_, money)| money.amount);
    assert!(matches!(left(&story("maker").payment, None), Err(Refusal::Conflict(_))), "it was not paid");
    let paid_story = story("maker").check(&[paid()], PaymentStatus::Paid, 1_000);
    let total = left(&paid_story.payment, None).unwrap();
    assert_eq!(left(&paid_story.payment, Some(total)), Ok(total));
    for amount in [0, -1, total + 1] {
        assert!(matches!(left(&paid_story.payment, Some(amount)), Err(Refusal::Invalid(_))), "{amount}");
    }
    let facts = [paid(), refund("re_1", total - 80, RefundState::Succeeded)];
    let mut partly = story("maker");
    for fact in facts {
        partly.apply(fact).unwrap();
    }
    assert_eq!(left(&partly.payment, None), Ok(80));
    partly.apply(refund("re_2", 80, RefundState::Succeeded)).unwrap();
    assert!(matches!(left(&partly.payment, None), Err(Refusal::Conflict(_))), "nothing is left");
}

#[test]
fn refund_that_was_asked_for_is_not_left() {
    let mut story = story("maker").check(&[paid()], PaymentStatus::Paid, 1_000);
    let ask = |payment: &Payment, key: &str, amount, now| payment.request_refund(key, amount, now);
    let (first, money) = ask(&story.payment, "first", Some(2_000), at(60)).unwrap();
    assert_eq!(first.requested_refund("first").map(|(asked, _)| asked), Some(money));
    assert!(
        matches!(ask(&first, "second", Some(381), at(61)), Err(Refusal::Invalid(_))),
        "two members of staff at once"
    );
    let (both, rest) = ask(&first, "second", None, at(61)).unwrap();
    assert_eq!(rest.amount, 380);
    assert!(matches!(ask(&both, "third", None, at(62)), Err(Refusal::Conflict(_))), "nothing is left");

    let declined = both.refund_declined("second").unwrap();
    assert_eq!(declined.refund_declined("second"), None, "known");
    assert_eq!(ask(&declined, "third", None, at(62)).unwrap().1.amount, 380);
    let hours = |hours: i64| at(60) + SignedDuration::from_hours(hours);
    assert!(ask(&both, "third", None, hours(23)).is_err());
    assert_eq!(ask(&both, "third", None, hours(25)).unwrap().1.amount, 2_380, "the provider did not report it");

    // A report is about the request that was not declined.
    let (asked, _) = ask(&first.refund_declined("first").unwrap(), "again", Some(2_000), at(62)).unwrap();
    let reported = asked.with_fact(&refund("re_0", 2_000, RefundState::Succeeded), at(63)).unwrap();
    assert_eq!(reported.requested_refunds.keys().collect::<Vec<_>>(), ["first"]);

    // Another refund than that which was asked for, then this one, then this one again.
    story.payment = both;
    for (id, amount, left) in [("re_1", 80, 2), ("re_2", 2_000, 1), ("re_2", 2_000, 1)] {
        story.apply(refund(id, amount, RefundState::Succeeded)).unwrap();
        assert_eq!(story.payment.requested_refunds.len(), left, "{id}");
    }
    assert_eq!(story.payment.requested_refund("first"), None);
}

#[test]
fn p12_suspicious_payment_waits_for_a_decision() {
    let other = |number: u8, paid_at| {
        let mut other = checkout(number, "starter");
        other.receipt = Some(PaymentReceipt { at: at(paid_at), ..receipt() });
        other
    };
    let check = |others: Vec<Payment>, cards_in_hour, package: &str, age_days, reason: Option<ReviewReason>| {
        let mut story = Story { others, cards_in_hour, ..story(package) };
        story.account.created_at = at(60) - SignedDuration::from_hours(24 * i64::from(age_days));
        let price = story.payment.price;
        story.apply(PaymentFact::Paid(PaymentReceipt { net: price, total: price, ..receipt() })).unwrap();
        assert_eq!(story.payment.review.as_ref().map(|review| review.reason), reason);
        let granted = if reason.is_some() { 0 } else { story.payment.credits.0 };
        assert_eq!(story.account.balance.available, Credits(granted));
        story
    };
    check(vec![other(2, 0)], 2, "starter", 0, None);
    check(vec![other(2, 0), other(3, 0)], 1, "starter", 0, Some(ReviewReason::ManyPayments));
    check(vec![other(2, -3_601), other(3, 0)], 1, "starter", 0, None);
    check(Vec::new(), 3, "starter", 0, Some(ReviewReason::ManyCards));
    check(vec![other(2, -9_000), checkout(3, "studio")], 1, "studio", 0, None);
    let large = Payment { credits: Credits(5_000), ..other(2, -9_000) };
    check(vec![large.clone()], 1, "studio", 8, None);

    let mut held = check(vec![large.clone()], 1, "studio", 0, Some(ReviewReason::NewAccount));
    assert_eq!(held.payment.status(), PaymentStatus::InReview);
    held.decide(false).unwrap();
    assert_eq!(held.account.balance.available, Credits::ZERO);
    held.decide(true).unwrap();
    assert_eq!((held.account.balance.available, held.account.plan), (Credits(5_000), Plan::Pro));
    assert_eq!(held.decide(false), Err(Refusal::Conflict("no review of the payment is open")));
    assert_eq!(held.payment.status(), PaymentStatus::Paid);

    let mut refunded = check(vec![large], 1, "studio", 0, Some(ReviewReason::NewAccount));
    for (id, state, awaits) in [
        ("re_1", RefundState::Succeeded, true),
        ("re_2", RefundState::Succeeded, false),
        ("re_2", RefundState::Reverted, true),
    ] {
        refunded.apply(refund(id, 4_000, state)).unwrap();
        assert_eq!(refunded.payment.awaits_decision(), awaits, "{id} {state:?}");
    }
    refunded.decide(true).unwrap();
    assert_eq!(refunded.account.balance.available, Credits(2_500));
}

#[test]
fn p12_lost_disputes_freeze_the_account() {
    let mut lost = checkout(2, "starter");
    lost.disputes.insert("du_0".to_owned(), LOST);
    let story = Story { others: vec![lost], ..story("maker") };
    let story = story.check(&[paid(), dispute(LOST)], PaymentStatus::Lost, 0);
    assert_eq!(story.account.status(), AccountStatus::Frozen);
    assert!(story.account.freezes.iter().any(|freeze| freeze.reason == FreezeReason::LostDisputes { count: 2 }));
}

#[test]
fn files_follow_each_change_of_the_plan_but_are_not_shortened_during_a_dispute() {
    let shortens_to = Some(at(60) + SignedDuration::from_hours(7 * 24));
    let expect = |story: &Story, expected: Option<(Plan, Option<jiff::Timestamp>)>| {
        let found = story.plan_change.as_ref();
        assert_eq!(found.map(|change| (change.plan, change.shortens_to)), expected);
        assert!(found.is_none_or(|change| (change.at, change.version) == (at(60), story.account.version)));
    };
    let mut refunded = story("maker");
    refunded.apply(paid()).unwrap();
    expect(&refunded, Some((Plan::Plus, shortens_to)));
    refunded.apply(refund("re_1", 1_190, RefundState::Succeeded)).unwrap();
    expect(&refunded, None);
    refunded.apply(refund("re_2", 1_190, RefundState::Succeeded)).unwrap();
    expect(&refunded, Some((Plan::Free, shortens_to)));

    for end in [LOST, WON] {
        let mut disputed = story("maker");
        for fact in [paid(), dispute(OPENED), dispute(WITHDRAWN)] {
            disputed.apply(fact).unwrap();
        }
        expect(&disputed, Some((Plan::Free, None)));
        // Staff lift the freeze, so the end of the dispute changes nothing else of the account.
        disputed.account = disputed.account.unfrozen(&[Role::Finance], "a look was taken", at(59)).unwrap();
        disputed.apply(dispute(end)).unwrap();
        let plan = if end == WON { Plan::Plus } else { Plan::Free };
        expect(&disputed, Some((plan, shortens_to)));
    }
}

#[test]
fn p20_unpaid_checkout_expires_after_90_days() {
    let kept_until = |story: &Story| story.payment.kept_until();
    let story = story("maker");
    assert_eq!(kept_until(&story), None);
    let story = story.check(&[PaymentFact::Pending], PaymentStatus::Pending, 0);
    assert_eq!(kept_until(&story), None);
    let story = story.check(&[PaymentFact::Failed], PaymentStatus::Failed, 0);
    assert_eq!(kept_until(&story), Some(at(90 * 24 * 3_600)));
    assert_eq!(kept_until(&story.check(&[paid()], PaymentStatus::Paid, 1_000)), None);
}

#[test]
fn b4_unclaimed_payment_is_refunded_once() {
    let unclaimed = UnclaimedPayment::new(
        checkout(1, "maker").id,
        PaymentProvider::Stripe,
        "pi_1".to_owned(),
        Some(eur(2_380)),
        at(0),
    );
    let refunded = unclaimed.refunded("grace".to_owned(), at(9)).unwrap();
    assert_eq!((refunded.refunded_at, refunded.version), (Some(at(9)), 2));
    assert!(refunded.refunded("alan".to_owned(), at(10)).is_err());
}

#[test]
fn checkout_is_polled_until_its_outcome_is_known() {
    let story = story("maker");
    let first = story.payment.poll_at;
    assert_eq!(first, Some(at(300)));
    assert_eq!(story.payment.polled(at(300)).poll_at, Some(at(600)));
    assert_eq!(story.payment.polled(at(9_000)).poll_at, Some(at(18_000)));
    assert_eq!(story.payment.postponed(at(9_000)).poll_at, Some(at(9_300)));
    let story = story.check(&[PaymentFact::Pending], PaymentStatus::Pending, 0);
    assert_eq!(story.payment.poll_at, Some(at(60 + 6 * 3_600)));
    assert_eq!(story.check(&[paid()], PaymentStatus::Paid, 1_000).payment.poll_at, None);
}

#[test]
fn s11_payment_with_paypal_is_watched_daily_for_180_days() {
    let mut story = story("maker");
    story.payment.provider = PaymentProvider::Paypal;
    let paypal = PaymentFact::Paid(PaymentReceipt { provider: PaymentProvider::Paypal, ..receipt() });
    let payment = story.check(&[paypal], PaymentStatus::Paid, 1_000).payment;
    assert_eq!(payment.poll_at, Some(at(60 + 86_400)));
    assert_eq!(payment.polled(at(2 * 86_400)).poll_at, Some(at(3 * 86_400)));
    assert_eq!(payment.polled(at(180 * 86_400)).poll_at, None);
}
