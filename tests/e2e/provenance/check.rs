//! Everyone can check a file.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::{finished, signed_by_provider};
use crate::env::{http::ApiResponse, test_env::TestEnv, trial::tests, uploads::photo};

tests![check_tells_each_technique_apart_without_an_account, file_that_is_too_large_or_no_image_is_not_checked,];

const PATH: &str = "/v1/provenance/check";

async fn check(env: &'static TestEnv, file: Vec<u8>) -> Result<ApiResponse> {
    ApiResponse::read(env.visitor()?.request(Method::POST, PATH).body(file).send().await?).await
}

/// Returns the verdicts of the techniques.
async fn verdicts(env: &'static TestEnv, file: Vec<u8>) -> Result<[Value; 3]> {
    let answer = check(env, file).await?.is(200)?.json;
    let found = ["c2pa", "watermark", "metadata"].map(|name| {
        let techniques = answer["techniques"].as_array().into_iter().flatten();
        techniques.filter(|found| found["technique"] == name && found["explanation"].is_string()).collect::<Vec<_>>()
    });
    ensure!(found.iter().all(|found| found.len() == 1), "{answer}");
    Ok(found.map(|found| found[0].clone()))
}

async fn check_tells_each_technique_apart_without_an_account(env: &'static TestEnv) -> Result<()> {
    let ada = env.user().await?;
    let body = json!({"model": "sketch-image", "prompt": "a wreck", "width": 320, "height": 320});
    let generated = finished(&ada, &body).await?;

    let [c2pa, watermark, metadata] = verdicts(env, generated.clone()).await?;
    ensure!(c2pa["verdict"] == "signed_here" && metadata["verdict"] == "found", "{c2pa} {metadata}");
    ensure!(c2pa["manifest"]["signer"] == "Darkroom" && c2pa["manifest"]["problems"] == json!([]), "{c2pa}");
    ensure!(c2pa["manifest"]["actions"][0]["action"] == "c2pa.created", "{c2pa}");
    ensure!(
        metadata["source_type"] == "trainedAlgorithmicMedia" && watermark["verdict"] == "marked_here",
        "{watermark}"
    );

    // The pixels are changed, and the metadata stays.
    let mut changed = generated.clone();
    let at = changed.len() - 40;
    changed[at] ^= 1;
    let [c2pa, _, metadata] = verdicts(env, changed).await?;
    ensure!(c2pa["verdict"] == "not_valid" && metadata["verdict"] == "found", "{c2pa} {metadata}");

    let foreign = signed_by_provider(&photo("image/jpeg")?, "image/jpeg")?;
    let [c2pa, watermark, metadata] = verdicts(env, foreign).await?;
    ensure!(c2pa["verdict"] == "signed_by_another" && metadata["verdict"] == "not_found", "{c2pa} {metadata}");
    ensure!(c2pa["manifest"]["problems"] == json!(["signingCredential.untrusted"]), "{c2pa}");
    ensure!(watermark["verdict"] == "not_found", "{watermark}");

    let stripped = media::strip_metadata(generated)?;
    let [c2pa, watermark, metadata] = verdicts(env, stripped).await?;
    ensure!(c2pa["verdict"] == "not_found" && metadata["verdict"] == "not_found", "{c2pa} {metadata}");
    ensure!(watermark["verdict"] == "marked_here", "what removes metadata leaves the watermark: {watermark}");
    Ok(())
}

async fn file_that_is_too_large_or_no_image_is_not_checked(env: &'static TestEnv) -> Result<()> {
    check(env, vec![0; (4 << 20) + 1]).await?.is(413)?;
    check(env, b"<html></html>".to_vec()).await?.is(400)?;
    check(env, Vec::new()).await?.is(400)?;
    let mut largest = photo("image/png")?;
    largest.resize(4 << 20, 0);
    check(env, largest).await?.is(200)?;
    Ok(())
}
