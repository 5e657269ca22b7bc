//! Reviews and access by staff.

use anyhow::{Result, ensure};
use api::{
    Operation,
    catalogue::watch,
    credits::promotions,
    moderation::cases,
    staff::{access, console, disclosures, figures, holds, members, reviews},
};
use domain::{
    Credits, PaymentId, catalogue,
    money::Currency,
    payments::payment::{Payment, PaymentProvider, PaymentReceipt},
    staff::{daily_sum::DailySum, role::Role},
};
use jiff::{Timestamp, tz::TimeZone};
use runtime::clock;
use serde_json::json;
use store::Write;

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
const EVENTS: [(&str, Operation); 20] = [
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
    ("staff-review/figures", figures::SHOW),
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

#[tokio::test]
async fn figures_show_what_happened_and_money_to_finance_only() -> Result<()> {
    let world = World::new().await?;
    let submitted = world.send("submit/create", json!({})).await?.is(202)?.body;
    let cancel = json!({"path": format!("/v1/generations/{}/cancel", submitted["id"].as_str().unwrap_or_default())});
    world.send("submit/cancel", cancel).await?.is(200)?;
    let now = clock::now();
    let choice = catalogue::compiled().choose("maker", Currency::Eur)?;
    let unpaid = Payment::open(PaymentId(clock::uuid_at(now)), world.account, PaymentProvider::Stripe, choice, now);
    let receipt = PaymentReceipt {
        provider: PaymentProvider::Stripe,
        net: unpaid.price,
        total: unpaid.price,
        transaction: "pi_1".to_owned(),
        billing_email: None,
        country: None,
        at: now,
    };
    let paid = Payment { receipt: Some(receipt), granted: unpaid.credits, ..unpaid.clone() };
    let sums = DailySum::of_payment(&unpaid, &paid, now);
    let mut writes = vec![Write::Payment(&unpaid)];
    writes.extend(sums.iter().map(|sum| Write::DailySum(sum, unpaid.id.0)));
    world.table.commit(&writes).await?;

    let month = now.to_zoned(TimeZone::UTC).date().to_string();
    let path = format!("/v1/staff/figures/{}", &month[..7]);
    for role in Role::ALL {
        let groups = json!({"cognito:groups": format!("[{}]", role.group())});
        let mut change = claims(&groups);
        change["path"] = json!(path);
        let figures = world.send("staff-review/figures", change).await?.is(200)?.body;
        let kinds: Vec<_> = figures["days"].as_array().into_iter().flatten().map(|sum| sum["kind"].clone()).collect();
        ensure!(kinds.contains(&json!("canceled")), "{role:?}: {figures}");
        let sees_money = role.is_among(&[Role::Finance]);
        ensure!(kinds.contains(&json!("sold")) == sees_money, "{role:?}: {figures}");
        ensure!(!figures.to_string().contains(&world.account.to_string()), "{figures}");
    }
    for month in ["2026-13", "2026-11-01", "x"] {
        let path = json!({"path": format!("/v1/staff/figures/{month}")});
        world.send("staff-review/figures", path).await?.refused(404, "not-found")?;
    }
    Ok(())
}

#[tokio::test]
async fn generations_that_have_not_ended_are_counted_with_the_age_of_the_oldest() -> Result<()> {
    let world = World::new().await?;
    let unfinished = async || {
        let path = json!({"path": "/v1/staff/figures/2026-11"});
        let figures = world.send("staff-review/figures", path).await?.is(200)?.body;
        Ok::<_, anyhow::Error>((figures["unfinished"].clone(), figures["oldest_unfinished"].clone()))
    };
    let (before, _) = unfinished().await?;
    let begun = clock::now();
    for key in ["k1", "k2"] {
        world.send("submit/create", json!({"headers": {"idempotency-key": key}})).await?.is(202)?;
    }
    let (after, oldest) = unfinished().await?;
    ensure!(after.as_u64() == before.as_u64().map(|count| count + 2), "{before}, then {after}");
    let oldest: Timestamp = oldest.as_str().unwrap_or_default().parse()?;
    ensure!(oldest.duration_since(begun).as_secs() <= 1, "{oldest} after {begun}");
    Ok(())
}
