//! Makes and signs the manifest of an output.

use std::io::Cursor;

use c2pa::{Builder, ClaimGeneratorInfo, ValidationState};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    TRAINED_ALGORITHMIC_MEDIA, context,
    signer::{Signature, Signer},
    time_stamp::TimeStamp,
};

/// What a manifest says about an output.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The model that generated it.
    pub model: &'a str,
    /// The provider of the model.
    pub provider: &'a str,
    /// Whether the generation began from a starting image.
    pub has_starting_image: bool,
    /// The text of the visible label that was drawn into it, if it has one.
    pub visible_label: Option<&'a str>,
    /// When it was made.
    pub at: Timestamp,
}

/// What was found of a manifest in the file of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EarlierManifest {
    /// The file has none.
    None,
    /// The file has one, which is kept as an ingredient.
    Kept {
        /// Whether its signature and hashes are right.
        valid: bool,
        /// The codes of the failures, separated by spaces.
        problems: String,
    },
    /// The file has one that cannot be read, which is lost.
    Unreadable,
}

/// Says why an output was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key did not sign. A repeat may succeed.
    #[error("the key did not sign: {0}")]
    Key(String),
    /// The file cannot hold a manifest.
    #[error("the file cannot be signed: {0}")]
    File(c2pa::Error),
}

impl From<c2pa::Error> for SignError {
    fn from(error: c2pa::Error) -> Self {
        match error {
            c2pa::Error::RawSignerError(error) => Self::Key(error.to_string()),
            error => Self::File(error),
        }
    }
}

/// A manifest that is being made: it knows what the file of the provider said about itself.
pub struct Manifest {
    builder: Builder,
    media_type: &'static str,
    earlier: EarlierManifest,
}

impl Manifest {
    /// Begins the manifest of an output from the file of a provider, before its metadata is removed: verifies the manifest that the
    /// file has, if any, and keeps it as the ingredient that the output is made from.
    ///
    /// # Errors
    /// The settings of the library are wrong.
    pub fn begin(file: &[u8], media_type: &'static str) -> Result<Self, SignError> {
        let mut manifest = Self { builder: builder()?, media_type, earlier: EarlierManifest::None };
        if !has_manifest(file, media_type) {
            return Ok(manifest);
        }
        let ingredient = json!({ "relationship": "parentOf", "label": PARENT, "format": media_type });
        let read =
            manifest.builder.add_ingredient_from_stream(ingredient.to_string(), media_type, &mut Cursor::new(file));
        manifest.earlier = match read {
            Ok(ingredient) if ingredient.manifest_data_ref().is_some() => {
                let results = ingredient.validation_results();
                let valid = results.is_some_and(|results| results.validation_state() != ValidationState::Invalid);
                let failures = results.and_then(c2pa::ValidationResults::active_manifest).map(|codes| codes.failure());
                let codes: Vec<&str> = failures.into_iter().flatten().map(|status| status.code()).collect();
                EarlierManifest::Kept { valid, problems: codes.join(" ") }
            }
            Ok(_) | Err(_) => EarlierManifest::Unreadable,
        };
        if manifest.earlier == EarlierManifest::Unreadable {
            manifest.builder = builder()?;
        }
        Ok(manifest)
    }

    /// Returns what was found of a manifest in the file of the provider.
    #[must_use]
    pub fn earlier(&self) -> &EarlierManifest {
        &self.earlier
    }

    /// Signs an output, whose metadata was removed and whose other marks are in place: the signature covers them. Each call gives
    /// the manifest another id and another signature. If the signer has a time-stamping authority that does not stamp it, the file
    /// has no time stamp, and what is returned says so.
    ///
    /// # Errors
    /// The key did not sign, or the file cannot hold a manifest.
    pub fn sign(mut self, output: &[u8], claim: &Claim<'_>, signer: &Signer) -> Result<Signed, SignError> {
        let mut generator = ClaimGeneratorInfo::new("Darkroom");
        generator.set_version(env!("CARGO_PKG_VERSION"));
        generator.insert("model", claim.model);
        generator.insert("provider", claim.provider);
        self.builder.set_claim_generator_info(generator);
        let has_parent = matches!(self.earlier, EarlierManifest::Kept { .. });
        if claim.has_starting_image {
            // Only the relationship: a hash would tell everyone who has the same image that it was used here.
            let relationship = if has_parent { "inputTo" } else { "parentOf" };
            let label = if has_parent { STARTING_IMAGE } else { PARENT };
            let ingredient = json!({ "relationship": relationship, "label": label, "title": "Starting image" });
            self.builder.add_ingredient(c2pa::Ingredient::from_json(&ingredient.to_string())?);
        }
        for action in actions(claim, has_parent) {
            self.builder.add_action(action)?;
        }
        let mut signed = Cursor::new(Vec::with_capacity(output.len() + MANIFEST_BYTES));
        let signature = Signature::new(signer, claim.at);
        self.builder.sign(&signature, self.media_type, &mut Cursor::new(output), &mut signed)?;
        Ok(Signed { file: signed.into_inner(), time_stamp: signature.into_time_stamp() })
    }
}

/// A signed output.
#[derive(Debug)]
pub struct Signed {
    /// The file.
    pub file: Vec<u8>,
    /// What became of the time stamp of its signature.
    pub time_stamp: TimeStamp,
}

/// About the size of a manifest, in bytes.
const MANIFEST_BYTES: usize = 16 << 10;
/// The names by which actions refer to ingredients. Labels of assertions replace them.
const PARENT: &str = "parent";
const STARTING_IMAGE: &str = "starting-image";

/// Lists the actions. A file that is made from another is opened first, as C2PA asks for (C2PA 2.2, 18.15.4.1).
fn actions(claim: &Claim<'_>, has_parent: bool) -> Vec<Value> {
    // Whole seconds: two manifests of one output have the same length.
    let when = claim.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let action = |name: &str, ingredient: Option<&str>| {
        let mut action = json!({ "action": name, "when": when });
        if let Some(action) = action.as_object_mut() {
            if name != OPENED {
                action.insert("digitalSourceType".to_owned(), json!(TRAINED_ALGORITHMIC_MEDIA));
                action.insert("softwareAgent".to_owned(), json!({ "name": claim.model, "provider": claim.provider }));
            }
            if let Some(label) = ingredient {
                action.insert("parameters".to_owned(), json!({ "ingredientIds": [label] }));
            }
        }
        action
    };
    let mut actions = match (has_parent, claim.has_starting_image) {
        (false, false) => vec![action("c2pa.created", None)],
        (true, true) => vec![action(OPENED, Some(PARENT)), action("c2pa.edited", Some(STARTING_IMAGE))],
        _ => vec![action(OPENED, Some(PARENT)), action("c2pa.edited", Some(PARENT))],
    };
    if let Some(text) = claim.visible_label {
        // "(visible) Textual content was inserted into the asset" (C2PA 2.2, table of actions).
        actions
            .push(json!({ "action": "c2pa.addedText", "when": when, "description": format!("Visible label: {text}") }));
    }
    actions
}

const OPENED: &str = "c2pa.opened";

/// Makes an empty manifest with a new id.
fn builder() -> Result<Builder, c2pa::Error> {
    Builder::from_context(context(None)?).with_definition(json!({}))
}

/// Says whether a file has a manifest, readable or not.
fn has_manifest(file: &[u8], media_type: &str) -> bool {
    let read = c2pa::jumbf_io::load_jumbf_from_stream(media_type, &mut Cursor::new(file));
    !matches!(read, Err(c2pa::Error::JumbfNotFound))
}
