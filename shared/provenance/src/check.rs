//! Checks the manifest of a file.

use std::io::Cursor;

use c2pa::{Manifest, Reader, ValidationState, assertions::Actions};
use serde_json::Value;

use crate::context;

/// What a check of a file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsCheck {
    /// The file has no manifest.
    Missing,
    /// The file has a manifest that cannot be read.
    Unreadable,
    /// The file has a manifest.
    Found(Box<Credentials>),
}

/// The manifest of a file. What it says comes from its signer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Whether the signature is right, and the file is as it was signed.
    pub valid: bool,
    /// Whether it is valid and one of the given certificates vouches for its signer.
    pub trusted: bool,
    /// The name in the certificate of the signer.
    pub signer: Option<String>,
    /// The program that made the manifest.
    pub claim_generator: Option<String>,
    /// What was done, in order.
    pub actions: Vec<Action>,
    /// What the file was made from.
    pub ingredients: Vec<Ingredient>,
    /// The codes of C2PA for what is wrong, each once.
    pub problems: Vec<String>,
}

/// An action of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name, such as `c2pa.created`.
    pub action: String,
    /// The kind of source, an IPTC term.
    pub source_type: Option<String>,
}

/// A file that another was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingredient {
    /// `parentOf`, `componentOf` or `inputTo`.
    pub relationship: String,
    /// The name in the certificate of the signer of its own manifest, if it has one.
    pub signer: Option<String>,
    /// The program that made its own manifest.
    pub claim_generator: Option<String>,
}

/// Checks the manifest of a file of this media type. `anchors` are the certificates that are trusted, as PEM; without any, none is.
#[must_use]
pub fn check(file: &[u8], media_type: &str, anchors: &str) -> CredentialsCheck {
    let anchors = Some(anchors).filter(|anchors| anchors.contains("CERTIFICATE"));
    let read =
        context(anchors).and_then(|context| Reader::from_context(context).with_stream(media_type, Cursor::new(file)));
    let reader = match read {
        Ok(reader) => reader,
        Err(c2pa::Error::JumbfNotFound) => return CredentialsCheck::Missing,
        Err(_) => return CredentialsCheck::Unreadable,
    };
    let Some(manifest) = reader.active_manifest() else { return CredentialsCheck::Unreadable };
    let state = reader.validation_state();
    let mut problems: Vec<String> =
        reader.validation_status().unwrap_or_default().iter().map(|status| status.code().to_owned()).collect();
    problems.sort();
    problems.dedup();
    let trusted = reader.validation_results().and_then(|results| results.active_manifest()).is_some_and(|codes| {
        codes.success().iter().any(|status| status.code() == c2pa::validation_status::SIGNING_CREDENTIAL_TRUSTED)
    });
    let valid = state != ValidationState::Invalid;
    CredentialsCheck::Found(Box::new(Credentials {
        valid,
        trusted: valid && trusted,
        signer: signer(manifest),
        claim_generator: claim_generator(manifest),
        actions: actions(manifest),
        ingredients: manifest
            .ingredients()
            .iter()
            .map(|ingredient| {
                let own = ingredient.active_manifest().and_then(|label| reader.get_manifest(label));
                Ingredient {
                    relationship: relationship(ingredient),
                    signer: own.and_then(signer),
                    claim_generator: own.and_then(claim_generator),
                }
            })
            .collect(),
        problems,
    }))
}

fn signer(manifest: &Manifest) -> Option<String> {
    manifest.common_name().or_else(|| manifest.issuer())
}

fn claim_generator(manifest: &Manifest) -> Option<String> {
    let info = manifest.claim_generator_info.as_ref().and_then(|all| all.first());
    match info.and_then(|info| serde_json::to_value(info).ok()) {
        Some(info) => {
            let text = |name: &str| info.get(name).and_then(Value::as_str);
            let name = text("name")?;
            Some(text("version").map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
        }
        None => manifest.claim_generator().map(str::to_owned),
    }
}

fn actions(manifest: &Manifest) -> Vec<Action> {
    let Ok(actions) = manifest.find_assertion::<Actions>(Actions::LABEL) else { return Vec::new() };
    actions
        .actions()
        .iter()
        .filter_map(|action| serde_json::to_value(action).ok())
        .filter_map(|action| {
            let text = |name: &str| Some(action.get(name)?.as_str()?.to_owned());
            Some(Action { action: text("action")?, source_type: text("digitalSourceType") })
        })
        .collect()
}

fn relationship(ingredient: &c2pa::Ingredient) -> String {
    let value = serde_json::to_value(ingredient.relationship()).ok();
    value.and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}
