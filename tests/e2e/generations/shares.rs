//! Share links, and the preview card behind them.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;

use crate::env::{
    gallery::{download, html_of},
    http::{ApiResponse, text},
    test_env::TestEnv,
    trial::tests,
};

tests![
    p18_share_link_shows_one_image_until_revoked,
    p18_share_link_shows_its_image_and_not_its_siblings,
    p18_share_link_has_a_preview_card_until_revoked,
    markup_in_a_prompt_is_escaped_on_the_preview_card,
];

async fn p18_share_link_shows_one_image_until_revoked(env: &'static TestEnv) -> Result<()> {
    let (ada, bob, visitor) = (env.user().await?, env.user().await?, env.visitor()?);
    let id = text(&ada.finished_image("a secret garden").await?, "id")?;
    let shares = format!("/v1/generations/{id}/outputs/1/shares");
    let share =
        || ada.request(Method::POST, &shares).header("idempotency-key", "share").json(&json!({"expires_in_s": 3600}));
    let made = ApiResponse::read(share().send().await?).await?.is(201)?;
    let again = ApiResponse::read(share().send().await?).await?.is(201)?;
    ensure!(again.bytes == made.bytes, "a repeat must return the same link");
    let made = made.json;
    let token = text(&made, "token")?;
    ensure!(token.len() == 43, "256 bits in base64url are 43 characters");
    let link = format!("/v1/shared/{token}");
    let seen = visitor.get(&link).await?.is(200)?.json;
    ensure!(seen["prompt"].is_null() && !seen.to_string().contains(&ada.email));
    download(&visitor, &seen["file"]["url"]).await?;

    let open = ada.post(&shares, &json!({"expires_in_s": 3600, "show_prompt": true})).await?.is(201)?.json;
    let shown = visitor.get(&format!("/v1/shared/{}", text(&open, "token")?)).await?.is(200)?.json;
    ensure!(shown["prompt"] == "a secret garden");

    let own = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    ensure!(own["outputs"][0]["shared_until"] == open["expires_at"], "the owner does not see that it is shared: {own}");

    let list = ada.get(&shares).await?.is(200)?.json;
    ensure!(list["items"].as_array().is_some_and(|items| items.len() == 2) && !list.to_string().contains(&token));
    bob.get(&shares).await?.is(404)?;
    let share = format!("{shares}/{}", text(&made, "id")?);
    bob.delete(&share).await?.is(404)?;
    ada.delete(&share).await?.is(204)?;
    visitor.get(&link).await?.is(404)?;
    ada.delete(&format!("{shares}/{}", text(&open, "id")?)).await?.is(204)?;
    let own = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    ensure!(own["outputs"][0]["shared_until"].is_null(), "{own}");
    visitor.get("/v1/shared/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await?.is(404)?;
    Ok(())
}

async fn p18_share_link_shows_its_image_and_not_its_siblings(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let body = json!({"model": "sketch-image", "prompt": "two windows", "width": 320, "height": 320, "count": 2});
    let id = ada.submit(&body).await?;
    let generation = ada.ended(&id).await?;
    let outputs = format!("/v1/generations/{id}/outputs");
    let share = ada.post(&format!("{outputs}/1/shares"), &json!({"expires_in_s": 3600})).await?.is(201)?.json;
    let seen = visitor.get(&format!("/v1/shared/{}", text(&share, "token")?)).await?.is(200)?;
    let key = |number: usize| -> Result<String> {
        let url = text(&generation["outputs"][number]["file"], "url")?;
        Ok(url.split('?').next().unwrap_or_default().to_owned())
    };
    let shown = String::from_utf8(seen.bytes)?;
    ensure!(shown.contains(&key(0)?) && !shown.contains(&key(1)?), "{shown}");

    let own = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    ensure!(own["outputs"][0]["shared_until"].is_string() && own["outputs"][1]["shared_until"].is_null(), "{own}");
    ensure!(ada.get(&format!("{outputs}/2/shares")).await?.is(200)?.json["items"] == json!([]));
    // A link is revoked under its own image only.
    ada.delete(&format!("{outputs}/2/shares/{}", text(&share, "id")?)).await?.is(404)?;
    for missing in ["0", "3"] {
        ada.post(&format!("{outputs}/{missing}/shares"), &json!({"expires_in_s": 3600})).await?.is(404)?;
        ada.get(&format!("{outputs}/{missing}/shares")).await?.is(404)?;
    }
    Ok(())
}

async fn p18_share_link_has_a_preview_card_until_revoked(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let id = text(&ada.finished_image("a lantern in a doorway").await?, "id")?;
    let shares = format!("/v1/generations/{id}/outputs/1/shares");
    let share = ada.post(&shares, &json!({"expires_in_s": 3600})).await?.is(201)?.json;
    let page = format!("/s/{}", text(&share, "token")?);

    let shown = visitor.get(&page).await?.is(200)?;
    ensure!(shown.header("cache-control") == Some("no-store"));
    let html = html_of(&shown)?;
    ensure!(html.contains(&format!("{}{page}/card", env.base_url)), "{html}");
    ensure!(!html.contains("lantern"), "the hidden prompt is on the preview card");
    ensure!(!html.contains(&ada.account_id), "the preview card names the account");
    let card = visitor.get(&format!("{page}/card")).await?.is(302)?;
    let card = visitor.fetch(card.header("location").context("leads nowhere")?).await?.is(200)?;
    ensure!(card.bytes.starts_with(&[0xff, 0xd8]), "no JPEG");

    ada.delete(&format!("{shares}/{}", text(&share, "id")?)).await?.is(204)?;
    let gone = visitor.get(&page).await?.is(404)?;
    ensure!(!html_of(&gone)?.contains("og:image"));
    visitor.get(&format!("{page}/card")).await?.is(404)?;
    Ok(())
}

async fn markup_in_a_prompt_is_escaped_on_the_preview_card(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let id = text(&ada.finished_image(r#""><script>alert(1)</script>"#).await?, "id")?;
    let terms = json!({"expires_in_s": 3600, "show_prompt": true});
    let share = ada.post(&format!("/v1/generations/{id}/outputs/1/shares"), &terms).await?.is(201)?.json;
    let page = env.visitor()?.get(&format!("/s/{}", text(&share, "token")?)).await?.is(200)?;
    let html = html_of(&page)?;
    ensure!(html.contains(r#"og:description" content="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;""#), "{html}");
    ensure!(!html.contains("<script>alert"), "{html}");
    Ok(())
}
