//! The web client, as it is served: what a browser gets, how long it may keep it, and what the page behind a share link
//! tells those who only look at its address.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    tests,
    world::{Answer, TestEnv, text},
};

tests![
    the_client_is_served_with_a_policy_that_lets_nothing_else_in,
    assets_are_kept_for_ever_and_the_page_is_asked_for,
    an_unknown_page_is_a_page_and_an_unknown_route_a_problem,
    p18_a_share_link_has_a_preview_card_until_it_is_revoked,
    markup_in_a_prompt_is_text_on_the_card,
];

async fn the_client_is_served_with_a_policy_that_lets_nothing_else_in(world: &'static TestEnv) -> Result<()> {
    let stranger = world.stranger()?;
    for path in ["/", "/gallery", "/privacy/deletion", "/nothing/like/this", "/s/nothing"] {
        let page = stranger.get(path).await?;
        let policy = page.header("content-security-policy").context("no policy")?;
        ensure!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}: {policy}");
        for part in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "trusted-types 'none'"] {
            ensure!(policy.contains(part), "{path}: {part} is missing in {policy}");
        }
        ensure!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        ensure!(policy.contains(&format!("connect-src 'self' {};", world.endpoint)), "{path}: {policy}");
        ensure!(page.header("referrer-policy") == Some("no-referrer"), "{path}");
        ensure!(page.header("x-content-type-options") == Some("nosniff"), "{path}");
        ensure!(page.header("set-cookie").is_none(), "{path} sets a cookie");
    }
    Ok(())
}

async fn assets_are_kept_for_ever_and_the_page_is_asked_for(world: &'static TestEnv) -> Result<()> {
    let stranger = world.stranger()?;
    let page = stranger.get("/").await?.is(200)?;
    ensure!(page.header("cache-control") == Some("no-cache"));
    let tag = page.header("etag").context("no tag")?.to_owned();
    let again = stranger.request(reqwest::Method::GET, "/").header("if-none-match", &tag).send().await?;
    ensure!(again.status() == 304, "{}", again.status());

    let assets = assets_of(&html(&page)?);
    ensure!(assets.len() > 3, "{assets:?}");
    for asset in assets {
        let request = stranger.request(reqwest::Method::GET, &asset).header("accept-encoding", "br");
        let answer = Answer::read(request.send().await?).await?.is(200)?;
        ensure!(answer.header("cache-control") == Some("public, max-age=31536000, immutable"), "{asset}");
        ensure!(asset.ends_with(".woff2") || answer.header("content-encoding") == Some("br"), "{asset}");
    }
    stranger.get("/assets/none.js").await?.is(404)?;
    // Whoever checks a link asks for the head alone.
    for (path, status) in [("/", 200), ("/gallery", 200), ("/nothing/like/this", 404), ("/s/nothing", 404)] {
        let head = Answer::read(stranger.request(reqwest::Method::HEAD, path).send().await?).await?.is(status)?;
        ensure!(head.bytes.is_empty() && head.header("content-security-policy").is_some(), "{path}: {head:?}");
    }
    Ok(())
}

async fn an_unknown_page_is_a_page_and_an_unknown_route_a_problem(world: &'static TestEnv) -> Result<()> {
    let stranger = world.stranger()?;
    let page = stranger.get("/nothing/like/this").await?.is(404)?;
    ensure!(page.header("content-type") == Some("text/html; charset=utf-8"));
    let route = stranger.get("/v1/nothing/like/this").await?.is(404)?;
    ensure!(route.json["type"] == "urn:darkroom:problem:not-found", "{:?}", route.json);
    Ok(())
}

async fn p18_a_share_link_has_a_preview_card_until_it_is_revoked(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let id = text(&ada.finished_picture("a lantern in a doorway").await?, "id")?;
    let shares = format!("/v1/generations/{id}/shares");
    let share = ada.post(&shares, &json!({"expires_in_s": 3600})).await?.is(201)?.json;
    let page = format!("/s/{}", text(&share, "token")?);

    let shown = stranger.get(&page).await?.is(200)?;
    ensure!(shown.header("cache-control") == Some("no-store"));
    let html = html(&shown)?;
    ensure!(html.contains(&format!("{}{page}/card", world.base_url)), "{html}");
    ensure!(!html.contains("lantern"), "the prompt is on a card whose owner does not show it");
    ensure!(!html.contains(&ada.account_id), "the card says whose it is");
    let card = stranger.get(&format!("{page}/card")).await?.is(302)?;
    let card = stranger.fetch(card.header("location").context("leads nowhere")?).await?.is(200)?;
    ensure!(card.bytes.starts_with(&[0xff, 0xd8]), "no JPEG");

    ada.delete(&format!("{shares}/{}", text(&share, "id")?)).await?.is(204)?;
    let gone = stranger.get(&page).await?.is(404)?;
    ensure!(!self::html(&gone)?.contains("og:image"));
    stranger.get(&format!("{page}/card")).await?.is(404)?;
    Ok(())
}

async fn markup_in_a_prompt_is_text_on_the_card(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let id = text(&ada.finished_picture(r#""><script>alert(1)</script>"#).await?, "id")?;
    let terms = json!({"expires_in_s": 3600, "show_prompt": true});
    let share = ada.post(&format!("/v1/generations/{id}/shares"), &terms).await?.is(201)?.json;
    let page = world.stranger()?.get(&format!("/s/{}", text(&share, "token")?)).await?.is(200)?;
    let html = html(&page)?;
    ensure!(html.contains(r#"og:description" content="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;""#), "{html}");
    ensure!(!html.contains("<script>alert"), "{html}");
    Ok(())
}

fn html(page: &Answer) -> Result<String> {
    ensure!(page.header("content-type") == Some("text/html; charset=utf-8"));
    Ok(String::from_utf8(page.bytes.clone())?)
}

/// What the page names under `/assets/`.
fn assets_of(html: &str) -> BTreeSet<String> {
    html.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned).collect()
}
