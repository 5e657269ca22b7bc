//! Visibility, pagination and deletion of images.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    gallery::{download, listed_ids},
    http::{ApiResponse, text},
    test_env::TestEnv,
    trial::tests,
};

tests![
    p17_public_image_is_listed_until_made_private,
    p20_deleted_image_loses_all_versions_and_share_links,
    pagination_is_stable_while_items_change,
];

async fn p17_public_image_is_listed_until_made_private(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let id = text(&ada.finished_image("a harbour").await?, "id")?;
    let path = format!("/v1/generations/{id}/visibility");
    let response = ada.put(&path, &json!({"visibility": "public"})).await?.is(200)?.json;
    download(&ada, &response["media"][0]["url"]).await?;
    let gallery = visitor.get("/v1/gallery?limit=100").await?.is(200)?.json;
    let shown = gallery["items"].as_array().context("no items")?.iter().find(|item| item["id"] == id.as_str());
    let shown = shown.context("the image is not in the gallery")?;
    ensure!(shown["prompt"].is_null(), "the prompt is shown without the owner's choice");
    download(&visitor, &shown["media"][0]["url"]).await?;
    ensure!(!gallery.to_string().contains(&ada.email));

    ada.put(&path, &json!({"visibility": "public", "show_prompt": true})).await?.is(200)?;
    ensure!(visitor.get("/v1/gallery?limit=100").await?.json.to_string().contains("a harbour"));
    ada.put(&path, &json!({"visibility": "private"})).await?.is(200)?;
    ensure!(!listed_ids(&visitor, "/v1/gallery?limit=100").await?.contains(&id));

    let waiting = ada.image("[sketch:busy]").await?;
    let early = format!("/v1/generations/{waiting}/visibility");
    ada.put(&early, &json!({"visibility": "public"})).await?.is(409)?;
    ada.post(&format!("/v1/generations/{waiting}/cancel"), &Value::Null).await?;
    Ok(())
}

async fn p20_deleted_image_loses_all_versions_and_share_links(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let image = ada.finished_image("a sand castle").await?;
    let id = text(&image, "id")?;
    let path = format!("/v1/generations/{id}");
    ada.put(&format!("{path}/visibility"), &json!({"visibility": "public"})).await?.is(200)?;
    let share = ada.post(&format!("{path}/shares"), &json!({"expires_in_s": 60})).await?.is(201)?.json;
    let prefix = format!("accounts/{}/generations/{id}/", ada.account_id);
    ensure!(versions(env, &prefix).await? == 2);
    let delete = || ada.request(Method::DELETE, &path).header("idempotency-key", "gone").send();
    ApiResponse::read(delete().await?).await?.is(204)?;
    ada.get(&path).await?.is(404)?;
    ApiResponse::read(delete().await?).await?.is(204)?;
    ada.delete(&path).await?.is(404)?;
    visitor.get(&format!("/v1/shared/{}", text(&share, "token")?)).await?.is(404)?;
    ensure!(!listed_ids(&visitor, "/v1/gallery?limit=100").await?.contains(&id));
    ensure!(versions(env, &prefix).await? == 0, "versions are left");
    visitor.fetch(&text(&image["media"][0], "url")?).await?.is(404)?;
    Ok(())
}

/// Counts the versions and delete markers under a prefix.
async fn versions(env: &TestEnv, prefix: &str) -> Result<usize> {
    let bucket = env.output("BucketName")?;
    let listed = env.clients()?.s3().list_object_versions().bucket(bucket).prefix(prefix).send().await?;
    Ok(listed.versions().len() + listed.delete_markers().len())
}

async fn pagination_is_stable_while_items_change(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(text(&ada.finished_image(&format!("number {number}")).await?, "id")?);
    }
    ids.reverse();
    let page = ada.get("/v1/generations?limit=2").await?.is(200)?.json;
    ensure!(page["items"][0]["id"] == ids[0].as_str() && page["items"][1]["id"] == ids[1].as_str());
    let cursor = text(&page, "next")?;
    // The item of the cursor is deleted, and a new one is added.
    ada.delete(&format!("/v1/generations/{}", ids[1])).await?.is(204)?;
    ada.finished_image("a newcomer").await?;
    let path = format!("/v1/generations?limit=3&cursor={cursor}");
    let rest = ada.get(&path).await?.is(200)?.json;
    let found: Vec<_> = rest["items"].as_array().context("no items")?.iter().filter_map(|i| i["id"].as_str()).collect();
    ensure!(found == ids[2..], "{found:?}");
    ensure!(rest["next"].is_null(), "a full last page must have no cursor");
    ensure!(bob.get(&path).await?.is(400)?.fields() == ["cursor"], "a cursor is valid for its account only");
    ensure!(ada.get(&format!("{path}&kind=image")).await?.is(400)?.fields() == ["cursor"]);
    for bad in ["limit=0", "limit=101", "limit=x", "cursor=x", "stature=1", "status=done", "limit=1&limit=2"] {
        ada.get(&format!("/v1/generations?{bad}")).await?.is(400)?;
    }
    Ok(())
}
