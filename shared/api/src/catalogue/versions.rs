//! Describes the API of the versions of the catalogue, for staff.

use domain::{
    catalogue::{
        Catalogue,
        version::{CatalogueVersion, Publication},
    },
    staff::role::Role::Administrator,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{
    Parameter::{IdempotencyKey, Page},
    operations,
};

/// Is an example of a [`PublicationRequest`].
const EXAMPLE: &str = r#"{
    "expected": 4294967295, "reason": "a sketch costs two credits", "document": {
        "margin_percent": 30,
        "models": [{
            "id": "sketch-image", "title": "Sketch", "kind": "image", "operations": ["text_to_image"],
            "sizes": [{"width": 320, "height": 320}], "max_count": 1, "price": {"per": "output", "credits": 2},
            "offers": [{
                "key": "sketch", "provider": "sketch", "model": "sketch", "timeout_s": 300,
                "cost": {"per": "output", "microusd": 0}
            }]
        }],
        "packages": [{"id": "starter", "title": "Starter", "credits": 200, "plan": "plus", "prices": [
            {"amount": 500, "currency": "USD"}, {"amount": 500, "currency": "EUR"},
            {"amount": 450, "currency": "GBP"}, {"amount": 750, "currency": "JPY"}
        ]}]
    }
}"#;

operations! {
    /// Returns the JSON Schema of the catalogue.
    SCHEMA = get("/v1/catalogue/schema", "catalogue").public()
        .responds(200);

    /// Lists the published versions of the catalogue, the latest first (staff).
    LIST = get("/v1/staff/catalogue/versions", "catalogue")
        .staff(&[Administrator])
        .parameters(&[Page]).returns::<CatalogueVersionPage>(200).problems(&[400, 403, 404]);

    /// Shows a version of the catalogue with its document (staff). 0 is the compiled default, as the providers of this deployment
    /// offer it.
    SHOW = get("/v1/staff/catalogue/versions/{number}", "catalogue")
        .staff(&[Administrator])
        .returns::<CatalogueVersionView>(200).problems(&[403, 404]);

    /// Publishes a version of the catalogue, which functions use within a minute (staff). Jobs and payments that were submitted
    /// before keep theirs. 409 if another version was published meanwhile, or if a price is below the cost plus the margin and
    /// `low_prices_reason` is absent. An earlier version is published again to go back to it.
    PUBLISH = post("/v1/staff/catalogue/versions", "catalogue")
        .staff(&[Administrator])
        .takes::<PublicationRequest>(EXAMPLE)
        .parameters(&[IdempotencyKey])
        .returns::<CatalogueVersionSummary>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Says what to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicationRequest {
    /// The number of the version that is the latest one, as the author knows. 0 if none was published.
    pub expected: u32,
    /// Why it is published: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Why prices may be below the cost plus the margin: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub low_prices_reason: Option<String>,
    /// The document.
    pub document: Catalogue,
}

impl From<PublicationRequest> for Publication {
    fn from(request: PublicationRequest) -> Self {
        let PublicationRequest { expected, reason, low_prices_reason, document } = request;
        Self { expected, reason, low_prices_reason, document }
    }
}

/// Shows who published a version, when and why.
#[derive(Serialize, ToSchema)]
pub struct CatalogueVersionSummary {
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

impl From<&CatalogueVersion> for CatalogueVersionSummary {
    fn from(version: &CatalogueVersion) -> Self {
        Self {
            number: version.number,
            published_at: version.published_at,
            staff: version.staff.clone(),
            reason: version.reason.clone(),
            low_prices_reason: version.low_prices_reason.clone(),
        }
    }
}

/// Shows a version with its document.
#[derive(Serialize, ToSchema)]
pub struct CatalogueVersionView {
    /// The number.
    pub number: u32,
    /// Who published it, when and why; absent for the compiled default.
    pub publication: Option<CatalogueVersionSummary>,
    /// The document.
    pub document: Catalogue,
}

/// Shows a page of the versions, the latest first.
#[derive(Serialize, ToSchema)]
pub struct CatalogueVersionPage {
    /// The versions.
    pub items: Vec<CatalogueVersionSummary>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}
