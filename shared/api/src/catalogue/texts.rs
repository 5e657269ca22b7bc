//! Describes the API of the texts of the operator: what everybody reads, and the versions for staff.

use domain::{
    documents::Publication,
    service_texts::{Accent, Localized, ServiceTexts, Terms},
    staff::role::Role::Administrator,
};
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
const EXAMPLE: &str = concat!(
    r#"{"expected": 4294967295, "reason": "our own terms", "document": "#,
    include_str!("../../../domain/service-texts/default.json"),
    "}"
);

operations! {
    /// Shows the name of the service, its operator, contact, colors and logo, and the version of its terms.
    SERVICE = get("/v1/service", "catalogue").public()
        .returns::<ServiceView>(200);

    /// Shows the terms of service and acceptable use.
    TERMS = get("/v1/terms", "catalogue").public()
        .returns::<Terms>(200);

    /// Returns the JSON Schema of the texts.
    SCHEMA = get("/v1/texts/schema", "catalogue").public()
        .responds(200);

    /// Lists the published versions of the texts, the latest first (staff).
    LIST = get("/v1/staff/texts/versions", "catalogue")
        .staff(&[Administrator])
        .parameters(&[Page]).returns::<DocumentVersionPage>(200).problems(&[400, 403, 404]);

    /// Shows a version of the texts with its document (staff). 0 is the compiled default.
    SHOW = get("/v1/staff/texts/versions/{number}", "catalogue")
        .staff(&[Administrator])
        .returns::<TextsVersionView>(200).problems(&[403, 404]);

    /// Publishes a version of the texts, which everybody reads within a minute (staff). With another version of the terms, every
    /// account is asked to accept them. 409 if another version was published meanwhile. An earlier version is published again to go
    /// back to it.
    PUBLISH = post("/v1/staff/texts/versions", "catalogue")
        .staff(&[Administrator])
        .takes::<TextsPublicationRequest>(EXAMPLE)
        .parameters(&[IdempotencyKey])
        .returns::<DocumentVersionSummary>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Shows whose service this is, and how it looks.
#[derive(Serialize, ToSchema)]
pub struct ServiceView {
    /// The name of the service.
    pub name: String,
    /// The address that people write to; empty for none.
    pub contact: String,
    /// Who operates the service; empty in both languages for none.
    pub imprint: Localized,
    /// The version of the terms: the date from which they apply.
    #[schema(format = Date)]
    pub terms_version: String,
    /// The color of links and buttons.
    pub accent: Accent,
    /// A PNG as a `data:` URL; empty for the logo of Darkroom.
    pub logo: String,
}

impl From<&ServiceTexts> for ServiceView {
    fn from(texts: &ServiceTexts) -> Self {
        Self {
            name: texts.name.clone(),
            contact: texts.contact.clone(),
            imprint: texts.imprint.clone(),
            terms_version: texts.terms.version.clone(),
            accent: texts.accent.clone(),
            logo: texts.logo.clone(),
        }
    }
}

/// Says what to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextsPublicationRequest {
    /// The number of the version that is the latest one, as the author knows. 0 if none was published.
    pub expected: u32,
    /// Why it is published: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// The document.
    pub document: ServiceTexts,
}

impl From<TextsPublicationRequest> for Publication<ServiceTexts> {
    fn from(request: TextsPublicationRequest) -> Self {
        let TextsPublicationRequest { expected, reason, document } = request;
        Self { expected, reason, low_prices_reason: None, document }
    }
}

/// Shows a version of the texts with its document.
#[derive(Serialize, ToSchema)]
pub struct TextsVersionView {
    /// The number.
    pub number: u32,
    /// Who published it, when and why; absent for the compiled default.
    pub publication: Option<DocumentVersionSummary>,
    /// The document.
    pub document: ServiceTexts,
}

impl Published for ServiceTexts {
    type Request = TextsPublicationRequest;
    type View = TextsVersionView;

    fn view(number: u32, publication: Option<DocumentVersionSummary>, document: Self) -> TextsVersionView {
        TextsVersionView { number, publication, document }
    }
}
