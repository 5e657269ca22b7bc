//! Uploads: what arrives as it was declared loses its metadata and can be used; whatever was lied about does not stay.

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::generations::upload::PRESIGNED_S;
use image::{
    ExtendedColorType, ImageEncoder, Rgb, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
};
use jiff::SignedDuration;
use reqwest::Method;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use store::{Bucket, Presigned};

use crate::{
    tests,
    world::{Answer, Person, TestEnv, text},
};

tests![
    p3_a_photograph_becomes_ready_and_loses_its_metadata,
    p3_a_film_becomes_ready_and_loses_where_it_was_made,
    a_ready_picture_is_the_input_of_a_generation,
    what_is_not_an_image_of_ones_own_that_is_ready_is_no_input,
    what_was_not_declared_is_refused_by_the_bucket_itself,
    a_file_that_is_not_what_was_declared_is_rejected_and_removed,
    what_arrives_after_the_inspection_is_removed_and_changes_nothing,
    p14_the_plan_limits_how_many_uploads_there_are_and_their_bytes,
    a_deleted_upload_is_gone_in_all_versions_and_gives_its_bytes_back,
    a_repeated_declaration_is_the_same_upload,
    every_field_that_breaks_a_rule_is_named,
    p17_an_upload_is_seen_by_nobody_but_its_owner,
];

/// Stands for everything that must not survive.
const CANARY: &[u8] = b"CANARY-48.8584N-2.2945E";
/// Across and down, as the sensor saw it.
const SIDES: (u32, u32) = (48, 32);

async fn p3_a_photograph_becomes_ready_and_loses_its_metadata(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    for content_type in ["image/jpeg", "image/png", "image/webp"] {
        let photograph = photograph(content_type)?;
        ensure!(holds_canary(&photograph), "{content_type}: the canary was not planted");
        let upload = arrived(&ada, content_type, &photograph).await?;
        // A quarter turn is asked for, so it is taller than wide to whoever looks at it.
        let ready = json!({"status": "ready", "width": SIDES.1, "height": SIDES.0, "duration_ms": null});
        ensure!(upload["state"] == ready, "{content_type}: {upload}");
        ensure!(upload["kind"] == "image" && upload["put"].is_null(), "{upload}");
        let stored = only_file(&ada, &upload).await?;
        ensure!(!holds_canary(&stored), "{content_type}: the canary is still there");
        let (before, after) = (image::load_from_memory(&photograph)?, image::load_from_memory(&stored)?);
        ensure!(before == after, "{content_type}: the picture itself has changed");
    }
    Ok(())
}

async fn p3_a_film_becomes_ready_and_loses_where_it_was_made(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let body = json!({"model": "sketch-video", "prompt": "a walk", "width": 320, "height": 180, "duration_ms": 1000});
    let generation = ada.ended(&ada.submit(&body).await?).await?;
    let film = ada.fetch(&text(&generation["media"][0], "url")?).await?.is(200)?.bytes;
    let film = with_location(&film)?;
    ensure!(holds_canary(&film));
    let upload = arrived(&ada, "video/mp4", &film).await?;
    ensure!(upload["kind"] == "video" && upload["state"]["status"] == "ready", "{upload}");
    ensure!(upload["state"]["width"] == 320 && upload["state"]["height"] == 180, "{upload}");
    ensure!(upload["state"]["duration_ms"].as_u64().is_some_and(|ms| (900..=1100).contains(&ms)), "{upload}");
    let stored = only_file(&ada, &upload).await?;
    ensure!(!holds_canary(&stored), "the location is still there");
    ensure!(media::inspect(&stored)? == media::inspect(&film)?);
    Ok(())
}

async fn a_ready_picture_is_the_input_of_a_generation(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let upload = arrived(&ada, "image/png", &photograph("image/png")?).await?;
    let picture = json!({"model": "sketch-image", "prompt": "a copy", "seed": 7, "width": 320, "height": 320});
    let film = json!({"model": "sketch-video", "prompt": "a copy", "seed": 7, "width": 320, "height": 180});
    for plain in [picture, film] {
        let mut with_input = plain.clone();
        with_input["input_upload"] = upload["id"].clone();
        let mut made = Vec::new();
        for body in [plain, with_input] {
            let generation = ada.ended(&ada.submit(&body).await?).await?;
            ensure!(generation["status"] == "succeeded", "{generation}");
            ensure!(generation["settings"]["input_upload"] == body["input_upload"], "{generation}");
            made.push(ada.fetch(&text(&generation["media"][0], "url")?).await?.is(200)?.bytes);
        }
        ensure!(made[0] != made[1], "the input made no difference");
    }
    Ok(())
}

async fn what_is_not_an_image_of_ones_own_that_is_ready_is_no_input(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let picture = photograph("image/png")?;
    let bobs = text(&arrived(&bob, "image/png", &picture).await?, "id")?;
    let pending = text(&declare(&ada, "image/png", &picture).await?, "id")?;
    let rejected = text(&arrived(&ada, "image/png", b"GIF89a..").await?, "id")?;
    let deleted = text(&arrived(&ada, "image/png", &picture).await?, "id")?;
    ada.delete(&format!("/v1/uploads/{deleted}")).await?.is(204)?;
    let nothing = "0199a3c0-0000-7000-8000-000000000002".to_owned();
    for id in [bobs, pending, rejected, deleted, nothing] {
        let body = json!({"model": "sketch-image", "prompt": "a copy", "input_upload": id});
        let refused = ada.post("/v1/generations", &body).await?.is(400)?;
        ensure!(refused.fields() == ["input_upload"], "{}", refused.json);
    }
    ensure!(ada.credits().await? == (40, 0));
    Ok(())
}

async fn what_was_not_declared_is_refused_by_the_bucket_itself(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let picture = photograph("image/png")?;
    let declared = declare(&ada, "image/png", &picture).await?;
    let mut other = picture.clone();
    other.reverse();
    let checksum = base64_sha256(&other);

    put(&declared, &other, |_, _| {}).await?.is(400)?;
    put(&declared, &other, |_, headers| set(headers, "x-amz-checksum-sha256", &checksum)).await?.is(403)?;
    put(&declared, &[&picture[..], b"!"].concat(), |_, headers| {
        set(headers, "content-length", &(picture.len() + 1).to_string());
    })
    .await?
    .is(403)?;
    put(&declared, &picture, |_, headers| set(headers, "content-type", "text/html")).await?.is(403)?;
    put(&declared, &picture, |url, _| *url = url.replace("/original", "/inspected")).await?.is(403)?;
    put(&declared, &picture, |url, _| *url = url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000")).await?.is(403)?;

    let (id, sha256) = (text(&declared, "id")?.parse()?, hex_sha256(&picture));
    let key = Bucket::original_key(ada.account_id.parse()?, id);
    let bucket = Bucket::new(world.clients()?.s3().clone(), world.output("BucketName")?.to_owned());
    let a_while_ago = runtime::clock::now() - SignedDuration::from_secs(i64::try_from(PRESIGNED_S)? + 1);
    let expired = bucket.presign_put(&key, "image/png", picture.len() as u64, &sha256, (PRESIGNED_S, a_while_ago));
    put_presigned(&expired.await?, &picture).await?.is(403)?;

    let upload = ada.get(&path(&declared)?).await?.is(200)?.json;
    ensure!(upload["state"] == json!({"status": "pending"}), "{upload}");
    ensure!(versions(&ada, &declared).await?.is_empty(), "something is there");
    put(&declared, &picture, |_, _| {}).await?.is(200)?;
    Ok(())
}

async fn a_file_that_is_not_what_was_declared_is_rejected_and_removed(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let (jpeg, png, webp) = (photograph("image/jpeg")?, photograph("image/png")?, photograph("image/webp")?);
    let vast = resized(&jpeg, 65_000)?;
    let large = resized(&jpeg, 9_000)?;
    let lies: [(&str, &[u8], &str); 10] = [
        ("image/jpeg", &png, "it is image/png, and image/jpeg was declared"),
        ("video/mp4", &png, "it is image/png, and video/mp4 was declared"),
        ("image/jpeg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "Export the image as JPEG"),
        ("image/png", b"GIF89a\x01\0\x01\0\0\0\0;", "GIF is not supported"),
        ("image/png", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "SVG is not supported"),
        ("image/jpeg", &jpeg[..jpeg.len() / 2], "cut short"),
        ("image/png", &png[..png.len() - 4], "cut short"),
        ("image/webp", &webp[..webp.len() / 2], "cut short"),
        ("image/jpeg", &vast, "65000x65000 pixels"),
        ("image/jpeg", &large, "pixels"),
    ];
    for (content_type, bytes, reason) in lies {
        let upload = arrived(&ada, content_type, bytes).await?;
        ensure!(upload["state"]["status"] == "rejected", "{content_type} with {reason}: {upload}");
        let said = text(&upload["state"], "reason")?;
        ensure!(said.contains(reason), "said {said:?}, not {reason:?}");
        until_versions(&ada, &upload, 0).await?;
    }
    Ok(())
}

async fn what_arrives_after_the_inspection_is_removed_and_changes_nothing(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let picture = photograph("image/jpeg")?;
    let declared = declare(&ada, "image/jpeg", &picture).await?;
    put(&declared, &picture, |_, _| {}).await?.is(200)?;
    let ready = inspected(&ada, &declared).await?;
    let stored = only_file(&ada, &ready).await?;
    put(&declared, &picture, |_, _| {}).await?.is(200)?;
    until_versions(&ada, &declared, 1).await?;
    ensure!(only_file(&ada, &ready).await? == stored && ada.get(&path(&declared)?).await?.json == ready);

    let deleted = declare(&ada, "image/jpeg", &picture).await?;
    ada.delete(&path(&deleted)?).await?.is(204)?;
    put(&deleted, &picture, |_, _| {}).await?.is(200)?;
    until_versions(&ada, &deleted, 0).await
}

async fn p14_the_plan_limits_how_many_uploads_there_are_and_their_bytes(world: &'static TestEnv) -> Result<()> {
    let (ada, bob) = (world.person().await?, world.person().await?);
    let one_byte = json!({"content_type": "image/png", "bytes": 1, "sha256": "0".repeat(64)});
    for _ in 0..20 {
        ada.post("/v1/uploads", &one_byte).await?.is(201)?;
    }
    ensure!(used(&ada).await? == (20, 20));
    let refused = ada.post("/v1/uploads", &one_byte).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:plan-limit", "{}", refused.json);

    let film = json!({"content_type": "video/mp4", "bytes": 100 << 20, "sha256": "0".repeat(64)});
    let first = bob.post("/v1/uploads", &film).await?.is(201)?.json;
    bob.post("/v1/uploads", &film).await?.is(201)?;
    let refused = bob.post("/v1/uploads", &one_byte).await?.is(403)?;
    ensure!(refused.json["type"] == "urn:darkroom:problem:plan-limit", "{}", refused.json);
    ensure!(used(&bob).await? == (2, 200 << 20));
    bob.delete(&path(&first)?).await?.is(204)?;
    bob.post("/v1/uploads", &one_byte).await?.is(201)?;
    Ok(())
}

async fn a_deleted_upload_is_gone_in_all_versions_and_gives_its_bytes_back(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let picture = photograph("image/webp")?;
    let upload = arrived(&ada, "image/webp", &picture).await?;
    ensure!(used(&ada).await? == (1, picture.len() as u64));
    ada.delete(&path(&upload)?).await?.is(204)?;
    ensure!(versions(&ada, &upload).await?.is_empty(), "versions are left");
    ensure!(used(&ada).await? == (0, 0));
    ada.get(&path(&upload)?).await?.is(404)?;
    ada.delete(&path(&upload)?).await?.is(404)?;
    ensure!(used(&ada).await? == (0, 0), "its bytes came back twice");
    Ok(())
}

async fn a_repeated_declaration_is_the_same_upload(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let keyed = async |bytes: u64| -> Result<Answer> {
        let body = json!({"content_type": "image/png", "bytes": bytes, "sha256": "0".repeat(64)});
        let request = ada.request(Method::POST, "/v1/uploads").header("idempotency-key", "holiday");
        Answer::read(request.json(&body).send().await?).await
    };
    let first = keyed(7).await?.is(201)?;
    ensure!(first.header("location") == Some(path(&first.json)?.as_str()));
    let again = keyed(7).await?.is(201)?;
    ensure!(again.bytes == first.bytes && again.header("idempotent-replayed") == Some("true"));
    keyed(8).await?.is(422)?;
    ensure!(used(&ada).await? == (1, 7));
    Ok(())
}

async fn every_field_that_breaks_a_rule_is_named(world: &'static TestEnv) -> Result<()> {
    let ada = world.person().await?;
    let sha256 = "0".repeat(64);
    let refused = async |body: Value| ada.post("/v1/uploads", &body).await?.is(400);
    let all = json!({"content_type": "image/gif", "bytes": 0, "sha256": "A", "file_name": ""});
    ensure!(refused(all).await?.fields() == ["content_type", "bytes", "sha256", "file_name"]);
    for (content_type, bytes) in [("image/png", (20 << 20) + 1), ("video/webm", (100 << 20) + 1)] {
        let large = json!({"content_type": content_type, "bytes": bytes, "sha256": sha256});
        ensure!(refused(large).await?.fields() == ["bytes"], "{content_type}");
    }
    let named = json!({"content_type": "image/png", "bytes": 1, "sha256": sha256, "file_name": "a\u{0}b"});
    ensure!(refused(named).await?.fields() == ["file_name"]);
    let unknown = json!({"content_type": "image/png", "bytes": 1, "sha256": sha256, "account": "another"});
    refused(unknown).await?;
    ensure!(used(&ada).await? == (0, 0));
    Ok(())
}

async fn p17_an_upload_is_seen_by_nobody_but_its_owner(world: &'static TestEnv) -> Result<()> {
    let (ada, bob, stranger) = (world.person().await?, world.person().await?, world.stranger()?);
    let upload = arrived(&ada, "image/png", &photograph("image/png")?).await?;
    let path = path(&upload)?;
    bob.get(&path).await?.is(404)?;
    bob.delete(&path).await?.is(404)?;
    stranger.get(&path).await?.is(401)?;
    stranger.delete(&path).await?.is(401)?;
    stranger.post("/v1/uploads", &json!({})).await?.is(401)?;
    ensure!(ada.get(&path).await?.is(200)?.json == upload && versions(&ada, &upload).await?.len() == 1);
    Ok(())
}

/// Declares these bytes as this type, and answers the upload with how to send it.
pub async fn declare(person: &Person, content_type: &str, bytes: &[u8]) -> Result<Value> {
    let body = json!({"content_type": content_type, "bytes": bytes.len(), "sha256": hex_sha256(bytes)});
    Ok(person.post("/v1/uploads", &body).await?.is(201)?.json)
}

/// Sends these bytes as the declaration said, but for what `change` does to the address and the headers.
pub async fn put(
    declared: &Value,
    bytes: &[u8],
    change: impl FnOnce(&mut String, &mut Vec<(String, String)>),
) -> Result<Answer> {
    let said = &declared["put"];
    let headers = said["headers"].as_array().context("no headers")?.iter();
    let headers: Result<Vec<_>> = headers.map(|header| Ok((text(header, "name")?, text(header, "value")?))).collect();
    let mut presigned = Presigned { method: text(said, "method")?, url: text(said, "url")?, headers: headers? };
    change(&mut presigned.url, &mut presigned.headers);
    put_presigned(&presigned, bytes).await
}

async fn put_presigned(presigned: &Presigned, bytes: &[u8]) -> Result<Answer> {
    let mut request = reqwest::Client::new().request(presigned.method.parse()?, &presigned.url).body(bytes.to_vec());
    for (name, value) in &presigned.headers {
        request = request.header(name, value);
    }
    Answer::read(request.send().await?).await
}

fn set(headers: &mut [(String, String)], name: &str, value: &str) {
    for (_, old) in headers.iter_mut().filter(|(header, _)| header == name) {
        value.clone_into(old);
    }
}

/// Declares, sends, and answers the upload once it was inspected.
pub async fn arrived(person: &Person, content_type: &str, bytes: &[u8]) -> Result<Value> {
    let declared = declare(person, content_type, bytes).await?;
    put(&declared, bytes, |_, _| {}).await?.is(200)?;
    inspected(person, &declared).await
}

pub async fn inspected(person: &Person, upload: &Value) -> Result<Value> {
    person.eventually(&path(upload)?, |upload| upload["state"]["status"] != "pending").await
}

fn path(upload: &Value) -> Result<String> {
    Ok(format!("/v1/uploads/{}", text(upload, "id")?))
}

/// Uploads kept, and their bytes.
async fn used(person: &Person) -> Result<(u64, u64)> {
    let limits = person.get("/v1/account").await?.is(200)?.json["limits"].clone();
    let used = |name: &str| limits[name]["used"].as_u64().with_context(|| format!("no {name} in {limits}"));
    Ok((used("uploads")?, used("upload_bytes")?))
}

/// The keys of every version and delete marker of an upload.
async fn versions(person: &Person, upload: &Value) -> Result<Vec<String>> {
    let prefix = format!("accounts/{}/uploads/{}/", person.account_id, text(upload, "id")?);
    let (clients, bucket) = (person.world.clients()?, person.world.output("BucketName")?);
    let listed = clients.s3().list_object_versions().bucket(bucket).prefix(prefix).send().await?;
    let versions = listed.versions().iter().filter_map(|version| version.key());
    let markers = listed.delete_markers().iter().filter_map(|marker| marker.key());
    Ok(versions.chain(markers).map(str::to_owned).collect())
}

/// Waits until there are this many versions: what is to go goes after the upload is seen to be inspected.
async fn until_versions(person: &Person, upload: &Value, count: usize) -> Result<()> {
    let begun = std::time::Instant::now();
    loop {
        let versions = versions(person, upload).await?;
        if versions.len() == count {
            return Ok(());
        }
        ensure!(begun.elapsed() < crate::world::PATIENCE, "{upload} still has {versions:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// What is stored of a ready upload, which must be one version of one file.
async fn only_file(person: &Person, upload: &Value) -> Result<Vec<u8>> {
    let versions = versions(person, upload).await?;
    let [key] = versions.as_slice() else { anyhow::bail!("not one version: {versions:?}") };
    ensure!(key.ends_with("/inspected"), "{key}");
    let (clients, bucket) = (person.world.clients()?, person.world.output("BucketName")?);
    let object = clients.s3().get_object().bucket(bucket).key(key).send().await?;
    Ok(object.body.collect().await?.to_vec())
}

pub fn hex_sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64_sha256(bytes: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, bytes))
}

fn holds_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY)
}

/// A picture that says where it was made, and that it is to be turned by a quarter.
pub fn photograph(content_type: &str) -> Result<Vec<u8>> {
    let channel = |value: u32| (value % 256) as u8;
    let pixels = RgbImage::from_fn(SIDES.0, SIDES.1, |x, y| Rgb([channel(x * 5), channel(y * 7), channel(x * y)]));
    let mut bytes = Vec::new();
    match content_type {
        "image/jpeg" => write(JpegEncoder::new(&mut bytes), &pixels)?,
        "image/png" => write(PngEncoder::new(&mut bytes), &pixels)?,
        _ => write(WebPEncoder::new_lossless(&mut bytes), &pixels)?,
    }
    Ok(bytes)
}

fn write(mut encoder: impl ImageEncoder, pixels: &RgbImage) -> Result<()> {
    encoder.set_exif_metadata(exif())?;
    Ok(encoder.write_image(pixels, pixels.width(), pixels.height(), ExtendedColorType::Rgb8)?)
}

/// A little-endian TIFF of the camera's maker, the orientation and a GPS directory, canaries where texts are
/// (CIPA DC-008, 4.6).
fn exif() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    const ASCII: u16 = 2;
    let length = CANARY.len() as u32;
    // Three entries end at 8 + 2 + 3 * 12 + 4, where the GPS directory of one entry begins.
    let (gps, maker) = (50, 50 + 2 + 12 + 4);
    [
        b"II*\0\x08\0\0\0\x03\0".to_vec(),
        entry(0x010F, ASCII, length, maker),
        entry(0x0112, 3, 1, 6),
        entry(0x8825, 4, 1, gps),
        b"\0\0\0\0\x01\0".to_vec(),
        entry(0x001D, ASCII, length, maker + length),
        b"\0\0\0\0".to_vec(),
        CANARY.to_vec(),
        CANARY.to_vec(),
    ]
    .concat()
}

/// The same photograph, said to be a square of this side: it stands in the frame header (ITU-T T.81, B.2.2).
fn resized(jpeg: &[u8], side: u16) -> Result<Vec<u8>> {
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).context("no frame header")?;
    let mut resized = jpeg.to_vec();
    resized[frame + 5..frame + 9].copy_from_slice(&[side.to_be_bytes(), side.to_be_bytes()].concat());
    Ok(resized)
}

/// A film with the place where it was made, as phones write it. Its `moov` goes to the end and leaves a gap of its size,
/// so that the frames stay where it says that they are.
fn with_location(film: &[u8]) -> Result<Vec<u8>> {
    let mut film = film.to_vec();
    let mut at = 0;
    while film.get(at + 4..at + 8).context("no moov")? != b"moov" {
        at += u32::from_be_bytes(film[at..at + 4].try_into()?) as usize;
    }
    let size = u32::from_be_bytes(film[at..at + 4].try_into()?) as usize;
    let content = film[at + 8..at + size].to_vec();
    film[at + 4..at + 8].copy_from_slice(b"free");
    let place = [&(CANARY.len() as u16).to_be_bytes()[..], b"\x15\xC7", CANARY].concat();
    let user_data = boxed(b"udta", &boxed(b"\xA9xyz", &place));
    film.extend(boxed(b"moov", &[content, user_data].concat()));
    Ok(film)
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), &kind[..], content].concat()
}
