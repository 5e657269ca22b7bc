//! What people put right: their name, where receipts go, what they prefer, and the address that signs in.

use anyhow::{Context, Result, bail, ensure};
use runtime::clock;
use serde_json::{Value, json};

use crate::{
    authorization::{kept, like_hers},
    buying::Checkout,
    sessions::{Session, address, sign_in},
    tests,
    world::{Answer, PASSWORD, Person, TestEnv, text},
};

tests![
    p31_what_is_corrected_is_recorded_without_what_it_was,
    p31_receipts_go_where_the_person_wants_them,
    p31_a_new_address_takes_a_code_from_each_address_and_then_signs_in,
    p31_codes_are_replaced_by_newer_ones_and_guessed_by_nobody,
    p31_that_somebody_has_an_address_is_told_to_nobody_but_them,
    p31_a_change_of_the_address_takes_a_recent_sign_in_and_is_not_asked_for_often,
];

const EMAIL: &str = "/v1/account/email";
const CONFIRM: &str = "/v1/account/email/confirm";

/// What was corrected, the latest first.
async fn corrections(person: &Person) -> Result<Vec<Value>> {
    let page = person.get("/v1/account/corrections").await?.is(200)?.json;
    let items = page["items"].as_array().context("no corrections")?;
    ensure!(items.iter().all(|item| item["at"].is_string()), "{page}");
    Ok(items.iter().map(|item| item["fields"].clone()).collect())
}

/// The code in the last mail to an address.
pub async fn last_code(world: &TestEnv, to: &str) -> Result<String> {
    let mails = world.mails(to).await?;
    let last = mails.last().with_context(|| format!("{to} got no mail"))?;
    let is_code = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    let code = last.split([' ', '.', '\n']).find(is_code);
    Ok(code.with_context(|| format!("no code in {last}"))?.to_owned())
}

async fn confirm(person: &Person, present: &str, new: &str) -> Result<Answer> {
    person.post(CONFIRM, &json!({"present_code": present, "new_code": new})).await
}

async fn p31_what_is_corrected_is_recorded_without_what_it_was(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    ensure!(corrections(&ada).await?.is_empty());
    let correct = async |body: Value| ada.patch("/v1/account", &body).await?.is(200);
    let first = json!({"display_name": "Canary-1", "billing_email": "Canary-2@Example.com",
        "preferences": {"theme": "dark", "language": "de"}});
    let account = correct(first.clone()).await?.json;
    ensure!(account["display_name"] == "Canary-1" && account["billing_email"] == "canary-2@example.com", "{account}");
    let all = json!(["display_name", "billing_email", "theme", "language"]);
    ensure!(corrections(&ada).await? == std::slice::from_ref(&all));
    // The same again corrects nothing.
    correct(first).await?;
    ensure!(corrections(&ada).await?.len() == 1);
    correct(json!({"display_name": "Ada", "preferences": {"theme": "dark"}})).await?;
    let account = correct(json!({"billing_email": null})).await?.json;
    ensure!(account["billing_email"].is_null(), "{account}");
    ensure!(corrections(&ada).await? == [json!(["billing_email"]), json!(["display_name"]), all]);
    let items = format!("{:?}", kept(&ada).await?).to_lowercase();
    ensure!(!items.contains("canary"), "what it was is still kept");
    let page = ada.get("/v1/account/corrections?limit=2").await?.is(200)?.json;
    let next = text(&page, "next")?;
    let rest = ada.get(&format!("/v1/account/corrections?limit=2&cursor={next}")).await?.is(200)?.json;
    ensure!(rest["items"].as_array().is_some_and(|items| items.len() == 1) && rest["next"].is_null(), "{rest}");
    Ok(())
}

async fn p31_receipts_go_where_the_person_wants_them(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let receipt = async || -> Result<String> {
        text(&Checkout::paid(&ada, "stripe", "starter").await?.look().await?, "billing_email")
    };
    ensure!(receipt().await? == ada.email);
    ada.patch("/v1/account", &json!({"billing_email": "bills@example.com"})).await?.is(200)?;
    ensure!(receipt().await? == "bills@example.com");
    Ok(())
}

async fn p31_a_new_address_takes_a_code_from_each_address_and_then_signs_in(world: &'static TestEnv) -> Result<()> {
    let (mut ada, stranger) = (world.person().await?, world.stranger()?);
    let (old, new) = (ada.email.clone(), address());
    let session = Session::open(&stranger, &old, PASSWORD).await?;
    let asked = ada.post(EMAIL, &json!({"email": new.to_uppercase()})).await?.is(202)?;
    ensure!(asked.bytes.is_empty(), "{asked:?}");
    let (present_code, new_code) = (last_code(world, &old).await?, last_code(world, &new).await?);
    ensure!(present_code != new_code && world.mails(&old).await?.len() == 1);

    // Neither is good for both, nor in the place of the other.
    for (present, new) in [(&present_code, &present_code), (&new_code, &new_code), (&new_code, &present_code)] {
        let refused = confirm(&ada, present, new).await?.is(400)?;
        ensure!(refused.fields() == ["present_code", "new_code"], "{}", refused.json);
    }
    ensure!(ada.get("/v1/account").await?.is(200)?.json["email"] == old.as_str());
    sign_in(&stranger, &new, PASSWORD).await?.is(401)?;

    confirm(&ada, &present_code, &new_code).await?.is(204)?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["email"] == new.as_str());
    sign_in(&stranger, &old, PASSWORD).await?.is(401)?;
    session.refresh(&stranger).await?.is(401)?;
    let account = ada.account_id.clone();
    ada.email = new;
    ada.sign_in().await?;
    ensure!(ada.account_id == account, "another account");
    ensure!(corrections(&ada).await? == [json!(["email"])]);
    let told = world.mails(&old).await?;
    ensure!(told.len() == 2 && told[1].contains("was changed"), "{told:?}");
    let items = format!("{:?}", kept(&ada).await?);
    ensure!(!items.contains(&old) && !items.contains("EMAILCHANGE"), "what it was is still kept: {items}");
    // The codes are used.
    confirm(&ada, &present_code, &new_code).await?.is(400)?;
    Ok(())
}

async fn p31_codes_are_replaced_by_newer_ones_and_guessed_by_nobody(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let codes = async |to: &str| -> Result<(String, String)> {
        ada.post(EMAIL, &json!({"email": to})).await?.is(202)?;
        Ok((last_code(world, &ada.email).await?, last_code(world, to).await?))
    };
    let (first, second) = (address(), address());
    let replaced = codes(&first).await?;
    let (present, new) = codes(&second).await?;
    confirm(&ada, &replaced.0, &replaced.1).await?.is(400)?;
    // One is spent; with four more the right ones are too late.
    for _ in 0..4 {
        confirm(&ada, &present, "00000000").await?.is(400)?;
    }
    confirm(&ada, &present, &new).await?.is(400)?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["email"] == ada.email.as_str());
    ensure!(corrections(&ada).await?.is_empty());
    // Nothing that is kept has a code in it.
    let items = format!("{:?}", kept(&ada).await?);
    ensure!(!items.contains(&present) && !items.contains(&new), "{items}");
    let (present, new) = codes(&second).await?;
    confirm(&ada, &present, &new).await?.is(204)?;
    Ok(())
}

async fn p31_that_somebody_has_an_address_is_told_to_nobody_but_them(world: &'static TestEnv) -> Result<()> {
    let (ada, eve, stranger) = (world.person().await?, world.person().await?, world.stranger()?);
    let bob = world.person().await?;
    let ask = async |to: &str| ada.post(EMAIL, &json!({"email": to})).await?.is(202);
    let (nobodys, bobs) = (ask(&address()).await?, ask(&bob.email).await?);
    let visible = |answer: &Answer| -> Vec<String> {
        let names = answer.headers.keys().map(|name| name.as_str().to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    ensure!(nobodys.bytes == bobs.bytes && visible(&nobodys) == visible(&bobs), "{nobodys:?} {bobs:?}");
    let (present, new) = (last_code(world, &ada.email).await?, last_code(world, &bob.email).await?);
    confirm(&ada, &present, "00000000").await?.is(400)?;
    confirm(&eve, &present, &new).await?.is(400)?;
    // Whoever reads his mail is told.
    confirm(&ada, &present, &new).await?.is(409)?;
    confirm(&ada, &present, &new).await?.is(400)?;
    for (person, email) in [(&ada, &ada.email), (&bob, &bob.email)] {
        ensure!(person.get("/v1/account").await?.is(200)?.json["email"] == email.as_str());
        let session = sign_in(&stranger, email, PASSWORD).await?.is(200)?.json;
        ensure!(session["account_id"] == person.account_id.as_str(), "{email} signs in to another account");
    }
    ensure!(corrections(&ada).await?.is_empty());
    let own = ada.post(EMAIL, &json!({"email": ada.email.to_uppercase()})).await?.is(400)?;
    ensure!(own.fields() == ["email"], "{}", own.json);
    Ok(())
}

async fn p31_a_change_of_the_address_takes_a_recent_sign_in_and_is_not_asked_for_often(
    world: &'static TestEnv,
) -> Result<()> {
    let mut ada = world.person().await?;
    let body = json!({"email": address()});
    let token = ada.token.clone();
    ada.token = Some(like_hers(&ada, |claims| claims["auth_time"] = json!(clock::now().as_second() - 601))?);
    let refused = ada.post(EMAIL, &body).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:recent-sign-in-needed", "{}", refused.json);
    ensure!(world.mails(&ada.email).await?.is_empty());
    ada.token = token;
    for _ in 0..5 {
        ada.post(EMAIL, &body).await?.is(202)?;
    }
    let refused = ada.post(EMAIL, &json!({"email": address()})).await?.is(429)?;
    let Some(seconds) = refused.header("retry-after") else { bail!("it does not say when to come back") };
    ensure!(seconds.parse::<u32>().is_ok_and(|seconds| seconds <= 3_600), "{seconds}");
    // Nor does an address get mail from ever new accounts.
    let bob = world.person().await?;
    bob.post(EMAIL, &body).await?.is(429)?;
    ensure!(world.mails(&text(&body, "email")?).await?.len() == 5);
    Ok(())
}
