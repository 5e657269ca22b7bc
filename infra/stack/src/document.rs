//! Publishes a document of the operator from a file, as a staff member, or prints the present one.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    client::Client,
    terminal::{print, report},
};

/// A document of the operator.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum DocumentName {
    /// Models, packages and prices.
    Catalogue,
    /// Plans, welcome credits, rules against payment fraud.
    Settings,
    /// Name, imprint, terms, contact, color and logo.
    Texts,
}

impl DocumentName {
    /// Returns where its versions are.
    const fn versions(self) -> &'static str {
        match self {
            Self::Catalogue => "/v1/staff/catalogue/versions",
            Self::Settings => "/v1/staff/settings/versions",
            Self::Texts => "/v1/staff/texts/versions",
        }
    }
}

/// What a staff member signs in with: their address, password and code.
pub(crate) type Staff = [String; 3];

/// A page of the published versions.
#[derive(Deserialize)]
struct Versions {
    items: Vec<Version>,
}

/// A published version.
#[derive(Deserialize)]
struct Version {
    number: u64,
}

/// A version with its document.
#[derive(Deserialize)]
struct Document {
    document: Value,
}

/// Signs in at the service at this address and publishes the document in a file, or prints the latest one if there is no file.
///
/// # Errors
/// The file is not JSON, the sign-in is refused, or the document is, with the fields and rules.
pub(crate) fn run(
    runtime: &Runtime,
    address: &str,
    [email, password, code]: Staff,
    (name, file): (DocumentName, Option<&Path>),
    (reason, low_prices_reason): (Option<&str>, Option<&str>),
) -> Result<()> {
    ensure!(
        ![&email, &password, &code].iter().any(|value| value.is_empty()),
        "set STAFF_EMAIL, STAFF_PASSWORD and STAFF_CODE: address, password and present code of a staff member"
    );
    let versions = name.versions();
    let mut client = Client::new(address.trim_end_matches('/'))?;
    runtime.block_on(async {
        client.sign_in_with_code(&email, &password, &code).await?;
        let page: Versions = client.read(&format!("{versions}?limit=1")).await?;
        let latest = page.items.first().map_or(0, |version| version.number);
        let Some(file) = file else {
            let shown: Document = client.read(&format!("{versions}/{latest}")).await?;
            report(&format!("Version {latest}"));
            print(&format!("{:#}", shown.document));
            return Ok(());
        };
        let reason = reason.context("say why with --reason: it is part of the record")?;
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let document: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
        let mut body = json!({"expected": latest, "reason": reason, "document": document});
        if let (Some(why), Some(body)) = (low_prices_reason, body.as_object_mut()) {
            body.insert("low_prices_reason".to_owned(), json!(why));
        }
        let published: Version = client.post(versions, &body).await?.json().await?;
        report(&format!("Published version {}; functions follow within a minute", published.number));
        Ok(())
    })
}
