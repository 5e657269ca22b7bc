//! Crashes of staff access.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runtime::clock;
use serde_json::{Value, json};

use crate::{
    credits::promotions::publish,
    env::{
        checkouts::Checkout,
        faults::{crash_at_each_call, now_plus, object_count, retry_until_answered, sweep_until_done},
        http::{ApiResponse, text},
        table::sort_keys,
        test_env::{TestEnv, TestUser},
        trial::tests,
    },
};

tests![
    staff_access_crash_at_any_call_keeps_the_access_log_complete,
    adjustment_crash_at_any_call_moves_credits_once,
    case_crash_at_any_call_takes_it_and_adds_a_note_once,
    requested_refund_crash_at_any_call_refunds_once,
    role_crash_at_any_call_changes_it_with_an_entry,
    invitation_crash_at_any_call_gives_the_role_once,
    redemption_crash_at_any_call_gives_credits_once,
    promotion_crash_at_any_call_publishes_and_ends_it_once,
    deletion_in_writing_crash_at_any_call_tells_its_owner,
];

async fn adjustment_crash_at_any_call_moves_credits_once(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    crash_at_each_call(env, "StaffReview", 2, async |ada| {
        let before = ada.credits().await?.0;
        let path = format!("/v1/staff/accounts/{}/credits", ada.account_id);
        let adjust = async || {
            let request = grace.request(Method::POST, &path).header("idempotency-key", format!("c-{}", ada.account_id));
            ApiResponse::read(request.json(&json!({"amount": 20, "note": "three videos failed"})).send().await?).await
        };
        retry_until_answered(adjust).await?.is(200)?;
        ensure!(ada.credits().await?.0 == before + 20);
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        ensure!(log["items"].as_array().is_some_and(|items| items.len() == 1), "{log}");
        let verified =
            retry_until_answered(async || grace.get("/v1/staff/record/verification").await).await?.is(200)?;
        ensure!(verified.json["broken_at"].is_null(), "{}", verified.json);
        Ok(())
    })
    .await
}

async fn case_crash_at_any_call_takes_it_and_adds_a_note_once(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    crash_at_each_call(env, "StaffReview", 9, async |ada| {
        let ticket = ada.post("/v1/support/tickets", &json!({"subject": "A vase", "text": "It is cracked."})).await?;
        let case = json!({"kind": "ticket", "account": ada.account_id, "id": text(&ticket.is(201)?.json, "id")?});
        let ask = async |what: &str, key: &str, mut body: Value| {
            body["case"] = case.clone();
            let request = grace.request(Method::POST, &format!("/v1/staff/reviews/{what}"));
            let request = request.header("idempotency-key", format!("{key}-{}", ada.account_id));
            retry_until_answered(async || {
                let request = request.try_clone().context("the request cannot be repeated")?;
                ApiResponse::read(request.json(&body).send().await?).await
            })
            .await
        };
        ask("assignment", "take", json!({"take": true})).await?.is(200)?;
        ask("notes", "note", json!({"text": "asked the potter"})).await?.is(201)?;
        ask("assignment", "give", json!({"take": false})).await?.is(200)?;
        let read = json!({"case": case});
        let notes = retry_until_answered(async || grace.post("/v1/staff/reviews/notes/reads", &read).await).await?;
        let notes = notes.is(200)?.json;
        ensure!(notes["notes"].as_array().is_some_and(|notes| notes.len() == 1), "{notes}");
        let templates = retry_until_answered(async || grace.get("/v1/staff/reply-templates").await).await?.is(200)?;
        let version = templates.json["version"].clone();
        let body = json!({"version": version, "templates": [{"name": "Received", "text": "We look into it."}]});
        let replace = async || {
            let request = grace.request(Method::PUT, "/v1/staff/reply-templates");
            let request = request.header("idempotency-key", format!("templates-{}", ada.account_id));
            ApiResponse::read(request.json(&body).send().await?).await
        };
        let replaced = retry_until_answered(replace).await?.is(200)?.json;
        ensure!(replaced["version"].as_u64() == version.as_u64().map(|version| version + 1), "{replaced}");
        // Each act is in the record once, and each note and the read of them in the access log.
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        let count = |kind: &str| {
            log["items"].as_array().into_iter().flatten().filter(|line| line["action"]["kind"] == kind).count()
        };
        ensure!(count("noted_case") == 1 && count("read_notes") >= 1, "{log}");
        let verified =
            retry_until_answered(async || grace.get("/v1/staff/record/verification").await).await?.is(200)?;
        ensure!(verified.json["broken_at"].is_null(), "{}", verified.json);
        Ok(())
    })
    .await
}

async fn requested_refund_crash_at_any_call_refunds_once(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    crash_at_each_call(env, "Checkout", 5, async |ada| {
        let before = ada.credits().await?.0;
        let checkout = Checkout::start_until_answered(ada, "stripe").await?;
        checkout.act("pay", &[]).await?;
        let path = format!("/v1/staff/accounts/{}/payments/{}/refunds", ada.account_id, checkout.id);
        let ask = async || {
            let request = grace.request(Method::POST, &path).header("idempotency-key", format!("r-{}", ada.account_id));
            ApiResponse::read(request.json(&json!({"amount": 250, "note": "half of it failed"})).send().await?).await
        };
        retry_until_answered(ask).await?.is(202)?;
        let halved = |account: &Value| account["credits"]["available"] == before + 100;
        ada.eventually("/v1/account", halved).await?;
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        ensure!(log["items"].as_array().is_some_and(|items| items.len() == 1), "{log}");
        Ok(())
    })
    .await
}

async fn staff_access_crash_at_any_call_keeps_the_access_log_complete(env: &'static TestEnv) -> Result<()> {
    let (grace, alan) = (env.staff().await?, env.staff().await?);
    crash_at_each_call(env, "StaffAccess", 16, async |ada| {
        let accounts = format!("/v1/staff/accounts/{}", ada.account_id);
        let post = async |what: &str, more: Value| {
            let mut body = json!({"reference": "T-17", "reason": "she asked for it"});
            if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
                body.extend(more.clone());
            }
            let request = grace.request(Method::POST, &format!("{accounts}/{what}"));
            let request = request.header("idempotency-key", format!("{what}-{}", ada.account_id)).json(&body);
            ApiResponse::read(request.send().await?).await
        };
        let opened = retry_until_answered(async || post("accesses", json!({"minutes": 5})).await).await?.is(201)?.json;
        let profile = format!("{accounts}/accesses/{}/profile", text(&opened, "id")?);
        retry_until_answered(async || grace.get(&profile).await).await?.is(200)?;
        let hold =
            retry_until_answered(async || post("holds", json!({"covers": ["account"]})).await).await?.is(201)?.json;
        let release = format!("{accounts}/holds/{}", text(&hold, "id")?);
        retry_until_answered(async || grace.delete(&release).await).await?.is(204)?;
        let made =
            retry_until_answered(async || post("disclosures", json!({"kinds": ["account"]})).await).await?.is(201)?;
        let fetch = format!("{accounts}/disclosures/{}", text(&made.json, "id")?);
        let approval = format!("{accounts}/approvals/{}", text(&made.json, "id")?);
        let approve = async || {
            let request =
                alan.request(Method::POST, &approval).header("idempotency-key", format!("a-{}", ada.account_id));
            ApiResponse::read(request.send().await?).await
        };
        retry_until_answered(approve).await?.is(204)?;
        let fetched = retry_until_answered(async || grace.get(&fetch).await).await?.is(200)?.json;
        grace.fetch(&text(&fetched, "url")?).await?.is(200)?;

        // Every successful response is in the access log, and what a crash left is deleted when it expires.
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        let kinds: Vec<_> = log["items"].as_array().into_iter().flatten().map(|line| &line["action"]["kind"]).collect();
        for kind in ["opened", "read", "held", "released", "disclosed", "approved", "downloaded"] {
            ensure!(kinds.iter().any(|found| *found == kind), "{kind} is not in the log: {log}");
        }
        sweep_until_done(env, now_plus(SignedDuration::from_hours(24 * 8))).await?;
        ensure!(object_count(env, ada).await? == 0, "files are left");
        let left = sort_keys(env, &ada.account_id).await?;
        ensure!(!left.iter().any(|sk| sk.starts_with("DISCLOSURE#") || sk.starts_with("HOLDCHECK")), "{left:?}");
        Ok(())
    })
    .await
}

async fn role_crash_at_any_call_changes_it_with_an_entry(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    let members = "/v1/staff/members";
    crash_at_each_call(env, "StaffMembers", 9, async |ada| {
        let grant = async || {
            let request =
                grace.request(Method::POST, members).header("idempotency-key", format!("g-{}", ada.account_id));
            ApiResponse::read(request.json(&json!({"email": ada.email, "role": "support"})).send().await?).await
        };
        let granted = retry_until_answered(grant).await?.is(201)?.json;
        ensure!(granted["roles"] == json!(["support"]), "{granted}");
        let path = format!("{members}/{}/roles/support", ada.account_id);
        let revoke = async || {
            let request =
                grace.request(Method::DELETE, &path).header("idempotency-key", format!("r-{}", ada.account_id));
            ApiResponse::read(request.send().await?).await
        };
        retry_until_answered(revoke).await?.is(204)?;
        // A repeat gets the response of before: it does not give the role again.
        retry_until_answered(grant).await?.is(201)?;
        let listed = retry_until_answered(async || grace.get(members).await).await?.is(200)?.json;
        ensure!(!listed.to_string().contains(&ada.account_id), "{listed}");
        // A crash right after an entry leaves one of a change that its repeat made.
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        let mut kinds: Vec<_> =
            log["items"].as_array().into_iter().flatten().filter_map(|line| line["action"]["kind"].as_str()).collect();
        ensure!(kinds.len() <= 3, "{log}");
        kinds.dedup();
        ensure!(kinds == ["revoked_role", "granted_role"], "{log}");
        Ok(())
    })
    .await
}

async fn invitation_crash_at_any_call_gives_the_role_once(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    crash_at_each_call(env, "StaffMembers", 6, async |ada| {
        let ask = async |by: &TestUser, method: Method, path: &str, body: Option<Value>| {
            retry_until_answered(async || {
                let request =
                    by.request(method.clone(), path).header("idempotency-key", format!("i-{}", ada.account_id));
                let request = match &body {
                    Some(body) => request.json(body),
                    None => request,
                };
                ApiResponse::read(request.send().await?).await
            })
            .await
        };
        let body = json!({"email": ada.email, "role": "finance"});
        let invited = ask(&grace, Method::POST, "/v1/staff/invitations", Some(body)).await?.is(201)?.json;
        // A crash after a mail leaves one of an invitation that the repeat wrote.
        ensure!((1..=2).contains(&env.mails(&ada.email).await?.len()), "there is no mail");
        let accept = format!("/v1/account/invitations/{}/acceptance", text(&invited, "id")?);
        ask(ada, Method::POST, &accept, None).await?.is(204)?;
        let listed = retry_until_answered(async || grace.get("/v1/staff/members").await).await?.is(200)?.json;
        let members = listed["members"].as_array().into_iter().flatten();
        let hers: Vec<_> = members.filter(|one| one["account"] == ada.account_id.as_str()).collect();
        ensure!(hers.len() == 1 && hers[0]["roles"] == json!(["finance"]), "{listed}");
        ensure!(!listed["invitations"].to_string().contains(&ada.email), "{listed}");
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        ensure!(log["items"].as_array().is_some_and(|items| items.len() == 1), "{log}");
        Ok(())
    })
    .await
}

async fn redemption_crash_at_any_call_gives_credits_once(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    let code = publish(&grace, 20, 1_000).await?;
    crash_at_each_call(env, "Account", 4, async |ada| {
        let before = retry_until_answered(async || ada.get("/v1/account").await).await?.is(200)?.json;
        let before = before["credits"]["available"].as_i64();
        let redeem = async || {
            let request = ada.request(Method::POST, "/v1/account/redemptions").header("idempotency-key", "redeem");
            ApiResponse::read(request.json(&json!({"code": code})).send().await?).await
        };
        let redeemed = retry_until_answered(redeem).await?.is(201)?.json;
        ensure!(redeemed["available"].as_i64() == before.map(|before| before + 20), "{redeemed}");
        let again = json!({"code": code});
        let again = retry_until_answered(async || ada.post("/v1/account/redemptions", &again).await).await?;
        again.is(409)?;
        Ok(())
    })
    .await
}

async fn promotion_crash_at_any_call_publishes_and_ends_it_once(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    crash_at_each_call(env, "Catalogue", 4, async |ada| {
        let code = format!("C-{}", &ada.account_id.replace('-', "")[8..]).to_uppercase();
        let promotion =
            json!({"code": code, "credits": 5, "limit": 9, "until": now_plus(SignedDuration::from_hours(24))});
        let ask = async |path: &str, body: &Value| {
            let request = grace.request(Method::POST, path).header("idempotency-key", format!("p-{path}-{code}"));
            ApiResponse::read(request.json(body).send().await?).await
        };
        retry_until_answered(async || ask("/v1/staff/promotions", &promotion).await).await?.is(201)?;
        let ending = json!({"code": code});
        let ended = retry_until_answered(async || ask("/v1/staff/promotions/end", &ending).await).await?.is(200)?.json;
        ensure!(text(&ended, "until")?.parse::<Timestamp>()? <= clock::now(), "{ended}");
        let verified =
            retry_until_answered(async || grace.get("/v1/staff/record/verification").await).await?.is(200)?;
        ensure!(verified.json["broken_at"].is_null(), "{}", verified.json);
        Ok(())
    })
    .await
}

async fn deletion_in_writing_crash_at_any_call_tells_its_owner(env: &'static TestEnv) -> Result<()> {
    let grace = env.staff().await?;
    crash_at_each_call(env, "StaffAccess", 3, async |ada| {
        let path = format!("/v1/staff/accounts/{}/deletion", ada.account_id);
        let body = json!({"confirmation": ada.email, "note": "written on 2 May"});
        let ask = async || {
            let request = grace.request(Method::POST, &path).header("idempotency-key", format!("d-{}", ada.account_id));
            ApiResponse::read(request.json(&body).send().await?).await
        };
        // Whatever the crash left, a deletion that stands was told.
        let first = ask().await?;
        let stands = env.table()?.account(ada.account()?).await?.is_some_and(|account| account.deletion.is_some());
        ensure!(!stands || !env.mails(&ada.email).await?.is_empty(), "an owner was not told: {first:?}");
        retry_until_answered(ask).await?.is(202)?;
        let mails = env.mails(&ada.email).await?.len();
        ensure!((1..=2).contains(&mails), "{mails} mails");
        // While it stands, the owner sees the deletion alone. They cancel it.
        ada.delete("/v1/privacy/deletion").await?.is(204)?;
        let log = ada.get("/v1/account/access-log").await?.is(200)?.json;
        ensure!(log["items"].as_array().is_some_and(|items| items.len() == 1), "{log}");
        Ok(())
    })
    .await
}
