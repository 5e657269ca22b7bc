//! Payments that arrive for an account that no longer exists.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::telemetry::Metric;
use serde_json::json;

use crate::env::{
    checkouts::{Checkout, delete_account_items, with_messages_held},
    http::{ApiResponse, text},
    logs::{measurements, wait_for_metric},
    paypal::{act_and_drain, pending_paypal},
    staff_access::{StaffAccess, reviews},
    stripe::{SESSION_COMPLETED, begin_stripe, payment_item, post_signed_event},
    table::{Item, put_item, scan, string},
    test_env::TestEnv,
    trial::tests,
};

tests![
    b4_stripe_payment_for_an_erased_account_is_recorded,
    b4_paypal_payment_for_an_erased_account_is_recorded,
    b4_p20_late_payment_of_an_expired_checkout_is_unclaimed,
];

async fn b4_stripe_payment_for_an_erased_account_is_recorded(env: &'static TestEnv) -> Result<()> {
    for half_way in [false, true] {
        let ada = env.user().await?;
        let checkout = begin_stripe(&ada).await?;
        let before = measurements(env, Metric::UnclaimedPayments).await?;
        with_messages_held(env, async || {
            checkout.act("pay", &[]).await?;
            let payment = payment_item(&checkout).await?;
            delete_account_items(&ada).await?;
            if half_way {
                // The account item is deleted first; its payment and pointer still exist.
                let pk = AttributeValue::S(format!("PAYMENT#{}", checkout.id));
                let sk = AttributeValue::S("POINTER".to_owned());
                let mut pointer = Item::from([("pk".to_owned(), pk), ("sk".to_owned(), sk)]);
                pointer.extend(["account"].map(|name| (name.to_owned(), AttributeValue::S(ada.account_id.clone()))));
                pointer.insert("payment".to_owned(), AttributeValue::S(checkout.id.clone()));
                put_item(env, payment).await?;
                put_item(env, pointer).await?;
            }
            Ok(())
        })
        .await?;
        ensure!(checkout.message(SESSION_COMPLETED).await?["state"] == "delivered");
        let items = scan(env).await?;
        let pk = format!("PAYMENT#{}", checkout.id);
        let unclaimed = items.iter().find(|item| string(item, "pk") == pk && string(item, "sk") == "UNCLAIMED");
        let unclaimed = unclaimed.with_context(|| format!("it is not recorded; during an erasure: {half_way}"))?;
        ensure!(string(unclaimed, "transaction").starts_with("pi_"), "{unclaimed:?}");
        let total = unclaimed.get("total").and_then(|total| total.as_m().ok()).context("without the amount")?;
        ensure!(total.get("amount").and_then(|amount| amount.as_n().ok()).is_some_and(|amount| amount == "500"));
        wait_for_metric(env, Metric::UnclaimedPayments, before).await?;
        let gone = format!("ACCOUNT#{}", ada.account_id);
        ensure!(!items.iter().any(|item| string(item, "pk") == gone && string(item, "sk") == "ACCOUNT"));
        if half_way {
            // The erasure completes.
            delete_account_items(&ada).await?;
        }
    }
    Ok(())
}

async fn b4_paypal_payment_for_an_erased_account_is_recorded(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = pending_paypal(&ada).await?;
    let before = measurements(env, Metric::UnclaimedPayments).await?;
    delete_account_items(&ada).await?;
    act_and_drain(&checkout, "complete", &[]).await?;
    let items = scan(env).await?;
    let pk = format!("PAYMENT#{}", checkout.id);
    let unclaimed = items.iter().find(|item| string(item, "pk") == pk && string(item, "sk") == "UNCLAIMED");
    let unclaimed = unclaimed.context("it is not recorded")?;
    let total = unclaimed.get("total").and_then(|total| total.as_m().ok()).context("without the amount")?;
    ensure!(total.get("amount").and_then(|amount| amount.as_n().ok()).is_some_and(|amount| amount == "500"));
    wait_for_metric(env, Metric::UnclaimedPayments, before).await?;
    let gone = format!("ACCOUNT#{}", ada.account_id);
    ensure!(!items.iter().any(|item| string(item, "pk") == gone), "a deleted item exists again");
    let listed = reviews(&env.staff().await?, "unclaimed").await?;
    let listed = listed.iter().find(|money| money["payment"] == checkout.id.as_str()).context("staff do not see it")?;
    ensure!(listed["total"] == json!({"amount": 500, "currency": "EUR"}) && listed["provider"] == "paypal", "{listed}");
    Ok(())
}

/// Returns the time to live of the payment and of its pointer.
async fn lifetimes(checkout: &Checkout<'_>) -> Result<[Option<i64>; 2]> {
    let pointer = format!("PAYMENT#{}", checkout.id);
    let items = scan(checkout.user.env).await?;
    let pointer = items.iter().find(|item| string(item, "pk") == pointer && string(item, "sk") == "POINTER");
    let until = |item: &Item| item.get("ttl").and_then(|until| until.as_n().ok()?.parse::<i64>().ok());
    Ok([until(&payment_item(checkout).await?), until(pointer.context("no pointer exists")?)])
}

async fn b4_p20_late_payment_of_an_expired_checkout_is_unclaimed(env: &'static TestEnv) -> Result<()> {
    let (ada, grace) = (env.user().await?, env.staff().await?);
    let checkout = begin_stripe(&ada).await?;
    ensure!(lifetimes(&checkout).await? == [None, None]);
    checkout.act("expire", &[]).await?;
    checkout.check("expired", 0, 0, 40).await?;
    let created_at: Timestamp = text(&checkout.known().await?, "created_at")?.parse()?;
    let until = (created_at + SignedDuration::from_hours(24 * 90)).as_second();
    ensure!(lifetimes(&checkout).await? == [Some(until); 2], "{:?}", lifetimes(&checkout).await?);

    // The time to live deletes both, one after the other.
    let clients = env.clients()?;
    let remove = async |pk: String, sk: String| -> Result<()> {
        let request = clients.dynamodb().delete_item().table_name(env.output("TableName")?);
        request.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk)).send().await?;
        Ok(())
    };
    let reference = format!("PAYMENT#{}", checkout.id);
    let before = measurements(env, Metric::UnclaimedPayments).await?;
    let object = json!({"id": checkout.hosted, "client_reference_id": checkout.id, "payment_status": "paid"});
    let event =
        json!({"id": "evt_1", "type": SESSION_COMPLETED, "livemode": false, "data": {"object": object}}).to_string();
    for (pk, sk) in [(format!("ACCOUNT#{}", ada.account_id), reference.clone()), (reference, "POINTER".to_owned())] {
        remove(pk, sk).await?;
        post_signed_event(env, &event).await?.is(204)?;
        let listed = reviews(&grace, "unclaimed").await?;
        let listed: Vec<_> = listed.iter().filter(|money| money["payment"] == checkout.id.as_str()).collect();
        let [money] = listed.as_slice() else { bail!("not once: {listed:?}") };
        ensure!(money["transaction"] == checkout.hosted.as_str() && money["provider"] == "stripe", "{money}");
    }
    wait_for_metric(env, Metric::UnclaimedPayments, before).await?;
    ensure!(ada.credits().await? == (40, 0));

    let path = format!("/v1/staff/unclaimed/{}/refunded", checkout.id);
    let refund = async || ApiResponse::read(grace.request(Method::POST, &path).send().await?).await;
    let refunded = refund().await?.is(200)?.json;
    let name = StaffAccess::to(&grace, &ada).await?.name;
    ensure!(refunded["refunded_at"].is_string() && refunded["refunded_by"] == name.as_str(), "{refunded}");
    refund().await?.is(409)?;
    post_signed_event(env, &event).await?.is(204)?;
    let listed = reviews(&grace, "unclaimed").await?;
    ensure!(
        !listed.iter().any(|money| money["payment"] == checkout.id.as_str()),
        "a refunded payment is still listed: {listed:?}"
    );
    ensure!(measurements(env, Metric::UnclaimedPayments).await? == before + 1, "it is reported repeatedly");
    Ok(())
}
