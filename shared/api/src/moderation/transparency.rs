//! Describes the API of the transparency report.

use domain::moderation::outcome::OutcomeCounts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Counts the reports of images and videos, what was decided about them, how fast, and the appeals, by month and reason. Needs
    /// no account. The response may be cached for an hour.
    SHOW = get("/v1/transparency", "report").public()
        .returns::<TransparencyReport>(200).problems(&[429]);
}

/// Counts what was reported and decided.
#[derive(Serialize, ToSchema)]
pub struct TransparencyReport {
    /// The counts by month of the decision, newest first, and by reason. Months without a decision are absent.
    pub counts: Vec<OutcomeCounts>,
    /// Whether all decisions of the last two years are counted. Otherwise the oldest months are left out.
    pub complete: bool,
}
