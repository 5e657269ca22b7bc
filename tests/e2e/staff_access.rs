//! What staff may see of what is somebody's: nothing that they did not name a reason for, nothing that its owner does not
//! read in the log, and what a lawful request demands, no more of it than it names.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::staff::audit::{AuditAction, AuditEntry};
use jiff::{SignedDuration, Timestamp};
use runtime::clock;
use serde_json::{Value, json};
use store::Write;

use crate::{
    afterwards::string,
    authorization::kept,
    buying::Checkout,
    erasure,
    observability::put_item,
    tests, uploads,
    world::{Answer, PATIENCE, Person, TestEnv, text},
};

tests![
    p19_staff_see_nothing_of_anybody_without_an_access_of_their_own_that_lasts,
    p19_the_owner_reads_who_looked_at_what_and_why,
    p13_an_incident_is_looked_into_with_everything_that_belongs_to_it,
    p16_what_the_law_forbids_to_tell_is_told_when_its_time_is_over,
    p16_an_account_that_ends_is_looked_at_only_as_long_as_something_is_held,
    p16_a_hold_that_is_released_lets_the_erasure_go_on,
    p16_a_disclosure_has_exactly_what_it_names_and_only_for_whoever_made_it,
];

/// An access to what is somebody's: where its looks are, and what whoever opened it is called.
pub struct Opened<'a> {
    staff: &'a Person,
    path: String,
    id: String,
    name: String,
}

impl<'a> Opened<'a> {
    /// Opens one for some minutes.
    pub async fn to(staff: &'a Person, owner: &Person) -> Result<Self> {
        Self::with(staff, owner, json!({})).await
    }

    async fn with(staff: &'a Person, owner: &Person, more: Value) -> Result<Self> {
        let path = format!("/v1/staff/accounts/{}/accesses", owner.account_id);
        let mut body = json!({"reference": "T-17", "reason": "she asked why it failed", "minutes": 10});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let opened = staff.post(&path, &body).await?.is(201)?.json;
        let (id, name) = (text(&opened, "id")?, text(&opened, "staff")?);
        Ok(Self { staff, path: format!("{path}/{id}"), id, name })
    }

    /// Answers a question under it.
    pub async fn answer(&self, ticket: &str, body: &Value) -> Result<Answer> {
        self.staff.post(&format!("{}/tickets/{ticket}/messages", self.path), body).await
    }

    /// Looks at something under it.
    pub async fn look(&self, at: &str) -> Result<Answer> {
        self.staff.get(&format!("{}/{at}", self.path)).await
    }
}

/// The log of accesses, as its owner reads it.
pub async fn log(owner: &Person) -> Result<Vec<Value>> {
    let page = owner.get("/v1/account/access-log?limit=100").await?.is(200)?.json;
    ensure!(page["next"].is_null(), "it is longer than a page");
    Ok(page["items"].as_array().context("no lines")?.clone())
}

/// Everything that can be looked at of somebody who has a picture and an upload.
fn sights(picture: &str, upload: &str) -> [String; 8] {
    let (picture, upload) = (format!("generations/{picture}"), format!("uploads/{upload}"));
    ["profile", "generations", &picture, "uploads", &upload, "payments", "activity", "tickets"].map(str::to_owned)
}

async fn p19_staff_see_nothing_of_anybody_without_an_access_of_their_own_that_lasts(
    world: &'static TestEnv,
) -> Result<()> {
    let (grace, alan, ada) = (world.staff().await?, world.staff().await?, world.person().await?);
    let picture = text(&ada.finished_picture("a secret garden").await?, "id")?;
    let upload = text(&uploads::declare(&ada, "image/png", b"seven..").await?, "id")?;
    let alans = Opened::to(&alan, &ada).await?;
    let before = kept(&ada).await?;

    // Nobody's, a colleague's, one of another person, a line that opened nothing, one whose time is over.
    let bob = world.person().await?;
    let bobs = Opened::to(&grace, &bob).await?;
    bobs.look("profile").await?.is(200)?;
    let line = text(&log(&bob).await?[0], "id")?;
    let over = over(&grace, &ada).await?;
    let path = |owner: &Person, id: &str| format!("/v1/staff/accounts/{}/accesses/{id}", owner.account_id);
    for at in sights(&picture, &upload) {
        for (path, status) in [
            (path(&ada, &uuid::Uuid::nil().to_string()), 404),
            (alans.path.clone(), 404),
            (path(&ada, &bobs.id), 404),
            (path(&bob, &line), 404),
            (path(&ada, &over), 403),
        ] {
            let refused = grace.get(&format!("{path}/{at}")).await?.is(status)?;
            let told = String::from_utf8(refused.bytes)?;
            ensure!(!told.contains(&ada.email) && !told.contains("garden"), "{told}");
            ensure!(status != 403 || told.contains("Open a new one"), "it does not say what to do: {told}");
        }
        for (somebody, status) in [(&ada, 404), (&bob, 404), (&world.stranger()?, 401)] {
            somebody.get(&format!("{}/{at}", alans.path)).await?.is(status)?;
        }
        alans.look(&at).await?.is(200)?;
    }
    let looked = kept(&ada).await?.len() - before.len() - 1;
    ensure!(looked == 8, "{looked} lines for eight looks, and the one that was over");
    // What is not there is not looked at.
    alans.look(&format!("generations/{}", uuid::Uuid::nil())).await?.is(404)?;
    ensure!(kept(&ada).await?.len() == before.len() + 9);
    Ok(())
}

/// An access that was opened an hour ago for ten minutes.
async fn over(staff: &Person, owner: &Person) -> Result<String> {
    let opened = clock::now() - SignedDuration::from_hours(1);
    let access = AuditEntry {
        id: clock::uuid_at(opened).into(),
        account: owner.account_id.parse()?,
        staff: Opened::to(staff, staff).await?.name,
        at: opened,
        action: AuditAction::Opened {
            reference: "T-1".to_owned(),
            reason: "long ago".to_owned(),
            until: opened + SignedDuration::from_mins(10),
            undisclosed_basis: None,
        },
        undisclosed_until: None,
    };
    owner.world.table()?.commit(&[Write::AuditEntry(&access)]).await?;
    Ok(access.id.to_string())
}

async fn p19_the_owner_reads_who_looked_at_what_and_why(world: &'static TestEnv) -> Result<()> {
    let (grace, alan, ada) = (world.staff().await?, world.staff().await?, world.person().await?);
    ensure!(log(&ada).await?.is_empty());
    let (opened, other) = (Opened::to(&grace, &ada).await?, Opened::to(&alan, &ada).await?);
    let begun = clock::now();
    opened.look("profile").await?.is(200)?;
    other.look("activity").await?.is(200)?;
    opened.look("payments").await?.is(200)?;

    let lines = log(&ada).await?;
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
        ensure!((540..=600).contains(&until.duration_since(begun).as_secs()), "{opening}");
    }
    ensure!(who1 == who3 && who1 == graces && who2 == alans && graces != alans, "{lines:?}");
    // The log names nobody.
    let told = json!(lines).to_string();
    for somebody in [&grace, &alan] {
        ensure!(!told.contains(&somebody.email) && !told.contains(&somebody.account_id), "{told}");
    }

    let mut paged = Vec::new();
    let mut path = "/v1/account/access-log?limit=2".to_owned();
    loop {
        let page = ada.get(&path).await?.is(200)?.json;
        paged.extend(page["items"].as_array().context("no lines")?.clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/account/access-log?limit=2&cursor={next}");
    }
    ensure!(paged == lines, "page by page it is another log: {paged:?}");
    ensure!(log(&world.person().await?).await?.is_empty(), "somebody else reads it");
    Ok(())
}

async fn p13_an_incident_is_looked_into_with_everything_that_belongs_to_it(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (world.staff().await?, world.person().await?);
    let picture = text(&ada.finished_picture("a broken vase").await?, "id")?;
    let upload = uploads::arrived(&ada, "image/png", &uploads::photograph("image/png")?).await?;
    let upload = text(&upload, "id")?;
    Checkout::paid(&ada, "paypal", "starter").await?;
    let opened = Opened::to(&grace, &ada).await?;
    let mut found = Vec::new();
    for at in sights(&picture, &upload) {
        found.push(opened.look(&at).await?.is(200)?.json);
    }
    let [profile, generations, generation, uploads, file, payments, activity, tickets] = found.as_slice() else {
        bail!("not eight things")
    };
    ensure!(tickets["items"] == json!([]), "{tickets}");
    ensure!(profile["email"] == ada.email.as_str() && profile["credits"]["available"] == 239, "{profile}");
    ensure!(generations["items"][0]["settings"]["prompt"] == "a broken vase", "{generations}");
    ensure!(generations["items"][0]["media"] == json!([]), "a listing shows files: {generations}");
    let media = &generation["media"][0];
    for url in [text(media, "url")?, text(media, "thumbnail_url")?, text(file, "url")?] {
        ensure!(url.contains("X-Amz-Expires=240"), "{url}");
        grace.fetch(&url).await?.is(200)?;
    }
    ensure!(uploads["items"][0]["id"] == upload.as_str(), "{uploads}");
    ensure!(payments["items"][0]["status"] == "paid" && payments["items"][0]["transaction"].is_string(), "{payments}");
    let kinds: Vec<_> = activity["items"].as_array().into_iter().flatten().map(|line| &line["kind"]).collect();
    ensure!(kinds == ["checkout", "submit", "sign_in"], "{activity}");
    ensure!(log(&ada).await?.len() == 9);
    Ok(())
}

/// Moves what must not be told before then to the past, in every line that says so.
async fn let_time_pass(owner: &Person) -> Result<()> {
    for mut item in kept(owner).await? {
        if string(&item, "sk").starts_with("ACCESS#") && item.contains_key("undisclosed_until") {
            let past = AttributeValue::S("2026-01-01T00:00:00Z".to_owned());
            item.insert("undisclosed_until".to_owned(), past);
            put_item(owner.world, item).await?;
        }
    }
    Ok(())
}

async fn p16_what_the_law_forbids_to_tell_is_told_when_its_time_is_over(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (world.staff().await?, world.person().await?);
    let until = clock::now() + SignedDuration::from_hours(24 * 300);
    let silence = json!({"undisclosed_until": until, "undisclosed_basis": "section 7"});
    let silent = Opened::with(&grace, &ada, silence.clone()).await?;
    silent.look("profile").await?.is(200)?;
    let told = Opened::to(&grace, &ada).await?;
    let accounts = format!("/v1/staff/accounts/{}", ada.account_id);
    let mut hold = json!({"reference": "court-7", "reason": "an order", "covers": ["ledger"]});
    hold["undisclosed_until"] = json!(until);
    hold["undisclosed_basis"] = json!("section 7");
    let hold = grace.post(&format!("{accounts}/holds"), &hold).await?.is(201)?.json;
    let wanted = json!({"reference": "court-7", "reason": "an order", "kinds": ["account", "access"],
        "undisclosed_until": until, "undisclosed_basis": "section 7"});
    let disclosure = grace.post(&format!("{accounts}/disclosures"), &wanted).await?.is(201)?.json;
    let fetched = grace.get(&format!("{accounts}/disclosures/{}", text(&disclosure, "id")?)).await?.is(200)?.json;
    grace.delete(&format!("{accounts}/holds/{}", text(&hold, "id")?)).await?.is(204)?;

    let lines = log(&ada).await?;
    let [line] = lines.as_slice() else { bail!("she is told more than one line, or less: {lines:?}") };
    ensure!(line["id"] == told.id.as_str(), "{line}");
    let page = ada.get("/v1/account/access-log?limit=1").await?.is(200)?.json;
    ensure!(page["next"].is_null(), "the page tells that there is more");
    ensure!(ada.get("/v1/account").await?.is(200)?.json["held"] == json!([]));
    // Nor is whoever gets the disclosure told of what belongs to other requests.
    let document = grace.fetch(&text(&fetched, "url")?).await?.is(200)?.json;
    ensure!(document["items"]["account"][0]["holds"] == json!([]), "{document}");
    ensure!(document["items"]["access"].as_array().is_some_and(|lines| lines.len() == 1), "{document}");

    let_time_pass(&ada).await?;
    let lines = log(&ada).await?;
    let kinds: Vec<_> = lines.iter().map(|line| &line["action"]["kind"]).collect();
    ensure!(kinds == ["released", "downloaded", "disclosed", "held", "opened", "read", "opened"], "{lines:?}");
    ensure!(lines[6]["action"]["undisclosed_basis"] == "section 7", "{}", lines[6]);
    Ok(())
}

async fn p16_an_account_that_ends_is_looked_at_only_as_long_as_something_is_held(
    world: &'static TestEnv,
) -> Result<()> {
    let (grace, ada) = (world.staff().await?, world.person().await?);
    let before = Opened::to(&grace, &ada).await?;
    erasure::close(&ada, SignedDuration::from_hours(24), Vec::new()).await?;
    let accounts = format!("/v1/staff/accounts/{}", ada.account_id);
    let wanted = json!({"reference": "T-1", "reason": "to see", "kinds": ["account"]});
    let access = json!({"reference": "T-1", "reason": "to see", "minutes": 1});
    before.look("profile").await?.is(403)?;
    grace.post(&format!("{accounts}/accesses"), &access).await?.is(403)?;
    grace.post(&format!("{accounts}/disclosures"), &wanted).await?.is(403)?;

    let hold = json!({"reference": "court-7", "reason": "an order", "covers": ["account"]});
    let hold = grace.post(&format!("{accounts}/holds"), &hold).await?.is(201)?.json;
    before.look("profile").await?.is(200)?;
    let opened = Opened::to(&grace, &ada).await?;
    opened.look("profile").await?.is(200)?;
    let disclosure = grace.post(&format!("{accounts}/disclosures"), &wanted).await?.is(201)?.json;
    let disclosure = format!("{accounts}/disclosures/{}", text(&disclosure, "id")?);
    grace.get(&disclosure).await?.is(200)?;

    grace.delete(&format!("{accounts}/holds/{}", text(&hold, "id")?)).await?.is(204)?;
    opened.look("profile").await?.is(403)?;
    grace.get(&disclosure).await?.is(403)?;
    // She takes it back, and reads all of it.
    ada.delete("/v1/privacy/deletion").await?.is(204)?;
    ensure!(log(&ada).await?.len() == 8, "{:?}", log(&ada).await?);
    Ok(())
}

async fn p16_a_hold_that_is_released_lets_the_erasure_go_on(world: &'static TestEnv) -> Result<()> {
    let (grace, ada) = (world.staff().await?, world.person().await?);
    ada.finished_picture("evidence").await?;
    let holds = format!("/v1/staff/accounts/{}/holds", ada.account_id);
    let hold = json!({"reference": "court-7", "reason": "an order", "covers": ["generations"]});
    let placed = grace.post(&holds, &hold).await?.is(201)?.json;
    // What it names, and what that needs.
    ensure!(placed["covers"] == json!(["access", "generation", "generations"]), "{placed}");
    let held = ada.get("/v1/account").await?.is(200)?.json["held"].clone();
    ensure!(held[0]["kinds"] == placed["covers"] && held[0]["reason"] == "an order", "{held}");
    let receipt = erasure::ask(&ada).await?;
    let begun = std::time::Instant::now();
    loop {
        let items = kept(&ada).await?;
        let kinds: std::collections::BTreeSet<_> =
            items.iter().filter_map(|item| string(item, "sk").split('#').next().map(str::to_owned)).collect();
        if kinds.iter().map(String::as_str).eq(["ACCESS", "ACCOUNT", "GENERATION"]) {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "{kinds:?}");
    }
    // She is told what is kept and why, and nobody but staff can open anything of it.
    let told = ada.get("/v1/privacy/deletion").await?.is(200)?.json;
    ensure!(told["held"] == held && told["can_be_canceled"] == false, "{told}");
    ada.get("/v1/generations").await?.is(401)?;
    let listed = grace.get(&holds).await?.is(200)?.json;
    let [listed] = listed["items"].as_array().context("no holds")?.as_slice() else { bail!("not one hold: {listed}") };
    ensure!(listed["id"] == placed["id"] && listed["reference"] == "court-7", "{listed}");
    let release = format!("{holds}/{}", text(&placed, "id")?);
    grace.delete(&release).await?.is(204)?;
    world.sweep(clock::now()).await?;
    let receipt = erasure::erased(world, &receipt).await?;
    ensure!(receipt["erased"]["generations"].as_u64().is_some_and(|files| files >= 2), "{receipt}");
    erasure::nothing_is_left(&ada).await?;
    // Nobody has such a hold any more.
    grace.delete(&release).await?.is(404)?;
    Ok(())
}

async fn p16_a_disclosure_has_exactly_what_it_names_and_only_for_whoever_made_it(
    world: &'static TestEnv,
) -> Result<()> {
    let (grace, alan, ada) = (world.staff().await?, world.staff().await?, world.person().await?);
    let picture = text(&ada.finished_picture("a letter").await?, "id")?;
    let upload = uploads::arrived(&ada, "image/png", &uploads::photograph("image/png")?).await?;
    Checkout::paid(&ada, "paypal", "starter").await?;
    ada.post("/v1/support/tickets", &json!({"subject": "Lost", "text": "Where is it?"})).await?.is(201)?;
    let path = format!("/v1/staff/accounts/{}/disclosures", ada.account_id);
    let wanted = json!({"reference": "court-7", "reason": "an order",
        "kinds": ["payment", "generations", "uploads", "ticket"]});
    let made = grace.post(&path, &wanted).await?.is(201)?;
    let at = made.header("location").context("no location")?.to_owned();
    ensure!(made.json["items"] == 2 && made.json["url"].is_null() && made.json["files"].is_null(), "{}", made.json);

    let fetched = grace.get(&at).await?.is(200)?.json;
    let document = grace.fetch(&text(&fetched, "url")?).await?.is(200)?.json;
    let things = document["items"].as_object().context("no things")?;
    ensure!(things.keys().eq(["payment", "ticket"]), "{document}");
    ensure!(things["ticket"][0]["messages"][0]["text"] == "Where is it?", "{document}");
    ensure!(things["payment"][0]["receipt"]["transaction"].is_string(), "{document}");
    for secret in [&ada.email, "a letter"] {
        ensure!(!document.to_string().contains(secret), "{secret} was not asked for: {document}");
    }
    let mut names = Vec::new();
    for file in fetched["files"].as_array().context("no files")? {
        grace.fetch(&text(file, "url")?).await?.is(200)?;
        names.push(text(file, "name")?);
    }
    let upload = text(&upload, "id")?;
    ensure!(json!(names) == document["files"] && names.len() == 3, "{document}");
    let belongs = |name: &String| name.contains(&picture) || *name == format!("uploads/{upload}/inspected");
    ensure!(names.iter().all(belongs), "{names:?}");

    // Of another time there is nothing, and nobody else gets any of it.
    let mut before = wanted.clone();
    (before["from"], before["to"]) = (json!("2025-01-01T00:00:00Z"), json!("2026-01-01T00:00:00Z"));
    let before = grace.post(&path, &before).await?.is(201)?.json;
    ensure!(before["items"] == 0, "{before}");
    let before = grace.get(&format!("{path}/{}", text(&before, "id")?)).await?.is(200)?.json;
    ensure!(before["files"].is_null(), "{before}");
    let mut never = wanted.clone();
    (never["from"], never["to"]) = (json!("2026-02-01T00:00:00Z"), json!("2026-02-01T00:00:00Z"));
    ensure!(grace.post(&path, &never).await?.is(400)?.fields() == ["from"]);
    for (somebody, status) in [(&alan, 404), (&ada, 404), (&world.stranger()?, 401)] {
        somebody.get(&at).await?.is(status)?;
    }
    let kinds: Vec<_> = log(&ada).await?.iter().map(|line| line["action"]["kind"].clone()).collect();
    ensure!(kinds == ["downloaded", "disclosed", "downloaded", "disclosed"], "{kinds:?}");
    Ok(())
}
