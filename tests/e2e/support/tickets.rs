//! Tickets of accounts: opened, replied to under an access that the owner sees, closed, limited, and disclosed.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    TicketId,
    registry::{IDEMPOTENCY_DAYS, REPLY_ALERT_DAYS},
    support::ticket::{MessageAuthor, NewTicket, Ticket},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::{clock, telemetry::Metric};
use serde_json::json;
use store::Write;

use crate::env::{
    http::{ApiResponse, text},
    logs::{measurements, wait_for_metric},
    staff_access::{StaffAccess, access_log, approve, reviews},
    support::TICKETS,
    table::{items_of_account, put_item, string},
    test_env::TestEnv,
    trial::tests,
};

tests![
    p33_ticket_about_an_image_is_opened_continued_and_closed,
    ticket_about_content_of_another_account_is_refused,
    tickets_are_limited_to_ten_a_day,
    ticket_sent_twice_with_one_key_is_opened_once,
    p33_staff_reply_under_an_access_that_the_owner_sees,
    p33_overdue_tickets_are_measured_once_a_day,
    p16_disclosure_contains_tickets_active_in_its_period,
];

async fn p33_ticket_about_an_image_is_opened_continued_and_closed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let image = text(&ada.finished_image("a cracked vase").await?, "id")?;
    let about = json!({"kind": "generation", "id": image});
    let question = json!({"subject": "<b>Cracked</b>", "text": "It has a crack.\nCan it be mended?", "about": about});
    let asked = ada.post(TICKETS, &question).await?.is(201)?;
    let id = text(&asked.json, "id")?;
    ensure!(asked.json["status"] == "waiting" && asked.json["about"] == about, "{}", asked.json);
    ensure!(asked.json["subject"] == "<b>Cracked</b>" && asked.json["messages"][0]["text"] == question["text"]);

    let messages = format!("{TICKETS}/{id}/messages");
    let said = ada.post(&messages, &json!({"text": "I still have the prompt."})).await?.is(200)?.json;
    ensure!(said["messages"].as_array().is_some_and(|messages| messages.len() == 2), "{said}");
    let closed = ada.post(&messages, &json!({"close": true})).await?.is(200)?.json;
    ensure!(closed["status"] == "closed", "{closed}");
    ada.post(&messages, &json!({"text": "one more thing"})).await?.is(409)?;

    let list = ada.get(TICKETS).await?.is(200)?.json;
    ensure!(list["items"] == json!([closed]), "{list}");
    Ok(())
}

async fn ticket_about_content_of_another_account_is_refused(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let hers = text(&ada.finished_image("a vase").await?, "id")?;
    for kind in ["generation", "payment"] {
        let about = json!({"kind": kind, "id": hers});
        let response = bob.post(TICKETS, &json!({"subject": "a", "text": "b", "about": about})).await?.is(400)?;
        ensure!(response.fields() == ["about.id"], "{}", response.json);
    }
    let asked = ada.post(TICKETS, &json!({"subject": "a", "text": "b"})).await?.is(201)?.json;
    bob.post(&format!("{TICKETS}/{}/messages", text(&asked, "id")?), &json!({"text": "mine"})).await?.is(404)?;
    Ok(())
}

async fn tickets_are_limited_to_ten_a_day(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let question = json!({"subject": "again", "text": "and again"});
    for _ in 0..10 {
        ada.post(TICKETS, &question).await?.is(201)?;
    }
    let refused = ada.post(TICKETS, &question).await?.is(429)?;
    ensure!(refused.header("ratelimit-policy") == Some("\"support\";q=10;w=86400"), "{:?}", refused.headers);
    Ok(())
}

async fn ticket_sent_twice_with_one_key_is_opened_once(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let send = || {
        let request = ada.request(Method::POST, TICKETS).header("idempotency-key", "question");
        request.json(&json!({"subject": "a", "text": "b"})).send()
    };
    let first = ApiResponse::read(send().await?).await?.is(201)?;
    let second = ApiResponse::read(send().await?).await?.is(201)?;
    ensure!(first.bytes == second.bytes && second.header("idempotent-replayed") == Some("true"));
    let count =
        async || Ok::<_, anyhow::Error>(ada.get(TICKETS).await?.is(200)?.json["items"].as_array().map_or(0, Vec::len));
    ensure!(count().await? == 1);
    // A key is known for a day, although DynamoDB may delete what it stands for later.
    let records = items_of_account(env, &ada.account_id).await?;
    let mut record =
        records.into_iter().find(|item| string(item, "key") == "question").context("no record of the key")?;
    let ago = clock::now() - SignedDuration::from_hours(24 * i64::from(IDEMPOTENCY_DAYS) + 1);
    record.insert("at".to_owned(), AttributeValue::S(ago.to_string()));
    record.insert("ttl".to_owned(), AttributeValue::N((clock::now().as_second() - 3_600).to_string()));
    put_item(env, record).await?;
    let third = ApiResponse::read(send().await?).await?.is(201)?;
    ensure!(third.header("idempotent-replayed").is_none() && count().await? == 2, "{}", third.json);
    let fourth = ApiResponse::read(send().await?).await?.is(201)?;
    ensure!(fourth.bytes == third.bytes && count().await? == 2, "{}", fourth.json);
    Ok(())
}

async fn p33_staff_reply_under_an_access_that_the_owner_sees(env: &'static TestEnv) -> Result<()> {
    let (grace, ada, bob) = (env.staff().await?, env.user().await?, env.user().await?);
    let asked = ada.post(TICKETS, &json!({"subject": "Cracked", "text": "Mend it."})).await?.is(201)?.json;
    let id = text(&asked, "id")?;
    let waits = async || -> Result<bool> {
        let mut tickets = reviews(&grace, "ticket").await?.into_iter();
        Ok(tickets.any(|ticket| ticket["id"] == id.as_str() && ticket["account"] == ada.account_id.as_str()))
    };
    ensure!(waits().await?, "staff do not see the open ticket");
    let listed = json!(reviews(&grace, "ticket").await?).to_string();
    ensure!(!listed.contains("Cracked") && !listed.contains("Mend"), "the list reveals the text: {listed}");

    // An access to another account does not cover this ticket.
    StaffAccess::to(&grace, &bob).await?.reply(&id, &json!({"text": "for whom?"})).await?.is(404)?;
    let opened = StaffAccess::to(&grace, &ada).await?;
    opened.reply(&id, &json!({})).await?.is(400)?;
    let seen = opened.read("tickets").await?.is(200)?.json;
    ensure!(seen["items"][0]["messages"][0]["text"] == "Mend it.", "{seen}");
    opened.reply(&id, &json!({"text": "It is mended."})).await?.is(204)?;
    ensure!(!waits().await?, "it is still under review");
    // The mail announces the reply without its text.
    let mails = env.mails(&ada.email).await?;
    ensure!(
        mails.len() == 1 && mails[0].contains("replied to your ticket") && !mails[0].contains("mended"),
        "{mails:?}"
    );

    let list = ada.get(TICKETS).await?.is(200)?.json;
    let ticket = &list["items"][0];
    ensure!(ticket["status"] == "answered" && ticket["messages"][1]["from"] == "staff", "{ticket}");
    ensure!(ticket["messages"][1]["text"] == "It is mended.", "{ticket}");
    let lines = access_log(&ada).await?;
    let acts: Vec<_> = lines.iter().map(|line| line["action"]["kind"].as_str().unwrap_or_default()).collect();
    ensure!(acts == ["replied", "read", "opened"] && lines[0]["action"]["ticket"] == id.as_str(), "{lines:?}");

    let messages = format!("{TICKETS}/{id}/messages");
    ada.post(&messages, &json!({"text": "It is not."})).await?.is(200)?;
    ensure!(waits().await?, "staff do not see the reopened ticket");
    opened.reply(&id, &json!({"text": "Now it is.", "close": true})).await?.is(204)?;
    ensure!(env.mails(&ada.email).await?.len() == 2);
    let closed = ada.get(TICKETS).await?.is(200)?.json;
    ensure!(closed["items"][0]["status"] == "closed" && !waits().await?, "{closed}");
    opened.reply(&id, &json!({"text": "and more"})).await?.is(409)?;
    Ok(())
}

async fn p33_overdue_tickets_are_measured_once_a_day(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let now = clock::now();
    let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
    let midnight = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(86_400))?;
    let ask = async |id: TicketId, at: Timestamp| -> Result<()> {
        let question = NewTicket { subject: "Cracked".to_owned(), text: "Mend it.".to_owned(), about: None };
        let ticket = Ticket::open(question, (id, ada.account_id.parse()?), at)
            .map_err(|refused| anyhow::anyhow!("{refused}"))?;
        Ok(env.table()?.commit(&[Write::Ticket(&ticket)]).await?)
    };
    let before = measurements(env, Metric::LateAnswers).await?;
    ask(TicketId(clock::uuid_at(now)), midnight - days(REPLY_ALERT_DAYS) + SignedDuration::from_secs(1)).await?;
    env.sweep(midnight).await?;
    ensure!(measurements(env, Metric::LateAnswers).await? == before, "no ticket is overdue yet");
    ask(TicketId(clock::uuid_at(now)), midnight - days(REPLY_ALERT_DAYS)).await?;
    env.sweep(midnight + SignedDuration::from_mins(1)).await?;
    ensure!(measurements(env, Metric::LateAnswers).await? == before, "it is measured more than once a day");
    env.sweep(midnight).await?;
    wait_for_metric(env, Metric::LateAnswers, before).await
}

async fn p16_disclosure_contains_tickets_active_in_its_period(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let days_ago = |days: i64| clock::now() - SignedDuration::from_hours(24 * days);
    let question = NewTicket { subject: "Cracked".to_owned(), text: "Mend it.".to_owned(), about: None };
    let id = (TicketId(clock::uuid_at(clock::now())), ada.account_id.parse()?);
    let refused = |refused| anyhow::anyhow!("{refused}");
    let opened = Ticket::open(question, id, days_ago(9)).map_err(refused)?;
    let gone_on =
        opened.add_message(MessageAuthor::Owner, Some("It broke.".to_owned()), false, days_ago(1)).map_err(refused)?;
    for version in [&opened, &gone_on] {
        env.table()?.commit(&[Write::Ticket(version)]).await?;
    }
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    for (from, to, things) in [(10, 8, 1), (8, 2, 0), (2, 0, 1)] {
        let wanted = json!({"reference": "court-7", "reason": "an order", "kinds": ["ticket"], "from": days_ago(from), "to": days_ago(to)});
        let made = grace.post(&path, &wanted).await?.is(201)?.json;
        let made = format!("{path}/{}", text(&made, "id")?);
        approve(&alan, &made).await?.is(204)?;
        let made = grace.get(&made).await?.is(200)?.json;
        ensure!(made["items"] == things, "{from} to {to}: {made}");
    }
    Ok(())
}
