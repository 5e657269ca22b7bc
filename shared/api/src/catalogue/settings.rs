//! Describes the API of the settings of the service, for staff.

use domain::{documents::Publication, service_settings::ServiceSettings, staff::role::Role::Administrator};
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
    r#"{"expected": 4294967295, "reason": "larger plans", "document": "#,
    include_str!("../../../domain/service-settings/default.json"),
    "}"
);

operations! {
    /// Returns the JSON Schema of the settings.
    SCHEMA = get("/v1/settings/schema", "catalogue").public()
        .responds(200);

    /// Lists the published versions of the settings, the latest first (staff).
    LIST = get("/v1/staff/settings/versions", "catalogue")
        .staff(&[Administrator])
        .parameters(&[Page]).returns::<DocumentVersionPage>(200).problems(&[400, 403, 404]);

    /// Shows a version of the settings with its document (staff). 0 is the compiled default.
    SHOW = get("/v1/staff/settings/versions/{number}", "catalogue")
        .staff(&[Administrator])
        .returns::<SettingsVersionView>(200).problems(&[403, 404]);

    /// Publishes a version of the settings, which functions use within a minute (staff). What was submitted, stored or paid before
    /// stays as it was. 409 if another version was published meanwhile. An earlier version is published again to go back to it.
    PUBLISH = post("/v1/staff/settings/versions", "catalogue")
        .staff(&[Administrator])
        .takes::<SettingsPublicationRequest>(EXAMPLE)
        .parameters(&[IdempotencyKey])
        .returns::<DocumentVersionSummary>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Says what to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsPublicationRequest {
    /// The number of the version that is the latest one, as the author knows. 0 if none was published.
    pub expected: u32,
    /// Why it is published: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// The document.
    pub document: ServiceSettings,
}

impl From<SettingsPublicationRequest> for Publication<ServiceSettings> {
    fn from(request: SettingsPublicationRequest) -> Self {
        let SettingsPublicationRequest { expected, reason, document } = request;
        Self { expected, reason, low_prices_reason: None, document }
    }
}

/// Shows a version of the settings with its document.
#[derive(Serialize, ToSchema)]
pub struct SettingsVersionView {
    /// The number.
    pub number: u32,
    /// Who published it, when and why; absent for the compiled default.
    pub publication: Option<DocumentVersionSummary>,
    /// The document.
    pub document: ServiceSettings,
}

impl Published for ServiceSettings {
    type Request = SettingsPublicationRequest;
    type View = SettingsVersionView;

    fn view(number: u32, publication: Option<DocumentVersionSummary>, document: Self) -> SettingsVersionView {
        SettingsVersionView { number, publication, document }
    }
}
