//! Staff access: every read needs a reason and appears in the owner's access log; what the owner is not told of takes a second
//! staff member; a disclosure contains only what the lawful request names; nobody acts on their own account.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    accounts::second_factor::SecondFactor,
    staff::{
        audit::{AuditAction, AuditEntry},
        role::Role,
    },
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::{clock, http::STAFF_RECENT_S, telemetry::Metric};
use serde_json::{Value, json};
use store::Write;

use crate::env::{
    checkouts::Checkout,
    erasures::{check_nothing_left, request_erasure, schedule_deletion, wait_for_erasure},
    http::{ApiResponse, PATIENCE, text},
    logs::{measurements, wait_for_metric},
    second_factor::{APP, Factor},
    sessions::token_with_claims,
    staff_access::{StaffAccess, access_log, approve, reviews},
    table::{account_items, put_item, string},
    test_env::{TestEnv, TestUser},
    trial::tests,
    uploads::{declare_upload, photo, upload_file},
};

tests![
    p19_staff_need_their_own_unexpired_access,
    p19_owner_sees_every_staff_read_with_its_reason,
    p13_staff_access_shows_everything_about_an_incident,
    p19_undisclosed_access_shows_nothing_until_a_colleague_approves,
    p19_disclosure_is_downloaded_only_after_a_colleague_approves,
    p19_staff_cannot_act_on_their_own_account,
    p19_staff_who_leave_the_group_are_refused_at_once,
    p19_staff_need_a_sign_in_of_the_last_four_hours,
    p19_staff_need_a_session_with_a_second_factor,
    p19_every_decision_of_staff_names_its_author,
    p19_every_access_and_disclosure_is_measured,
    p16_undisclosed_entries_appear_when_their_period_ends,
    p16_account_pending_deletion_is_readable_only_under_a_hold,
    p16_erasure_continues_when_the_hold_is_released,
    p16_disclosure_contains_only_its_scope_for_its_author,
];

/// Returns the paths of everything that staff can read of an account with an image and an upload.
fn readable_paths(image: &str, upload: &str) -> [String; 9] {
    let (image, upload) = (format!("generations/{image}"), format!("uploads/{upload}"));
    ["profile", "generations", &image, "uploads", &upload, "payments", "activity", "tickets", "holds"]
        .map(str::to_owned)
}

async fn p19_staff_need_their_own_unexpired_access(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let image = text(&ada.finished_image("a secret garden").await?, "id")?;
    let upload = text(&declare_upload(&ada, "image/png", b"seven..").await?, "id")?;
    let alans = StaffAccess::to(&alan, &ada).await?;
    let before = account_items(&ada).await?;

    // An unknown access, a colleague's, one to another account, a log entry that is no access, an expired one.
    let bob = env.user().await?;
    let bobs = StaffAccess::to(&grace, &bob).await?;
    bobs.read("profile").await?.is(200)?;
    let line = text(&access_log(&bob).await?[0], "id")?;
    let over = over(&grace, &ada).await?;
    let path = |owner: &TestUser, id: &str| format!("/v1/staff/accounts/{}/accesses/{id}", owner.account_id);
    for at in readable_paths(&image, &upload) {
        for (path, status) in [
            (path(&ada, &uuid::Uuid::nil().to_string()), 404),
            (alans.path.clone(), 404),
            (path(&ada, &bobs.id), 404),
            (path(&bob, &line), 404),
            (path(&ada, &over), 403),
        ] {
            let refused = grace.get(&format!("{path}/{at}")).await?.is(status)?;
            let problem = String::from_utf8(refused.bytes)?;
            ensure!(!problem.contains(&ada.email) && !problem.contains("garden"), "{problem}");
            ensure!(
                status != 403 || problem.contains("Open a new one"),
                "the problem does not say what to do: {problem}"
            );
        }
        for (caller, status) in [(&ada, 404), (&bob, 404), (&env.visitor()?, 401)] {
            caller.get(&format!("{}/{at}", alans.path)).await?.is(status)?;
        }
        alans.read(&at).await?.is(200)?;
    }
    let looked = account_items(&ada).await?.len() - before.len() - 1;
    ensure!(looked == 9, "{looked} entries for nine reads and the expired access");
    // A read of something unknown is not logged.
    alans.read(&format!("generations/{}", uuid::Uuid::nil())).await?.is(404)?;
    ensure!(account_items(&ada).await?.len() == before.len() + 10);
    Ok(())
}

/// Stores an access that was opened an hour ago for ten minutes.
async fn over(staff: &TestUser, owner: &TestUser) -> Result<String> {
    let opened = clock::now() - SignedDuration::from_hours(1);
    let access = AuditEntry {
        id: clock::uuid_at(opened).into(),
        account: owner.account_id.parse()?,
        staff: StaffAccess::to(staff, &owner.env.user().await?).await?.name,
        at: opened,
        action: AuditAction::Opened {
            reference: "T-1".to_owned(),
            reason: "long ago".to_owned(),
            until: opened + SignedDuration::from_mins(10),
            undisclosed_basis: None,
        },
        undisclosed_until: None,
    };
    owner.env.table()?.commit(&[Write::AuditEntry(&access)]).await?;
    Ok(access.id.to_string())
}

async fn p19_owner_sees_every_staff_read_with_its_reason(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    ensure!(access_log(&ada).await?.is_empty());
    let (opened, other) = (StaffAccess::to(&grace, &ada).await?, StaffAccess::to(&alan, &ada).await?);
    let started = clock::now();
    opened.read("profile").await?.is(200)?;
    other.read("activity").await?.is(200)?;
    opened.read("payments").await?.is(200)?;

    let lines = access_log(&ada).await?;
    let acts: Vec<_> = lines.iter().map(|line| (&line["staff"], &line["action"])).collect();
    let [(who3, payments), (who2, activity), (who1, profile), (alans, second), (graces, first)] = acts.as_slice()
    else {
        bail!("not five lines: {lines:?}")
    };
    ensure!(**payments == json!({"kind": "read", "access": opened.id, "resource": "payments"}), "{payments}");
    ensure!(**activity == json!({"kind": "read", "access": other.id, "resource": "activity"}), "{activity}");
    ensure!(**profile == json!({"kind": "read", "access": opened.id, "resource": "profile"}), "{profile}");
    for opening in [first, second] {
        ensure!(opening["kind"] == "opened" && opening["reference"] == "T-17", "{opening}");
        ensure!(opening["reason"] == "she asked why it failed", "{opening}");
        let until: Timestamp = text(opening, "until")?.parse()?;
        ensure!((540..=600).contains(&until.duration_since(started).as_secs()), "{opening}");
    }
    ensure!(who1 == who3 && who1 == graces && who2 == alans && graces != alans, "{lines:?}");
    // The log names no staff member.
    let logged = json!(lines).to_string();
    for caller in [&grace, &alan] {
        ensure!(!logged.contains(&caller.email) && !logged.contains(&caller.account_id), "{logged}");
    }

    let mut paged = Vec::new();
    let mut path = "/v1/account/access-log?limit=2".to_owned();
    loop {
        let page = ada.get(&path).await?.is(200)?.json;
        paged.extend(page["items"].as_array().context("no lines")?.clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/account/access-log?limit=2&cursor={next}");
    }
    ensure!(paged == lines, "the paged log differs: {paged:?}");
    ensure!(access_log(&env.user().await?).await?.is_empty(), "another account sees the log");
    Ok(())
}

async fn p13_staff_access_shows_everything_about_an_incident(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let image = text(&ada.finished_image("a broken vase").await?, "id")?;
    let upload = upload_file(&ada, "image/png", &photo("image/png")?).await?;
    let upload = text(&upload, "id")?;
    Checkout::paid(&ada, "paypal", "starter").await?;
    let opened = StaffAccess::to(&grace, &ada).await?;
    let mut found = Vec::new();
    for at in readable_paths(&image, &upload) {
        found.push(opened.read(&at).await?.is(200)?.json);
    }
    let [profile, generations, generation, uploads, file, payments, activity, tickets, holds] = found.as_slice() else {
        bail!("not nine responses")
    };
    ensure!(tickets["items"] == json!([]) && holds["items"] == json!([]), "{tickets} {holds}");
    ensure!(profile["email"] == ada.email.as_str() && profile["credits"]["available"] == 239, "{profile}");
    ensure!(generations["items"][0]["settings"]["prompt"] == "a broken vase", "{generations}");
    ensure!(generations["items"][0]["outputs"] == json!([]), "a listing shows files: {generations}");
    let media = &generation["outputs"][0]["file"];
    for url in [text(media, "url")?, text(media, "thumbnail_url")?, text(file, "url")?] {
        ensure!(url.contains("X-Amz-Expires=240"), "{url}");
        grace.fetch(&url).await?.is(200)?;
    }
    ensure!(uploads["items"][0]["id"] == upload.as_str(), "{uploads}");
    ensure!(payments["items"][0]["status"] == "paid" && payments["items"][0]["transaction"].is_string(), "{payments}");
    let kinds: Vec<_> = activity["items"].as_array().into_iter().flatten().map(|line| &line["kind"]).collect();
    ensure!(kinds == ["checkout", "submit", "sign_in"], "{activity}");
    ensure!(access_log(&ada).await?.len() == 10);
    Ok(())
}

/// Returns the approvals of this account on the review list.
async fn waiting(staff: &TestUser, owner: &TestUser) -> Result<Vec<Value>> {
    let mut approvals = reviews(staff, "approval").await?;
    approvals.retain(|approval| approval["account"] == owner.account_id.as_str());
    Ok(approvals)
}

async fn p19_undisclosed_access_shows_nothing_until_a_colleague_approves(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    ada.finished_image("a secret garden").await?;
    let asked = ada.post("/v1/support/tickets", &json!({"subject": "a", "text": "b"})).await?.is(201)?.json;
    let until = clock::now() + SignedDuration::from_hours(24);
    let silence = json!({"undisclosed_until": until, "undisclosed_basis": "section 7"});
    let secret = StaffAccess::with(&grace, &ada, silence).await?;
    let reads = ["profile", "generations", "uploads", "payments", "activity", "tickets", "holds"];
    let refused = async || -> Result<()> {
        for at in reads {
            let problem = secret.read(at).await?.is(403)?;
            ensure!(problem.json["type"] == "urn:darkroom:problem:approval-needed", "{at}: {}", problem.json);
        }
        secret.reply(&text(&asked, "id")?, &json!({"text": "Hello."})).await?.is(403)?;
        Ok(())
    };
    refused().await?;
    // A colleague sees on the list what to approve and why, and approves under their own name only.
    let listed = waiting(&alan, &ada).await?;
    let [listed] = listed.as_slice() else { bail!("not one approval: {listed:?}") };
    ensure!(listed["id"] == secret.id.as_str() && listed["staff"] == secret.name.as_str(), "{listed}");
    ensure!(
        listed["action"]["reference"] == "T-17" && listed["action"]["undisclosed_basis"] == "section 7",
        "{listed}"
    );
    ensure!(approve(&grace, &secret.path).await?.is(409)?.json["detail"].is_string());
    for (caller, status) in [(&ada, 404), (&env.user().await?, 404), (&env.visitor()?, 401)] {
        approve(caller, &secret.path).await?.is(status)?;
    }
    // A second account of their own is none: who got a role lately does not approve.
    let bob = env.staff().await?;
    let role = json!({"email": bob.email, "role": "support"});
    grace.post("/v1/staff/members", &role).await?.is(201)?;
    approve(&bob, &secret.path).await?.is(409)?;
    refused().await?;
    secret.approve(&alan).await?;
    ensure!(waiting(&alan, &ada).await?.is_empty(), "it still waits");
    approve(&alan, &secret.path).await?.is(409)?;
    for at in reads {
        secret.read(at).await?.is(200)?;
    }
    // An access that the owner sees needs no approval, and has none to give.
    let open = StaffAccess::to(&grace, &ada).await?;
    open.read("profile").await?.is(200)?;
    approve(&alan, &open.path).await?.is(404)?;
    Ok(())
}

async fn p19_disclosure_is_downloaded_only_after_a_colleague_approves(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    let wanted = json!({"reference": "court-7", "reason": "an order", "kinds": ["account"]});
    let made = grace.post(&path, &wanted).await?.is(201)?.json;
    let at = format!("{path}/{}", text(&made, "id")?);
    let refused = grace.get(&at).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:approval-needed", "{}", refused.json);
    let listed = waiting(&alan, &ada).await?;
    let [listed] = listed.as_slice() else { bail!("not one approval: {listed:?}") };
    ensure!(listed["id"] == made["id"] && listed["action"]["kinds"] == json!(["account"]), "{listed}");
    ensure!(listed["expires_at"] == made["expires_at"], "{listed}");
    approve(&grace, &at).await?.is(409)?;
    grace.get(&at).await?.is(403)?;
    approve(&alan, &at).await?.is(204)?;
    ensure!(grace.get(&at).await?.is(200)?.json["url"].is_string());
    // The approval is for its author.
    alan.get(&at).await?.is(404)?;
    let lines = access_log(&ada).await?;
    let kinds: Vec<_> = lines.iter().map(|line| line["action"]["kind"].as_str().unwrap_or_default()).collect();
    ensure!(kinds == ["downloaded", "approved", "disclosed"] && lines[1]["staff"] != lines[2]["staff"], "{lines:?}");
    Ok(())
}

async fn p19_staff_cannot_act_on_their_own_account(env: &'static TestEnv) -> Result<()> {
    let (grace, alan) = (env.staff().await?, env.staff().await?);
    let until = clock::now() + SignedDuration::from_hours(24);
    let silence = json!({"undisclosed_until": until, "undisclosed_basis": "section 7"});
    let secret = StaffAccess::with(&alan, &grace, silence).await?;
    let before = account_items(&grace).await?;
    let mut refused = 0;
    let operations = api::operations().filter(|operation| operation.path.starts_with("/v1/staff/accounts/{account}"));
    for operation in operations {
        // The id in upper case is the same account.
        for account in [grace.account_id.clone(), grace.account_id.to_uppercase()] {
            let path = operation.path_with(|kind| if kind == "account" { account.clone() } else { secret.id.clone() });
            let mut request = grace.request(Method::from_bytes(operation.method.to_uppercase().as_bytes())?, &path);
            if let Some(body) = &operation.body {
                request = request.json(&serde_json::from_str::<Value>(body.example)?);
            }
            let problem = ApiResponse::read(request.send().await?).await?.is(403).with_context(|| path.clone())?;
            ensure!(problem.json["type"] == "urn:darkroom:problem:own-account", "{path}: {}", problem.json);
            refused += 1;
        }
    }
    ensure!(refused > 20, "only {refused} requests");
    ensure!(account_items(&grace).await? == before, "something was written");
    // The list does not tell a staff member of a secret access to their own account.
    ensure!(waiting(&grace, &grace).await?.is_empty(), "the list reveals it");
    let barbara = env.staff().await?;
    ensure!(waiting(&barbara, &grace).await?.len() == 1);
    secret.approve(&barbara).await?;
    Ok(())
}

/// Sends every operation of staff, about unknown things of this account, and checks the status.
async fn check_operations(staff: &TestUser, owner: &TestUser, status: u16) -> Result<()> {
    let unknown = uuid::Uuid::nil().to_string();
    let mut sent = 0;
    for operation in api::operations().filter(|operation| operation.path.starts_with("/v1/staff/")) {
        let id = |kind: &str| if kind == "account" { owner.account_id.clone() } else { unknown.clone() };
        let path = operation.path_with(id);
        let mut request = staff.request(Method::from_bytes(operation.method.to_uppercase().as_bytes())?, &path);
        if let Some(body) = &operation.body {
            request = request.json(&serde_json::from_str::<Value>(body.example)?);
        }
        ApiResponse::read(request.send().await?).await?.is(status).with_context(|| path.clone())?;
        sent += 1;
    }
    ensure!(sent > 15, "only {sent} operations");
    Ok(())
}

async fn p19_staff_who_leave_the_group_are_refused_at_once(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let opened = StaffAccess::to(&grace, &ada).await?;
    opened.read("profile").await?.is(200)?;
    let (pool, clients) = (env.output("UserPoolId")?, env.clients()?);
    let removal =
        clients.cognito().admin_remove_user_from_group().user_pool_id(pool).group_name(Role::Administrator.group());
    removal.username(&grace.email).send().await?;
    // The token still names the group.
    let before = account_items(&ada).await?;
    opened.read("profile").await?.is(404)?;
    check_operations(&grace, &ada, 404).await?;
    ensure!(account_items(&ada).await? == before, "something was written");
    grace.get("/v1/account").await?.is(200)?;
    let rejoining =
        clients.cognito().admin_add_user_to_group().user_pool_id(pool).group_name(Role::Administrator.group());
    rejoining.username(&grace.email).send().await?;
    opened.read("profile").await?.is(200)?;
    Ok(())
}

async fn p19_staff_need_a_sign_in_of_the_last_four_hours(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    // The second factor was turned on long before.
    let table = env.table()?;
    let factor = table.second_factor(grace.account()?).await?.context("no second factor")?;
    let at = clock::now() - SignedDuration::from_hours(24);
    let factor = SecondFactor { at, version: factor.version + 1, ..factor };
    table.commit(&[Write::SecondFactor(&factor)]).await?;
    let signed_in = |seconds_ago: i64| -> Result<TestUser> {
        let at = clock::now().as_second() - seconds_ago;
        let token = token_with_claims(&grace, |claims| claims["auth_time"] = json!(at))?;
        Ok(TestUser { token: Some(token), ..env.visitor()? })
    };
    let stale = signed_in(STAFF_RECENT_S + 1)?;
    let before = account_items(&ada).await?;
    check_operations(&stale, &ada, 403).await?;
    let refused = stale.get("/v1/staff/reviews").await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:recent-sign-in-needed", "{}", refused.json);
    ensure!(account_items(&ada).await? == before, "something was written");
    signed_in(STAFF_RECENT_S - 60)?.get("/v1/staff/reviews").await?.is(200)?;
    Ok(())
}

async fn p19_staff_need_a_session_with_a_second_factor(env: &'static TestEnv) -> Result<()> {
    let (mut grace, ada) = (env.user().await?, env.user().await?);
    let (pool, clients) = (env.output("UserPoolId")?, env.clients()?);
    let group = clients.cognito().admin_add_user_to_group().user_pool_id(pool).group_name(Role::Administrator.group());
    group.username(&grace.email).send().await?;
    grace.sign_in().await?;
    let before = account_items(&ada).await?;
    check_operations(&grace, &ada, 403).await?;
    let refused = grace.get("/v1/staff/reviews").await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:second-factor-required", "{}", refused.json);
    // A session from before the second factor was opened without it.
    let an_hour_ago = clock::now().as_second() - 3_600;
    let token = token_with_claims(&grace, |claims| claims["auth_time"] = json!(an_hour_ago))?;
    let factor = Factor::set_up(&grace).await?;
    let earlier = TestUser { token: Some(token), ..env.visitor()? };
    check_operations(&earlier, &ada, 403).await?;
    ensure!(account_items(&ada).await? == before, "something was written");
    grace.sign_in_with(&factor.code(1)).await?.is(200)?;
    grace.get("/v1/staff/reviews").await?.is(200)?;
    // Without it, the access ends.
    grace.delete(APP).await?.is(204)?;
    grace.get("/v1/staff/reviews").await?.is(403)?;
    Ok(())
}

async fn p19_every_decision_of_staff_names_its_author(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let bob = env.user().await?;
    let name = StaffAccess::to(&grace, &bob).await?.name;
    let others = StaffAccess::to(&alan, &bob).await?.name;
    Checkout::paid(&ada, "paypal", "studio").await?;
    let held = Checkout::paid(&ada, "paypal", "studio").await?;
    let account = format!("/v1/staff/accounts/{}", ada.account_id);
    let decision = format!("{account}/payments/{}/decision", held.id);
    grace.post(&decision, &json!({"release": false, "note": "a stolen account"})).await?.is(200)?;
    alan.post(&decision, &json!({"release": true, "note": "it was not"})).await?.is(200)?;
    alan.post(&decision, &json!({"release": true, "note": "again"})).await?.is(409)?;
    for (staff, allowed) in [(&grace, false), (&alan, true)] {
        let body = json!({"allowed": allowed, "note": format!("allowed: {allowed}")});
        staff.post(&format!("{account}/spending"), &body).await?.is(200)?;
    }
    let lines: Vec<_> = access_log(&ada).await?.iter().map(|line| json!([line["staff"], line["action"]])).collect();
    let decided = |release, note| json!({"kind": "decided", "payment": held.id, "release": release, "note": note});
    let expected = [
        json!([others, {"kind": "unfroze", "note": "allowed: true"}]),
        json!([name, {"kind": "froze", "note": "allowed: false"}]),
        json!([others, decided(true, "it was not")]),
        json!([name, decided(false, "a stolen account")]),
    ];
    ensure!(lines == expected, "{lines:#?}");

    // The decision about a payment of an account that is being deleted, which its owner reads if the deletion is canceled.
    let last = Checkout::paid(&ada, "paypal", "studio").await?;
    schedule_deletion(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    let decision = format!("{account}/payments/{}/decision", last.id);
    grace.post(&decision, &json!({"release": false, "note": "a stolen account"})).await?.is(200)?;
    ada.delete("/v1/privacy/deletion").await?.is(204)?;
    ensure!(access_log(&ada).await?.len() == 5);
    Ok(())
}

async fn p19_every_access_and_disclosure_is_measured(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    let before = measurements(env, Metric::StaffAccesses).await?;
    StaffAccess::to(&grace, &ada).await?;
    wait_for_metric(env, Metric::StaffAccesses, before).await?;
    let before = measurements(env, Metric::StaffAccesses).await?;
    let wanted = json!({"reference": "court-7", "reason": "an order", "kinds": ["account"]});
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    grace.post(&path, &wanted).await?.is(201)?;
    wait_for_metric(env, Metric::StaffAccesses, before).await
}

/// Moves the end of every undisclosed period to the past.
async fn end_undisclosed_period(owner: &TestUser) -> Result<()> {
    for mut item in account_items(owner).await? {
        if string(&item, "sk").starts_with("ACCESS#") && item.contains_key("undisclosed_until") {
            let past = AttributeValue::S("2026-01-01T00:00:00Z".to_owned());
            item.insert("undisclosed_until".to_owned(), past);
            put_item(owner.env, item).await?;
        }
    }
    Ok(())
}

async fn p16_undisclosed_entries_appear_when_their_period_ends(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let until = clock::now() + SignedDuration::from_hours(24 * 300);
    let silence = json!({"undisclosed_until": until, "undisclosed_basis": "section 7"});
    let silent = StaffAccess::with(&grace, &ada, silence.clone()).await?;
    silent.approve(&alan).await?;
    silent.read("profile").await?.is(200)?;
    let access = StaffAccess::to(&grace, &ada).await?;
    let accounts = format!("/v1/staff/accounts/{}", ada.account_id);
    let mut hold = json!({"reference": "court-7", "reason": "an order", "covers": ["ledger"]});
    hold["undisclosed_until"] = json!(until);
    hold["undisclosed_basis"] = json!("section 7");
    let hold = grace.post(&format!("{accounts}/holds"), &hold).await?.is(201)?.json;
    let wanted = json!({"reference": "court-7", "reason": "an order", "kinds": ["account", "access"],
        "undisclosed_until": until, "undisclosed_basis": "section 7"});
    let disclosure = grace.post(&format!("{accounts}/disclosures"), &wanted).await?.is(201)?.json;
    let disclosure = format!("{accounts}/disclosures/{}", text(&disclosure, "id")?);
    approve(&alan, &disclosure).await?.is(204)?;
    let fetched = grace.get(&disclosure).await?.is(200)?.json;
    grace.delete(&format!("{accounts}/holds/{}", text(&hold, "id")?)).await?.is(204)?;

    let lines = access_log(&ada).await?;
    let [line] = lines.as_slice() else { bail!("the owner must see one entry: {lines:?}") };
    ensure!(line["id"] == access.id.as_str(), "{line}");
    let page = ada.get("/v1/account/access-log?limit=1").await?.is(200)?.json;
    ensure!(page["next"].is_null(), "the page reveals undisclosed entries");
    ensure!(ada.get("/v1/account").await?.is(200)?.json["held"] == json!([]));
    // The disclosure does not contain holds and entries of other requests either.
    let document = grace.fetch(&text(&fetched, "url")?).await?.is(200)?.json;
    ensure!(document["items"]["account"][0]["holds"] == json!([]), "{document}");
    ensure!(document["items"]["access"].as_array().is_some_and(|lines| lines.len() == 1), "{document}");

    end_undisclosed_period(&ada).await?;
    let lines = access_log(&ada).await?;
    let kinds: Vec<_> = lines.iter().map(|line| &line["action"]["kind"]).collect();
    let expected = ["released", "downloaded", "approved", "disclosed", "held", "opened", "read", "approved", "opened"];
    ensure!(kinds == expected, "{lines:?}");
    ensure!(lines[8]["action"]["undisclosed_basis"] == "section 7", "{}", lines[8]);
    // Who approved is another person than who requested, and both approvals name their request.
    for (approval, request) in [(7, 8), (2, 3)] {
        ensure!(lines[approval]["action"]["request"] == lines[request]["id"], "{lines:?}");
        ensure!(lines[approval]["staff"] != lines[request]["staff"], "{lines:?}");
    }
    Ok(())
}

async fn p16_account_pending_deletion_is_readable_only_under_a_hold(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let before = StaffAccess::to(&grace, &ada).await?;
    schedule_deletion(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    let accounts = format!("/v1/staff/accounts/{}", ada.account_id);
    let wanted = json!({"reference": "T-1", "reason": "to see", "kinds": ["account"]});
    let access = json!({"reference": "T-1", "reason": "to see", "minutes": 1});
    before.read("profile").await?.is(403)?;
    grace.post(&format!("{accounts}/accesses"), &access).await?.is(403)?;
    grace.post(&format!("{accounts}/disclosures"), &wanted).await?.is(403)?;

    let hold = json!({"reference": "court-7", "reason": "an order", "covers": ["account"]});
    let hold = grace.post(&format!("{accounts}/holds"), &hold).await?.is(201)?.json;
    before.read("profile").await?.is(200)?;
    let opened = StaffAccess::to(&grace, &ada).await?;
    opened.read("profile").await?.is(200)?;
    let disclosure = grace.post(&format!("{accounts}/disclosures"), &wanted).await?.is(201)?.json;
    let disclosure = format!("{accounts}/disclosures/{}", text(&disclosure, "id")?);
    approve(&alan, &disclosure).await?.is(204)?;
    grace.get(&disclosure).await?.is(200)?;

    grace.delete(&format!("{accounts}/holds/{}", text(&hold, "id")?)).await?.is(204)?;
    opened.read("profile").await?.is(403)?;
    grace.get(&disclosure).await?.is(403)?;
    // The owner cancels the deletion and sees every entry.
    ada.delete("/v1/privacy/deletion").await?.is(204)?;
    ensure!(access_log(&ada).await?.len() == 9, "{:?}", access_log(&ada).await?);
    Ok(())
}

async fn p16_erasure_continues_when_the_hold_is_released(env: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (env.staff().await?, env.user().await?);
    ada.finished_image("evidence").await?;
    let holds = format!("/v1/staff/accounts/{}/holds", ada.account_id);
    let hold = json!({"reference": "court-7", "reason": "an order", "covers": ["generations"]});
    let placed = grace.post(&holds, &hold).await?.is(201)?.json;
    // The named kind, and the kinds that it needs.
    ensure!(placed["covers"] == json!(["access", "generation", "generations"]), "{placed}");
    let held = ada.get("/v1/account").await?.is(200)?.json["held"].clone();
    ensure!(held[0]["kinds"] == placed["covers"] && held[0]["reason"] == "an order", "{held}");
    let receipt = request_erasure(&ada).await?;
    let started = std::time::Instant::now();
    loop {
        let items = account_items(&ada).await?;
        let kinds: std::collections::BTreeSet<_> =
            items.iter().filter_map(|item| string(item, "sk").split('#').next().map(str::to_owned)).collect();
        if kinds.iter().map(String::as_str).eq(["ACCESS", "ACCOUNT", "GENERATION"]) {
            break;
        }
        ensure!(started.elapsed() < PATIENCE, "{kinds:?}");
    }
    // The owner sees what is retained and why; only staff can open it.
    let deletion = ada.get("/v1/privacy/deletion").await?.is(200)?.json;
    ensure!(deletion["held"] == held && deletion["can_be_canceled"] == false, "{deletion}");
    ada.get("/v1/generations").await?.is(401)?;
    let listed = StaffAccess::to(&grace, &ada).await?.read("holds").await?.is(200)?.json;
    let [listed] = listed["items"].as_array().context("no holds")?.as_slice() else { bail!("not one hold: {listed}") };
    ensure!(listed["id"] == placed["id"] && listed["reference"] == "court-7", "{listed}");
    let release = format!("{holds}/{}", text(&placed, "id")?);
    grace.delete(&release).await?.is(204)?;
    env.sweep(clock::now()).await?;
    let receipt = wait_for_erasure(env, &receipt).await?;
    ensure!(receipt["erased"]["generations"].as_u64().is_some_and(|files| files >= 2), "{receipt}");
    check_nothing_left(&ada).await?;
    // The hold no longer exists.
    grace.delete(&release).await?.is(404)?;
    Ok(())
}

async fn p16_disclosure_contains_only_its_scope_for_its_author(env: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (env.staff().await?, env.staff().await?, env.user().await?);
    let image = text(&ada.finished_image("a lighthouse").await?, "id")?;
    let upload = upload_file(&ada, "image/png", &photo("image/png")?).await?;
    Checkout::paid(&ada, "paypal", "starter").await?;
    ada.post("/v1/support/tickets", &json!({"subject": "Lost", "text": "Where is it?"})).await?.is(201)?;
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    let wanted = json!({"reference": "court-7", "reason": "an order",
        "kinds": ["payment", "generations", "uploads", "ticket"]});
    let made = grace.post(&path, &wanted).await?.is(201)?;
    let at = made.header("location").context("no location")?.to_owned();
    let content = ["items", "url", "files"].map(|name| &made.json[name]);
    ensure!(content.iter().all(|value| value.is_null()), "{}", made.json);

    approve(&alan, &at).await?.is(204)?;
    let fetched = grace.get(&at).await?.is(200)?.json;
    ensure!(fetched["items"] == 2, "{fetched}");
    let document = grace.fetch(&text(&fetched, "url")?).await?.is(200)?.json;
    let things = document["items"].as_object().context("no items")?;
    ensure!(things.keys().eq(["payment", "ticket"]), "{document}");
    ensure!(things["ticket"][0]["messages"][0]["text"] == "Where is it?", "{document}");
    ensure!(things["payment"][0]["receipt"]["transaction"].is_string(), "{document}");
    for secret in [&ada.email, "a lighthouse"] {
        ensure!(!document.to_string().contains(secret), "{secret} is outside the scope: {document}");
    }
    let mut names = Vec::new();
    for file in fetched["files"].as_array().context("no files")? {
        grace.fetch(&text(file, "url")?).await?.is(200)?;
        names.push(text(file, "name")?);
    }
    let upload = text(&upload, "id")?;
    ensure!(json!(names) == document["files"] && names.len() == 3, "{document}");
    let belongs = |name: &String| name.contains(&image) || *name == format!("uploads/{upload}/inspected");
    ensure!(names.iter().all(belongs), "{names:?}");

    // Another period contains nothing, and no other staff member gets the disclosure.
    let mut before = wanted.clone();
    (before["from"], before["to"]) = (json!("2025-01-01T00:00:00Z"), json!("2026-01-01T00:00:00Z"));
    let before = grace.post(&path, &before).await?.is(201)?.json;
    let before = format!("{path}/{}", text(&before, "id")?);
    approve(&alan, &before).await?.is(204)?;
    let before = grace.get(&before).await?.is(200)?.json;
    ensure!(before["items"] == 0 && before["files"].is_null(), "{before}");
    let mut never = wanted.clone();
    (never["from"], never["to"]) = (json!("2026-02-01T00:00:00Z"), json!("2026-02-01T00:00:00Z"));
    ensure!(grace.post(&path, &never).await?.is(400)?.fields() == ["from"]);
    for (caller, status) in [(&alan, 404), (&ada, 404), (&env.visitor()?, 401)] {
        caller.get(&at).await?.is(status)?;
    }
    let kinds: Vec<_> = access_log(&ada).await?.iter().map(|line| line["action"]["kind"].clone()).collect();
    let expected = ["downloaded", "approved", "disclosed", "downloaded", "approved", "disclosed"];
    ensure!(kinds == expected, "{kinds:?}");
    Ok(())
}
