//! Facts about a payment in any order and number, against a reference that is told each of them once, in order, and that
//! knows nothing but sums.

use std::collections::BTreeMap;

use domain::{
    AccountId, Credits, GiftId, LedgerEntryId, PaymentId,
    accounts::{account::Account, plan::Plan},
    catalogue,
    credits::ledger::{CreditBucket, LedgerEntry, audit},
    money::{Currency, Money},
    payments::{
        fraud::FraudRules,
        gift::{Gift, GiftContext, GiftState},
        payment::{Dispute, DisputeOutcome, Payment, PaymentFact, PaymentProvider, PaymentReceipt, RefundState},
        settlement::{SettlementContext, apply_facts},
    },
};
use jiff::Timestamp;
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use uuid::Uuid;

const PRICE: i64 = 2_000;
const TOTAL: i64 = 2_380;
const CREDITS: i64 = 1_000;
const RULES: FraudRules = FraudRules {
    payments_per_hour: 9,
    cards_per_hour: 9,
    new_account_days: 0,
    new_account_credits: Credits(0),
    lost_disputes: 9,
};

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::Eur)
}

fn fact() -> impl Strategy<Value = PaymentFact> {
    let refund = (0..3_u8, any::<bool>()).prop_map(|(id, undone)| PaymentFact::Refund {
        id: format!("re_{id}"),
        amount: eur(i64::from(id + 1) * 500),
        state: if undone { RefundState::Reverted } else { RefundState::Succeeded },
    });
    let dispute = (0..2_u8, any::<[bool; 2]>(), 0..3_i64, 0..3_u8).prop_map(|(id, [formal, withdrawn], parts, end)| {
        let outcome =
            [None, Some(DisputeOutcome::Lost), Some(DisputeOutcome::Won)].into_iter().nth(end.into()).flatten();
        // Halves of what was withdrawn, in another currency.
        let money_withdrawn = if withdrawn { 1_500 } else { 0 };
        let dispute = Dispute { amount: 1_300, formal, money_withdrawn, money_reinstated: 750 * parts, outcome };
        PaymentFact::Dispute { id: format!("du_{id}"), currency: Currency::Eur, dispute }
    });
    let reversal = (0..2_u8).prop_map(|id| PaymentFact::Reversal { id: format!("R{id}"), amount: eur(-700) });
    let restoration = (0..2_u8).prop_map(|id| PaymentFact::Restoration { id: format!("C{id}"), amount: eur(700) });
    let paid = PaymentFact::Paid(PaymentReceipt {
        provider: PaymentProvider::Stripe,
        net: eur(PRICE),
        total: eur(TOTAL),
        transaction: "pi_1".to_owned(),
        billing_email: None,
        country: None,
        at: Timestamp::UNIX_EPOCH,
    });
    prop_oneof![
        3 => Just(paid),
        1 => prop_oneof![Just(PaymentFact::Pending), Just(PaymentFact::Expired), Just(PaymentFact::Failed)],
        4 => refund,
        4 => dispute,
        2 => reversal,
        2 => restoration,
        1 => Just(PaymentFact::FraudWarning { id: "issfr_1".to_owned() }),
    ]
}

/// What is left of the credits, from the set of facts alone.
fn reference(facts: &[PaymentFact]) -> i64 {
    if !facts.iter().any(|fact| matches!(fact, PaymentFact::Paid(_))) {
        return 0;
    }
    let mut refunds: BTreeMap<&str, i64> = BTreeMap::new();
    let mut disputes: BTreeMap<&str, (bool, i64, Option<DisputeOutcome>)> = BTreeMap::new();
    let mut reversed: BTreeMap<&str, i64> = BTreeMap::new();
    for fact in facts {
        match fact {
            PaymentFact::Refund { id, amount, state } => {
                let money = if *state == RefundState::Reverted { 0 } else { amount.amount };
                refunds.entry(id).and_modify(|known| *known = money.min(*known)).or_insert(money);
            }
            PaymentFact::Dispute { id, dispute, .. } => {
                let (withdrawn, halves, outcome) = disputes.entry(id).or_default();
                *withdrawn |= dispute.money_withdrawn > 0;
                *halves = dispute.money_reinstated.max(*halves * 750) / 750;
                *outcome = dispute.outcome.max(*outcome);
            }
            PaymentFact::Reversal { id, .. } => drop(reversed.insert(id, 700)),
            PaymentFact::Restoration { id, .. } => drop(reversed.insert(id, -700)),
            _ => {}
        }
    }
    let disputed = disputes.values().map(|(withdrawn, halves, outcome)| match (outcome, withdrawn) {
        (Some(DisputeOutcome::Won), _) | (None, false) => 0,
        (Some(DisputeOutcome::Lost), false) => 1_300,
        (_, true) => 650 * (2 - halves),
    });
    let gone = refunds.values().sum::<i64>() + disputed.sum::<i64>() + reversed.values().sum::<i64>().max(0);
    CREDITS - CREDITS * gone.min(TOTAL) / TOTAL
}

proptest! {
    #![proptest_config(Config { rng_seed: RngSeed::Fixed(11), failure_persistence: None, cases: 600, ..Config::default() })]

    #[test]
    fn b1_any_facts_in_any_order_and_number_leave_the_same_credits(
        facts in prop::collection::vec(fact(), 0..14),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let now = Timestamp::UNIX_EPOCH;
        let id = AccountId(Uuid::nil());
        let mut account = Account::open(id, String::new(), Credits(0), LedgerEntryId(Uuid::nil()), now).0;
        let choice = catalogue::compiled().choose("maker", Currency::Eur).unwrap();
        let mut payment = Payment::open(PaymentId(Uuid::nil()), id, PaymentProvider::Stripe, choice, now);
        let mut entries: Vec<LedgerEntry> = Vec::new();
        // Some of them in a random order and several times, then all of them backwards.
        let random = order.iter().filter(|_| !facts.is_empty()).map(|index| index.get(&facts));
        for fact in random.chain(facts.iter().rev()) {
            let around = SettlementContext { account: &account, others: &[], cards_in_hour: 1, rules: &RULES, gift: None };
            let Some(settled) = apply_facts(&payment, std::slice::from_ref(fact), around, LedgerEntryId(Uuid::nil()), now).unwrap()
            else { continue };
            prop_assert!(settled.payment.clawed_back >= Credits(0) && settled.payment.clawed_back <= settled.payment.granted);
            prop_assert_eq!(settled.payment.version, payment.version + 1);
            prop_assert!(settled.payment.progress >= payment.progress);
            payment = settled.payment;
            account = settled.account.unwrap_or(account);
            entries.extend(settled.entry);
        }
        prop_assert_eq!(account.balance.available, Credits(reference(&facts)));
        prop_assert_eq!(audit(&entries, account.balance, &[]), Ok(()));
    }

    #[test]
    fn gift_that_is_redeemed_between_any_facts_gives_what_was_paid_for(
        facts in prop::collection::vec(fact(), 0..14),
        redeemed_after in 0..16_usize,
        redeemer_is_erased in any::<bool>(),
    ) {
        let (now, entry) = (Timestamp::UNIX_EPOCH, LedgerEntryId(Uuid::nil()));
        let open = |number| Account::open(AccountId(Uuid::from_u128(number)), String::new(), Credits(0), entry, now).0;
        let (mut buyer, mut friend) = (open(1), open(2));
        let choice = catalogue::compiled().choose("maker", Currency::Eur).unwrap();
        let mut payment =
            Payment::open(PaymentId(Uuid::nil()), buyer.id, PaymentProvider::Stripe, choice, now).for_gift(GiftId(Uuid::max()));
        let (mut gift, mut ledgers): (Option<Gift>, [Vec<LedgerEntry>; 2]) = Default::default();
        for turn in 0..=facts.len() {
            if turn == redeemed_after && let Some(known) = gift.clone() {
                let around = GiftContext { gift: &known, buyer: Some(&buyer), payments: &[] };
                let may_be_redeemed = known.credits > Credits(0) && !buyer.is_frozen();
                prop_assert!(buyer.redeem_gift(around, entry, now).is_err(), "it is for another account");
                let redeemed = friend.redeem_gift(around, entry, now);
                prop_assert_eq!(redeemed.is_ok(), may_be_redeemed);
                if let Ok(redeemed) = redeemed {
                    let again = GiftContext { gift: &redeemed.gift, ..around };
                    prop_assert!(buyer.redeem_gift(again, entry, now).is_err(), "it was redeemed");
                    prop_assert_eq!(redeemed.gift.version, known.version + 1);
                    friend = redeemed.account;
                    // The gift is deleted with the account that redeemed it.
                    gift = Some(redeemed.gift).filter(|_| !redeemer_is_erased);
                    ledgers[1].push(redeemed.entry);
                }
            }
            let Some(fact) = facts.get(turn) else { break };
            let around =
                SettlementContext { account: &buyer, others: &[], cards_in_hour: 1, rules: &RULES, gift: gift.as_ref() };
            let Some(settled) = apply_facts(&payment, std::slice::from_ref(fact), around, entry, now).unwrap() else { continue };
            payment = settled.payment;
            buyer = settled.account.unwrap_or(buyer);
            ledgers[0].extend(settled.entry);
            gift = settled.gift.or(gift);
        }
        let in_gift = gift.as_ref().filter(|gift| gift.redeemed_by.is_none()).map_or(0, |gift| gift.credits.0);
        prop_assert!(in_gift >= 0);
        let [bought, given] = [&buyer, &friend].map(|account| account.balance.available.0);
        prop_assert_eq!(bought + given + in_gift, reference(&facts));
        prop_assert!(given > 0 || bought == 0, "what is not redeemed is in the gift alone");
        let gifted = ledgers.iter().flatten().flat_map(|entry| &entry.postings);
        let gifted = gifted.filter(|posting| posting.bucket == CreditBucket::Gifted).map(|posting| posting.amount.0);
        prop_assert_eq!(gifted.sum::<i64>(), in_gift);
        for (account, ledger) in [&buyer, &friend].into_iter().zip(&ledgers) {
            prop_assert_eq!(audit(ledger, account.balance, &[]), Ok(()));
        }
        let state = payment.gift_state(gift.as_ref(), Some(&buyer)).map(|(state, _)| state);
        let expected = match gift {
            None if given > 0 => GiftState::Redeemed,
            None => GiftState::Waiting,
            Some(gift) if gift.redeemed_by.is_some() => GiftState::Redeemed,
            Some(_) if in_gift == 0 => GiftState::Void,
            Some(_) if buyer.is_frozen() => GiftState::OnHold,
            Some(_) => GiftState::Open,
        };
        prop_assert_eq!(state, Some(expected));
        prop_assert_eq!(buyer.plan, Plan::Free, "the plan is the friend's");
        prop_assert_eq!(friend.plan, if given > 0 { Plan::Plus } else { Plan::Free });
    }
}
