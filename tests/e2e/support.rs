//! Questions to staff: asked, answered under an access that their owner reads of, closed, and nobody else's; and letters of
//! whoever is not signed in, which are confirmed, answered by mail, and gone.

use anyhow::{Context, Result, ensure};
use domain::{
    TicketId,
    registry::REPLY_ALERT_DAYS,
    support::guest_ticket::PER_DAY,
    support::ticket::{MessageAuthor, NewTicket, Ticket},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::{clock, telemetry::Metric};
use serde_json::{Value, json};
use store::Write;

use crate::{
    corrections::last_code,
    erasure,
    observability::{measured_again, measurements},
    sessions::address,
    staff_access::{Opened, log},
    tests,
    world::{Answer, Person, TestEnv, text},
};

tests![
    p33_a_question_is_asked_about_a_picture_gone_on_with_and_closed,
    a_question_about_what_is_not_ones_own_is_refused,
    a_day_has_ten_questions,
    a_question_that_is_sent_twice_is_asked_once,
    p33_staff_answer_under_an_access_and_its_owner_reads_answer_and_log,
    p13_p19_p33_a_letter_is_read_for_a_reason_answered_by_mail_and_gone,
    p33_a_letter_that_deserves_no_answer_is_put_aside,
    p19_p30_p33_a_letter_from_the_address_of_an_account_is_a_question_there_and_is_answered_by_mail,
    p33_a_letter_reaches_nobody_without_the_code_that_went_to_its_address,
    p33_an_address_has_three_letters_a_day_and_its_codes_are_guessed_by_nobody,
    p33_a_network_has_thirty_letters_an_hour_whoever_writes_them,
    p33_a_network_guesses_sixty_codes_an_hour_whatever_the_address,
    p32_a_letter_goes_with_the_account_that_comes_to_have_its_address,
    p33_what_has_waited_too_long_is_measured_once_a_day,
    p16_a_disclosure_has_the_questions_in_which_something_was_said_in_its_time,
];

const TICKETS: &str = "/v1/support/tickets";
const LETTERS: &str = "/v1/support/guest-tickets";
const CONFIRM: &str = "/v1/support/guest-tickets/confirm";

async fn p33_a_question_is_asked_about_a_picture_gone_on_with_and_closed(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let picture = text(&ada.finished_picture("a cracked vase").await?, "id")?;
    let about = json!({"kind": "generation", "id": picture});
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

async fn a_question_about_what_is_not_ones_own_is_refused(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let hers = text(&ada.finished_picture("a vase").await?, "id")?;
    for kind in ["generation", "payment"] {
        let about = json!({"kind": kind, "id": hers});
        let answer = bob.post(TICKETS, &json!({"subject": "a", "text": "b", "about": about})).await?.is(400)?;
        ensure!(answer.fields() == ["about.id"], "{}", answer.json);
    }
    let asked = ada.post(TICKETS, &json!({"subject": "a", "text": "b"})).await?.is(201)?.json;
    bob.post(&format!("{TICKETS}/{}/messages", text(&asked, "id")?), &json!({"text": "mine"})).await?.is(404)?;
    Ok(())
}

async fn a_day_has_ten_questions(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let question = json!({"subject": "again", "text": "and again"});
    for _ in 0..10 {
        ada.post(TICKETS, &question).await?.is(201)?;
    }
    let refused = ada.post(TICKETS, &question).await?.is(429)?;
    ensure!(refused.header("ratelimit-policy") == Some("\"support\";q=10;w=86400"), "{:?}", refused.headers);
    Ok(())
}

async fn a_question_that_is_sent_twice_is_asked_once(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let send = || {
        let request = ada.request(Method::POST, TICKETS).header("idempotency-key", "question");
        request.json(&json!({"subject": "a", "text": "b"})).send()
    };
    let first = Answer::read(send().await?).await?.is(201)?;
    let second = Answer::read(send().await?).await?.is(201)?;
    ensure!(first.bytes == second.bytes && second.header("idempotent-replayed") == Some("true"));
    let list = ada.get(TICKETS).await?.is(200)?.json;
    ensure!(list["items"].as_array().is_some_and(|items| items.len() == 1), "{list}");
    Ok(())
}

/// What of a kind waits for staff.
async fn waiting(staff: &Person, kind: &str) -> Result<Vec<Value>> {
    let (mut found, mut path) = (Vec::new(), "/v1/staff/reviews?limit=100".to_owned());
    loop {
        let page = staff.get(&path).await?.is(200)?.json;
        found.extend(page["items"].as_array().context("no items")?.iter().filter(|item| item["kind"] == kind).cloned());
        let Some(next) = page["next"].as_str() else { return Ok(found) };
        path = format!("/v1/staff/reviews?limit=100&cursor={next}");
    }
}

async fn p33_staff_answer_under_an_access_and_its_owner_reads_answer_and_log(world: &'static TestEnv) -> Result<()> {
    let (grace, ada, bob) = (world.staff().await?, world.person().await?, world.person().await?);
    let asked = ada.post(TICKETS, &json!({"subject": "Cracked", "text": "Mend it."})).await?.is(201)?.json;
    let id = text(&asked, "id")?;
    let waits = async || -> Result<bool> {
        let mut tickets = waiting(&grace, "ticket").await?.into_iter();
        Ok(tickets.any(|ticket| ticket["id"] == id.as_str() && ticket["account"] == ada.account_id.as_str()))
    };
    ensure!(waits().await?, "staff do not see that it waits");
    let told = json!(waiting(&grace, "ticket").await?).to_string();
    ensure!(!told.contains("Cracked") && !told.contains("Mend"), "the list tells what is asked: {told}");

    // An access to somebody else opens nothing here, and a question of hers is nowhere else.
    Opened::to(&grace, &bob).await?.answer(&id, &json!({"text": "for whom?"})).await?.is(404)?;
    let opened = Opened::to(&grace, &ada).await?;
    opened.answer(&id, &json!({})).await?.is(400)?;
    let seen = opened.look("tickets").await?.is(200)?.json;
    ensure!(seen["items"][0]["messages"][0]["text"] == "Mend it.", "{seen}");
    opened.answer(&id, &json!({"text": "It is mended."})).await?.is(204)?;
    ensure!(!waits().await?, "it still waits");
    // She is told that there is an answer, and reads it where nobody else does.
    let mails = world.mails(&ada.email).await?;
    ensure!(mails.len() == 1 && mails[0].contains("replied to your ticket") && !mails[0].contains("mended"), "{mails:?}");

    let list = ada.get(TICKETS).await?.is(200)?.json;
    let ticket = &list["items"][0];
    ensure!(ticket["status"] == "answered" && ticket["messages"][1]["from"] == "staff", "{ticket}");
    ensure!(ticket["messages"][1]["text"] == "It is mended.", "{ticket}");
    let lines = log(&ada).await?;
    let acts: Vec<_> = lines.iter().map(|line| line["action"]["kind"].as_str().unwrap_or_default()).collect();
    ensure!(acts == ["replied", "read", "opened"] && lines[0]["action"]["ticket"] == id.as_str(), "{lines:?}");

    let messages = format!("{TICKETS}/{id}/messages");
    ada.post(&messages, &json!({"text": "It is not."})).await?.is(200)?;
    ensure!(waits().await?, "staff do not see that it waits again");
    opened.answer(&id, &json!({"text": "Now it is.", "close": true})).await?.is(204)?;
    ensure!(world.mails(&ada.email).await?.len() == 2);
    let closed = ada.get(TICKETS).await?.is(200)?.json;
    ensure!(closed["items"][0]["status"] == "closed" && !waits().await?, "{closed}");
    opened.answer(&id, &json!({"text": "and more"})).await?.is(409)?;
    Ok(())
}

/// Writes a letter and confirms it.
pub async fn letter(world: &'static TestEnv, email: &str, words: &Value) -> Result<()> {
    let stranger = world.stranger()?;
    let mut body = json!({"email": email});
    if let (Some(body), Some(words)) = (body.as_object_mut(), words.as_object()) {
        body.extend(words.clone());
    }
    stranger.post(LETTERS, &body).await?.is(202)?;
    let code = last_code(world, email).await?;
    stranger.post(CONFIRM, &json!({"email": email, "code": code})).await?.is(204)?;
    Ok(())
}

/// Where staff find the letters of an address.
async fn letters(staff: &Person, email: &str) -> Result<Vec<String>> {
    let (table, mut found) = (staff.world.table()?, Vec::new());
    for letter in waiting(staff, "guest_ticket").await? {
        let (writer, id) = (text(&letter, "guest")?, text(&letter, "id")?);
        let kept = table.guest_ticket(&writer, id.parse()?).await?;
        // Others are answered meanwhile.
        if kept.is_some_and(|kept| kept.email == email) {
            found.push(format!("/v1/staff/guest-tickets/{writer}/{id}"));
        }
    }
    Ok(found)
}

async fn p13_p19_p33_a_letter_is_read_for_a_reason_answered_by_mail_and_gone(world: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (world.staff().await?, world.staff().await?, world.person().await?);
    let email = address();
    let words = json!({"subject": "<b>Locked out</b>", "text": "No code comes."});
    letter(world, &email, &words).await?;
    let found = letters(&grace, &email).await?;
    let [path] = found.as_slice() else { anyhow::bail!("not one letter: {found:?}") };
    let told = json!(waiting(&grace, "guest_ticket").await?).to_string();
    ensure!(!told.contains("Locked") && !told.contains(&email), "the list tells what is asked, or by whom: {told}");
    let (looks, answer) = (format!("{path}/reads"), format!("{path}/reply"));
    let why = json!({"reason": "it waits for us"});
    ada.post(&looks, &why).await?.is(404)?;
    ada.post(&answer, &json!({"text": "mine"})).await?.is(404)?;
    ensure!(grace.post(&looks, &json!({"reason": ""})).await?.is(400)?.fields() == ["reason"]);
    let read = grace.post(&looks, &why).await?.is(200)?.json;
    ensure!(read["subject"] == words["subject"] && read["text"] == words["text"] && read["email"] == email, "{read}");
    ensure!(read["reads"][0]["reason"] == why["reason"], "{read}");
    alan.post(&answer, &json!({"text": "unread"})).await?.is(409)?;
    grace.post(&answer, &json!({"text": ""})).await?.is(400)?;

    let send = || {
        let request = grace.request(Method::POST, &answer).header("idempotency-key", &answer[..60]);
        request.json(&json!({"text": "Try it now."})).send()
    };
    Answer::read(send().await?).await?.is(204)?;
    Answer::read(send().await?).await?.is(204)?;
    let mails = world.mails(&email).await?;
    ensure!(mails.len() == 2 && mails[1].contains("Try it now.") && mails[1].contains("Locked out"), "{mails:?}");
    let look = format!("{}: it waits for us", text(&read["reads"][0], "staff")?);
    ensure!(mails[1].contains(&look), "whoever wrote it is not told who read it and why: {mails:?}");
    grace.post(&looks, &why).await?.is(404)?;
    ensure!(letters(&grace, &email).await?.is_empty(), "it is still there");
    grace.post(&answer, &json!({"text": "again"})).await?.is(404)?;
    Ok(())
}

async fn p33_a_letter_that_deserves_no_answer_is_put_aside(world: &'static TestEnv) -> Result<()> {
    let (grace, email) = (world.staff().await?, address());
    letter(world, &email, &json!({"subject": "Buy now", "text": "Cheap vases."})).await?;
    put_aside(&grace, &email).await?;
    ensure!(letters(&grace, &email).await?.is_empty(), "it is still there");
    ensure!(world.mails(&email).await?.len() == 1, "it is answered");
    Ok(())
}

/// Nobody is kept waiting by what only a test wrote.
async fn put_aside(staff: &Person, email: &str) -> Result<()> {
    for path in letters(staff, email).await? {
        staff.post(&format!("{path}/reads"), &json!({"reason": "it waits"})).await?.is(200)?;
        staff.post(&format!("{path}/reply"), &json!({})).await?.is(204)?;
    }
    Ok(())
}

async fn p19_p30_p33_a_letter_from_the_address_of_an_account_is_a_question_there_and_is_answered_by_mail(
    world: &'static TestEnv,
) -> Result<()> {
    let (grace, ada) = (world.staff().await?, world.person().await?);
    letter(world, &ada.email, &json!({"subject": "Locked out", "text": "No code comes."})).await?;
    ensure!(letters(&grace, &ada.email).await?.is_empty(), "it lies beside the account");
    let question = async || -> Result<Value> { Ok(ada.get(TICKETS).await?.is(200)?.json["items"][0].clone()) };
    let asked = question().await?;
    ensure!(asked["subject"] == "Locked out" && asked["messages"][0]["text"] == "No code comes.", "{asked}");
    let id = text(&asked, "id")?;
    ensure!(waiting(&grace, "ticket").await?.iter().any(|ticket| ticket["id"] == id.as_str()), "nobody is told");

    let opened = Opened::to(&grace, &ada).await?;
    opened.answer(&id, &json!({"text": "Try it now."})).await?.is(204)?;
    let mails = world.mails(&ada.email).await?;
    ensure!(mails.len() == 2 && mails[1].contains("Try it now.") && mails[1].contains("Locked out"), "{mails:?}");
    ensure!(log(&ada).await?.len() == 2, "its owner does not read who answered");

    // She is in again: from now on what is said stays between her and staff.
    ada.post(&format!("{TICKETS}/{id}/messages"), &json!({"text": "It works."})).await?.is(200)?;
    opened.answer(&id, &json!({"text": "Good.", "close": true})).await?.is(204)?;
    let mails = world.mails(&ada.email).await?;
    ensure!(mails.len() == 3 && mails[2].contains("replied to your ticket") && !mails[2].contains("Good."), "{mails:?}");
    Ok(())
}

async fn p33_a_letter_reaches_nobody_without_the_code_that_went_to_its_address(world: &'static TestEnv) -> Result<()> {
    let (grace, stranger, email) = (world.staff().await?, world.stranger()?, address());
    let body = json!({"email": email, "subject": "a", "text": "b"});
    stranger.post(LETTERS, &body).await?.is(202)?;
    let code = last_code(world, &email).await?;
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    for (email, code) in [(&email, wrong), (&address(), &code)] {
        let refused = stranger.post(CONFIRM, &json!({"email": email, "code": code})).await?.is(400)?;
        ensure!(refused.fields() == ["code"], "{}", refused.json);
    }
    ensure!(letters(&grace, &email).await?.is_empty(), "it reached staff");
    stranger.post(CONFIRM, &json!({"email": email, "code": code})).await?.is(204)?;
    ensure!(letters(&grace, &email).await?.len() == 1);
    stranger.post(CONFIRM, &json!({"email": email, "code": code})).await?.is(400)?;
    put_aside(&grace, &email).await
}

async fn p33_an_address_has_three_letters_a_day_and_its_codes_are_guessed_by_nobody(
    world: &'static TestEnv,
) -> Result<()> {
    let (stranger, email) = (world.stranger()?, address());
    let body = json!({"email": email, "subject": "a", "text": "b"});
    for _ in 0..PER_DAY {
        stranger.post(LETTERS, &body).await?.is(202)?;
    }
    let refused = stranger.post(LETTERS, &body).await?.is(429)?;
    ensure!(
        refused.header("ratelimit-policy") == Some("\"guest-ticket-address\";q=3;w=86400"),
        "{:?}",
        refused.headers
    );
    ensure!(world.mails(&email).await?.len() == 3);
    let guess = async || stranger.post(CONFIRM, &json!({"email": email, "code": "guessing"})).await;
    for _ in 0..10 {
        guess().await?.is(400)?;
    }
    guess().await?.is(429)?;
    let right = last_code(world, &email).await?;
    stranger.post(CONFIRM, &json!({"email": email, "code": right})).await?.is(429)?;
    Ok(())
}

async fn p33_a_network_has_thirty_letters_an_hour_whoever_writes_them(world: &'static TestEnv) -> Result<()> {
    let mut sent = Vec::new();
    let mut write = async |from: &str| -> Result<(String, Value)> {
        let email = address();
        sent.push(email.clone());
        let body = json!({"email": email, "subject": "a", "text": "b"});
        Ok((email, from_network(world, "guest-ticket-without-mail", from, &body).await?))
    };
    for letter in 0..30 {
        let (_, answer) = write("203.0.113.4").await?;
        ensure!(answer["statusCode"] == 202, "letter {letter}: {answer}");
    }
    let (email, refused) = write("203.0.113.4").await?;
    ensure!(refused["statusCode"] == 429, "{refused}");
    ensure!(refused["headers"]["ratelimit-policy"] == "\"guest-ticket-network\";q=30;w=3600", "{refused}");
    ensure!(world.mails(&email).await?.is_empty(), "the one too many is mailed");
    ensure!(write("198.51.100.9").await?.1["statusCode"] == 202, "another network waits for this one");
    Ok(())
}

async fn p33_a_network_guesses_sixty_codes_an_hour_whatever_the_address(world: &'static TestEnv) -> Result<()> {
    let guess = async |from: &str| -> Result<Value> {
        let body = json!({"email": address(), "code": "guessing"});
        from_network(world, "guest-ticket-confirm-wrong-code", from, &body).await
    };
    for tried in 0..60 {
        let answer = guess("203.0.113.5").await?;
        ensure!(answer["statusCode"] == 400, "guess {tried}: {answer}");
    }
    let refused = guess("203.0.113.5").await?;
    ensure!(refused["statusCode"] == 429, "{refused}");
    ensure!(refused["headers"]["ratelimit-policy"] == "\"guest-ticket-code-network\";q=60;w=3600", "{refused}");
    ensure!(guess("198.51.100.10").await?["statusCode"] == 400, "another network waits for this one");
    Ok(())
}

/// What a request like this event, with another body and from this address, is answered with.
async fn from_network(world: &TestEnv, event: &str, from: &str, body: &Value) -> Result<Value> {
    let event = std::fs::read_to_string(stack::workspace().join(format!("events/support/{event}.json")))?;
    let mut event: Value = serde_json::from_str(&event)?;
    event["requestContext"]["http"]["sourceIp"] = json!(from);
    event["body"] = json!(body.to_string());
    world.invoke("Support", &event).await
}

async fn p32_a_letter_goes_with_the_account_that_comes_to_have_its_address(world: &'static TestEnv) -> Result<()> {
    let (grace, email) = (world.staff().await?, address());
    letter(world, &email, &json!({"subject": "a", "text": "b"})).await?;
    let ada = world.person_at(email).await?;
    let found = letters(&grace, &ada.email).await?;
    let [path] = found.as_slice() else { anyhow::bail!("not one letter: {found:?}") };
    erasure::erased(world, &erasure::ask(&ada).await?).await?;
    grace.post(&format!("{path}/reads"), &json!({"reason": "it waits"})).await?.is(404)?;
    Ok(())
}

async fn p33_what_has_waited_too_long_is_measured_once_a_day(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let now = clock::now();
    let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
    let midnight = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(86_400))?;
    let ask = async |id: TicketId, at: Timestamp| -> Result<()> {
        let question = NewTicket { subject: "Cracked".to_owned(), text: "Mend it.".to_owned(), about: None };
        let ticket = Ticket::open(question, (id, ada.account_id.parse()?), at)
            .map_err(|refused| anyhow::anyhow!("{refused}"))?;
        Ok(world.table()?.commit(&[Write::Ticket(&ticket)]).await?)
    };
    let before = measurements(world, Metric::LateAnswers).await?;
    ask(TicketId(clock::uuid_at(now)), midnight - days(REPLY_ALERT_DAYS) + SignedDuration::from_secs(1)).await?;
    world.sweep(midnight).await?;
    ensure!(measurements(world, Metric::LateAnswers).await? == before, "nobody has waited for so long");
    ask(TicketId(clock::uuid_at(now)), midnight - days(REPLY_ALERT_DAYS)).await?;
    world.sweep(midnight + SignedDuration::from_mins(1)).await?;
    ensure!(measurements(world, Metric::LateAnswers).await? == before, "it is measured all day");
    world.sweep(midnight).await?;
    measured_again(world, Metric::LateAnswers, before).await
}

async fn p16_a_disclosure_has_the_questions_in_which_something_was_said_in_its_time(
    world: &'static TestEnv,
) -> Result<()> {
    let (grace, ada) = (world.staff().await?, world.person().await?);
    let days_ago = |days: i64| clock::now() - SignedDuration::from_hours(24 * days);
    let question = NewTicket { subject: "Cracked".to_owned(), text: "Mend it.".to_owned(), about: None };
    let id = (TicketId(clock::uuid_at(clock::now())), ada.account_id.parse()?);
    let refused = |refused| anyhow::anyhow!("{refused}");
    let opened = Ticket::open(question, id, days_ago(9)).map_err(refused)?;
    let gone_on =
        opened.add_message(MessageAuthor::Owner, Some("It broke.".to_owned()), false, days_ago(1)).map_err(refused)?;
    for version in [&opened, &gone_on] {
        world.table()?.commit(&[Write::Ticket(version)]).await?;
    }
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    for (from, to, things) in [(10, 8, 1), (8, 2, 0), (2, 0, 1)] {
        let wanted = json!({"reference": "court-7", "reason": "an order", "kinds": ["ticket"], "from": days_ago(from), "to": days_ago(to)});
        let made = grace.post(&path, &wanted).await?.is(201)?.json;
        ensure!(made["items"] == things, "{from} to {to}: {made}");
    }
    Ok(())
}
