//! Describes the API of the texts that staff choose from when they reply to a ticket.

use domain::staff::{
    reply_templates::{ReplyTemplate, ReplyTemplates},
    role::Role::Support,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Lists the reply templates (staff).
    LIST = get("/v1/staff/reply-templates", "staff-review")
        .staff(&[Support])
        .returns::<ReplyTemplatesView>(200).problems(&[403, 404]);

    /// Replaces the reply templates (staff). 409 if they were changed since the version that the request names; so does a repeat
    /// without an Idempotency-Key.
    REPLACE = put("/v1/staff/reply-templates", "staff-review")
        .staff(&[Support])
        .takes::<ReplyTemplatesRequest>(
            r#"{"version": 0, "templates": [{"name": "Received", "text": "We look into ticket {ticket}."}]}"#
        )
        .parameters(&[IdempotencyKey])
        .returns::<ReplyTemplatesVersion>(200).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);
}

/// Replaces the templates.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyTemplatesRequest {
    /// The version that is replaced; 0 if there is none.
    pub version: u64,
    /// All templates: at most 40, each with another name.
    #[schema(max_items = 40)]
    pub templates: Vec<ReplyTemplate>,
}

/// Shows the templates.
#[derive(Serialize, ToSchema)]
pub struct ReplyTemplatesView {
    /// The version; 0 if there is none.
    pub version: u64,
    /// The templates.
    pub templates: Vec<ReplyTemplate>,
    /// The member of staff who changed them last, as in access logs.
    pub staff: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

impl From<Option<ReplyTemplates>> for ReplyTemplatesView {
    fn from(templates: Option<ReplyTemplates>) -> Self {
        match templates {
            None => Self { version: 0, templates: Vec::new(), staff: None, at: None },
            Some(ReplyTemplates { templates, staff, at, version }) => {
                Self { version, templates, staff: Some(staff), at: Some(at) }
            }
        }
    }
}

/// Shows the version that templates were stored as.
#[derive(Serialize, ToSchema)]
pub struct ReplyTemplatesVersion {
    /// The version.
    pub version: u64,
}
