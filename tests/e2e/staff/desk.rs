//! The desk of staff: each role has its operations and no others, the console is given to staff only, accounts are found under an
//! access, credits are adjusted with a reason, and everything is on record.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use api::Operation;
use domain::staff::role::Role;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use reqwest::{Method, header::COOKIE};
use ring::digest::{SHA256, digest};
use runtime::clock;
use serde_json::{Value, json};

use crate::env::{
    checkouts::Checkout,
    http::{ApiResponse, PATIENCE, text},
    moderation::SharedImage,
    second_factor::Factor,
    sessions::{Session, post_session},
    staff_access::{StaffAccess, access_log},
    test_env::{PASSWORD, TestEnv, TestUser},
    trial::tests,
};

tests![
    p19_each_role_may_call_its_operations_and_no_others,
    code_of_the_console_is_served_to_staff_only,
    p19_account_is_found_under_an_access_that_its_owner_sees,
    p19_adjusted_credits_are_in_statement_and_access_log_once,
    p19_granted_plan_is_kept_beside_payments_and_taken_back,
    p19_ended_sessions_cannot_be_refreshed,
    p19_requested_refund_comes_back_from_the_provider_and_takes_credits,
    p32_owner_can_cancel_a_deletion_that_staff_requested,
    p19_every_act_of_staff_is_in_an_unbroken_record,
    p19_role_is_given_and_taken_by_administrators_with_an_entry_each,
    figures_count_what_happened_without_the_person_and_show_money_to_finance,
];

/// Sends an operation about an account, with the example of its body.
async fn send(staff: &TestUser, operation: &Operation, account: &str) -> Result<ApiResponse> {
    let nothing = uuid::Uuid::nil().to_string();
    let path = operation.path_with(|kind| if kind == "account" { account.to_owned() } else { nothing.clone() });
    let mut request = staff.request(Method::from_bytes(operation.method.to_uppercase().as_bytes())?, &path);
    if let Some(body) = &operation.body {
        request = request.json(&serde_json::from_str::<Value>(body.example)?);
    }
    ApiResponse::read(request.send().await?).await
}

async fn p19_each_role_may_call_its_operations_and_no_others(env: &'static TestEnv) -> Result<()> {
    for role in Role::ALL {
        let member = env.staff_with(role).await?;
        let shown = member.get("/v1/account").await?.is(200)?.json;
        ensure!(shown["roles"] == json!([role.group()]), "{shown}");
        let mut allowed = 0;
        for operation in api::operations().filter(|operation| operation.path.contains("{account}")) {
            // Nobody acts on their own account: who may call the operation at all gets 403 for it.
            let status = if role.is_among(operation.roles) { 403 } else { 404 };
            let response = send(&member, operation, &member.account_id).await?.is(status)?;
            allowed += u32::from(status == 403);
            let expected = if status == 403 { "own-account" } else { "not-found" };
            let problem = format!("urn:darkroom:problem:{expected}");
            ensure!(response.json["type"] == problem, "{operation} as {role:?}: {}", response.json);
        }
        ensure!(allowed > 3, "{role:?} may do only {allowed} things");
        for (path, roles) in [
            ("/v1/staff/console", &Role::ALL[..3]),
            ("/v1/staff/reviews", &Role::ALL[..3]),
            ("/v1/staff/reply-templates", &[Role::Support]),
            ("/v1/staff/members", &[Role::Administrator]),
            ("/v1/staff/record", &[Role::Administrator]),
            ("/v1/staff/record/verification", &[Role::Administrator]),
        ] {
            member.get(path).await?.is(if role.is_among(roles) { 200 } else { 404 })?;
        }
    }
    let shown = env.user().await?.get("/v1/account").await?.is(200)?.json;
    ensure!(shown["roles"].is_null(), "{shown}");
    Ok(())
}

async fn code_of_the_console_is_served_to_staff_only(env: &'static TestEnv) -> Result<()> {
    let (member, ada, visitor) = (env.staff_with(Role::Support).await?, env.user().await?, env.visitor()?);
    let page = visitor.get("/").await?.is(200)?;
    let main = String::from_utf8(page.bytes)?;
    let entry = main.split('"').find(|part| part.ends_with(".js")).context("no script")?;
    let script = String::from_utf8(visitor.get(entry).await?.is(200)?.bytes)?;
    // The entry names the console, which it loads once the person has opened it.
    let (_, rest) = script.split_once("staff/assets/").context("the entry names no console")?;
    let name = rest.split(".js").next().context("no name")?;
    let path = format!("/staff/assets/{name}.js");
    let load = async |cookie: Option<&str>| {
        let mut request = visitor.request(Method::GET, &path);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        ApiResponse::read(request.send().await?).await
    };
    let opened = member.get("/v1/staff/console").await?.is(200)?;
    let cookie = opened.header("set-cookie").context("no cookie")?.split(';').next().context("no value")?.to_owned();
    let loaded = load(Some(&cookie)).await?.is(200)?;
    ensure!(loaded.header("cache-control") == Some("no-store"), "a cache may keep it");
    for refused in [None, Some("__Host-console=x"), Some(&cookie[..cookie.len() - 2])] {
        load(refused).await?.is(404)?;
    }
    ada.get("/v1/staff/console").await?.is(404)?;
    ada.get(&path).await?.is(404)?;
    Ok(())
}

async fn p19_account_is_found_under_an_access_that_its_owner_sees(env: &'static TestEnv) -> Result<()> {
    let (member, ada) = (env.staff_with(Role::Support).await?, env.user().await?);
    let paid = Checkout::paid(&ada, "paypal", "starter").await?;
    let image = text(&ada.finished_image("a harbour").await?, "id")?;
    let access = json!({"reference": "L-4", "reason": "she asked by post", "minutes": 5});
    let find = async |key: Value| member.post("/v1/staff/searches", &json!({"key": key, "access": access})).await;
    let read = StaffAccess::to(&member, &ada).await?.read("payments").await?.is(200)?.json;
    let transaction = text(&read["items"][0], "transaction")?;
    let keys = [
        json!({"email": ada.email.to_uppercase()}),
        json!({"generation": image}),
        json!({"payment": paid.id}),
        json!({"transaction": transaction}),
    ];
    for key in keys {
        let found = find(key).await?.is(201)?.json;
        ensure!(found["account"] == ada.account_id.as_str(), "{found}");
        let path = format!("/v1/staff/accounts/{}/accesses/{}", ada.account_id, text(&found["access"], "id")?);
        member.get(&format!("{path}/profile")).await?.is(200)?;
        let log = access_log(&ada).await?;
        ensure!(log[1]["action"]["reference"] == "L-4" && log[1]["id"] == found["access"]["id"], "{log:?}");
    }
    let nobody = [
        json!({"email": "nobody@example.com"}),
        json!({"generation": uuid::Uuid::nil()}),
        json!({"transaction": "none"}),
    ];
    for key in nobody {
        find(key).await?.is(404)?;
    }
    find(json!({"email": "ada"})).await?.is(400)?;
    let own = find(json!({"email": member.email})).await?.is(403)?;
    ensure!(own.json["type"] == "urn:darkroom:problem:own-account", "{}", own.json);
    Ok(())
}

async fn p19_adjusted_credits_are_in_statement_and_access_log_once(env: &'static TestEnv) -> Result<()> {
    let (member, ada) = (env.staff_with(Role::Finance).await?, env.user().await?);
    let before = ada.get("/v1/account").await?.is(200)?.json["credits"]["available"].as_i64().context("no credits")?;
    let path = format!("/v1/staff/accounts/{}/credits", ada.account_id);
    let adjust = async |amount: i64, key: &str| {
        let request = member.request(Method::POST, &path).header("idempotency-key", key);
        ApiResponse::read(request.json(&json!({"amount": amount, "note": "three videos failed"})).send().await?).await
    };
    for _ in 0..2 {
        let balance = adjust(30, "grant").await?.is(200)?.json;
        ensure!(balance["available"] == before + 30, "{balance}");
    }
    ensure!(adjust(-10, "take").await?.is(200)?.json["available"] == before + 20);
    adjust(-(before + 21), "too-much").await?.is(409)?;
    adjust(0, "nothing").await?.is(400)?;
    let statement = ada.get("/v1/account/statement").await?.is(200)?.json;
    let entries = statement["entries"].as_array().context("no entries")?;
    let adjusted: Vec<_> = entries.iter().filter(|entry| entry["cause"]["kind"] == "adjustment").collect();
    let log = access_log(&ada).await?;
    let acts: Vec<_> = log.iter().filter(|line| line["action"]["kind"] == "adjusted_credits").collect();
    ensure!(adjusted.len() == 2 && acts.len() == 2, "{statement} {log:?}");
    for entry in adjusted {
        let line = acts.iter().find(|line| line["id"] == entry["cause"]["decision"]).context("no entry of the log")?;
        ensure!(line["action"]["note"] == "three videos failed", "{line}");
    }
    Ok(())
}

async fn p19_granted_plan_is_kept_beside_payments_and_taken_back(env: &'static TestEnv) -> Result<()> {
    let (member, ada) = (env.staff_with(Role::Finance).await?, env.user().await?);
    let path = format!("/v1/staff/accounts/{}/plan", ada.account_id);
    let grant =
        async |plan: &str| member.post(&path, &json!({"plan": plan, "note": "a year for her school"})).await?.is(200);
    ensure!(grant("pro").await?.json == json!({"plan": "pro", "granted_plan": "pro"}));
    // What is paid for is a smaller plan, and does not replace what was granted.
    Checkout::paid(&ada, "stripe", "starter").await?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["plan"] == "pro");
    ensure!(grant("free").await?.json == json!({"plan": "plus", "granted_plan": "free"}));
    let log = access_log(&ada).await?;
    let acts = log.iter().filter(|line| line["action"]["kind"] == "granted_plan").count();
    ensure!(acts == 2, "{log:?}");
    member.post(&path, &json!({"plan": "max", "note": "a"})).await?.is(400)?;
    let own = format!("/v1/staff/accounts/{}/plan", member.account_id);
    member.post(&own, &json!({"plan": "pro", "note": "for me"})).await?.is(403)?;
    let support = env.staff_with(Role::Support).await?;
    support.post(&path, &json!({"plan": "pro", "note": "a"})).await?.is(404)?;
    Ok(())
}

async fn p19_ended_sessions_cannot_be_refreshed(env: &'static TestEnv) -> Result<()> {
    let (member, ada, visitor) = (env.staff().await?, env.user().await?, env.visitor()?);
    let session = Session::open(&visitor, &ada.email, PASSWORD).await?;
    let path = format!("/v1/staff/accounts/{}/sessions/end", ada.account_id);
    member.post(&path, &json!({"note": "a stolen phone"})).await?.is(204)?;
    session.refresh(&visitor).await?.is(401)?;
    let log = access_log(&ada).await?;
    ensure!(log[0]["action"] == json!({"kind": "ended_sessions", "note": "a stolen phone"}), "{log:?}");
    Ok(())
}

async fn p19_requested_refund_comes_back_from_the_provider_and_takes_credits(env: &'static TestEnv) -> Result<()> {
    let member = env.staff_with(Role::Finance).await?;
    for provider in ["stripe", "paypal"] {
        let ada = env.user().await?;
        let before = ada.credits().await?.0;
        let paid = Checkout::paid(&ada, provider, "starter").await?;
        let bought = ada.credits().await?.0 - before;
        let path = format!("/v1/staff/accounts/{}/payments/{}/refunds", ada.account_id, paid.id);
        let ask = async |body: Value, key: &str| {
            let request = member.request(Method::POST, &path).header("idempotency-key", format!("{provider}-{key}"));
            ApiResponse::read(request.json(&body).send().await?).await
        };
        let payment = ada.get(&format!("/v1/checkout/{}", paid.id)).await?.is(200)?.json;
        let total = payment["total"]["amount"].as_i64().context("no total")?;
        ask(json!({"amount": total + 1, "note": "too much"}), "more").await?.is(400)?;
        ask(json!({"amount": 1, "note": " "}), "silent").await?.is(400)?;
        // The second request repeats the first: its money is returned once.
        for _ in 0..2 {
            let asked = ask(json!({"amount": total / 2, "note": "half of it failed"}), "half").await?.is(202)?.json;
            ensure!(asked["amount"]["amount"] == total / 2, "{asked}");
        }
        // What was asked for is not left, whether it is reported yet or not.
        ask(json!({"amount": total - total / 2 + 1, "note": "more than the rest"}), "rest and more").await?.is(400)?;
        let shown = format!("/v1/checkout/{}", paid.id);
        let returned = ada.eventually(&shown, |payment| payment["refunds"][0]["amount"]["amount"] == total / 2).await?;
        ensure!(returned["refunds"].as_array().is_some_and(|refunds| refunds.len() == 1), "{returned}");
        ensure!(returned["clawed_back"] == bought / 2, "{returned}");
        ask(json!({"note": "the rest failed too"}), "rest").await?.is(202)?;
        let returned = ada.eventually(&shown, |payment| payment["clawed_back"] == bought).await?;
        ensure!(ada.credits().await?.0 == before, "{returned}");
        ask(json!({"note": "once more"}), "again").await?.is(409)?;
        let log = access_log(&ada).await?;
        let acts: Vec<_> = log.iter().map(|line| line["action"]["kind"].as_str().unwrap_or_default()).collect();
        ensure!(acts == ["requested_refund", "requested_refund"], "{log:?}");
    }
    Ok(())
}

async fn p32_owner_can_cancel_a_deletion_that_staff_requested(env: &'static TestEnv) -> Result<()> {
    let (member, ada) = (env.staff_with(Role::Support).await?, env.user().await?);
    let image = SharedImage::of(&ada).await?;
    let path = format!("/v1/staff/accounts/{}/deletion", ada.account_id);
    let ask = async |address: &str, key: &str| {
        let body = json!({"confirmation": address, "note": "written on 2 May"});
        let request = member.request(Method::POST, &path).header("idempotency-key", key).json(&body);
        ApiResponse::read(request.send().await?).await
    };
    let refused = ask("bob@example.com", "other").await?.is(400)?;
    ensure!(refused.fields() == ["confirmation"] && env.mails(&ada.email).await?.is_empty(), "{}", refused.json);
    let asked = ask(&ada.email, "first").await?.is(202)?.json;
    let time = |name: &str| Ok::<_, anyhow::Error>(text(&asked, name)?.parse::<Timestamp>()?);
    ensure!(time("erase_at")?.duration_since(time("requested_at")?).as_hours() == 7 * 24, "{asked}");
    ensure!(ask(&ada.email, "first").await?.is(202)?.json == asked, "a repeat asks anew");
    ask(&ada.email, "second").await?.is(409)?;
    let mails = env.mails(&ada.email).await?;
    ensure!(mails.len() == 1 && mails[0].contains("in 7 days"), "{mails:?}");
    let colleague = env.staff_with(Role::Finance).await?;
    let body = json!({"confirmation": colleague.email, "note": "written on 2 May"});
    let of_staff = format!("/v1/staff/accounts/{}/deletion", colleague.account_id);
    member.post(&of_staff, &body).await?.is(409)?;
    ensure!(env.mails(&colleague.email).await?.is_empty(), "a refused request is told");

    // The sweep of today leaves the account, whose owner never asked for that, and gives all of it back.
    env.sweep(clock::now() + SignedDuration::from_mins(5)).await?;
    let started = Instant::now();
    let next_at = async || {
        let account = env.table()?.account(ada.account()?).await?.context("no account")?;
        Ok::<_, anyhow::Error>(account.deletion.context("no deletion")?.next_at)
    };
    while next_at().await?.duration_since(clock::now()) < SignedDuration::from_hours(24) {
        ensure!(started.elapsed() < PATIENCE, "the erasure does not wait");
    }
    let deletion = ada.get("/v1/privacy/deletion").await?.is(200)?.json;
    ensure!(deletion["receipt"] == asked["receipt"] && deletion["can_be_canceled"] == true, "{deletion}");
    ada.delete("/v1/privacy/deletion").await?.is(204)?;
    env.visitor()?.get(&image.link).await?.is(200)?;
    let log = access_log(&ada).await?;
    let action = json!({"kind": "requested_deletion", "note": "written on 2 May"});
    ensure!(log.len() == 1 && log[0]["action"] == action, "{log:?}");
    Ok(())
}

async fn p19_every_act_of_staff_is_in_an_unbroken_record(env: &'static TestEnv) -> Result<()> {
    let (member, ada) = (env.staff().await?, env.user().await?);
    let opened = StaffAccess::to(&member, &ada).await?;
    opened.read("profile").await?.is(200)?;
    let spending = format!("/v1/staff/accounts/{}/spending", ada.account_id);
    member.post(&spending, &json!({"allowed": false, "note": "asked by mail"})).await?.is(200)?;
    let hash = digest(&SHA256, ada.account_id.as_bytes());
    let subject = hex::encode(hash);
    let (mut entries, mut next) = (Vec::new(), String::new());
    loop {
        let page = member.get(&format!("/v1/staff/record?limit=50{next}")).await?.is(200)?.json;
        entries.extend(page["items"].as_array().context("no entries")?.clone());
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let written = serde_json::to_string(&entries)?;
    ensure!(!written.contains(&ada.account_id) && !written.contains(&member.account_id), "the record names an account");
    ensure!(!written.contains("asked by mail"), "the record has the text of a note");
    let hers: Vec<_> = entries.iter().filter(|entry| entry["act"]["subject"] == subject.as_str()).collect();
    let kinds: Vec<_> = hers.iter().map(|entry| entry["act"]["kind"].as_str().unwrap_or_default()).collect();
    ensure!(kinds == ["froze", "read", "opened"], "{kinds:?}");
    ensure!(hers.iter().all(|entry| entry["act"]["staff"] == opened.name.as_str()), "{hers:?}");
    for pair in entries.windows(2) {
        ensure!(pair[0]["previous"] == pair[1]["hash"] && pair[0]["number"].as_u64() > pair[1]["number"].as_u64());
    }
    // Members see no act about their own account, in the list or as the last entry.
    let other = env.staff().await?;
    let own = hex::encode(digest(&SHA256, other.account_id.as_bytes()));
    let publishing = format!("/v1/staff/accounts/{}/publishing", other.account_id);
    member.post(&publishing, &json!({"allowed": false, "note": "asked by mail"})).await?.is(200)?;
    for path in ["/v1/staff/record?limit=100", "/v1/staff/record/verification"] {
        let (theirs, seen) = (member.get(path).await?.is(200)?.json, other.get(path).await?.is(200)?.json);
        ensure!(!seen.to_string().contains(&own), "{path} shows an act to whom it is about: {seen}");
        ensure!(path.ends_with("verification") || theirs.to_string().contains(&own), "{path}: {theirs}");
    }
    let verified = member.get("/v1/staff/record/verification").await?.is(200)?.json;
    ensure!(verified["broken_at"].is_null() && verified["first"] == 1, "{verified}");
    let at: Timestamp = text(&verified["last"]["act"], "at")?.parse()?;
    ensure!(at <= runtime::clock::now() && verified["entries"].as_u64() >= Some(3), "{verified}");
    Ok(())
}

async fn p19_role_is_given_and_taken_by_administrators_with_an_entry_each(env: &'static TestEnv) -> Result<()> {
    let (boss, mut ada, visitor) = (env.staff().await?, env.user().await?, env.visitor()?);
    let members = "/v1/staff/members";
    let roles_of = async |account: &str| {
        let listed = boss.get(members).await?.is(200)?.json;
        let found = listed["members"].as_array().context("no members")?.iter().find(|one| one["account"] == account);
        Ok::<_, anyhow::Error>(found.map(|one| (one["email"].clone(), one["roles"].clone())))
    };
    ensure!(roles_of(&ada.account_id).await?.is_none());
    let own = boss.post(members, &json!({"email": boss.email, "role": "support"})).await?.is(403)?.json;
    ensure!(own["type"] == "urn:darkroom:problem:own-account", "{own}");
    boss.post(members, &json!({"email": "nobody@example.com", "role": "support"})).await?.is(404)?;

    let body = json!({"email": ada.email.to_uppercase(), "role": "support"});
    for _ in 0..2 {
        let granted = boss.post(members, &body).await?.is(201)?.json;
        ensure!(granted["account"] == ada.account_id.as_str() && granted["roles"] == json!(["support"]), "{granted}");
    }
    ensure!(roles_of(&ada.account_id).await? == Some((json!(ada.email), json!(["support"]))));
    let factor = Factor::set_up(&ada).await?;
    ada.sign_in_with(factor.recovery_code(0)?).await?.is(200)?;
    ada.get("/v1/staff/reviews").await?.is(200)?;
    ada.get(members).await?.is(404)?;
    ada.post(members, &body).await?.is(404)?;

    let sign_in = json!({"email": ada.email, "password": PASSWORD, "code": factor.recovery_code(1)?});
    let session = Session::of(&post_session(&visitor, "sign-in", &sign_in).await?.is(200)?)?;
    let path = format!("{members}/{}/roles/support", ada.account_id);
    for _ in 0..2 {
        boss.delete(&path).await?.is(204)?;
    }
    ada.get("/v1/staff/reviews").await?.is(404)?;
    session.refresh(&visitor).await?.is(401)?;
    ensure!(roles_of(&ada.account_id).await?.is_none());
    let acts: Vec<_> = access_log(&ada).await?.into_iter().map(|line| line["action"].clone()).collect();
    let act = |kind: &str| json!({"kind": kind, "role": "support"});
    ensure!(acts == [act("revoked_role"), act("granted_role")], "{acts:?}");
    let record = boss.get("/v1/staff/record?limit=100").await?.is(200)?.json;
    let subject = hex::encode(digest(&SHA256, ada.account_id.as_bytes()));
    let entries = record["items"].as_array().context("no entries")?.iter();
    let hers = entries.filter(|entry| entry["act"]["subject"] == subject.as_str());
    let kinds: Vec<_> = hers.map(|entry| entry["act"]["kind"].clone()).collect();
    ensure!(kinds == ["revoked_role", "granted_role"], "{kinds:?}");
    Ok(())
}

async fn figures_count_what_happened_without_the_person_and_show_money_to_finance(env: &'static TestEnv) -> Result<()> {
    let (hopper, grace) = (env.staff_with(Role::Finance).await?, env.staff_with(Role::Support).await?);
    let month = clock::now().to_zoned(TimeZone::UTC).date().to_string();
    let path = format!("/v1/staff/figures/{}", &month[..7]);
    let figures = async |staff: &TestUser| Ok::<_, anyhow::Error>(staff.get(&path).await?.is(200)?.json);
    // Other tests count at the same time.
    let total = |figures: &Value, kind: &str, field: &str| {
        let days = figures["days"].as_array().into_iter().flatten().filter(|sum| sum["kind"] == kind);
        days.filter_map(|sum| sum[field].as_i64()).sum::<i64>()
    };
    let before = figures(&hopper).await?;
    let ada = env.user().await?;
    ada.finished_image("a wreck").await?;
    let failed = ada.ended(&ada.image("[sketch:reject]").await?).await?;
    ensure!(failed["failure"]["code"] == "rejected", "{failed}");
    let checkout = Checkout::start(&ada, "stripe", "starter").await?;
    checkout.act("pay", &[]).await?;
    checkout.act("refund", &[("amount", "100")]).await?;
    let after = figures(&hopper).await?;
    for (kind, field, least) in [
        ("succeeded", "count", 1),
        ("succeeded", "timed", 1),
        ("succeeded", "milliseconds", 1),
        ("failed", "count", 1),
        ("sign_up", "count", 1),
        ("sold", "count", 1),
        ("sold", "credits", 200),
        ("returned", "amount", 100),
        ("returned", "credits", 40),
    ] {
        let more = total(&after, kind, field) - total(&before, kind, field);
        ensure!(more >= least, "{kind} {field}: {more}: {after}");
    }
    let is_rejection = |sum: &Value| sum["detail"] == "rejected" && sum["provider"] == "sketch";
    ensure!(after["days"].as_array().is_some_and(|days| days.iter().any(is_rejection)), "{after}");
    ensure!(!after.to_string().contains(&ada.account_id), "{after}");
    let shown = figures(&grace).await?;
    ensure!(total(&shown, "succeeded", "count") > 0 && total(&shown, "sold", "count") == 0, "{shown}");
    ensure!(!shown.to_string().contains("returned"), "{shown}");
    Ok(())
}
