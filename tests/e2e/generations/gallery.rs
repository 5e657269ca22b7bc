//! Visibility, pagination and deletion of images.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::env::{
    gallery::{download, listed_ids},
    http::{ApiResponse, text},
    table::{account_items, string},
    test_env::{TestEnv, TestUser},
    trial::tests,
};

tests![
    p17_public_image_is_listed_until_made_private,
    p20_deleted_image_loses_all_versions_and_share_links,
    p17_publishing_one_image_keeps_its_siblings_private,
    p20_deleting_one_image_keeps_its_siblings,
    favorite_is_listed_for_its_owner_only,
    pagination_is_stable_while_items_change,
];

async fn p17_public_image_is_listed_until_made_private(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let id = text(&ada.finished_image("a harbour").await?, "id")?;
    let path = format!("/v1/generations/{id}/outputs/1/visibility");
    let response = ada.put(&path, &json!({"visibility": "public"})).await?.is(200)?.json;
    download(&ada, &response["outputs"][0]["file"]["url"]).await?;
    let gallery = visitor.get("/v1/gallery?limit=100").await?.is(200)?.json;
    let shown = gallery["items"].as_array().context("no items")?.iter().find(|item| item["id"] == id.as_str());
    let shown = shown.context("the image is not in the gallery")?;
    ensure!(shown["prompt"].is_null(), "the prompt is shown without the owner's choice");
    download(&visitor, &shown["file"]["url"]).await?;
    ensure!(!gallery.to_string().contains(&ada.email));

    ada.put(&path, &json!({"visibility": "public", "show_prompt": true})).await?.is(200)?;
    ensure!(visitor.get("/v1/gallery?limit=100").await?.json.to_string().contains("a harbour"));
    ada.put(&path, &json!({"visibility": "private"})).await?.is(200)?;
    ensure!(!listed_ids(&visitor, "/v1/gallery?limit=100").await?.contains(&id));

    let waiting = ada.image("[sketch:busy]").await?;
    let early = format!("/v1/generations/{waiting}/outputs/1/visibility");
    ada.put(&early, &json!({"visibility": "public"})).await?.is(404)?;
    ada.post(&format!("/v1/generations/{waiting}/cancel"), &Value::Null).await?;
    Ok(())
}

async fn p20_deleted_image_loses_all_versions_and_share_links(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let image = ada.finished_image("a sand castle").await?;
    let id = text(&image, "id")?;
    let path = format!("/v1/generations/{id}");
    ada.put(&format!("{path}/outputs/1/visibility"), &json!({"visibility": "public"})).await?.is(200)?;
    let share = ada.post(&format!("{path}/outputs/1/shares"), &json!({"expires_in_s": 60})).await?.is(201)?.json;
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
    visitor.fetch(&text(&image["outputs"][0]["file"], "url")?).await?.is(404)?;
    Ok(())
}

async fn p17_publishing_one_image_keeps_its_siblings_private(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let id = two_images(&ada, "twin rivers").await?;
    let path = format!("/v1/generations/{id}/outputs");
    let public = ada.put(&format!("{path}/2/visibility"), &json!({"visibility": "public"})).await?.is(200)?.json;
    ensure!(visibilities(&public) == [(1, "private"), (2, "public")], "{public}");
    let shown = public_outputs(&visitor, &id).await?;
    let [only] = shown.as_slice() else { anyhow::bail!("not one image is public: {shown:?}") };
    ensure!(only["output"] == 2 && only["file"]["bytes"] == public["outputs"][1]["file"]["bytes"], "{only}");
    ensure!(listed_ids(&ada, "/v1/generations?visibility=public").await? == std::slice::from_ref(&id));
    ensure!(listed_ids(&ada, "/v1/generations?visibility=private").await?.contains(&id), "one image is private");

    ada.put(&format!("{path}/1/visibility"), &json!({"visibility": "public", "show_prompt": true})).await?.is(200)?;
    let shown = public_outputs(&visitor, &id).await?;
    let prompts: Vec<_> = shown.iter().map(|item| (item["output"].as_u64(), item["prompt"].as_str())).collect();
    ensure!(prompts == [(Some(1), Some("twin rivers")), (Some(2), None)], "newest first, each with its own choice");
    ada.put(&format!("{path}/2/visibility"), &json!({"visibility": "private"})).await?.is(200)?;
    ensure!(public_outputs(&visitor, &id).await?.len() == 1);
    for missing in ["0", "3", "4294967295"] {
        ada.put(&format!("{path}/{missing}/visibility"), &json!({"visibility": "public"})).await?.is(404)?;
    }
    Ok(())
}

async fn p20_deleting_one_image_keeps_its_siblings(env: &'static TestEnv) -> Result<()> {
    let (ada, bob, visitor) = (env.user().await?, env.user().await?, env.visitor()?);
    let id = two_images(&ada, "twin towers of sand").await?;
    let path = format!("/v1/generations/{id}");
    let mut links = Vec::new();
    for number in [1, 2] {
        let output = format!("{path}/outputs/{number}");
        ada.put(&format!("{output}/visibility"), &json!({"visibility": "public"})).await?.is(200)?;
        let share = ada.post(&format!("{output}/shares"), &json!({"expires_in_s": 600})).await?.is(201)?.json;
        links.push(format!("/v1/shared/{}", text(&share, "token")?));
    }
    let before = ada.get(&path).await?.is(200)?.json;
    bob.delete(&format!("{path}/outputs/1")).await?.is(404)?;
    let delete = || ada.request(Method::DELETE, &format!("{path}/outputs/1")).header("idempotency-key", "one").send();
    ApiResponse::read(delete().await?).await?.is(204)?;
    ApiResponse::read(delete().await?).await?.is(204)?;
    ada.delete(&format!("{path}/outputs/1")).await?.is(404)?;
    visitor.get(&links[0]).await?.is(404)?;
    visitor.fetch(&text(&before["outputs"][0]["file"], "url")?).await?.is(404)?;

    let after = ada.get(&path).await?.is(200)?.json;
    ensure!(visibilities(&after) == [(2, "public")] && after["settings"]["count"] == 2, "{after}");
    download(&visitor, &visitor.get(&links[1]).await?.is(200)?.json["file"]["url"]).await?;
    let shown = public_outputs(&visitor, &id).await?;
    ensure!(shown.len() == 1 && shown[0]["output"] == 2, "{shown:?}");
    let prefix = format!("accounts/{}/generations/{id}/", ada.account_id);
    ensure!(versions(env, &prefix).await? == 2, "not one image and its thumbnail are left");
    let items = account_items(&ada).await?;
    let left = |start: &str| items.iter().filter(|item| string(item, "sk").starts_with(start)).count();
    ensure!((left("SHARE#"), left("OUTPUT#")) == (1, 1), "links or gallery entries of the deleted image are left");

    ada.delete(&format!("{path}/outputs/2")).await?.is(204)?;
    ada.get(&path).await?.is(404)?;
    visitor.get(&links[1]).await?.is(404)?;
    ensure!(versions(env, &prefix).await? == 0, "versions are left");
    Ok(())
}

async fn favorite_is_listed_for_its_owner_only(env: &'static TestEnv) -> Result<()> {
    let (ada, visitor) = (env.user().await?, env.visitor()?);
    let id = two_images(&ada, "twin lakes").await?;
    ada.finished_image("a lake").await?;
    let output = format!("/v1/generations/{id}/outputs/2");
    let marked = ada.put(&format!("{output}/favorite"), &json!({"favorite": true})).await?.is(200)?.json;
    let favorites: Vec<_> = marked["outputs"].as_array().into_iter().flatten().map(|o| o["favorite"] == true).collect();
    ensure!(favorites == [false, true], "{marked}");
    ensure!(listed_ids(&ada, "/v1/generations?favorite=true").await? == std::slice::from_ref(&id));

    ada.put(&format!("{output}/visibility"), &json!({"visibility": "public"})).await?.is(200)?;
    let shown = public_outputs(&visitor, &id).await?;
    ensure!(shown.len() == 1 && shown[0].get("favorite").is_none(), "{shown:?}");
    ada.delete(&output).await?.is(204)?;
    ensure!(listed_ids(&ada, "/v1/generations?favorite=true").await?.is_empty(), "a deleted image is a favorite");
    Ok(())
}

/// Generates two small images, and returns the id of their generation.
async fn two_images(user: &TestUser, prompt: &str) -> Result<String> {
    let body = json!({"model": "sketch-image", "prompt": prompt, "width": 320, "height": 320, "count": 2});
    let id = user.submit(&body).await?;
    let generation = user.ended(&id).await?;
    ensure!(generation["outputs"].as_array().is_some_and(|outputs| outputs.len() == 2), "{generation}");
    Ok(id)
}

/// Returns number and visibility of each output.
fn visibilities(generation: &Value) -> Vec<(u64, &str)> {
    let outputs = generation["outputs"].as_array().into_iter().flatten();
    outputs.filter_map(|output| Some((output["number"].as_u64()?, output["visibility"].as_str()?))).collect()
}

/// Returns the outputs of a generation in the public gallery.
async fn public_outputs(visitor: &TestUser, id: &str) -> Result<Vec<Value>> {
    let page = visitor.get("/v1/gallery?limit=100").await?.is(200)?.json;
    Ok(page["items"].as_array().context("no items")?.iter().filter(|item| item["id"] == id).cloned().collect())
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
