//! From a prompt to an image or a video.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::env::{
    gallery::{check_same_picture, download, listed_ids},
    http::text,
    test_env::TestEnv,
    trial::tests,
};

tests![
    p10_p17_generated_image_is_visible_to_its_owner_only,
    p10_generated_video_has_the_requested_size_and_duration,
    p2_same_seed_and_prompt_reproduce_the_image,
];

async fn p10_p17_generated_image_is_visible_to_its_owner_only(env: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (env.user().await?, env.user().await?);
    ensure!(ada.credits().await? == (40, 0));
    let response = ada
        .post("/v1/generations", &json!({"model": "sketch-image", "prompt": "a lighthouse", "count": 2}))
        .await?
        .is(202)?;
    let id = text(&response.json, "id")?;
    ensure!(response.header("location") == Some(format!("/v1/generations/{id}").as_str()));
    ensure!(response.header("retry-after").is_some() && response.header("ratelimit").is_some());

    let generation = ada.ended(&id).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    ensure!(generation["credits"]["spent"] == 2);
    let outputs = generation["outputs"].as_array().context("no outputs")?;
    ensure!(outputs.len() == 2);
    for output in outputs {
        ensure!(output["visibility"] == "private", "{output}");
        let file = &output["file"];
        let bytes = download(&ada, &file["url"]).await?;
        let measured = media::inspect(&bytes)?;
        ensure!((measured.width, measured.height) == (768, 768));
        let thumbnail = download(&ada, &file["thumbnail_url"]).await?;
        ensure!(media::inspect(&thumbnail)?.width <= 512 && file["thumbhash"].is_string());
    }
    ensure!(ada.credits().await? == (38, 0));

    let path = format!("/v1/generations/{id}");
    bob.get(&path).await?.is(404)?;
    ensure!(!listed_ids(&bob, "/v1/generations").await?.contains(&id));
    ensure!(!listed_ids(&env.visitor()?, "/v1/gallery?limit=100").await?.contains(&id));
    ensure!(listed_ids(&ada, "/v1/generations?status=succeeded&kind=image&visibility=private").await?.contains(&id));
    ensure!(!listed_ids(&ada, "/v1/generations?kind=video").await?.contains(&id));
    Ok(())
}

async fn p10_generated_video_has_the_requested_size_and_duration(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let body = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    let generation = ada.ended(&ada.submit(&body).await?).await?;
    ensure!(generation["status"] == "succeeded", "{generation}");
    let video = &generation["outputs"][0]["file"];
    ensure!(video["content_type"] == "video/mp4");
    let measured = media::inspect(&download(&ada, &video["url"]).await?)?;
    ensure!((measured.width, measured.height) == (320, 180));
    ensure!(measured.duration_ms.is_some_and(|ms| (900..=1100).contains(&ms)), "{measured:?}");
    ensure!(video["thumbnail_url"].is_string(), "{video}");
    Ok(())
}

async fn p2_same_seed_and_prompt_reproduce_the_image(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let mut images = Vec::new();
    for prompt in ["a red house", "a red house", "a green sea"] {
        let body = json!({"model": "sketch-image", "prompt": prompt, "seed": 7, "width": 320, "height": 320});
        let generation = ada.ended(&ada.submit(&body).await?).await?;
        images.push(download(&ada, &generation["outputs"][0]["file"]["url"]).await?);
    }
    check_same_picture(&images[0], &images[1], true)?;
    check_same_picture(&images[0], &images[2], false)
}
