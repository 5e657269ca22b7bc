//! Reviews and access by staff.

use anyhow::{Result, ensure};
use api::{
    Operation,
    moderation::cases,
    staff::{access, console, disclosures, holds, reviews},
};
use domain::{Credits, staff::role::Role};
use serde_json::json;

use crate::world::{World, claims};

#[tokio::test]
async fn staff_routes_do_not_exist_for_others() -> Result<()> {
    let world = World::new().await?;
    let member = claims(&json!({"cognito:groups": null}));
    for event in ["staff-access/open", "staff-access/profile", "staff-review/list", "staff-review/decide"] {
        world.send(event, member.clone()).await?.refused(404, "not-found")?;
    }
    Ok(())
}

/// Events that succeed for whom may send them, with their operations.
const EVENTS: [(&str, Operation); 13] = [
    ("staff-access/open", access::OPEN),
    ("staff-access/profile", access::READ_PROFILE),
    ("staff-access/generation", access::READ_GENERATION),
    ("staff-access/place-hold", holds::PLACE),
    ("staff-access/create-disclosure", disclosures::CREATE),
    ("staff-review/console", console::OPEN),
    ("staff-review/list", reviews::LIST),
    ("staff-review/decide", reviews::DECIDE),
    ("staff-review/freeze", reviews::SET_SPENDING),
    ("staff-review/credits", reviews::ADJUST_CREDITS),
    ("staff-review/refunded", reviews::MARK_REFUNDED),
    ("moderation-cases/read", cases::READ),
    ("moderation-cases/publishing", cases::SET_PUBLISHING),
];

#[tokio::test]
async fn staff_without_a_role_of_the_route_get_what_others_get() -> Result<()> {
    for (event, operation) in EVENTS {
        for role in Role::ALL {
            let world = World::new().await?;
            let answer = world.send(event, claims(&json!({"cognito:groups": format!("[{}]", role.group())}))).await?;
            if role.is_among(operation.roles) {
                ensure!(answer.status < 300, "{event} as {role:?}: {answer:?}");
            } else {
                answer.refused(404, "not-found")?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn console_opens_with_a_cookie_and_names_the_roles() -> Result<()> {
    let world = World::new().await?;
    let support = claims(&json!({"cognito:groups": "[editors support]"}));
    let opened = world.send("staff-review/console", support).await?.is(200)?;
    ensure!(opened.body["roles"] == json!(["support"]), "{opened:?}");
    let cookie = opened.cookies[0].as_str().unwrap_or_default();
    ensure!(cookie.starts_with(&format!("{}=", console::CONSOLE_COOKIE)), "{opened:?}");
    Ok(())
}

#[tokio::test]
async fn credits_are_granted_and_taken_with_an_entry_each() -> Result<()> {
    let world = World::new().await?;
    let before = world.account().await?.balance.available;
    world
        .send("staff-review/credits", json!({"body": {"amount": 20, "note": "three videos failed"}}))
        .await?
        .is(200)?;
    let granted = world.account().await?;
    ensure!(granted.balance.available == before.plus(Credits(20)), "{:?}", granted.balance);
    world.send("staff-review/credits", json!({"body": {"amount": 0, "note": "nothing"}})).await?.names(&["amount"])?;
    world.send("staff-review/credits", json!({"body": {"amount": 5, "note": " "}})).await?.names(&["note"])?;
    let more = granted.balance.available.0 + 1;
    let taken = json!({"body": {"amount": -more, "note": "a mistake"}});
    world.send("staff-review/credits", taken).await?.refused(409, "conflict")?;
    ensure!(world.account().await?.balance == granted.balance);
    Ok(())
}

#[tokio::test]
async fn decision_needs_a_note() -> Result<()> {
    let body = json!({"body": {"release": true, "note": " "}});
    World::new().await?.send("staff-review/decide", body).await?.names(&["note"])?;
    Ok(())
}

#[tokio::test]
async fn access_needs_a_reason_and_ends_within_a_day() -> Result<()> {
    let body = json!({"body": {"reference": "", "reason": " ", "minutes": 15}});
    let world = World::new().await?;
    world.send("staff-access/open", body).await?.names(&["reason", "reference"])?;
    let body = json!({"body": {"reference": "T-17", "reason": "she asked", "minutes": 100_000}});
    world.send("staff-access/open", body).await?.names(&["minutes"])?;
    Ok(())
}

#[tokio::test]
async fn each_look_is_recorded_with_what_it_shows() -> Result<()> {
    let answer = World::new().await?.send("staff-access/profile", json!({})).await?.is(200)?;
    ensure!(answer.calls.contains(&"TransactWriteItems".to_owned()), "{answer:?}");
    Ok(())
}
