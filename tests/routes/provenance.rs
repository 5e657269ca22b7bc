//! The check of a file.

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::provenance::{CertificateOrigin, SigningCertificate};
use fake_aws::{aws::APP_KEY, signing::Key};
use media::watermark::{self, WATERMARK_KEY, WatermarkKey};
use provenance::{CertificateChain, Claim, Manifest, Signer};
use runtime::{clock, seal::Sealer};
use serde_json::{Value, json};

use crate::world::{Answer, World};

async fn check(world: &World, file: &[u8]) -> Result<Answer> {
    let body = BASE64_STANDARD.encode(file);
    world.send("provenance-check/image", json!({"body": body, "isBase64Encoded": true})).await
}

/// Returns the image of the event without its manifest, and a signer.
fn unsigned() -> Result<(Vec<u8>, Signer)> {
    let event = std::fs::read(stack::workspace().join("events/provenance-check/image.json"))?;
    let event: Value = serde_json::from_slice(&event)?;
    let image = BASE64_STANDARD.decode(event["body"].as_str().context("no body")?)?;
    let key = Key::numbered(1).context("no key")?;
    let chain = CertificateChain::issue(&key.public(), clock::now())?;
    Ok((media::strip_metadata(image)?, Signer::new(chain, move |digest| Ok(key.sign(digest)?))))
}

#[tokio::test]
async fn file_is_signed_here_if_a_certificate_of_the_deployment_vouches_for_it() -> Result<()> {
    let world = World::new().await?;
    let (image, signer) = unsigned()?;
    let answer = check(&world, &image).await?.is(200)?.body;
    ensure!(answer["media_type"] == "image/png" && answer["techniques"][0]["verdict"] == "not_found", "{answer}");
    let now = clock::now();
    let claim =
        Claim { model: "sketch-image", provider: "sketch", has_starting_image: false, visible_label: None, at: now };
    let signed = Manifest::begin(&image, "image/png")?.sign(&image, &claim, &signer)?.file;
    let answer = check(&world, &signed).await?.is(200)?.body;
    ensure!(answer["techniques"][0]["verdict"] == "signed_by_another", "{answer}");

    let certificate = |number, chain: &CertificateChain| SigningCertificate {
        number,
        origin: CertificateOrigin::Deployment,
        key: "arn".to_owned(),
        chain: chain.pem().to_owned(),
        created_at: now,
        ends_at: chain.ends_at(),
    };
    ensure!(world.table.add_signing_certificate(&certificate(1, signer.chain())).await?);
    // The key was replaced: what the old one signed is still known.
    let later = Key::numbered(2).context("no key")?;
    let later = CertificateChain::issue(&later.public(), now)?;
    ensure!(world.table.add_signing_certificate(&certificate(2, &later)).await?);
    let answer = check(&world, &signed).await?.is(200)?.body;
    let manifest = &answer["techniques"][0];
    ensure!(manifest["verdict"] == "signed_here" && manifest["manifest"]["problems"] == json!([]), "{answer}");
    ensure!(manifest["manifest"]["actions"][0]["action"] == "c2pa.created", "{answer}");
    Ok(())
}

#[tokio::test]
async fn mark_in_the_metadata_has_a_verdict_of_its_own() -> Result<()> {
    let world = World::new().await?;
    let (image, _) = unsigned()?;
    let answer = check(&world, &media::mark_generated(image, "a test", None)?).await?.is(200)?.body;
    ensure!(answer["techniques"][0]["verdict"] == "not_found", "{answer}");
    let metadata = &answer["techniques"][2];
    ensure!(metadata["technique"] == "metadata" && metadata["verdict"] == "found", "{answer}");
    ensure!(metadata["source_type"] == "trainedAlgorithmicMedia", "{answer}");
    Ok(())
}

#[tokio::test]
async fn watermark_of_the_deployment_is_found_in_an_image_without_metadata() -> Result<()> {
    let world = World::new().await?;
    let picture = image::RgbImage::from_fn(640, 480, |x, y| {
        image::Rgb([(x / 3 % 256) as u8, (y / 2 % 256) as u8, ((x * 7) ^ (y * 5)) as u8 / 3])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    let ours = Sealer::new(APP_KEY.as_bytes())?.mac(WATERMARK_KEY, &[]);
    for (key, verdict) in [(ours, "marked_here"), ([7; 32], "not_found")] {
        let marked = watermark::embed_file(png.get_ref(), None, 7, &WatermarkKey::new(key))?.context("too small")?;
        let answer = check(&world, &marked).await?.is(200)?.body;
        let found = &answer["techniques"][1];
        ensure!(found["technique"] == "watermark" && found["verdict"] == verdict, "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn file_above_the_limit_or_of_another_format_is_refused_before_the_table_is_read() -> Result<()> {
    let world = World::new().await?;
    let (mut image, _) = unsigned()?;
    image.resize((4 << 20) + 1, 0);
    let answer = check(&world, &image).await?.is(413)?;
    ensure!(answer.calls.is_empty(), "{:?}", answer.calls);
    for other in [&b"<html></html>"[..], b"", b"GIF89a"] {
        let answer = check(&world, other).await?;
        answer.names(&["body"])?;
    }
    image.truncate(4 << 20);
    check(&world, &image).await?.is(200)?;
    Ok(())
}
