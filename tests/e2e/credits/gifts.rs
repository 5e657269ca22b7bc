//! Gifts: one account pays for a package, and another one gets its credits with the code, once.

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::env::{
    checkouts::Checkout,
    http::text,
    staff_access::StaffAccess,
    table::scan,
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    gift_is_redeemed_once_by_an_account_with_its_code,
    gift_gives_what_is_left_of_its_money,
    gift_of_a_frozen_account_waits,
];

/// Buys a package as a gift and returns the checkout with the code.
pub async fn buy_gift<'a>(user: &'a TestUser, provider: &'static str, package: &str) -> Result<(Checkout<'a>, String)> {
    let body = json!({"package": package, "currency": "EUR", "provider": provider, "gift": true});
    let started = user.post("/v1/checkout", &body).await?.is(201)?.json;
    ensure!(started["gift"]["state"] == "waiting" && started["gift"]["code"].is_null(), "{started}");
    let checkout = Checkout::of(user, provider, &started)?;
    checkout.pay().await?;
    let code = text(&checkout.poll().await?["gift"], "code")?;
    Ok((checkout, code))
}

/// Checks what became of a gift, as its buyer sees it.
async fn check_state(checkout: &Checkout<'_>, state: &str) -> Result<Value> {
    let gift = checkout.poll().await?["gift"].clone();
    ensure!(gift["state"] == state && gift["code"].is_string() == (state == "open"), "not {state}: {gift}");
    ensure!(gift["redeemed_by"].is_null(), "a buyer does not see who redeemed it: {gift}");
    Ok(gift)
}

async fn gift_is_redeemed_once_by_an_account_with_its_code(env: &'static TestEnv) -> Result<()> {
    for provider in ["stripe", "paypal"] {
        let ada = env.user().await?;
        // 1,000 credits and the plan Plus.
        let (checkout, code) = buy_gift(&ada, provider, "maker").await?;
        checkout.check("paid", 1_000, 0, 40).await?;
        ensure!(
            checkout.known().await?["gift"]
                == json!({
                    "state": "open", "credits": 1_000, "code": null, "redeemed_at": null, "redeemed_by": null,
                })
        );
        // It is for others: its money could be returned, and its plan would stay.
        ada.post("/v1/account/redemptions", &json!({"code": code})).await?.is(409)?;
        ensure!(ada.get("/v1/account").await?.is(200)?.json["plan"] == "free");

        // Three people at once, each of them twice, as they type it.
        let people = [env.user().await?, env.user().await?, env.user().await?];
        let body = json!({"code": code.to_lowercase().replace('-', " ")});
        let attempts = people.iter().chain(&people).map(|person| person.post("/v1/account/redemptions", &body));
        let answers = join_all(attempts).await.into_iter().collect::<Result<Vec<_>>>()?;
        let redeemed: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        ensure!(
            redeemed.len() == 1 && redeemed[0].json == json!({"credits": 1_000, "available": 1_040}),
            "{answers:?}"
        );
        ensure!(answers.iter().all(|answer| [201, 400].contains(&answer.status.as_u16())), "{answers:?}");
        ensure!(check_state(&checkout, "redeemed").await?["redeemed_at"].is_string());
        let mut redeemers = Vec::new();
        for person in &people {
            let account = person.get("/v1/account").await?.is(200)?.json;
            let has_it = account["credits"]["available"] == 1_040;
            ensure!(account["plan"] == if has_it { "plus" } else { "free" }, "{account}");
            redeemers.extend(has_it.then_some(person));
        }
        let [friend] = redeemers[..] else { anyhow::bail!("not one of them has it") };
        let statement = friend.get("/v1/account/statement").await?.is(200)?.json;
        let entries = statement["entries"].as_array().context("no entries")?;
        ensure!(entries.iter().filter(|entry| entry["cause"]["kind"] == "gift").count() == 1, "{statement}");
        ensure!(!statement.to_string().contains(&checkout.id), "the friend does not learn of the payment");
        checkout.check("paid", 1_000, 0, 40).await?;
        // Not even in what is kept for a repeat of a request.
        let stored = format!("{:?}", scan(env).await?).to_uppercase();
        ensure!(stored.contains(&checkout.id.to_uppercase()), "the control");
        for spelling in [code.clone(), code.replace('-', ""), code.replace('-', " ")] {
            ensure!(!stored.contains(&spelling), "the code is stored");
        }
        // What staff grant and take back is another plan.
        let path = format!("/v1/staff/accounts/{}/plan", friend.account_id);
        let grant = json!({"plan": "free", "note": "nothing more was promised"});
        ensure!(env.staff().await?.post(&path, &grant).await?.is(200)?.json["plan"] == "plus");

        // Staff find where the credits of a payment went.
        let grace = env.staff().await?;
        let listed = StaffAccess::to(&grace, &ada).await?.read("payments").await?.is(200)?.json;
        let gift = &listed["items"][0]["gift"];
        ensure!(gift["redeemed_by"] == friend.account_id.as_str() && gift["code"].is_null(), "{listed}");
    }
    Ok(())
}

async fn gift_gives_what_is_left_of_its_money(env: &'static TestEnv) -> Result<()> {
    let (ada, ben) = (env.user().await?, env.user().await?);
    let redeem = async |code: &str| ben.post("/v1/account/redemptions", &json!({"code": code})).await;
    // 200 credits for 500 cents.
    let (checkout, code) = buy_gift(&ada, "stripe", "starter").await?;
    checkout.act("refund", &[]).await?;
    checkout.check("refunded", 200, 200, 40).await?;
    ensure!(check_state(&checkout, "void").await?["credits"] == 0);
    ensure!(redeem(&code).await?.is(400)?.fields() == ["code"]);

    let (checkout, code) = buy_gift(&ada, "stripe", "starter").await?;
    checkout.act("refund", &[("amount", "125")]).await?;
    checkout.check("partly_refunded", 200, 50, 40).await?;
    ensure!(check_state(&checkout, "open").await?["credits"] == 150);
    ensure!(redeem(&code).await?.is(201)?.json == json!({"credits": 150, "available": 190}));
    // What is returned later is the buyer's to give back: the friend took it in good faith.
    checkout.act("refund", &[]).await?;
    checkout.check("refunded", 200, 200, -110).await?;
    check_state(&checkout, "redeemed").await?;
    ensure!(ben.credits().await? == (190, 0));
    Ok(())
}

async fn gift_of_a_frozen_account_waits(env: &'static TestEnv) -> Result<()> {
    let (ada, ben) = (env.user().await?, env.user().await?);
    let redeem = async |code: &str| ben.post("/v1/account/redemptions", &json!({"code": code})).await;
    let (_, first) = buy_gift(&ada, "stripe", "starter").await?;
    // Of two gifts, one is disputed: the money of the other may be stolen as well.
    let (checkout, second) = buy_gift(&ada, "stripe", "starter").await?;
    checkout.act("dispute", &[]).await?;
    for code in [&first, &second] {
        ensure!(redeem(code).await?.is(400)?.fields() == ["code"]);
    }
    check_state(&checkout, "on_hold").await?;
    let another = json!({"package": "starter", "currency": "EUR", "provider": "stripe", "gift": true});
    ada.post("/v1/checkout", &another).await?.is(403)?;
    checkout.act("win", &[]).await?;
    for code in [&first, &second] {
        redeem(code).await?.is(201)?;
    }
    ensure!(ben.credits().await? == (440, 0));
    Ok(())
}
