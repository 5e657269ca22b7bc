//! Who becomes a member of staff, and who stays one: invitations, members without an account, and two administrators at once.

use anyhow::{Context, Result, ensure};
use domain::{
    InvitationId,
    staff::{invitation::Invitation, role::Role},
};
use reqwest::Method;
use serde_json::json;
use store::Write;

use crate::env::{
    http::{ApiResponse, text},
    staff_access::access_log,
    test_env::{TestEnv, TestUser, new_address},
    trial::tests,
};

tests![
    p19_invitation_is_accepted_once_by_the_invited_address_alone,
    invitation_that_is_left_over_gives_no_role_back,
    nobody_invites_themselves,
    member_without_an_account_loses_the_role_in_the_console,
    administrators_who_take_each_others_role_leave_one,
];

const MEMBERS: &str = "/v1/staff/members";
const INVITATIONS: &str = "/v1/staff/invitations";

async fn p19_invitation_is_accepted_once_by_the_invited_address_alone(env: &'static TestEnv) -> Result<()> {
    let (boss, bob) = (env.staff().await?, env.user().await?);
    let address = new_address();
    let invite = async |key: &str, role: &str| {
        let request = boss.request(Method::POST, INVITATIONS).header("idempotency-key", format!("{key}-{address}"));
        ApiResponse::read(request.json(&json!({"email": address.to_uppercase(), "role": role})).send().await?).await
    };
    let invited = invite("one", "support").await?.is(201)?.json;
    ensure!(invite("one", "support").await?.is(201)?.json == invited, "a repeat invites anew");
    invite("two", "support").await?.is(409)?;
    let grace = env.staff_with(Role::Finance).await?;
    grace.post(INVITATIONS, &json!({"email": address, "role": "support"})).await?.is(404)?;
    grace.delete(&format!("{INVITATIONS}/{}", text(&invited, "id")?)).await?.is(404)?;
    let mails = env.mails(&address).await?;
    ensure!(mails.len() == 1 && mails[0].contains("support") && mails[0].contains("7 days"), "{mails:?}");
    let other = invite("three", "finance").await?.is(201)?.json;
    boss.delete(&format!("{INVITATIONS}/{}", text(&other, "id")?)).await?.is(204)?;
    boss.delete(&format!("{INVITATIONS}/{}", text(&other, "id")?)).await?.is(404)?;
    let listed = boss.get(MEMBERS).await?.is(200)?.json;
    let waiting = listed["invitations"].as_array().context("no invitations")?.iter();
    let hers: Vec<_> = waiting.filter(|one| one["email"] == address.as_str()).collect();
    ensure!(hers.len() == 1 && hers[0]["id"] == invited["id"], "{listed}");

    let own = "/v1/account/invitations";
    let accept = format!("{own}/{}/acceptance", text(&invited, "id")?);
    let accepted_by = async |by: &TestUser| ApiResponse::read(by.request(Method::POST, &accept).send().await?).await;
    accepted_by(&bob).await?.is(404)?;
    ensure!(bob.get(own).await?.is(200)?.json["items"] == json!([]), "an invitation is shown to another account");
    let ada = env.user_at(address.clone()).await?;
    let shown = ada.get(own).await?.is(200)?.json;
    ensure!(shown["items"][0]["role"] == "support", "{shown}");
    accepted_by(&ada).await?.is(204)?;
    accepted_by(&ada).await?.is(404)?;
    let listed = boss.get(MEMBERS).await?.is(200)?.json;
    let member =
        listed["members"].as_array().context("no members")?.iter().find(|one| one["email"] == address.as_str());
    ensure!(member.is_some_and(|member| member["roles"] == json!(["support"])), "{listed}");
    ensure!(!listed["invitations"].to_string().contains(&address), "{listed}");
    let log = access_log(&ada).await?;
    ensure!(log.len() == 1 && log[0]["action"] == json!({"kind": "granted_role", "role": "support"}), "{log:?}");
    ensure!(log[0]["staff"] == invited["staff"], "the entry names another administrator: {log:?}");
    Ok(())
}

/// What a crash after the change of the group leaves: the role is given, and the invitation is still there.
async fn invitation_that_is_left_over_gives_no_role_back(env: &'static TestEnv) -> Result<()> {
    let (boss, ada, table) = (env.staff().await?, env.user().await?, env.table()?);
    let request = json!({"email": ada.email, "role": "support"});
    let invited = boss.post(INVITATIONS, &request).await?.is(201)?.json;
    let id: InvitationId = text(&invited, "id")?.parse()?;
    let written = table.invitation(id).await?.context("no invitation")?;
    let accepted = Invitation { accepted_by: Some(ada.account()?), version: written.version + 1, ..written };
    table.commit(&[Write::Invitation(&accepted)]).await?;
    boss.delete(&format!("{INVITATIONS}/{id}")).await?.is(409)?;
    boss.post(MEMBERS, &request).await?.is(201)?;
    boss.delete(&format!("{MEMBERS}/{}/roles/support", ada.account_id)).await?.is(204)?;
    let accept = ada.request(Method::POST, &format!("/v1/account/invitations/{id}/acceptance"));
    ApiResponse::read(accept.send().await?).await?.is(404)?;
    ensure!(table.invitation(id).await?.is_none(), "the invitation is left");
    ensure!(!boss.get(MEMBERS).await?.is(200)?.json.to_string().contains(&ada.account_id), "the role came back");
    Ok(())
}

async fn nobody_invites_themselves(env: &'static TestEnv) -> Result<()> {
    let boss = env.staff().await?;
    let refused = boss.post(INVITATIONS, &json!({"email": boss.email, "role": "finance"})).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:own-account", "{}", refused.json);
    Ok(())
}

async fn member_without_an_account_loses_the_role_in_the_console(env: &'static TestEnv) -> Result<()> {
    let boss = env.staff().await?;
    let (clients, pool, address) = (env.clients()?, env.output("UserPoolId")?, new_address());
    let made = clients.cognito().admin_create_user().user_pool_id(pool).username(&address).send().await?;
    let made = made.user.context("no user")?;
    let sub = made.attributes().iter().find(|one| one.name() == "sub").and_then(|one| one.value()).context("no sub")?;
    let group = clients.cognito().admin_add_user_to_group().user_pool_id(pool).username(&address);
    group.group_name(Role::Finance.group()).send().await?;
    ensure!(boss.get(MEMBERS).await?.is(200)?.json.to_string().contains(sub), "the member is not listed");
    let path = format!("{MEMBERS}/{sub}/roles/finance");
    boss.delete(&path).await?.is(204)?;
    ensure!(!boss.get(MEMBERS).await?.is(200)?.json.to_string().contains(sub), "the member has the role still");
    boss.delete(&path).await?.is(404)?;
    let record = boss.get("/v1/staff/record?limit=100").await?.is(200)?.json;
    let entries = record["items"].as_array().context("no entries")?.iter();
    let subject = store::record_hash(sub);
    let kinds: Vec<_> = entries.filter(|one| one["act"]["subject"] == subject.as_str()).collect();
    ensure!(kinds.len() == 1 && kinds[0]["act"]["kind"] == "revoked_role", "{kinds:?}");
    Ok(())
}

async fn administrators_who_take_each_others_role_leave_one(env: &'static TestEnv) -> Result<()> {
    for _ in 0..3 {
        let (ada, bob) = (env.staff().await?, env.staff().await?);
        let path = |of: &str| format!("{MEMBERS}/{of}/roles/administrator");
        let (hers, his) = (path(&bob.account_id), path(&ada.account_id));
        let (one, other) = tokio::try_join!(ada.delete(&hers), bob.delete(&his))?;
        let taken = [&one, &other].into_iter().filter(|answer| answer.status == 204).count();
        ensure!(taken == 1, "{taken} of two were taken: {one:?} {other:?}");
        let witness = env.staff().await?;
        let listed = witness.get(MEMBERS).await?.is(200)?.json.to_string();
        let left = [&ada, &bob].into_iter().filter(|one| listed.contains(&one.account_id)).count();
        ensure!(left == 1, "{left} of two are left: {listed}");
    }
    Ok(())
}
