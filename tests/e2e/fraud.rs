//! What the rules against fraud stop, and what a member of staff makes of it. The numbers are the template's own.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use stack::MAILED_CODE;

use crate::{
    buying::Checkout,
    tests,
    world::{Answer, PASSWORD, Person, TestEnv, text},
};

tests![
    p12_many_payments_in_an_hour_wait_for_staff,
    p12_a_payment_with_one_card_too_many_waits,
    p12_a_payment_of_one_paypal_account_too_many_waits_though_only_a_message_tells_of_it,
    p12_a_new_account_that_buys_a_lot_waits,
    p12_what_staff_refuse_stays_refused_until_they_release_it,
    p12_a_held_payment_that_was_refunded_waits_for_nobody,
    p12_s9_a_warning_of_fraud_stops_spending_until_staff_lift_it,
    p12_pp9_a_case_stops_spending_until_staff_lift_it,
    p12_s8_a_dispute_stops_spending_until_it_ends,
    p12_lost_disputes_stop_spending,
    p12_staff_stop_spending_and_say_why,
    p12_many_accounts_of_one_network_in_a_day_start_frozen,
    p12_staff_see_whatever_waits_page_by_page_and_payments_first,
    p12_for_everybody_else_there_are_no_routes_of_staff,
];

const PAYMENTS_PER_HOUR: usize = 5;
/// One more than may pay in an hour.
const CARDS: [&str; 4] = ["4242424242424242", "4000056655665556", "5555555555554444", "378282246310005"];

/// A member of staff: somebody whom the operator put in the group.
async fn staff(world: &'static TestEnv) -> Result<Person> {
    let mut grace = world.person().await?;
    let clients = world.clients()?;
    let added = clients.cognito().admin_add_user_to_group().user_pool_id(world.output("UserPoolId")?);
    added.username(&grace.email).group_name("staff").send().await?;
    let credentials = json!({"email": grace.email, "password": PASSWORD});
    let session = grace.post("/v1/session/sign-in", &credentials).await?.is(200)?.json;
    grace.token = Some(text(&session, "access_token")?);
    Ok(grace)
}

/// What waits for a decision about this account's payments.
async fn waiting(grace: &Person, ada: &Person) -> Result<Vec<Value>> {
    let mut payments = reviews(grace, "payment").await?;
    payments.retain(|payment| payment["account"] == ada.account_id.as_str());
    ensure!(!json!(payments).to_string().contains(&ada.email), "the list names a person");
    Ok(payments)
}

/// Everything of this kind that waits for staff.
pub async fn reviews(grace: &Person, kind: &str) -> Result<Vec<Value>> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = grace.get(&format!("/v1/staff/reviews?limit=100{next}")).await?.is(200)?.json;
        let items = page["items"].as_array().context("no items")?;
        found.extend(items.iter().filter(|item| item["kind"] == kind).cloned());
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return Ok(found),
        }
    }
}

async fn decide(grace: &Person, checkout: &Checkout<'_>, release: bool, note: &str) -> Result<Answer> {
    let path = format!("/v1/staff/accounts/{}/payments/{}/decision", checkout.person.account_id, checkout.id);
    grace.post(&path, &json!({"release": release, "note": note})).await
}

async fn allow(grace: &Person, ada: &Person, allowed: bool, note: &str) -> Result<Answer> {
    let path = format!("/v1/staff/accounts/{}/spending", ada.account_id);
    grace.post(&path, &json!({"allowed": allowed, "note": note})).await
}

/// The last of these checkouts must wait for staff, for this reason alone, and be granted once they release it.
async fn check_waits(grace: &Person, checkouts: &[Checkout<'_>], reason: &str) -> Result<()> {
    let (last, others) = checkouts.split_last().context("no checkouts")?;
    let ada = last.person;
    let mut bought = 40;
    for other in others {
        let paid = other.look().await?;
        ensure!(paid["status"] == "paid", "{paid}");
        bought += paid["granted"].as_i64().context("no credits")?;
    }
    let held = last.look().await?;
    ensure!(held["status"] == "in_review" && held["granted"] == 0, "{held}");
    ensure!(ada.credits().await? == (bought, 0));
    let waits = waiting(grace, ada).await?;
    let [listed] = waits.as_slice() else { bail!("one payment waits, not {waits:?}") };
    ensure!(listed["id"] == held["id"] && listed["reason"] == reason && listed["released"].is_null(), "{listed}");
    ensure!(listed["credits"] == held["credits"] && listed["total"] == held["total"], "{listed}");

    let decided = decide(grace, last, true, "asked the buyer").await?.is(200)?.json;
    ensure!(decided["released"] == true && decided["note"] == "asked the buyer", "{decided}");
    let paid = last.look().await?;
    ensure!(paid["status"] == "paid" && paid["granted"] == paid["credits"], "{paid}");
    ensure!(ada.credits().await?.0 == bought + paid["granted"].as_i64().context("no credits")?);
    ensure!(waiting(grace, ada).await?.is_empty(), "it still waits");
    // What was granted is not decided again.
    decide(grace, last, false, "changed my mind").await?.is(409)?;
    Ok(())
}

async fn p12_many_payments_in_an_hour_wait_for_staff(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let mut checkouts = Vec::new();
    for number in 0..=PAYMENTS_PER_HOUR {
        let provider = if number % 2 == 0 { "stripe" } else { "paypal" };
        checkouts.push(Checkout::paid(&ada, provider, "starter").await?);
    }
    check_waits(&grace, &checkouts, "many_payments").await
}

async fn p12_a_payment_with_one_card_too_many_waits(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let mut checkouts = Vec::new();
    // The first card pays twice, and counts once.
    for card in CARDS.iter().take(1).chain(&CARDS) {
        let checkout = Checkout::begin(&ada, "stripe", "starter").await?;
        checkout.act("pay", &[("card", *card)]).await?;
        checkouts.push(checkout);
    }
    check_waits(&grace, &checkouts, "many_cards").await
}

async fn p12_a_payment_of_one_paypal_account_too_many_waits_though_only_a_message_tells_of_it(
    world: &'static TestEnv,
) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let mut checkouts = Vec::new();
    for payer in ["a@buyer.example", "b@buyer.example", "c@buyer.example", "d@buyer.example"] {
        let checkout = Checkout::begin(&ada, "paypal", "starter").await?;
        checkout.act("approve-pending", &[("email", payer)]).await?;
        ensure!(checkout.capture().await?.is(200)?.json["status"] == "pending");
        checkout.act("complete", &[]).await?;
        ada.eventually("/v1/checkout", |listed| listed["items"][0]["status"] != "pending").await?;
        checkouts.push(checkout);
    }
    check_waits(&grace, &checkouts, "many_cards").await
}

async fn p12_staff_see_whatever_waits_page_by_page_and_payments_first(world: &'static TestEnv) -> Result<()> {
    let (grace, ada, bob) = (staff(world).await?, world.person().await?, world.person().await?);
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
                // The next page begins where this one was.
                decide(&grace, &held, true, "asked the buyer").await?.is(200)?;
            }
        }
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    ensure!(seen == ["payment", "account"], "{seen:?}");
    // A cursor is good for whom it was given to.
    staff(world).await?.get(&format!("/v1/staff/reviews?limit=1{next}")).await?.is(400)?;
    allow(&grace, &bob, true, "it was seen").await?.is(200)?;
    Ok(())
}

async fn p12_a_new_account_that_buys_a_lot_waits(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let mut checkouts = Vec::new();
    for package in ["studio", "maker", "starter"] {
        checkouts.push(Checkout::paid(&ada, "stripe", package).await?);
    }
    check_waits(&grace, &checkouts, "new_account").await
}

async fn p12_what_staff_refuse_stays_refused_until_they_release_it(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    Checkout::paid(&ada, "paypal", "studio").await?;
    let held = Checkout::paid(&ada, "paypal", "studio").await?;
    decide(&grace, &held, false, "").await?.is(400)?;
    decide(&grace, &held, false, "a stolen account").await?.is(200)?;
    let refused = held.look().await?;
    ensure!(refused["status"] == "in_review" && refused["granted"] == 0, "{refused}");
    // A part of its money goes back, which takes no credits: none were granted.
    held.act("refund", &[("amount", "100")]).await?;
    ada.eventually(&format!("/v1/checkout/{}", held.id), |view| view["status"] == "partly_refunded").await?;
    ensure!(ada.credits().await? == (5_040, 0));
    let waits = waiting(&grace, &ada).await?;
    let [listed] = waits.as_slice() else { bail!("it is not listed any more") };
    ensure!(listed["released"] == false && listed["note"] == "a stolen account", "{listed}");
    decide(&grace, &held, true, "it was the owner after all").await?.is(200)?;
    // 5,000 credits for 80.00, of which 1.00 went back.
    ensure!(ada.credits().await? == (5_040 + 5_000 - 62, 0));
    Ok(())
}

async fn p12_a_held_payment_that_was_refunded_waits_for_nobody(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    Checkout::paid(&ada, "stripe", "studio").await?;
    for decided in [false, true] {
        let held = Checkout::paid(&ada, "stripe", "studio").await?;
        if decided {
            decide(&grace, &held, false, "a stolen card").await?.is(200)?;
        }
        ensure!(waiting(&grace, &ada).await?.len() == 1);
        held.act("refund", &[]).await?;
        let refunded = held.look().await?;
        ensure!(refunded["status"] == "refunded" && refunded["granted"] == 0, "{refunded}");
        ensure!(waiting(&grace, &ada).await?.is_empty(), "there is nothing left to decide");
    }
    ensure!(ada.credits().await? == (5_040, 0));
    Ok(())
}

/// Spending must be stopped for this reason, and nothing else.
async fn check_frozen(ada: &Person, reason: &str) -> Result<()> {
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["status"] == "frozen" && account["frozen_for"][0]["reason"] == reason, "{account}");
    let body = json!({"model": "sketch-image", "prompt": "a cold day", "width": 320, "height": 320});
    let refused = ada.post("/v1/generations", &body).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:account-status", "{}", refused.json);
    ada.get("/v1/account/statement").await?.is(200)?;
    ada.get("/v1/generations").await?.is(200)?;
    ada.patch("/v1/account", &json!({"display_name": "Ada"})).await?.is(200)?;
    let before = ada.credits().await?.0;
    ensure!(Checkout::paid(ada, "paypal", "starter").await?.look().await?["granted"] == 200);
    ensure!(ada.credits().await?.0 == before + 200, "what is bought is granted all the same");
    Ok(())
}

/// Spending must be as it was.
async fn check_thawed(ada: &Person) -> Result<()> {
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["status"] == "active" && account["frozen_for"] == json!([]), "{account}");
    ada.finished_picture("spring").await.map(drop)
}

/// Staff must see why an account is frozen, and can lift it once; what they lifted stays lifted, though it is said again.
async fn check_lifted(grace: &Person, ada: &Person, reason: &str) -> Result<()> {
    let accounts = reviews(grace, "account").await?;
    let listed = accounts.iter().find(|account| account["account"] == ada.account_id.as_str());
    let listed = listed.context("the account is not listed")?;
    ensure!(listed["freezes"][0]["reason"] == reason, "{listed}");
    let lifted = allow(grace, ada, true, "the buyer showed the card").await?.is(200)?.json;
    let freeze = &lifted["freezes"][0];
    ensure!(freeze["lifted_at"].is_string() && freeze["note"] == "the buyer showed the card", "{lifted}");
    check_thawed(ada).await?;
    allow(grace, ada, true, "once more").await?.is(409)?;
    Ok(())
}

async fn p12_s9_a_warning_of_fraud_stops_spending_until_staff_lift_it(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    checkout.act("early-fraud-warning", &[]).await?;
    check_frozen(&ada, "warning").await?;
    ensure!(checkout.look().await?["clawed_back"] == 0, "a warning takes nothing");
    check_lifted(&grace, &ada, "warning").await?;
    // Whatever else is heard of the payment, the same warning is no news.
    checkout.act("refund", &[("amount", "100")]).await?;
    check_thawed(&ada).await
}

async fn p12_pp9_a_case_stops_spending_until_staff_lift_it(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let checkout = Checkout::paid(&ada, "paypal", "starter").await?;
    checkout.act("open-case", &[]).await?;
    ada.eventually("/v1/account", |account| account["status"] == "frozen").await?;
    check_frozen(&ada, "warning").await?;
    ensure!(checkout.look().await?["clawed_back"] == 0, "a case takes nothing");
    check_lifted(&grace, &ada, "warning").await
}

async fn p12_s8_a_dispute_stops_spending_until_it_ends(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let checkout = Checkout::paid(&ada, "stripe", "starter").await?;
    checkout.act("open-inquiry", &[]).await?;
    check_thawed(&ada).await?;
    checkout.act("escalate", &[]).await?;
    check_frozen(&ada, "dispute").await?;
    checkout.act("withdraw-funds", &[]).await?;
    ensure!(checkout.look().await?["clawed_back"] == 200);
    checkout.act("win", &[]).await?;
    ensure!(checkout.look().await?["clawed_back"] == 0);
    check_thawed(&ada).await
}

async fn p12_lost_disputes_stop_spending(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let lose = async |ada| -> Result<()> {
        let checkout = Checkout::paid(ada, "stripe", "starter").await?;
        for act in ["dispute", "withdraw-funds", "lose"] {
            checkout.act(act, &[]).await?;
        }
        ensure!(checkout.look().await?["status"] == "lost");
        Ok(())
    };
    lose(&ada).await?;
    check_thawed(&ada).await?;
    lose(&ada).await?;
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["frozen_for"][0]["reason"] == "lost_disputes", "{account}");
    check_frozen(&ada, "lost_disputes").await?;
    allow(&grace, &ada, true, "both were the bank's mistake").await?.is(200)?;
    check_thawed(&ada).await?;
    // One more is another reason.
    lose(&ada).await?;
    check_frozen(&ada, "lost_disputes").await
}

async fn p12_staff_stop_spending_and_say_why(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (staff(world).await?, world.person().await?);
    let frozen = allow(&grace, &ada, false, "she asked for it").await?.is(200)?.json;
    ensure!(frozen["freezes"][0]["note"] == "she asked for it", "{frozen}");
    let account = ada.get("/v1/account").await?.is(200)?.json;
    ensure!(account["frozen_for"][0]["note"] == "she asked for it", "{account}");
    check_frozen(&ada, "staff").await?;
    check_lifted(&grace, &ada, "staff").await
}

async fn p12_many_accounts_of_one_network_in_a_day_start_frozen(world: &'static TestEnv) -> Result<()> {
    // The network of all the others is counted from now on at the latest.
    let grace = staff(world).await?;
    let counted_before = networks(world).await?;
    let first = opens_from_afar(world).await?;
    check_thawed(&first).await?;
    let mut counted = networks(world).await?;
    counted.retain(|pk| !counted_before.contains(pk));
    let [network] = counted.as_slice() else { bail!("one network was new, not {counted:?}") };
    // The limit of this stack is high, for the sake of everybody else: as if so many had opened accounts from there today.
    let clients = world.clients()?;
    let window = clients.dynamodb().update_item().table_name(world.output("TableName")?);
    let window = window.key("pk", AttributeValue::S(network.clone())).key("sk", AttributeValue::S("WINDOW".to_owned()));
    let more = window.update_expression("ADD hits :more");
    more.expression_attribute_values(":more", AttributeValue::N("100000".to_owned())).send().await?;

    let crowded = opens_from_afar(world).await?;
    check_frozen(&crowded, "many_accounts").await?;
    check_thawed(&first).await?;
    check_lifted(&grace, &crowded, "many_accounts").await
}

/// The networks whose accounts are counted, by the keys of their windows.
async fn networks(world: &TestEnv) -> Result<Vec<String>> {
    let clients = world.clients()?;
    let scan =
        clients.dynamodb().scan().table_name(world.output("TableName")?).filter_expression("begins_with(pk, :kind)");
    let scan = scan.expression_attribute_values(":kind", AttributeValue::S("WINDOW#accounts#".to_owned()));
    let windows = scan.into_paginator().items().send().try_collect().await?;
    Ok(windows.iter().filter_map(|window| window.get("pk")?.as_s().ok().cloned()).collect())
}

/// Somebody who signs in for the first time, from a network that nobody else of the suite is in.
async fn opens_from_afar(world: &'static TestEnv) -> Result<Person> {
    let mut person = world.stranger()?;
    person.email = format!("{}@example.com", runtime::clock::uuid_at(runtime::clock::now()).simple());
    let credentials = json!({"email": person.email, "password": PASSWORD});
    person.post("/v1/session/sign-up", &credentials).await?.is(202)?;
    person.post("/v1/session/confirm", &json!({"email": person.email, "code": MAILED_CODE})).await?.is(204)?;
    let event = std::fs::read_to_string(stack::workspace().join("events/session/sign-in.json"))?;
    let mut event: Value = serde_json::from_str(&event)?;
    event["requestContext"]["http"]["sourceIp"] = json!("198.51.100.7");
    event["body"] = json!(credentials.to_string());
    let answer = world.invoke("Session", &event).await?;
    ensure!(answer["statusCode"] == 200, "{answer}");
    let session: Value = serde_json::from_str(&text(&answer, "body")?)?;
    person.token = Some(text(&session, "access_token")?);
    person.account_id = text(&session, "account_id")?;
    Ok(person)
}

async fn p12_for_everybody_else_there_are_no_routes_of_staff(world: &'static TestEnv) -> Result<()> {
    let (ada, bob, stranger) = (world.person().await?, world.person().await?, world.stranger()?);
    Checkout::paid(&ada, "paypal", "studio").await?;
    let held = Checkout::paid(&ada, "paypal", "studio").await?;
    for (somebody, status) in [(&ada, 404), (&bob, 404), (&stranger, 401)] {
        somebody.get("/v1/staff/reviews").await?.is(status)?;
        decide(somebody, &held, true, "please").await?.is(status)?;
        allow(somebody, &ada, false, "please").await?.is(status)?;
    }
    ensure!(held.look().await?["status"] == "in_review");
    ensure!(ada.get("/v1/account").await?.is(200)?.json["status"] == "active");
    // Staff are told no more of what there is not.
    let grace = staff(world).await?;
    let nobody = json!({"allowed": true, "note": "who is this?"});
    grace.post(&format!("/v1/staff/accounts/{}/spending", uuid::Uuid::nil()), &nobody).await?.is(404)?;
    let path = format!("/v1/staff/accounts/{}/payments/{}/decision", bob.account_id, held.id);
    grace.post(&path, &json!({"release": true, "note": "not his"})).await?.is(404)?;
    Ok(())
}
