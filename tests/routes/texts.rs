//! The texts of the operator: what is refused, and what people get once they are published.

use anyhow::{Context, Result, ensure};
use domain::service_texts;
use serde_json::{Value, json};

use crate::world::{Answer, World, claims, recent};

impl World {
    /// Publishes the compiled default with a change.
    async fn publish_texts(&self, change: impl FnOnce(&mut Value)) -> Result<Answer> {
        let mut document = serde_json::to_value(service_texts::compiled())?;
        change(&mut document);
        let body = json!({"expected": 0, "reason": "our own", "document": document});
        self.send("catalogue/publish-texts", json!({ "body": body })).await
    }
}

#[tokio::test]
async fn everybody_reads_whose_service_it_is() -> Result<()> {
    let world = World::new().await?;
    let nobody = json!({"requestContext": {"authorizer": null}, "headers": {"authorization": null}});
    let default = world.send("catalogue/service", nobody.clone()).await?.is(200)?;
    ensure!(
        default.body["name"] == "Darkroom" && default.headers["cache-control"] == "public, max-age=30",
        "{default:?}"
    );
    let publish = world.publish_texts(|document| {
        document["name"] = json!("Atelier");
        document["contact"] = json!("hello@atelier.example");
        document["imprint"]["de"] = json!("Atelier GmbH\nBerlin");
        document["terms"]["version"] = json!("2027-01-01");
    });
    publish.await?.is(201)?;
    let shown = world.send("catalogue/service", nobody.clone()).await?.is(200)?.body;
    ensure!(shown["name"] == "Atelier" && shown["imprint"]["de"] == "Atelier GmbH\nBerlin", "{shown}");
    ensure!(shown["terms_version"] == "2027-01-01" && shown["terms"].is_null(), "{shown}");
    let terms = world.send("catalogue/terms", nobody).await?.is(200)?.body;
    ensure!(terms["version"] == "2027-01-01" && terms["de"].as_array().is_some_and(|all| !all.is_empty()), "{terms}");
    Ok(())
}

#[tokio::test]
async fn new_terms_are_asked_for_and_others_are_refused() -> Result<()> {
    let world = World::new().await?;
    let sign_up = |version: &str| {
        let body = json!({"email": "eve@example.com", "terms": version});
        world.send("session/sign-up", json!({ "body": body }))
    };
    sign_up("2026-11-30").await?.is(202)?;
    world.publish_texts(|document| document["terms"]["version"] = json!("2027-01-01")).await?.is(201)?;
    sign_up("2026-11-30").await?.names(&["terms"])?;
    sign_up("2027-01-01").await?.is(202)?;
    let terms = world.send("account/read", json!({})).await?.is(200)?.body["terms"].clone();
    ensure!(terms["version"] == "2027-01-01", "{terms}");
    Ok(())
}

#[tokio::test]
async fn authenticator_app_shows_the_name_of_the_service() -> Result<()> {
    let world = World::new().await?;
    world.publish_texts(|document| document["name"] = json!("Atelier & Söhne?")).await?.is(201)?;
    let begun = world.send("account/second-factor-begin-without-recent-sign-in", recent()).await?.is(200)?;
    let uri = begun.body["uri"].as_str().context("no URI")?;
    ensure!(uri.starts_with("otpauth://totp/Atelier%20%26%20S%C3%B6hne%3F?secret="), "{uri}");
    ensure!(uri.ends_with("&issuer=Atelier%20%26%20S%C3%B6hne%3F"), "{uri}");
    Ok(())
}

#[tokio::test]
async fn texts_are_refused_with_every_field_that_is_wrong() -> Result<()> {
    let world = World::new().await?;
    let broken = world.publish_texts(|document| {
        document["name"] = json!("");
        document["accent"]["light"] = json!("#ffffff");
        document["logo"] = json!("https://evil.example/logo.png");
        document["terms"]["en"] = json!([]);
    });
    broken.await?.names(&["document.accent.light", "document.logo", "document.name", "document.terms.en"])?;
    let service = world.send("catalogue/service", json!({})).await?.is(200)?.body;
    ensure!(service["name"] == "Darkroom", "{service}");
    Ok(())
}

#[tokio::test]
async fn texts_are_published_by_administrators_only() -> Result<()> {
    let world = World::new().await?;
    for role in [json!(null), json!("[support]"), json!("[finance]")] {
        let member = claims(&json!({"cognito:groups": role}));
        for event in ["texts", "show-texts", "publish-texts"] {
            world.send(&format!("catalogue/{event}"), member.clone()).await?.refused(404, "not-found")?;
        }
    }
    let default = world.send("catalogue/show-texts", json!({})).await?.is(200)?.body;
    ensure!(default["document"] == serde_json::to_value(service_texts::compiled())?, "{default}");
    ensure!(world.send("catalogue/texts", json!({})).await?.is(200)?.body["items"] == json!([]));
    let schema = world.send("catalogue/texts-schema", json!({})).await?.is(200)?;
    ensure!(schema.body["title"] == "ServiceTexts" && schema.calls.is_empty(), "{schema:?}");
    Ok(())
}
