//! Describes the API of what providers say about the models of the catalogue, for staff.

use domain::{
    catalogue::{
        Catalogue,
        watch::{ModelFinding, ModelWatch, RetiringModel, retiring},
    },
    staff::role::Role::{Finance, Moderation, Support},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Shows which models of the catalogue their providers do not have or will end, and which the catalogue retires within 30 days
    /// (staff). Providers are asked once a day, and again in each hour until they answer.
    SHOW_MODELS = get("/v1/staff/models", "staff-review")
        .staff(&[Support, Finance, Moderation])
        .returns::<ModelWatchView>(200).problems(&[403, 404]);
}

/// Shows what is known about the models.
#[derive(Serialize, ToSchema)]
pub struct ModelWatchView {
    /// When providers were asked last; null if they were never asked.
    pub asked_at: Option<Timestamp>,
    /// The offers whose provider could not be asked on that day until then.
    pub unanswered: u32,
    /// What they said about models that can be asked for.
    pub findings: Vec<ModelFinding>,
    /// The models that the catalogue retires within 30 days.
    pub retiring: Vec<RetiringModel>,
}

impl ModelWatchView {
    /// Shows what is known about the models of this catalogue.
    #[must_use]
    pub fn new(watch: Option<&ModelWatch>, catalogue: &Catalogue, now: Timestamp) -> Self {
        let findings = watch.map(|watch| watch.present(catalogue, now)).unwrap_or_default();
        Self {
            asked_at: watch.map(|watch| watch.asked_at),
            unanswered: watch.map_or(0, |watch| u32::try_from(watch.silent.len()).unwrap_or(u32::MAX)),
            findings: findings.into_iter().cloned().collect(),
            retiring: retiring(catalogue, now),
        }
    }
}
