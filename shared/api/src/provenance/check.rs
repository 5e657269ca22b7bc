//! Describes the check of a file.

use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Checks what a file tells about how it was made. The body is the file itself: a PNG, JPEG, WebP, MP4 or WebM of at most
    /// 4 MiB. It is not stored. A network has at most 120 files an hour checked. A repeat gives the same response until the certificates of this service change.
    CHECK = post("/v1/provenance/check", "provenance-check").public()
        .takes_file()
        .returns::<ProvenanceView>(200).problems(&[400, 413, 429]);
}

/// Shows what a file tells about how it was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProvenanceView {
    /// The media type of the file.
    #[schema(example = "image/png")]
    pub media_type: String,
    /// The result of each technique. More may be added: skip those that are unknown.
    pub techniques: Vec<TechniqueView>,
}

/// Names a way to find out how a file was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Technique {
    /// A signed C2PA manifest (Content Credentials).
    C2pa,
    /// The invisible watermark of this service in the pixels.
    Watermark,
    /// The IPTC term for the source of a file, in its XMP metadata.
    Metadata,
}

/// Tells what a technique found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was found, which proves nothing.
    NotFound,
    /// A mark without a signature was found.
    Found,
    /// This service signed the file, and it has not changed since.
    SignedHere,
    /// The watermark of this service was found. The file may have changed since it was made.
    MarkedHere,
    /// Another signed the file, and it has not changed since. Whether to trust that signer is not decided here.
    SignedByAnother,
    /// The signature is wrong, or the file has changed since it was signed.
    NotValid,
}

/// Shows the result of one technique.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TechniqueView {
    /// The technique.
    pub technique: Technique,
    /// What it found.
    pub verdict: Verdict,
    /// What this proves, and what it does not, in English.
    pub explanation: String,
    /// What the manifest says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestView>,
    /// The source of the file as the metadata states it: an IPTC term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
}

/// Shows what a manifest says. It is what its signer says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ManifestView {
    /// The name in the certificate of the signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The program that made the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_generator: Option<String>,
    /// What was done, in order.
    pub actions: Vec<ActionView>,
    /// What the file was made from.
    pub ingredients: Vec<IngredientView>,
    /// The codes of C2PA for what is wrong or not known.
    pub problems: Vec<String>,
}

/// Shows one action.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActionView {
    /// Its name.
    #[schema(example = "c2pa.created")]
    pub action: String,
    /// The kind of source: an IPTC term.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
}

/// Shows a file that the checked one was made from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IngredientView {
    /// `parentOf`, `componentOf` or `inputTo`.
    pub relationship: String,
    /// The name in the certificate of the signer of its own manifest, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The program that made its own manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_generator: Option<String>,
}
