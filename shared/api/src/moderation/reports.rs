//! Describes the API of reports.

use domain::{
    ReportId,
    accounts::preferences::Language,
    moderation::report::{NewReport, OutputReference, REFERENCE, Report, ReportReason},
};
use jiff::Timestamp;
use runtime::{http::Problem, seal::Sealer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Reports an image or a video of the gallery or of a share link as illegal or against the terms. Needs no account. The
    /// reporter gets a confirmation and the decision by mail, and the owner never learns who reported. An address reports at
    /// most 20 times a day, a network 30 times an hour unless the operator configured another number. A repeat is another report of the same case.
    FILE = post("/v1/reports", "report").public()
        .takes::<ReportRequest>(
            r#"{"item": "A", "reason": "privacy", "explanation": "It shows my house.", "signature": "Ada Lovelace",
                "email": "ada@example.com", "good_faith": true, "language": "en"}"#
        )
        .returns::<ReportReceipt>(201).problems(&[400, 404, 409, 413, 415, 429]);
}

/// Carries a report.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRequest {
    /// The `report_token` of the image or the video.
    #[schema(min_length = 1, max_length = 400)]
    pub item: String,
    /// What is wrong.
    pub reason: ReportReason,
    /// Why: at most 2,000 characters and 6,000 bytes of UTF-8. Name the law or the right, if you can.
    #[schema(min_length = 1, max_length = 2000)]
    pub explanation: String,
    /// The full name of the reporter, as their signature. Required for `intimate_image` and
    /// `intellectual_property`.
    #[schema(min_length = 1, max_length = 120)]
    pub signature: Option<String>,
    /// The address for the answer. Required for every reason but `sexual_minors`.
    #[schema(format = "email", max_length = 128)]
    pub email: Option<String>,
    /// Must be `true`: the reporter states in good faith that the report is accurate and complete.
    pub good_faith: bool,
    /// The language of the answer, as a BCP 47 tag; English if absent or if there are no texts in it.
    #[schema(max_length = 35)]
    pub language: Option<String>,
}

impl ReportRequest {
    /// Splits the request into the token of the item and the report.
    #[must_use]
    pub fn split(self) -> (String, NewReport) {
        let Self { item, reason, explanation, signature, email, good_faith, language } = self;
        let language = Language::from_tag(language.as_deref().unwrap_or_default());
        (item, NewReport { reason, explanation, signature, email, good_faith, language })
    }
}

/// Confirms a report.
#[derive(Serialize, ToSchema)]
pub struct ReportReceipt {
    /// The id of the report. The mails about it name it.
    pub id: ReportId,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it is decided at the latest.
    pub decide_by: Timestamp,
}

impl ReportReceipt {
    /// Confirms a report whose case is decided by this time.
    #[must_use]
    pub fn new(report: &Report, decide_by: Timestamp) -> Self {
        Self { id: report.id, received_at: report.created_at, decide_by }
    }
}

/// Makes the token that names an output in a report, without telling its account. It is another one each time.
///
/// # Errors
/// A 500.
pub fn report_token(sealer: &Sealer, item: OutputReference) -> Result<String, Problem> {
    Ok(sealer.seal(REFERENCE, &serde_json::to_vec(&item).map_err(Problem::internal)?))
}

/// Opens the token of a report.
///
/// # Errors
/// A 400 if it is not ours.
pub fn open_report_token(sealer: &Sealer, token: &str) -> Result<OutputReference, Problem> {
    let item = sealer.open(REFERENCE, token).and_then(|item| serde_json::from_slice(&item).ok());
    item.ok_or_else(|| Problem::invalid("item", "must be the report_token of an image or a video"))
}
