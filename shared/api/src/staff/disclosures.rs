//! Describes the API of disclosures: the data that a lawful request demands.

use std::collections::BTreeSet;

use domain::{
    DisclosureId, Refusal,
    privacy::disclosure::{Disclosure, DisclosureScope},
    staff::{justification::Justification, role::Role::Administrator},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::{Parameter::IdempotencyKey, operations};

operations! {
    /// Creates a disclosure: a document of at most 4 MiB that names at most 500 files (staff). It can be downloaded once a
    /// second staff member approved it, and is deleted after seven days. Without an Idempotency-Key a repeat creates another one.
    CREATE = post("/v1/staff/accounts/{account}/disclosures", "staff-access")
        .staff(&[Administrator])
        .takes::<DisclosureRequest>(r#"{"reference": "T-1", "reason": "an order of the court", "kinds": ["account"]}"#)
        .parameters(&[IdempotencyKey])
        .returns::<DisclosureView>(201).problems(&[400, 403, 404, 409, 413, 415, 422, 429]);

    /// Downloads an approved disclosure, with links that work for four minutes (the staff member who created it). Writes an entry of
    /// the access log.
    DOWNLOAD = get("/v1/staff/accounts/{account}/disclosures/{disclosure}", "staff-access")
        .staff(&[Administrator])
        .returns::<DisclosureView>(200).problems(&[403, 404, 409, 429]);
}

/// Says what a lawful request demands. The account owner gets reference and reason with their data.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisclosureRequest {
    /// The reference of the request.
    #[schema(min_length = 1, max_length = 100)]
    pub reference: String,
    /// The reason.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// The kinds of data, named as in a hold. Files do not include their items.
    #[schema(min_items = 1)]
    pub kinds: Vec<String>,
    /// The start of the period, included. The account item is always disclosed as a whole.
    pub from: Option<Timestamp>,
    /// The end of the period, excluded.
    pub to: Option<Timestamp>,
    /// Until when it must not be disclosed to the account owner, at most 366 days from now.
    pub undisclosed_until: Option<Timestamp>,
    /// The legal basis of the non-disclosure. Required with `undisclosed_until`, and only then.
    #[schema(min_length = 1, max_length = 500)]
    pub undisclosed_basis: Option<String>,
}

impl DisclosureRequest {
    /// Splits the request into its justification and its scope.
    ///
    /// # Errors
    /// Fields break rules.
    pub fn split(self, now: Timestamp) -> Result<(Justification, DisclosureScope), Refusal> {
        let undisclosed = (self.undisclosed_until, self.undisclosed_basis);
        let justification = Justification::new((self.reference, self.reason), undisclosed, now)?;
        Ok((justification, DisclosureScope::new(self.kinds, self.from, self.to)?))
    }
}

/// Shows a disclosure to the staff member who created it.
#[derive(Serialize, ToSchema)]
pub struct DisclosureView {
    /// The id, and that of its approval.
    pub id: DisclosureId,
    /// The kinds of data in it.
    pub kinds: BTreeSet<String>,
    /// The start of the period, included.
    pub from: Option<Timestamp>,
    /// The end of the period, excluded.
    pub to: Option<Timestamp>,
    /// The number of items in the document. Only in the response to a download.
    pub items: Option<u64>,
    /// When it is deleted.
    pub expires_at: Timestamp,
    /// A link to the document, JSON. It works for four minutes. Only in the response to a download.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The files that the document names, with links that work for four minutes. Only in the response to a download.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<DisclosedFileView>,
}

impl DisclosureView {
    /// Shows a disclosure without its content.
    #[must_use]
    pub fn new(disclosure: Disclosure) -> Self {
        let Disclosure { id, kinds, from, to, expires_at, .. } = disclosure;
        Self { id, kinds, from, to, items: None, expires_at, url: None, files: Vec::new() }
    }
}

/// Shows a file that a disclosure names.
#[derive(Serialize, ToSchema)]
pub struct DisclosedFileView {
    /// The name, as the document has it.
    pub name: String,
    /// A link to the file. It works for four minutes.
    pub url: String,
}
