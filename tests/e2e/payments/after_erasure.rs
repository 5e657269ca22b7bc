//! What happens to a payment after its account was erased: what the law retains of it stays true.

use anyhow::{Context, Result, ensure};
use domain::{
    money::{Currency, Money},
    payments::payment::{PaymentFact, PaymentProvider, PaymentReference, RefundState},
};
use jiff::SignedDuration;
use runtime::{clock, telemetry::Metric};
use serde_json::json;
use store::{ParkedFact, Write};

use crate::{
    credits::gifts::buy_gift,
    env::{
        checkouts::{Checkout, deliver_message},
        erasures::{request_erasure, wait_for_erasure},
        http::text,
        logs::measurements,
        paypal::{act_and_drain, drain_ipn_queue, send_ipn, with_paypal_events},
        stripe::SESSION_COMPLETED,
        table::{Item, account_items, records, scan, string},
        test_env::{TestEnv, TestUser},
        trial::tests,
    },
};

tests![
    b4_refund_and_dispute_after_the_erasure_reach_the_retained_payment,
    b4_paypal_reports_after_the_erasure_reach_the_retained_payment,
    b4_parked_refund_reaches_the_retained_payment,
    b4_repeat_of_a_payment_after_the_erasure_is_not_unclaimed,
    gift_outlives_its_buyer_and_gives_what_is_left_of_its_money,
    gift_does_not_tell_who_redeemed_it_once_they_are_erased,
    gift_of_an_account_that_is_frozen_for_its_payments_ends_with_it,
];

/// Returns the transaction of the only payment.
async fn transaction(user: &TestUser) -> Result<String> {
    let items = account_items(user).await?;
    let payment = items.iter().find(|item| string(item, "sk").starts_with("PAYMENT#")).context("no payment")?;
    let receipt = payment.get("receipt").and_then(|receipt| receipt.as_m().ok()).context("no receipt")?;
    Ok(string(receipt, "transaction").to_owned())
}

async fn retained(env: &TestEnv, provider: &str, transaction: &str) -> Result<Item> {
    let pk = format!("PAYMENT#{provider}#{transaction}");
    let found = records(env).await?.into_iter().find(|item| string(item, "pk") == pk);
    found.context("the payment is not retained")
}

async fn check_returned(env: &TestEnv, provider: &str, transaction: &str, expected: i64) -> Result<()> {
    let record = retained(env, provider, transaction).await?;
    let returned = record.get("returned").and_then(|returned| returned.as_n().ok());
    ensure!(returned == Some(&expected.to_string()), "not {expected}: {record:?}");
    Ok(())
}

async fn erase(user: &TestUser) -> Result<()> {
    wait_for_erasure(user.env, &request_erasure(user).await?).await.map(drop)
}

async fn b4_refund_and_dispute_after_the_erasure_reach_the_retained_payment(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    checkout.act("refund", &[("amount", "100")]).await?;
    checkout.check("partly_refunded", 200, 40, 200).await?;
    let intent = transaction(&ada).await?;
    erase(&ada).await?;
    let check = async |returned| check_returned(env, "stripe", &intent, returned).await;
    check(100).await?;
    checkout.act("refund", &[("amount", "50")]).await?;
    check(150).await?;
    // What was known before the erasure, and what is repeated, counts once.
    for message in checkout.messages().await? {
        deliver_message(env, &message).await?;
    }
    check(150).await?;
    checkout.act("fail-refund", &[]).await?;
    check(100).await?;
    checkout.act("dispute", &[("amount", "200")]).await?;
    check(100).await?;
    checkout.act("withdraw-funds", &[]).await?;
    check(300).await?;
    checkout.act("reinstate-part", &[("amount", "50")]).await?;
    checkout.act("lose", &[]).await?;
    check(250).await?;
    let record = format!("{:?}", retained(env, "stripe", &intent).await?);
    ensure!(!record.contains(&ada.account_id) && !record.contains(&ada.email), "it identifies the person: {record}");
    Ok(())
}

async fn b4_paypal_reports_after_the_erasure_reach_the_retained_payment(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::paid(&ada, "paypal", "starter").await?;
    checkout.messages().await?;
    drain_ipn_queue(env).await?;
    let capture = transaction(&ada).await?;
    erase(&ada).await?;
    let check = async |returned| check_returned(env, "paypal", &capture, returned).await;
    check(0).await?;
    // IPN alone.
    act_and_drain(&checkout, "reverse", &[("amount", "200")]).await?;
    check(200).await?;
    act_and_drain(&checkout, "cancel-reversal", &[]).await?;
    check(0).await?;
    // The webhook as well.
    with_paypal_events(env, "*", async || {
        act_and_drain(&checkout, "refund", &[("amount", "125")]).await?;
        check(125).await?;
        checkout.act("fail-refund", &[]).await?;
        check(0).await
    })
    .await
}

async fn b4_parked_refund_reaches_the_retained_payment(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    Checkout::paid(&ada, "stripe", "starter").await?;
    let intent = transaction(&ada).await?;
    erase(&ada).await?;
    let reference = PaymentReference::Transaction(PaymentProvider::Stripe, intent.clone());
    let refund = PaymentFact::Refund {
        id: "re_parked".to_owned(),
        amount: Money::new(70, Currency::Eur),
        state: RefundState::Succeeded,
    };
    let parked = ParkedFact::new(reference, refund, clock::now());
    env.table()?.commit(&[Write::Park(&parked)]).await?;
    env.sweep(clock::now() + SignedDuration::from_secs(90)).await?;
    check_returned(env, "stripe", &intent, 70).await?;
    let pk = format!("PAYMENT#stripe#{intent}");
    ensure!(!scan(env).await?.iter().any(|item| string(item, "pk") == pk), "the fact still waits");
    Ok(())
}

async fn b4_repeat_of_a_payment_after_the_erasure_is_not_unclaimed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let stripe = Checkout::paid(&ada, "stripe", "starter").await?;
    let paypal = Checkout::paid(&ada, "paypal", "starter").await?;
    paypal.messages().await?;
    drain_ipn_queue(env).await?;
    erase(&ada).await?;
    let before = measurements(env, Metric::UnclaimedPayments).await?;
    deliver_message(env, &stripe.message(SESSION_COMPLETED).await?).await?;
    let again = format!("{}&memo=again", text(&paypal.message("Completed").await?, "body")?);
    send_ipn(env, &again).await?;
    let reference = [format!("PAYMENT#{}", stripe.id), format!("PAYMENT#{}", paypal.id)];
    let items = scan(env).await?;
    ensure!(!items.iter().any(|item| reference.contains(&string(item, "pk").to_owned())), "it is to be refunded");
    ensure!(measurements(env, Metric::UnclaimedPayments).await? == before, "an alarm is raised");
    Ok(())
}

async fn gift_outlives_its_buyer_and_gives_what_is_left_of_its_money(env: &'static TestEnv) -> Result<()> {
    let (ada, ben) = (env.user().await?, env.user().await?);
    let (checkout, code) = buy_gift(&ada, "stripe", "starter").await?;
    let (returned, void) = buy_gift(&ada, "stripe", "starter").await?;
    erase(&ada).await?;
    let redeem = async |code: &str| ben.post("/v1/account/redemptions", &json!({"code": code})).await;
    returned.act("refund", &[]).await?;
    redeem(&void).await?.is(400)?;
    checkout.act("refund", &[("amount", "125")]).await?;
    for message in checkout.messages().await? {
        deliver_message(env, &message).await?;
    }
    ensure!(redeem(&code).await?.is(201)?.json == json!({"credits": 150, "available": 190}));
    redeem(&code).await?.is(400)?;
    checkout.act("refund", &[]).await?;
    ensure!(ben.credits().await? == (190, 0));
    Ok(())
}

async fn gift_does_not_tell_who_redeemed_it_once_they_are_erased(env: &'static TestEnv) -> Result<()> {
    let (ada, ben) = (env.user().await?, env.user().await?);
    let (checkout, code) = buy_gift(&ada, "stripe", "starter").await?;
    ben.post("/v1/account/redemptions", &json!({"code": code})).await?.is(201)?;
    ensure!(format!("{:?}", scan(env).await?).contains(&ben.account_id), "the control");
    erase(&ben).await?;
    ensure!(!format!("{:?}", scan(env).await?).contains(&ben.account_id), "something names the erased account");
    ensure!(checkout.poll().await?["gift"]["state"] == "redeemed");
    // Its code is used up, and money that is returned now is the buyer's to give back.
    let again = ada.post("/v1/account/redemptions", &json!({"code": code})).await?;
    again.is(400)?;
    checkout.act("refund", &[]).await?;
    checkout.check("refunded", 200, 200, -160).await
}

async fn gift_of_an_account_that_is_frozen_for_its_payments_ends_with_it(env: &'static TestEnv) -> Result<()> {
    let (ada, ben) = (env.user().await?, env.user().await?);
    let (_, first) = buy_gift(&ada, "stripe", "starter").await?;
    let (disputed, second) = buy_gift(&ada, "stripe", "starter").await?;
    disputed.act("dispute", &[]).await?;
    erase(&ada).await?;
    for code in [first, second] {
        ben.post("/v1/account/redemptions", &json!({"code": code})).await?.is(400)?;
    }
    Ok(())
}
