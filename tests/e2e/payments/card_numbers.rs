//! Card numbers stay with the payment providers: one in any field of any message is neither stored nor logged.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use runtime::clock;
use serde_json::{Value, json};

use crate::env::{
    checkouts::{Checkout, with_messages_held},
    http::text,
    logs::{cloudwatch_logs, log_events},
    paypal::{post_ipn, queued_ipn_bodies, send_ipn},
    stripe::{post_forged_event, post_signed_event},
    table::{Item, put_item, scan},
    test_env::TestEnv,
    trial::tests,
};

tests![p7_card_numbers_are_neither_stored_nor_logged, p7_card_number_scan_finds_planted_numbers,];

/// Test card numbers of Stripe and PayPal, in the usual groupings.
const CARDS: [&str; 5] =
    ["4242424242424242", "4000 0566 5566 5556", "5555-5555-5555-4444", "378282246310005", "6011 1111 1111 1117"];

/// The number that only this file plants.
const PLANTED: &str = "3056 9300 0902 0004";

/// The fields that determine what a Stripe event means.
const STRIPES_OWN: [&str; 12] = [
    "type",
    "object",
    "id",
    "client_reference_id",
    "payment_intent",
    "payment_status",
    "status",
    "currency",
    "mode",
    "charge",
    "api_version",
    "balance_transaction",
];

fn digits(text: &str) -> String {
    text.chars().filter(|c| !" -+".contains(*c)).collect()
}

/// Returns which of these cards are in the text, in any grouping.
fn found(cards: &[&str], text: &str) -> BTreeSet<String> {
    let text = digits(text);
    cards.iter().map(|card| digits(card)).filter(|card| text.contains(card)).collect()
}

/// Returns which of these cards are in the table, and in the logs.
async fn stored_or_logged(env: &TestEnv, cards: &[&str]) -> Result<[BTreeSet<String>; 2]> {
    let items = scan(env).await?;
    let events = log_events(env).await?;
    ensure!(!items.is_empty() && !events.is_empty(), "the table or the logs are empty");
    let in_items = items.iter().flat_map(|item| found(cards, &format!("{item:?}"))).collect();
    let in_events = events.iter().flat_map(|event| found(cards, &event.to_string())).collect();
    Ok([in_items, in_events])
}

/// Returns the event with a card number in place of every text; with `also`, in place of Stripe's own fields too.
fn filled_with_cards(value: &Value, next: &mut usize, also: bool) -> Value {
    let mut card = || {
        *next += 1;
        json!(CARDS[*next % CARDS.len()])
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let own = !also && STRIPES_OWN.contains(&name.as_str()) && value.is_string();
                (name.clone(), if own { value.clone() } else { filled_with_cards(value, next, also) })
            })
            .collect(),
        Value::Array(values) => values.iter().map(|value| filled_with_cards(value, next, also)).collect(),
        Value::String(_) | Value::Null => card(),
        other => other.clone(),
    }
}

async fn p7_card_numbers_are_neither_stored_nor_logged(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    // The buyer enters card numbers in every field.
    let written = [("name", CARDS[0]), ("email", "4242424242424242@example.com"), ("card", CARDS[2])];
    let stripe = Checkout::start(&ada, "stripe", "starter").await?;
    stripe.act("pay", &written).await?;
    for action in ["refund", "early-fraud-warning", "dispute"] {
        stripe.act(action, &[("amount", "100")]).await?;
    }
    for message in stripe.messages().await? {
        let event: Value = serde_json::from_str(&text(&message, "body")?)?;
        for also in [false, true] {
            let mut full = filled_with_cards(&event, &mut 0, also);
            full["livemode"] = json!(false);
            full["type"] = event["type"].clone();
            post_signed_event(env, &full.to_string()).await?;
            for response in [post_forged_event(env, &full.to_string()).await?, post_signed_event(env, CARDS[1]).await?]
            {
                ensure!(
                    found(&CARDS, &String::from_utf8_lossy(&response.bytes)).is_empty(),
                    "the response contains a card number"
                );
            }
        }
    }
    let body = json!({"package": CARDS[0], "currency": "EUR", "provider": "stripe"});
    let refused = ada.post("/v1/checkout", &body).await?.is(400)?;
    ensure!(found(&CARDS, &refused.json.to_string()).is_empty(), "{}", refused.json);

    let paypal = Checkout::start(&ada, "paypal", "starter").await?;
    let mut message = String::new();
    with_messages_held(env, async || {
        paypal.act("approve", &written).await?;
        paypal.capture().await?.is(200)?;
        message = text(&paypal.message("Completed").await?, "body")?;
        Ok(())
    })
    .await?;
    let last = format!("the=last&custom={}", paypal.id);
    let bodies = queued_ipn_bodies(env, last.as_bytes(), async || {
        for (index, field) in message.split('&').enumerate() {
            let name = field.split('=').next().context("a field without a name")?;
            for card in [CARDS[index % CARDS.len()].replace(' ', "+"), "%34242424242424242".to_owned()] {
                let full = message.replace(field, &format!("{name}={card}"));
                post_ipn(env, full).await?.is(200)?;
                post_ipn(env, format!("{message}&{card}=1")).await?.is(200)?;
            }
        }
        for junk in CARDS {
            post_ipn(env, junk).await?.is(200)?;
        }
        post_ipn(env, last.as_str()).await?.is(200).map(drop)
    })
    .await?;
    for body in &bodies {
        let decoded: String = form_urlencoded::parse(body).map(|(name, value)| format!("{name} {value} ")).collect();
        ensure!(found(&CARDS, &decoded).is_empty(), "a card number is queued: {}", String::from_utf8_lossy(body));
    }
    send_ipn(env, &format!("{message}&memo=4242+4242+4242+4242")).await?;
    let [in_table, in_logs] = stored_or_logged(env, &CARDS).await?;
    ensure!(in_table.is_empty(), "stored: {in_table:?}");
    ensure!(in_logs.is_empty(), "logged: {in_logs:?}");
    // Both payments were applied: the messages were not merely ignored.
    ensure!(stripe.known().await?["status"] == "disputed" && paypal.known().await?["status"] == "paid");
    Ok(())
}

async fn p7_card_number_scan_finds_planted_numbers(env: &'static TestEnv) -> Result<()> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key =
        [("pk", text("PAYMENT#planted")), ("sk", text("UNCLAIMED"))].map(|(name, value)| (name.to_owned(), value));
    let within = AttributeValue::M([("currency".to_owned(), text(PLANTED))].into());
    let mut item = Item::from(key.clone());
    item.insert("total".to_owned(), within);
    put_item(env, item).await?;
    let groups = cloudwatch_logs(env, "DescribeLogGroups", json!({})).await?;
    let group = &groups["logGroups"][0]["logGroupName"];
    cloudwatch_logs(env, "CreateLogStream", json!({"logGroupName": group, "logStreamName": "planted"})).await?;
    let event = json!({"timestamp": clock::now().as_millisecond(), "message": format!("{{\"error\":\"{PLANTED}\"}}")});
    cloudwatch_logs(
        env,
        "PutLogEvents",
        json!({"logGroupName": group, "logStreamName": "planted", "logEvents": [event]}),
    )
    .await?;
    let looked = stored_or_logged(env, &[PLANTED]).await;
    let clients = env.clients()?;
    let removal = clients.dynamodb().delete_item().table_name(env.output("TableName")?);
    removal.set_key(Some(key.into())).send().await?;
    ensure!(looked?.iter().all(|cards| cards.len() == 1), "the scan finds nothing");

    // A queued body with a number in a field that is not redacted is found as well.
    let ada = env.user().await?;
    let body =
        format!("receipt_id=3056-9300-0902-0004&custom={}", Checkout::start(&ada, "paypal", "starter").await?.id);
    let bodies =
        queued_ipn_bodies(env, body.as_bytes(), async || post_ipn(env, body.as_str()).await?.is(200).map(drop)).await?;
    ensure!(bodies.iter().any(|body| found(&[PLANTED], &String::from_utf8_lossy(body)).len() == 1));
    Ok(())
}
