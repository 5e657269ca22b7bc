//! Describes how versions of documents are shown and published.

use domain::documents::{Document, DocumentVersion, Publication};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// A document that staff show and publish.
pub trait Published: Document {
    /// Says what to publish.
    type Request: DeserializeOwned + Into<Publication<Self>> + Send + 'static;
    /// Shows a version with its document.
    type View: Serialize;

    /// Shows a version; the compiled default has no summary.
    fn view(number: u32, publication: Option<DocumentVersionSummary>, document: Self) -> Self::View;
}

/// Shows who published a version, when and why.
#[derive(Serialize, ToSchema)]
pub struct DocumentVersionSummary {
    /// The number.
    pub number: u32,
    /// When it was published.
    pub published_at: Timestamp,
    /// The staff member, as in access logs.
    pub staff: String,
    /// Why it was published.
    pub reason: String,
    /// Why prices are below the cost plus the margin, if some are.
    pub low_prices_reason: Option<String>,
}

impl From<&DocumentVersion> for DocumentVersionSummary {
    fn from(version: &DocumentVersion) -> Self {
        Self {
            number: version.number,
            published_at: version.published_at,
            staff: version.staff.clone(),
            reason: version.reason.clone(),
            low_prices_reason: version.low_prices_reason.clone(),
        }
    }
}

/// Shows a page of the versions, the latest first.
#[derive(Serialize, ToSchema)]
pub struct DocumentVersionPage {
    /// The versions.
    pub items: Vec<DocumentVersionSummary>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}
