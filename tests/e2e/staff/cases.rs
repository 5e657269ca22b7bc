//! What staff do with cases beside deciding them: who has a case, internal notes, and the templates of replies.

use anyhow::{Context, Result, ensure};
use domain::staff::role::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    http::{ApiResponse, text},
    staff_access::access_log,
    table::sort_keys,
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    p19_case_is_taken_by_one_member_and_taken_over_on_record,
    p19_internal_notes_are_for_the_role_of_the_case_and_in_the_access_log,
    reply_templates_replace_only_the_version_that_was_seen,
];

/// Opens a ticket. Returns what identifies its case.
async fn ticket(ada: &TestUser) -> Result<Value> {
    let ticket = ada.post("/v1/support/tickets", &json!({"subject": "A vase", "text": "It is cracked."})).await?;
    let id = text(&ticket.is(201)?.json, "id")?;
    Ok(json!({"kind": "ticket", "account": ada.account_id, "id": id}))
}

async fn assign(staff: &TestUser, case: &Value, take: bool, holder: Option<&str>) -> Result<ApiResponse> {
    let mut body = json!({"case": case, "take": take});
    if let Some(holder) = holder {
        body["holder"] = json!(holder);
    }
    staff.post("/v1/staff/reviews/assignment", &body).await
}

/// Returns what the list of a staff member says of a case: who has it, whether they do themselves, and how many notes there are.
async fn work(staff: &TestUser, case: &Value) -> Result<Option<(Value, bool, u64)>> {
    let name =
        format!("{} {}", text(case, "kind")?, case["id"].as_str().or(case["account"].as_str()).context("no id")?);
    let mut next = String::new();
    loop {
        let page = staff.get(&format!("/v1/staff/reviews?limit=100{next}")).await?.is(200)?.json;
        if let Some(work) =
            page["work"].as_array().context("no work")?.iter().find(|work| work["case"] == name.as_str())
        {
            let notes = work["notes"].as_u64().context("no count")?;
            return Ok(Some((work["holder"].clone(), work["mine"] == true, notes)));
        }
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return Ok(None),
        }
    }
}

async fn p19_case_is_taken_by_one_member_and_taken_over_on_record(env: &'static TestEnv) -> Result<()> {
    let (grace, alan) = (env.staff_with(Role::Support).await?, env.staff_with(Role::Support).await?);
    let (hopper, ada) = (env.staff_with(Role::Finance).await?, env.user().await?);
    let case = ticket(&ada).await?;
    ensure!(work(&grace, &case).await?.is_none(), "a new case has a holder");

    // Of two who saw that nobody has it, one gets it.
    let name = assign(&grace, &case, true, None).await?.is(200)?.json["holder"].clone();
    let name = name.as_str().context("no holder")?;
    assign(&grace, &case, true, None).await?.is(200)?;
    assign(&alan, &case, true, None).await?.is(409)?;
    assign(&alan, &case, false, None).await?.is(409)?;
    ensure!(work(&grace, &case).await? == Some((json!(name), true, 0)));
    ensure!(work(&alan, &case).await? == Some((json!(name), false, 0)));
    let his = assign(&alan, &case, true, Some(name)).await?.is(200)?.json["holder"].clone();
    // She believes that she has it.
    assign(&grace, &case, false, None).await?.is(409)?;
    for _ in 0..2 {
        ensure!(assign(&alan, &case, false, None).await?.is(200)?.json["holder"].is_null());
    }
    ensure!(
        work(&grace, &case).await?.is_none_or(|(holder, ..)| holder.is_null()),
        "a case that was given back has a holder"
    );
    // What she saw is not so any more.
    assign(&grace, &case, true, his.as_str()).await?.is(409)?;

    // Cases of other roles, cases that do not wait, and the own account do not exist.
    assign(&hopper, &case, true, None).await?.is(404)?;
    let mut unknown = case.clone();
    unknown["id"] = json!(uuid::Uuid::nil());
    assign(&grace, &unknown, true, None).await?.is(404)?;
    let own = ticket(&grace).await?;
    let refused = assign(&grace, &own, true, None).await?.is(403)?.json;
    ensure!(refused["type"] == "urn:darkroom:problem:own-account", "{refused}");
    let spending = format!("/v1/staff/accounts/{}/spending", ada.account_id);
    hopper.post(&spending, &json!({"allowed": false, "note": "asked by mail"})).await?.is(200)?;
    let frozen = json!({"kind": "account", "account": ada.account_id});
    assign(&hopper, &frozen, true, None).await?.is(200)?;
    assign(&grace, &frozen, true, None).await?.is(404)?;
    ensure!(work(&hopper, &frozen).await?.is_some_and(|(_, mine, _)| mine), "a frozen account is nobody's");

    let record = env.staff().await?.get("/v1/staff/record?limit=100").await?.is(200)?.json;
    let acts = record["items"].as_array().context("no entries")?.iter().map(|entry| &entry["act"]);
    let by: Vec<_> = acts
        .filter(|act| act["staff"] == name || Some(&act["staff"]) == Some(&his))
        .map(|act| act["kind"].as_str().unwrap_or_default())
        .collect();
    ensure!(by == ["gave_back_case", "took_over_case", "took_case"], "{by:?}");
    ensure!(access_log(&ada).await?.len() == 1, "the owner sees who works on the case");
    Ok(())
}

async fn p19_internal_notes_are_for_the_role_of_the_case_and_in_the_access_log(env: &'static TestEnv) -> Result<()> {
    let (grace, hopper) = (env.staff_with(Role::Support).await?, env.staff_with(Role::Finance).await?);
    let ada = env.user().await?;
    let case = ticket(&ada).await?;
    let note = async |staff: &TestUser, case: &Value, text: &str, key: &str| {
        let request = staff.request(Method::POST, "/v1/staff/reviews/notes").header("idempotency-key", key);
        ApiResponse::read(request.json(&json!({"case": case, "text": text})).send().await?).await
    };
    let read = async |staff: &TestUser| staff.post("/v1/staff/reviews/notes/reads", &json!({"case": case})).await;
    // The second request repeats the first.
    for _ in 0..2 {
        note(&grace, &case, "asked the potter", "one").await?.is(201)?;
    }
    note(&grace, &case, "the potter answered", "two").await?.is(201)?;
    note(&grace, &case, " ", "empty").await?.is(400)?;
    note(&grace, &case, &"a".repeat(1001), "long").await?.is(400)?;
    note(&hopper, &case, "of another role", "role").await?.is(404)?;
    read(&hopper).await?.is(404)?;
    ensure!(work(&grace, &case).await?.is_some_and(|(.., notes)| notes == 2), "the list counts other notes");
    let list = grace.get("/v1/staff/reviews?limit=100").await?.is(200)?.json;
    ensure!(!list.to_string().contains("potter"), "the list shows notes without an entry of the access log");
    let notes = read(&grace).await?.is(200)?.json;
    let texts: Vec<_> = notes["notes"].as_array().into_iter().flatten().map(|note| note["text"].clone()).collect();
    ensure!(texts == ["asked the potter", "the potter answered"], "{notes}");
    let guest = json!({"kind": "guest_ticket", "guest": "a".repeat(64), "id": uuid::Uuid::nil()});
    note(&grace, &guest, "a guest", "guest").await?.is(400)?;

    let about = format!("ticket {}", text(&case, "id")?);
    let log: Vec<_> = access_log(&ada).await?.into_iter().map(|line| line["action"].clone()).collect();
    let act = |kind: &str| json!({"kind": kind, "about": about});
    ensure!(log == [act("read_notes"), act("noted_case"), act("noted_case")], "{log:?}");
    let left = sort_keys(env, &ada.account_id).await?;
    ensure!(
        left.contains(&format!("NOTES#{about}")),
        "notes are not with the account, so not erased with it: {left:?}"
    );
    Ok(())
}

async fn reply_templates_replace_only_the_version_that_was_seen(env: &'static TestEnv) -> Result<()> {
    let (grace, hopper) = (env.staff_with(Role::Support).await?, env.staff_with(Role::Finance).await?);
    let path = "/v1/staff/reply-templates";
    let replace = async |version: u64, names: &[&str]| {
        let templates: Vec<_> =
            names.iter().map(|name| json!({"name": name, "text": "We look into {ticket}."})).collect();
        grace.put(path, &json!({"version": version, "templates": templates})).await
    };
    let version = grace.get(path).await?.is(200)?.json["version"].as_u64().context("no version")?;
    let stored = replace(version, &["Received", "Refunded"]).await?.is(200)?.json;
    ensure!(stored["version"] == version + 1, "{stored}");
    replace(version, &["Mine"]).await?.is(409)?;
    let twice = replace(version + 1, &["Received", "Received"]).await?.is(400)?;
    ensure!(twice.fields() == ["templates.1.name"], "{}", twice.json);
    let shown = grace.get(path).await?.is(200)?.json;
    let names: Vec<_> = shown["templates"].as_array().into_iter().flatten().map(|one| one["name"].clone()).collect();
    ensure!(names == ["Received", "Refunded"] && shown["staff"].is_string(), "{shown}");
    hopper.get(path).await?.is(404)?;
    hopper.put(path, &json!({"version": version + 1, "templates": []})).await?.is(404)?;
    let record = env.staff().await?.get("/v1/staff/record?limit=100").await?.is(200)?.json;
    let acts = record["items"].as_array().context("no entries")?.iter().map(|entry| &entry["act"]);
    let changed = acts.filter(|act| act["kind"] == "changed_reply_templates" && act["staff"] == shown["staff"]).count();
    ensure!(changed == 1, "{changed} changes are in the record");
    Ok(())
}
