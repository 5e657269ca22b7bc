//! Describes the API of the versions of the catalogue, for staff.

use domain::{catalogue::Catalogue, documents::Publication, staff::role::Role::Administrator};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    catalogue::documents::{DocumentVersionPage, DocumentVersionSummary, Published},
    operation::{
        Parameter::{IdempotencyKey, Page},
        operations,
    },
};

/// Is an example of a request to publish.
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
        .parameters(&[Page]).returns::<DocumentVersionPage>(200).problems(&[400, 403, 404]);

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
        .takes::<CataloguePublicationRequest>(EXAMPLE)
        .parameters(&[IdempotencyKey])
        .returns::<DocumentVersionSummary>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Says what to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CataloguePublicationRequest {
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

impl From<CataloguePublicationRequest> for Publication<Catalogue> {
    fn from(request: CataloguePublicationRequest) -> Self {
        let CataloguePublicationRequest { expected, reason, low_prices_reason, document } = request;
        Self { expected, reason, low_prices_reason, document }
    }
}

/// Shows a version of the catalogue with its document.
#[derive(Serialize, ToSchema)]
pub struct CatalogueVersionView {
    /// The number.
    pub number: u32,
    /// Who published it, when and why; absent for the compiled default.
    pub publication: Option<DocumentVersionSummary>,
    /// The document.
    pub document: Catalogue,
}

impl Published for Catalogue {
    type Request = CataloguePublicationRequest;
    type View = CatalogueVersionView;

    fn view(number: u32, publication: Option<DocumentVersionSummary>, document: Self) -> CatalogueVersionView {
        CatalogueVersionView { number, publication, document }
    }
}
