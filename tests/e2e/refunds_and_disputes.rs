//! What goes back, and what is fought over: refunds, disputes and warnings of fraud, as Stripe tells of them.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;

use crate::{
    buying::{Checkout, deliver},
    fraud::reviews,
    tests,
    world::{Answer, Person, TestEnv, text},
};

tests![
    s7_b3_partial_refunds_take_their_share_once_and_one_that_fails_gives_it_back,
    s8_an_inquiry_takes_nothing_and_a_dispute_freezes_takes_and_gives_back,
    s8_b3_a_refund_and_a_dispute_of_the_same_money_take_it_once,
    s9_a_warning_of_fraud_freezes,
    s10_credits_that_were_spent_leave_a_debt_that_stops_submitting_only,
];

/// Buys 200 credits for 500 cents. Everybody has 40 before.
async fn paid(person: &Person) -> Result<Checkout<'_>> {
    let checkout = Checkout::paid(person, "stripe", "starter").await?;
    checkout.check("paid", 200, 0, 240).await?;
    Ok(checkout)
}

async fn account_status(person: &Person) -> Result<String> {
    text(&person.get("/v1/account").await?.is(200)?.json, "status")
}

async fn s7_b3_partial_refunds_take_their_share_once_and_one_that_fails_gives_it_back(
    world: &'static TestEnv,
) -> Result<()> {
    let ada = world.person().await?;
    let checkout = paid(&ada).await?;
    checkout.act("refund", &[("amount", "125")]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    deliver(world, &checkout.message("refund.created").await?).await?;
    deliver(world, &checkout.message("charge.refunded").await?).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    checkout.act("refund-pending", &[("amount", "125")]).await?;
    checkout.check("partly_refunded", 200, 100, 140).await?;
    checkout.act("fail-refund", &[]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    let known = checkout.known().await?;
    let refunds = known["refunds"].as_array().context("no refunds")?;
    let undone = refunds.iter().filter(|refund| refund["reverted"] == true).count();
    ensure!(refunds.len() == 2 && undone == 1 && refunds.iter().all(|refund| refund["amount"]["amount"] == 125));
    // The refund that failed was made before it failed: heard again, it takes nothing.
    for message in checkout.messages().await?.iter().rev() {
        deliver(world, message).await?;
    }
    checkout.check("partly_refunded", 200, 50, 190).await?;
    // A third of a cent less than a credit is the buyer's.
    checkout.act("refund", &[("amount", "1")]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    checkout.act("refund", &[]).await?;
    checkout.check("refunded", 200, 200, 40).await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["plan"] == "free");
    Ok(())
}

async fn s8_an_inquiry_takes_nothing_and_a_dispute_freezes_takes_and_gives_back(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = paid(&ada).await?;
    let submit = json!({"model": "sketch-image", "prompt": "a vase", "width": 320, "height": 320});
    checkout.act("open-inquiry", &[]).await?;
    checkout.check("paid", 200, 0, 240).await?;
    ensure!(account_status(&ada).await? == "active");
    checkout.act("escalate", &[]).await?;
    checkout.check("disputed", 200, 0, 240).await?;
    ensure!(account_status(&ada).await? == "frozen");
    ada.post("/v1/generations", &submit).await?.is(403)?;
    checkout.act("withdraw-funds", &[]).await?;
    checkout.check("disputed", 200, 200, 40).await?;
    checkout.act("reinstate-funds", &[]).await?;
    checkout.act("win", &[]).await?;
    checkout.check("won", 200, 0, 240).await?;
    ensure!(account_status(&ada).await? == "active");
    ada.ended(&ada.submit(&submit).await?).await?;

    let bob = world.person().await?;
    let lost = paid(&bob).await?;
    for action in ["dispute", "withdraw-funds", "submit-evidence", "lose"] {
        lost.act(action, &[]).await?;
    }
    lost.check("lost", 200, 200, 40).await?;
    for message in lost.messages().await?.iter().rev() {
        deliver(world, message).await?;
    }
    lost.check("lost", 200, 200, 40).await
}

async fn s8_b3_a_refund_and_a_dispute_of_the_same_money_take_it_once(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = paid(&ada).await?;
    checkout.act("refund", &[("amount", "300")]).await?;
    for action in ["dispute", "withdraw-funds", "lose"] {
        checkout.act(action, &[]).await?;
    }
    checkout.check("lost", 200, 200, 40).await
}

async fn s9_a_warning_of_fraud_freezes(world: &'static TestEnv) -> Result<()> {
    let (ada, staff) = (world.person().await?, world.staff().await?);
    let checkout = paid(&ada).await?;
    checkout.act("early-fraud-warning", &[]).await?;
    checkout.check("paid", 200, 0, 240).await?;
    ensure!(account_status(&ada).await? == "frozen");
    let accounts = reviews(&staff, "account").await?;
    let hers = accounts.iter().find(|frozen| frozen["account"] == ada.account_id.as_str());
    let hers = hers.context("staff are not shown the account")?;
    ensure!(
        hers["freezes"][0]["reason"] == "warning" && hers["freezes"][0]["payment"] == checkout.id.as_str(),
        "{hers}"
    );
    let path = format!("/v1/staff/accounts/{}/spending", ada.account_id);
    let decision = json!({"allowed": true, "note": "she was asked"});
    for _ in 0..2 {
        let request = staff.request(Method::POST, &path).header("idempotency-key", &checkout.id).json(&decision);
        Answer::read(request.send().await?).await?.is(200)?;
    }
    ensure!(account_status(&ada).await? == "active");
    // The same warning again is no news.
    deliver(world, &checkout.message("radar.early_fraud_warning.created").await?).await?;
    ensure!(account_status(&ada).await? == "active");
    Ok(())
}

async fn s10_credits_that_were_spent_leave_a_debt_that_stops_submitting_only(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = paid(&ada).await?;
    let film = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 8000});
    let mut films = Vec::new();
    for _ in 0..3 {
        films.push(ada.submit(&film).await?);
    }
    for id in &films {
        ada.ended(id).await?;
    }
    let spent = 240 - ada.credits().await?.0;
    ensure!(spent > 40, "only {spent} were spent");
    checkout.act("refund", &[]).await?;
    checkout.check("refunded", 200, 200, 40 - spent).await?;
    let picture = json!({"model": "sketch-image", "prompt": "a vase", "width": 320, "height": 320});
    ada.post("/v1/generations", &picture).await?.is(402)?;
    // Nothing else is stopped.
    ensure!(account_status(&ada).await? == "active");
    let made = ada.get(&format!("/v1/generations/{}", films[0])).await?.is(200)?.json;
    ada.fetch(&text(&made["media"][0], "url")?).await?.is(200)?;
    let share = json!({"expires_in_s": 3600});
    ada.post(&format!("/v1/generations/{}/shares", films[0]), &share).await?.is(201)?;
    ada.patch("/v1/account", &json!({"display_name": "Ada"})).await?.is(200)?;
    ada.delete(&format!("/v1/generations/{}", films[1])).await?.is(204)?;
    let again = Checkout::paid(&ada, "stripe", "starter").await?;
    again.check("paid", 200, 0, 240 - spent).await?;
    ada.ended(&ada.submit(&picture).await?).await?;
    Ok(())
}
