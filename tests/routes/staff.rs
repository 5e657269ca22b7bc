//! Reviews and access by staff.

use anyhow::{Result, ensure};
use api::{
    Operation,
    catalogue::watch,
    credits::promotions,
    moderation::cases,
    staff::{access, console, disclosures, holds, members, reviews},
};
use domain::{Credits, staff::role::Role};
use serde_json::json;

use crate::world::{Answer, World, claims};

#[tokio::test]
async fn staff_routes_do_not_exist_for_others() -> Result<()> {
    let world = World::new().await?;
    let member = claims(&json!({"cognito:groups": null}));
    for event in ["staff-access/open", "staff-access/profile", "staff-members/grant", "staff-review/list"] {
        world.send(event, member.clone()).await?.refused(404, "not-found")?;
    }
    Ok(())
}

/// Events that succeed for whom may send them, with their operations.
const EVENTS: [(&str, Operation); 19] = [
    ("staff-access/open", access::OPEN),
    ("staff-access/profile", access::READ_PROFILE),
    ("staff-access/generation", access::READ_GENERATION),
    ("staff-access/place-hold", holds::PLACE),
    ("staff-access/create-disclosure", disclosures::CREATE),
    ("staff-members/list", members::LIST),
    ("staff-members/grant", members::GRANT),
    ("staff-members/revoke", members::REVOKE),
    ("catalogue/promotions", promotions::LIST),
    ("catalogue/publish-promotion", promotions::PUBLISH),
    ("staff-review/console", console::OPEN),
    ("staff-review/models", watch::SHOW_MODELS),
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

/// Returns the calls that change who is staff, and the transactions, in their order.
fn changes(answer: &Answer) -> Vec<&str> {
    let calls = answer.calls.iter().map(String::as_str);
    calls
        .filter(|call| call.starts_with("Admin") && *call != "AdminListGroupsForUser" || *call == "TransactWriteItems")
        .collect()
}

#[tokio::test]
async fn role_is_taken_after_its_entry_and_after_the_sessions_ended() -> Result<()> {
    let world = World::new().await?;
    let taken = world.send("staff-members/revoke", json!({})).await?.is(204)?;
    let expected = ["TransactWriteItems", "AdminUserGlobalSignOut", "AdminRemoveUserFromGroup"];
    ensure!(changes(&taken) == expected, "{taken:?}");
    let log = world.send("account/access-log", json!({})).await?.is(200)?;
    ensure!(log.body["items"][0]["action"] == json!({"kind": "revoked_role", "role": "support"}), "{log:?}");
    Ok(())
}

#[tokio::test]
async fn role_that_the_person_has_is_not_granted_or_recorded_again() -> Result<()> {
    // The fake user pool says that everyone has every role.
    let granted = World::new().await?.send("staff-members/grant", json!({})).await?.is(201)?;
    ensure!(changes(&granted) == ["AdminGetUser"], "{granted:?}");
    ensure!(granted.body["roles"] == json!(["support", "finance", "moderation", "administrator"]), "{granted:?}");
    Ok(())
}

#[tokio::test]
async fn repeat_with_the_same_key_changes_no_role_again() -> Result<()> {
    let world = World::new().await?;
    let key = json!({"headers": {"idempotency-key": "one"}});
    world.send("staff-members/revoke", key.clone()).await?.is(204)?;
    let repeated = world.send("staff-members/revoke", key).await?.is(204)?;
    ensure!(repeated.headers["idempotent-replayed"] == "true" && changes(&repeated).is_empty(), "{repeated:?}");
    Ok(())
}

#[tokio::test]
async fn nobody_changes_their_own_roles() -> Result<()> {
    let world = World::new().await?;
    let own = "7c3d9a12-4b5e-4f60-8a71-92b3c4d5e6f7";
    let user = json!({"Username": own, "UserAttributes": [{"Name": "sub", "Value": own}]});
    world.aws.play("AdminGetUser", user).await;
    let granted = world.send("staff-members/grant", json!({})).await?;
    ensure!(changes(&granted) == ["AdminGetUser"], "{granted:?}");
    granted.refused(403, "own-account")?;
    let path = format!("/v1/staff/members/{own}/roles/support");
    let revoked = world.send("staff-members/revoke", json!({"path": path, "pathParameters": {"account": own}})).await?;
    ensure!(changes(&revoked).is_empty(), "{revoked:?}");
    revoked.refused(403, "own-account")?;
    Ok(())
}

#[tokio::test]
async fn role_is_granted_after_its_entry() -> Result<()> {
    let world = World::new().await?;
    let group = json!({"GroupName": "administrator", "UserPoolId": "eu-west-1_EXAMPLE01"});
    world.aws.play("AdminListGroupsForUser", json!({"Groups": [group]})).await;
    let granted = world.send("staff-members/grant", json!({})).await?.is(201)?;
    ensure!(changes(&granted) == ["AdminGetUser", "TransactWriteItems", "AdminAddUserToGroup"], "{granted:?}");
    ensure!(granted.body["roles"] == json!(["support", "administrator"]), "{granted:?}");
    let log = world.send("account/access-log", json!({})).await?.is(200)?;
    ensure!(log.body["items"][0]["action"] == json!({"kind": "granted_role", "role": "support"}), "{log:?}");
    Ok(())
}

#[tokio::test]
async fn person_without_an_account_gets_no_role() -> Result<()> {
    let world = World::new().await?;
    world.aws.play("AdminGetUser", json!({"__type": "UserNotFoundException", "message": "no"})).await;
    let refused = world.send("staff-members/grant", json!({})).await?;
    ensure!(changes(&refused) == ["AdminGetUser"], "{refused:?}");
    refused.refused(404, "not-found")?;
    Ok(())
}

#[tokio::test]
async fn role_and_address_must_be_known() -> Result<()> {
    let world = World::new().await?;
    world.send("staff-members/grant", json!({"body": {"email": "ada", "role": "support"}})).await?.names(&["email"])?;
    let unknown = json!({"body": {"email": "ada@example.com", "role": "owner"}});
    world.send("staff-members/grant", unknown).await?.names(&["role"])?;
    let path = json!({"path": format!("/v1/staff/members/{}/roles/owner", world.account), "pathParameters": {"role": "owner"}});
    world.send("staff-members/revoke", path).await?.refused(404, "not-found")?;
    Ok(())
}
