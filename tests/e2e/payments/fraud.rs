//! The fraud rules, with the limits of the template, and the decisions of staff.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::env::{
    checkouts::Checkout,
    http::{ApiResponse, text},
    staff_access::reviews,
    test_env::{PASSWORD, TestEnv, TestUser, new_address},
    trial::tests,
};

tests![
    p12_too_many_payments_in_an_hour_are_reviewed,
    p12_payment_with_one_card_too_many_is_reviewed,
    p12_ipn_from_one_paypal_account_too_many_is_reviewed,
    p12_large_purchase_by_a_new_account_is_reviewed,
    p12_refused_payment_stays_held_until_staff_release_it,
    p12_refunded_payment_leaves_the_review_list,
    p12_s9_fraud_warning_freezes_until_staff_lift_it,
    p12_pp9_paypal_case_freezes_until_staff_lift_it,
    p12_s8_dispute_freezes_until_it_is_closed,
    p12_second_lost_dispute_freezes_the_account,
    p12_staff_freeze_shows_the_owner_its_note,
    p12_too_many_accounts_of_one_network_start_frozen,
    p12_review_list_is_paged_and_lists_payments_first,
    p12_staff_routes_are_not_found_for_other_accounts,
];

const PAYMENTS_PER_HOUR: usize = 5;

/// One more card than an account may use in an hour.
const CARDS: [&str; 4] = ["4242424242424242", "4000056655665556", "5555555555554444", "378282246310005"];

/// Returns the payments of this account on the review list.
async fn waiting(grace: &TestUser, ada: &TestUser) -> Result<Vec<Value>> {
    let mut payments = reviews(grace, "payment").await?;
    payments.retain(|payment| payment["account"] == ada.account_id.as_str());
    ensure!(!json!(payments).to_string().contains(&ada.email), "the list names a person");
    Ok(payments)
}

async fn decide(grace: &TestUser, checkout: &Checkout<'_>, release: bool, note: &str) -> Result<ApiResponse> {
    let path = format!("/v1/staff/accounts/{}/payments/{}/decision", checkout.user.account_id, checkout.id);
    grace.post(&path, &json!({"release": release, "note": note})).await
}

async fn allow(grace: &TestUser, ada: &TestUser, allowed: bool, note: &str) -> Result<ApiResponse> {
    let path = format!("/v1/staff/accounts/{}/spending", ada.account_id);
    grace.post(&path, &json!({"allowed": allowed, "note": note})).await
}

/// Checks that only the last of these checkouts is under review, for this reason, and is granted once staff release
/// it.
async fn check_waits(grace: &TestUser, checkouts: &[Checkout<'_>], reason: &str) -> Result<()> {
    let (last, others) = checkouts.split_last().context("no checkouts")?;
    let ada = last.user;
    let mut bought = 40;
    for other in others {
        let paid = other.poll().await?;
        ensure!(paid["status"] == "paid", "{paid}");
        bought += paid["granted"].as_i64().context("no credits")?;
    }
    let held = last.poll().await?;
    ensure!(held["status"] == "in_review" && held["granted"] == 0, "{held}");
    ensure!(ada.credits().await? == (bought, 0));
    let waits = waiting(grace, ada).await?;
    let [listed] = waits.as_slice() else { bail!("one payment is under review, not {waits:?}") };
    ensure!(listed["id"] == held["id"] && listed["reason"] == reason && listed["released"].is_null(), "{listed}");
    ensure!(listed["credits"] == held["credits"] && listed["total"] == held["total"], "{listed}");

    let decided = decide(grace, last, true, "asked the buyer").await?.is(200)?.json;
    ensure!(decided["released"] == true && decided["note"] == "asked the buyer", "{decided}");
    let paid = last.poll().await?;
    ensure!(paid["status"] == "paid" && paid["granted"] == paid["credits"], "{paid}");
    ensure!(ada.credits().await?.0 == bought + paid["granted"].as_i64().context("no credits")?);
    ensure!(waiting(grace, ada).await?.is_empty(), "it is still under review");
    // A granted payment cannot be decided again.
    decide(grace, last, false, "changed my mind").await?.is(409)?;
    Ok(())
}

async fn p12_too_many_payments_in_an_hour_are_reviewed(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let mut checkouts = Vec::new();
    for number in 0..=PAYMENTS_PER_HOUR {
        let provider = if number % 2 == 0 { "stripe" } else { "paypal" };
        checkouts.push(Checkout::paid(&ada, provider, "starter").await?);
    }
    check_waits(&grace, &checkouts, "many_payments").await
}

async fn p12_payment_with_one_card_too_many_is_reviewed(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let mut checkouts = Vec::new();
    // The first card pays twice, and counts once.
    for card in CARDS.iter().take(1).chain(&CARDS) {
        let checkout = Checkout::start(&ada, "stripe", "starter").await?;
        checkout.act("pay", &[("card", *card)]).await?;
        checkouts.push(checkout);
    }
    check_waits(&grace, &checkouts, "many_cards").await
}

async fn p12_ipn_from_one_paypal_account_too_many_is_reviewed(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let mut checkouts = Vec::new();
    for payer in ["a@buyer.example", "b@buyer.example", "c@buyer.example", "d@buyer.example"] {
        let checkout = Checkout::start(&ada, "paypal", "starter").await?;
        checkout.act("approve-pending", &[("email", payer)]).await?;
        ensure!(checkout.capture().await?.is(200)?.json["status"] == "pending");
        checkout.act("complete", &[]).await?;
        ada.eventually("/v1/checkout", |listed| listed["items"][0]["status"] != "pending").await?;
        checkouts.push(checkout);
    }
    check_waits(&grace, &checkouts, "many_cards").await
}

async fn p12_review_list_is_paged_and_lists_payments_first(env: &'static TestEnv) -> Result<()> {
    let (grace, ada, bob) = (env.staff().await?, env.user().await?, env.user().await?);
    Checkout::paid(&ada, "paypal", "studio").await?;
    let held = Checkout::paid(&ada, "paypal", "studio").await?;
    allow(&grace, &bob, false, "on a page of its own").await?.is(200)?;
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = grace.get(&format!("/v1/staff/reviews?limit=1{next}")).await?.is(200)?.json;
        let items = page["items"].as_array().context("no items")?;
        ensure!(items.len() <= 1, "{page}");
        let about = |item: &&Value| [&ada.account_id, &bob.account_id].iter().any(|id| item["account"] == id.as_str());
        for item in items.iter().filter(about) {
            seen.push(text(item, "kind")?);
            if item["id"] == held.id.as_str() {
                // The next page starts after the released payment.
                decide(&grace, &held, true, "asked the buyer").await?.is(200)?;
            }
        }
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    ensure!(seen == ["payment", "account"], "{seen:?}");
    // A cursor is valid only for the staff member it was given to.
    env.staff().await?.get(&format!("/v1/staff/reviews?limit=1{next}")).await?.is(400)?;
    allow(&grace, &bob, true, "it was seen").await?.is(200)?;
    Ok(())
}

async fn p12_large_purchase_by_a_new_account_is_reviewed(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let mut checkouts = Vec::new();
    for package in ["studio", "maker", "starter"] {
        checkouts.push(Checkout::paid(&ada, "stripe", package).await?);
    }
    check_waits(&grace, &checkouts, "new_account").await
}

async fn p12_refused_payment_stays_held_until_staff_release_it(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    Checkout::paid(&ada, "paypal", "studio").await?;
    let held = Checkout::paid(&ada, "paypal", "studio").await?;
    decide(&grace, &held, false, "").await?.is(400)?;
    decide(&grace, &held, false, "a stolen account").await?.is(200)?;
    let refused = held.poll().await?;
    ensure!(refused["status"] == "in_review" && refused["granted"] == 0, "{refused}");
    // A partial refund takes no credits, as none were granted.
    held.act("refund", &[("amount", "100")]).await?;
    ada.eventually(&format!("/v1/checkout/{}", held.id), |view| view["status"] == "partly_refunded").await?;
    ensure!(ada.credits().await? == (5_040, 0));
    let waits = waiting(&grace, &ada).await?;
    let [listed] = waits.as_slice() else { bail!("it is no longer listed") };
    ensure!(listed["released"] == false && listed["note"] == "a stolen account", "{listed}");
    decide(&grace, &held, true, "it was the owner after all").await?.is(200)?;
    // 5,000 credits for 80.00, of which 1.00 went back.
    ensure!(ada.credits().await? == (5_040 + 5_000 - 62, 0));
    Ok(())
}

async fn p12_refunded_payment_leaves_the_review_list(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    Checkout::paid(&ada, "stripe", "studio").await?;
    for decided in [false, true] {
        let held = Checkout::paid(&ada, "stripe", "studio").await?;
        if decided {
            decide(&grace, &held, false, "a stolen card").await?.is(200)?;
        }
        ensure!(waiting(&grace, &ada).await?.len() == 1);
        held.act("refund", &[]).await?;
        let refunded = held.poll().await?;
        ensure!(refunded["status"] == "refunded" && refunded["granted"] == 0, "{refunded}");
        ensure!(waiting(&grace, &ada).await?.is_empty(), "a refunded payment is still under review");
    }
    ensure!(ada.credits().await? == (5_040, 0));
    Ok(())
}

/// Checks that spending is blocked for this reason, and nothing else is.
async fn check_frozen(ada: &TestUser, reason: &str) -> Result<()> {
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["status"] == "frozen" && account["frozen_for"][0]["reason"] == reason, "{account}");
    let body = json!({"model": "sketch-image", "prompt": "a cold day", "width": 320, "height": 320});
    let refused = ada.post("/v1/generations", &body).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:account-status", "{}", refused.json);
    ada.get("/v1/account/statement").await?.is(200)?;
    ada.get("/v1/generations").await?.is(200)?;
    ada.patch("/v1/account", &json!({"display_name": "Ada"})).await?.is(200)?;
    let before = ada.credits().await?.0;
    ensure!(Checkout::paid(ada, "paypal", "starter").await?.poll().await?["granted"] == 200);
    ensure!(ada.credits().await?.0 == before + 200, "a frozen account must still get bought credits");
    Ok(())
}

/// Checks that spending is allowed.
async fn check_unfrozen(ada: &TestUser) -> Result<()> {
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["status"] == "active" && account["frozen_for"] == json!([]), "{account}");
    ada.finished_image("spring").await.map(drop)
}

/// Checks that staff see the reason of the freeze and can lift it once.
async fn check_lifted(grace: &TestUser, ada: &TestUser, reason: &str) -> Result<()> {
    let accounts = reviews(grace, "account").await?;
    let listed = accounts.iter().find(|account| account["account"] == ada.account_id.as_str());
    let listed = listed.context("the account is not listed")?;
    ensure!(listed["freezes"][0]["reason"] == reason, "{listed}");
    let lifted = allow(grace, ada, true, "the buyer showed the card").await?.is(200)?.json;
    let freeze = &lifted["freezes"][0];
    ensure!(freeze["lifted_at"].is_string() && freeze["note"] == "the buyer showed the card", "{lifted}");
    check_unfrozen(ada).await?;
    allow(grace, ada, true, "once more").await?.is(409)?;
    Ok(())
}

async fn p12_s9_fraud_warning_freezes_until_staff_lift_it(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    checkout.act("early-fraud-warning", &[]).await?;
    check_frozen(&ada, "warning").await?;
    ensure!(checkout.poll().await?["clawed_back"] == 0, "a warning takes nothing");
    check_lifted(&grace, &ada, "warning").await?;
    // A later event of the payment does not apply the same warning again.
    checkout.act("refund", &[("amount", "100")]).await?;
    check_unfrozen(&ada).await
}

async fn p12_pp9_paypal_case_freezes_until_staff_lift_it(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let checkout = Checkout::paid(&ada, "paypal", "starter").await?;
    checkout.act("open-case", &[]).await?;
    ada.eventually("/v1/account", |account| account["status"] == "frozen").await?;
    check_frozen(&ada, "warning").await?;
    ensure!(checkout.poll().await?["clawed_back"] == 0, "a case takes nothing");
    check_lifted(&grace, &ada, "warning").await
}

async fn p12_s8_dispute_freezes_until_it_is_closed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    checkout.act("open-inquiry", &[]).await?;
    check_unfrozen(&ada).await?;
    checkout.act("escalate", &[]).await?;
    check_frozen(&ada, "dispute").await?;
    checkout.act("withdraw-funds", &[]).await?;
    ensure!(checkout.poll().await?["clawed_back"] == 200);
    checkout.act("win", &[]).await?;
    ensure!(checkout.poll().await?["clawed_back"] == 0);
    check_unfrozen(&ada).await
}

async fn p12_second_lost_dispute_freezes_the_account(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let lose = async |ada| -> Result<()> {
        let checkout = Checkout::paid(ada, "stripe", "starter").await?;
        for act in ["dispute", "withdraw-funds", "lose"] {
            checkout.act(act, &[]).await?;
        }
        ensure!(checkout.poll().await?["status"] == "lost");
        Ok(())
    };
    lose(&ada).await?;
    check_unfrozen(&ada).await?;
    lose(&ada).await?;
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["frozen_for"][0]["reason"] == "lost_disputes", "{account}");
    check_frozen(&ada, "lost_disputes").await?;
    allow(&grace, &ada, true, "both were the bank's mistake").await?.is(200)?;
    check_unfrozen(&ada).await?;
    // A further lost dispute is a new reason.
    lose(&ada).await?;
    check_frozen(&ada, "lost_disputes").await
}

async fn p12_staff_freeze_shows_the_owner_its_note(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let frozen = allow(&grace, &ada, false, "she asked for it").await?.is(200)?.json;
    ensure!(frozen["freezes"][0]["note"] == "she asked for it", "{frozen}");
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["frozen_for"][0]["note"] == "she asked for it", "{account}");
    check_frozen(&ada, "staff").await?;
    check_lifted(&grace, &ada, "staff").await
}

async fn p12_too_many_accounts_of_one_network_start_frozen(env: &'static TestEnv) -> Result<()> {
    // The network of the other tests has a window from now on.
    let grace = env.staff().await?;
    let counted_before = networks(env).await?;
    let first = user_of_another_network(env).await?;
    check_unfrozen(&first).await?;
    let mut counted = networks(env).await?;
    counted.retain(|pk| !counted_before.contains(pk));
    ensure!(counted.len() == 2, "an address and its /24 must be new, not {counted:?}");
    // The limit of this stack is high for the other tests: this raises the counters of the network to it.
    let clients = env.clients()?;
    for network in counted {
        let window = clients.dynamodb().update_item().table_name(env.output("TableName")?);
        let window = window.key("pk", AttributeValue::S(network)).key("sk", AttributeValue::S("WINDOW".to_owned()));
        let more = window.update_expression("ADD hits :more");
        more.expression_attribute_values(":more", AttributeValue::N("100000".to_owned())).send().await?;
    }

    let crowded = user_of_another_network(env).await?;
    check_frozen(&crowded, "many_accounts").await?;
    check_unfrozen(&first).await?;
    check_lifted(&grace, &crowded, "many_accounts").await
}

/// Returns the keys of the windows that count accounts by network.
async fn networks(env: &TestEnv) -> Result<Vec<String>> {
    let clients = env.clients()?;
    let scan =
        clients.dynamodb().scan().table_name(env.output("TableName")?).filter_expression("begins_with(pk, :kind)");
    let scan = scan.expression_attribute_values(":kind", AttributeValue::S("WINDOW#accounts#".to_owned()));
    let windows = scan.into_paginator().items().send().try_collect().await?;
    Ok(windows.iter().filter_map(|window| window.get("pk")?.as_s().ok().cloned()).collect())
}

/// Creates a user whose first sign-in comes from a network of its own.
async fn user_of_another_network(env: &'static TestEnv) -> Result<TestUser> {
    let mut user = env.visitor()?;
    user.email = new_address();
    let credentials = json!({"email": user.email, "password": PASSWORD});
    user.sign_up().await?;
    let event = std::fs::read_to_string(stack::workspace().join("events/session/sign-in.json"))?;
    let mut event: Value = serde_json::from_str(&event)?;
    event["requestContext"]["http"]["sourceIp"] = json!("198.51.100.7");
    event["body"] = json!(credentials.to_string());
    let response = env.invoke("Session", &event).await?;
    ensure!(response["statusCode"] == 200, "{response}");
    let session: Value = serde_json::from_str(&text(&response, "body")?)?;
    user.token = Some(text(&session, "access_token")?);
    user.account_id = text(&session, "account_id")?;
    Ok(user)
}

async fn p12_staff_routes_are_not_found_for_other_accounts(env: &'static TestEnv) -> Result<()> {
    let (ada, bob, visitor) = (env.user().await?, env.user().await?, env.visitor()?);
    Checkout::paid(&ada, "paypal", "studio").await?;
    let held = Checkout::paid(&ada, "paypal", "studio").await?;
    for (caller, status) in [(&ada, 404), (&bob, 404), (&visitor, 401)] {
        caller.get("/v1/staff/reviews").await?.is(status)?;
        decide(caller, &held, true, "please").await?.is(status)?;
        allow(caller, &ada, false, "please").await?.is(status)?;
    }
    ensure!(held.poll().await?["status"] == "in_review");
    ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "active");
    // Staff get 404 as well for what does not exist.
    let grace = env.staff().await?;
    let decision = json!({"allowed": true, "note": "who is this?"});
    grace.post(&format!("/v1/staff/accounts/{}/spending", uuid::Uuid::nil()), &decision).await?.is(404)?;
    let path = format!("/v1/staff/accounts/{}/payments/{}/decision", bob.account_id, held.id);
    grace.post(&path, &json!({"release": true, "note": "not his"})).await?.is(404)?;
    Ok(())
}
