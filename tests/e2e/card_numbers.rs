//! Card numbers are the providers' business. Whoever writes one where it does not belong, in whichever message, it is
//! neither kept nor logged.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use runtime::clock;
use serde_json::{Value, json};

use crate::{
    afterwards::scan,
    authorization::Item,
    buying::{Checkout, held},
    notifications::{kept_bodies, post, say},
    observability::{logged, logs, put_item},
    stripe_messages::{post_forged, post_signed},
    tests,
    world::{TestEnv, text},
};

tests![p7_no_card_number_is_kept_or_logged, p7_a_card_number_that_is_kept_or_logged_would_be_found];

/// Numbers that Stripe's and PayPal's documentation give for tests, in the ways in which people write them.
const CARDS: [&str; 5] =
    ["4242424242424242", "4000 0566 5566 5556", "5555-5555-5555-4444", "378282246310005", "6011 1111 1111 1117"];
/// Only planted here.
const PLANTED: &str = "3056 9300 0902 0004";
/// The fields of Stripe that are no text of anybody's. With them a message is what it says.
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

/// Which of these cards are in the text, however it groups them.
fn found(cards: &[&str], text: &str) -> BTreeSet<String> {
    let text = digits(text);
    cards.iter().map(|card| digits(card)).filter(|card| text.contains(card)).collect()
}

/// Which of these cards are in the table, and in the logs.
async fn kept_or_logged(world: &TestEnv, cards: &[&str]) -> Result<[BTreeSet<String>; 2]> {
    let items = scan(world).await?;
    let events = logged(world).await?;
    ensure!(!items.is_empty() && !events.is_empty(), "nothing was looked at");
    let in_items = items.iter().flat_map(|item| found(cards, &format!("{item:?}"))).collect();
    let in_events = events.iter().flat_map(|event| found(cards, &event.to_string())).collect();
    Ok([in_items, in_events])
}

/// The event with a card number in place of every text; `also` in place of those that are Stripe's own, too.
fn full_of_cards(value: &Value, next: &mut usize, also: bool) -> Value {
    let mut card = || {
        *next += 1;
        json!(CARDS[*next % CARDS.len()])
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let own = !also && STRIPES_OWN.contains(&name.as_str()) && value.is_string();
                (name.clone(), if own { value.clone() } else { full_of_cards(value, next, also) })
            })
            .collect(),
        Value::Array(values) => values.iter().map(|value| full_of_cards(value, next, also)).collect(),
        Value::String(_) | Value::Null => card(),
        other => other.clone(),
    }
}

async fn p7_no_card_number_is_kept_or_logged(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    // Where buyers can write, they write it.
    let written = [("name", CARDS[0]), ("email", "4242424242424242@example.com"), ("card", CARDS[2])];
    let stripe = Checkout::begin(&ada, "stripe", "starter").await?;
    stripe.act("pay", &written).await?;
    for action in ["refund", "early-fraud-warning", "dispute"] {
        stripe.act(action, &[("amount", "100")]).await?;
    }
    for message in stripe.messages().await? {
        let event: Value = serde_json::from_str(&text(&message, "body")?)?;
        for also in [false, true] {
            let mut full = full_of_cards(&event, &mut 0, also);
            full["livemode"] = json!(false);
            full["type"] = event["type"].clone();
            post_signed(world, &full.to_string()).await?;
            for answer in [post_forged(world, &full.to_string()).await?, post_signed(world, CARDS[1]).await?] {
                ensure!(found(&CARDS, &String::from_utf8_lossy(&answer.bytes)).is_empty(), "a card number is answered");
            }
        }
    }
    let body = json!({"package": CARDS[0], "currency": "EUR", "provider": "stripe"});
    let refused = ada.post("/v1/checkout", &body).await?.is(400)?;
    ensure!(found(&CARDS, &refused.json.to_string()).is_empty(), "{}", refused.json);

    let paypal = Checkout::begin(&ada, "paypal", "starter").await?;
    let mut message = String::new();
    held(world, async || {
        paypal.act("approve", &written).await?;
        paypal.capture().await?.is(200)?;
        message = text(&paypal.message("Completed").await?, "body")?;
        Ok(())
    })
    .await?;
    let bodies = kept_bodies(world, b"the=last", async || {
        for (index, field) in message.split('&').enumerate() {
            let name = field.split('=').next().context("a field without a name")?;
            for card in [CARDS[index % CARDS.len()].replace(' ', "+"), "%34242424242424242".to_owned()] {
                let full = message.replace(field, &format!("{name}={card}"));
                post(world, full).await?.is(200)?;
                post(world, format!("{message}&{card}=1")).await?.is(200)?;
            }
        }
        for junk in CARDS {
            post(world, junk).await?.is(200)?;
        }
        post(world, "the=last").await?.is(200).map(drop)
    })
    .await?;
    for body in &bodies {
        let decoded: String = form_urlencoded::parse(body).map(|(name, value)| format!("{name} {value} ")).collect();
        ensure!(found(&CARDS, &decoded).is_empty(), "it is kept: {}", String::from_utf8_lossy(body));
    }
    say(world, &format!("{message}&memo=4242+4242+4242+4242")).await?;
    let [in_table, in_logs] = kept_or_logged(world, &CARDS).await?;
    ensure!(in_table.is_empty(), "kept: {in_table:?}");
    ensure!(in_logs.is_empty(), "logged: {in_logs:?}");
    // It all came to something: neither provider was merely not heard.
    ensure!(stripe.known().await?["status"] == "disputed" && paypal.known().await?["status"] == "paid");
    Ok(())
}

async fn p7_a_card_number_that_is_kept_or_logged_would_be_found(world: &'static TestEnv) -> Result<()> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key =
        [("pk", text("PAYMENT#planted")), ("sk", text("UNCLAIMED"))].map(|(name, value)| (name.to_owned(), value));
    let within = AttributeValue::M([("currency".to_owned(), text(PLANTED))].into());
    let mut item = Item::from(key.clone());
    item.insert("total".to_owned(), within);
    put_item(world, item).await?;
    let groups = logs(world, "DescribeLogGroups", json!({})).await?;
    let group = &groups["logGroups"][0]["logGroupName"];
    logs(world, "CreateLogStream", json!({"logGroupName": group, "logStreamName": "planted"})).await?;
    let event = json!({"timestamp": clock::now().as_millisecond(), "message": format!("{{\"error\":\"{PLANTED}\"}}")});
    logs(world, "PutLogEvents", json!({"logGroupName": group, "logStreamName": "planted", "logEvents": [event]}))
        .await?;
    let looked = kept_or_logged(world, &[PLANTED]).await;
    let clients = world.clients()?;
    let removal = clients.dynamodb().delete_item().table_name(world.output("TableName")?);
    removal.set_key(Some(key.into())).send().await?;
    ensure!(looked?.iter().all(|cards| cards.len() == 1), "the scan is blind");

    // As for the queue: a body in which nobody would look for a card number is kept as it is.
    let bodies = kept_bodies(world, b"receipt_id=3056-9300-0902-0004", async || {
        post(world, "receipt_id=3056-9300-0902-0004").await?.is(200).map(drop)
    })
    .await?;
    ensure!(bodies.iter().any(|body| found(&[PLANTED], &String::from_utf8_lossy(body)).len() == 1));
    Ok(())
}
