//! Corrections of the display name, the billing address, the preferences and the email address.

use anyhow::{Context, Result, bail, ensure};
use runtime::clock;
use serde_json::{Value, json};

use crate::env::{
    checkouts::Checkout,
    http::{ApiResponse, text},
    sessions::{Session, last_mailed_code, token_with_claims, try_sign_in},
    table::account_items,
    test_env::{PASSWORD, TestEnv, TestUser, new_address},
    trial::tests,
};

tests![
    p31_corrections_record_field_names_without_values,
    p31_receipts_use_the_billing_email,
    p31_email_change_needs_a_code_from_both_addresses,
    p31_email_change_codes_expire_when_replaced_or_guessed,
    p31_email_change_does_not_reveal_registered_addresses,
    p31_email_change_needs_a_recent_sign_in_and_is_rate_limited,
];

const EMAIL: &str = "/v1/account/email";

const CONFIRM: &str = "/v1/account/email/confirm";

/// Returns the corrected fields, the latest correction first.
async fn corrections(user: &TestUser) -> Result<Vec<Value>> {
    let page = user.get("/v1/account/corrections").await?.is(200)?.json;
    let items = page["items"].as_array().context("no corrections")?;
    ensure!(items.iter().all(|item| item["at"].is_string()), "{page}");
    Ok(items.iter().map(|item| item["fields"].clone()).collect())
}

async fn confirm(user: &TestUser, present: &str, new: &str) -> Result<ApiResponse> {
    user.post(CONFIRM, &json!({"present_code": present, "new_code": new})).await
}

async fn p31_corrections_record_field_names_without_values(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    ensure!(corrections(&ada).await?.is_empty());
    let correct = async |body: Value| ada.patch("/v1/account", &body).await?.is(200);
    let first = json!({"display_name": "Canary-1", "billing_email": "Canary-2@Example.com",
        "preferences": {"theme": "dark", "language": "de"}});
    let account = correct(first.clone()).await?.json;
    ensure!(account["display_name"] == "Canary-1" && account["billing_email"] == "canary-2@example.com", "{account}");
    let all = json!(["display_name", "billing_email", "theme", "language"]);
    ensure!(corrections(&ada).await? == std::slice::from_ref(&all));
    // A repeat with the same values is not a correction.
    correct(first).await?;
    ensure!(corrections(&ada).await?.len() == 1);
    correct(json!({"display_name": "Ada", "preferences": {"theme": "dark"}})).await?;
    let account = correct(json!({"billing_email": null})).await?.json;
    ensure!(account["billing_email"].is_null(), "{account}");
    ensure!(corrections(&ada).await? == [json!(["billing_email"]), json!(["display_name"]), all]);
    let items = format!("{:?}", account_items(&ada).await?).to_lowercase();
    ensure!(!items.contains("canary"), "the old value is still stored");
    let page = ada.get("/v1/account/corrections?limit=2").await?.is(200)?.json;
    let next = text(&page, "next")?;
    let rest = ada.get(&format!("/v1/account/corrections?limit=2&cursor={next}")).await?.is(200)?.json;
    ensure!(rest["items"].as_array().is_some_and(|items| items.len() == 1) && rest["next"].is_null(), "{rest}");
    Ok(())
}

async fn p31_receipts_use_the_billing_email(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let receipt = async || -> Result<String> {
        text(&Checkout::paid(&ada, "stripe", "starter").await?.poll().await?, "billing_email")
    };
    ensure!(receipt().await? == ada.email);
    ada.patch("/v1/account", &json!({"billing_email": "bills@example.com"})).await?.is(200)?;
    ensure!(receipt().await? == "bills@example.com");
    Ok(())
}

async fn p31_email_change_needs_a_code_from_both_addresses(env: &'static TestEnv) -> Result<()> {
    let (mut ada, visitor) = (env.user().await?, env.visitor()?);
    let (old, new) = (ada.email.clone(), new_address());
    let session = Session::open(&visitor, &old, PASSWORD).await?;
    let asked = ada.post(EMAIL, &json!({"email": new.to_uppercase()})).await?.is(202)?;
    ensure!(asked.bytes.is_empty(), "{asked:?}");
    let (present_code, new_code) = (last_mailed_code(env, &old).await?, last_mailed_code(env, &new).await?);
    ensure!(present_code != new_code && env.mails(&old).await?.len() == 1);

    // Each code is valid only for its own address.
    for (present, new) in [(&present_code, &present_code), (&new_code, &new_code), (&new_code, &present_code)] {
        let refused = confirm(&ada, present, new).await?.is(400)?;
        ensure!(refused.fields() == ["present_code", "new_code"], "{}", refused.json);
    }
    ensure!(ada.get("/v1/account").await?.is(200)?.json["email"] == old.as_str());
    try_sign_in(&visitor, &new, PASSWORD).await?.is(401)?;

    confirm(&ada, &present_code, &new_code).await?.is(204)?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["email"] == new.as_str());
    try_sign_in(&visitor, &old, PASSWORD).await?.is(401)?;
    session.refresh(&visitor).await?.is(401)?;
    let account = ada.account_id.clone();
    ada.email = new;
    ada.sign_in().await?;
    ensure!(ada.account_id == account, "another account");
    ensure!(corrections(&ada).await? == [json!(["email"])]);
    let mails = env.mails(&old).await?;
    ensure!(mails.len() == 2 && mails[1].contains("was changed"), "{mails:?}");
    let items = format!("{:?}", account_items(&ada).await?);
    ensure!(!items.contains(&old) && !items.contains("EMAILCHANGE"), "the old address is still stored: {items}");
    // The codes are used up.
    confirm(&ada, &present_code, &new_code).await?.is(400)?;
    Ok(())
}

async fn p31_email_change_codes_expire_when_replaced_or_guessed(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let codes = async |to: &str| -> Result<(String, String)> {
        ada.post(EMAIL, &json!({"email": to})).await?.is(202)?;
        Ok((last_mailed_code(env, &ada.email).await?, last_mailed_code(env, to).await?))
    };
    let (first, second) = (new_address(), new_address());
    let replaced = codes(&first).await?;
    let (present, new) = codes(&second).await?;
    confirm(&ada, &replaced.0, &replaced.1).await?.is(400)?;
    // One attempt is used; after four more, the right codes are refused.
    for _ in 0..4 {
        confirm(&ada, &present, "00000000").await?.is(400)?;
    }
    confirm(&ada, &present, &new).await?.is(400)?;
    ensure!(ada.get("/v1/account").await?.is(200)?.json["email"] == ada.email.as_str());
    ensure!(corrections(&ada).await?.is_empty());
    // No code is stored.
    let items = format!("{:?}", account_items(&ada).await?);
    ensure!(!items.contains(&present) && !items.contains(&new), "{items}");
    let (present, new) = codes(&second).await?;
    confirm(&ada, &present, &new).await?.is(204)?;
    Ok(())
}

async fn p31_email_change_does_not_reveal_registered_addresses(env: &'static TestEnv) -> Result<()> {
    let (ada, eve, visitor) = (env.user().await?, env.user().await?, env.visitor()?);
    let bob = env.user().await?;
    let ask = async |to: &str| ada.post(EMAIL, &json!({"email": to})).await?.is(202);
    let (unknown, bobs) = (ask(&new_address()).await?, ask(&bob.email).await?);
    let visible = |response: &ApiResponse| -> Vec<String> {
        let names = response.headers.keys().map(|name| name.as_str().to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    ensure!(unknown.bytes == bobs.bytes && visible(&unknown) == visible(&bobs), "{unknown:?} {bobs:?}");
    let (present, new) = (last_mailed_code(env, &ada.email).await?, last_mailed_code(env, &bob.email).await?);
    confirm(&ada, &present, "00000000").await?.is(400)?;
    confirm(&eve, &present, &new).await?.is(400)?;
    // The right codes show access to his mail, so the response may say that the address is taken.
    confirm(&ada, &present, &new).await?.is(409)?;
    confirm(&ada, &present, &new).await?.is(400)?;
    for (user, email) in [(&ada, &ada.email), (&bob, &bob.email)] {
        ensure!(user.get("/v1/account").await?.is(200)?.json["email"] == email.as_str());
        let session = try_sign_in(&visitor, email, PASSWORD).await?.is(200)?.json;
        ensure!(session["account_id"] == user.account_id.as_str(), "{email} signs in to another account");
    }
    ensure!(corrections(&ada).await?.is_empty());
    let own = ada.post(EMAIL, &json!({"email": ada.email.to_uppercase()})).await?.is(400)?;
    ensure!(own.fields() == ["email"], "{}", own.json);
    Ok(())
}

async fn p31_email_change_needs_a_recent_sign_in_and_is_rate_limited(env: &'static TestEnv) -> Result<()> {
    let mut ada = env.user().await?;
    let body = json!({"email": new_address()});
    let token = ada.token.clone();
    ada.token = Some(token_with_claims(&ada, |claims| claims["auth_time"] = json!(clock::now().as_second() - 601))?);
    let refused = ada.post(EMAIL, &body).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:recent-sign-in-needed", "{}", refused.json);
    ensure!(env.mails(&ada.email).await?.is_empty());
    ada.token = token;
    for _ in 0..5 {
        ada.post(EMAIL, &body).await?.is(202)?;
    }
    let refused = ada.post(EMAIL, &json!({"email": new_address()})).await?.is(429)?;
    let Some(seconds) = refused.header("retry-after") else { bail!("it does not say when to come back") };
    ensure!(seconds.parse::<u32>().is_ok_and(|seconds| seconds <= 3_600), "{seconds}");
    // The limit holds for an address across accounts.
    let bob = env.user().await?;
    bob.post(EMAIL, &body).await?.is(429)?;
    ensure!(env.mails(&text(&body, "email")?).await?.len() == 5);
    Ok(())
}
