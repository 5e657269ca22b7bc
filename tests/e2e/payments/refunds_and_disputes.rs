//! Refunds, disputes and fraud warnings of Stripe.

use anyhow::{Context, Result, ensure};
use domain::{accounts::plan::Plan, generations::generation::Generation};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::clock;
use serde_json::{Value, json};
use store::Write;

use crate::env::{
    checkouts::{Checkout, deliver_message},
    http::{ApiResponse, text},
    staff_access::{StaffAccess, reviews},
    test_env::{TestEnv, TestUser, settings},
    trial::tests,
    uploads::{photo, upload_file},
};

tests![
    s7_b3_partial_refund_takes_its_share_once_until_it_fails,
    s8_dispute_freezes_and_moves_credits_but_inquiry_does_not,
    s8_staff_see_until_when_a_dispute_can_be_answered,
    s8_lost_dispute_after_a_refund_stays_lost_when_a_part_is_reinstated,
    s8_appeal_with_large_evidence_changes_nothing_until_it_is_decided,
    s8_b3_refund_and_dispute_of_one_payment_take_credits_once,
    s9_fraud_warning_freezes_the_account_once,
    s10_refund_of_spent_credits_only_blocks_submitting,
    p21_expiry_of_files_follows_the_plan,
];

/// Buys 200 credits for 500 cents. A new account has 40 credits.
async fn paid(user: &TestUser) -> Result<Checkout<'_>> {
    let checkout = Checkout::paid(user, "stripe", "starter").await?;
    checkout.check("paid", 200, 0, 240).await?;
    Ok(checkout)
}

async fn account_status(user: &TestUser) -> Result<String> {
    text(&user.get("/v1/account").await?.is(200)?.json, "status")
}

async fn s7_b3_partial_refund_takes_its_share_once_until_it_fails(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    checkout.act("refund", &[("amount", "125")]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    deliver_message(env, &checkout.message("refund.created").await?).await?;
    deliver_message(env, &checkout.message("charge.refunded").await?).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    checkout.act("refund-pending", &[("amount", "125")]).await?;
    checkout.check("partly_refunded", 200, 100, 140).await?;
    checkout.act("fail-refund", &[]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    let known = checkout.known().await?;
    let refunds = known["refunds"].as_array().context("no refunds")?;
    let undone = refunds.iter().filter(|refund| refund["reverted"] == true).count();
    ensure!(refunds.len() == 2 && undone == 1 && refunds.iter().all(|refund| refund["amount"]["amount"] == 125));
    // Repeated events of the failed refund take nothing.
    for message in checkout.messages().await?.iter().rev() {
        deliver_message(env, message).await?;
    }
    checkout.check("partly_refunded", 200, 50, 190).await?;
    // Fractions of a credit are rounded in the buyer's favor.
    checkout.act("refund", &[("amount", "1")]).await?;
    checkout.check("partly_refunded", 200, 50, 190).await?;
    checkout.act("refund", &[]).await?;
    checkout.check("refunded", 200, 200, 40).await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["plan"] == "free");
    Ok(())
}

async fn s8_dispute_freezes_and_moves_credits_but_inquiry_does_not(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
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

    let bob = env.user().await?;
    let lost = paid(&bob).await?;
    for action in ["dispute", "withdraw-funds", "submit-evidence", "lose"] {
        lost.act(action, &[]).await?;
    }
    lost.check("lost", 200, 200, 40).await?;
    for message in lost.messages().await?.iter().rev() {
        deliver_message(env, message).await?;
    }
    lost.check("lost", 200, 200, 40).await
}

async fn s8_staff_see_until_when_a_dispute_can_be_answered(env: &'static TestEnv) -> Result<()> {
    let (ada, grace) = (env.user().await?, env.staff().await?);
    let checkout = paid(&ada).await?;
    checkout.act("dispute", &[]).await?;
    let access = StaffAccess::to(&grace, &ada).await?;
    let dispute = async || -> Result<Value> {
        Ok(access.read("payments").await?.is(200)?.json["items"][0]["disputes"][0].clone())
    };
    let open = dispute().await?;
    let days = text(&open, "respond_by")?.parse::<Timestamp>()?.duration_since(clock::now()).as_hours() / 24;
    ensure!(open["state"] == "open" && open["amount"]["amount"] == 500 && (5..=7).contains(&days), "{open}");
    ensure!(checkout.known().await?["disputes"] == json!([]), "the owner is told by their bank");
    checkout.act("win", &[]).await?;
    ensure!(dispute().await?["state"] == "won");
    Ok(())
}

async fn s8_lost_dispute_after_a_refund_stays_lost_when_a_part_is_reinstated(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    checkout.act("refund", &[("amount", "200")]).await?;
    for action in ["dispute", "withdraw-funds", "lose"] {
        checkout.act(action, &[]).await?;
    }
    checkout.check("lost", 200, 200, 40).await?;
    checkout.act("reinstate-part", &[("amount", "200")]).await?;
    checkout.check("lost", 200, 200, 40).await?;
    for message in checkout.messages().await?.iter().rev() {
        deliver_message(env, message).await?;
    }
    checkout.check("lost", 200, 200, 40).await
}

async fn s8_appeal_with_large_evidence_changes_nothing_until_it_is_decided(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    for action in ["dispute", "withdraw-funds", "lose", "appeal"] {
        checkout.act(action, &[]).await?;
    }
    checkout.act("submit-evidence", &[("evidence", "150000")]).await?;
    checkout.check("lost", 200, 200, 40).await?;
    let messages = checkout.messages().await?;
    let delivered = messages.iter().filter(|message| message["state"] == "delivered").count();
    ensure!(delivered == messages.len(), "{delivered} of {} events were accepted", messages.len());
    checkout.act("win", &[]).await?;
    checkout.act("reinstate-funds", &[]).await?;
    checkout.check("won", 200, 0, 240).await
}

async fn s8_b3_refund_and_dispute_of_one_payment_take_credits_once(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    checkout.act("refund", &[("amount", "300")]).await?;
    for action in ["dispute", "withdraw-funds", "lose"] {
        checkout.act(action, &[]).await?;
    }
    checkout.check("lost", 200, 200, 40).await
}

async fn s9_fraud_warning_freezes_the_account_once(env: &'static TestEnv) -> Result<()> {
    let (ada, staff) = (env.user().await?, env.staff().await?);
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
        ApiResponse::read(request.send().await?).await?.is(200)?;
    }
    ensure!(account_status(&ada).await? == "active");
    // A repeated warning does not freeze again.
    deliver_message(env, &checkout.message("radar.early_fraud_warning.created").await?).await?;
    ensure!(account_status(&ada).await? == "active");
    Ok(())
}

async fn s10_refund_of_spent_credits_only_blocks_submitting(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = paid(&ada).await?;
    let video = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 8000});
    let mut videos = Vec::new();
    for _ in 0..3 {
        videos.push(ada.submit(&video).await?);
    }
    for id in &videos {
        ada.ended(id).await?;
    }
    let spent = 240 - ada.credits().await?.0;
    ensure!(spent > 40, "only {spent} were spent");
    checkout.act("refund", &[]).await?;
    checkout.check("refunded", 200, 200, 40 - spent).await?;
    let image = json!({"model": "sketch-image", "prompt": "a vase", "width": 320, "height": 320});
    ada.post("/v1/generations", &image).await?.is(402)?;
    // Everything else is allowed.
    ensure!(account_status(&ada).await? == "active");
    let made = ada.get(&format!("/v1/generations/{}", videos[0])).await?.is(200)?.json;
    ada.fetch(&text(&made["outputs"][0]["file"], "url")?).await?.is(200)?;
    let share = json!({"expires_in_s": 3600});
    ada.post(&format!("/v1/generations/{}/outputs/1/shares", videos[0]), &share).await?.is(201)?;
    ada.patch("/v1/account", &json!({"display_name": "Ada"})).await?.is(200)?;
    ada.delete(&format!("/v1/generations/{}", videos[1])).await?.is(204)?;
    let again = Checkout::paid(&ada, "stripe", "starter").await?;
    again.check("paid", 200, 0, 240 - spent).await?;
    ada.ended(&ada.submit(&image).await?).await?;
    Ok(())
}

async fn p21_expiry_of_files_follows_the_plan(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = ada.finished_image("a vase").await?;
    let upload = upload_file(&ada, "image/png", &photo("image/png")?).await?;
    let (image_path, upload_path) = (path_of("generations", &image)?, path_of("uploads", &upload)?);
    let expire_by = async |plan| -> Result<()> {
        expires_at(&ada, &image_path, by_plan(plan, &image["ended_at"])?).await?;
        expires_at(&ada, &upload_path, by_plan(plan, &upload["created_at"])?).await
    };
    expire_by(Plan::Free).await?;
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    expire_by(Plan::Plus).await?;

    // An image that only the paid plan keeps by now.
    let old = ada.finished_image("an old vase").await?;
    let old_path = path_of("generations", &old)?;
    let (table, account) = (env.table()?, ada.account()?);
    let stored = table.generation(account, text(&old, "id")?.parse()?).await?.context("no generation")?;
    let ended_at = clock::now() - SignedDuration::from_hours(24 * 100);
    let aged = Generation {
        ended_at: Some(ended_at),
        expires_at: Some(settings().plans.expires_at(Plan::Plus, ended_at)),
        version: stored.version + 1,
        ..stored
    };
    table.commit(&[Write::Generation(&aged)]).await?;

    let week = SignedDuration::from_hours(24 * 7);
    let before = clock::now();
    checkout.act("refund", &[]).await?;
    let after = clock::now();
    expire_by(Plan::Free).await?;
    let shortened = ada.get(&old_path).await?.is(200)?.json;
    let expires_at: Timestamp = text(&shortened, "expires_at")?.parse()?;
    ensure!((before + week..=after + week).contains(&expires_at), "{shortened}");
    ensure!(table.plan_change(account).await?.is_none(), "the change of the plan is still due");
    Ok(())
}

fn path_of(area: &str, item: &Value) -> Result<String> {
    Ok(format!("/v1/{area}/{}", text(item, "id")?))
}

fn by_plan(plan: Plan, stored_at: &Value) -> Result<Timestamp> {
    Ok(settings().plans.expires_at(plan, stored_at.as_str().context("no time")?.parse()?))
}

/// Waits until a file expires at this time.
async fn expires_at(user: &TestUser, path: &str, expected: Timestamp) -> Result<()> {
    user.env.sweep(clock::now()).await?;
    user.eventually(path, |file| file["expires_at"] == json!(expected)).await.map(drop)
}
