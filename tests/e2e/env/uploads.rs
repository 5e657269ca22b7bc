//! Uploads: declaring, sending, waiting for the inspection.

use anyhow::{Context, Result};
use image::{
    ExtendedColorType, ImageEncoder, Rgb, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use store::Presigned;

use crate::env::{
    http::{ApiResponse, text},
    test_env::TestUser,
};

/// Stands for metadata that must be removed.
pub const CANARY: &[u8] = b"CANARY-48.8584N-2.2945E";

/// Width and height, before the rotation.
pub const SIDES: (u32, u32) = (48, 32);

/// Declares an upload of these bytes as this type, and returns it with its presigned request.
pub async fn declare_upload(user: &TestUser, content_type: &str, bytes: &[u8]) -> Result<Value> {
    let body = json!({"content_type": content_type, "bytes": bytes.len(), "sha256": hex_sha256(bytes)});
    Ok(user.post("/v1/uploads", &body).await?.is(201)?.json)
}

/// Sends these bytes with the presigned request, after `change` altered its URL and headers.
pub async fn put_file(
    declared: &Value,
    bytes: &[u8],
    change: impl FnOnce(&mut String, &mut Vec<(String, String)>),
) -> Result<ApiResponse> {
    let said = &declared["put"];
    let headers = said["headers"].as_array().context("no headers")?.iter();
    let headers: Result<Vec<_>> = headers.map(|header| Ok((text(header, "name")?, text(header, "value")?))).collect();
    let mut presigned = Presigned { method: text(said, "method")?, url: text(said, "url")?, headers: headers? };
    change(&mut presigned.url, &mut presigned.headers);
    put_presigned(&presigned, bytes).await
}

/// Sends these bytes with a presigned request.
pub async fn put_presigned(presigned: &Presigned, bytes: &[u8]) -> Result<ApiResponse> {
    let mut request = reqwest::Client::new().request(presigned.method.parse()?, &presigned.url).body(bytes.to_vec());
    for (name, value) in &presigned.headers {
        request = request.header(name, value);
    }
    ApiResponse::read(request.send().await?).await
}

/// Declares and sends an upload, and returns it once it is inspected.
pub async fn upload_file(user: &TestUser, content_type: &str, bytes: &[u8]) -> Result<Value> {
    let declared = declare_upload(user, content_type, bytes).await?;
    put_file(&declared, bytes, |_, _| {}).await?.is(200)?;
    wait_for_inspection(user, &declared).await
}

/// Waits until an upload is inspected, and returns it.
pub async fn wait_for_inspection(user: &TestUser, upload: &Value) -> Result<Value> {
    user.eventually(&upload_path(upload)?, |upload| upload["state"]["status"] != "pending").await
}

/// Returns the path of an upload.
pub fn upload_path(upload: &Value) -> Result<String> {
    Ok(format!("/v1/uploads/{}", text(upload, "id")?))
}

/// Returns the SHA-256 in hexadecimal.
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// Returns an image whose metadata contain a location and a rotation by a quarter turn.
pub fn photo(content_type: &str) -> Result<Vec<u8>> {
    let channel = |value: u32| (value % 256) as u8;
    let pixels = RgbImage::from_fn(SIDES.0, SIDES.1, |x, y| Rgb([channel(x * 5), channel(y * 7), channel(x * y)]));
    let mut bytes = Vec::new();
    match content_type {
        "image/jpeg" => encode_image(JpegEncoder::new(&mut bytes), &pixels)?,
        "image/png" => encode_image(PngEncoder::new(&mut bytes), &pixels)?,
        _ => encode_image(WebPEncoder::new_lossless(&mut bytes), &pixels)?,
    }
    Ok(bytes)
}

fn encode_image(mut encoder: impl ImageEncoder, pixels: &RgbImage) -> Result<()> {
    encoder.set_exif_metadata(exif())?;
    Ok(encoder.write_image(pixels, pixels.width(), pixels.height(), ExtendedColorType::Rgb8)?)
}

/// Returns a little-endian TIFF of the camera maker, the orientation and a GPS directory, with canaries as texts (CIPA
/// DC-008, 4.6).
fn exif() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    const ASCII: u16 = 2;
    let length = CANARY.len() as u32;
    // Three entries end at 8 + 2 + 3 * 12 + 4, where the GPS directory of one entry starts.
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
