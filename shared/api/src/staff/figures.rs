//! Describes the API of the figures of the service, for staff.

use domain::staff::{
    daily_sum::DailySum,
    role::Role::{Finance, Moderation, Support},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Shows what happened on each day of a month, such as 2026-11, and which generations have not ended (staff). Money is shown to
    /// finance only.
    SHOW = get("/v1/staff/figures/{month}", "staff-review")
        .staff(&[Support, Finance, Moderation])
        .returns::<Figures>(200).problems(&[403, 404]);
}

/// Shows what happens in the service. Nothing in it is about a person.
#[derive(Serialize, ToSchema)]
pub struct Figures {
    /// The generations that have not ended by now, at most 500 of each shard of the index.
    pub unfinished: u64,
    /// When the oldest of them was submitted.
    pub oldest_unfinished: Option<Timestamp>,
    /// The sums by day. What did not happen is left out.
    pub days: Vec<DailySum>,
}
