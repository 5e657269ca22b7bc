//! Guest tickets: confirmed with a mailed code, read by staff for a reason, replied to by mail, and deleted.

use anyhow::{Result, ensure};
use domain::support::guest_ticket::PER_DAY;
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    erasures::{request_erasure, wait_for_erasure},
    http::{ApiResponse, text},
    sessions::last_mailed_code,
    staff_access::{StaffAccess, access_log, reviews},
    support::{CONFIRM_GUEST_TICKET, GUEST_TICKETS, TICKETS, open_guest_ticket},
    test_env::{TestEnv, TestUser, new_address},
    trial::tests,
};

tests![
    p13_p19_p33_guest_ticket_is_read_replied_by_mail_and_deleted,
    p33_guest_ticket_can_be_closed_without_a_reply,
    p19_p30_p33_guest_ticket_of_an_account_becomes_its_ticket,
    p33_guest_ticket_needs_the_mailed_code,
    p33_guest_tickets_and_code_attempts_per_address_are_limited,
    p33_guest_tickets_per_network_are_limited,
    p33_code_attempts_per_network_are_limited,
    p32_guest_ticket_is_erased_with_a_later_account,
];

/// Returns the staff paths of the guest tickets of an address.
async fn guest_tickets(staff: &TestUser, email: &str) -> Result<Vec<String>> {
    let (table, mut found) = (staff.env.table()?, Vec::new());
    for ticket in reviews(staff, "guest_ticket").await? {
        let (guest, id) = (text(&ticket, "guest")?, text(&ticket, "id")?);
        let kept = table.guest_ticket(&guest, id.parse()?).await?;
        // Other tests reply to theirs meanwhile.
        if kept.is_some_and(|kept| kept.email == email) {
            found.push(format!("/v1/staff/guest-tickets/{guest}/{id}"));
        }
    }
    Ok(found)
}

async fn p13_p19_p33_guest_ticket_is_read_replied_by_mail_and_deleted(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let email = new_address();
    let words = json!({"subject": "<b>Locked out</b>", "text": "No code comes."});
    open_guest_ticket(env, &email, &words).await?;
    let found = guest_tickets(&grace, &email).await?;
    let [path] = found.as_slice() else { anyhow::bail!("not one guest ticket: {found:?}") };
    let listed = json!(reviews(&grace, "guest_ticket").await?).to_string();
    ensure!(
        !listed.contains("Locked") && !listed.contains(&email),
        "the list reveals the text or the address: {listed}"
    );
    let (reads, response) = (format!("{path}/reads"), format!("{path}/reply"));
    let why = json!({"reason": "it waits for us"});
    ada.post(&reads, &why).await?.is(404)?;
    ada.post(&response, &json!({"text": "mine"})).await?.is(404)?;
    ensure!(grace.post(&reads, &json!({"reason": ""})).await?.is(400)?.fields() == ["reason"]);
    let read = grace.post(&reads, &why).await?.is(200)?.json;
    ensure!(read["subject"] == words["subject"] && read["text"] == words["text"] && read["email"] == email, "{read}");
    ensure!(read["reads"][0]["reason"] == why["reason"], "{read}");
    alan.post(&response, &json!({"text": "unread"})).await?.is(409)?;
    grace.post(&response, &json!({"text": ""})).await?.is(400)?;

    let send = || {
        let request = grace.request(Method::POST, &response).header("idempotency-key", &response[..60]);
        request.json(&json!({"text": "Try it now."})).send()
    };
    ApiResponse::read(send().await?).await?.is(204)?;
    ApiResponse::read(send().await?).await?.is(204)?;
    let mails = env.mails(&email).await?;
    ensure!(mails.len() == 2 && mails[1].contains("Try it now.") && mails[1].contains("Locked out"), "{mails:?}");
    let look = format!("{}: it waits for us", text(&read["reads"][0], "staff")?);
    ensure!(mails[1].contains(&look), "the mail does not name the reads and their reasons: {mails:?}");
    grace.post(&reads, &why).await?.is(404)?;
    ensure!(guest_tickets(&grace, &email).await?.is_empty(), "the guest ticket is still listed");
    grace.post(&response, &json!({"text": "again"})).await?.is(404)?;
    Ok(())
}

async fn p33_guest_ticket_can_be_closed_without_a_reply(env: &'static TestEnv) -> Result<()> {
    let (grace, email) = (env.staff().await?, new_address());
    open_guest_ticket(env, &email, &json!({"subject": "Buy now", "text": "Cheap vases."})).await?;
    close_guest_tickets(&grace, &email).await?;
    ensure!(guest_tickets(&grace, &email).await?.is_empty(), "the guest ticket is still listed");
    ensure!(env.mails(&email).await?.len() == 1, "a reply was mailed");
    Ok(())
}

/// Closes the guest tickets of an address without a reply.
async fn close_guest_tickets(staff: &TestUser, email: &str) -> Result<()> {
    for path in guest_tickets(staff, email).await? {
        staff.post(&format!("{path}/reads"), &json!({"reason": "it waits"})).await?.is(200)?;
        staff.post(&format!("{path}/reply"), &json!({})).await?.is(204)?;
    }
    Ok(())
}

async fn p19_p30_p33_guest_ticket_of_an_account_becomes_its_ticket(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    open_guest_ticket(env, &ada.email, &json!({"subject": "Locked out", "text": "No code comes."})).await?;
    ensure!(guest_tickets(&grace, &ada.email).await?.is_empty(), "a guest ticket was opened beside the account");
    let question = async || -> Result<Value> { Ok(ada.get(TICKETS).await?.is(200)?.json["items"][0].clone()) };
    let asked = question().await?;
    ensure!(asked["subject"] == "Locked out" && asked["messages"][0]["text"] == "No code comes.", "{asked}");
    let id = text(&asked, "id")?;
    ensure!(
        reviews(&grace, "ticket").await?.iter().any(|ticket| ticket["id"] == id.as_str()),
        "the ticket is not on the review list"
    );

    let opened = StaffAccess::to(&grace, &ada).await?;
    opened.reply(&id, &json!({"text": "Try it now."})).await?.is(204)?;
    let mails = env.mails(&ada.email).await?;
    ensure!(mails.len() == 2 && mails[1].contains("Try it now.") && mails[1].contains("Locked out"), "{mails:?}");
    ensure!(access_log(&ada).await?.len() == 2, "the owner does not see who replied");

    // The owner has signed in again: from now on mails do not contain the text.
    ada.post(&format!("{TICKETS}/{id}/messages"), &json!({"text": "It works."})).await?.is(200)?;
    opened.reply(&id, &json!({"text": "Good.", "close": true})).await?.is(204)?;
    let mails = env.mails(&ada.email).await?;
    ensure!(
        mails.len() == 3 && mails[2].contains("replied to your ticket") && !mails[2].contains("Good."),
        "{mails:?}"
    );
    Ok(())
}

async fn p33_guest_ticket_needs_the_mailed_code(env: &'static TestEnv) -> Result<()> {
    let (grace, visitor, email) = (env.staff().await?, env.visitor()?, new_address());
    let body = json!({"email": email, "subject": "a", "text": "b"});
    visitor.post(GUEST_TICKETS, &body).await?.is(202)?;
    let code = last_mailed_code(env, &email).await?;
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    for (email, code) in [(&email, wrong), (&new_address(), &code)] {
        let refused = visitor.post(CONFIRM_GUEST_TICKET, &json!({"email": email, "code": code})).await?.is(400)?;
        ensure!(refused.fields() == ["code"], "{}", refused.json);
    }
    ensure!(guest_tickets(&grace, &email).await?.is_empty(), "an unconfirmed guest ticket reached staff");
    visitor.post(CONFIRM_GUEST_TICKET, &json!({"email": email, "code": code})).await?.is(204)?;
    ensure!(guest_tickets(&grace, &email).await?.len() == 1);
    visitor.post(CONFIRM_GUEST_TICKET, &json!({"email": email, "code": code})).await?.is(400)?;
    close_guest_tickets(&grace, &email).await
}

async fn p33_guest_tickets_and_code_attempts_per_address_are_limited(env: &'static TestEnv) -> Result<()> {
    let (visitor, email) = (env.visitor()?, new_address());
    let body = json!({"email": email, "subject": "a", "text": "b"});
    for _ in 0..PER_DAY {
        visitor.post(GUEST_TICKETS, &body).await?.is(202)?;
    }
    let refused = visitor.post(GUEST_TICKETS, &body).await?.is(429)?;
    ensure!(
        refused.header("ratelimit-policy") == Some("\"guest-ticket-address\";q=3;w=86400"),
        "{:?}",
        refused.headers
    );
    ensure!(env.mails(&email).await?.len() == 3);
    let guess = async || visitor.post(CONFIRM_GUEST_TICKET, &json!({"email": email, "code": "guessing"})).await;
    for _ in 0..10 {
        guess().await?.is(400)?;
    }
    guess().await?.is(429)?;
    let right = last_mailed_code(env, &email).await?;
    visitor.post(CONFIRM_GUEST_TICKET, &json!({"email": email, "code": right})).await?.is(429)?;
    Ok(())
}

async fn p33_guest_tickets_per_network_are_limited(env: &'static TestEnv) -> Result<()> {
    let mut sent = Vec::new();
    let mut write = async |from: &str| -> Result<(String, Value)> {
        let email = new_address();
        sent.push(email.clone());
        let body = json!({"email": email, "subject": "a", "text": "b"});
        Ok((email, from_network(env, "guest-ticket-without-mail", from, &body).await?))
    };
    for ticket in 0..30 {
        let (_, response) = write("203.0.113.4").await?;
        ensure!(response["statusCode"] == 202, "guest ticket {ticket}: {response}");
    }
    let (email, refused) = write("203.0.113.4").await?;
    ensure!(refused["statusCode"] == 429, "{refused}");
    ensure!(refused["headers"]["ratelimit-policy"] == "\"guest-ticket-network\";q=30;w=3600", "{refused}");
    ensure!(env.mails(&email).await?.is_empty(), "a refused guest ticket sent mail");
    ensure!(write("198.51.100.9").await?.1["statusCode"] == 202, "the limit affects another network");
    Ok(())
}

async fn p33_code_attempts_per_network_are_limited(env: &'static TestEnv) -> Result<()> {
    let guess = async |from: &str| -> Result<Value> {
        let body = json!({"email": new_address(), "code": "guessing"});
        from_network(env, "guest-ticket-confirm-wrong-code", from, &body).await
    };
    for tried in 0..60 {
        let response = guess("203.0.113.5").await?;
        ensure!(response["statusCode"] == 400, "guess {tried}: {response}");
    }
    let refused = guess("203.0.113.5").await?;
    ensure!(refused["statusCode"] == 429, "{refused}");
    ensure!(refused["headers"]["ratelimit-policy"] == "\"guest-ticket-code-network\";q=60;w=3600", "{refused}");
    ensure!(guess("198.51.100.10").await?["statusCode"] == 400, "the limit affects another network");
    Ok(())
}

/// Invokes `support` with this event, with another body and source address, and returns the response.
async fn from_network(env: &TestEnv, event: &str, from: &str, body: &Value) -> Result<Value> {
    let event = std::fs::read_to_string(stack::workspace().join(format!("events/support/{event}.json")))?;
    let mut event: Value = serde_json::from_str(&event)?;
    event["requestContext"]["http"]["sourceIp"] = json!(from);
    event["body"] = json!(body.to_string());
    env.invoke("Support", &event).await
}

async fn p32_guest_ticket_is_erased_with_a_later_account(env: &'static TestEnv) -> Result<()> {
    let (grace, email) = (env.staff().await?, new_address());
    open_guest_ticket(env, &email, &json!({"subject": "a", "text": "b"})).await?;
    let ada = env.user_at(email).await?;
    let found = guest_tickets(&grace, &ada.email).await?;
    let [path] = found.as_slice() else { anyhow::bail!("not one guest ticket: {found:?}") };
    wait_for_erasure(env, &request_erasure(&ada).await?).await?;
    grace.post(&format!("{path}/reads"), &json!({"reason": "it waits"})).await?.is(404)?;
    Ok(())
}
