//! Describes the API of what models earn and cost, for staff.

use domain::{catalogue::margin::Margin, staff::role::Role::Finance};
use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::operations;

operations! {
    /// Shows what each model earned and cost on each day of a month, such as 2026-11 (staff).
    SHOW = get("/v1/staff/margins/{month}", "catalogue")
        .staff(&[Finance])
        .returns::<Margins>(200).problems(&[403, 404]);
}

/// Shows what models earned and cost.
#[derive(Serialize, ToSchema)]
pub struct Margins {
    /// The least that a credit is sold for by now, in millionths of a US dollar.
    pub credit_microusd: Option<i64>,
    /// The sums by day and model. Days without generations are left out.
    pub days: Vec<Margin>,
}
