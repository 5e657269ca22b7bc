//! The main job: from a prompt to a picture, seen by its owner, by everybody, by whoever has the link.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    tests,
    world::{Answer, Person, TestEnv, text},
};

tests![
    p10_p17_a_prompt_becomes_a_picture_that_only_its_owner_sees,
    p10_a_prompt_becomes_a_film,
    p2_the_same_seed_paints_the_same_picture_and_another_prompt_another,
    p17_a_picture_is_shown_to_everybody_and_hidden_again_at_once,
    p18_a_share_link_shows_one_picture_until_it_is_revoked,
    p20_a_deleted_picture_is_gone_in_all_versions_and_so_are_its_links,
];

async fn p10_p17_a_prompt_becomes_a_picture_that_only_its_owner_sees(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    ensure!(ada.credits().await? == (40, 0));
    let answer = ada
        .post("/v1/generations", &json!({"model": "sketch-image", "prompt": "a lighthouse", "count": 2}))
        .await?
        .is(202)?;
    let id = text(&answer.json, "id")?;
    ensure!(answer.header("location") == Some(format!("/v1/generations/{id}").as_str()));
    ensure!(answer.header("retry-after").is_some() && answer.header("ratelimit").is_some());

    let generation = ada.ended(&id).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    ensure!(generation["visibility"] == "private" && generation["credits"]["spent"] == 2);
    let media = generation["media"].as_array().context("no media")?;
    ensure!(media.len() == 2);
    for file in media {
        let bytes = file_of(&ada, &file["url"]).await?;
        let measured = media::inspect(&bytes)?;
        ensure!((measured.width, measured.height) == (768, 768));
        let thumbnail = file_of(&ada, &file["thumbnail_url"]).await?;
        ensure!(media::inspect(&thumbnail)?.width <= 512 && file["thumbhash"].is_string());
    }
    ensure!(ada.credits().await? == (38, 0));

    let path = format!("/v1/generations/{id}");
    bob.get(&path).await?.is(404)?;
    ensure!(!listed(&bob, "/v1/generations").await?.contains(&id));
    ensure!(!listed(&world.stranger()?, "/v1/gallery?limit=100").await?.contains(&id));
    ensure!(listed(&ada, "/v1/generations?status=succeeded&kind=image&visibility=private").await?.contains(&id));
    ensure!(!listed(&ada, "/v1/generations?kind=video").await?.contains(&id));
    Ok(())
}

async fn p10_a_prompt_becomes_a_film(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let body = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    let generation = ada.ended(&ada.submit(&body).await?).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    let film = &generation["media"][0];
    ensure!(film["content_type"] == "video/mp4");
    let measured = media::inspect(&file_of(&ada, &film["url"]).await?)?;
    ensure!((measured.width, measured.height) == (320, 180));
    ensure!(measured.duration_ms.is_some_and(|ms| (900..=1100).contains(&ms)), "{measured:?}");
    ensure!(film["thumbnail_url"].is_string(), "{film}");
    Ok(())
}

async fn p2_the_same_seed_paints_the_same_picture_and_another_prompt_another(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let mut pictures = Vec::new();
    for prompt in ["a red house", "a red house", "a green sea"] {
        let body = json!({"model": "sketch-image", "prompt": prompt, "seed": 7, "width": 320, "height": 320});
        let generation = ada.ended(&ada.submit(&body).await?).await?;
        pictures.push(file_of(&ada, &generation["media"][0]["url"]).await?);
    }
    ensure!(pictures[0] == pictures[1] && pictures[0] != pictures[2]);
    Ok(())
}

async fn p17_a_picture_is_shown_to_everybody_and_hidden_again_at_once(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let id = text(&ada.finished_picture("a harbour").await?, "id")?;
    let path = format!("/v1/generations/{id}/visibility");
    let answer = ada.put(&path, &json!({"visibility": "public"})).await?.is(200)?.json;
    file_of(&ada, &answer["media"][0]["url"]).await?;
    let gallery = stranger.get("/v1/gallery?limit=100").await?.is(200)?.json;
    let shown = gallery["items"].as_array().context("no items")?.iter().find(|item| item["id"] == id.as_str());
    let shown = shown.context("it is not in the gallery")?;
    ensure!(shown["prompt"].is_null(), "the prompt is shown though nobody chose so");
    file_of(&stranger, &shown["media"][0]["url"]).await?;
    ensure!(!gallery.to_string().contains(&ada.email));

    ada.put(&path, &json!({"visibility": "public", "show_prompt": true})).await?.is(200)?;
    ensure!(stranger.get("/v1/gallery?limit=100").await?.json.to_string().contains("a harbour"));
    ada.put(&path, &json!({"visibility": "private"})).await?.is(200)?;
    ensure!(!listed(&stranger, "/v1/gallery?limit=100").await?.contains(&id));

    let waiting = ada.picture("[sketch:busy]").await?;
    let early = format!("/v1/generations/{waiting}/visibility");
    ada.put(&early, &json!({"visibility": "public"})).await?.is(409)?;
    ada.post(&format!("/v1/generations/{waiting}/cancel"), &Value::Null).await?;
    Ok(())
}

async fn p18_a_share_link_shows_one_picture_until_it_is_revoked(world: &'static TestEnv) -> Result<()> {
    let (ada, bob, stranger) = (world.person().await?, world.person().await?, world.stranger()?);
    let id = text(&ada.finished_picture("a secret garden").await?, "id")?;
    let shares = format!("/v1/generations/{id}/shares");
    let share =
        || ada.request(Method::POST, &shares).header("idempotency-key", "share").json(&json!({"expires_in_s": 3600}));
    let made = Answer::read(share().send().await?).await?.is(201)?;
    let again = Answer::read(share().send().await?).await?.is(201)?;
    ensure!(again.bytes == made.bytes, "the same link, which is told only to whoever made it");
    let made = made.json;
    let token = text(&made, "token")?;
    ensure!(token.len() == 43, "256 bits in base64url are 43 characters");
    let link = format!("/v1/shared/{token}");
    let seen = stranger.get(&link).await?.is(200)?.json;
    ensure!(seen["prompt"].is_null() && !seen.to_string().contains(&ada.email));
    file_of(&stranger, &seen["media"][0]["url"]).await?;

    let open = ada.post(&shares, &json!({"expires_in_s": 3600, "show_prompt": true})).await?.is(201)?.json;
    let shown = stranger.get(&format!("/v1/shared/{}", text(&open, "token")?)).await?.is(200)?.json;
    ensure!(shown["prompt"] == "a secret garden");

    let own = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    ensure!(own["shared_until"] == open["expires_at"], "its owner does not see that it is shared: {own}");

    let list = ada.get(&shares).await?.is(200)?.json;
    ensure!(list["items"].as_array().is_some_and(|items| items.len() == 2) && !list.to_string().contains(&token));
    bob.get(&shares).await?.is(404)?;
    let share = format!("{shares}/{}", text(&made, "id")?);
    bob.delete(&share).await?.is(404)?;
    ada.delete(&share).await?.is(204)?;
    stranger.get(&link).await?.is(404)?;
    ada.delete(&format!("{shares}/{}", text(&open, "id")?)).await?.is(204)?;
    let own = ada.get(&format!("/v1/generations/{id}")).await?.is(200)?.json;
    ensure!(own["shared_until"].is_null(), "{own}");
    stranger.get("/v1/shared/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await?.is(404)?;
    Ok(())
}

async fn p20_a_deleted_picture_is_gone_in_all_versions_and_so_are_its_links(world: &'static TestEnv) -> Result<()> {
    let (ada, stranger) = (world.person().await?, world.stranger()?);
    let picture = ada.finished_picture("a sand castle").await?;
    let id = text(&picture, "id")?;
    let path = format!("/v1/generations/{id}");
    ada.put(&format!("{path}/visibility"), &json!({"visibility": "public"})).await?.is(200)?;
    let share = ada.post(&format!("{path}/shares"), &json!({"expires_in_s": 60})).await?.is(201)?.json;
    let prefix = format!("accounts/{}/generations/{id}/", ada.account_id);
    ensure!(versions(world, &prefix).await? == 2);
    let delete = || ada.request(Method::DELETE, &path).header("idempotency-key", "gone").send();
    Answer::read(delete().await?).await?.is(204)?;
    ada.get(&path).await?.is(404)?;
    Answer::read(delete().await?).await?.is(204)?;
    ada.delete(&path).await?.is(404)?;
    stranger.get(&format!("/v1/shared/{}", text(&share, "token")?)).await?.is(404)?;
    ensure!(!listed(&stranger, "/v1/gallery?limit=100").await?.contains(&id));
    ensure!(versions(world, &prefix).await? == 0, "versions are left");
    stranger.fetch(&text(&picture["media"][0], "url")?).await?.is(404)?;
    Ok(())
}

/// What a link leads to, which must be there.
async fn file_of(person: &Person, url: &Value) -> Result<Vec<u8>> {
    Ok(person.fetch(url.as_str().context("no link")?).await?.is(200)?.bytes)
}

/// The ids on a page.
async fn listed(person: &Person, path: &str) -> Result<Vec<String>> {
    let page = person.get(path).await?.is(200)?.json;
    page["items"].as_array().context("no items")?.iter().map(|item| text(item, "id")).collect()
}

/// Versions and delete markers under a prefix.
async fn versions(world: &TestEnv, prefix: &str) -> Result<usize> {
    let bucket = world.output("BucketName")?;
    let listed = world.clients()?.s3().list_object_versions().bucket(bucket).prefix(prefix).send().await?;
    Ok(listed.versions().len() + listed.delete_markers().len())
}
