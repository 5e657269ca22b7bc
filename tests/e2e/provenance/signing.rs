//! Outputs are signed, and another program verifies them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{finished, generated, signed_by_provider, verified};
use crate::env::{
    gallery::download,
    http::text,
    test_env::TestEnv,
    trial::tests,
    uploads::{photo, upload_file},
};

tests![
    outputs_of_each_format_are_signed_and_a_changed_byte_is_found,
    manifest_of_the_provider_stays_as_an_ingredient,
    starting_image_is_an_ingredient_without_its_content,
    every_process_signs_under_one_certificate,
];

const GENERATED: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
const TRUSTED: &str = "valid_for_supplied_material";

/// Whether a file contains a text.
fn contains(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn outputs_of_each_format_are_signed_and_a_changed_byte_is_found(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let mut files = BTreeMap::new();
    for (name, media_type) in [("image.png", "image/png"), ("image.jpg", "image/jpeg"), ("image.webp", "image/webp")] {
        files.insert(name, generated(&ada, photo(media_type)?).await?);
    }
    let video = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    files.insert("video.mp4", finished(&ada, &video).await?);
    for (name, report) in verified(env, &files).await? {
        ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{name}: {report}");
        ensure!(report["failures"] == json!([]) && report["manifests"] == 1, "{name}: {report}");
        let action = &report["actions"][0];
        ensure!(action["action"] == "c2pa.created" && action["digitalSourceType"] == GENERATED, "{name}: {report}");
        ensure!(report["generator"]["name"] == "Darkroom" && report["generator"]["version"].is_string(), "{report}");
        let (model, provider) =
            if name == "video.mp4" { ("sketch-video", "sketch") } else { ("stable-image-core", "stability") };
        ensure!(report["generator"]["model"] == model && report["generator"]["provider"] == provider, "{report}");
        for secret in [ada.account_id.as_str(), &ada.email, "a wreck", "waves"] {
            ensure!(
                !report.to_string().contains(secret) && !contains(&files[name.as_str()], secret),
                "{name}: {secret}"
            );
        }
    }
    for file in files.values_mut() {
        let at = file.len() - 40;
        file[at] ^= 1;
    }
    for (name, report) in verified(env, &files).await? {
        ensure!(report["integrity"] == "invalid", "{name}: {report}");
    }
    Ok(())
}

async fn manifest_of_the_provider_stays_as_an_ingredient(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let mut files = BTreeMap::new();
    for (name, media_type) in [("image.png", "image/png"), ("image.jpg", "image/jpeg"), ("image.webp", "image/webp")] {
        files.insert(name, generated(&ada, signed_by_provider(&photo(media_type)?, media_type)?).await?);
    }
    for (name, report) in verified(env, &files).await? {
        ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{name}: {report}");
        ensure!(report["manifests"] == 2 && report["generator"]["model"] == "stable-image-core", "{name}: {report}");
        let actions: Vec<_> =
            report["actions"].as_array().context("no actions")?.iter().map(|action| &action["action"]).collect();
        ensure!(actions == ["c2pa.opened", "c2pa.edited"], "{name}: {report}");
        let ingredients = report["ingredients"].as_array().context("no ingredients")?;
        ensure!(ingredients.len() == 1 && ingredients[0]["relationship"] == "parentOf", "{name}: {report}");
        ensure!(contains(&files[name.as_str()], "of the provider"), "{name}: the manifest of the provider is gone");
        // What it was made of is not: the location of the photo that stands for it.
        ensure!(!contains(&files[name.as_str()], "CANARY"), "{name}: metadata of the provider is left");
    }
    Ok(())
}

async fn starting_image_is_an_ingredient_without_its_content(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let upload = upload_file(&ada, "image/jpeg", &photo("image/jpeg")?).await?;
    let upload = text(&upload, "id")?;
    let body = json!({"model": "gpt-image", "prompt": "the same by night", "quality": "low", "input_upload": upload});
    let files = BTreeMap::from([("image.png", finished(&ada, &body).await?)]);
    let report = &verified(env, &files).await?["image.png"];
    ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{report}");
    ensure!(report["actions"][1]["action"] == "c2pa.edited", "{report}");
    ensure!(report["actions"][1]["digitalSourceType"] == GENERATED, "{report}");
    let ingredients = report["ingredients"].as_array().context("no ingredients")?;
    ensure!(ingredients.len() == 1 && ingredients[0]["relationship"] == "parentOf", "{report}");
    for absent in ["thumbnail", "data", "hash", "activeManifest"] {
        ensure!(ingredients[0][absent] == Value::Null, "{report}");
    }
    ensure!(!report.to_string().contains(&upload));
    Ok(())
}

async fn every_process_signs_under_one_certificate(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let body = json!({"model": "sketch-image", "prompt": "a wreck", "count": 2, "width": 320, "height": 320});
    let generation = ada.ended(&ada.submit(&body).await?).await?;
    let certificates = env.table()?.signing_certificates().await?;
    ensure!(certificates.len() == 1, "{certificates:?}");
    let mut files = BTreeMap::new();
    for (name, output) in [("1.png", 0), ("2.png", 1)] {
        files.insert(name, download(&ada, &generation["outputs"][output]["file"]["url"]).await?);
    }
    for (name, report) in verified(env, &files).await? {
        ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{name}: {report}");
    }
    Ok(())
}
