//! Money that comes when nobody is there any more to get something for it.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::telemetry::Metric;
use serde_json::json;

use crate::{
    afterwards::{scan, string},
    authorization::Item,
    buying::{Checkout, erase, held},
    fraud::reviews,
    observability::{measured_again, measurements, put_item},
    paypal_messages::{act, pending},
    stripe_messages::{COMPLETED, begin, payment_item, post_signed},
    tests,
    world::{Answer, TestEnv, text},
};

tests![
    b4_money_from_stripe_for_an_erased_account_is_recorded_and_reported,
    b4_money_from_paypal_for_an_erased_account_is_recorded_and_reported,
    b4_p20_a_checkout_that_nobody_paid_goes_and_money_that_comes_later_waits_for_staff,
];

async fn b4_money_from_stripe_for_an_erased_account_is_recorded_and_reported(world: &'static TestEnv) -> Result<()> {
    for half_way in [false, true] {
        let ada = world.person().await?;
        let checkout = begin(&ada).await?;
        let before = measurements(world, Metric::UnclaimedPayments).await?;
        held(world, async || {
            checkout.act("pay", &[]).await?;
            let payment = payment_item(&checkout).await?;
            erase(&ada).await?;
            if half_way {
                // The account goes first; its payment and what points there are still there.
                let pk = AttributeValue::S(format!("PAYMENT#{}", checkout.id));
                let sk = AttributeValue::S("POINTER".to_owned());
                let mut pointer = Item::from([("pk".to_owned(), pk), ("sk".to_owned(), sk)]);
                pointer.extend(["account"].map(|name| (name.to_owned(), AttributeValue::S(ada.account_id.clone()))));
                pointer.insert("payment".to_owned(), AttributeValue::S(checkout.id.clone()));
                put_item(world, payment).await?;
                put_item(world, pointer).await?;
            }
            Ok(())
        })
        .await?;
        ensure!(checkout.message(COMPLETED).await?["state"] == "delivered");
        let items = scan(world).await?;
        let pk = format!("PAYMENT#{}", checkout.id);
        let unclaimed = items.iter().find(|item| string(item, "pk") == pk && string(item, "sk") == "UNCLAIMED");
        let unclaimed = unclaimed.with_context(|| format!("it is not recorded, half way: {half_way}"))?;
        ensure!(string(unclaimed, "transaction") == checkout.hosted, "{unclaimed:?}");
        measured_again(world, Metric::UnclaimedPayments, before).await?;
        let gone = format!("ACCOUNT#{}", ada.account_id);
        ensure!(!items.iter().any(|item| string(item, "pk") == gone && string(item, "sk") == "ACCOUNT"));
        if half_way {
            // The erasure ends.
            erase(&ada).await?;
        }
    }
    Ok(())
}

async fn b4_money_from_paypal_for_an_erased_account_is_recorded_and_reported(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = pending(&ada).await?;
    let before = measurements(world, Metric::UnclaimedPayments).await?;
    erase(&ada).await?;
    act(&checkout, "complete", &[]).await?;
    let items = scan(world).await?;
    let pk = format!("PAYMENT#{}", checkout.id);
    let unclaimed = items.iter().find(|item| string(item, "pk") == pk && string(item, "sk") == "UNCLAIMED");
    let unclaimed = unclaimed.context("it is not recorded")?;
    let total = unclaimed.get("total").and_then(|total| total.as_m().ok()).context("without the amount")?;
    ensure!(total.get("amount").and_then(|amount| amount.as_n().ok()).is_some_and(|amount| amount == "500"));
    measured_again(world, Metric::UnclaimedPayments, before).await?;
    let gone = format!("ACCOUNT#{}", ada.account_id);
    ensure!(!items.iter().any(|item| string(item, "pk") == gone), "something came back");
    let listed = reviews(&world.staff().await?, "unclaimed").await?;
    let listed = listed.iter().find(|money| money["payment"] == checkout.id.as_str()).context("staff do not see it")?;
    ensure!(listed["total"] == json!({"amount": 500, "currency": "EUR"}) && listed["provider"] == "paypal", "{listed}");
    Ok(())
}

/// What the table's time to live goes by, of the payment and of what points to it.
async fn lifetimes(checkout: &Checkout<'_>) -> Result<[Option<i64>; 2]> {
    let pointer = format!("PAYMENT#{}", checkout.id);
    let items = scan(checkout.person.world).await?;
    let pointer = items.iter().find(|item| string(item, "pk") == pointer && string(item, "sk") == "POINTER");
    let until = |item: &Item| item.get("ttl").and_then(|until| until.as_n().ok()?.parse::<i64>().ok());
    Ok([until(&payment_item(checkout).await?), until(pointer.context("nothing points there")?)])
}

async fn b4_p20_a_checkout_that_nobody_paid_goes_and_money_that_comes_later_waits_for_staff(
    world: &'static TestEnv,
) -> Result<()> {
    let (ada, grace) = (world.person().await?, world.staff().await?);
    let checkout = begin(&ada).await?;
    ensure!(lifetimes(&checkout).await? == [None, None]);
    checkout.act("expire", &[]).await?;
    checkout.check("expired", 0, 0, 40).await?;
    let created_at: Timestamp = text(&checkout.known().await?, "created_at")?.parse()?;
    let until = (created_at + SignedDuration::from_hours(24 * 90)).as_second();
    ensure!(lifetimes(&checkout).await? == [Some(until); 2], "{:?}", lifetimes(&checkout).await?);

    // The table's time to live removes both, one after the other.
    let clients = world.clients()?;
    let remove = async |pk: String, sk: String| -> Result<()> {
        let request = clients.dynamodb().delete_item().table_name(world.output("TableName")?);
        request.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk)).send().await?;
        Ok(())
    };
    let reference = format!("PAYMENT#{}", checkout.id);
    let before = measurements(world, Metric::UnclaimedPayments).await?;
    let object = json!({"id": checkout.hosted, "client_reference_id": checkout.id, "payment_status": "paid"});
    let event = json!({"id": "evt_1", "type": COMPLETED, "livemode": false, "data": {"object": object}}).to_string();
    for (pk, sk) in [(format!("ACCOUNT#{}", ada.account_id), reference.clone()), (reference, "POINTER".to_owned())] {
        remove(pk, sk).await?;
        post_signed(world, &event).await?.is(204)?;
        let listed = reviews(&grace, "unclaimed").await?;
        let listed: Vec<_> = listed.iter().filter(|money| money["payment"] == checkout.id.as_str()).collect();
        let [money] = listed.as_slice() else { bail!("not once: {listed:?}") };
        ensure!(money["transaction"] == checkout.hosted.as_str() && money["provider"] == "stripe", "{money}");
    }
    measured_again(world, Metric::UnclaimedPayments, before).await?;
    ensure!(ada.credits().await? == (40, 0));

    let path = format!("/v1/staff/unclaimed/{}/refunded", checkout.id);
    let refund = async || Answer::read(grace.request(Method::POST, &path).send().await?).await;
    ensure!(refund().await?.is(200)?.json["refunded_at"].is_string());
    refund().await?.is(409)?;
    post_signed(world, &event).await?.is(204)?;
    let listed = reviews(&grace, "unclaimed").await?;
    ensure!(!listed.iter().any(|money| money["payment"] == checkout.id.as_str()), "it went back: {listed:?}");
    ensure!(measurements(world, Metric::UnclaimedPayments).await? == before + 1, "it is reported again and again");
    Ok(())
}
