//! Outputs are signed, and another program verifies them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use fake_aws::time_stamps::Behaviour;
use runtime::telemetry::Metric;
use serde_json::{Value, json};

use super::{finished, generated, signed_by_provider, verified};
use crate::env::{
    checkouts::Checkout,
    gallery::download,
    http::text,
    logs::{measurements, wait_for_metric},
    provider_stub::provider_stub,
    test_env::{AIGC_PRODUCER, TestEnv, TestUser},
    trial::tests,
    uploads::{photo, upload_file},
};

tests![
    outputs_of_each_format_are_signed_and_a_changed_byte_is_found,
    signature_has_a_time_stamp_and_an_output_without_one_is_signed_and_counted,
    manifest_of_the_provider_stays_as_an_ingredient,
    manifest_of_the_provider_stays_in_a_video_also_if_it_is_not_right,
    starting_image_is_an_ingredient_without_its_content,
    every_process_signs_under_one_certificate,
    visible_label_is_drawn_signed_and_in_the_thumbnail_if_its_owner_asks_for_it,
    label_for_china_names_the_operator_and_neither_account_nor_prompt,
];

const GENERATED: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
const TRUSTED: &str = "valid_for_supplied_material";

/// Whether a file contains a text.
fn contains(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Generates an output of each format, by the name of its file.
async fn of_each_format(ada: &TestUser) -> Result<BTreeMap<&'static str, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for (name, media_type) in [("image.png", "image/png"), ("image.jpg", "image/jpeg"), ("image.webp", "image/webp")] {
        files.insert(name, generated(ada, photo(media_type)?).await?);
    }
    let video = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    files.insert("video.mp4", finished(ada, &video).await?);
    Ok(files)
}

async fn outputs_of_each_format_are_signed_and_a_changed_byte_is_found(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let mut files = of_each_format(&ada).await?;
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

async fn signature_has_a_time_stamp_and_an_output_without_one_is_signed_and_counted(
    env: &'static TestEnv,
) -> Result<()> {
    let ada = env.plus_user().await?;
    let files = of_each_format(&ada).await?;
    for (name, report) in verified(env, &files).await? {
        let found = report["time_stamps"].as_array().context("no list")?;
        let right = ["timeStamp.validated", "timeStamp.trusted"];
        ensure!(found.len() == 2 && right.iter().all(|code| found.contains(&json!(code))), "{name}: {report}");
        ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{name}: {report}");
    }

    let before = measurements(env, Metric::MissingTimeStamps).await?;
    env.authority.once(Behaviour::Garbage);
    // The output of another test may get the wrong answer first. Either is signed, and counted.
    let image = generated(&ada, photo("image/png")?).await?;
    let report = verified(env, &[("image.png", image)].into()).await?.remove("image.png").context("no report")?;
    ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{report}");
    wait_for_metric(env, Metric::MissingTimeStamps, before).await
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

async fn manifest_of_the_provider_stays_in_a_video_also_if_it_is_not_right(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    Checkout::paid(&ada, "stripe", "starter").await?;
    let video = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    let plain = media::strip_metadata(finished(&ada, &video).await?)?;
    let signed = signed_by_provider(&plain, "video/mp4")?;
    let mut changed = signed.clone();
    // The lowest byte of the time at which it was created, which nobody sees.
    let header = changed.windows(4).position(|window| window == b"mvhd").context("no header")?;
    *changed.get_mut(header + 11).context("it is cut")? ^= 1;
    let mut files = BTreeMap::new();
    for (name, file) in [("signed.mp4", signed), ("changed.mp4", changed)] {
        let prompt = format!("waves {name} of {}", ada.account_id);
        provider_stub()?.respond_with(&prompt, file);
        files.insert(name, finished(&ada, &json!({"model": "wan-video", "prompt": prompt})).await?);
    }
    for (name, report) in verified(env, &files).await? {
        ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{name}: {report}");
        ensure!(report["manifests"] == 2 && report["generator"]["model"] == "wan-video", "{name}: {report}");
        let ingredients = report["ingredients"].as_array().context("no ingredients")?;
        ensure!(ingredients.len() == 1 && ingredients[0]["relationship"] == "parentOf", "{name}: {report}");
        let says = |code: &str| ingredients[0].to_string().contains(code);
        ensure!(says("assertion.bmffHash.mismatch") == (name == "changed.mp4"), "{name}: {report}");
        ensure!(contains(&files[name.as_str()], "of the provider"), "{name}: the manifest of the provider is gone");
    }
    Ok(())
}

/// The brightest level in the lower right corner of an image, or of the preview of a video, where a label is.
fn corner(file: &[u8]) -> Result<u8> {
    let media::Preview { jpeg, width, height, .. } = media::create_preview(file, 512)?;
    let shown = image::load_from_memory(&jpeg)?.crop_imm(width / 2, height - 64, width / 2, 64).into_luma8();
    shown.pixels().map(|pixel| pixel.0[0]).max().context("it is empty")
}

async fn visible_label_is_drawn_signed_and_in_the_thumbnail_if_its_owner_asks_for_it(
    env: &'static TestEnv,
) -> Result<()> {
    let ada = env.plus_user().await?;
    let mut files = BTreeMap::new();
    let image = json!({"model": "stable-image-core", "prompt": format!("a night of {}", ada.account_id)});
    let video = json!({"model": "sketch-video", "prompt": "waves", "width": 320, "height": 180, "duration_ms": 1000});
    let black = image::DynamicImage::new_rgb8(512, 512);
    let mut png = std::io::Cursor::new(Vec::new());
    black.write_to(&mut png, image::ImageFormat::Png)?;
    provider_stub()?.respond_with(image["prompt"].as_str().context("no prompt")?, png.into_inner());
    for (name, body, labelled) in
        [("image.png", &image, true), ("plain.png", &image, false), ("video.mp4", &video, true)]
    {
        let mut body = body.clone();
        body["visible_label"] = json!(labelled);
        let generation = ada.ended(&ada.submit(&body).await?).await?;
        ensure!(generation["status"] == "succeeded", "{generation}");
        ensure!(generation["settings"]["visible_label"] == labelled, "{generation}");
        let file = &generation["outputs"][0]["file"];
        files.insert(name, download(&ada, &file["url"]).await?);
        let seen = [corner(&files[name])?, corner(&download(&ada, &file["thumbnail_url"]).await?)?];
        ensure!(name == "video.mp4" || seen.iter().all(|level| (*level > 180) == labelled), "{name}: {seen:?}");
        ensure!(!labelled || seen.iter().all(|level| *level > 180), "{name}: {seen:?}");
    }
    for (name, report) in verified(env, &files).await? {
        ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{name}: {report}");
        let actions = report["actions"].as_array().context("no actions")?;
        let added: Vec<_> = actions.iter().filter(|action| action["action"] == "c2pa.addedText").collect();
        ensure!(added.len() == usize::from(name != "plain.png"), "{name}: {report}");
        ensure!(added.iter().all(|action| action["description"] == "Visible label: AI generated"), "{name}: {report}");
    }
    Ok(())
}

async fn label_for_china_names_the_operator_and_neither_account_nor_prompt(env: &'static TestEnv) -> Result<()> {
    let ada = env.plus_user().await?;
    let files = of_each_format(&ada).await?;
    let mut ids = Vec::new();
    for (name, file) in &files {
        let start = format!("{{\"Label\":\"1\",\"ContentProducer\":\"{AIGC_PRODUCER}\",\"ProduceID\":\"");
        let at = file.windows(start.len()).position(|window| window == start.as_bytes());
        let rest = at.and_then(|at| file.get(at + start.len()..)).context(*name)?;
        let id = std::str::from_utf8(rest.get(..16).context("cut")?)?.to_owned();
        ensure!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}: {id}");
        let end = format!(
            "\",\"ReservedCode1\":\"\",\"ContentPropagator\":\"{AIGC_PRODUCER}\",\"PropagateID\":\"{id}\",\"ReservedCode2\":\"\"}}"
        );
        ensure!(rest.get(16..).is_some_and(|rest| rest.starts_with(end.as_bytes())), "{name}: its end differs");
        ensure!(contains(file, "http://www.tc260.org.cn/ns/AIGC/1.0/"), "{name}");
        ids.push(id);
    }
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == files.len(), "ids are of more than one file: {ids:?}");
    for (name, report) in verified(env, &files).await? {
        ensure!(report["integrity"] == "valid" && report["trust"] == TRUSTED, "{name}: {report}");
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
